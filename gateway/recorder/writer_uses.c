/* tokens.last_used, beside the batches: nothing waits for it, and what can't be stored
 * now is tried again. */
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg_value.h"
#include "gateway/recorder/writer_priv.h"

#define AGAIN_US UINT64_C(1000000)
#define AGAIN_LOCKED_US UINT64_C(3000000) /* 0.1 s of waiting in so long */

bool writer_uses_are_due(const struct usage_writer *w)
{
	return w->uses.n > 0 && clock_mono_us() >= w->due_us[STEP_USES];
}

bool writer_uses_ask(struct usage_writer *w)
{
	size_t most =
		w->uses_most < w->o.batch_rows_max ? w->uses_most : w->o.batch_rows_max;

	if (!writer_uses_are_due(w))
		return false;
	w->n_uses_asked = usage_uses_sql(&w->uses, most, &w->sql);
	return true;
}

void writer_uses_done(struct usage_writer *w, const PGresult *result)
{
	size_t n = (size_t)PQntuples(result);
	int64_t *left_out = xcalloc(n + 1, sizeof *left_out);

	for (size_t i = 0; i < n; i++)
		left_out[i] = pg_value_int(result, (int)i, 0);
	usage_uses_stored(&w->uses, w->n_uses_asked, left_out, n);
	free(left_out);
	if (n > 0)
		w->due_us[STEP_USES] = clock_mono_us() + AGAIN_US;
	if (w->uses_most < USES_MAX)
		w->uses_most *= 2;
}

/* 55P03 lock_not_available, 57014 query_canceled; class 40 is of several that met. */
static bool is_in_the_way(const char *sqlstate)
{
	return strcmp(sqlstate, "55P03") == 0 || strcmp(sqlstate, "57014") == 0 ||
	       strncmp(sqlstate, "40", 2) == 0;
}

void writer_uses_refused(struct usage_writer *w, const struct pg_reply *reply)
{
	uint64_t now = clock_mono_us();

	w->due_us[STEP_USES] = now + AGAIN_LOCKED_US;
	if (is_in_the_way(reply->sqlstate))
		return;
	if (trouble_happened(&w->uses_trouble, now))
		log_warn("usage: tokens.last_used is not kept up to date: %s %s; rows "
			 "are stored",
			 reply->sqlstate, reply->message);
	/* Down to the one that is refused: it comes again with its token's next call. */
	if (w->n_uses_asked == 1)
		usage_uses_stored(&w->uses, 1, NULL, 0);
	else
		w->due_us[STEP_USES] = now;
	w->uses_most = w->n_uses_asked > 1 ? w->n_uses_asked / 2 : 1;
}
