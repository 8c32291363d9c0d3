/* Asks a database a question about usage. */
#include "gateway/statistics/ask.h"

#include <string.h>

#include "common/check.h"
#include "common/pg_sync.h"

static bool names_what_is_missing(const struct sbuf *error)
{
	static const char words[] = "does not exist";

	return memmem(error->p, error->n, words, sizeof words - 1) != NULL;
}

char *question_ask(const char *conninfo, const struct question_text *t,
		   struct sbuf *error)
{
	struct pg_sync *db = pg_sync_open(conninfo, "tollgate usage ask", error);
	PGresult *r = NULL;
	char *answer = NULL;
	struct str json;

	if (db != NULL)
		r = pg_sync_query(db, t->sql, t->values, t->n_values, error);
	if (r != NULL) {
		json = question_answer(r);
		answer = json.p != NULL ? xstrndup(json.p, json.n) : xstrdup("null");
	} else if (db != NULL && names_what_is_missing(error)) {
		sbuf_lit(error, "\n  has `tollgate migrate` been run on this database?");
	}
	PQclear(r);
	pg_sync_close(&db);
	return answer;
}
