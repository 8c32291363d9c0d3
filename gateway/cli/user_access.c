/* `tollgate user keys`, `revoke`, `sessions` and `sign-out`. */
#include "gateway/cli/user_access.h"

#include "common/check.h"
#include "gateway/cli/cli_people.h"
#include "gateway/cli/screen.h"

/* A list of what is the user's, its columns named as the fields are. */
static int list(struct cli_people *a, enum people_call what,
		const struct table_column *columns, const char *const *fields, size_t n)
{
	cJSON *all = cli_people_all(a, what, a->call->operands[0]);
	const cJSON *one;
	struct table *t;

	if (all == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(all);
		return 0;
	}
	t = table_new(columns, n);
	cJSON_ArrayForEach(one, all) for (size_t i = 0; i < n; i++)
		cli_people_cell(t, one, fields[i]);
	table_print(&t);
	cJSON_Delete(all);
	return 0;
}

static int list_keys(struct cli_people *a)
{
	static const struct table_column columns[] = {
		{"ID", TABLE_TEXT, 6},        {"NAME", TABLE_TEXT, 24},
		{"START", TABLE_TEXT, 10},    {"STATE", TABLE_TEXT, 9},
		{"MADE", TABLE_TIME, 32},     {"ENDS", TABLE_TIME, 32},
		{"LAST USED", TABLE_TIME, 0},
	};
	static const char *const fields[] = {
		"id",         "name",       "key_start",    "state",
		"created_at", "expires_at", "last_used_at",
	};

	return list(a, PEOPLE_KEY_LIST, columns, fields, ARRAY_LEN(fields));
}

static int list_sessions(struct cli_people *a)
{
	static const struct table_column columns[] = {
		{"ID", TABLE_TEXT, 6},      {"SINCE", TABLE_TIME, 32},
		{"ENDS", TABLE_TIME, 32},   {"FROM", TABLE_TEXT, 24},
		{"BROWSER", TABLE_TEXT, 0},
	};
	static const char *const fields[] = {"id", "created_at", "expires_at", "address",
					     "user_agent"};

	return list(a, PEOPLE_SESSION_LIST, columns, fields, ARRAY_LEN(fields));
}

static int revoke(struct cli_people *a)
{
	const char *const values[] = {NULL, a->call->operands[0], a->call->operands[1]};
	cJSON *key = cli_people_ask(a, PEOPLE_KEY_REVOKE, values, ARRAY_LEN(values));

	if (key == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(key);
		return 0;
	}
	cli_say(stdout, "key %s (%s) of '%s' is revoked\n", values[2],
		cli_people_text(key, "key_start"), values[1]);
	cJSON_Delete(key);
	return 0;
}

static int sign_out(struct cli_people *a)
{
	const char *const values[] = {NULL, a->call->operands[0], NULL};
	cJSON *done = cli_people_ask(a, PEOPLE_SESSION_END, values, ARRAY_LEN(values));

	if (done == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(done);
		return 0;
	}
	cli_say(stdout, "%.0f sessions of '%s' have ended\n",
		cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(done, "ended")),
		values[1]);
	cJSON_Delete(done);
	return 0;
}

int cli_user_keys(const struct cli_call *c)
{
	return cli_people_run(c, list_keys);
}

int cli_user_revoke(const struct cli_call *c)
{
	return cli_people_run(c, revoke);
}

int cli_user_sessions(const struct cli_call *c)
{
	return cli_people_run(c, list_sessions);
}

int cli_user_sign_out(const struct cli_call *c)
{
	return cli_people_run(c, sign_out);
}
