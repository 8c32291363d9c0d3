/* Looks on at a lane whose producer runs: records as they are appended, whatever the
 * consumer has read by then.
 *
 * Holds nobody up: what is overwritten before it was looked at is missed, and counted.
 * The journal's thread. */
#ifndef GATEWAY_JOURNAL_LANE_TAP_H
#define GATEWAY_JOURNAL_LANE_TAP_H

#include <stdint.h>

struct usage_lane;
struct usage_tap;

struct lane_tap {
	uint64_t at;   /* of the next record */
	uint64_t seen; /* of the lane's appended events */
};

/* What is appended from now on. (From the lane's start: {0}.) */
void lane_tap_start(struct lane_tap *t, const struct usage_lane *lane);
/* Copies all that came since to `to`. */
void lane_tap_copy(struct lane_tap *t, const struct usage_lane *lane,
		   struct usage_tap *to);

#endif
