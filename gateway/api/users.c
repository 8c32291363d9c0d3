/* /api/users: people and services. */
#include "common/check.h"
#include "gateway/api/operations.h"
#include "gateway/api/people_calls.h"

static const char *const kinds[] = {"person", "service", NULL};

void api_list_users(struct call *c)
{
	static const char *const known[] = {"q", "state", "kind", PEOPLE_LIST_PARAMETERS};

	people_call_list(c, PEOPLE_USER_LIST, NULL, known);
}

void api_create_user(struct call *c)
{
	static const struct body_field fields[] = {
		{.name = "name",
		 .type = BODY_TEXT,
		 .presence = BODY_REQUIRED,
		 .min = 1,
		 .max = 100},
		{.name = "email",
		 .type = BODY_TEXT,
		 .presence = BODY_NULLABLE,
		 .min = 3,
		 .max = 254},
		{.name = "kind", .type = BODY_ONE_OF, .words = kinds},
		{.name = "is_admin", .type = BODY_BOOL},
	};

	people_call_change(c, PEOPLE_USER_ADD, 201, NULL, fields, ARRAY_LEN(fields));
}

void api_get_user(struct call *c)
{
	people_call_one(c, PEOPLE_USER_READ, 200);
}

void api_change_user(struct call *c)
{
	static const struct body_field fields[] = {
		{.name = "name", .type = BODY_TEXT, .min = 1, .max = 100},
		{.name = "email",
		 .type = BODY_TEXT,
		 .presence = BODY_NULLABLE,
		 .min = 3,
		 .max = 254},
		{.name = "is_admin", .type = BODY_BOOL},
		{.name = "disabled", .type = BODY_BOOL},
	};
	const char *id = people_call_id(c, "id");

	if (id != NULL)
		people_call_change(c, PEOPLE_USER_CHANGE, 200, id, fields,
				   ARRAY_LEN(fields));
}

void api_delete_user(struct call *c)
{
	people_call_one(c, PEOPLE_USER_REMOVE, 204);
}
