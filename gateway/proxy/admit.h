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
	const struct token_table *tokens; /* as published; NULL: never loaded */
	enum token_state state;           /* the table's */
	struct key_hasher *hasher;
	const struct net_ip *client; /* behind trusted proxies */
	int64_t wall_us;
};

/* What is judged, in this order; the first that fails refuses. */
enum admit_step {
	ADMIT_KNOWN_METHOD, /* one that the gateway knows */
	ADMIT_KEY,          /* there is one key, and it is a token's */
	ADMIT_TOKEN,        /* neither revoked, past its end, nor disabled */
	ADMIT_ADDRESS,      /* the token may be used from there */
	ADMIT_URL,          /* no key stands in it */
	ADMIT_ROUTE,        /* as admit_route found it */
	ADMIT_SCOPE,        /* the token has the route's */
	ADMIT_METHOD,       /* the route takes it */
	ADMIT_BODY,         /* the route takes as much */
	ADMIT_STEPS
};

/* Whether the key counts, on no route: what its holder may know of it. */
void admit_holder(struct admission *a, const struct request_head *h,
		  const struct admit_context *ctx);
/* First: which route the path belongs to, whoever calls. */
void admit_route(struct admission *a, const struct request_head *h,
		 const struct route_table *routes);
void admit(struct admission *a, const struct request_head *h,
	   const struct admit_context *ctx);
/* One step alone, for who tells more than the first refusal; false: a->problem and
 * a->detail say why. ADMIT_KEY fills *t, which lives as long as the table and which
 * ADMIT_TOKEN, ADMIT_ADDRESS and ADMIT_SCOPE need; those behind ADMIT_ROUTE need a
 * route. */
bool admit_step(struct admission *a, enum admit_step step, struct token_view *t,
		const struct request_head *h, const struct admit_context *ctx);

#endif
