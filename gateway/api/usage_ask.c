/* Asks the database a question about usage for a call. */
#include "gateway/api/usage_ask.h"

#include "common/check.h"
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

void usage_ask(struct call *c, struct usage_question *u,
	       void (*then)(struct call *c, struct str json))
{
	struct question_text t;
	struct sbuf error;

	usage_question_check(u, call_faults(c));
	if (call_is_faulty(c)) {
		usage_question_fini(u);
		return;
	}
	sbuf_init(&error, ERROR_MAX);
	CHECK(question_build(&u->q, &t, &error));
	ask(c, &t, then);
	question_text_fini(&t);
	sbuf_fini(&error);
	usage_question_fini(u);
}
