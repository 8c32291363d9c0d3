/* `tollgate token revoke`, `disable`, `enable` and `delete`: what callers are told of a
 * key from then on, and which gateways have heard of it. */
#include "gateway/cli/token_switch.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/token_action.h"
#include "gateway/cli/token_wait.h"

#define ANSWER_MAX (64u << 20)

/* Of `revoke`, whose JSON says so much alone. */
static char *short_answer(const struct token_action *a, const cJSON *token)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddItemToObject(json, "id", cJSON_CreateRaw(a->id));
	cJSON_AddStringToObject(
		json, "name",
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(token, "name")));
	cJSON_AddStringToObject(
		json, "state",
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(token, "state")));
	return json_text_take(json);
}

/* An object's text, with the members of another (NULL: of none) behind its own. */
static void print_merged(struct str text, const cJSON *more)
{
	char *members = more != NULL ? cJSON_PrintUnformatted(more) : NULL;
	struct sbuf out;

	sbuf_init(&out, ANSWER_MAX);
	text = str_trim(text);
	sbuf_add(&out, text.p, members != NULL ? text.n - 1 : text.n);
	if (members != NULL)
		sbuf_printf(&out, ",%s", members + 1);
	CHECK(!out.overflow);
	screen_print_json_text(sbuf_text(&out));
	sbuf_fini(&out);
	cJSON_free(members);
}

static void print_json(const struct token_action *a, const PGresult *r,
		       const cJSON *token, const cJSON *waited, bool is_short)
{
	char *text = is_short ? short_answer(a, token) : NULL;

	print_merged(str_of(text != NULL ? text : PQgetvalue(r, 0, 0)), waited);
	cJSON_free(text);
}

/* What was done, and what was waited for (NULL: nothing). */
static void tell(const struct token_action *a, const PGresult *r, const cJSON *waited,
		 const char *done)
{
	cJSON *token = token_action_parsed(r);

	if (cli_has(a->call, "json")) {
		print_json(a, r, token, waited, strcmp(done, "revoked") == 0);
	} else {
		cli_say(stdout, "token %s, '%s', is %s\n", a->id,
			cJSON_GetStringValue(
				cJSON_GetObjectItemCaseSensitive(token, "name")),
			done);
		if (waited != NULL)
			token_wait_print(waited);
	}
	cJSON_Delete(token);
}

static int64_t generation_of(const PGresult *r)
{
	cJSON *token = token_action_parsed(r);
	double generation = cJSON_GetNumberValue(
		cJSON_GetObjectItemCaseSensitive(token, "generation"));

	cJSON_Delete(token);
	return (int64_t)generation;
}

static int switch_to(struct token_action *a, const char *act, const char *done,
		     int64_t wait_ms)
{
	const char *const values[] = {NULL, a->id, act};
	PGresult *r = token_action_ask(a, TOKEN_SWITCH, values, 3);
	cJSON *waited = NULL;
	int status = 0;

	if (r == NULL)
		return token_action_fail(a);
	if (wait_ms > 0)
		waited = token_wait(a->db, generation_of(r), wait_ms, &a->error);
	tell(a, r, waited, done);
	if (wait_ms > 0 && waited == NULL)
		status = token_action_fail(a);
	else if (wait_ms > 0 && !token_wait_is_complete(waited))
		status = cli_fail(a->call, "not all gateways have confirmed it");
	cJSON_Delete(waited);
	PQclear(r);
	return status;
}

static int revoke(struct token_action *a)
{
	return switch_to(a, "revoke", "revoked", cli_number(a->call, "wait", 0));
}

static int disable(struct token_action *a)
{
	return switch_to(a, "disable", "disabled", cli_number(a->call, "wait", 0));
}

static int enable(struct token_action *a)
{
	return switch_to(a, "enable", "enabled", cli_number(a->call, "wait", 0));
}

static int delete_token(struct token_action *a)
{
	return switch_to(a, "delete", "deleted", 0);
}

/* --- commands --- */

static int run_revoke(const struct cli_call *c)
{
	struct token_choice which = {cli_text(c, "id"), TOKEN_BY_ID};

	if (c->n_operands + cli_has(c, "id") + cli_has(c, "name") != 1)
		return cli_usage_error(c, "revoke takes one id or name");
	if (cli_has(c, "name"))
		which = (struct token_choice){cli_text(c, "name"), TOKEN_BY_NAME};
	else if (c->n_operands > 0)
		which = (struct token_choice){c->operands[0], TOKEN_BY_EITHER};
	return token_action_run_on(c, which, revoke);
}

static int run_disable(const struct cli_call *c)
{
	return token_action_run(c, disable);
}

static int run_enable(const struct cli_call *c)
{
	return token_action_run(c, enable);
}

static int run_delete(const struct cli_call *c)
{
	return token_action_run(c, delete_token);
}

static const struct cli_option revoke_options[] = {
	CLI_OPTION("id", CLI_TEXT, "ID", "the one with this id"),
	CLI_OPTION("name", CLI_TEXT, "NAME", "the living one of this name"),
	TOKEN_WAIT_OPTION,
	{0},
};
static const struct cli_option switch_options[] = {TOKEN_WAIT_OPTION, {0}};

#define ONE_TOKEN .arguments = "TOKEN", .least = 1, .most = 1
#define SHARES .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON

const struct cli_command *cli_token_switch_at(size_t i)
{
	static const struct cli_command all[] = {
		{.name = "revoke",
		 .summary = "end a key for good",
		 .arguments = "TOKEN",
		 .most = -1,
		 .text = "TOKEN is an id or the name of a living token; --id or --name "
			 "says which is meant. Gateways refuse the key at once.",
		 .options = revoke_options,
		 SHARES,
		 .examples = {"tollgate token revoke my-workflow --wait",
			      "tollgate token revoke --id 17"},
		 .fails = TOKEN_WAIT_FAILS,
		 .run = run_revoke},
		{.name = "disable",
		 .summary = "refuse a key until it is enabled",
		 ONE_TOKEN,
		 .options = switch_options,
		 SHARES,
		 .examples = {"tollgate token disable my-workflow",
			      "tollgate token disable 17 --wait=1000 --json"},
		 .fails = TOKEN_WAIT_FAILS,
		 .run = run_disable},
		{.name = "enable",
		 .summary = "take a disabled key again",
		 ONE_TOKEN,
		 .options = switch_options,
		 SHARES,
		 .examples = {"tollgate token enable my-workflow",
			      "tollgate token enable 17 --json"},
		 .fails = TOKEN_WAIT_FAILS,
		 .run = run_enable},
		{.name = "delete",
		 .summary = "revoke a key and hide it from lists",
		 ONE_TOKEN,
		 .text = "Its usage keeps its name.",
		 SHARES,
		 .examples = {"tollgate token delete my-workflow",
			      "tollgate token delete 17 --json"},
		 .run = run_delete},
	};

	return i < ARRAY_LEN(all) ? &all[i] : NULL;
}
