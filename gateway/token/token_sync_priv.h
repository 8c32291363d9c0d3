/* The inside of the thread that keeps the keys: token_sync.c (its steps) and
 * token_sync_life.c (its beginning and end, and what readers see) share it. */
#ifndef GATEWAY_TOKEN_TOKEN_SYNC_PRIV_H
#define GATEWAY_TOKEN_TOKEN_SYNC_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/pg.h"
#include "common/trouble.h"
#include "gateway/token/first_load.h"
#include "gateway/token/token_report.h"
#include "gateway/token/token_rows.h"
#include "gateway/token/token_saver.h"
#include "gateway/token/token_sync.h"

#define SYNC_MAGIC 0x746f6b73u
#define STALE_SLACK_MS 250u /* an answer's way back */
#define NEVER INT64_MIN

enum step { IDLE, POLLING, CHANGING, LOADING, LEAVING, REPORTING };

/* Why the keys cannot be read. */
enum { REFUSED = 1, NO_GENERATION };

struct token_sync {
	uint32_t magic;
	struct token_sync_options o; /* its strings are ours */
	struct loop_thread *thread;
	/* published */
	struct token_table *_Atomic table;
	_Atomic uint64_t generation; /* stored after the table: never newer than it */
	_Atomic size_t n_keys;
	_Atomic int64_t right_at_us; /* monotonic; NEVER */
	_Atomic bool connected;
	pthread_mutex_t lock; /* of what follows */
	unsigned char instance[TOKEN_INSTANCE_BYTES];
	struct first_load first;
	/* the thread's own */
	struct event *poll_timer, *reclaim_timer, *report_timer, *stop_timer;
	struct pg_conn *db;
	struct token_saver *saver; /* NULL: no snapshot */
	enum step step;
	bool again;        /* notified while a step ran */
	bool not_migrated; /* the database lacks later columns: for the next load */
	struct trouble refusals;
	uint64_t asked_at_us; /* when the running step's poll was sent */
	struct token_poll poll;
	struct token_builder *builder;
	uint64_t load_started_us;
	enum token_state told; /* the latest state in the log */
	struct token_report report;
	bool report_due;
	bool no_reports; /* the database takes none, as far as this session goes */
	bool stopping;
};

/* Makes its thread, not yet started, with what is on it. */
void token_sync_make_thread(struct token_sync *s);
/* Whoever looks for the table sees this one from now on. */
void token_sync_publish(struct token_sync *s, struct token_table *t, uint64_t generation);
/* What the table is; any thread. The generation first: the table may be newer than it,
 * which a restart mends; never older. */
void token_sync_about(struct token_sync *s, struct token_snapshot *about);

#endif
