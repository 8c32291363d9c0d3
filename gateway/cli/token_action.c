/* What the commands on one token share. */
#include "gateway/cli/token_action.h"

#include "common/check.h"

#define ERROR_MAX (64u << 10)

int token_action_fail(const struct token_action *a)
{
	return cli_refused(a->call, &a->error);
}

PGresult *token_action_ask(struct token_action *a, enum token_call what,
			   const char *const *values, int n)
{
	PGresult *r = pg_sync_query(a->db, token_sql(what), values, n, &a->error);

	if (r == NULL || !PQgetisnull(r, 0, 0))
		return r;
	sbuf_lit(&a->error, "there is no such token");
	PQclear(r);
	return NULL;
}

cJSON *token_action_parsed(const PGresult *r)
{
	cJSON *json = cJSON_Parse(PQgetvalue(r, 0, 0));

	CHECK(json != NULL);
	return json;
}

int token_action_run_on(const struct cli_call *c, struct token_choice which,
			int (*act)(struct token_action *a))
{
	struct token_action a = {.call = c};
	struct cli_db database = cli_db_of(c);
	struct sbuf name;
	int status;

	a.db = cli_db_open(&database, c->path);
	if (a.db == NULL)
		return 1;
	sbuf_init(&a.error, ERROR_MAX);
	sbuf_init(&name, ERROR_MAX);
	if (which.text != NULL && !token_admin_find(a.db, &which, a.id, &name, &a.error))
		status = token_action_fail(&a);
	else
		status = act(&a);
	sbuf_fini(&name);
	sbuf_fini(&a.error);
	pg_sync_close(&a.db);
	return status;
}

int token_action_run(const struct cli_call *c, int (*act)(struct token_action *a))
{
	const char *text = c->n_operands > 0 ? c->operands[0] : NULL;

	return token_action_run_on(c, (struct token_choice){text, TOKEN_BY_EITHER}, act);
}
