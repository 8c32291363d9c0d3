/* One request to the manager: from its head to the operation that runs.
 *
 * The head decides first: which operation, whether this page and this name may call it,
 * who calls, and whether they may. Only then the body is taken. An operation that answers
 * later may find that the client has left (conn is NULL): then the answer only frees the
 * call. */
#include "gateway/manager/call.h"

#include <cjson/cJSON.h>
#include <event2/buffer.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/json_text.h"
#include "common/log.h"
#include "gateway/http/client_addr.h"
#include "gateway/manager/call_gate.h"
#include "gateway/manager/call_priv.h"
#include "gateway/manager/identities.h"
#include "gateway/manager/ingest_access.h"
#include "gateway/manager/tries.h"
#include "gateway/pages/pages.h"

static const struct http_conn_user conn_user;

static struct call *call_new(struct http_conn *conn, struct manager_context *context,
			     const struct operation_match *match)
{
	const struct request_head *h = http_conn_head(conn);
	struct call *c = xcalloc(1, sizeof *c);

	c->magic = CALL_MAGIC;
	c->conn = conn;
	c->context = context;
	c->match = *match;
	c->client = client_addr_of(h, http_conn_peer(conn), context->settings);
	c->arrival_us = http_conn_arrival_wall_us(conn);
	CHECK(str_copy(c->request_id, sizeof c->request_id, http_conn_request_id(conn)));
	c->query_text = xcalloc(1, h->query.n + 1);
	memcpy(c->query_text, h->query.p != NULL ? h->query.p : "", h->query.n);
	c->body = evbuffer_new();
	CHECK(c->body != NULL);
	sbuf_init(&c->answer_fields, CALL_FIELDS_MAX);
	http_conn_set_user(conn, &conn_user, c);
	return c;
}

/* Anybody may call it, and nothing is known of who does. */
static bool is_strangers(const struct call *c)
{
	return c->match.operation->may == MAY_ANYONE;
}

static size_t *bodies_of_its_kind(struct call *c)
{
	return is_strangers(c) ? &c->context->stranger_bytes : &c->context->body_bytes;
}

static void count_body(struct call *c, size_t n)
{
	*bodies_of_its_kind(c) += n - c->counted;
	c->counted = n;
}

/* Bodies may hold keys and codes. */
static void wipe_body(struct evbuffer *body)
{
	struct evbuffer_iovec v;

	while (evbuffer_peek(body, -1, NULL, &v, 1) > 0 && v.iov_len > 0) {
		OPENSSL_cleanse(v.iov_base, v.iov_len);
		evbuffer_drain(body, v.iov_len);
	}
	evbuffer_free(body);
}

static void wipe_fields(cJSON *fields)
{
	for (cJSON *f = fields; f != NULL; f = f->next) {
		if (f->valuestring != NULL)
			OPENSSL_cleanse(f->valuestring, strlen(f->valuestring));
		wipe_fields(f->child);
	}
}

struct http_conn *call_free(struct call *c)
{
	struct http_conn *conn;

	OBJ_CHECK(c, CALL_MAGIC);
	conn = c->conn;
	count_body(c, 0);
	manager_db_leave(&c->ask);
	if (c->free_kept != NULL)
		c->free_kept(c->kept);
	identity_unref(&c->identity);
	query_fini(&c->query);
	wipe_fields(c->fields);
	cJSON_Delete(c->fields);
	input_faults_fini(&c->faults);
	sbuf_fini(&c->answer_fields);
	free(c->actor);
	free(c->query_text);
	wipe_body(c->body);
	c->magic = 0;
	free(c);
	return conn;
}

/* --- what was asked --- */

struct manager_context *call_context(const struct call *c)
{
	return c->context;
}

struct str call_body(struct call *c)
{
	size_t n = evbuffer_get_length(c->body);

	return (struct str){(const char *)evbuffer_pullup(c->body, -1), n};
}

int64_t call_arrival_us(const struct call *c)
{
	return c->arrival_us;
}

const struct net_ip *call_client(const struct call *c)
{
	return &c->client;
}

const char *call_request_id(const struct call *c)
{
	return c->request_id;
}

const struct request_head *call_head(const struct call *c)
{
	return c->conn != NULL ? http_conn_head(c->conn) : NULL;
}

const struct identity *call_identity(const struct call *c)
{
	return c->identity;
}

