/* The writer's inside, shared by its files: writer.c (life, statements, errors),
 * writer_join.c (agreeing with the database), writer_batch.c (one batch) and
 * writer_counts.c (gaps and strangers). */
#ifndef GATEWAY_RECORDER_WRITER_STATE_H
#define GATEWAY_RECORDER_WRITER_STATE_H

#include "common/pg.h"
#include "gateway/recorder/batch.h"
#include "gateway/journal/counts.h"
#include "gateway/journal/group.h"
#include "gateway/recorder/partitions.h"
#include "gateway/recorder/writer.h"

#define WRITER_MAGIC 0x77727431u
#define WRITER_PAUSE_MIN_MS 100u
#define WRITER_ALARM_EVERY_US UINT64_C(60000000)
#define WRITER_ROWS_LEAST 100u /* a batch is made no smaller for being slow */
/* After a batch that was too much for the time limit: how long none is made larger. Else
 * each other would fail again, and rows come in by the time limit's pace. */
#define WRITER_STAY_SMALL_US UINT64_C(60000000)

enum writer_step {
	STEP_NONE,
	STEP_JOIN,
	STEP_UPKEEP,
	STEP_PARTITIONS,
	STEP_BEGIN,
	STEP_CLAIM,
	STEP_ROWS,
	STEP_CELLS,
	STEP_END,
	STEP_COUNTS,
	STEP_ROLLBACK,
	STEP_RETIRE,
};

/* A group that is written from. */
struct writer_source {
	struct usage_group *group; /* an adopted one is the writer's */
	bool joined;               /* the tails agree with the database's cursors */
	bool drained;              /* adopted: holds nothing that is not stored */
	bool counts_stored;        /* at the last look */
	uint64_t *sent;            /* per lane: up to where a batch was ever tried */
	uint64_t *counts;          /* per lane, kind and slot: the count that is stored */
	struct seen_counts *seen;  /* per lane and kind */
};

/* A table of counters as it was at the last look. */
struct seen_counts {
	uint64_t changes;
	size_t live; /* slots that could not be freed */
};

struct usage_writer {
	uint32_t magic;
	struct pg_conn *pg;
	struct writer_options o;
	struct writer_source sources[WRITER_GROUPS_MAX]; /* the first is our own */
	size_t n_sources;
	struct writer_source *at; /* whose batch this is, or was */
	struct writer_source *joining;
	enum writer_step step;
	struct usage_batch batch;
	/* Rows of the next batch; of batches while nothing is wrong; lane to begin
	 * with. */
	size_t limit, ceiling, first;
	uint64_t begun_us;
	uint64_t grow_from_us; /* batches grow no larger before */
	bool own_is_due, own_alone;
	bool again; /* the next batch is of the same group */
	/* its partitions were asked for in this very try, or the one before `again` */
	bool ensured;
	size_t day; /* whose rows are being copied */
	size_t row; /* up to which libpq has them, but for `lines` */
	struct str lines;
	bool rejecting;   /* the batch is one row, and goes to usage_rejected */
	char sqlstate[6]; /* why */
	char reason[512];
	struct usage_partitions partitions;
	int64_t upkept_day;
	uint64_t upkeep_from_us;
	uint64_t counts_from_us;
	int64_t swept_day;
	struct writer_counts *counts; /* what is being stored */
	uint32_t pause_ms;
	uint64_t resume_us, alarmed_us, reported_us;
	struct sbuf sql;
};

typedef void reply_fn(void *ctx, const struct pg_reply *reply);

/* --- writer.c --- */

void writer_bump(_Atomic uint64_t *counter, uint64_t by);
/* Runs what w->sql holds. The caller has seen that the connection is up; where it broke
 * in this very moment, `done` still comes, with PG_LOST. */
void writer_run(struct usage_writer *w, enum writer_step step, struct pg_params params,
		reply_fn *done);
void writer_run_plain(struct usage_writer *w, enum writer_step step, reply_fn *done);
/* A step failed: the only judge of errors. */
void writer_fail(struct usage_writer *w, const struct pg_reply *reply);
void writer_alarm(struct usage_writer *w, const struct pg_reply *reply);
void writer_roll_back(struct usage_writer *w);
/* A batch is being halved until its bad row is found. */
static inline bool writer_is_narrowing(const struct usage_writer *w)
{
	return w->rejecting || w->limit < w->ceiling;
}

/* The rows of the day that is being copied go through token_usage_logs. */
static inline bool writer_day_is_foreign(const struct usage_writer *w)
{
	return partitions_kind(&w->partitions, w->batch.days[w->day]) ==
	       PARTITION_FOREIGN;
}

/* --- writer_join.c --- */

/* Reads the cursors: what is stored of this group's lanes? */
void writer_join(struct usage_writer *w, struct writer_source *from);
/* True: started. Days that come are prepared before a row asks for them, so that midnight
 * costs nothing; failing here stops no batch. */
bool writer_start_upkeep(struct usage_writer *w);

/* --- writer_batch.c --- */

/* A batch of what waits in that group. False: nothing does. */
bool writer_start_batch(struct usage_writer *w, struct writer_source *from);
/* The batch that w holds, from its first step on (again). */
void writer_begin(struct usage_writer *w);

/* --- writer_counts.c --- */

struct writer_counts *writer_counts_new(void);
void writer_counts_free(struct writer_counts **c);
/* True: started. Stores counters that have grown since, of each group in turn. */
bool writer_start_counts(struct usage_writer *w);

#endif
