/* An exchange as a usage event and as a line of the access log. */
#include "gateway/proxy/exchange_record.h"

#include <stdio.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/proxy/shown_path.h"
#include "gateway/token/key_text.h"

static int32_t ms_between(uint64_t from_us, uint64_t to_us)
{
	uint64_t ms;

	if (from_us == 0 || to_us == 0)
		return USAGE_NULL;
	ms = to_us > from_us ? (to_us - from_us + 500) / 1000 : 0;
	return ms < INT32_MAX ? (int32_t)ms : INT32_MAX;
}

static struct str field_value(const struct request_head *h, enum http_field_id id)
{
	const struct http_field *f = request_head_field(h, id, NULL);

	return f != NULL ? f->value : (struct str){NULL, 0};
}

static struct str route_path(const struct exchange *x)
{
	const struct settings_route *route = x->admission.route;

	return route ? (struct str){route->path, route->path_len} : (struct str){NULL, 0};
}

static void append_event(struct exchange *x, const char *outcome, uint64_t now_us)
{
	const struct exchange_record *r = &x->record;
	const struct request_head *h = http_conn_head(x->c);
	const struct str nothing = {NULL, 0}, key = x->admission.keys.key;
	char ip[NET_ADDR_TEXT_MAX], agent[KEY_TEXT_ROOM], error[KEY_TEXT_ROOM];
	struct usage_event e = {
		.token_id = x->admission.token_id,
		.route_path = route_path(x),
		.used_at_us = r->arrival_wall_us,
		.response_status = r->status,
		.response_time_ms = ms_between(r->send_us, r->head_us),
		.user_agent = field_value(h, HTTP_H_USER_AGENT),
		.request_method = h->method_name,
		.error_message = r->error[0]
					 ? key_text_hidden(str_of(r->error), key, error)
					 : nothing,
		.request_id = str_of(x->ids.request_id),
		.outcome = str_of(outcome),
		.upstream_status = r->upstream_status ? r->upstream_status : USAGE_NULL,
		.total_ms = ms_between(r->arrival_us, now_us),
		.ttfb_ms = ms_between(r->arrival_us, r->first_out_us),
		.client_wait_ms = (int32_t)(r->wait_us / 1000),
		.bytes_in = (int64_t)r->bytes_in,
		.bytes_out = (int64_t)r->bytes_out,
		.trace_id = exchange_trace_id(&x->ids),
	};

	if (x->admission.keys.thorough)
		e.user_agent = key_text_hidden(e.user_agent, key, agent);
	net_ip_text(&x->client, ip);
	e.ip_address = ip[0] ? str_of(ip) : nothing;
	memcpy(e.token_hash, x->admission.hash, sizeof e.token_hash);
	/* A full lane counts the drop itself. */
	usage_lane_append(x->env->lane, &e);
}

/* No row for a stranger, or strangers could fill the table. */
static void count_stranger(struct exchange *x)
{
	usage_lane_stranger(x->env->lane, x->record.arrival_wall_us, route_path(x),
			    problem_code(x->admission.problem), &x->client);
}

static void put_text(struct access_text *to, const char *p, size_t n)
{
	to->n = (uint8_t)(n < sizeof to->p ? n : sizeof to->p);
	memcpy(to->p, p, to->n);
}

/* What did not go well. */
static void put_why(struct access_entry *e, const struct exchange *x, const char *outcome)
{
	const struct settings_route *route = x->admission.route;
	const char *error = x->record.error;
	size_t n = strlen(error), skip = strlen(outcome) + 2;

	e->outcome = outcome;
	e->code = x->record.code;
	if (route != NULL)
		put_text(&e->route, route->name, strlen(route->name));
	/* The error is the outcome, a colon, and that. */
	if (n <= skip)
		return;
	n -= skip;
	e->detail_n = (uint16_t)(n < sizeof e->detail ? n : sizeof e->detail);
	memcpy(e->detail, error + skip, e->detail_n);
}

static void log_line(struct exchange *x, const char *outcome, uint64_t now_us)
{
	const struct exchange_record *r = &x->record;
	const struct request_head *h = http_conn_head(x->c);
	const struct str key = x->admission.keys.key;
	int32_t upstream_ms = ms_between(r->send_us, r->head_us);
	struct access_entry e = {
		.wall_us = r->arrival_wall_us,
		.status = r->status,
		.total_ms = ms_between(r->arrival_us, now_us),
		.upstream_ms = upstream_ms == USAGE_NULL ? -1 : upstream_ms,
		.bytes_in = (int64_t)r->bytes_in,
		.bytes_out = (int64_t)r->bytes_out,
		.has_token = x->admission.token_known,
		.token_id = x->admission.token_id,
		.stand_in =
			x->admission.route != NULL ? x->admission.route->stand_in : NULL,
	};

	log_escape(e.method, sizeof e.method,
		   h->method == HTTP_OTHER && key_in_text(h->method_name, key)
			   ? STR("***")
			   : h->method_name);
	shown_path(e.path, sizeof e.path, h->path, key);
	put_text(&e.name, x->admission.token_name, x->admission.token_name_n);
	if (strcmp(outcome, USAGE_OUTCOME_COMPLETE) != 0)
		put_why(&e, x, outcome);
	log_escape(e.request_id, sizeof e.request_id, str_of(x->ids.request_id));
	net_ip_text(&x->client, e.ip);
	access_lane_put(x->env->access, &e);
}

/* Whoever holds a key that counts no more, or not where they are, can call as often as a
 * stranger, and is one to the tables. */
static bool makes_a_row(const struct admission *a)
{
	return a->token_known &&
	       (a->admitted ||
		(a->problem != PROBLEM_REVOKED_KEY && a->problem != PROBLEM_EXPIRED_KEY &&
		 a->problem != PROBLEM_DISABLED_KEY &&
		 a->problem != PROBLEM_ADDRESS_FORBIDDEN));
}

void exchange_record(struct exchange *x, const char *outcome, uint64_t now_us)
{
	struct exchange_record *r = &x->record;

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	r->bytes_in = http_conn_body_bytes(x->c);
	if (r->wait_since_us && now_us > r->wait_since_us)
		r->wait_us += now_us - r->wait_since_us;
	if (makes_a_row(&x->admission))
		append_event(x, outcome, now_us);
	else if (r->status >= 400)
		count_stranger(x);
	if (x->env->access != NULL)
		log_line(x, outcome, now_us);
}

void exchange_record_refusal(struct exchange_env *env, const struct http_conn *c,
			     enum problem_id id, size_t bytes_out)
{
	struct access_entry e = {
		.wall_us = http_conn_arrival_wall_us(c),
		.status = problem_status(id),
		.upstream_ms = -1,
		.bytes_out = (int64_t)bytes_out,
	};

	usage_lane_stranger(env->lane, e.wall_us, (struct str){NULL, 0}, problem_code(id),
			    http_conn_peer(c));
	if (env->access == NULL)
		return;
	snprintf(e.method, sizeof e.method, "-");
	snprintf(e.path, sizeof e.path, "-");
	e.outcome = problem_proxy_error(id);
	e.code = problem_code(id);
	log_escape(e.request_id, sizeof e.request_id, http_conn_request_id(c));
	net_ip_text(http_conn_peer(c), e.ip);
	access_lane_put(env->access, &e);
}
