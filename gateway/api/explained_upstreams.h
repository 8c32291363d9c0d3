/* What is known of a route's upstream, without asking it. */
#ifndef GATEWAY_API_EXPLAINED_UPSTREAMS_H
#define GATEWAY_API_EXPLAINED_UPSTREAMS_H

#include "common/resolver.h"
#include "gateway/http/problem.h"
#include "gateway/settings/settings.h"

struct cJSON;

enum explained_state { UPSTREAM_WORKS, UPSTREAM_NOT_KNOWN, UPSTREAM_FAILS };

struct explained_upstreams {
	struct cJSON *list; /* {url, tls, state, addresses} of each; the caller's */
	enum explained_state state;
	enum problem_id problem; /* of UPSTREAM_FAILS */
	char text[200];
};

/* From the marks that workers leave on addresses (common/address_mark.h). NULL resolver:
 * nothing is known of any address. The calling thread is a reader of its lists. */
void explained_upstreams(struct explained_upstreams *u, const struct settings_route *r,
			 struct resolver *resolver);

#endif
