/* The writer's inside.
 *
 * All that it does is a step: one statement to PostgreSQL. A step writes its statement,
 * takes the answer, and may say what follows other than the table of steps in writer.c
 * does; it starts nothing and judges no error. Each of these files knows only those
 * before it:
 *
 *   writer_days.c    partitions
 *   writer_counts.c  gaps and strangers
 *   writer_groups.c  the groups that are written from: joining the database, parting
 *   writer_uses.c    tokens.last_used
 *   writer_schema.c  whether the database's tables fit
 *   writer_faults.c  what an error means to the step that met it
 *   writer_batch.c   one batch
 *   writer.c         the table, whose turn it is, life
 */
#ifndef GATEWAY_RECORDER_WRITER_PRIV_H
#define GATEWAY_RECORDER_WRITER_PRIV_H

#include "common/pg.h"
#include "common/trouble.h"
#include "gateway/journal/counts.h"
#include "gateway/journal/group.h"
#include "gateway/journal/recording.h"
#include "gateway/recorder/batch.h"
#include "gateway/recorder/lane_past.h"
#include "gateway/recorder/partitions.h"
#include "gateway/recorder/uses.h"
#include "gateway/recorder/writer.h"

#define WRITER_MAGIC 0x77727431u
#define WRITER_PAUSE_MIN_MS 100u
#define WRITER_ROWS_LEAST 100u /* a batch is made no smaller for being slow */
#define WRITER_VALUES_MAX 4    /* parameters of one statement */

/* --- steps --- */

enum step_id {
	STEP_NONE, /* nothing runs: whose turn is it? */
	STEP_SCHEMA,
	STEP_INSTANCE,
	STEP_JOIN,
	STEP_SET_BACK,
	STEP_OWNERS,
	STEP_DAYS,
	STEP_BEGIN,
	STEP_CLAIM,
	STEP_ROWS,
	STEP_CELLS,
	STEP_REJECT,
	STEP_COMMIT,
	STEP_USES,
	STEP_COUNTS,
	STEP_SWEEP,
	STEP_FORGET,
	STEP_ROLLBACK,
	STEP_COUNT
};

/* What of ours a statement holds, that an error may be the fault of. */
enum step_holds { HOLDS_NOTHING, HOLDS_DAYS, HOLDS_ROWS, HOLDS_COUNTS };

/* What an error means that is no fault of what the statement holds. */
enum step_error {
	ERROR_WAITS, /* told; all of it is undone, and tried again after a pause */
	ERROR_LATER, /* told; the step is due again after later_us, others go on */
	ERROR_IGNORED,
	ERROR_OF_USES, /* they judge it themselves; nothing else is held up */
	ERROR_ENDS_SESSION,
};

struct writer_step {
	const char *name; /* what PostgreSQL refuses, in the log */
	enum step_holds holds;
	enum step_error error;
	uint64_t later_us;
	enum step_id then; /* what follows, unless `done` or the error says otherwise */
	/* Writes the statement into w->sql, w->values and w->owned. False: there is
	 * nothing to ask, `then` follows. */
	bool (*ask)(struct usage_writer *w);
	/* The statement is a COPY: its lines, the next of them at each call; empty: that
	 * was all. */
	struct str (*lines)(struct usage_writer *w);
	/* It has succeeded. May change w->next. NULL: nothing to do. */
	void (*done)(struct usage_writer *w, const PGresult *result);
};

/* --- what the steps work on --- */

/* A table of counters as it was at the last look. */
struct seen_counts {
	uint64_t changes;
	size_t live; /* slots that could not be freed */
};

/* A group that is written from. */
struct writer_source {
	struct usage_group *group; /* an adopted one is the writer's */
	bool joined;               /* the tails agree with the database's cursors */
	bool foreign;              /* it belongs to another database: not touched */
	bool drained;              /* adopted: holds nothing that is not stored */
	bool counts_stored;        /* at the last look */
	uint64_t *sent;            /* per lane: up to where a batch was ever tried */
	uint64_t *counts;          /* per lane, kind and slot: the count that is stored */
	struct seen_counts *seen;  /* per lane and kind */
	bool had_cursors;          /* own: in this database, once */
	struct lane_past *past;    /* per lane, of the own group */
	struct past_batch *gone;   /* per lane: what this database lacks */
};

