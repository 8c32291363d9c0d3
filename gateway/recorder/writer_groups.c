/* The groups that the writer writes from: they join the database after each reconnect,
 * and adopted ones go once they are stored. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg_value.h"
#include "gateway/recorder/cursors.h"
#include "gateway/recorder/writer_priv.h"

#define FOREIGN_AGAIN_US UINT64_C(5000000)

/* --- life --- */

void writer_group_add(struct usage_writer *w, struct usage_group *group)
{
	struct writer_source *s = &w->sources[w->n_sources++];

	*s = (struct writer_source){.group = group};
	s->sent = xcalloc(group->n_lanes, sizeof *s->sent);
	for (size_t i = 0; i < group->n_lanes; i++)
		s->sent[i] = usage_lane_tail(group->lanes[i]);
	s->counts = xcalloc(2 * group->n_lanes * COUNTS_SLOTS, sizeof *s->counts);
	s->seen = xcalloc(2 * group->n_lanes, sizeof *s->seen);
	s->past = xcalloc(group->n_lanes, sizeof *s->past);
	s->gone = xcalloc(group->n_lanes, sizeof *s->gone);
}

static void fini_source(struct writer_source *s)
{
	free(s->sent);
	free(s->counts);
	free(s->seen);
	for (size_t i = 0; i < s->group->n_lanes; i++)
		lane_past_fini(&s->past[i]);
	free(s->past);
	free(s->gone);
}

static void drop_adopted(struct usage_writer *w, size_t i)
{
	fini_source(&w->sources[i]);
	if (!writer_is_own(&w->sources[i]))
		usage_group_close(&w->sources[i].group);
	w->sources[i] = w->sources[--w->n_sources];
	w->at = &w->sources[0];
}

void writer_groups_free(struct usage_writer *w)
{
	while (w->n_sources > 1)
		drop_adopted(w, w->n_sources - 1);
	fini_source(&w->sources[0]);
}

void writer_groups_forget(struct usage_writer *w)
{
	for (size_t i = 0; i < w->n_sources; i++)
		w->sources[i].joined = false;
	w->own_again_us = 0;
}

bool writer_group_to_join(struct usage_writer *w)
{
	for (size_t i = 0; i < w->n_sources; i++) {
		w->joining = &w->sources[i];
		if (w->joining->foreign && clock_mono_us() < w->own_again_us)
			continue;
		if (!w->joining->joined)
			return true;
	}
	return false;
}

/* --- whose events are they? --- */

bool writer_instance_ask(struct usage_writer *w)
{
	sbuf_lit(&w->sql,
		 "SELECT replace(instance::text, '-', '') FROM token_generation");
	return true;
}

static void note(struct usage_writer *w, struct usage_group *g)
{
	if (!usage_group_note_instance(g, w->database))
		log_warn("usage journal: cannot note whose events group %s holds: %s",
			 g->name, strerror(errno));
}

static bool is_at_home(struct usage_writer *w, struct usage_group *g)
{
	if (g->has_instance && !g->adopted && usage_group_is_blank(g))
		g->has_instance = false;
	if (!g->has_instance && w->has_database)
		note(w, g);
	return !g->has_instance || (w->has_database && memcmp(g->instance, w->database,
							      sizeof w->database) == 0);
}

static void tell_foreign(const struct usage_writer *w, const struct usage_group *g)
{
	char theirs[2 * JOURNAL_INSTANCE_BYTES + 1], this[sizeof theirs];

	hex_encode(theirs, g->instance, JOURNAL_INSTANCE_BYTES);
	hex_encode(this, w->database, JOURNAL_INSTANCE_BYTES);
	log_error(
		"usage journal: group %s holds events of another database (%s; this one is %s): nothing of it is stored or dropped; see docs/usage-journal.md, or run `tollgate journal hand-over` to give it to this database, `tollgate journal discard` to remove it",
		g->name, theirs, w->has_database ? this : "without an instance");
}

/* The own group stays, and is looked at again; another's folder is given back, so that
 * the command can have it. */
static void leave_foreign(struct usage_writer *w, struct writer_source *s)
{
	bool own = writer_is_own(s);

	if (own ? trouble_note(&w->foreign, 1, clock_mono_us())
		: usage_journal_set_aside(w->o.journal, s->group))
		tell_foreign(w, s->group);
	if (own) {
		s->foreign = true;
		recording_stands(w->o.recording,
				 "the journal's events are another database's");
		w->own_again_us = clock_mono_us() + FOREIGN_AGAIN_US;
	} else {
		drop_adopted(w, (size_t)(s - w->sources));
	}
}

void writer_instance_done(struct usage_writer *w, const PGresult *result)
{
	struct writer_source *s = w->joining;
	uint64_t lasted_s;

	w->has_database =
		PQntuples(result) == 1 &&
		hex_decode(w->database, sizeof w->database, pg_value_text(result, 0, 0));
	if (s->group->has_instance)
		usage_group_read_instance(s->group);
	if (!is_at_home(w, s->group)) {
		leave_foreign(w, s);
		w->next = STEP_NONE;
		return;
	}
	if (s->foreign && trouble_over(&w->foreign, clock_mono_us(), &lasted_s))
		log_info("usage journal: group %s is this database's now, after %llu s",
			 s->group->name, (unsigned long long)lasted_s);
	s->had_cursors &= !s->foreign;
	s->foreign = false;
}

