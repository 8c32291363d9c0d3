/* /api/access-requests: whom a provider vouches for, and who have no rights yet. */
#include "common/check.h"
#include "gateway/api/operations.h"
#include "gateway/api/people_calls.h"

void api_list_access_requests(struct call *c)
{
	static const char *const known[] = {"state", PEOPLE_LIST_PARAMETERS};

	people_call_list(c, PEOPLE_ACCESS_LIST, NULL, known);
}

void api_grant_access_request(struct call *c)
{
	static const char *const roles[] = {"manager", "viewer", NULL};
	static const struct body_field fields[] = {
		{.name = "user_id", .type = BODY_INTEGER, .min = 1, .max = INT64_MAX},
		{.name = "name", .type = BODY_TEXT, .min = 1, .max = 100},
		{.name = "email", .type = BODY_TEXT, .min = 3, .max = 254},
		{.name = "is_admin", .type = BODY_BOOL},
		{.name = "team_id", .type = BODY_INTEGER, .min = 1, .max = INT64_MAX},
		{.name = "role", .type = BODY_ONE_OF, .words = roles},
	};
	const char *id = people_call_id(c, "id");

	if (id != NULL)
		people_call_change(c, PEOPLE_ACCESS_GRANT, 200, id, fields,
				   ARRAY_LEN(fields));
}

void api_refuse_access_request(struct call *c)
{
	people_call_one(c, PEOPLE_ACCESS_REFUSE, 200);
}