struct usage_writer {
	uint32_t magic;
	struct pg_conn *pg;
	struct writer_options o;

	/* The step that runs, and what follows it. */
	enum step_id step, next;
	struct sbuf sql;
	const char *values[WRITER_VALUES_MAX]; /* of $1... */
	int n_values;
	char *owned;                 /* one of them, freed once they are sent */
	struct str lines;            /* of a COPY: what libpq has not taken yet */
	uint64_t due_us[STEP_COUNT]; /* not chosen before */
	bool retired;                /* the last step has been chosen */

	/* Groups. */
	/* The first is our own; own ones before it are those that are not adopted. */
	struct writer_source sources[WRITER_GROUPS_MAX + JOURNAL_RENEWALS_MAX];
	size_t n_sources;
	struct writer_source *at; /* whose batch this is, or was */
	struct writer_source *joining;
	/* Whose instance the session last told of. */
	unsigned char database[JOURNAL_INSTANCE_BYTES];
	bool has_database;
	struct trouble foreign; /* the own group's */
	uint64_t own_again_us;  /* it is looked at again, whether it is foreign */
	char leaving[JOURNAL_GROUP_HEX + 1];
	bool own_is_due, own_alone;

	/* The batch. */
	struct usage_batch batch;
	struct usage_owners *owners;
	size_t limit;   /* rows of the next one */
	size_t ceiling; /* while nothing is wrong */
	size_t first;   /* lane to begin with */
	uint64_t begun_us;
	uint64_t grow_from_us; /* batches grow no larger before */
	bool again;            /* the next one is of the same group */
	/* its days were looked for in this very try, or the one before `again` */
	bool ensured;
	size_t day;       /* whose rows are being copied */
	size_t row;       /* up to which they were handed out as lines */
	bool rejecting;   /* the batch is one row, and goes to usage_bad_rows */
	char sqlstate[6]; /* why */
	char reason[512];
	struct trouble rejections;

	/* Partitions. */
	struct usage_partitions partitions;
	struct trouble days_trouble;

	/* tokens.last_used. */
	struct usage_uses uses;
	size_t uses_most, n_uses_asked; /* tokens of one statement */
	struct trouble uses_trouble;

	struct writer_counts *counts; /* what is being stored */
	int64_t swept_day;

	/* Faults. */
	uint32_t pause_ms;
	uint64_t resume_us; /* nothing is chosen before */
	/* No batch was stored on this session; 0: none failed. */
	uint64_t failing_since_us;
	bool batch_fails; /* the latest did, on whatever session */
	bool schema_fits; /* as far as this session knows */
	struct trouble schema;
	struct trouble trouble;
};

static inline bool writer_is_own(const struct writer_source *s)
{
	return !s->group->adopted;
}

