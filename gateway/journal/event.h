/* One request of a known token, as the usage log keeps it.
 *
 * Columns of token_usage_logs: the older system's ten, then ours (docs/usage.md).
 * Pure. */
#ifndef GATEWAY_JOURNAL_EVENT_H
#define GATEWAY_JOURNAL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

#define USAGE_NULL INT32_MIN  /* in the integer fields, of 64 bits as well: SQL NULL */
#define USAGE_RECORD_MAX 4096 /* bytes of one encoded event; longer text is cut */

/* `outcome`: "complete", or what ended the exchange; RFC 9209's error words where it has
 * one. */
#define USAGE_OUTCOME_COMPLETE "complete"
#define USAGE_OUTCOME_CLIENT_ABORT "client_abort"
#define USAGE_OUTCOME_REVOKED "revoked"
#define USAGE_OUTCOME_SHUTDOWN "shutdown"
#define USAGE_OUTCOME_TUNNEL_TIMEOUT "connection_read_timeout"

/* Every field, once: X(number, member, column, kind, width). The number is the field's
 * tag in a record; it is never given to another field. Width: bytes of text kept at most;
 * a text column of n characters takes n bytes always. Kinds: I32, I64, HASH (32 bytes),
 * TIME (microseconds), TEXT (cut), JSON (NULL where too long, since half of it is
 * none). */
#define USAGE_FIELDS(X)                                                                  \
	X(1, token_id, "token_id", I64, 0)                                               \
	X(2, token_hash, "token_hash", HASH, 0)                                          \
	X(3, route_path, "route_path", TEXT, 255)                                        \
	X(4, used_at_us, "used_at", TIME, 0)                                             \
	X(5, response_status, "response_status", I32, 0)                                 \
	X(6, response_time_ms, "response_time_ms", I32, 0)                               \
	X(7, ip_address, "ip_address", TEXT, 45)                                         \
	X(8, user_agent, "user_agent", TEXT, 512)                                        \
	X(9, request_method, "request_method", TEXT, 10)                                 \
	X(10, error_message, "error_message", TEXT, 1000)                                \
	X(11, request_id, "request_id", TEXT, 128)                                       \
	X(12, outcome, "outcome", TEXT, 64)                                              \
	X(13, upstream_status, "upstream_status", I32, 0)                                \
	X(14, total_ms, "total_ms", I32, 0)                                              \
	X(15, ttfb_ms, "ttfb_ms", I32, 0)                                                \
	X(16, client_wait_ms, "client_wait_ms", I32, 0)                                  \
	X(17, bytes_in, "bytes_in", I64, 0)                                              \
	X(18, bytes_out, "bytes_out", I64, 0)                                            \
	X(19, trace_id, "trace_id", TEXT, 32)                                            \
	X(20, tags, "tags", JSON, 1024)

/* The same, of what is kept with an event and is no column. MARK: 64 bits, 0 is
 * absence. */
#define USAGE_MARKS(X) X(40, once_at_us, "", MARK, 0)

/* Text fields with p == NULL are SQL NULL. Borrowed for the call only. */
struct usage_event {
	int64_t token_id;
	unsigned char token_hash[32];
	struct str route_path;    /* the route's prefix */
	int64_t used_at_us;       /* arrival, wall clock */
	int32_t response_status;  /* what the client got; 499 if it left before that */
	int32_t response_time_ms; /* request sent (connect included) -> response head */
	struct str ip_address;
	struct str user_agent;
	struct str request_method;
	struct str error_message; /* NULL when status < 400 and outcome is complete */
	struct str request_id;
	struct str outcome;
	int32_t upstream_status;
	int32_t total_ms;
	int32_t ttfb_ms;        /* arrival -> first response byte to the client */
	int32_t client_wait_ms; /* time held back by a slow client */
	int64_t bytes_in;       /* request body */
	int64_t bytes_out;      /* response body */
	struct str trace_id;
	struct str tags; /* JSON object or NULL */
	/* 0, or when the event arrived (wall clock): it is stored only if no other event
	 * of its token_hash and request_id was, within 24 h. It then has a request_id. */
	int64_t once_at_us;
};

/* All fields NULL, but the hash (zero), the time and the marks (0). */
void usage_event_init(struct usage_event *e);

/* Encodes as tagged fields into buf (room USAGE_RECORD_MAX); returns the size. Text
 * longer than its width is cut at a character's border and ends in "…"; NUL and each byte
 * that is not UTF-8 (RFC 3629) becomes U+FFFD. Any thread; no system call, no
 * allocation. */
size_t usage_event_encode(const struct usage_event *e, unsigned char *buf);
/* False when the record is damaged, or lacks hash or time. Slices point into buf. Unknown
 * tags are skipped, so that a release reads what a later one has added to. */
bool usage_event_decode(struct usage_event *e, const unsigned char *buf, size_t n);

/* The same treatment of text for others: writes at most width (>= 3) bytes, without NUL;
 * returns how many. */
size_t usage_text_clean(char *to, size_t width, struct str s);

#endif
