/* Asks the database a question about usage for a call. */
#include "gateway/api/usage_ask.h"

#include <stdio.h>
#include <sys/time.h>
#include <time.h>

#include "common/check.h"
#include "gateway/manager/exports.h"
#include "gateway/people/list_columns.h"
#include "gateway/statistics/questions.h"

#define ERROR_MAX 1024

_Static_assert(QUESTION_PARAMS <= CALL_VALUES_MAX, "a question's values fit a call's");

static void ask(struct call *c, const struct question_text *t,
		void (*then)(struct call *c, struct str json))
{
	struct call_question q = {.pool = DB_QUESTIONS,
				  .sql = t->sql,
				  .n_values = t->n_values,
				  /* what PostgreSQL finds wrong and names no field of */
				  .field = "zone",
				  .then = then};

	for (int i = 0; i < t->n_values; i++)
		q.values[i] = t->values[i];
	call_ask(c, &q);
}

/* False: the call has its faults. */
static bool build(struct call *c, struct usage_question *u, struct question_text *t)
{
	struct sbuf error;

	usage_question_check(u, call_faults(c));
	if (call_is_faulty(c))
		return false;
	sbuf_init(&error, ERROR_MAX);
	CHECK(question_build(&u->q, t, &error));
	sbuf_fini(&error);
	return true;
}

void usage_ask(struct call *c, struct usage_question *u,
	       void (*then)(struct call *c, struct str json))
{
	struct question_text t;

	if (build(c, u, &t)) {
		ask(c, &t, then);
		question_text_fini(&t);
	}
	usage_question_fini(u);
}

/* --- exports --- */

#define NOW_MAX 40
#define PAGE_VALUE 5   /* $6, rows of a page */
#define PLACE_VALUE 11 /* $12 and $13, where a page begins */

static void put_now(char text[NOW_MAX])
{
	struct timeval now;
	struct tm tm;
	size_t n;

	gettimeofday(&now, NULL);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, NOW_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, NOW_MAX - n, ".%06ldZ", (long)now.tv_usec);
}

static void begin_export(struct call *c, const struct question_text *t,
			 const struct query *query)
{
	struct export_plan plan = {
		.name = list_name(LIST_LOGS),
		.columns = list_columns(LIST_LOGS),
		.sql = t->sql,
		.n_values = t->n_values,
		.paging = EXPORT_BY_PLACE,
		.place = PLACE_VALUE,
	};

	CHECK(t->n_values > PLACE_VALUE + 1);
	for (int i = 0; i < t->n_values; i++)
		plan.values[i] = t->values[i];
	plan.values[PAGE_VALUE] = EXPORT_PAGE_ROWS;
	export_begin(c, &plan, query);
}

void usage_export(struct call *c, struct usage_question *u, const struct query *query)
{
	struct question_text t;
	char now[NOW_MAX];

	/* A range that ends now would go on while the pages go out. */
	put_now(now);
	if (u->q.to == NULL)
		u->q.to = now;
	if (build(c, u, &t)) {
		begin_export(c, &t, query);
		question_text_fini(&t);
	}
	usage_question_fini(u);
}
