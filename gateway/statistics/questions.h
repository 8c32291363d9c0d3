/* What people ask of usage, as SQL: each question is one statement, whose answer is one
 * JSON text (docs/usage-questions.md). Read from rollups, but for rows.
 *
 * Pure. Text from outside only ever becomes a parameter. */
#ifndef GATEWAY_STATISTICS_QUESTIONS_H
#define GATEWAY_STATISTICS_QUESTIONS_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "common/str.h"
#include "gateway/statistics/question.h"

#define QUESTION_PARAMS 16

/* A statement and its parameters, as pg_query takes them (common/pg.h). values borrow
 * from the question where it has them as text. */
struct question_text {
	const char *sql; /* stays as long as the program runs */
	const char *values[QUESTION_PARAMS];
	int n_values;
	char *owned[QUESTION_PARAMS];
	int n_owned;
};

/* False: error (empty before) names the first field that is wrong, and what it must be;
 * question_check.h tells all. question_text_fini after either. A time zone that there is
 * none of, an empty range or too many points is PostgreSQL's to find: it answers with
 * SQLSTATE class 22, and its message is for the one who asked; COLUMN is the field that
 * it means, or none where it means the zone. */
bool question_build(const struct question *q, struct question_text *t,
		    struct sbuf *error);
void question_text_fini(struct question_text *t);

/* The JSON text; p is NULL where there is none: no such token. Lives as long as the
 * result. */
struct str question_answer(const PGresult *result);

#endif