/* --- joining: what does the database hold of our lanes? --- */

bool writer_join_ask(struct usage_writer *w)
{
	const struct usage_group *g = w->joining->group;

	w->rejecting = false;
	partitions_forget(&w->partitions);
	usage_owners_forget(w->owners);
	memset(w->joining->gone, 0, g->n_lanes * sizeof *w->joining->gone);
	if (!pg_is_pooled(w->pg))
		cursors_end_older_sql(&w->sql);
	cursors_join_sql(g->name, g->lanes, g->n_lanes, w->joining->had_cursors, &w->sql);
	return true;
}

static void tell_set_back(const struct writer_source *s, size_t number, uint64_t position)
{
	const struct past_batch *gone = &s->gone[number];
	char from[RECORDING_TIME_MAX], to[RECORDING_TIME_MAX];

	if (gone->events == 0) {
		log_error(
			"usage: the database was set back: lane %zu stands at %llu instead of "
			"%llu, and nothing is missing; recording goes on",
			number, (unsigned long long)position,
			(unsigned long long)usage_lane_tail(s->group->lanes[number]));
		return;
	}
	log_error(
		"usage: the database was set back, by a failover that lost commits or a "
		"restored copy: lane %zu stands at %llu instead of %llu; %llu events "
		"from %s to %s that were stored are gone, counted in usage_gaps; "
		"recording goes on",
		number, (unsigned long long)position,
		(unsigned long long)usage_lane_tail(s->group->lanes[number]),
		(unsigned long long)gone->events, recording_time(from, gone->first_us),
		recording_time(to, gone->last_us));
}

/* False: no batch of ours ended at this position. The database was set back to an earlier
 * state (a restored copy, a fail-over that lost commits); what it has lost is not here
 * any more. */
static bool take_cursor(struct usage_writer *w, size_t number, uint64_t position)
{
	struct usage_lane *lane = w->joining->group->lanes[number];
	uint64_t rows;

	if (w->joining->group->adopted) {
		/* Only the database knows how far its process had come. */
		usage_lane_set_tail(lane, position);
		return true;
	}
	if (cursor_take(lane, position, w->joining->sent[number], &rows)) {
		/* Of a batch whose answer was lost, just now. */
		if (rows > 0)
			lane_past_add(&w->joining->past[number],
				      &(struct past_batch){position, rows,
							   clock_wall_us(),
							   clock_wall_us()});
		writer_bump(&w->o.counters->written, rows);
		writer_bump(&w->o.counters->own, rows);
		return true;
	}
	w->joining->gone[number] = lane_past_behind(&w->joining->past[number], position);
	tell_set_back(w->joining, number, position);
	return false;
}

void writer_join_done(struct usage_writer *w, const PGresult *result)
{
	bool agree = true;

	for (int i = 0; i < PQntuples(result); i++) {
		size_t lane = (size_t)pg_value_int(result, i, 0);

		if (lane < w->joining->group->n_lanes)
			agree &= take_cursor(w, lane,
					     (uint64_t)pg_value_int(result, i, 1));
	}
	w->joining->joined = agree;
	w->joining->had_cursors |= agree && !w->joining->group->adopted;
	if (agree && !w->batch_fails)
		writer_goes_on(w);
	if (!agree)
		w->next = STEP_SET_BACK;
}

/* It joins again after that, and finds them right. */
bool writer_set_back_ask(struct usage_writer *w)
{
	const struct usage_group *g = w->joining->group;

	for (size_t i = 0; i < g->n_lanes; i++) {
		cursors_reset_sql(g->name, i, g->lanes[i], &w->sql);
		if (w->joining->gone[i].events > 0)
			cursors_gap_sql(g->name, i, g->lanes[i], &w->joining->gone[i],
					&w->sql);
	}
	return true;
}

void writer_group_remember(struct writer_source *s, const struct usage_batch *b)
{
	for (size_t i = 0; i < b->n_lanes && !s->group->adopted; i++) {
		const struct batch_span *span = &b->spans[i];

		if (span->to != span->from)
			lane_past_add(&s->past[i],
				      &(struct past_batch){span->to, span->events,
							   span->first_us,
							   span->last_us});
	}
}

/* --- parting --- */

/* Its cursors stay, for 400 days: the folder may come back, from a copy, or after a power
 * cut. But those of lanes of which nothing was stored tell nothing. */
bool writer_group_to_forget(struct usage_writer *w)
{
	bool gone;

	for (size_t i = 1; i < w->n_sources; i++) {
		struct writer_source *s = &w->sources[i];

		if (!s->drained || !s->counts_stored)
			continue;
		memcpy(w->leaving, s->group->name, sizeof w->leaving);
		gone = usage_journal_part(w->o.journal, s->group);
		drop_adopted(w, i);
		if (gone)
			log_info("usage journal: group %s is stored and gone",
				 w->leaving);
		return gone;
	}
	return false;
}

/* Where it fails, the rows are old one day, and go then. */
bool writer_forget_ask(struct usage_writer *w)
{
	sbuf_printf(&w->sql,
		    "DELETE FROM usage_cursors WHERE lane_group = '%s' AND position = 0",
		    w->leaving);
	return true;
}
