/* The thread that keeps the token table in step with PostgreSQL.
 *
 * One question at a time to the database: poll (is there a newer generation, and which
 * tokens changed?), then either their keys, or, when that is not enough, all keys in
 * pieces. What a step learns is as of the moment at which its poll was sent. Behind it
 * the database is told what was learnt. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/loop_thread.h"
#include "gateway/token/token_sync_priv.h"

#define RECLAIM_MS 20 /* between looks for readers that have moved on */

static void poll_now(struct token_sync *s);

/* --- publishing --- */

static void on_reclaim(evutil_socket_t fd, short what, void *arg)
{
	struct token_sync *s = arg;
	struct timeval soon = {0, RECLAIM_MS * 1000};

	(void)fd;
	(void)what;
	if (epoch_reclaim(s->o.epochs) > 0)
		event_add(s->reclaim_timer, &soon);
}

void token_sync_publish(struct token_sync *s, struct token_table *t, uint64_t generation)
{
	atomic_store_explicit(&s->n_keys, token_table_count(t), memory_order_relaxed);
	atomic_store_explicit(&s->table, t, memory_order_release);
	atomic_store_explicit(&s->generation, generation, memory_order_release);
	s->not_migrated = false;
	s->report_due = true;
}

static void retire(struct token_sync *s, void *garbage, void (*free_fn)(void *))
{
	epoch_retire(s->o.epochs, garbage, free_fn);
	on_reclaim(-1, 0, s);
	if (s->saver)
		token_saver_save(s->saver);
}

static void tell_state(struct token_sync *s)
{
	enum token_state now = token_sync_state(s, clock_mono_us());

	if (now == s->told)
		return;
	switch (now) {
	case TOKENS_FRESH:
		if (s->told != TOKENS_NONE)
			log_info("tokens: the key table is right again");
		break;
	case TOKENS_STALE:
		log_warn(
			"tokens: the key table is stale: known keys are served, others get 503");
		break;
	case TOKENS_TOO_STALE:
		log_error(
			"tokens: the key table is older than max_stale: every key gets 503");
		break;
	case TOKENS_NONE:
		break;
	}
	s->told = now;
}

/* The table is what the database said when it was asked. */
static void mark_right(struct token_sync *s,
		       const unsigned char instance[TOKEN_INSTANCE_BYTES])
{
	uint64_t lasted_s;

	if (trouble_over(&s->refusals, clock_mono_us(), &lasted_s))
		log_info("tokens: the keys can be read again, after %llu s",
			 (unsigned long long)lasted_s);
	atomic_store_explicit(&s->right_at_us, (int64_t)s->asked_at_us,
			      memory_order_release);
	pthread_mutex_lock(&s->lock);
	memcpy(s->instance, instance, TOKEN_INSTANCE_BYTES);
	pthread_mutex_unlock(&s->lock);
	first_load_move(&s->first, FIRST_DONE);
	if (s->saver)
		token_saver_touch(s->saver);
}

/* --- reports --- */

static void end_step(struct token_sync *s);

/* Keys are kept all the same. A database that is not migrated has no such function. */
static void on_reported(void *ctx, const struct pg_reply *reply)
{
	struct token_sync *s = ctx;

	if (reply->outcome == PG_ERROR) {
		log_debug("tokens: what this node reports is refused: %s %s",
			  reply->sqlstate, reply->message);
		s->no_reports = strcmp(reply->sqlstate, "55P03") != 0;
	}
	end_step(s);
}

/* False: there is nothing to tell, or nobody who hears it. */
static bool report(struct token_sync *s)
{
	struct token_snapshot about;
	char *json;
	const char *values[1];
	bool sent;

	if (s->no_reports || !pg_is_up(s->db) || atomic_load(&s->right_at_us) == NEVER)
		return false;
	token_sync_about(s, &about);
	values[0] = json = token_report_json(&s->report, &about);
	sent = pg_query(s->db, TOKEN_REPORT_SQL, (struct pg_params){values, 1},
			on_reported, s);
	free(json);
	if (sent)
		s->step = REPORTING;
	s->report_due = false;
	return sent;
}