const char *call_path(const struct call *c, const char *name)
{
	for (size_t i = 0; i < c->match.n_values; i++)
		if (str_eq(c->match.values[i].name, str_of(name)))
			return c->match.values[i].text;
	CHECK(!"a name in the operation's path");
	return NULL;
}

const struct query *call_query(struct call *c, const char *const *known)
{
	CHECK(!c->query_is_read);
	c->query_is_read = true;
	query_read(&c->query, str_of(c->query_text), known, &c->faults);
	return &c->query;
}

struct cJSON *call_fields(struct call *c, const struct body_field *fields, size_t n)
{
	size_t before = c->faults.n;

	CHECK(c->fields == NULL);
	c->fields = body_read(call_body(c), fields, n, &c->faults);
	return c->faults.n == before ? c->fields : NULL;
}

struct input_faults *call_faults(struct call *c)
{
	return &c->faults;
}

const char *call_actor(struct call *c)
{
	char address[NET_ADDR_TEXT_MAX];
	cJSON *actor;

	if (c->actor != NULL || c->identity == NULL)
		return c->actor;
	net_ip_text(&c->client, address);
	actor = identity_actor(c->identity, address, str_of(c->request_id));
	c->actor = json_text_take(actor);
	return c->actor;
}

void call_keep(struct call *c, void *state, void (*free_it)(void *state))
{
	CHECK(c->kept == NULL);
	c->kept = state;
	c->free_kept = free_it;
}

void *call_kept(const struct call *c)
{
	return c->kept;
}

/* --- the body --- */

static void run(struct call *c)
{
	c->state = CALL_RUNNING;
	c->match.operation->run(c);
}

static size_t body_max(const struct call *c)
{
	if (is_strangers(c))
		return CALL_STRANGER_BODY_MAX;
	return c->match.operation->body == BODY_OWN ? CALL_OWN_BODY_MAX : CALL_BODY_MAX;
}

static uint32_t body_ms(const struct call *c)
{
	uint32_t ms = c->context->settings->timeouts.body_ms;

	if (ms == 0)
		ms = CALL_BODY_MS;
	return is_strangers(c) && ms > CALL_STRANGER_BODY_MS ? CALL_STRANGER_BODY_MS : ms;
}

static void refuse_size(struct call *c)
{
	char detail[64];

	snprintf(detail, sizeof detail, "the body may have %zu KiB", body_max(c) / 1024);
	call_problem(c, PROBLEM_BODY_TOO_LARGE, detail);
}

/* False: there are too many bodies, and the call was answered. */
static bool has_room(struct call *c)
{
	size_t n = evbuffer_get_length(c->body);
	size_t most = is_strangers(c) ? CALL_STRANGER_BODIES_MAX : CALL_BODIES_MAX;

	if (*bodies_of_its_kind(c) - c->counted + n > most) {
		call_problem(c, PROBLEM_BUSY, "too many bodies wait to be read");
		return false;
	}
	count_body(c, n);
	return true;
}

static void collect(struct call *c)
{
	enum http_body_state state;
	size_t before;

	do {
		before = evbuffer_get_length(c->body);
		state = http_conn_body(c->conn, c->body, body_max(c));
	} while (state == HTTP_BODY_MORE && evbuffer_get_length(c->body) > before);
	if (!has_room(c))
		return;
	switch (state) {
	case HTTP_BODY_MORE:
		break;
	case HTTP_BODY_END:
		run(c);
		break;
	case HTTP_BODY_BAD:
		call_problem(c, PROBLEM_BAD_REQUEST, "the body's framing is broken");
		break;
	case HTTP_BODY_TOO_LARGE:
		refuse_size(c);
		break;
	case HTTP_BODY_TIMEOUT:
		call_problem(c, PROBLEM_REQUEST_TIMEOUT,
			     "the body took longer than it may");
		break;
	}
}

static void admit(struct call *c)
{
	if (c->match.operation->body == BODY_NONE) {
		run(c);
		return;
	}
	http_conn_set_body_limits(c->conn, body_max(c), body_ms(c));
	http_conn_set_body_total(c->conn, body_ms(c));
	c->state = CALL_COLLECTING;
	collect(c);
}

/* --- who calls --- */

