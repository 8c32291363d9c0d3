/* The manager's connections to PostgreSQL.
 *
 * Four pools. A connection is made when a statement finds all others of its pool busy,
 * and stays. A statement waits in its pool's queue until one is free; one that waits
 * longer than WAIT_MAX_MS, or that no connection is left for, is answered as lost. */
#include "gateway/manager/db.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/manager/db_statement.h"

#define DB_MAGIC 0x6d646232u
#define WAIT_MAX_MS 5000u
#define SWEEP_MS 500u
#define CONNECTIONS_MAX 4
/* Of parameters that wait in a pool's queue: a body may have a megabyte. */
#define QUEUE_BYTES_MAX (16u << 20)

struct pool_kind {
	const char *application_name;
	size_t connections, queue;
	uint32_t timeout_ms;
	bool writes;
};

static const struct pool_kind kinds[] = {
	[DB_CHANGES] = {"tollgate manager changes", 1, 64, 5000, true},
	[DB_LOOKUPS] = {"tollgate manager sign-in", 2, 128, 5000, true},
	[DB_QUESTIONS] = {"tollgate manager", CONNECTIONS_MAX, 128, 10000, false},
	[DB_EXPORTS] = {"tollgate manager exports", 2, 8, 30000, false},
};

#define POOLS ARRAY_LEN(kinds)

struct db_slot {
	struct db_pool *pool;
	struct pg_conn *pg; /* NULL: not needed so far, like those behind it */
	bool failed; /* its latest attempt did; a first one may still be under way */
	struct db_statement *running;
};

struct db_pool {
	struct manager_db *db;
	const struct pool_kind *kind;
	struct db_slot slots[CONNECTIONS_MAX];
	TAILQ_HEAD(, db_statement) queue;
	size_t n, bytes;
};

struct manager_db {
	uint32_t magic;
	struct event_base *base;
	char *conninfo;
	struct resolver *resolver;
	struct db_pool pools[POOLS];
	struct event *sweep;
	bool ending;
};

static bool is_changes(const struct db_pool *pool)
{
	return pool->kind == &kinds[DB_CHANGES];
}

static void answer_lost(struct db_statement *s, const char *why)
{
	db_statement_answer(s, &(struct pg_reply){.outcome = PG_LOST, .message = why});
}

static void unqueue(struct db_statement *s)
{
	struct db_pool *pool = s->pool;

	CHECK(s->state == STATEMENT_QUEUED && pool->n > 0 && pool->bytes >= s->bytes);
	TAILQ_REMOVE(&pool->queue, s, link);
	pool->n--;
	pool->bytes -= s->bytes;
}

/* --- running --- */

static void run_queue(struct db_pool *pool);

/* What the change has changed, what else runs already may not have seen. */
static void seal_others(struct manager_db *db)
{
	for (size_t p = 0; p < POOLS; p++) {
		struct db_pool *pool = &db->pools[p];

		for (size_t i = 0; !is_changes(pool) && i < CONNECTIONS_MAX; i++)
			if (pool->slots[i].running != NULL)
				pool->slots[i].running->sealed = true;
	}
}

static void on_done(void *ctx, const struct pg_reply *reply)
{
	struct db_slot *slot = ctx;
	struct db_statement *s = slot->running;

	CHECK(s != NULL && s->slot == slot);
	slot->running = NULL;
	if (is_changes(slot->pool))
		seal_others(slot->pool->db);
	db_statement_answer(s, reply);
	run_queue(slot->pool);
}

static void run(struct db_slot *slot)
{
	struct db_statement *s = TAILQ_FIRST(&slot->pool->queue);

	unqueue(s);
	if (!pg_query(slot->pg, s->sql, s->params, on_done, slot)) {
		answer_lost(s, "connection lost");
		return;
	}
	s->state = STATEMENT_RUNNING;
	s->slot = slot;
	slot->running = s;
}

static void connect_slot(struct db_slot *slot);

static void run_queue(struct db_pool *pool)
{
	bool all_up = true;

	for (size_t i = 0; i < pool->kind->connections && pool->n > 0; i++) {
		struct db_slot *slot = &pool->slots[i];

		if (slot->pg == NULL) {
			/* It would come up no sooner than one that is on its way. */
			if (all_up)
				connect_slot(slot);
			return;
		}
		all_up &= pg_is_up(slot->pg);
		if (pg_is_up(slot->pg) && !pg_is_busy(slot->pg))
			run(slot);
	}
}

/* Nothing is up, and nothing is about to be. */
static bool is_down(const struct db_pool *pool)
{
	const struct db_slot *slots = pool->slots;

	for (size_t i = 0; i < pool->kind->connections && slots[i].pg != NULL; i++)
		if (!slots[i].failed)
			return false;
	return slots[0].pg != NULL;
}

/* --- connections --- */

/* Nobody waits for these any more; a request that came before its statement has hit
 * nothing. */
static void cancel_left(struct db_pool *pool)
{
	for (size_t i = 0; i < pool->kind->connections && !is_changes(pool); i++) {
		struct db_slot *slot = &pool->slots[i];

		if (slot->running != NULL && TAILQ_EMPTY(&slot->running->askers))
			pg_cancel(slot->pg);
	}
}

