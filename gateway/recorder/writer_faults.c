/* What an error means: the only place where the writer judges one.
 *
 * A lost session -> the cursors are read again. (Errors of the session and not of the
 * statement, and servers that became read-only, are lost sessions: common/pg_error.h.)
 * What the statement holds (SQLSTATE classes 22 and 23) -> it holds less, at once, down
 * to the one row or counter that is bad. The partition of one day, whatever it is ->
 * that day's rows are held, and so are no others. Anything else is the server's state:
 * the step says whether that makes it wait. */
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg_error.h"
#include "gateway/recorder/writer_priv.h"

#define PAUSE_MAX_MS 5000u
/* After a batch that was too much for the time limit: how long none is made larger. Else
 * each other would fail again, and rows come in by the time limit's pace. */
#define STAY_SMALL_US UINT64_C(60000000)
#define SESSION_FAILS_US UINT64_C(30000000)

enum fault { FAULT_SESSION, FAULT_DATA, FAULT_DAY, FAULT_SERVER };

/* PostgreSQL manual, appendix A: class 22 is "data exception", 23 "integrity constraint
 * violation". 21000 is cardinality_violation: two counters of one statement have the same
 * serial. */
static bool is_data_fault(const struct usage_writer *w, const struct writer_step *step,
			  const char *sqlstate)
{
	if (strncmp(sqlstate, "22", 2) != 0 && strncmp(sqlstate, "23", 2) != 0)
		return step->holds == HOLDS_COUNTS && strcmp(sqlstate, "21000") == 0;
	switch (step->holds) {
	case HOLDS_DAYS:
	case HOLDS_ROWS:
		return !w->rejecting && w->batch.n_rows > 0;
	case HOLDS_COUNTS:
		return true;
	case HOLDS_NOTHING:
		break;
	}
	return false;
}

/* What belongs to the server or to who met whom, and not to one table: class 08
 * connection, 25 transaction state, 40 rollback, 53 insufficient resources (but 53100, a
 * tablespace is full), 54 program limit, 57 operator intervention. */
static bool is_of_one_table(const char *sqlstate)
{
	static const char *const others[] = {"08", "25", "40", "53", "54", "57"};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strncmp(sqlstate, others[i], 2) == 0)
			return strcmp(sqlstate, "53100") == 0;
	return sqlstate[0] != '\0';
}

/* Rows that are held are in no partition. What comes at the end may be any one's fault,
 * but a wait for a lock (55P03) is not. */
static bool is_days_fault(const struct usage_writer *w, const char *sqlstate)
{
	int64_t held[BATCH_DAYS_MAX];

	if (w->rejecting || !is_of_one_table(sqlstate))
		return false;
	if (w->step == STEP_ROWS)
		return writer_day_table(w, w->day) != NULL;
	return w->step == STEP_COMMIT && strcmp(sqlstate, "55P03") != 0 &&
	       writer_days_held(w, held) < w->batch.n_days;
}

static enum fault fault_of(const struct usage_writer *w, const struct writer_step *step,
			   const struct pg_reply *reply)
{
	if (reply->outcome == PG_LOST)
		return FAULT_SESSION;
	if (is_data_fault(w, step, reply->sqlstate))
		return FAULT_DATA;
	return is_days_fault(w, reply->sqlstate) ? FAULT_DAY : FAULT_SERVER;
}

/* Was the batch perhaps more than the server takes? It may say so (57014 query_canceled,
 * class 53 insufficient resources, 54 program limit exceeded), or nothing any more. */
static bool is_too_much(const char *sqlstate)
{
	return sqlstate[0] == '\0' || strcmp(sqlstate, "57014") == 0 ||
	       strncmp(sqlstate, "53", 2) == 0 || strncmp(sqlstate, "54", 2) == 0;
}

static void shrink(struct usage_writer *w, const char *sqlstate)
{
	size_t rows = w->batch.n_rows / 2;

	if (strcmp(sqlstate, "57014") == 0)
		w->grow_from_us = clock_mono_us() + STAY_SMALL_US;
	w->ceiling = rows > WRITER_ROWS_LEAST ? rows : WRITER_ROWS_LEAST;
	w->limit = w->limit < w->ceiling ? w->limit : w->ceiling;
}

static void narrow_down(struct usage_writer *w, const struct writer_step *step,
			const struct pg_reply *reply)
{
	snprintf(w->sqlstate, sizeof w->sqlstate, "%s", reply->sqlstate);
	pg_clean(w->reason, sizeof w->reason, reply->message, PG_FIRST_LINE);
	/* A partition that someone replaced looks like a bad row (23514): ask again. */
	partitions_doubt(&w->partitions);
	if (w->batch.n_rows > 1)
		w->limit = w->batch.n_rows / 2;
	else
		w->rejecting = w->ensured || step->holds == HOLDS_DAYS;
}