static void refuse_unknown(struct call *c, const struct identity_answer *a)
{
	switch (a->verdict) {
	case IDENTITY_NONE:
		call_problem(
			c, PROBLEM_NOT_SIGNED_IN,
			"send a personal key as Authorization: Bearer tgu_...; " GATE_FIRST_KEY);
		break;
	case IDENTITY_BAD:
		call_problem(c, PROBLEM_BAD_SIGN_IN, a->detail);
		break;
	case IDENTITY_BUSY:
		call_problem_later(c, PROBLEM_SIGN_IN_BUSY, a->detail, TRIES_LATER_S);
		break;
	case IDENTITY_UNKNOWN:
		call_problem(c, PROBLEM_DATABASE_UNAVAILABLE, a->detail);
		break;
	case IDENTITY_UNJUDGED:
		call_problem(c, PROBLEM_PROVIDER_UNAVAILABLE, a->detail);
		break;
	case IDENTITY_FOUND:
		CHECK(!"somebody who is known");
	}
}

static void on_identity(void *ctx, const struct identity_answer *a)
{
	struct call *c = ctx;
	struct gate_refusal why;

	OBJ_CHECK(c, CALL_MAGIC);
	c->identity = a->verdict == IDENTITY_FOUND ? a->identity : NULL;
	if (c->conn == NULL)
		call_free(c);
	else if (a->verdict != IDENTITY_FOUND)
		refuse_unknown(c, a);
	else if (!gate_identity(c->identity, c->match.operation, &why))
		call_problem(c, why.id, why.detail);
	else
		admit(c);
}

static void identify(struct call *c)
{
	const struct request_head *h = http_conn_head(c->conn);

	c->state = CALL_IDENTIFYING;
	identities_find(c->context->identities, h, &c->client, on_identity, c);
}

/* --- the front's callbacks --- */

#define PAGE_FIELDS_MAX (SETTINGS_ORIGIN_MAX + 256)

/* A page elsewhere that is listed reads the answers, refusals as well, of calls that
 * bring a key (Fetch standard 3.2); cookies stay out of it. "" for others. */
static const char *page_fields(const struct request_head *h, const struct settings *s,
			       char fields[PAGE_FIELDS_MAX])
{
	struct str origin = gate_cors_origin(h, s);

	*fields = '\0';
	if (origin.p != NULL)
		snprintf(fields, PAGE_FIELDS_MAX,
			 "Access-Control-Allow-Origin: " STR_FMT "\r\n"
			 "Access-Control-Expose-Headers: Tollgate-Request-Id, "
			 "Retry-After\r\n"
			 "Vary: Origin\r\n",
			 STR_ARG(origin));
	return fields;
}

/* Before there is a call. */
static void refuse_with(struct http_conn *conn, struct manager_context *m,
			struct problem_answer answer)
{
	char fields[PAGE_FIELDS_MAX];

	answer.fields = str_of(page_fields(http_conn_head(conn), m->settings, fields));
	http_conn_problem(conn, answer);
}

static bool refuse(struct http_conn *conn, struct manager_context *m, enum problem_id id,
		   const char *detail)
{
	refuse_with(conn, m, (struct problem_answer){.id = id, .detail = detail});
	return true;
}

/* Whoever wonders why no records arrive finds it in the log. */
static void tell_of_stranger(struct manager_context *m, const char *detail)
{
	m->forbidden++;
	if (trouble_happened(&m->strangers, clock_mono_us()))
		log_warn("POST /api/usage-log was refused: %s", detail);
}

/* True: answered. */
static bool refuse_sender(struct http_conn *conn, struct manager_context *m)
{
	const struct request_head *h = http_conn_head(conn);
	char detail[INGEST_ACCESS_DETAIL];
	struct str secret;

	ingest_path(h->path, &secret);
	if (ingest_access(h, http_conn_peer(conn), secret, m->settings, detail))
		return false;
	tell_of_stranger(m, detail);
	return refuse(conn, m, PROBLEM_FORBIDDEN, detail);
}

static bool refuse_early(struct http_conn *conn, struct manager_context *m,
			 const struct operation *o)
{
	const struct request_head *h = http_conn_head(conn);
	struct gate_refusal why;

	if (o->may == MAY_INGEST && refuse_sender(conn, m))
		return true;
	if (gate_head(h, o, m->settings, identities_by_cookie(h), &why))
		return false;
	return refuse(conn, m, why.id, why.detail);
}

