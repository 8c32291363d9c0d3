/* Fuzz target: a .env file. */
#include <stddef.h>
#include <stdint.h>

#include "common/check.h"
#include "gateway/settings/env_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct env_file *e = env_file_new();
	struct sbuf report;
	bool ok;

	if (size > 65536)
		size = 65536;
	sbuf_init(&report, 16u << 20);
	ok = env_file_read_text(e, ".env", (struct str){(const char *)data, size},
				&report);
	CHECK(ok == (report.n == 0));
	env_file_get(e, "A");
	env_file_free(&e);
	sbuf_fini(&report);
	return 0;
}