/* --- steps --- */

static void say_goodbye(struct token_sync *s);

static void end_step(struct token_sync *s)
{
	s->step = IDLE;
	token_poll_fini(&s->poll);
	token_builder_free(&s->builder);
	if (s->stopping)
		say_goodbye(s);
	else if (s->report_due && report(s))
		return;
	else if (s->again)
		poll_now(s);
}

static void on_left(void *ctx, const struct pg_reply *reply)
{
	(void)reply;
	end_step(ctx);
}

/* Leaves the load's transaction, whole or failed. */
static void leave(struct token_sync *s, const char *sql)
{
	s->step = LEAVING;
	if (!pg_query(s->db, sql, (struct pg_params){0}, on_left, s))
		end_step(s);
}

static const char *hint_for(const char *sqlstate)
{
	/* undefined_table, undefined_column, insufficient_privilege */
	if (strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "42703") == 0)
		return "; run `tollgate migrate` on this database";
	if (strcmp(sqlstate, "42501") == 0)
		return "; GRANT tollgate TO the role that connects";
	return "";
}

/* After a refusal. */
static void leave_or_end(struct token_sync *s)
{
	if (s->step == LOADING)
		leave(s, "ROLLBACK");
	else
		end_step(s);
}

/* Before later migrations (names, what disables keys) keys are served all the same. Each
 * load asks anew: the database may be migrated while this session lasts. */
static bool lacks_columns(const struct token_sync *s, const struct pg_reply *reply)
{
	return !s->not_migrated && s->step != POLLING &&
	       strcmp(reply->sqlstate, "42703") == 0;
}

/* True: go on. Otherwise the step has ended. */
static bool is_answer(struct token_sync *s, const struct pg_reply *reply)
{
	if (reply->outcome == PG_OK)
		return true;
	if (reply->outcome == PG_ERROR && lacks_columns(s, reply)) {
		s->not_migrated = true;
		s->again = true;
		leave_or_end(s);
		return false;
	}
	if (reply->outcome == PG_ERROR) {
		if (trouble_note(&s->refusals, REFUSED, clock_mono_us()))
			log_error("tokens: cannot read the keys: %s %s%s",
				  reply->sqlstate, reply->message,
				  hint_for(reply->sqlstate));
		first_load_move(&s->first, FIRST_FAILED);
	}
	/* The next try is the next poll's: not at once what was just refused. */
	s->again = false;
	if (reply->outcome == PG_ERROR)
		leave_or_end(s);
	else
		end_step(s);
	return false;
}

static bool is_poll(struct token_sync *s, const PGresult *result)
{
	if (token_poll_read(&s->poll, result))
		return true;
	if (trouble_note(&s->refusals, NO_GENERATION, clock_mono_us()))
		log_error("tokens: token_generation has not its one row");
	first_load_move(&s->first, FIRST_FAILED);
	return false;
}

static void finish_load(struct token_sync *s)
{
	struct token_table *old = atomic_load(&s->table);
	struct token_table *t = token_builder_finish(&s->builder);

	token_sync_publish(s, t, s->poll.at.generation);
	log_info("tokens: %zu keys loaded in %llu ms", token_table_count(t),
		 (unsigned long long)(clock_mono_us() - s->load_started_us) / 1000);
	mark_right(s, s->poll.at.instance);
	retire(s, old, token_table_free);
	s->again = true; /* what changed during the load */
	leave(s, "COMMIT");
}

static void on_loaded(void *ctx, const struct pg_reply *reply)
{
	struct token_sync *s = ctx;
	int n = reply->result ? PQntuples(reply->result) : 0;
	struct token_row row;

	if (!is_answer(s, reply))
		return;
	for (int i = 0; i < n; i++)
		if (token_row_read(&row, reply->result, i))
			token_builder_add(s->builder, &row);
	if (n == 0)
		finish_load(s);
	else if (!pg_query(s->db, TOKEN_LOAD_NEXT_SQL, (struct pg_params){0}, on_loaded,
			   s))
		end_step(s);
}

