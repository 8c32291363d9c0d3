/* Pseudo-random numbers, quick and well spread; never for secrets. xoshiro256** 1.0, D.
 * Blackman and S. Vigna, 2018. Any thread, each with a state of its own. */
#ifndef COMMON_XOSHIRO_H
#define COMMON_XOSHIRO_H

#include <stdint.h>

static inline uint64_t xoshiro_rotate(uint64_t x, unsigned k)
{
	return x << k | x >> (64 - k);
}

/* The next 64 bits. A state that is all zero gives only zeros: seed it otherwise. */
static inline uint64_t xoshiro_next(uint64_t s[4])
{
	uint64_t result = xoshiro_rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = xoshiro_rotate(s[3], 45);
	return result;
}

#endif
