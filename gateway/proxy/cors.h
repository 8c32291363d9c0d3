/* CORS: what preflights are answered, and which fields answers carry for browsers.
 *
 * Pure. The Fetch standard's CORS protocol
 * (https://fetch.spec.whatwg.org/#http-cors-protocol). It tells browsers which pages may
 * read answers; it lets no call in and keeps none out, which the key alone does. */
#ifndef GATEWAY_PROXY_CORS_H
#define GATEWAY_PROXY_CORS_H

#include "gateway/http/request_head.h"
#include "gateway/settings/settings.h"

/* All that cors_add_fields or cors_add_preflight ever append. */
#define CORS_FIELDS_MAX (2 * SETTINGS_CORS_BYTES + 1024)

/* The gateway answers for the route; else CORS is the upstream's own affair. */
static inline bool cors_enabled(const struct settings_route *r)
{
	return r->cors.origins.n != 0;
}

/* A browser asks whether a page may make a call: OPTIONS with one Origin and one
 * Access-Control-Request-Method. It never carries a key. */
bool cors_is_preflight(const struct request_head *h);

/* The upstream's own answer to what the route answers: such fields do not pass. */
bool cors_replaces(struct str name);

/* Appends the lines of an answer to that call, whoever made it:
 * Access-Control-Allow-Origin where the origin is one of the route's, Vary where it
 * depends on it. Nothing where the route has no cors. */
void cors_add_fields(struct sbuf *out, const struct settings_route *r,
		     const struct request_head *h);
/* Likewise for the answer to a preflight; an origin that is not the route's gets Vary
 * only. */
void cors_add_preflight(struct sbuf *out, const struct settings_route *r,
			const struct request_head *h);

#endif
