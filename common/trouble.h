/* What the log hears of a fault. One that lasts: each change, but no more than one a
 * minute, else again every ten minutes. One that only happens, be it a thousand times a
 * second: once a minute.
 *
 * Pure: says whether something is to be told; the owner tells it. */
#ifndef COMMON_TROUBLE_H
#define COMMON_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

/* Zero: all is well. */
struct trouble {
	int kind;                   /* that was told last */
	uint64_t since_us, told_us; /* monotonic; 0: not in trouble; never */
};

/* There is trouble of this kind, still or again. True: tell it. */
bool trouble_note(struct trouble *t, int kind, uint64_t now_us);
/* There is none (any more). True: what was told of it has ended, after *lasted_s. */
bool trouble_over(struct trouble *t, uint64_t now_us, uint64_t *lasted_s);
/* Something went wrong that is over at once. True: tell it. */
bool trouble_happened(struct trouble *t, uint64_t now_us);
uint64_t trouble_age_s(const struct trouble *t, uint64_t now_us);

#endif
