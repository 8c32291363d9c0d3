/* /api/teams: teams, what their tokens may have at most, and who belongs to them. */
#include "common/check.h"
#include "gateway/api/operations.h"
#include "gateway/api/people_calls.h"

#define CENTURY_S (100ll * 365 * 86400)

/* What a team's tokens may have at most; null: no bound. */
#define SCOPES_MOST                                                                      \
	{                                                                                \
		.name = "scopes_most", .type = BODY_TEXTS, .presence = BODY_NULLABLE,    \
		.max = 100                                                               \
	}
#define LIFETIME_MOST                                                                    \
	{                                                                                \
		.name = "lifetime_most_s", .type = BODY_INTEGER,                         \
		.presence = BODY_NULLABLE, .min = 1, .max = CENTURY_S                    \
	}
#define ADDRESS_RANGES_MOST                                                              \
	{                                                                                \
		.name = "address_ranges_most", .type = BODY_TEXTS,                       \
		.presence = BODY_NULLABLE, .min = 1, .max = 100                          \
	}

void api_list_teams(struct call *c)
{
	static const char *const known[] = {"q", "state", PEOPLE_LIST_PARAMETERS};

	people_call_list(c, PEOPLE_TEAM_LIST, NULL, known);
}

void api_create_team(struct call *c)
{
	static const struct body_field fields[] = {
		{.name = "name",
		 .type = BODY_TEXT,
		 .presence = BODY_REQUIRED,
		 .min = 1,
		 .max = 100},
		SCOPES_MOST,
		LIFETIME_MOST,
		ADDRESS_RANGES_MOST,
	};

	people_call_change(c, PEOPLE_TEAM_ADD, 201, NULL, fields, ARRAY_LEN(fields));
}

void api_get_team(struct call *c)
{
	people_call_one(c, PEOPLE_TEAM_READ, 200);
}

void api_change_team(struct call *c)
{
	static const struct body_field fields[] = {
		{.name = "name", .type = BODY_TEXT, .min = 1, .max = 100},
		SCOPES_MOST,
		LIFETIME_MOST,
		ADDRESS_RANGES_MOST,
		{.name = "disabled", .type = BODY_BOOL},
	};
	const char *id = people_call_id(c, "id");

	if (id != NULL)
		people_call_change(c, PEOPLE_TEAM_CHANGE, 200, id, fields,
				   ARRAY_LEN(fields));
}

void api_delete_team(struct call *c)
{
	people_call_one(c, PEOPLE_TEAM_REMOVE, 204);
}