static void on_load_begun(void *ctx, const struct pg_reply *reply)
{
	struct token_sync *s = ctx;

	if (!is_answer(s, reply))
		return;
	token_poll_fini(&s->poll);
	if (!is_poll(s, reply->result)) {
		leave(s, "ROLLBACK");
		return;
	}
	s->builder = token_builder_new();
	if (!pg_query(s->db, TOKEN_LOAD_NEXT_SQL, (struct pg_params){0}, on_loaded, s))
		end_step(s);
}

static void load_all(struct token_sync *s)
{
	s->step = LOADING;
	s->load_started_us = clock_mono_us();
	if (!pg_query(s->db,
		      s->not_migrated ? TOKEN_LOAD_SQL(TOKEN_COLUMNS_FIRST)
				      : TOKEN_LOAD_SQL(TOKEN_COLUMNS),
		      (struct pg_params){0}, on_load_begun, s))
		end_step(s);
}

static void apply_changes(struct token_sync *s, const PGresult *r)
{
	int n = PQntuples(r);
	struct token_row *rows = xcalloc((size_t)n + 1, sizeof *rows);
	struct token_change change = {s->poll.ids, s->poll.n_ids, rows, 0};
	struct token_table *t;
	void *garbage;

	for (int i = 0; i < n; i++)
		change.n_rows += token_row_read(&rows[change.n_rows], r, i);
	t = token_table_change(atomic_load(&s->table), &change, &garbage);
	free(rows);
	token_sync_publish(s, t, s->poll.at.generation);
	mark_right(s, s->poll.at.instance);
	tell_state(s);
	retire(s, garbage, token_garbage_free);
}

static void on_changed(void *ctx, const struct pg_reply *reply)
{
	struct token_sync *s = ctx;

	if (!is_answer(s, reply))
		return;
	apply_changes(s, reply->result);
	end_step(s);
}

static void load_changes(struct token_sync *s)
{
	const char *const values[] = {s->poll.ids_array};

	s->step = CHANGING;
	if (!pg_query(s->db,
		      s->not_migrated ? TOKEN_CHANGED_SQL(TOKEN_COLUMNS_FIRST)
				      : TOKEN_CHANGED_SQL(TOKEN_COLUMNS),
		      (struct pg_params){values, 1}, on_changed, s))
		end_step(s);
}

/* Do the changes since our generation lead from our table to theirs? Not if they are of
 * another database (or of this one's past), were pruned, or are about everything (id
 * 0). */
static bool changes_suffice(const struct token_sync *s)
{
	const struct token_poll *p = &s->poll;
	uint64_t ours = atomic_load(&s->generation);

	return atomic_load(&s->table) != NULL &&
	       memcmp(p->at.instance, s->instance, TOKEN_INSTANCE_BYTES) == 0 &&
	       p->at.generation >= ours && p->oldest_change <= ours + 1 && p->n_ids > 0 &&
	       p->n_ids <= TOKEN_CHANGES_MAX && p->ids[0] > 0;
}

static bool is_current(const struct token_sync *s)
{
	return atomic_load(&s->table) != NULL &&
	       memcmp(s->poll.at.instance, s->instance, TOKEN_INSTANCE_BYTES) == 0 &&
	       s->poll.at.generation == atomic_load(&s->generation);
}

static void on_polled(void *ctx, const struct pg_reply *reply)
{
	struct token_sync *s = ctx;

	if (!is_answer(s, reply))
		return;
	if (!is_poll(s, reply->result)) {
		end_step(s);
	} else if (is_current(s)) {
		mark_right(s, s->poll.at.instance);
		tell_state(s);
		end_step(s);
	} else if (changes_suffice(s)) {
		load_changes(s);
	} else {
		load_all(s);
	}
}

