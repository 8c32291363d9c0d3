/* CRC-32C, reflected, polynomial 0x82F63B78. */
#include "common/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1ul << 7)
#endif
#endif

#define POLYNOMIAL 0x82f63b78u

/* tables[k][b]: the remainder of byte b with k zero bytes behind it ("slicing by 8",
 * M. Kounavis and F. Berry, 2005). Filled before main; read-only from then on. */
static uint32_t tables[8][256];

static void fill_tables(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t crc = b;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][b] = crc;
	}
	for (uint32_t b = 0; b < 256; b++)
		for (int k = 1; k < 8; k++)
			tables[k][b] = tables[k - 1][b] >> 8 ^
				       tables[0][tables[k - 1][b] & 0xff];
}

uint32_t crc32c_add_portable(uint32_t crc, const void *bytes, size_t n)
{
	const unsigned char *b = bytes;

	crc = ~crc;
	for (; n >= 8; n -= 8, b += 8) {
		uint32_t low = crc ^ ((uint32_t)b[0] | (uint32_t)b[1] << 8 |
				      (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24);

		crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^
		      tables[5][low >> 16 & 0xff] ^ tables[4][low >> 24] ^
		      tables[3][b[4]] ^ tables[2][b[5]] ^ tables[1][b[6]] ^
		      tables[0][b[7]];
	}
	for (; n > 0; n--, b++)
		crc = crc >> 8 ^ tables[0][(crc ^ *b) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t
add_by_instruction(uint32_t crc, const void *bytes, size_t n)
{
	const unsigned char *b = bytes;
	uint64_t c = ~crc, word;

	for (; n >= 8; n -= 8, b += 8) {
		memcpy(&word, b, sizeof word);
		c = _mm_crc32_u64(c, word);
	}
	for (; n > 0; n--, b++)
		c = _mm_crc32_u8((uint32_t)c, *b);
	return ~(uint32_t)c;
}

static int has_instruction(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("sse4.2");
}

#elif defined(__aarch64__)

__attribute__((target("+crc"))) static uint32_t
add_by_instruction(uint32_t crc, const void *bytes, size_t n)
{
	const unsigned char *b = bytes;
	uint64_t word;

	crc = ~crc;
	for (; n >= 8; n -= 8, b += 8) {
		memcpy(&word, b, sizeof word);
		crc = __crc32cd(crc, word);
	}
	for (; n > 0; n--, b++)
		crc = __crc32cb(crc, *b);
	return ~crc;
}

static int has_instruction(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

#else

#define add_by_instruction crc32c_add_portable

static int has_instruction(void)
{
	return 0;
}

#endif

static int by_instruction;

__attribute__((constructor)) static void choose(void)
{
	fill_tables();
	by_instruction = has_instruction();
}

uint32_t crc32c_add(uint32_t crc, const void *bytes, size_t n)
{
	return by_instruction ? add_by_instruction(crc, bytes, n)
			      : crc32c_add_portable(crc, bytes, n);
}
