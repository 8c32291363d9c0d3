/* POST /api/usage-log's body, read: JSON text in, events or a reason out.
 *
 * Pure. The body is an event, or an array of them. Fields: token_hash, route, timestamp
 * (required); response_status, response_time_ms, ip_address, user_agent, request_method,
 * error_message, request_id (may be missing or null). Others are ignored. Names are
 * case-sensitive. JSON is RFC 8259's, strictly; but what JavaScript makes of any text (an
 * escaped NUL, half a surrogate pair) and bytes that are not UTF-8 stand as U+FFFD. */
#ifndef GATEWAY_MANAGER_INGEST_H
#define GATEWAY_MANAGER_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/journal/event.h"
#include "gateway/token/key_text.h"

#define INGEST_TEXTS 5 /* of an event, in which a key could stand */

/* Times outside are replaced by the arrival: each day a row names gets a partition. */
#define INGEST_OLDEST_DAYS 400
#define INGEST_NEWEST_DAYS 1

struct jsonc_node;

struct ingest {
	/* The event last read: token_id is NULL, its text lives until the next one is
	 * read. Keys in it were replaced. */
	struct usage_event event;
	bool hash_possible; /* token_hash is 64 hex digits; else no token can have it */
	bool time_replaced; /* the timestamp was implausible; tags tell what it was */
	char tags[96];
	char status[64]; /* the error of an event that told none */
	char shown[INGEST_TEXTS][KEY_TEXT_ROOM]; /* texts that held a key, without it */
	size_t n;                                /* events in the body */
	bool is_array;    /* the body is an array, be it of one event */
	struct sbuf text; /* the body, if it had to be changed before it was read */
	struct jsonc_node *document;
	const struct jsonc_node *next;
	size_t index; /* of the event that comes next */
	int64_t arrival_us;
	size_t n_bad; /* events whose fault was told by ingest_next */
	char detail
		[512]; /* what is wrong, for the answer: the first faults, each with the
			   * index of its event and the field */
};

enum ingest_verdict {
	INGEST_OK,
	INGEST_END,       /* no more events */
	INGEST_NOT_JSON,  /* neither a JSON object nor an array, or text behind it */
	INGEST_BAD_FIELD, /* a field is missing, or of a wrong type or value */
};

/* arrival_us: wall clock. INGEST_OK, or INGEST_NOT_JSON with a detail. ingest_fini after
 * either. */
enum ingest_verdict ingest_parse(struct ingest *in, struct str body, int64_t arrival_us);
/* Reads the next event: INGEST_OK, INGEST_BAD_FIELD (its fault is added to detail; the
 * next call reads the one behind it) or INGEST_END. A timestamp below 10^11 is in
 * seconds, others are in milliseconds. */
enum ingest_verdict ingest_next(struct ingest *in);
/* From the first event again. */
void ingest_rewind(struct ingest *in);
void ingest_fini(struct ingest *in);

#endif
