/* Writes batches from the lanes to PostgreSQL: its steps, whose turn it is, life. */
#include "gateway/recorder/writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/recorder/writer_priv.h"

#define COPY_PIECE 16384u
#define COUNTS_RETRY_US UINT64_C(30000000)

static bool ask_rollback(struct usage_writer *w)
{
	sbuf_lit(&w->sql, "ROLLBACK");
	return true;
}

/* From BEGIN to COMMIT (or ROLLBACK) it is one transaction. What a line leaves out: the
 * statement holds nothing, an error waits, and STEP_NONE follows, which is: `choose`. */
static const struct writer_step steps[STEP_COUNT] = {
	[STEP_SCHEMA] = {.name = "telling what was migrated",
			 .ask = writer_schema_ask,
			 .done = writer_schema_done},
	[STEP_INSTANCE] = {.name = "telling which database it is",
			   .then = STEP_JOIN,
			   .ask = writer_instance_ask,
			   .done = writer_instance_done},
	[STEP_JOIN] = {.name = "joining",
		       .ask = writer_join_ask,
		       .done = writer_join_done},
	[STEP_SET_BACK] = {.name = "setting cursors back", .ask = writer_set_back_ask},

	[STEP_OWNERS] = {.name = "telling whose keys they are",
			 .then = STEP_DAYS,
			 .ask = writer_owners_ask,
			 .done = writer_owners_done},
	[STEP_DAYS] = {.name = "looking for partitions",
		       .holds = HOLDS_DAYS,
		       .then = STEP_BEGIN,
		       .ask = writer_days_ask,
		       .done = writer_days_done},
	[STEP_BEGIN] = {.name = "moving the cursor",
			.then = STEP_CLAIM,
			.ask = writer_begin_ask,
			.done = writer_begin_done},
	[STEP_CLAIM] = {.name = "claiming ids",
			.then = STEP_ROWS,
			.ask = writer_claim_ask,
			.done = writer_claim_done},
	[STEP_ROWS] = {.name = "copying rows",
		       .holds = HOLDS_ROWS,
		       .then = STEP_CELLS,
		       .ask = writer_rows_ask,
		       .lines = writer_rows_lines,
		       .done = writer_rows_done},
	[STEP_CELLS] = {.name = "copying cells",
			.holds = HOLDS_ROWS,
			.then = STEP_COMMIT,
			.ask = writer_cells_ask,
			.lines = writer_cells_lines},
	[STEP_REJECT] = {.name = "putting a refused row aside",
			 .holds = HOLDS_ROWS,
			 .then = STEP_COMMIT,
			 .ask = writer_reject_ask},
	[STEP_COMMIT] = {.name = "committing",
			 .holds = HOLDS_ROWS,
			 .then = STEP_USES,
			 .ask = writer_commit_ask,
			 .done = writer_commit_done},

	[STEP_USES] = {.name = "noting when tokens were last used",
		       .error = ERROR_OF_USES,
		       .ask = writer_uses_ask,
		       .done = writer_uses_done},

	[STEP_COUNTS] = {.name = "storing counters",
			 .holds = HOLDS_COUNTS,
			 .error = ERROR_LATER,
			 .later_us = COUNTS_RETRY_US,
			 .ask = writer_counts_ask,
			 .done = writer_counts_done},
	[STEP_SWEEP] = {.name = "removing old strangers",
			.error = ERROR_IGNORED,
			.ask = writer_sweep_ask,
			.done = writer_sweep_done},
	[STEP_FORGET] = {.name = "forgetting a group",
			 .error = ERROR_IGNORED,
			 .ask = writer_forget_ask},
	[STEP_ROLLBACK] = {.name = "rolling back",
			   .error = ERROR_ENDS_SESSION,
			   .ask = ask_rollback},
};

/* --- whose turn is it? --- */

static bool fill_from_adopted(struct usage_writer *w)
{
	for (size_t i = 1; i < w->n_sources; i++) {
		struct writer_source *s = &w->sources[i];

		if (s->drained || (w->own_alone && !writer_is_own(s)))
			continue;
		if (writer_batch_fill(w, s))
			return true;
		if (writer_is_own(s))
			continue; /* a producer may be about to append */
		s->drained = true;
		w->due_us[STEP_COUNTS] = 0;
	}
	return false;
}

/* The own group and the adopted ones in turn; but a batch that is halved for a bad row is
 * followed to its end. */
