/* What a question must hold to be asked (question.h). Pure. */
#ifndef GATEWAY_STATISTICS_QUESTION_CHECK_H
#define GATEWAY_STATISTICS_QUESTION_CHECK_H

#include "gateway/statistics/question.h"

/* True: it can be asked. Else `hear` is told each field of struct question that is wrong,
 * and what it must be ("from", "must be a time like 2026-11-24, ..."). */
bool question_check(const struct question *q,
		    void (*hear)(void *ctx, const char *field, const char *what),
		    void *ctx);

/* Its answer is a page's whole: stats, token, route. */
bool question_is_whole(const struct question *q);
unsigned question_limit_max(const struct question *q);

#endif
