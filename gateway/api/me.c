/* GET /api/me: who calls, how they signed in, and what they may. From what is remembered:
 * it also answers while the database is away. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/check.h"
#include "gateway/api/identity_json.h"
#include "gateway/api/operations.h"
#include "gateway/manager/identity.h"

static cJSON *add_object(cJSON *json, const char *name)
{
	cJSON *object = cJSON_AddObjectToObject(json, name);

	CHECK(object != NULL);
	return object;
}

static const char *role_of(const struct identity *i)
{
	if (!identity_has_rights(i))
		return "none";
	if (i->is_admin)
		return "admin";
	return identity_manages(i) ? "manager" : "viewer";
}

static void add_rights(cJSON *json, const struct identity *i)
{
	cJSON *may;

	json_add_text(json, "role", role_of(i));
	json_add_bool(json, "sees_all", i->is_admin || i->sees_all);
	identity_add_teams(json, i);
	may = add_object(json, "may");
	json_add_bool(may, "view", identity_has_rights(i));
	json_add_bool(may, "manage", identity_manages(i));
	json_add_bool(may, "administer", i->user_id != 0 && i->is_admin);
}

/* What an admin needs to know of someone without rights. */
static void add_advice(cJSON *json, const struct identity *i)
{
	struct sbuf text;

	if (identity_has_rights(i)) {
		json_add_text(json, "advice", NULL);
		return;
	}
	sbuf_init(&text, 64u << 10);
	if (i->user_id != 0)
		sbuf_printf(
			&text,
			"%s has no role yet. An admin gives one: tollgate team member "
			"TEAM %" PRId64 " --role viewer",
			i->name, i->user_id);
	else
		sbuf_printf(
			&text,
			"%s is known to %s as %s, and has no role here yet. An admin "
			"lets them in: POST /api/access-requests/{id}/grant, whose id "
			"GET /api/access-requests tells",
			i->name, i->issuer != NULL ? i->issuer : "-",
			i->subject != NULL ? i->subject : "-");
	json_add_text(json, "advice", sbuf_text(&text));
	sbuf_fini(&text);
}

void api_get_me(struct call *c)
{
	static const char *const known[] = {NULL};
	const struct identity *i = call_identity(c);
	cJSON *json;

	call_query(c, known);
	if (call_is_faulty(c))
		return;
	json = cJSON_CreateObject();
	identity_add_user(add_object(json, "user"), i);
	identity_add_sign_in(json, i);
	add_rights(json, i);
	add_advice(json, i);
	json_add_bool(json, "is_stale", i->is_stale);
	call_reply_object(c, 200, json);
}
