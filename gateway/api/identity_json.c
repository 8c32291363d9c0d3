/* Who calls, as JSON. */
#include "gateway/api/identity_json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/check.h"
#include "gateway/manager/identity.h"

void json_add_id(struct cJSON *to, const char *name, int64_t id)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, id);
	CHECK(id != 0 ? cJSON_AddRawToObject(to, name, text)
		      : cJSON_AddNullToObject(to, name));
}

void json_add_text(struct cJSON *to, const char *name, const char *text)
{
	CHECK(text != NULL ? cJSON_AddStringToObject(to, name, text)
			   : cJSON_AddNullToObject(to, name));
}

void json_add_bool(struct cJSON *to, const char *name, bool is_so)
{
	CHECK(cJSON_AddBoolToObject(to, name, is_so));
}

static const char *how_name(const struct identity *i)
{
	static const char *const names[] = {
		[IDENTITY_KEY] = "key",
		[IDENTITY_SESSION] = "session",
		[IDENTITY_JWT] = "jwt",
	};

	return names[i->how];
}

void identity_add_sign_in(cJSON *to, const struct identity *i)
{
	cJSON *json = cJSON_AddObjectToObject(to, "signed_in");

	CHECK(json != NULL);
	json_add_text(json, "by", how_name(i));
	json_add_id(json, "key_id", i->key_id);
	json_add_id(json, "session_id", i->session_id);
	json_add_text(json, "issuer", i->issuer);
	json_add_text(json, "subject", i->subject);
	json_add_text(json, "acting", i->acting);
}

void identity_add_user(struct cJSON *to, const struct identity *i)
{
	json_add_id(to, "id", i->user_id);
	json_add_text(to, "name", i->name);
	json_add_text(to, "email", i->email);
	json_add_text(to, "kind", i->is_service ? "service" : "person");
}

void identity_add_teams(struct cJSON *to, const struct identity *i)
{
	cJSON *teams = cJSON_AddArrayToObject(to, "teams");

	for (size_t t = 0; t < i->n_teams; t++) {
		cJSON *team = cJSON_CreateObject();

		json_add_id(team, "id", i->teams[t].id);
		json_add_text(team, "name", i->teams[t].name);
		json_add_text(team, "role",
			      i->teams[t].is_manager ? "manager" : "viewer");
		CHECK(cJSON_AddItemToArray(teams, team));
	}
}
