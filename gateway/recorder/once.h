/* Events that are stored once, however often they are sent: those of POST /api/usage-log
 * that carry a request_id.
 *
 * Pure. One list belongs to one batch. Each event stakes a claim, under a key made of its
 * token and request_id; the batch's transaction puts the claims into usage_ingest_ids,
 * and those that the table does not take are of events that were stored before, by
 * whichever process. */
#ifndef GATEWAY_RECORDER_ONCE_H
#define GATEWAY_RECORDER_ONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "gateway/journal/event.h"

#define ONCE_KEY_BYTES 16

struct once_claim {
	unsigned char key[ONCE_KEY_BYTES];
	int64_t at_us;  /* the event's arrival */
	size_t ordinal; /* its place among the events that were read for the batch */
	bool taken;     /* the table took it */
};

struct usage_once {
	struct once_claim *claims;
	size_t n, max;
	uint32_t *slots; /* hash table: a claim's index + 1; 0: free */
	size_t n_slots;
};

enum once_verdict {
	ONCE_CLAIMED,
	ONCE_REPEATED, /* the batch holds this event already */
	ONCE_LATER,    /* the same id, 24 h apart or more: it belongs to another batch */
};

void usage_once_init(struct usage_once *o, size_t max_claims);
void usage_once_fini(struct usage_once *o);
void usage_once_reset(struct usage_once *o);

/* For an event with once_at_us and a request_id. At most max_claims. */
enum once_verdict usage_once_claim(struct usage_once *o, const struct usage_event *e,
				   size_t ordinal);
/* Appends two statements: old claims go, a few at a time; all of the list are put in. The
 * result holds the ids of those that were taken. There must be some. */
void usage_once_sql(const struct usage_once *o, struct sbuf *sql);
/* The table took this id (uuid text). */
void usage_once_taken(struct usage_once *o, struct str id);
/* Claims that were not taken. */
size_t usage_once_repeats(const struct usage_once *o);
/* The claims are in the order of their events: *at walks along with growing ordinals,
 * from 0. True: this event staked a claim that was not taken. */
bool usage_once_is_repeat(const struct usage_once *o, size_t *at, size_t ordinal);

#endif
