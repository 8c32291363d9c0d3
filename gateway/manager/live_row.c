/* One call as the live feed has it, and what a reader asked for. */
#include "gateway/manager/live_row.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/journal/event_json.h"
#include "gateway/manager/identity.h"

/* --- a row --- */

static size_t length_of(struct str s)
{
	return s.p != NULL ? s.n : 0;
}

static struct str move(char **to, struct str s)
{
	struct str moved = {s.p != NULL ? *to : NULL, s.n};

	if (s.p == NULL || s.n == 0)
		return moved;
	memcpy(*to, s.p, s.n);
	*to += s.n;
	return moved;
}

#define EVENT_TEXTS(X)                                                                   \
	X(route_path)                                                                    \
	X(ip_address)                                                                    \
	X(user_agent)                                                                    \
	X(request_method) X(error_message) X(request_id) X(outcome) X(trace_id) X(tags)

void live_row_init(struct live_row *r, const struct usage_event *e, int64_t team_id,
		   struct str name, struct str node, struct str json)
{
	char *to;

	*r = (struct live_row){.event = *e, .team_id = team_id};
	r->n_bytes = length_of(name) + length_of(node);
#define ADD_LENGTH(member) r->n_bytes += length_of(e->member);
	EVENT_TEXTS(ADD_LENGTH)
	to = r->bytes = xmalloc(r->n_bytes + 1);
#define MOVE(member) r->event.member = move(&to, e->member);
	EVENT_TEXTS(MOVE)
	r->name = move(&to, name);
	r->node = move(&to, node);
	if (json.p != NULL)
		r->json = xstrndup(json.p, json.n);
	r->n_json = length_of(json);
}

void live_row_fini(struct live_row *r)
{
	free(r->bytes);
	free(r->json);
	*r = (struct live_row){0};
}

struct str live_row_json(struct live_row *r)
{
	struct sbuf out;

	if (r->json == NULL) {
		sbuf_init(&out, EVENT_JSON_MAX);
		usage_event_put_json(&out, &r->event, r->name, r->node);
		CHECK(!out.overflow);
		r->n_json = out.n;
		r->json = xrealloc(out.p, out.n);
	}
	return (struct str){r->json, r->n_json};
}

size_t live_row_bytes(const struct live_row *r)
{
	/* What will be JSON: the names of its members, and each text once more. */
	return sizeof *r + r->n_bytes + (r->json ? r->n_json : 600 + r->n_bytes);
}

/* --- what is asked for --- */

void live_filter_fini(struct live_filter *f)
{
	for (size_t i = 0; i < f->n_routes; i++)
		free(f->routes[i]);
	free(f->routes);
	free(f->tokens);
	free(f->teams);
	free(f->method);
	free(f->outcome);
	*f = (struct live_filter){0};
}

static bool has_id(const int64_t *ids, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return n == 0;
}

static bool is_text(const char *wanted, struct str is)
{
	return wanted == NULL || str_eq(str_of(wanted), is);
}

static bool fits_route(const struct live_filter *f, struct str route)
{
	for (size_t i = 0; i < f->n_routes; i++)
		if (str_eq(str_of(f->routes[i]), route))
			return true;
	return f->n_routes == 0;
}

static bool fits_status(const struct live_filter *f, int32_t status)
{
	return f->status_low == 0 ||
	       (status >= f->status_low && status <= f->status_high);
}

static bool fits_network(const struct live_filter *f, struct str address)
{
	const struct net_cidrs list = {(struct net_cidr *)(uintptr_t)&f->network, 1};
	struct net_ip ip;

	return f->network.ip.family == 0 ||
	       (address.p != NULL && net_ip_parse(&ip, address) &&
		net_cidrs_contain(&list, &ip));
}

bool live_filter_fits(const struct live_filter *f, const struct live_row *r)
{
	const struct usage_event *e = &r->event;

	return has_id(f->tokens, f->n_tokens, e->token_id) &&
	       has_id(f->teams, f->n_teams, r->team_id) &&
	       fits_status(f, e->response_status) &&
	       (f->min_ms == 0 || e->response_time_ms >= f->min_ms) &&
	       fits_route(f, e->route_path) && is_text(f->method, e->request_method) &&
	       is_text(f->outcome, e->outcome) && fits_network(f, e->ip_address);
}

bool live_row_is_seen(const struct live_row *r, const struct identity *who)
{
	if (who->is_admin)
		return true;
	for (size_t i = 0; i < who->n_teams && r->team_id != 0; i++)
		if (who->teams[i].id == r->team_id)
			return true;
	return false;
}
