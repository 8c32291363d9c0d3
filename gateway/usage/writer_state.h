/* The writer's inside, shared by its files: writer.c (life, statements, errors),
 * writer_join.c (agreeing with the database) and writer_batch.c (one batch). */
#ifndef GATEWAY_USAGE_WRITER_STATE_H
#define GATEWAY_USAGE_WRITER_STATE_H

#include "common/pg.h"
#include "gateway/usage/batch.h"
#include "gateway/usage/partitions.h"
#include "gateway/usage/writer.h"

#define WRITER_MAGIC 0x77727431u
#define WRITER_PAUSE_MIN_MS 100u
#define WRITER_ALARM_EVERY_US UINT64_C(60000000)

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
	STEP_ROLLBACK,
	STEP_RETIRE,
};

struct usage_writer {
	uint32_t magic;
	struct pg_conn *pg;
	struct writer_options o;
	struct str node;
	char group[BATCH_GROUP_HEX + 1];
	enum writer_step step;
	bool joined; /* the tails agree with the database's cursors */
	struct usage_batch batch;
	size_t limit, first;        /* rows of the next batch; lane to begin with */
	bool ensured;               /* its partitions were asked for in this very try */
	const struct sbuf *copying; /* the batch's rows or its cells */
	size_t copied;              /* bytes of it that libpq has */
	uint64_t *sent;             /* per lane: up to where a batch was ever tried */
	bool whole_table; /* rows go through token_usage_logs, not into partitions */
	bool rejecting;   /* the batch is one row, and goes to usage_rejected */
	char sqlstate[6]; /* why */
	char reason[512];
	struct usage_partitions partitions;
	int64_t upkept_day;
	uint64_t upkeep_from_us;
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

/* --- writer_join.c --- */

/* Reads the cursors: what is stored of our lanes? */
void writer_join(struct usage_writer *w);
/* True: started. Days that come are prepared before a row asks for them, so that midnight
 * costs nothing; failing here stops no batch. */
bool writer_start_upkeep(struct usage_writer *w);

/* --- writer_batch.c --- */

/* A batch of what waits, if anything does. */
void writer_start_batch(struct usage_writer *w);
/* The batch that w holds, from its first step on (again). */
void writer_begin(struct usage_writer *w);

#endif