static void alarm_about(struct usage_writer *w, const struct writer_step *step,
			const struct pg_reply *reply)
{
	if (trouble_note(&w->trouble, (int)w->step, clock_mono_us()))
		log_error("usage: PostgreSQL refuses %s: %s %s; events wait and are "
			  "tried again",
			  step->name, reply->sqlstate, reply->message);
}

void writer_goes_on(struct usage_writer *w)
{
	w->batch_fails = false;
	if (!w->sources[0].foreign)
		recording_goes_on(w->o.recording);
}

/* For whoever asks. A join has no batch yet. */
static void tell_standing(struct usage_writer *w, const struct writer_step *step,
			  const struct pg_reply *reply)
{
	char why[RECORDING_WHY_MAX];

	w->batch_fails |= w->step != STEP_JOIN;
	pg_clean(why, sizeof why, reply->message, PG_FIRST_LINE);
	if (reply->outcome == PG_ERROR)
		snprintf(why, sizeof why, "PostgreSQL refuses %s: %s %.180s", step->name,
			 reply->sqlstate, reply->message);
	recording_stands(w->o.recording, why);
}

void writer_recovered(struct usage_writer *w)
{
	uint64_t lasted_s;

	if (trouble_over(&w->trouble, clock_mono_us(), &lasted_s))
		log_info("usage: PostgreSQL takes events again, after %llu s",
			 (unsigned long long)lasted_s);
	w->pause_ms = WRITER_PAUSE_MIN_MS;
	w->failing_since_us = 0;
	writer_goes_on(w);
}

/* Whatever it is, a session on which no batch could be stored for so long is not to be
 * waited on: the next one may reach another server, or the same in a better state. */
static bool give_up_session(struct usage_writer *w)
{
	uint64_t now = clock_mono_us();

	if (w->failing_since_us == 0)
		w->failing_since_us = now;
	if (now - w->failing_since_us < SESSION_FAILS_US)
		return false;
	w->failing_since_us = 0;
	w->rejecting = false;
	pg_drop(w->pg, "no batch could be stored for 30 s on this session");
	return true;
}

static void pause_all(struct usage_writer *w)
{
	w->resume_us = clock_mono_us() + w->pause_ms * UINT64_C(1000);
	w->pause_ms = w->pause_ms < PAUSE_MAX_MS / 2 ? w->pause_ms * 2 : PAUSE_MAX_MS;
}

static void take_data_fault(struct usage_writer *w, const struct writer_step *step,
			    const struct pg_reply *reply)
{
	if (step->holds == HOLDS_COUNTS) {
		writer_counts_refused(w, reply);
		return;
	}
	narrow_down(w, step, reply);
	w->next = STEP_ROLLBACK;
}

static void take_server_fault(struct usage_writer *w, const struct writer_step *step,
			      const struct pg_reply *reply)
{
	switch (step->error) {
	case ERROR_WAITS:
		alarm_about(w, step, reply);
		pause_all(w);
		w->rejecting = false;
		w->next = STEP_ROLLBACK;
		break;
	case ERROR_LATER:
		alarm_about(w, step, reply);
		w->due_us[w->step] = clock_mono_us() + step->later_us;
		break;
	case ERROR_IGNORED:
		break;
	case ERROR_OF_USES:
		writer_uses_refused(w, reply);
		break;
	case ERROR_ENDS_SESSION:
		pg_drop(w->pg, "ROLLBACK failed");
		break;
	}
}

void writer_judge(struct usage_writer *w, const struct writer_step *step,
		  const struct pg_reply *reply)
{
	enum fault fault = fault_of(w, step, reply);

	if (writer_schema_refused(w, reply))
		return;
	writer_bump(&w->o.counters->failures, 1);
	if (step->holds == HOLDS_ROWS && fault != FAULT_DATA &&
	    is_too_much(reply->sqlstate))
		shrink(w, reply->sqlstate);
	if (fault != FAULT_DATA && step->error == ERROR_WAITS)
		tell_standing(w, step, reply);
	if (fault != FAULT_SESSION && step->error == ERROR_WAITS && give_up_session(w)) {
		w->next = STEP_NONE;
		return;
	}
	switch (fault) {
	case FAULT_SESSION:
		w->failing_since_us = 0;
		writer_groups_forget(w);
		w->rejecting = false;
		w->next = STEP_NONE;
		break;
	case FAULT_DATA:
		take_data_fault(w, step, reply);
		break;
	case FAULT_DAY:
		writer_days_refused(w, reply);
		w->again = true;
		w->next = STEP_ROLLBACK;
		break;
	case FAULT_SERVER:
		take_server_fault(w, step, reply);
		break;
	}
}
