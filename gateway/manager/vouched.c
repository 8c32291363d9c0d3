/* What a JWT and the settings make of whom it is for. */
#include "gateway/manager/vouched.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "common/jsonc.h"
#include "gateway/sign_in/claims.h"

_Static_assert(SETTINGS_RS256 == 1u << JWT_RS256 && SETTINGS_ES256 == 1u << JWT_ES256,
	       "one mask for both");

static enum jwt_kind kind_of(enum settings_issuer_kind kind)
{
	return kind == ISSUER_CLERK ? JWT_CLERK : JWT_OIDC;
}

struct jwt_rules vouched_rules(const struct settings_issuer *i)
{
	return (struct jwt_rules){
		.issuer = i->issuer,
		.kind = kind_of(i->kind),
		.audiences = (const char *const *)i->audiences.items,
		.n_audiences = i->audiences.n,
		.parties = (const char *const *)i->parties.items,
		.n_parties = i->parties.n,
		.party_optional = i->azp_optional,
		.algorithms = i->algorithms,
	};
}

static bool fits(const struct settings_rule *r, const struct jwt *t,
		 const struct voucher *by)
{
	return strcmp(r->issuer, by->issuer) == 0 &&
	       claims_hold(t, kind_of(by->kind), r->claim, r->value);
}

static void add_text(cJSON *object, const char *name, const char *text)
{
	if (text != NULL)
		CHECK(cJSON_AddStringToObject(object, name, text) != NULL);
}

static void add_team(cJSON *teams, const struct settings_rule *r)
{
	cJSON *team = cJSON_CreateObject();

	add_text(team, "team", r->team);
	add_text(team, "role", r->role == ROLE_MANAGER ? "manager" : "viewer");
	CHECK(cJSON_AddItemToArray(teams, team));
}

static void add_rights(cJSON *seen, const struct jwt *t, const struct settings *s,
		       const struct voucher *by)
{
	cJSON *teams = cJSON_AddArrayToObject(seen, "teams");
	bool is_admin = false;

	for (size_t n = 0; n < s->sign_in.n_rules; n++) {
		const struct settings_rule *r = &s->sign_in.rules[n];

		if (!fits(r, t, by))
			continue;
		if (r->role == ROLE_ADMIN)
			is_admin = true;
		else
			add_team(teams, r);
	}
	CHECK(cJSON_AddBoolToObject(seen, "admin", is_admin) != NULL);
	CHECK(cJSON_AddBoolToObject(seen, "sees_all",
				    s->sign_in.default_role == ROLE_VIEWER) != NULL);
}

static char *copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

/* RFC 7519 4.1.6. Of those who leave it out, what grows with each token as well. */
static double issued_at(const struct jwt *t)
{
	static const char *const claims[] = {"iat", "nbf", "exp"};
	const struct jsonc_node *time = NULL;

	for (size_t i = 0; time == NULL && i < ARRAY_LEN(claims); i++)
		time = jsonc_get(t->claims, claims[i]);
	CHECK(time != NULL);
	return (double)(int64_t)time->number;
}

struct jwt_rules vouched_id_rules(const struct settings_provider *p, const char *nonce)
{
	return (struct jwt_rules){
		.issuer = p->issuer,
		.kind = JWT_ID,
		.audiences = (const char *const *)&p->client_id,
		.n_audiences = 1,
		.nonce = nonce,
		.algorithms = p->algorithms,
	};
}

void vouched_read(struct vouched *v, const struct jwt *t, const struct settings *s,
		  const struct voucher *by, const char *address)
{
	cJSON *seen = cJSON_CreateObject();

	*v = (struct vouched){
		.issuer = xstrdup(by->issuer),
		.subject = copy(jwt_text(t, "sub")),
		.name = copy(claims_name(t)),
		.email = copy(jwt_text(t, "email")),
		.acting = copy(claims_acting(t)),
		.exp_s = (int64_t)jsonc_get(t->claims, "exp")->number,
	};
	add_text(seen, "issuer", v->issuer);
	add_text(seen, "subject", v->subject);
	add_text(seen, "name", v->name);
	add_text(seen, "email", v->email);
	add_text(seen, "acting", v->acting);
	add_text(seen, "address", *address != '\0' ? address : NULL);
	CHECK(cJSON_AddNumberToObject(seen, "issued_at", issued_at(t)) != NULL);
	add_rights(seen, t, s, by);
	v->seen = json_text_take(seen);
}

void vouched_fini(struct vouched *v)
{
	free(v->issuer);
	free(v->subject);
	free(v->name);
	free(v->email);
	free(v->acting);
	free(v->seen);
	*v = (struct vouched){0};
}
