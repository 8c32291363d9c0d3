/* Who waits until all nodes have applied a change of tokens. */
#include "gateway/manager/confirmations.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/pg_value.h"
#include "gateway/manager/db.h"

#define CONFIRMATIONS_MAGIC 0x636f6e31u
/* Between two looks: while a wait is young, and later. */
#define LOOK_SOON_MS 10u
#define LOOK_LATER_MS 50u
#define YOUNG_US UINT64_C(500000)

static const char progress_sql[] =
	"SELECT id, name, generation, is_live, reported_at FROM nodes_progress()";
enum { COLUMN_ID, COLUMN_NAME, COLUMN_GENERATION, COLUMN_IS_LIVE, COLUMN_REPORTED_AT };

struct wait {
	TAILQ_ENTRY(wait) link;
	int64_t generation;
	uint64_t since_us, until_us;
	/* As of the latest look, and the ids beside them. */
	struct confirmation *nodes;
	char **ids;
	size_t n;
	bool is_known, is_over;
	void (*done)(void *ctx, const struct confirmed *what);
	void *ctx;
};

struct confirmations {
	uint32_t magic;
	struct manager_db *db;
	struct manager_ask *ask; /* while a look is under way */
	struct event *timer;
	TAILQ_HEAD(, wait) waits;
};

static void forget_nodes(struct wait *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->nodes[i].node);
		free(w->nodes[i].since);
		free(w->ids[i]);
	}
	free(w->nodes);
	free(w->ids);
	w->nodes = NULL;
	w->ids = NULL;
	w->n = 0;
}

static void end_wait(struct confirmations *c, struct wait *w)
{
	const struct confirmed what = {w->nodes, w->n, w->is_known};

	TAILQ_REMOVE(&c->waits, w, link);
	w->done(w->ctx, &what);
	forget_nodes(w);
	free(w);
}

/* --- a look --- */

/* What was seen to be applied keeps its time. */
static uint32_t applied_ms(const struct wait *w, const char *id, uint64_t now_us)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->ids[i], id) == 0 && w->nodes[i].has_applied)
			return w->nodes[i].ms;
	return (uint32_t)((now_us - w->since_us) / 1000);
}

/* Nobody waits for those that are silent. */
static void look(struct wait *w, const PGresult *r, uint64_t now_us)
{
	size_t n = (size_t)PQntuples(r);
	struct wait next = *w;

	next.nodes = xcalloc(n + 1, sizeof *next.nodes);
	next.ids = xcalloc(n + 1, sizeof *next.ids);
	next.n = n;
	next.is_known = next.is_over = true;
	for (int i = 0; i < (int)n; i++) {
		struct confirmation *node = &next.nodes[i];

		next.ids[i] = xstrdup(PQgetvalue(r, i, COLUMN_ID));
		node->node = xstrdup(PQgetvalue(r, i, COLUMN_NAME));
		node->since = xstrdup(PQgetvalue(r, i, COLUMN_REPORTED_AT));
		node->has_applied =
			pg_value_int(r, i, COLUMN_GENERATION) >= w->generation;
		if (node->has_applied)
			node->ms = applied_ms(w, next.ids[i], now_us);
		else if (pg_value_bool(r, i, COLUMN_IS_LIVE))
			next.is_over = false;
	}
	forget_nodes(w);
	*w = next;
}

/* Whoever is told may wait anew: from the first again until none is over. */
static void end_those_over(struct confirmations *c, uint64_t now_us)
{
	struct wait *w = TAILQ_FIRST(&c->waits);

	while (w != NULL) {
		bool over = w->is_over || now_us >= w->until_us;
		struct wait *next = over ? NULL : TAILQ_NEXT(w, link);

		if (over) {
			end_wait(c, w);
			next = TAILQ_FIRST(&c->waits);
		}
		w = next;
	}
}

static void look_again(struct confirmations *c)
{
	uint64_t now_us = clock_mono_us();
	uint32_t ms = LOOK_LATER_MS;
	struct wait *w;

	if (TAILQ_EMPTY(&c->waits))
		return;
	TAILQ_FOREACH(w, &c->waits, link)
	if (now_us - w->since_us < YOUNG_US)
		ms = LOOK_SOON_MS;
	CHECK(event_add(c->timer, &(struct timeval){0, (suseconds_t)ms * 1000}) == 0);
}

static void on_progress(void *ctx, const struct pg_reply *reply)
{
	struct confirmations *c = ctx;
	uint64_t now_us = clock_mono_us();
	struct wait *w;

	OBJ_CHECK(c, CONFIRMATIONS_MAGIC);
	c->ask = NULL;
	if (reply->outcome == PG_OK)
		TAILQ_FOREACH(w, &c->waits, link)
	look(w, reply->result, now_us);
	end_those_over(c, now_us);
}

/* The timer goes on while a look is under way: a wait ends in time, whatever the database
 * does. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct confirmations *c = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(c, CONFIRMATIONS_MAGIC);
	end_those_over(c, clock_mono_us());
	if (c->ask == NULL && !TAILQ_EMPTY(&c->waits))
		c->ask = manager_db_ask(c->db, DB_QUESTIONS, progress_sql,
					(struct pg_params){0}, on_progress, c);
	look_again(c);
}

/* --- waiting --- */

void confirmations_wait(struct confirmations *c, int64_t generation, uint32_t wait_ms,
			void (*done)(void *ctx, const struct confirmed *what), void *ctx)
{
	struct wait *w = xcalloc(1, sizeof *w);

	OBJ_CHECK(c, CONFIRMATIONS_MAGIC);
	w->generation = generation;
	w->since_us = clock_mono_us();
	w->until_us = w->since_us + (uint64_t)wait_ms * 1000;
	w->done = done;
	w->ctx = ctx;
	TAILQ_INSERT_TAIL(&c->waits, w, link);
	event_active(c->timer, 0, 0);
}

struct confirmations *confirmations_new(struct event_base *base, struct manager_db *db)
{
	struct confirmations *c = xcalloc(1, sizeof *c);

	c->magic = CONFIRMATIONS_MAGIC;
	c->db = db;
	c->timer = event_new(base, -1, 0, on_timer, c);
	CHECK(c->timer != NULL);
	TAILQ_INIT(&c->waits);
	return c;
}

void confirmations_free(struct confirmations **confirmations)
{
	struct confirmations *c = *confirmations;
	struct wait *w;

	*confirmations = NULL;
	if (c == NULL)
		return;
	manager_db_leave(&c->ask);
	while ((w = TAILQ_FIRST(&c->waits)) != NULL)
		end_wait(c, w);
	event_free(c->timer);
	c->magic = 0;
	free(c);
}
