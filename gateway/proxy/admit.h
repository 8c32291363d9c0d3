/* Whether a request may pass: its key, where it comes from, its route, the route's scope
 * and methods.
 *
 * No I/O: asks the published token table, which it holds no longer than the call. */
#ifndef GATEWAY_PROXY_ADMIT_H
#define GATEWAY_PROXY_ADMIT_H

#include "gateway/http/problem.h"
#include "gateway/http/request_head.h"
#include "gateway/proxy/key_filter.h"
#include "gateway/proxy/route.h"
#include "gateway/token/token_sync.h"

struct admission {
	bool admitted;
	enum problem_id problem; /* where not admitted */
	char detail[200];        /* for the caller; "" where the title says it all */
	const struct settings_route *route; /* NULL: none matched */
	enum route_verdict routed;
	const char *path_fault; /* of ROUTE_BAD_PATH */
	bool token_known;       /* then the request is recorded, admitted or not */
	/* its key is n == 0 unless the token is known */
	struct key_filter keys;
	int64_t token_id;
	char token_name[TOKEN_NAME_SHOWN_MAX];
	size_t token_name_n;
	unsigned char hash[KEY_HASH_BYTES];
};

struct admit_context {
	const struct token_sync *tokens;
	struct key_hasher *hasher;
	const struct net_ip *client; /* behind trusted proxies */
	uint64_t mono_us;
	int64_t wall_us;
};

/* Whether the key counts, on no route: what its holder may know of it. */
void admit_holder(struct admission *a, const struct request_head *h,
		  const struct admit_context *ctx);
/* First: which route the path belongs to, whoever calls. */
void admit_route(struct admission *a, const struct request_head *h,
		 const struct route_table *routes);
void admit(struct admission *a, const struct request_head *h,
	   const struct admit_context *ctx);

#endif
