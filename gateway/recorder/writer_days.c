/* The writer's partitions: those of days to come, and those of a batch's rows. */
#include "common/clock.h"
#include "gateway/recorder/copy_row.h"
#include "gateway/recorder/writer_priv.h"

static size_t days_ahead(int64_t days[PARTITIONS_AHEAD_DAYS + 1], int64_t today)
{
	for (int64_t i = 0; i <= PARTITIONS_AHEAD_DAYS; i++)
		days[i] = today + i;
	return PARTITIONS_AHEAD_DAYS + 1;
}

bool writer_ahead_is_due(const struct usage_writer *w)
{
	return w->ahead_day != usage_day_of(clock_wall_us()) &&
	       clock_mono_us() >= w->due_us[STEP_AHEAD];
}

bool writer_ahead_ask(struct usage_writer *w)
{
	int64_t days[PARTITIONS_AHEAD_DAYS + 1];
	size_t n;

	w->ahead_asked_day = usage_day_of(clock_wall_us());
	n = days_ahead(days, w->ahead_asked_day);
	if (partitions_sql(&w->partitions, days, n, &w->sql))
		return true;
	w->ahead_day = w->ahead_asked_day;
	return false;
}

void writer_ahead_done(struct usage_writer *w, const PGresult *result)
{
	int64_t days[PARTITIONS_AHEAD_DAYS + 1];
	size_t n = days_ahead(days, w->ahead_asked_day);

	(void)result;
	partitions_know(&w->partitions, days, n);
	w->ahead_day = w->ahead_asked_day;
}

bool writer_days_ask(struct usage_writer *w)
{
	return partitions_sql(&w->partitions, w->batch.days, w->batch.n_days, &w->sql);
}

void writer_days_done(struct usage_writer *w, const PGresult *result)
{
	(void)result;
	partitions_know(&w->partitions, w->batch.days, w->batch.n_days);
	w->ensured = true;
}

bool writer_day_is_foreign(const struct usage_writer *w)
{
	return partitions_kind(&w->partitions, w->batch.days[w->day]) ==
	       PARTITION_FOREIGN;
}

void writer_days_forget(struct usage_writer *w)
{
	partitions_forget(&w->partitions);
	w->ahead_day = INT64_MIN;
}
