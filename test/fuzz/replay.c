/* Runs a fuzz target once over each file that is named: the corpus as an ordinary
 * test. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (1u << 20)

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		uint8_t *buf, *exact;
		size_t n;

		if (f == NULL) {
			perror(argv[i]);
			return 1;
		}
		buf = malloc(INPUT_MAX);
		if (buf == NULL)
			return 1;
		n = fread(buf, 1, INPUT_MAX, f);
		fclose(f);
		/* A block of exactly n bytes, so that one byte too far is seen. */
		exact = realloc(buf, n ? n : 1);
		if (exact == NULL)
			return 1;
		LLVMFuzzerTestOneInput(exact, n);
		free(exact);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
