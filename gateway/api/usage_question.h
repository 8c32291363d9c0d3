/* The parameters of a call about usage, as a question (gateway/statistics/question.h),
 * and what of it the one who calls may see.
 *
 * Pure. Admins see all, members what is of their teams' tokens. Whom sign_in.default_role
 * lets see all sees the totals, series, rankings and routes of all; single calls, and
 * what is asked of some tokens or teams, only of their own teams. */
#ifndef GATEWAY_API_USAGE_QUESTION_H
#define GATEWAY_API_USAGE_QUESTION_H

#include "common/str.h"
#include "gateway/manager/identity.h"
#include "gateway/manager/input_faults.h"
#include "gateway/manager/query.h"
#include "gateway/settings/settings.h"
#include "gateway/statistics/question.h"

#define USAGE_LIMIT_MAX 200 /* rows of a page, or of a ranking */

struct usage_question {
	struct question q;
	int64_t tokens[QUERY_PARAMETERS_MAX];
	int64_t teams[QUERY_PARAMETERS_MAX];
	const char *routes[QUERY_PARAMETERS_MAX];
	int64_t *own; /* teams of the one who calls */
	struct question_price *prices;
	struct sbuf link;
};

/* Reads all parameters that the query may have; faults are noted. who: NULL for those who
 * may see everything. The question borrows from query and settings. usage_question_fini
 * after it. */
void usage_question_read(struct usage_question *u, enum question_kind kind,
			 const struct query *query, const struct identity *who,
			 struct input_faults *faults);
/* Of this one token, route or request alone, whatever the parameters say. */
void usage_question_of_token(struct usage_question *u, int64_t id);
void usage_question_of_route(struct usage_question *u, const char *path);
/* Calls have the prices of these routes. */
void usage_question_price(struct usage_question *u, const struct settings *s);
/* The page's `next` leads to this path with the query's parameters, which are encoded
 * anew. */
void usage_question_link(struct usage_question *u, const char *path,
			 const struct query *query);
/* Notes what else is wrong with it (question_check.h). */
void usage_question_check(const struct usage_question *u, struct input_faults *faults);
void usage_question_fini(struct usage_question *u);

/* An id as it stands in a path; false: it is none. */
bool usage_id(const char *text, int64_t *id);

#endif