static bool fill_a_batch(struct usage_writer *w)
{
	struct writer_source *own = &w->sources[0];
	bool own_was_last = w->at == own;

	if ((writer_is_narrowing(w) || w->again) && writer_batch_fill(w, w->at))
		return true;
	if (own_was_last && fill_from_adopted(w))
		return true;
	if (w->own_is_due) {
		w->own_is_due = false;
		if (writer_batch_fill(w, own))
			return true;
	}
	return fill_from_adopted(w);
}

static enum step_id choose(struct usage_writer *w)
{
	if (w->retired || !pg_is_up(w->pg) || clock_mono_us() < w->resume_us)
		return STEP_NONE;
	if (writer_schema_is_due(w))
		return STEP_SCHEMA;
	if (!w->schema_fits)
		return STEP_NONE;
	if (writer_group_to_join(w))
		return STEP_INSTANCE;
	if (w->rejecting)
		return STEP_BEGIN; /* the batch that is there */
	if (writer_uses_are_due(w))
		return STEP_USES;
	if (writer_counts_find(w))
		return STEP_COUNTS;
	if (writer_sweep_is_due(w))
		return STEP_SWEEP;
	if (writer_group_to_forget(w))
		return STEP_FORGET;
	return fill_a_batch(w) ? writer_batch_first(w) : STEP_NONE;
}

/* --- step by step --- */

static void go_on(struct usage_writer *w);

static void on_reply(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;
	const struct writer_step *step;

	OBJ_CHECK(w, WRITER_MAGIC);
	step = &steps[w->step];
	w->next = step->then;
	if (reply->outcome != PG_OK)
		writer_judge(w, step, reply);
	else if (step->done != NULL)
		step->done(w, reply->result);
	go_on(w);
}

static bool has_lines(struct usage_writer *w)
{
	if (w->lines.n == 0)
		w->lines = steps[w->step].lines(w);
	return w->lines.n > 0;
}

static void on_copy_wants_more(void *ctx)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	while (has_lines(w)) {
		size_t n = w->lines.n < COPY_PIECE ? w->lines.n : COPY_PIECE;
		const char *from = w->lines.p;

		w->lines.p += n;
		w->lines.n -= n;
		if (!pg_copy_put(w->pg, from, n))
			return;
	}
	pg_copy_end(w->pg, NULL);
}

/* False: there is no connection any more. */
static bool send_statement(struct usage_writer *w)
{
	struct pg_params params = {w->values, w->n_values};

	w->lines = (struct str){0};
	if (steps[w->step].lines != NULL)
		return pg_copy_begin(w->pg, sbuf_text(&w->sql), on_copy_wants_more,
				     on_reply, w);
	return pg_query(w->pg, sbuf_text(&w->sql), params, on_reply, w);
}

/* False: w->next follows at once. */
static bool start(struct usage_writer *w)
{
	static const struct pg_reply gone = {.outcome = PG_LOST,
					     .message = "connection lost"};
	bool sent;

	w->next = steps[w->step].then;
	sbuf_reset(&w->sql);
	w->n_values = 0;
	if (!steps[w->step].ask(w))
		return false;
	sent = send_statement(w);
	free(w->owned);
	w->owned = NULL;
	if (!sent)
		writer_judge(w, &steps[w->step], &gone);
	return sent;
}

/* Until a statement is under way, or nothing is to be done. */
static void go_on(struct usage_writer *w)
{
	do
		w->step = w->next != STEP_NONE ? w->next : choose(w);
	while (w->step != STEP_NONE && !start(w));
}

void usage_writer_turn(struct usage_writer *w, bool write)
{
	w->own_is_due |= write;
	if (w->step != STEP_NONE)
		return;
	w->next = STEP_NONE;
	go_on(w);
}

bool usage_writer_is_idle(const struct usage_writer *w)
{
	return w->step == STEP_NONE;
}

bool usage_writer_is_foreign(const struct usage_writer *w)
{
	return w->sources[0].foreign;
}

bool usage_writer_may_work(const struct usage_writer *w)
{
	return w->schema_fits;
}

bool usage_writer_retire(struct usage_writer *w)
{
	const struct writer_source *own = &w->sources[0];

	CHECK(usage_writer_is_idle(w));
	if (!own->joined || !pg_is_up(w->pg))
		return false;
	snprintf(w->leaving, sizeof w->leaving, "%s", own->group->name);
	w->retired = true;
	w->next = STEP_FORGET;
	go_on(w);
	return true;
}

/* --- for people --- */

