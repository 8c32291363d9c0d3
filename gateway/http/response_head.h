/* An upstream's response head, checked as strictly as a request's (RFC 9112 4, 6, 9).
 *
 * Pure. Slices point into the parsed bytes. */
#ifndef GATEWAY_HTTP_RESPONSE_HEAD_H
#define GATEWAY_HTTP_RESPONSE_HEAD_H

#include "common/http.h"

#define RESPONSE_FIELDS_MAX 200
#define RESPONSE_HEAD_MAX 65536

struct response_head {
	int status; /* 100-599 */
	struct str reason;
	int minor;
	/* HTTP_NO_BODY for 1xx, 204, 304 and answers to HEAD */
	enum http_framing framing;
	uint64_t content_length;
	bool has_content_length; /* also set where framing is HTTP_NO_BODY (HEAD, 304) */
	bool close;              /* the connection ends with this response */
	uint32_t keep_alive_s;   /* Keep-Alive: timeout=N; 0 = not told */
	struct str content_type;
	bool has_request_id; /* the upstream sent X-Request-Id */
	bool has_date;
	bool sets_cookies;
	struct str upgrade; /* where Connection names it; else empty */
	unsigned n_fields;
	struct http_field fields[RESPONSE_FIELDS_MAX];
};

/* As request_head_end. */
size_t response_head_end(const char *p, size_t n, size_t *scan);

/* method: the request's, since an answer to HEAD has no body. False: *why is a static
 * sentence, and the exchange ends as http_protocol_error (502). */
bool response_head_parse(struct response_head *h, const char *p, size_t n,
			 enum http_method method, const char **why);

#endif
