/* The questions' statements. Pure. */
#ifndef GATEWAY_STATISTICS_QUESTION_SQL_H
#define GATEWAY_STATISTICS_QUESTION_SQL_H

#include "gateway/statistics/questions.h"

/* Appends the question's statement behind a first `WITH asked AS (...)`. from_sql,
 * to_sql: the range as it was asked for, as SQL. */
void question_statement(struct sbuf *sql, const struct question *q, const char *from_sql,
			const char *to_sql);

#endif