static inline void writer_bump(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* A batch is being halved until its bad row is found. */
static inline bool writer_is_narrowing(const struct usage_writer *w)
{
	return w->rejecting || w->limit < w->ceiling;
}

/* --- writer_days.c --- */

/* The partitions of the batch's days are looked for. */
bool writer_days_ask(struct usage_writer *w);
void writer_days_done(struct usage_writer *w, const PGresult *result);
/* The partition of one of the batch's days; NULL: its rows are held. */
const char *writer_day_table(const struct usage_writer *w, size_t day);
size_t writer_days_held(const struct usage_writer *w, int64_t held[BATCH_DAYS_MAX]);
/* The partition of the day that is being copied refuses its rows, or one of the batch's
 * does, at its end. */
void writer_days_refused(struct usage_writer *w, const struct pg_reply *reply);
/* The batch is stored. */
void writer_days_worked(struct usage_writer *w);

/* --- writer_counts.c --- */

struct writer_counts *writer_counts_new(void);
void writer_counts_free(struct writer_counts **c);
/* True: counters have grown since they were stored; STEP_COUNTS must follow, which stores
 * some of them. */
bool writer_counts_find(struct usage_writer *w);
bool writer_counts_ask(struct usage_writer *w);
void writer_counts_done(struct usage_writer *w, const PGresult *result);
/* They were refused, and would be for ever: fewer are tried next, of a single one the log
 * tells. */
void writer_counts_refused(struct usage_writer *w, const struct pg_reply *reply);
/* Strangers of long ago go: a few thousand rows at a time, once a day. */
bool writer_sweep_is_due(const struct usage_writer *w);
bool writer_sweep_ask(struct usage_writer *w);
void writer_sweep_done(struct usage_writer *w, const PGresult *result);

/* --- writer_groups.c --- */

void writer_group_add(struct usage_writer *w, struct usage_group *group);
void writer_groups_free(struct usage_writer *w);
/* The cursors of all groups must be read again. */
void writer_groups_forget(struct usage_writer *w);
/* True: of one they must; STEP_INSTANCE and STEP_JOIN do it. */
bool writer_group_to_join(struct usage_writer *w);
bool writer_instance_ask(struct usage_writer *w);
/* Is the group this database's? One that is another's is not joined, nor written. */
void writer_instance_done(struct usage_writer *w, const PGresult *result);
bool writer_join_ask(struct usage_writer *w);
void writer_join_done(struct usage_writer *w, const PGresult *result);
bool writer_set_back_ask(struct usage_writer *w);
/* The batch is stored: should the database lose it, it is counted. */
void writer_group_remember(struct writer_source *s, const struct usage_batch *b);
/* True: an adopted group was stored whole, and its folder is gone; STEP_FORGET does the
 * rest. */
bool writer_group_to_forget(struct usage_writer *w);
bool writer_forget_ask(struct usage_writer *w);

/* --- writer_uses.c --- */

/* True: STEP_USES has something to do. */
bool writer_uses_are_due(const struct usage_writer *w);
bool writer_uses_ask(struct usage_writer *w);
void writer_uses_done(struct usage_writer *w, const PGresult *result);
/* The statement failed; its session goes on. */
void writer_uses_refused(struct usage_writer *w, const struct pg_reply *reply);

/* --- writer_schema.c --- */

/* True: it is not known whether the database's tables fit; STEP_SCHEMA asks. Nothing else
 * may be chosen while w->schema_fits is false. */
bool writer_schema_is_due(const struct usage_writer *w);
bool writer_schema_ask(struct usage_writer *w);
void writer_schema_done(struct usage_writer *w, const PGresult *result);
/* True: it was that step, and they are not there at all. */
bool writer_schema_refused(struct usage_writer *w, const struct pg_reply *reply);

/* --- writer_faults.c --- */

/* A step failed: the only judge of errors. Sets w->next. */
void writer_judge(struct usage_writer *w, const struct writer_step *step,
		  const struct pg_reply *reply);
/* A batch is stored. */
void writer_recovered(struct usage_writer *w);
/* Nothing keeps events from being stored. */
void writer_goes_on(struct usage_writer *w);

/* --- writer_batch.c --- */

/* A batch of what waits in that group; writer_batch_first says what begins it. False:
 * nothing does. */
bool writer_batch_fill(struct usage_writer *w, struct writer_source *from);
/* STEP_OWNERS where hashes are to be asked for, else STEP_DAYS. */
enum step_id writer_batch_first(const struct usage_writer *w);
bool writer_owners_ask(struct usage_writer *w);
void writer_owners_done(struct usage_writer *w, const PGresult *result);
bool writer_begin_ask(struct usage_writer *w);
void writer_begin_done(struct usage_writer *w, const PGresult *result);
bool writer_claim_ask(struct usage_writer *w);
void writer_claim_done(struct usage_writer *w, const PGresult *result);
bool writer_rows_ask(struct usage_writer *w);
struct str writer_rows_lines(struct usage_writer *w);
void writer_rows_done(struct usage_writer *w, const PGresult *result);
bool writer_cells_ask(struct usage_writer *w);
struct str writer_cells_lines(struct usage_writer *w);
bool writer_reject_ask(struct usage_writer *w);
bool writer_commit_ask(struct usage_writer *w);
void writer_commit_done(struct usage_writer *w, const PGresult *result);

#endif
