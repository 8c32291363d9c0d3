/* Ids that are made here: UUIDs of requests, and digits for traces. */
#include "gateway/http/request_id.h"

#include <openssl/rand.h>

#include "common/check.h"
#include "common/xoshiro.h"

void id_source_init(struct id_source *src)
{
	/* All zero is the one state that the generator cannot leave. */
	do {
		if (RAND_bytes((unsigned char *)src->state, sizeof src->state) != 1)
			die("OpenSSL has no randomness");
	} while (!(src->state[0] | src->state[1] | src->state[2] | src->state[3]));
}

uint64_t id_source_next(struct id_source *src)
{
	return xoshiro_next(src->state);
}

void id_make_uuid7(char out[ID_UUID_SIZE], int64_t wall_us, struct id_source *src)
{
	uint64_t ms = (uint64_t)(wall_us / 1000), a = id_source_next(src),
		 b = id_source_next(src);

	id_put_hex(out, ms >> 16, 8);
	id_put_hex(out + 9, ms, 4);
	id_put_hex(out + 14, 0x7000 | (a & 0xfff), 4);
	id_put_hex(out + 19, 0x8000 | (a >> 12 & 0x3fff), 4);
	id_put_hex(out + 24, b, 12);
	out[8] = out[13] = out[18] = out[23] = '-';
	out[36] = '\0';
}
