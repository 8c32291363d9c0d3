/* What would become of a request: each step of its way through the gateway judged by the
 * functions that judge requests, without one being made.
 *
 * Nothing is sent, recorded or logged. The answer has no key and no value of a header in
 * it, and of the request's own bytes only names of fields. */
#ifndef GATEWAY_API_EXPLANATION_H
#define GATEWAY_API_EXPLANATION_H

#include "common/net.h"
#include "gateway/api/explained_head.h"
#include "gateway/settings/settings.h"
#include "gateway/token/token_sync.h"

struct cJSON;
struct resolver;

struct explanation_question {
	const struct settings *settings;
	struct explained_request request;
	const struct net_ip *peer; /* of the socket; NULL: not told */
	const struct token_table *tokens;
	enum token_state state;
	/* That of a running gateway, for what is known of the upstream's addresses; the
	 * calling thread is a reader of its lists. NULL: nothing is. */
	struct resolver *resolver;
	int64_t wall_us;
};

/* An object, the caller's:
 *
 *   outcome  "passes", "answered" (by the gateway itself), "refused", "upstream_fails"
 *   status   what the gateway would answer with; null: the upstream's
 *   code, text, advice  why, and what to do; code and advice null where nothing fails
 *   steps    in a fixed order: {step, result, text, code, advice}; result is "ok",
 *            "fails" or "unknown"
 *   token    {id, name, scopes, expires_at, old_key_until}, or null
 *   route    route_facts, or null; then nearest_route may be a path
 *   headers  {added, changed, removed, secret_missing}: names; null without a route
 *   upstreams  {url, tls, state, addresses} of each */
struct cJSON *explanation_of_request(const struct explanation_question *q);

#endif
