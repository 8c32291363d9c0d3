/* One request to the manager.
 *
 * A call belongs to its connection while the body arrives, and to its endpoint from run()
 * on. An endpoint that answers later may find that the client has left (conn is NULL):
 * then the answer only frees the call. */
#include "gateway/manager/call.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/http/client_addr.h"
#include "gateway/manager/ingest_access.h"

#define CALL_MAGIC 0x63616c31u

struct call {
	uint32_t magic;
	struct http_conn *conn; /* NULL: the client has left */
	struct manager_context *context;
	const struct endpoint *endpoint;
	struct evbuffer *body;
	struct net_ip client;
	int64_t arrival_us;
	bool running; /* the endpoint has it */
};

static const struct http_conn_user conn_user;

static struct call *call_new(struct http_conn *conn, struct manager_context *context,
			     const struct endpoint *endpoint)
{
	struct call *c = xcalloc(1, sizeof *c);

	c->magic = CALL_MAGIC;
	c->conn = conn;
	c->context = context;
	c->endpoint = endpoint;
	c->client = client_addr_of(http_conn_head(conn), http_conn_peer(conn),
				   context->settings);
	c->arrival_us = http_conn_arrival_wall_us(conn);
	c->body = evbuffer_new();
	CHECK(c->body != NULL);
	http_conn_set_user(conn, &conn_user, c);
	return c;
}

/* Returns the connection to answer on, or NULL. */
static struct http_conn *call_free(struct call *c)
{
	struct http_conn *conn;

	OBJ_CHECK(c, CALL_MAGIC);
	conn = c->conn;
	evbuffer_free(c->body);
	c->magic = 0;
	free(c);
	return conn;
}

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

static void reply(struct call *c, int status, const char *content_type, struct str body)
{
	struct http_conn *conn = call_free(c);

	if (conn != NULL)
		http_conn_reply(conn, status, content_type, 0, body);
}

void call_reply_json(struct call *c, int status, struct str body)
{
	reply(c, status, "application/json", body);
}

void call_reply_text(struct call *c, int status, struct str body)
{
	reply(c, status, "text/plain; charset=utf-8", body);
}

void call_problem(struct call *c, enum problem_id id, const char *detail)
{
	struct http_conn *conn = call_free(c);

	if (conn != NULL)
		http_conn_problem(conn,
				  (struct problem_answer){.id = id, .detail = detail});
}

/* --- which endpoint --- */

static bool answers(const struct endpoint *e, enum http_method method)
{
	return e->method == method || (e->method == HTTP_GET && method == HTTP_HEAD);
}

static bool is_path_of(const struct endpoint *e, struct str path)
{
	struct str secret;

	if (e->callers == CALLERS_INGEST)
		return ingest_path(path, &secret);
	return str_eq(path, str_of(e->path));
}

/* NULL: none; *allow holds the methods that the path has. */
static const struct endpoint *find_endpoint(const struct manager_context *m,
					    const struct request_head *h, uint32_t *allow)
{
	const struct endpoint *found = NULL;

	*allow = 0;
	for (size_t i = 0; i < m->n_endpoints; i++) {
		const struct endpoint *e = &m->endpoints[i];

		if (!is_path_of(e, h->path))
			continue;
		*allow |= HTTP_METHOD_BIT(e->method);
		if (e->method == HTTP_GET)
			*allow |= HTTP_METHOD_BIT(HTTP_HEAD);
		if (answers(e, h->method))
			found = e;
	}
	return found;
}

/* --- what a call that changes something must look like --- */

static bool is_json(const struct request_head *h)
{
	unsigned count = 0;
	const struct http_field *f = request_head_field(h, HTTP_H_CONTENT_TYPE, &count);
	const char *semicolon;
	struct str type;

	if (f == NULL || count != 1)
		return false;
	type = f->value;
	semicolon = memchr(type.p, ';', type.n);
	if (semicolon != NULL)
		type.n = (size_t)(semicolon - type.p);
	return str_ieq(str_trim(type), STR("application/json"));
}

/* A page of another origin may make a browser send this: the browser then says so. */
static bool is_same_origin(const struct request_head *h)
{
	unsigned count = 0;
	const struct http_field *f = request_head_field(h, HTTP_H_ORIGIN, &count);
	static const struct str schemes[] = {STR("http://"), STR("https://")};

	if (count == 0)
		return true;
	if (f == NULL || count != 1)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		struct str rest = f->value;

		if (!str_has_prefix(rest, schemes[i]))
			continue;
		rest.p += schemes[i].n;
		rest.n -= schemes[i].n;
		return str_ieq(rest, h->host);
	}
	return false;
}

