/* The groups that the writer writes from: they join the database after each reconnect,
 * and adopted ones go once they are stored. */
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/log.h"
#include "common/pg_value.h"
#include "gateway/recorder/cursors.h"
#include "gateway/recorder/writer_priv.h"

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
}

static void fini_source(struct writer_source *s)
{
	free(s->sent);
	free(s->counts);
	free(s->seen);
}

static void drop_adopted(struct usage_writer *w, size_t i)
{
	fini_source(&w->sources[i]);
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

/* --- joining: what does the database hold of our lanes? --- */

void writer_groups_forget(struct usage_writer *w)
{
	for (size_t i = 0; i < w->n_sources; i++)
		w->sources[i].joined = false;
}

bool writer_group_to_join(struct usage_writer *w)
{
	for (size_t i = 0; i < w->n_sources; i++) {
		w->joining = &w->sources[i];
		if (!w->joining->joined)
			return true;
	}
	return false;
}

bool writer_join_ask(struct usage_writer *w)
{
	const struct usage_group *g = w->joining->group;

	w->rejecting = false;
	writer_days_forget(w);
	cursors_join_sql(g->name, g->lanes, g->n_lanes, &w->sql);
	return true;
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
		writer_bump(&w->o.counters->written, rows);
		writer_bump(&w->o.counters->own, rows);
		return true;
	}
	log_error("usage: the database was set back: lane %zu stands at %llu instead of "
		  "%llu; rows written since are gone from it",
		  number, (unsigned long long)position,
		  (unsigned long long)usage_lane_tail(lane));
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
	if (!agree)
		w->next = STEP_SET_BACK;
}

/* It joins again after that, and finds them right. */
bool writer_set_back_ask(struct usage_writer *w)
{
	const struct usage_group *g = w->joining->group;

	for (size_t i = 0; i < g->n_lanes; i++)
		cursors_reset_sql(g->name, i, g->lanes[i], &w->sql);
	return true;
}

/* --- parting --- */

/* First the folder, then the cursors: the other way round, a power cut might bring the
 * folder back without what tells that it is stored. Where it stays, so do they. */
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
	sbuf_printf(&w->sql, "DELETE FROM usage_cursors WHERE lane_group = '%s'",
		    w->leaving);
	return true;
}