/* used_at of the first event that waits there; 0: none does. */
static int64_t oldest_of(struct usage_lane *lane)
{
	const unsigned char *bytes;
	struct usage_event e;
	int64_t oldest = 0;
	uint64_t next;
	size_t n;

	if (usage_lane_read(lane, usage_lane_tail(lane), &bytes, &n, &next) &&
	    usage_event_decode(&e, bytes, n))
		oldest = e.used_at_us;
	usage_lane_rest(lane);
	return oldest;
}

void usage_writer_tell(struct usage_writer *w)
{
	bool all_joined = pg_is_up(w->pg);
	int64_t oldest = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < w->n_sources; i++) {
		const struct usage_group *g = w->sources[i].group;

		all_joined &= w->sources[i].joined;
		for (size_t k = 0; k < g->n_lanes; k++) {
			int64_t at = oldest_of(g->lanes[k]);

			if (at != 0 && (oldest == 0 || at < oldest))
				oldest = at;
			if (i == 0)
				bytes += usage_lane_backlog_bytes(g->lanes[k]);
		}
	}
	recording_waits(w->o.recording, oldest, bytes);
	if (oldest == 0 && all_joined)
		writer_goes_on(w);
}

static void on_trouble(void *ctx, const char *why)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	recording_stands(w->o.recording, why);
}

static void on_state(void *ctx, bool up, const char *why)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	(void)why;
	atomic_store_explicit(&w->o.counters->connected, up, memory_order_relaxed);
	writer_groups_forget(w);
	w->resume_us = w->failing_since_us = w->due_us[STEP_SCHEMA] = 0;
	w->schema_fits = false;
	if (up)
		usage_writer_turn(w, false);
}

/* --- life --- */

bool usage_writer_adopt(struct usage_writer *w, struct usage_group *group)
{
	if (usage_writer_adopted(w) + 1 == WRITER_GROUPS_MAX)
		return false;
	writer_group_add(w, group);
	return true;
}

size_t usage_writer_adopted(const struct usage_writer *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_sources; i++)
		n += !writer_is_own(&w->sources[i]);
	return n;
}

void usage_writer_renew(struct usage_writer *w, struct usage_group *own)
{
	struct writer_source before = w->sources[0];

	CHECK(usage_writer_is_idle(w));
	CHECK(w->n_sources < ARRAY_LEN(w->sources));
	writer_group_add(w, own);
	w->sources[0] = w->sources[w->n_sources - 1];
	w->sources[w->n_sources - 1] = before;
	if (w->at == &w->sources[0])
		w->at = &w->sources[w->n_sources - 1];
}

void usage_writer_only_own(struct usage_writer *w)
{
	w->own_alone = true;
	w->sources[0].counts_stored = false;
	w->due_us[STEP_COUNTS] = 0;
}

struct usage_writer *usage_writer_new(const struct writer_options *o)
{
	struct usage_writer *w = xcalloc(1, sizeof *w);
	struct usage_group *own = usage_journal_own(o->journal);
	char application_name[64];

	CHECK(o->batch_rows <= o->batch_rows_max);
	w->magic = WRITER_MAGIC;
	w->o = *o;
	w->limit = w->ceiling = o->batch_rows;
	w->pause_ms = WRITER_PAUSE_MIN_MS;
	writer_group_add(w, own);
	w->at = &w->sources[0];
	w->counts = writer_counts_new();
	w->owners = usage_owners_new();
	w->uses_most = USES_MAX;
	sbuf_init(&w->sql, usage_batch_sql_max(o->batch_rows_max));
	usage_batch_init(&w->batch, o->batch_rows_max);
	snprintf(application_name, sizeof application_name, "tollgate recorder %s",
		 own->name);
	w->pg = pg_conn_new(o->base, &(struct pg_options){
					     .conninfo = o->database,
					     .resolver = o->resolver,
					     .application_name = application_name,
					     .timeout_ms = o->timeout_ms,
					     .writes = true,
					     .on_state = on_state,
					     .on_trouble = on_trouble,
					     .ctx = w,
				     });
	return w;
}

void usage_writer_free(struct usage_writer **writer)
{
	struct usage_writer *w = *writer;

	*writer = NULL;
	if (w == NULL)
		return;
	pg_conn_free(&w->pg);
	writer_groups_free(w);
	writer_counts_free(&w->counts);
	usage_owners_free(&w->owners);
	usage_uses_fini(&w->uses);
	usage_batch_fini(&w->batch);
	sbuf_fini(&w->sql);
	w->magic = 0;
	free(w);
}
