/* Where a batch's rows go: each day's into its partition, or into the table of those that
 * are held. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/pg_value.h"
#include "gateway/recorder/writer_priv.h"

bool writer_days_ask(struct usage_writer *w)
{
	return partitions_sql(&w->partitions, w->batch.days, w->batch.n_days,
			      clock_mono_us(), &w->sql);
}

void writer_days_done(struct usage_writer *w, const PGresult *result)
{
	partitions_looked(&w->partitions, w->batch.days, w->batch.n_days,
			  clock_mono_us());
	for (int i = 0; i < PQntuples(result); i++)
		partitions_found(&w->partitions, pg_value_int(result, i, 0),
				 PQgetvalue(result, i, 1));
	w->ensured = true;
}

const char *writer_day_table(const struct usage_writer *w, size_t day)
{
	return partitions_name(&w->partitions, w->batch.days[day]);
}

size_t writer_days_held(const struct usage_writer *w, int64_t held[BATCH_DAYS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < w->batch.n_days; i++)
		if (writer_day_table(w, i) == NULL)
			held[n++] = w->batch.days[i];
	return n;
}

/* 42P01 undefined_table; 55000 object_not_in_prerequisite_state: usage_check_attached. */
static bool is_gone(const char *sqlstate)
{
	return strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "55000") == 0;
}

static void day_failed(struct usage_writer *w, size_t day, const struct pg_reply *reply)
{
	char table[PARTITIONS_NAME_MAX];
	uint64_t now = clock_mono_us();

	snprintf(table, sizeof table, "%s", writer_day_table(w, day));
	if (partitions_failed(&w->partitions, w->batch.days[day],
			      is_gone(reply->sqlstate), now) &&
	    trouble_happened(&w->days_trouble, now))
		log_warn("usage: PostgreSQL refuses rows of %s: %s %s; they wait in "
			 "token_usage_logs_held, other days' are stored",
			 table, reply->sqlstate, reply->message);
}

void writer_days_refused(struct usage_writer *w, const struct pg_reply *reply)
{
	if (w->step == STEP_ROWS)
		day_failed(w, w->day, reply);
	else
		for (size_t i = 0; i < w->batch.n_days; i++)
			if (writer_day_table(w, i) != NULL)
				day_failed(w, i, reply);
}

void writer_days_worked(struct usage_writer *w)
{
	for (size_t i = 0; i < w->batch.n_days; i++)
		partitions_worked(&w->partitions, w->batch.days[i]);
}
