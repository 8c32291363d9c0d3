/* What is asked about people, and the keys that they sign in with. */
#include "gateway/people/people.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "gateway/token/token_calls.h"

#define USER "public.people_user_id($2)"
#define TEAM "public.people_team_id($2)"

const char *people_sql(enum people_call call)
{
	static const char *const statements[] = {
		[PEOPLE_USER_ADD] = "SELECT public.people_user_add($1::jsonb, $2::jsonb)",
		[PEOPLE_USER_CHANGE] = "SELECT public.people_user_change($1::jsonb, " USER
				       ", $3::jsonb)",
		[PEOPLE_USER_REMOVE] =
			"SELECT public.people_user_remove($1::jsonb, " USER ")",
		[PEOPLE_USER_LIST] = "SELECT public.people_users($1::jsonb, $2::jsonb)",
		[PEOPLE_USER_READ] =
			"SELECT public.people_user_read($1::jsonb, " USER ")",
		[PEOPLE_KEY_ADD] =
			"SELECT public.people_key_add($1::jsonb, " USER ", $3::jsonb)",
		[PEOPLE_KEY_LIST] =
			"SELECT public.people_keys($1::jsonb, " USER ", $3::jsonb)",
		[PEOPLE_KEY_REVOKE] = "SELECT public.people_key_revoke($1::jsonb, " USER
				      ", $3::bigint)",
		[PEOPLE_SESSION_LIST] =
			"SELECT public.people_sessions($1::jsonb, " USER ", $3::jsonb)",
		[PEOPLE_SESSION_END] = "SELECT public.people_session_end($1::jsonb, " USER
				       ", $3::bigint)",
		[PEOPLE_IDENTITY_LIST] =
			"SELECT public.people_identities($1::jsonb, " USER ", $3::jsonb)",
		[PEOPLE_IDENTITY_ADD] =
			"SELECT public.people_identity_add($1::jsonb, " USER ", $3, $4)",
		[PEOPLE_IDENTITY_REMOVE] =
			"SELECT public.people_identity_remove($1::jsonb, " USER
			", $3::bigint)",
		[PEOPLE_ACCESS_LIST] =
			"SELECT public.people_access_requests($1::jsonb, $2::jsonb)",
		[PEOPLE_ACCESS_GRANT] = "SELECT public.people_access_grant($1::jsonb, "
					"$2::bigint, $3::jsonb)",
		[PEOPLE_ACCESS_REFUSE] =
			"SELECT public.people_access_refuse($1::jsonb, $2::bigint)",
		[PEOPLE_LINK] = "SELECT public.people_code_make($1::jsonb, " USER
				", $3, $4::bigint)",
		[PEOPLE_TEAM_ADD] = "SELECT public.people_team_add($1::jsonb, $2::jsonb)",
		[PEOPLE_TEAM_CHANGE] = "SELECT public.people_team_change($1::jsonb, " TEAM
				       ", $3::jsonb)",
		[PEOPLE_TEAM_REMOVE] =
			"SELECT public.people_team_remove($1::jsonb, " TEAM ")",
		[PEOPLE_TEAM_LIST] = "SELECT public.people_teams($1::jsonb, $2::jsonb)",
		[PEOPLE_TEAM_READ] =
			"SELECT public.people_team_read($1::jsonb, " TEAM ")",
		[PEOPLE_MEMBER_SET] = "SELECT public.people_member_set($1::jsonb, " TEAM
				      ", public.people_user_id($3), $4)",
		[PEOPLE_AUDIT] = "SELECT public.people_audit($1::jsonb, $2::jsonb)",
	};

	CHECK((size_t)call < ARRAY_LEN(statements));
	return statements[call];
}

bool people_key_make(char key[KEY_LENGTH + 1])
{
	return key_make_user(key);
}

cJSON *people_key_json(const char *key, const char *name, int64_t lifetime_s)
{
	cJSON *json = cJSON_CreateObject();
	char hex[KEY_HASH_HEX + 1], start[KEY_START_LENGTH + 1];

	token_hash_hex(str_of(key), hex);
	snprintf(start, sizeof start, "%s", key);
	cJSON_AddStringToObject(json, "name", name);
	cJSON_AddStringToObject(json, "hash", hex);
	cJSON_AddStringToObject(json, "start", start);
	if (lifetime_s > 0)
		cJSON_AddNumberToObject(json, "lifetime_s", (double)lifetime_s);
	return json;
}
