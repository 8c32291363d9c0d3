/* One request to the manager: found in a table, its body collected, answered now or
 * later.
 *
 * All on the manager's thread. */
#ifndef GATEWAY_MANAGER_CALL_H
#define GATEWAY_MANAGER_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/trouble.h"
#include "gateway/http/front.h"
#include "gateway/token/token_sync.h"
#include "gateway/journal/lane.h"

#define MANAGER_BODY_MAX (64u * 1024)

struct manager_db;
struct call;

enum endpoint_callers {
	CALLERS_ALL,
	CALLERS_LOCAL, /* requests that client_is_local */
	/* those that ingest_access lets in; a segment behind the path is the secret */
	CALLERS_INGEST,
};

struct endpoint {
	const char *path;        /* exactly */
	enum http_method method; /* GET answers HEAD too */
	enum endpoint_callers callers;
	bool json; /* has a JSON body, and changes something */
	/* Answers by one of the calls below, at once or later: until then the call is its
	 * own. */
	void (*run)(struct call *call);
};

/* What endpoints work with; lives as long as the manager's thread. */
struct recording;

struct manager_context {
	struct settings *settings;
	struct token_sync *tokens;
	struct usage_lane *lane;
	struct recording *recording;
	struct manager_db *db;
	const struct endpoint *endpoints;
	size_t n_endpoints;
	/* POST /api/usage-log: events taken, of unknown tokens; calls refused for what
	 * they hold, and for who made them. Read by this thread only. */
	uint64_t logged, unknown, refused, forbidden;
	struct trouble strangers; /* the forbidden, as far as the log has heard */
};

/* The front's handler that works the context's table off; its ctx is the context. */
const struct http_handler *call_handler(void);

struct manager_context *call_context(const struct call *c);
/* The whole body, in one piece. */
struct str call_body(struct call *c);
/* Wall clock, microseconds: the request's head was complete. */
int64_t call_arrival_us(const struct call *c);
/* Who calls, behind trusted proxies (client_addr_of); valid until the call ends. */
const struct net_ip *call_client(const struct call *c);

/* Each ends the call. Where the client has left, nothing is sent. */
void call_reply_json(struct call *c, int status, struct str body);
void call_reply_text(struct call *c, int status, struct str body);
void call_problem(struct call *c, enum problem_id id, const char *detail);

#endif
