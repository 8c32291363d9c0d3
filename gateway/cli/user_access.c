/* `tollgate user keys`, `revoke`, `sessions` and `sign-out`. */
#include "gateway/cli/user_access.h"

#include "common/check.h"
#include "gateway/cli/cli_people.h"
#include "gateway/cli/screen.h"

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

	return cli_people_list(
		a, cli_people_all(a, PEOPLE_KEY_LIST, a->call->operands[0], NULL),
		columns, fields, ARRAY_LEN(fields));
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

	return cli_people_list(
		a, cli_people_all(a, PEOPLE_SESSION_LIST, a->call->operands[0], NULL),
		columns, fields, ARRAY_LEN(fields));
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
	const char *const values[] = {NULL, a->call->operands[0],
				      cli_text(a->call, "session")};
	double n;
	cJSON *done = cli_people_ask(a, PEOPLE_SESSION_END, values, ARRAY_LEN(values));

	if (done == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(done);
		return 0;
	}
	n = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(done, "ended"));
	cli_say(stdout, "%.0f session%s of '%s' %s ended\n", n, n == 1 ? "" : "s",
		values[1], n == 1 ? "has" : "have");
	cJSON_Delete(done);
	return 0;
}

int cli_user_keys(const struct cli_call *c)
{
	return cli_people_run(c, list_keys);
}

int cli_user_revoke(const struct cli_call *c)
{
	if (!cli_people_is_id(c->operands[1]))
		return cli_people_no_id(c, c->operands[1]);
	return cli_people_run(c, revoke);
}

int cli_user_sessions(const struct cli_call *c)
{
	return cli_people_run(c, list_sessions);
}

int cli_user_sign_out(const struct cli_call *c)
{
	if (cli_has(c, "session") && !cli_people_is_id(cli_text(c, "session")))
		return cli_people_no_id(c, cli_text(c, "session"));
	return cli_people_run(c, sign_out);
}
