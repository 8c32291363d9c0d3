/* The manager's connections to PostgreSQL.
 *
 * A connection is made when a query finds all others busy, and stays. A query waits in a
 * ring of fixed size until one is free. One that waits longer than WAIT_MAX_MS, or that
 * no connection is left for, is answered as lost. */
#include "gateway/manager/db.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"

#define DB_MAGIC 0x6d646231u
#define DB_CONNECTIONS 2
#define DB_QUEUE 32
#define DB_TIMEOUT_MS 5000u
#define WAIT_MAX_MS 5000u
#define SWEEP_MS 500u

struct query {
	const char *sql;
	void (*done)(void *ctx, const struct pg_reply *reply);
	void *ctx;
	uint64_t since_us;
};

struct slot {
	struct manager_db *db;
	struct pg_conn *pg; /* NULL: not needed so far, like those behind it */
	bool failed; /* its latest attempt did; a first one may still be under way */
	struct query running; /* done is NULL: none */
};

struct manager_db {
	uint32_t magic;
	struct event_base *base;
	char *conninfo;
	struct resolver *resolver;
	struct slot slots[DB_CONNECTIONS];
	struct query queue[DB_QUEUE];
	size_t head, n;
	struct event *sweep;
};

static void answer_lost(const struct query *q, const char *why)
{
	q->done(q->ctx, &(struct pg_reply){.outcome = PG_LOST, .message = why});
}

static struct query take_query(struct manager_db *db)
{
	struct query q = db->queue[db->head];

	CHECK(db->n > 0);
	db->head = (db->head + 1) % DB_QUEUE;
	db->n--;
	return q;
}

static void run_queue(struct manager_db *db);

static void on_done(void *ctx, const struct pg_reply *reply)
{
	struct slot *s = ctx;
	struct query q = s->running;

	CHECK(q.done != NULL);
	s->running.done = NULL;
	q.done(q.ctx, reply);
	run_queue(s->db);
}

static void run(struct slot *s)
{
	s->running = take_query(s->db);
	if (!pg_query(s->pg, s->running.sql, (struct pg_params){0}, on_done, s)) {
		struct query q = s->running;

		s->running.done = NULL;
		answer_lost(&q, "connection lost");
	}
}

static void connect_slot(struct slot *s);

static void run_queue(struct manager_db *db)
{
	bool all_up = true;

	for (size_t i = 0; i < DB_CONNECTIONS && db->n > 0; i++) {
		struct slot *s = &db->slots[i];

		if (s->pg == NULL) {
			/* It would come up no sooner than one that is on its way. */
			if (all_up)
				connect_slot(s);
			return;
		}
		all_up &= pg_is_up(s->pg);
		if (pg_is_up(s->pg) && !pg_is_busy(s->pg))
			run(s);
	}
}

/* Nothing is up, and nothing is about to be. */
static bool is_down(const struct manager_db *db)
{
	for (size_t i = 0; i < DB_CONNECTIONS && db->slots[i].pg != NULL; i++)
		if (!db->slots[i].failed)
			return false;
	return db->slots[0].pg != NULL;
}

bool manager_db_query(struct manager_db *db, const char *sql,
		      void (*done)(void *ctx, const struct pg_reply *reply), void *ctx)
{
	OBJ_CHECK(db, DB_MAGIC);
	if (is_down(db) || db->n == DB_QUEUE)
		return false;
	db->queue[(db->head + db->n++) % DB_QUEUE] =
		(struct query){sql, done, ctx, clock_mono_us()};
	/* From the sweep, at once: `done` never comes before this returns. */
	event_active(db->sweep, 0, 0);
	return true;
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct manager_db *db = arg;
	uint64_t now = clock_mono_us();
	bool down;

	(void)fd;
	(void)what;
	OBJ_CHECK(db, DB_MAGIC);
	down = is_down(db);
	run_queue(db);
	while (db->n > 0 && (down || now - db->queue[db->head].since_us >
					     WAIT_MAX_MS * UINT64_C(1000))) {
		struct query q = take_query(db);

		answer_lost(&q, "no connection became free in time");
	}
}

static void on_state(void *ctx, bool up, const char *why)
{
	struct slot *s = ctx;

	OBJ_CHECK(s->db, DB_MAGIC);
	(void)why;
	s->failed = !up;
	event_active(s->db->sweep, 0, 0);
}

static void connect_slot(struct slot *s)
{
	const struct pg_options o = {
		.conninfo = s->db->conninfo,
		.resolver = s->db->resolver,
		.application_name = "tollgate manager",
		.timeout_ms = DB_TIMEOUT_MS,
		.on_state = on_state,
		.ctx = s,
	};

	s->pg = pg_conn_new(s->db->base, &o);
}

struct manager_db *manager_db_new(struct event_base *base, const char *conninfo,
				  struct resolver *resolver)
{
	struct manager_db *db = xcalloc(1, sizeof *db);
	struct timeval every = {0, SWEEP_MS * 1000};

	db->magic = DB_MAGIC;
	db->base = base;
	db->conninfo = xstrdup(conninfo);
	db->resolver = resolver;
	db->sweep = event_new(base, -1, EV_PERSIST, on_sweep, db);
	CHECK(db->sweep != NULL && event_add(db->sweep, &every) == 0);
	for (size_t i = 0; i < DB_CONNECTIONS; i++)
		db->slots[i].db = db;
	return db;
}

void manager_db_free(struct manager_db **manager_db)
{
	struct manager_db *db = *manager_db;

	*manager_db = NULL;
	if (db == NULL)
		return;
	for (size_t i = 0; i < DB_CONNECTIONS; i++) {
		pg_conn_free(&db->slots[i].pg);
		if (db->slots[i].running.done != NULL)
			answer_lost(&db->slots[i].running, "the manager stops");
	}
	while (db->n > 0) {
		struct query q = take_query(db);

		answer_lost(&q, "the manager stops");
	}
	event_free(db->sweep);
	OPENSSL_cleanse(db->conninfo, strlen(db->conninfo));
	free(db->conninfo);
	db->magic = 0;
	free(db);
}