static void poll_now(struct token_sync *s)
{
	char known[24];
	const char *const values[] = {known};

	if (s->step != IDLE) {
		s->again = true;
		return;
	}
	s->again = false;
	if (!pg_is_up(s->db))
		return;
	snprintf(known, sizeof known, "%llu",
		 atomic_load(&s->table) ? (unsigned long long)atomic_load(&s->generation)
					: (unsigned long long)INT64_MAX);
	s->asked_at_us = clock_mono_us();
	s->step = POLLING;
	if (!pg_query(s->db, TOKEN_POLL_SQL, (struct pg_params){values, 1}, on_polled, s))
		end_step(s);
}

/* --- events --- */

static void on_state(void *ctx, bool up, const char *why)
{
	struct token_sync *s = ctx;

	(void)why;
	atomic_store(&s->connected, up);
	first_load_move(&s->first, up ? FIRST_CONNECTED : FIRST_FAILED);
	s->not_migrated = s->no_reports = false;
	s->report_due = true;
	if (up)
		poll_now(s);
}

static void on_notify(void *ctx, const char *payload)
{
	struct token_sync *s = ctx;
	uint64_t generation;

	if (!str_to_u64(str_of(payload), &generation) ||
	    generation != atomic_load(&s->generation))
		poll_now(s);
}

static void on_poll_timer(evutil_socket_t fd, short what, void *arg)
{
	struct token_sync *s = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(s, SYNC_MAGIC);
	tell_state(s);
	if (s->step == IDLE)
		poll_now(s);
}

static void on_report_timer(evutil_socket_t fd, short what, void *arg)
{
	struct token_sync *s = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(s, SYNC_MAGIC);
	s->report_due = true;
	if (s->step == IDLE)
		report(s);
}

/* --- the end --- */

static void on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	struct token_sync *s = arg;

	(void)fd;
	(void)what;
	loop_thread_end(s->thread);
}

static void on_gone(void *ctx, const struct pg_reply *reply)
{
	struct token_sync *s = ctx;

	(void)reply;
	loop_thread_end(s->thread);
}

static void say_goodbye(struct token_sync *s)
{
	const char *const values[] = {s->report.id};

	if (s->no_reports || !pg_query(s->db, TOKEN_REPORT_END_SQL,
				       (struct pg_params){values, 1}, on_gone, s))
		loop_thread_end(s->thread);
	else
		s->step = REPORTING;
}

/* Whoever waits for all nodes does not wait for this one any more. */
static void on_stop(void *ctx)
{
	struct token_sync *s = ctx;
	uint64_t now = clock_mono_us(), until = loop_thread_deadline_us(s->thread);
	struct timeval rest = {.tv_usec = until > now ? (suseconds_t)(until - now) : 0};

	OBJ_CHECK(s, SYNC_MAGIC);
	s->stopping = true;
	CHECK(event_add(s->stop_timer, &rest) == 0);
	if (s->step == IDLE)
		say_goodbye(s);
}

void token_sync_make_thread(struct token_sync *s)
{
	struct timeval each = {s->o.poll_ms / 1000, (s->o.poll_ms % 1000) * 1000};
	const struct timeval report_each = {TOKEN_REPORT_MS / 1000, 0};
	struct pg_options db = {
		.conninfo = s->o.database,
		.resolver = s->o.resolver,
		.application_name = "tollgate sync",
		.listen = "token_generation",
		.on_state = on_state,
		.on_notify = on_notify,
		.ctx = s,
	};
	struct event_base *base;

	s->thread = loop_thread_new(&(struct loop_thread_options){
		.name = "token-sync",
		.on_stop = on_stop,
		.ctx = s,
	});
	base = loop_thread_base(s->thread);
	s->poll_timer = event_new(base, -1, EV_PERSIST, on_poll_timer, s);
	s->reclaim_timer = event_new(base, -1, 0, on_reclaim, s);
	s->report_timer = event_new(base, -1, EV_PERSIST, on_report_timer, s);
	s->stop_timer = event_new(base, -1, 0, on_stop_timer, s);
	CHECK(s->poll_timer && s->reclaim_timer && s->report_timer && s->stop_timer);
	CHECK(event_add(s->poll_timer, &each) == 0);
	CHECK(event_add(s->report_timer, &report_each) == 0);
	s->db = pg_conn_new(base, &db);
}
