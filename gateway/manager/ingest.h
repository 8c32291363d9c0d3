/* POST /api/usage-log's body, read: JSON text in, an event or a reason out.
 *
 * Pure. Fields: token_hash, route, timestamp (required); response_status,
 * response_time_ms, ip_address, user_agent, request_method, error_message (may be missing
 * or null). Others are ignored. Names are case-sensitive. */
#ifndef GATEWAY_MANAGER_INGEST_H
#define GATEWAY_MANAGER_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/usage/event.h"

/* Times outside are replaced by the arrival: each day a row names gets a partition. */
#define INGEST_OLDEST_DAYS 400
#define INGEST_NEWEST_DAYS 1

struct cJSON;

struct ingest {
	struct usage_event event; /* token_id is NULL, its text lives until ingest_fini */
	bool hash_possible; /* token_hash is 64 hex digits; else no token can have it */
	bool time_replaced; /* the timestamp was implausible; tags tell what it was */
	char detail[128];   /* what is wrong, for the answer */
	char tags[96];
	struct cJSON *document;
};

enum ingest_verdict {
	INGEST_OK,
	INGEST_NOT_JSON,  /* not one JSON object, or text behind it */
	INGEST_BAD_FIELD, /* a field is missing, or of a wrong type or value */
};

/* arrival_us: wall clock. A timestamp below 10^11 is in seconds, others in milliseconds.
 * ingest_fini after any verdict. */
enum ingest_verdict ingest_parse(struct ingest *in, struct str body, int64_t arrival_us);
void ingest_fini(struct ingest *in);

#endif
