/* One request to the manager: its operation found, who calls known, its body collected,
 * answered now or later.
 *
 * An operation runs when all that its row asks for holds. It reads path, query and body,
 * and where one of them is wrong answers by call_is_faulty; asks the database; and ends
 * by exactly one of the answers below, also where the client has left by then (nothing is
 * sent). All on the manager's thread. */
#ifndef GATEWAY_MANAGER_CALL_H
#define GATEWAY_MANAGER_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/trouble.h"
#include "gateway/http/front.h"
#include "gateway/journal/lane.h"
#include "gateway/manager/body.h"
#include "gateway/manager/db.h"
#include "gateway/manager/identity.h"
#include "gateway/manager/operation.h"
#include "gateway/manager/query.h"
#include "gateway/manager/stream.h"
#include "gateway/token/token_sync.h"

#define CALL_BODY_MAX (1024u * 1024)
#define CALL_OWN_BODY_MAX (64u * 1024)
#define CALL_STRANGER_BODY_MAX (4u * 1024) /* where nobody is asked for */
/* Of all that wait: of callers who are known, and of strangers, who are as many as the
 * manager has connections and can so not fill it. */
#define CALL_BODIES_MAX (64u * 1024 * 1024)
#define CALL_STRANGER_BODIES_MAX (4u * 1024 * 1024)
/* A whole body is here within timeouts.body_s, or within this where it has no limit; a
 * stranger's within 10 s at most. */
#define CALL_BODY_MS 30000u
#define CALL_STRANGER_BODY_MS 10000u

struct call;
struct confirmations;
struct exports;
struct identities;
struct live;
struct providers;
struct recording;
struct resolver;
struct tries;

/* What operations work with; lives as long as the manager's thread. */
struct manager_context {
	struct settings *settings;
	struct token_sync *tokens;
	struct resolver *resolver; /* of upstreams' names, for what is known of them */
	struct usage_lane *lane;
	struct recording *recording;
	struct manager_db *db;
	struct confirmations *confirmations;
	struct exports *exports;
	struct identities *identities;
	struct providers *providers;
	struct tries *tries;
	struct live *live;
	const struct operation *operations;
	size_t n_operations;
	/* That are kept at the moment, of bodies: known callers', and strangers'. */
	size_t body_bytes, stranger_bytes;
	/* POST /api/usage-log: events taken, of unknown tokens; calls refused for what
	 * they hold, and for who made them. Read by this thread only. */
	uint64_t logged, unknown, refused, forbidden;
	struct trouble strangers; /* the forbidden, as far as the log has heard */
	struct trouble codes;     /* likewise, providers that give no tokens for them */
};

/* The front's handler that works the context's table off; its ctx is the context. */
const struct http_handler *call_handler(void);

/* --- what was asked --- */

struct manager_context *call_context(const struct call *c);
/* The whole body, in one piece. */
struct str call_body(struct call *c);
/* Wall clock, microseconds: the request's head was complete. */
int64_t call_arrival_us(const struct call *c);
/* Who calls, behind trusted proxies (client_addr_of); valid until the call ends, as all
 * below. */
const struct net_ip *call_client(const struct call *c);
const char *call_request_id(const struct call *c);
/* While the client is there; NULL after it has left (never before run returns). */
const struct request_head *call_head(const struct call *c);
/* NULL where the operation asks for nobody, and for local callers of MAY_LOCAL. */
const struct identity *call_identity(const struct call *c);
/* A path parameter, decoded. */
const char *call_path(const struct call *c, const char *name);
/* The parameters, of these known ones (query.h); faults are noted. */
const struct query *call_query(struct call *c, const char *const *known);
/* The body's fields (body.h); faults are noted. NULL where there are any. */
struct cJSON *call_fields(struct call *c, const struct body_field *fields, size_t n);
/* For faults that the operation finds itself. */
struct input_faults *call_faults(struct call *c);
/* True: there were faults, and the call has been answered with all of them. */
bool call_is_faulty(struct call *c);
/* The actor for functions of the database, as JSON text. */
const char *call_actor(struct call *c);

/* --- asking the database --- */

#define CALL_VALUES_MAX 16
#define CALL_ALL_USERS INT64_MIN /* of changes_user: nobody knows whose it was */

/* One statement that answers with one JSON value. */
struct call_question {
	enum manager_pool pool;
	const char *sql; /* static, as manager_db_ask */
	const char *values[CALL_VALUES_MAX];
	int n_values;
	int status;        /* of the answer; 0: 200 */
	const char *field; /* for refusals that name none: "#/..." or a parameter */
	/* NULL: the JSON is the answer, as it is. Else gets it (p NULL: null, or no row)
	 * and answers. */
	void (*then)(struct call *c, struct str json);
	/* Of a change of what somebody may, or signs in by: whose. 0: of none. Once it
	 * is, or may be, made, this node remembers them no longer. */
	int64_t changes_user;
	int64_t ends_session; /* ... by this session alone; 0: however they come */
	/* Is told of a failure before it is answered; true: has answered it. May be
	 * NULL. */
	bool (*failed)(struct call *c, const struct pg_reply *reply);
};

/* Refuses first what stands in a query that the operation has not read. Ends the caller's
 * hold on the call, as an answer does: refusals of the database's
 * functions (TG400, TG403, TG404, TG409), what it says of wrong values (class 22), its
 * absence, a timeout and a JSON null (404) are answered here. For somebody whose rights
 * are those of before, since the database was away when they came, nothing is asked: 503.
 * A change is heard of also where the client has left. */
void call_ask(struct call *c, const struct call_question *q);
/* What an operation keeps while it asks; freed with the call by free_it. */
void call_keep(struct call *c, void *state, void (*free_it)(void *state));
void *call_kept(const struct call *c);

/* --- answers; each ends the call --- */

/* A field of the answer, whichever it will be; copied. */
void call_set_field(struct call *c, const char *name, const char *value);
void call_reply_json(struct call *c, int status, struct str body);
/* Prints and frees it. */
void call_reply_object(struct call *c, int status, struct cJSON *json);
void call_reply_text(struct call *c, int status, struct str body);
void call_reply_nothing(struct call *c); /* 204 */
/* 302 (RFC 9110 15.4.3); no address that led here is told to where it goes. */
void call_redirect(struct call *c, const char *location);
/* The head of an answer that goes on as a stream; the call, with all that it kept, is
 * over. NULL: there is nobody to stream to (the client has left, or asked for the head
 * alone), and ctx is the caller's to free. */
struct stream *call_stream(struct call *c, const char *content_type,
			   const struct stream_user *user, void *ctx);
/* detail may be NULL. */
void call_problem(struct call *c, enum problem_id id, const char *detail);
void call_problem_later(struct call *c, enum problem_id id, const char *detail,
			uint32_t retry_after_s);

#endif