static bool refuse(struct http_conn *conn, enum problem_id id, const char *detail)
{
	http_conn_problem(conn, (struct problem_answer){.id = id, .detail = detail});
	return true;
}

/* Whoever wonders why no records arrive finds it in the log. */
static void tell_of_stranger(struct manager_context *m, const char *detail)
{
	m->forbidden++;
	if (trouble_happened(&m->strangers, clock_mono_us()))
		log_warn("POST /api/usage-log was refused: %s", detail);
}

static bool refuse_stranger(struct http_conn *conn, struct manager_context *m)
{
	const struct request_head *h = http_conn_head(conn);
	char detail[INGEST_ACCESS_DETAIL];
	struct str secret;

	ingest_path(h->path, &secret);
	if (ingest_access(h, http_conn_peer(conn), secret, m->settings, detail))
		return false;
	tell_of_stranger(m, detail);
	return refuse(conn, PROBLEM_FORBIDDEN, detail);
}

/* True: answered. */
static bool refuse_early(struct http_conn *conn, struct manager_context *m,
			 const struct endpoint *e)
{
	const struct request_head *h = http_conn_head(conn);

	if (e->callers == CALLERS_INGEST && refuse_stranger(conn, m))
		return true;
	if (e->callers == CALLERS_LOCAL && !client_is_local(h, http_conn_peer(conn)))
		return refuse(
			conn, PROBLEM_FORBIDDEN,
			"this is answered to direct callers on the same machine only");
	if (e->json && !is_same_origin(h))
		return refuse(conn, PROBLEM_FORBIDDEN,
			      "Origin is another site than the one that is called");
	if (e->json && !is_json(h))
		return refuse(conn, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
			      "send Content-Type: application/json");
	return false;
}

/* --- the front's callbacks --- */

static void collect(struct call *c)
{
	enum http_body_state state;
	size_t before;

	do {
		before = evbuffer_get_length(c->body);
		state = http_conn_body(c->conn, c->body, MANAGER_BODY_MAX);
	} while (state == HTTP_BODY_MORE && evbuffer_get_length(c->body) > before);
	switch (state) {
	case HTTP_BODY_MORE:
		break;
	case HTTP_BODY_END:
		c->running = true;
		c->endpoint->run(c);
		break;
	case HTTP_BODY_BAD:
		call_problem(c, PROBLEM_BAD_REQUEST, "the body's framing is broken");
		break;
	case HTTP_BODY_TOO_LARGE:
		call_problem(c, PROBLEM_BODY_TOO_LARGE, "the body may have 64 KiB");
		break;
	case HTTP_BODY_TIMEOUT:
		call_problem(c, PROBLEM_REQUEST_TIMEOUT, "the body stopped arriving");
		break;
	}
}

/* What load balancers ask for where they are told nothing else (RFC 9110 9.3.7). */
static bool asks_for_server(const struct request_head *h)
{
	return h->method == HTTP_OPTIONS &&
	       (str_eq(h->path, STR("*")) || str_eq(h->path, STR("/")) ||
		str_eq(h->path, STR("/health")));
}

static void on_request(struct http_conn *conn, void *ctx)
{
	const struct request_head *h = http_conn_head(conn);
	const struct endpoint *e;
	struct call *c;
	uint32_t allow;

	if (asks_for_server(h)) {
		http_conn_reply(conn, 200, "application/json", HTTP_METHODS_ALL,
				STR("{\"status\":\"ok\"}\n"));
		return;
	}
	e = find_endpoint(ctx, h, &allow);
	if (e == NULL) {
		http_conn_problem(conn, (struct problem_answer){
						.id = allow ? PROBLEM_METHOD_NOT_ALLOWED
							    : PROBLEM_NO_ROUTE,
						.detail = "GET / lists what there is",
						.allow_methods = allow,
					});
		return;
	}
	if (refuse_early(conn, ctx, e))
		return;
	c = call_new(conn, ctx, e);
	if (e->json) {
		collect(c);
		return;
	}
	c->running = true;
	e->run(c);
}

static void on_body(struct http_conn *conn, void *ctx)
{
	struct call *c = ctx;

	(void)conn;
	OBJ_CHECK(c, CALL_MAGIC);
	if (!c->running)
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
	if (!c->running)
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
