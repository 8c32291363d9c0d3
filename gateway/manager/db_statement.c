/* One statement of the manager's, and those who wait for its answer. */
#include "gateway/manager/db_statement.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"

size_t db_params_bytes(struct pg_params params)
{
	size_t n = 0;

	for (int i = 0; i < params.n; i++)
		n += params.values[i] != NULL ? strlen(params.values[i]) + 1 : 0;
	return n;
}

/* In one piece: the pointers, and behind them the texts. */
static struct pg_params copy(struct pg_params params)
{
	size_t head = (size_t)params.n * sizeof(char *);
	const char **values;
	char *at;

	if (params.n == 0)
		return (struct pg_params){0};
	values = xmalloc(head + db_params_bytes(params));
	at = (char *)values + head;
	for (int i = 0; i < params.n; i++) {
		const char *value = params.values[i];
		size_t n = value != NULL ? strlen(value) + 1 : 0;

		values[i] = value != NULL ? at : NULL;
		if (value != NULL)
			memcpy(at, value, n);
		at += n;
	}
	return (struct pg_params){values, params.n};
}

struct db_statement *db_statement_new(const char *sql, struct pg_params params)
{
	struct db_statement *s = xcalloc(1, sizeof *s);

	TAILQ_INIT(&s->askers);
	s->sql = sql;
	s->params = copy(params);
	s->bytes = db_params_bytes(params);
	s->since_us = clock_mono_us();
	return s;
}

static bool is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool db_statement_is(const struct db_statement *s, const char *sql,
		     struct pg_params params)
{
	if (s->sealed || s->sql != sql || s->params.n != params.n)
		return false;
	for (int i = 0; i < params.n; i++)
		if (!is_same(s->params.values[i], params.values[i]))
			return false;
	return true;
}

struct manager_ask *
db_statement_join(struct db_statement *s,
		  void (*done)(void *ctx, const struct pg_reply *reply), void *ctx)
{
	struct manager_ask *ask = xcalloc(1, sizeof *ask);

	ask->statement = s;
	ask->done = done;
	ask->ctx = ctx;
	TAILQ_INSERT_TAIL(&s->askers, ask, link);
	return ask;
}

void db_statement_answer(struct db_statement *s, const struct pg_reply *reply)
{
	struct manager_ask *ask;

	s->state = STATEMENT_ANSWERED;
	s->slot = NULL;
	/* Whoever is told may leave for others. */
	while ((ask = TAILQ_FIRST(&s->askers)) != NULL) {
		struct manager_ask told = *ask;

		TAILQ_REMOVE(&s->askers, ask, link);
		free(ask);
		told.done(told.ctx, reply);
	}
	db_statement_free(s);
}

void db_statement_free(struct db_statement *s)
{
	CHECK(TAILQ_EMPTY(&s->askers));
	free((void *)s->params.values);
	free(s);
}
