/* Who calls, from what the database says of them. */
#include "gateway/manager/identity_read.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/jsonc.h"

static void ignore(void *ctx, struct jsonc_pos pos, const char *text)
{
	(void)ctx;
	(void)pos;
	(void)text;
}

static bool is_true(const struct jsonc_node *object, const char *name)
{
	const struct jsonc_node *node = jsonc_get(object, name);

	return node != NULL && node->type == JSONC_BOOL && node->boolean;
}

/* All 64 bits of it; if_none where it is no number. */
static int64_t number_in(const struct jsonc_node *object, const char *name,
			 int64_t if_none)
{
	const struct jsonc_node *node = jsonc_get(object, name);

	return node != NULL && node->type == JSONC_NUMBER
		       ? (int64_t)strtoll(node->text, NULL, 10)
		       : if_none;
}

static bool is_here(const struct settings_sign_in *s, const char *issuer)
{
	for (size_t i = 0; i < s->n_issuers; i++)
		if (strcmp(s->issuers[i].issuer, issuer) == 0)
			return true;
	for (size_t i = 0; i < s->n_providers; i++)
		if (strcmp(s->providers[i].issuer, issuer) == 0)
			return true;
	return false;
}

/* sign_in.default_role is for everybody whom an issuer vouches for, however they come. */
static bool sees_all(const struct jsonc_node *person, const struct settings *s)
{
	const struct jsonc_node *issuers = jsonc_get(person, "issuers");
	const struct jsonc_node *i = issuers != NULL ? issuers->first : NULL;

	for (; s->sign_in.default_role == ROLE_VIEWER && i != NULL; i = i->next)
		if (i->type == JSONC_STRING && is_here(&s->sign_in, i->text))
			return true;
	return false;
}

static void read_teams(struct identity *to, const struct jsonc_node *teams)
{
	if (teams == NULL || teams->type != JSONC_ARRAY || teams->n == 0)
		return;
	to->teams = xcalloc(teams->n, sizeof *to->teams);
	for (const struct jsonc_node *t = teams->first; t != NULL; t = t->next) {
		const char *name = jsonc_text(t, "name"), *role = jsonc_text(t, "role");

		if (name == NULL || role == NULL)
			continue;
		to->teams[to->n_teams++] = (struct identity_team){
			.id = number_in(t, "id", 0),
			.name = xstrdup(name),
			.is_manager = strcmp(role, "manager") == 0,
		};
	}
}

/* As the database writes it, in UTC. */
static char *until_of(const struct jsonc_node *person)
{
	const char *text = jsonc_text(person, "until");
	char *until = text != NULL ? xstrdup(text) : NULL;
	char *zone = until != NULL ? strstr(until, "+00:00") : NULL;

	if (zone != NULL)
		memcpy(zone, "Z", sizeof "Z");
	return until;
}

static struct identity *read_person(const struct jsonc_node *person,
				    enum identity_how how, const struct settings *s)
{
	const char *name = jsonc_text(person, "name"),
		   *email = jsonc_text(person, "email");
	const char *kind = jsonc_text(person, "kind"),
		   *issuer = jsonc_text(person, "issuer");
	struct identity *to = xcalloc(1, sizeof *to);

	to->refs = 1;
	to->how = how;
	to->user_id = number_in(person, "id", 0);
	to->name = xstrdup(name != NULL ? name : "");
	to->email = email != NULL ? xstrdup(email) : NULL;
	to->is_service = kind != NULL && strcmp(kind, "service") == 0;
	to->is_admin = is_true(person, "is_admin");
	to->sees_all = sees_all(person, s);
	to->key_id = number_in(person, "key_id", 0);
	to->session_id = number_in(person, "session_id", 0);
	to->until = until_of(person);
	to->issuer = issuer != NULL ? xstrdup(issuer) : NULL;
	read_teams(to, jsonc_get(person, "teams"));
	return to;
}

struct identity *identity_read(struct str json, enum identity_how how,
			       const struct settings *s, struct identity_facts *facts)
{
	const struct jsonc_sink sink = {ignore, NULL};
	struct jsonc_node *person = jsonc_parse_body(json, &sink);
	const char *state = jsonc_text(person, "state");
	struct identity *to = NULL;

	*facts = (struct identity_facts){
		.state = PERSON_OUT,
		.lives_s = number_in(person, "lives_s", INT64_MAX),
		.is_fresh = is_true(person, "fresh"),
	};
	if (state != NULL && strcmp(state, "unknown") == 0)
		facts->state = PERSON_UNKNOWN;
	else if (state != NULL && strcmp(state, "active") == 0)
		facts->state = PERSON_ACTIVE;
	if (facts->state != PERSON_OUT)
		to = read_person(person, how, s);
	jsonc_free(&person);
	return to;
}

static char *copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

struct identity *identity_stale(const struct identity *i)
{
	struct identity *to = xmalloc(sizeof *to);

	*to = *i;
	to->refs = 1;
	to->is_stale = true;
	to->name = copy(i->name);
	to->email = copy(i->email);
	to->issuer = copy(i->issuer);
	to->subject = copy(i->subject);
	to->acting = copy(i->acting);
	to->until = copy(i->until);
	to->teams = i->n_teams > 0 ? xcalloc(i->n_teams, sizeof *to->teams) : NULL;
	for (size_t t = 0; t < i->n_teams; t++) {
		to->teams[t] = i->teams[t];
		to->teams[t].name = xstrdup(i->teams[t].name);
	}
	return to;
}

const char *identity_why_nobody(enum identity_how how, bool is_out)
{
	switch (how) {
	case IDENTITY_KEY:
		return "the personal key is unknown, revoked or expired, or its user is "
		       "disabled";
	case IDENTITY_SESSION:
		return "the session has ended; sign in again";
	case IDENTITY_JWT:
		return is_out ? "this user was disabled or removed here; an admin can let "
				"them in again"
			      : "this user is nobody here";
	}
	return "";
}
