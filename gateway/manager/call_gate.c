/* What is decided on a request's head. */
#include "gateway/manager/call_gate.h"

#include <string.h>

#include "common/check.h"
#include "gateway/manager/origin.h"

static struct origin_rules rules_of(const struct settings *s)
{
	return (struct origin_rules){
		.public_url = s->public_url,
		.hosts = (const char *const *)s->manager_hosts.items,
		.n_hosts = s->manager_hosts.n,
	};
}

static bool refuse(struct gate_refusal *why, enum problem_id id, const char *detail)
{
	*why = (struct gate_refusal){id, detail};
	return false;
}

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

static bool has_body(const struct request_head *h)
{
	return h->framing != HTTP_NO_BODY &&
	       (h->framing != HTTP_LENGTH || h->content_length > 0);
}

struct str gate_cors_origin(const struct request_head *h, const struct settings *s)
{
	unsigned count = 0;
	const struct http_field *f = request_head_field(h, HTTP_H_ORIGIN, &count);

	for (size_t i = 0; f != NULL && count == 1 && i < s->manager_cors.n; i++)
		if (str_eq(f->value, str_of(s->manager_cors.items[i])))
			return f->value;
	return (struct str){0};
}

/* A page elsewhere makes the reader's browser send this. */
static bool is_from_elsewhere(const struct request_head *h, const struct settings *s,
			      bool by_cookie)
{
	struct origin_rules rules = rules_of(s);
	enum origin_verdict v = origin_judge(&rules, h);

	if (v == ORIGIN_FOREIGN && !by_cookie && gate_cors_origin(h, s).p != NULL)
		return false;
	return v == ORIGIN_FOREIGN || (v == ORIGIN_UNKNOWN && by_cookie);
}

static bool is_asked_for_its_name(const struct operation *o)
{
	return o->may != MAY_INGEST && strncmp(o->path, "/api/", strlen("/api/")) == 0;
}

bool gate_head(const struct request_head *h, const struct operation *o,
	       const struct settings *s, bool by_cookie, struct gate_refusal *why)
{
	struct origin_rules rules = rules_of(s);
	bool changes = h->method != HTTP_GET && h->method != HTTP_HEAD;

	if (is_asked_for_its_name(o) && !origin_knows_host(&rules, h->host))
		return refuse(
			why, PROBLEM_FORBIDDEN,
			"Host is no name of this manager; list it in manager.hosts, "
			"or set manager.public_url");
	if (changes && is_from_elsewhere(h, s, by_cookie))
		return refuse(why, PROBLEM_FORBIDDEN,
			      by_cookie
				      ? "with a cookie, Origin must be the manager's own"
				      : "Origin is another site than the one that is "
					"called");
	if (o->body != BODY_NONE && (has_body(h) || o->body == BODY_OWN) && !is_json(h))
		return refuse(why, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
			      "send Content-Type: application/json");
	return true;
}

static bool has_role(const struct identity *i, enum operation_may may)
{
	switch (may) {
	case MAY_ANYONE:
	case MAY_INGEST:
	case MAY_HOLDER:
	case MAY_KNOWN:
		return true;
	case MAY_LOCAL:
	case MAY_VIEW:
		return identity_has_rights(i);
	case MAY_MANAGE:
		return identity_manages(i);
	case MAY_ADMIN:
		return identity_has_rights(i) && i->is_admin;
	}
	CHECK(!"a right");
	return false;
}

bool gate_identity(const struct identity *i, const struct operation *o,
		   struct gate_refusal *why)
{
	if (!has_role(i, o->may)) {
		if (!identity_has_rights(i))
			return refuse(why, PROBLEM_NO_ROLE,
				      "you are signed in, but nobody has given you a "
				      "role yet: ask an admin to add you to a team");
		return refuse(why, PROBLEM_ROLE_MISSING,
			      o->may == MAY_ADMIN
				      ? "only an admin may do this"
				      : "only an admin or a manager of a team may do "
					"this");
	}
	if (i->is_stale && o->method != HTTP_GET)
		return refuse(why, PROBLEM_DATABASE_UNAVAILABLE,
			      "the database is away: nothing can be changed now");
	return true;
}
