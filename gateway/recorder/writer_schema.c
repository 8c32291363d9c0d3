/* At each connect: are the database's tables those that this program writes to? Where
 * they are behind, nothing is written until someone has migrated them: events wait in the
 * journal, and keys are served all the same. */
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/db/schema.h"
#include "gateway/recorder/writer_priv.h"

#define LOOK_AGAIN_US UINT64_C(1000000)
#define WHAT_MAX 512

enum { TROUBLE_BEHIND = 1, TROUBLE_OTHER };

bool writer_schema_is_due(const struct usage_writer *w)
{
	return !w->schema_fits && clock_mono_us() >= w->due_us[STEP_SCHEMA];
}

bool writer_schema_ask(struct usage_writer *w)
{
	sbuf_lit(&w->sql, DB_SCHEMA_SQL);
	return true;
}

static void tell_other(struct usage_writer *w, const char *what)
{
	if (trouble_note(&w->schema, TROUBLE_OTHER, clock_mono_us()))
		log_warn("usage: %s; recording goes on", what);
}

static void wait_for_migration(struct usage_writer *w, const char *what)
{
	w->due_us[STEP_SCHEMA] = clock_mono_us() + LOOK_AGAIN_US;
	if (trouble_note(&w->schema, TROUBLE_BEHIND, clock_mono_us()))
		log_error(
			"usage: %s; until then events wait in the journal, and keys are "
			"served as far as they can be read",
			what);
	recording_stands(w->o.recording, what);
}

static void take_verdict(struct usage_writer *w, enum db_schema_state state,
			 const char *what)
{
	uint64_t lasted_s;

	switch (state) {
	case DB_SCHEMA_SAME:
		if (trouble_over(&w->schema, clock_mono_us(), &lasted_s))
			log_info("usage: the database's tables fit now, after %llu s",
				 (unsigned long long)lasted_s);
		w->schema_fits = true;
		break;
	case DB_SCHEMA_OTHER:
		tell_other(w, what);
		w->schema_fits = true;
		break;
	case DB_SCHEMA_BEHIND:
	case DB_SCHEMA_NONE:
		wait_for_migration(w, what);
		break;
	}
}

static void judge(struct usage_writer *w, const PGresult *result)
{
	char text[WHAT_MAX] = "";
	struct sbuf what;
	enum db_schema_state state;

	sbuf_init(&what, WHAT_MAX);
	state = db_schema_judge(result, &what);
	str_copy(text, sizeof text, sbuf_view(&what));
	sbuf_fini(&what);
	take_verdict(w, state, text);
}

void writer_schema_done(struct usage_writer *w, const PGresult *result)
{
	judge(w, result);
}

bool writer_schema_refused(struct usage_writer *w, const struct pg_reply *reply)
{
	if (w->step != STEP_SCHEMA || strcmp(reply->sqlstate, "42P01") != 0)
		return false;
	judge(w, NULL);
	return true;
}