static void sweep(struct db_pool *pool)
{
	uint64_t now = clock_mono_us();
	bool down = is_down(pool);
	struct db_statement *s;

	run_queue(pool);
	while ((s = TAILQ_FIRST(&pool->queue)) != NULL &&
	       (down || now - s->since_us > WAIT_MAX_MS * UINT64_C(1000))) {
		unqueue(s);
		answer_lost(s, "no connection became free in time");
	}
	cancel_left(pool);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct manager_db *db = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(db, DB_MAGIC);
	for (size_t i = 0; i < POOLS; i++)
		sweep(&db->pools[i]);
}

static void on_state(void *ctx, bool up, const char *why)
{
	struct db_slot *slot = ctx;

	OBJ_CHECK(slot->pool->db, DB_MAGIC);
	(void)why;
	slot->failed = !up;
	event_active(slot->pool->db->sweep, 0, 0);
}

static void connect_slot(struct db_slot *slot)
{
	const struct db_pool *pool = slot->pool;
	const struct pg_options o = {
		.conninfo = pool->db->conninfo,
		.resolver = pool->db->resolver,
		.application_name = pool->kind->application_name,
		.timeout_ms = pool->kind->timeout_ms,
		.writes = pool->kind->writes,
		.on_state = on_state,
		.ctx = slot,
	};

	slot->pg = pg_conn_new(pool->db->base, &o);
}

/* --- asking --- */

/* NULL: none that is equal waits or runs. */
static struct db_statement *find_equal(struct db_pool *pool, const char *sql,
				       struct pg_params params)
{
	struct db_statement *s;

	for (size_t i = 0; i < pool->kind->connections; i++) {
		s = pool->slots[i].running;
		if (s != NULL && db_statement_is(s, sql, params))
			return s;
	}
	TAILQ_FOREACH(s, &pool->queue, link)
	if (db_statement_is(s, sql, params))
		return s;
	return NULL;
}

static struct db_statement *enqueue(struct db_pool *pool, const char *sql,
				    struct pg_params params)
{
	struct db_statement *s;

	if (is_down(pool) || pool->n == pool->kind->queue ||
	    pool->bytes + db_params_bytes(params) > QUEUE_BYTES_MAX)
		return NULL;
	s = db_statement_new(sql, params);
	s->pool = pool;
	TAILQ_INSERT_TAIL(&pool->queue, s, link);
	pool->n++;
	pool->bytes += s->bytes;
	/* From the sweep, at once: `done` never comes before this returns. */
	event_active(pool->db->sweep, 0, 0);
	return s;
}

struct manager_ask *manager_db_ask(struct manager_db *db, enum manager_pool id,
				   const char *sql, struct pg_params params,
				   void (*done)(void *ctx, const struct pg_reply *reply),
				   void *ctx)
{
	struct db_pool *pool = &db->pools[id];
	struct db_statement *s = NULL;

	OBJ_CHECK(db, DB_MAGIC);
	if (db->ending)
		return NULL;
	if (!is_changes(pool))
		s = find_equal(pool, sql, params);
	if (s == NULL)
		s = enqueue(pool, sql, params);
	return s != NULL ? db_statement_join(s, done, ctx) : NULL;
}

static void nobody_waits(struct db_statement *s)
{
	switch (s->state) {
	case STATEMENT_QUEUED:
		unqueue(s);
		db_statement_free(s);
		break;
	case STATEMENT_RUNNING:
		s->sealed = true;
		if (s->slot->pg != NULL)
			pg_cancel(s->slot->pg);
		break;
	case STATEMENT_ANSWERED:
		break;
	}
}

void manager_db_leave(struct manager_ask **ask_p)
{
	struct manager_ask *ask = *ask_p;
	struct db_statement *s;

	*ask_p = NULL;
	if (ask == NULL)
		return;
	s = ask->statement;
	TAILQ_REMOVE(&s->askers, ask, link);
	free(ask);
	if (TAILQ_EMPTY(&s->askers) && !is_changes(s->pool))
		nobody_waits(s);
}

bool manager_db_is_away(const struct manager_db *db, enum manager_pool id)
{
	OBJ_CHECK(db, DB_MAGIC);
	return is_down(&db->pools[id]);
}

/* --- beginning and end --- */

static void pool_init(struct manager_db *db, enum manager_pool id)
{
	struct db_pool *pool = &db->pools[id];

	pool->db = db;
	pool->kind = &kinds[id];
	TAILQ_INIT(&pool->queue);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		pool->slots[i].pool = pool;
}

static void pool_fini(struct db_pool *pool)
{
	struct db_statement *s;

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		pg_conn_free(&pool->slots[i].pg);
		s = pool->slots[i].running;
		pool->slots[i].running = NULL;
		if (s != NULL)
			answer_lost(s, "the manager stops");
	}
	while ((s = TAILQ_FIRST(&pool->queue)) != NULL) {
		unqueue(s);
		answer_lost(s, "the manager stops");
	}
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
	for (size_t i = 0; i < POOLS; i++)
		pool_init(db, (enum manager_pool)i);
	return db;
}

void manager_db_free(struct manager_db **manager_db)
{
	struct manager_db *db = *manager_db;

	*manager_db = NULL;
	if (db == NULL)
		return;
	db->ending = true;
	for (size_t i = 0; i < POOLS; i++)
		pool_fini(&db->pools[i]);
	event_free(db->sweep);
	OPENSSL_cleanse(db->conninfo, strlen(db->conninfo));
	free(db->conninfo);
	db->magic = 0;
	free(db);
}
