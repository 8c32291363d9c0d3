/* A request's head, checked strictly: RFC 9112 sections 2-7, RFC 9110 5-7.
 *
 * Pure: bytes in, verdict out. All slices point into the bytes that were parsed and live
 * as long as those. */
#ifndef GATEWAY_HTTP_REQUEST_HEAD_H
#define GATEWAY_HTTP_REQUEST_HEAD_H

#include "common/http.h"

#define REQUEST_FIELDS_MAX 200 /* upper bound of the setting limits.headers */
#define REQUEST_LINE_MAX                                                                 \
	8192 /* longer ones are refused as 414 (RFC 9112 3: at least 8000) */

struct request_head {
	enum http_method method;
	struct str method_name;
	/* As sent, so it, path and query may hold UTF-8, which goes on and into logs
	 * percent-encoded (has_utf8). */
	struct str target;
	bool has_utf8;
	/* origin-form's path; absolute-form is rewritten; "*" for OPTIONS * */
	struct str path;
	struct str query; /* without '?'; has_query tells "?" with nothing behind it */
	bool has_query;
	int minor; /* HTTP/1.minor, 0 or 1, which 2-9 are taken for */
	struct str host;
	enum http_framing framing;
	uint64_t content_length;
	bool expect_continue; /* only on 1.1 with a body */
	bool close; /* the client wants (or HTTP/1.0 implies) the connection closed */
	/* protocols of Upgrade where Connection names it; else empty */
	struct str upgrade;
	bool te_trailers;
	uint64_t seen; /* HTTP_H_BIT of each field id there is */
	unsigned n_fields;
	struct http_field fields[REQUEST_FIELDS_MAX];
};

struct head_limits {
	size_t head_bytes; /* the whole head with its empty line */
	unsigned headers;
};

/* Why a head was refused: the status to answer and a sentence that names the fault. */
struct head_refusal {
	int status; /* 400, 405, 413, 414, 417, 431, 501, 505 */
	const char *detail;
	bool tls; /* it is a ClientHello */
};

/* Bytes up to and with the empty line that ends a head, or 0 while it is incomplete.
 * Leading CRLFs count as part of the head (RFC 9112 2.2). *scan remembers where to go on
 * and starts as 0. A bare LF also ends a line here, so that request_head_parse gets to
 * refuse it. */
size_t request_head_end(const char *p, size_t n, size_t *scan);

/* For a head that is not complete yet: true if the bytes so far can be refused already,
 * for their size or because they are no HTTP at all (TLS, binary), and *why says so.
 * Looks at the first few hundred bytes only, so that it may be called for each read. */
bool request_head_refuse_early(const char *p, size_t n, const struct head_limits *limits,
			       struct head_refusal *why);

/* Parses one complete head of n bytes (as found by request_head_end). True: *h is filled.
 * False: *why says what is wrong; *h is undefined but for `minor`. Fields that end the
 * hop are marked (hop), nothing is removed. Refuses all that RFC 9112 leaves ambiguous:
 * see test/unit/test_request_head.c for the list. */
bool request_head_parse(struct request_head *h, const char *p, size_t n,
			const struct head_limits *limits, struct head_refusal *why);

static inline bool request_head_has(const struct request_head *h, enum http_field_id id)
{
	return (h->seen & HTTP_H_BIT(id)) != 0;
}

/* The only field of that id, or NULL; *count (may be NULL) tells how many there are. */
const struct http_field *request_head_field(const struct request_head *h,
					    enum http_field_id id, unsigned *count);

#endif
