/* The live feed: rows come in, and the readers as a whole. */
#include <event2/event.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/journal/tap.h"
#include "gateway/manager/identity.h"
#include "gateway/manager/live_priv.h"
#include "gateway/token/token_sync.h"

#define TICK_S 1
/* Rows go on coming for a while after the last reader: one that comes back goes on where
 * it was. */
#define IDLE_US UINT64_C(30000000)

/* --- rows --- */

static void make_room(struct live *l)
{
	while (live_ring_is_full(l->ring)) {
		uint64_t n = live_ring_first(l->ring);
		struct live_row *row = live_ring_at(l->ring, n);
		struct live_reader *r;

		TAILQ_FOREACH(r, &l->readers, all)
		{
			if (r->next > n)
				continue;
			r->dropped += live_reader_wants(r, row);
			r->next = n + 1;
		}
		live_ring_drop_first(l->ring);
	}
}

void live_add(struct live *l, const struct live_row *row)
{
	make_room(l);
	live_ring_put(l->ring, row);
}

void live_give(struct live *l)
{
	struct live_reader *r;

	TAILQ_FOREACH(r, &l->readers, all)
	live_reader_give(r);
}

void live_miss(struct live *l)
{
	struct live_reader *r;

	TAILQ_FOREACH(r, &l->readers, all)
	r->dropped_others = true;
}

static void add_record(struct live *l, struct str record)
{
	const struct token_table *table = token_sync_table(l->tokens);
	struct token_view token = {0};
	struct usage_event e;
	struct live_row row;
	struct str name = {0};

	if (!usage_event_decode(&e, (const unsigned char *)record.p, record.n))
		return;
	if (token_table_find(table, e.token_hash, &token) && token.name.n > 0)
		name = token.name;
	live_row_init(&row, &e, token.team_id, name, str_of(l->node), (struct str){0});
	live_add(l, &row);
}

static void on_tap(evutil_socket_t fd, short what, void *arg)
{
	struct live *l = arg;
	struct str record;
	uint64_t missed;

	(void)fd;
	(void)what;
	OBJ_CHECK(l, LIVE_MAGIC);
	usage_tap_take(l->tap, &missed);
	while (usage_tap_next(l->tap, &record))
		add_record(l, record);
	if (missed > 0)
		live_miss(l);
	live_give(l);
}

/* --- on and off --- */

static void turn_off(struct live *l)
{
	event_del(l->on_tap);
	event_del(l->tick);
	usage_tap_want(l->tap, false);
	live_ring_clear(l->ring);
	live_poll_rest(l->poll);
	l->is_on = false;
}

static void turn_on(struct live *l)
{
	l->idle_us = 0;
	if (l->is_on)
		return;
	l->is_on = true;
	usage_tap_want(l->tap, true);
	event_add(l->on_tap, NULL);
	event_add(l->tick, &(struct timeval){TICK_S, 0});
	live_poll_look(l->poll);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct live *l = arg;
	uint64_t now = clock_mono_us();
	struct live_reader *r, *next;

	(void)fd;
	(void)what;
	OBJ_CHECK(l, LIVE_MAGIC);
	for (r = TAILQ_FIRST(&l->readers); r != NULL; r = next) {
		next = TAILQ_NEXT(r, all);
		live_reader_tick(r, now);
	}
	if (l->n_readers > 0) {
		l->idle_us = 0;
		live_poll_look(l->poll);
	} else if (l->idle_us == 0) {
		l->idle_us = now;
	} else if (now - l->idle_us > IDLE_US) {
		turn_off(l);
	}
}

/* --- readers --- */

static bool is_same_text(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool is_same_person(const struct identity *a, const struct identity *b)
{
	if (a->user_id != 0 || b->user_id != 0)
		return a->user_id == b->user_id;
	return is_same_text(a->issuer, b->issuer) && is_same_text(a->subject, b->subject);
}

enum live_room live_make_room(struct live *l, const struct identity *who)
{
	uint64_t now = clock_mono_us();
	struct live_reader *r, *dead = NULL;
	unsigned n = 0;

	if (l->ends)
		return LIVE_ENDS;
	TAILQ_FOREACH(r, &l->readers, all)
	{
		if (!is_same_person(r->who, who))
			continue;
		n++;
		if (dead == NULL && live_reader_is_dead(r, now))
			dead = r;
	}
	if (n >= LIVE_OF_USER_MAX && dead == NULL)
		return LIVE_USER_IS_FULL;
	if (n >= LIVE_OF_USER_MAX)
		live_reader_cut(dead);
	if (l->n_readers >= LIVE_READERS_MAX)
		return LIVE_NODE_IS_FULL;
	turn_on(l);
	return LIVE_HAS_ROOM;
}

/* --- life --- */

struct live *live_new(const struct live_options *o)
{
	struct live *l = xcalloc(1, sizeof *l);

	l->magic = LIVE_MAGIC;
	l->tap = o->tap;
	l->tokens = o->tokens;
	l->db = o->db;
	l->identities = o->identities;
	l->node = xstrdup(o->node != NULL ? o->node : "");
	CHECK(RAND_bytes((unsigned char *)&l->start, sizeof l->start) == 1);
	TAILQ_INIT(&l->readers);
	l->ring = live_ring_new();
	l->poll = live_poll_new(l);
	l->on_tap =
		event_new(o->base, usage_tap_fd(l->tap), EV_READ | EV_PERSIST, on_tap, l);
	l->tick = event_new(o->base, -1, EV_PERSIST, on_tick, l);
	CHECK(l->on_tap != NULL && l->tick != NULL);
	return l;
}

void live_free(struct live **live)
{
	struct live *l = *live;

	*live = NULL;
	if (l == NULL)
		return;
	CHECK(TAILQ_EMPTY(&l->readers));
	if (l->is_on)
		turn_off(l);
	live_poll_free(&l->poll);
	event_free(l->on_tap);
	event_free(l->tick);
	live_ring_free(&l->ring);
	free(l->node);
	l->magic = 0;
	free(l);
}

void live_drain(struct live *l)
{
	struct live_reader *r;

	l->ends = true;
	while ((r = TAILQ_FIRST(&l->readers)) != NULL) {
		live_reader_give(r);
		live_reader_end(r, "shutdown", "the gateway stops; ask again");
	}
}
