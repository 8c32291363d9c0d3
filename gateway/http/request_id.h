/* Ids that are made here: UUIDs of requests, and digits for traces.
 *
 * Pure but for the seed. UUIDv7: RFC 9562 5.7. */
#ifndef GATEWAY_HTTP_REQUEST_ID_H
#define GATEWAY_HTTP_REQUEST_ID_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define ID_UUID_SIZE 37 /* with NUL */

/* Random bytes for ids: a generator of one thread (xoshiro256**), seeded from OpenSSL;
 * not for keys. */
struct id_source {
	uint64_t state[4];
};
void id_source_init(struct id_source *src);
uint64_t id_source_next(struct id_source *src);

void id_make_uuid7(char out[ID_UUID_SIZE], int64_t wall_us, struct id_source *src);

/* Eight digits at a time: each nibble in a byte of its own, then all made digits at
 * once. */
static inline void id_put_hex8(char *out, uint32_t v)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = v;

	x = (x << 16 | x) & UINT64_C(0x0000ffff0000ffff);
	x = (x << 8 | x) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x << 4 | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	/* A nibble of 10 or more has bit 4 set when 6 is added. */
	x += ones * '0' + ((x + ones * 6) >> 4 & ones) * ('a' - '0' - 10);
	x = htobe64(x);
	memcpy(out, &x, sizeof x);
}

/* The low digits of v in hex, 16 at most, without NUL. */
static inline void id_put_hex(char *out, uint64_t v, unsigned digits)
{
	char all[16];

	id_put_hex8(all, (uint32_t)(v >> 32));
	id_put_hex8(all + 8, (uint32_t)v);
	memcpy(out, all + sizeof all - digits, digits);
}

#endif