/* True: it was a preflight, and is answered. */
static bool answer_preflight(struct http_conn *conn, struct manager_context *m,
			     const struct operation_match *match)
{
	const struct request_head *h = http_conn_head(conn);
	struct str origin = gate_cors_origin(h, m->settings);
	char fields[SETTINGS_ORIGIN_MAX + 400];

	if (h->method != HTTP_OPTIONS || match->allow == 0 || origin.p == NULL)
		return false;
	snprintf(fields, sizeof fields,
		 "Access-Control-Allow-Origin: " STR_FMT "\r\n"
		 "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE\r\n"
		 "Access-Control-Allow-Headers: Authorization, X-API-Key, "
		 "Content-Type, Idempotency-Key\r\n"
		 "Access-Control-Max-Age: 600\r\n"
		 "Vary: Origin\r\n",
		 STR_ARG(origin));
	http_conn_answer(conn,
			 &(struct http_answer){.status = 204, .fields = str_of(fields)});
	return true;
}

/* What load balancers ask for where they are told nothing else (RFC 9110 9.3.7). */
static bool asks_for_server(const struct request_head *h)
{
	return h->method == HTTP_OPTIONS &&
	       (str_eq(h->path, STR("*")) || str_eq(h->path, STR("/")) ||
		str_eq(h->path, STR("/health")));
}

static void refuse_place(struct http_conn *conn, struct manager_context *m,
			 const struct operation_match *match)
{
	refuse_with(conn, m,
		    (struct problem_answer){
			    .id = match->allow ? PROBLEM_METHOD_NOT_ALLOWED
					       : PROBLEM_NO_ROUTE,
			    .detail = "GET / lists what there is",
			    .allow_methods = match->allow,
		    });
}

static void start(struct call *c)
{
	const struct request_head *h = http_conn_head(c->conn);

	switch (c->match.operation->may) {
	case MAY_ANYONE:
	case MAY_INGEST:
	case MAY_HOLDER:
		admit(c);
		break;
	case MAY_LOCAL:
		if (client_is_local(h, http_conn_peer(c->conn)))
			admit(c);
		else
			identify(c);
		break;
	case MAY_KNOWN:
	case MAY_VIEW:
	case MAY_MANAGE:
	case MAY_ADMIN:
		identify(c);
		break;
	}
}

static void on_request(struct http_conn *conn, void *ctx)
{
	struct manager_context *m = ctx;
	const struct request_head *h = http_conn_head(conn);
	struct operation_match match;

	if (asks_for_server(h)) {
		http_conn_reply(conn, 200, "application/json", HTTP_METHODS_ALL,
				STR("{\"status\":\"ok\"}\n"));
		return;
	}
	if (pages_answer(conn))
		return;
	operation_find(m->operations, m->n_operations, h->path, h->method, &match);
	if (answer_preflight(conn, m, &match))
		return;
	if (match.operation == NULL) {
		if (match.allow != 0 || !pages_answer_unknown(conn))
			refuse_place(conn, m, &match);
	} else if (!refuse_early(conn, m, match.operation)) {
		struct call *c = call_new(conn, m, &match);
		char fields[PAGE_FIELDS_MAX];

		sbuf_str(&c->answer_fields, str_of(page_fields(h, m->settings, fields)));
		start(c);
	}
}

static void on_body(struct http_conn *conn, void *ctx)
{
	struct call *c = ctx;

	(void)conn;
	OBJ_CHECK(c, CALL_MAGIC);
	if (c->state == CALL_COLLECTING)
		collect(c);
}

static void on_writable(struct http_conn *conn, void *ctx)
{
	(void)conn;
	(void)ctx;
}

static void on_gone(struct http_conn *conn, void *ctx)
{
	struct call *c = ctx;

	(void)conn;
	OBJ_CHECK(c, CALL_MAGIC);
	c->conn = NULL;
	/* Who has it otherwise answers it to nobody, so that a change is heard of. */
	if (c->state == CALL_COLLECTING ||
	    (c->state == CALL_ASKING && c->question.pool != DB_CHANGES))
		call_free(c);
}

static const struct http_conn_user conn_user = {
	.on_body = on_body,
	.on_writable = on_writable,
	.on_gone = on_gone,
};

const struct http_handler *call_handler(void)
{
	static const struct http_handler handler = {.on_request = on_request};

	return &handler;
}
