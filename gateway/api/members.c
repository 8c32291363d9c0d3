/* /api/teams/{id}/members: who belongs to a team, as what. */
#include <cjson/cJSON.h>

#include "common/check.h"
#include "gateway/api/operations.h"
#include "gateway/api/people_calls.h"

static void set_role(struct call *c, const char *role, int status)
{
	const char *values[3] = {people_call_id(c, "id"), NULL, role};

	if (values[0] == NULL)
		return;
	values[1] = people_call_id(c, "user_id");
	if (values[1] != NULL)
		people_call_ask(c, PEOPLE_MEMBER_SET, status, values, ARRAY_LEN(values));
}

void api_put_member(struct call *c)
{
	static const char *const roles[] = {"manager", "viewer", NULL};
	static const struct body_field fields[] = {
		{.name = "role",
		 .type = BODY_ONE_OF,
		 .presence = BODY_REQUIRED,
		 .words = roles},
	};
	const cJSON *spec = call_fields(c, fields, ARRAY_LEN(fields));

	if (call_is_faulty(c))
		return;
	set_role(c, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(spec, "role")),
		 200);
}

void api_delete_member(struct call *c)
{
	set_role(c, NULL, 204);
}
