/* The live feed: one reader's stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/manager/call.h"
#include "gateway/manager/identities.h"
#include "gateway/manager/live_priv.h"

#define SECOND_US UINT64_C(1000000)
#define SILENCE_US (15 * SECOND_US) /* then a comment says that it is alive */
#define DEAD_US (5 * SECOND_US)
/* Of somebody of whom the database, or their provider, does not tell who they are. */
#define UNKNOWN_US (30 * SECOND_US)
#define WAITING_MAX ((size_t)96 * 1024)   /* here */
#define UNREAD_MAX ((size_t)512 * 1024)   /* and on the way */
#define PIECE ((size_t)16 * 1024)         /* rows are sent together */
#define OUT_MAX ((size_t)4 * 1024 * 1024) /* one row is a small part of it */
#define WHOLE 1000u                       /* a row, in thousandths */
#define START_MAX 9 /* digits of the start in an event's id, and NUL */

/* --- what is written --- */

static void flush(struct live_reader *r)
{
	if (r->out.n == 0)
		return;
	CHECK(!r->out.overflow);
	stream_write(r->stream, sbuf_view(&r->out));
	r->sent += r->out.n;
	r->written_us = clock_mono_us();
	sbuf_reset(&r->out);
}

static void put_dropped(struct live_reader *r)
{
	if (r->dropped_others)
		sbuf_lit(&r->out, "event: dropped\ndata: {\"count\":null}\n\n");
	else if (r->dropped > 0)
		sbuf_printf(&r->out, "event: dropped\ndata: {\"count\":%llu}\n\n",
			    (unsigned long long)r->dropped);
	r->dropped = 0;
	r->dropped_others = false;
	r->told_us = clock_mono_us();
}

static void tell_dropped(struct live_reader *r, uint64_t now)
{
	if ((r->dropped > 0 || r->dropped_others) && now - r->told_us >= SECOND_US)
		put_dropped(r);
}

/* {"filters":[0,2], and then as the row. */
static void put_fitting(struct live_reader *r, const struct live_row *row)
{
	char separator = '[';

	sbuf_lit(&r->out, "{\"filters\":");
	for (size_t i = 0; i < r->n_filters; i++) {
		if (!live_filter_fits(&r->filters[i], row))
			continue;
		sbuf_printf(&r->out, "%c%zu", separator, i);
		separator = ',';
	}
	sbuf_lit(&r->out, "],");
}

static void put_row(struct live_reader *r, uint64_t n, struct live_row *row)
{
	struct str json = live_row_json(row);

	sbuf_printf(&r->out, "id: %08x-%llu\nevent: request\ndata: ", r->live->start,
		    (unsigned long long)n);
	if (r->is_list) {
		put_fitting(r, row);
		json.p++;
		json.n--;
	}
	sbuf_str(&r->out, json);
	sbuf_lit(&r->out, "\n\n");
}

/* --- rows --- */

bool live_reader_wants(const struct live_reader *r, const struct live_row *row)
{
	if (!live_row_is_seen(row, r->who))
		return false;
	for (size_t i = 0; i < r->n_filters; i++)
		if (live_filter_fits(&r->filters[i], row))
			return true;
	return false;
}

static void refill(struct live_reader *r, uint64_t now)
{
	uint64_t more = (now - r->budget_us) * LIVE_ROWS_PER_S * WHOLE / SECOND_US;
	uint32_t most = 2 * LIVE_ROWS_PER_S * WHOLE;

	r->budget_us = now;
	r->budget = more > most - r->budget ? most : r->budget + (uint32_t)more;
}

static bool has_room(struct live_reader *r)
{
	return stream_unacknowledged(r->stream) < UNREAD_MAX &&
	       stream_has_room(r->stream, WAITING_MAX);
}

static void look_at(struct live_reader *r, uint64_t n)
{
	struct live_row *row = live_ring_at(r->live->ring, n);

	if (!live_reader_wants(r, row))
		return;
	if (r->budget < WHOLE) {
		r->dropped++;
		return;
	}
	r->budget -= WHOLE;
	put_row(r, n, row);
}

void live_reader_give(struct live_reader *r)
{
	uint64_t now = clock_mono_us(), end = live_ring_end(r->live->ring);

	if (r->next == end || !has_room(r))
		return;
	refill(r, now);
	tell_dropped(r, now);
	while (r->next < end) {
		look_at(r, r->next++);
		if (r->out.n < PIECE)
			continue;
		flush(r);
		if (!has_room(r))
			return;
	}
	flush(r);
}

/* --- its end --- */

static void reader_free(struct live_reader *r)
{
	struct live *l = r->live;

	TAILQ_REMOVE(&l->readers, r, all);
	l->n_readers--;
	if (r->check != NULL)
		r->check->reader = NULL;
	for (size_t i = 0; i < r->n_filters; i++)
		live_filter_fini(&r->filters[i]);
	free(r->filters);
	identity_unref(&r->who);
	sbuf_fini(&r->out);
	r->magic = 0;
	free(r);
}

void live_reader_cut(struct live_reader *r)
{
	stream_cut(&r->stream);
	reader_free(r);
}

void live_reader_end(struct live_reader *r, const char *reason, const char *detail)
{
	put_dropped(r);
	sbuf_printf(&r->out,
		    "event: end\ndata: {\"reason\":\"%s\",\"detail\":\"%s\"}\n\n", reason,
		    detail);
	flush(r);
	stream_end(&r->stream);
	reader_free(r);
}

