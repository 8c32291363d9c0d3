/* One request of a known token, as the usage log keeps it.
 *
 * Columns of token_usage_logs: the older system's ten, then ours (docs/architecture.md). Pure. */
#ifndef GATEWAY_USAGE_EVENT_H
#define GATEWAY_USAGE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

#define USAGE_NULL INT32_MIN /* in the integer fields: SQL NULL */
#define USAGE_RECORD_MAX 4096 /* bytes of one encoded event: longer text is cut with a mark */

/* `outcome`: "complete", or what ended the exchange; RFC 9209's error words where it has one. */
#define USAGE_OUTCOME_COMPLETE "complete"
#define USAGE_OUTCOME_CLIENT_ABORT "client_abort"
#define USAGE_OUTCOME_REVOKED "revoked"
#define USAGE_OUTCOME_SHUTDOWN "shutdown"

/* Text fields with n == 0 and p == NULL are SQL NULL. Borrowed for the call only. */
struct usage_event {
	int64_t token_id;
	unsigned char token_hash[32];
	struct str route_path;      /* the route's prefix */
	int64_t used_at_us;         /* arrival, wall clock */
	int32_t response_status;    /* what the client got; 499 if it left before that */
	int32_t response_time_ms;   /* request sent (connect included) -> response head */
	struct str ip_address;
	struct str user_agent;
	struct str request_method;
	struct str error_message;   /* NULL when status < 400 and outcome is complete */
	struct str request_id;
	struct str outcome;
	int32_t upstream_status;
	int32_t total_ms;
	int32_t ttfb_ms;            /* arrival -> first response byte to the client */
	int32_t client_wait_ms;     /* time held back by a slow client */
	int64_t bytes_in;           /* request body */
	int64_t bytes_out;          /* response body */
	struct str trace_id;
	struct str tags;            /* JSON object or NULL */
};

/* Encodes as tagged, length-prefixed fields into buf (room USAGE_RECORD_MAX); returns the
 * size. Text is cut at its column's width; invalid UTF-8 and NUL are replaced by U+FFFD. */
size_t usage_event_encode(const struct usage_event *e, unsigned char *buf);
/* False when the record is damaged. Slices point into buf. Unknown tags are skipped. */
bool usage_event_decode(struct usage_event *e, const unsigned char *buf, size_t n);

#endif
