/* The two clocks: a monotonic one for durations and deadlines, wall time for the
 * record. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Microseconds since an arbitrary start; never goes back. Any thread, no system call
 * (vDSO). */
static inline uint64_t clock_mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* Microseconds since 1970-01-01 00:00:00 UTC. Any thread. */
static inline int64_t clock_wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Whether more than limit_ms have passed since since_us; a limit of 0 never has. */
static inline bool clock_over(uint64_t since_us, uint32_t limit_ms, uint64_t now_us)
{
	return limit_ms != 0 && now_us > since_us &&
	       now_us - since_us > (uint64_t)limit_ms * 1000;
}

#endif