/* --- who it is --- */

static void take_rights(struct live_reader *r, const struct identity_answer *a)
{
	switch (a->verdict) {
	case IDENTITY_FOUND:
		r->known_us = clock_mono_us();
		if (!identity_has_rights(a->identity)) {
			live_reader_end(r, "no_role", "you have no role here any more");
			return;
		}
		identity_unref(&r->who);
		r->who = identity_ref(a->identity);
		break;
	case IDENTITY_NONE:
	case IDENTITY_BAD:
		live_reader_end(r, "signed_out",
				"what you signed in with is not valid any more");
		break;
	case IDENTITY_BUSY:
	case IDENTITY_UNKNOWN:
	case IDENTITY_UNJUDGED:
		if (clock_mono_us() - r->known_us > UNKNOWN_US)
			live_reader_end(r, "rights_unknown",
					"who you are cannot be looked up now");
		break;
	}
}

static void on_identity(void *ctx, const struct identity_answer *a)
{
	struct live_check *check = ctx;
	struct live_reader *r = check->reader;
	struct identity *who = a->identity;

	free(check);
	if (r != NULL) {
		OBJ_CHECK(r, LIVE_READER_MAGIC);
		r->check = NULL;
		take_rights(r, a);
	}
	identity_unref(&who);
}

/* True: it is still there. */
static bool check_rights(struct live_reader *r)
{
	struct live *l = r->live;
	size_t before = l->n_readers;

	if (r->check != NULL)
		return true;
	r->check = xcalloc(1, sizeof *r->check);
	r->check->reader = r;
	identities_find(l->identities, stream_head(r->stream), &r->client, on_identity,
			r->check);
	return l->n_readers == before;
}

/* --- each second --- */

static void note_progress(struct live_reader *r, uint64_t now)
{
	size_t unread = stream_unacknowledged(r->stream);
	uint64_t taken = r->sent > unread ? r->sent - unread : 0;

	if (unread == 0 || taken > r->taken)
		r->taken_us = now;
	r->taken = taken;
}

bool live_reader_is_dead(const struct live_reader *r, uint64_t now)
{
	return stream_is_half_closed(r->stream) || now - r->taken_us > DEAD_US;
}

void live_reader_tick(struct live_reader *r, uint64_t now)
{
	note_progress(r, now);
	if (!check_rights(r))
		return;
	live_reader_give(r);
	if (!has_room(r))
		return;
	tell_dropped(r, now);
	if (r->out.n == 0 && now - r->written_us >= SILENCE_US)
		sbuf_lit(&r->out, ": alive\n\n");
	flush(r);
}

/* --- its beginning --- */

static void on_room(struct stream *s, void *ctx)
{
	struct live_reader *r = ctx;

	(void)s;
	OBJ_CHECK(r, LIVE_READER_MAGIC);
	live_reader_give(r);
}

static void on_left(struct stream *s, void *ctx)
{
	struct live_reader *r = ctx;

	(void)s;
	OBJ_CHECK(r, LIVE_READER_MAGIC);
	r->stream = NULL;
	reader_free(r);
}

/* Behind the event that it had last, if that is still here. */
static void go_on_after(struct live_reader *r, const char *last_id)
{
	const struct live_ring *ring = r->live->ring;
	char start[START_MAX];
	uint64_t n;

	r->next = live_ring_end(ring);
	if (last_id == NULL)
		return;
	snprintf(start, sizeof start, "%08x", r->live->start);
	if (strncmp(last_id, start, START_MAX - 1) == 0 &&
	    last_id[START_MAX - 1] == '-' &&
	    str_to_u64(str_of(last_id + START_MAX), &n) && n < live_ring_end(ring) &&
	    n + 1 >= live_ring_first(ring))
		r->next = n + 1;
	else
		r->dropped_others = true;
}

static struct live_reader *reader_new(struct live *l, const struct call *c,
				      struct live_wish *wish)
{
	struct live_reader *r = xcalloc(1, sizeof *r);
	uint64_t now = clock_mono_us();

	r->magic = LIVE_READER_MAGIC;
	r->live = l;
	r->who = identity_ref((struct identity *)(uintptr_t)call_identity(c));
	r->client = *call_client(c);
	r->filters = wish->filters;
	r->n_filters = wish->n_filters;
	r->is_list = wish->is_list;
	r->budget = 2 * LIVE_ROWS_PER_S * WHOLE;
	r->budget_us = r->known_us = r->written_us = r->taken_us = now;
	sbuf_init(&r->out, OUT_MAX);
	go_on_after(r, wish->last_id);
	TAILQ_INSERT_TAIL(&l->readers, r, all);
	l->n_readers++;
	return r;
}

void live_begin(struct live *l, struct call *c, struct live_wish *wish)
{
	static const struct stream_user user = {on_room, on_left};
	struct live_reader *r = reader_new(l, c, wish);

	call_set_field(c, "X-Accel-Buffering", "no");
	r->stream = call_stream(c, "text/event-stream", &user, r);
	if (r->stream == NULL) {
		reader_free(r);
		return;
	}
	sbuf_lit(&r->out, ": calls as they end\nretry: 2000\n\n");
	put_dropped(r);
	flush(r);
	live_reader_give(r);
}
