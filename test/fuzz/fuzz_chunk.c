/* Fuzz target: the chunked decoder.
 *
 * The first two bytes choose how the rest is cut. However it is cut, and whether it is
 * decoded in place or not, the outcome must be the same. */
#include <stdint.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/str.h"
#include "gateway/http/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum chunk_result result;
	size_t used, made;
	char *data;
};

static void decode_whole(const char *src, size_t n, struct outcome *o)
{
	struct chunk_decoder d;

	chunk_init(&d);
	o->data = xmalloc(n);
	o->result = chunk_decode(&d, src, n, &o->used, o->data, &o->made);
	CHECK(o->used <= n && o->made <= o->used);
	CHECK(o->result != CHUNK_MORE || o->used == n);
}

/* Pieces of a, b, a, b ... bytes, each decoded in place. */
static void decode_in_pieces(const char *src, size_t n, const size_t piece[2],
			     struct outcome *o)
{
	struct chunk_decoder d;
	size_t used, made;

	chunk_init(&d);
	*o = (struct outcome){CHUNK_MORE, 0, 0, xmalloc(n)};
	for (unsigned turn = 0; o->used < n && o->result == CHUNK_MORE; turn ^= 1) {
		size_t left = n - o->used, len = piece[turn] < left ? piece[turn] : left;
		char *block = xmalloc(len);

		memcpy(block, src + o->used, len);
		o->result = chunk_decode(&d, block, len, &used, block, &made);
		CHECK(o->result != CHUNK_MORE || used == len);
		memcpy(o->data + o->made, block, made);
		o->used += used;
		o->made += made;
		free(block);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, cut;
	const char *src;
	size_t n, piece[2];

	if (size < 3)
		return 0;
	piece[0] = data[0] ? data[0] : 1;
	piece[1] = data[1] ? data[1] : 1;
	src = (const char *)data + 2;
	n = size - 2;
	decode_whole(src, n, &whole);
	decode_in_pieces(src, n, piece, &cut);
	CHECK(whole.result == cut.result);
	CHECK(whole.used == cut.used && whole.made == cut.made);
	CHECK(memcmp(whole.data, cut.data, whole.made) == 0);
	free(whole.data);
	free(cut.data);
	return 0;
}
