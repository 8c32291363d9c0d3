/* One batch of usage rows. */
#include "gateway/recorder/batch.h"

#include <stdlib.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/recorder/copy_row.h"

/* A line of the rollup, at its longest: 255 bytes of route escaped, 20 numbers of 20
 * digits, and the histogram, whose counts have few digits unless its cell has many
 * rows. */
#define CELL_BYTES_MAX 2600u
#define SQL_BYTES_PER_ROW 96u          /* a use takes up to 73, a claim 84 */
#define SQL_BYTES_BESIDE (256u * 1024) /* of 1024 lanes a cursor each takes up to 140 */
#define TEXT_KEPT_BYTES (4u * 1024 * 1024)
#define TEXT_SMALL_MAX 32u /* batches that needed less, until a larger buffer goes */

void usage_batch_init(struct usage_batch *b, size_t max_rows)
{
	CHECK(max_rows > 0);
	*b = (struct usage_batch){.max_rows = max_rows};
	b->uses = xcalloc(max_rows, sizeof *b->uses);
	b->places = xcalloc(max_rows, sizeof *b->places);
	usage_once_init(&b->once, max_rows);
	sbuf_init(&b->rows, 2 * BATCH_BYTES_MAX);
	b->rollup = usage_rollup_new(max_rows);
	sbuf_init(&b->cells, max_rows * CELL_BYTES_MAX);
}

size_t usage_batch_sql_max(size_t max_rows)
{
	return max_rows * SQL_BYTES_PER_ROW + BATCH_ROUTES_BYTES_MAX + SQL_BYTES_BESIDE;
}

void usage_batch_fini(struct usage_batch *b)
{
	sbuf_fini(&b->rows);
	sbuf_fini(&b->cells);
	usage_rollup_free(&b->rollup);
	usage_once_fini(&b->once);
	free(b->spans);
	free(b->uses);
	free(b->places);
	*b = (struct usage_batch){0};
}

/* Which of the batch's days; BATCH_DAYS_MAX: this one would be one too many. */
static size_t note_day(struct usage_batch *b, int64_t day)
{
	for (size_t i = b->n_days; i-- > 0;)
		if (b->days[i] == day)
			return i;
	if (b->n_days == BATCH_DAYS_MAX)
		return BATCH_DAYS_MAX;
	b->days[b->n_days] = day;
	return b->n_days++;
}

static void add_row(struct usage_batch *b, const struct usage_event *e, size_t day,
		    struct str node)
{
	copy_row_add(&b->rows, e, node);
	CHECK(!b->rows.overflow);
	usage_rollup_add(b->rollup, e);
	b->places[b->n_rows] = (struct batch_row){(uint32_t)b->rows.n, (uint32_t)day};
	b->uses[b->n_rows++] = (struct usage_use){e->token_id, e->used_at_us};
}

static bool is_full(const struct usage_batch *b, size_t limit)
{
	return b->n_seen == limit || b->rows.n >= BATCH_BYTES_MAX ||
	       usage_rollup_routes_bytes(b->rollup) >= BATCH_ROUTES_BYTES_MAX;
}

static bool is_once(const struct usage_event *e)
{
	return e->once_at_us != 0 && e->request_id.p != NULL;
}

/* False: the batch is full, the event belongs to the next one. */
static bool add_event(struct usage_batch *b, const struct usage_event *e, size_t limit,
		      struct str node)
{
	enum once_verdict v = ONCE_CLAIMED;
	size_t day;

	if (is_full(b, limit))
		return false;
	day = note_day(b, usage_day_of(e->used_at_us));
	if (day == BATCH_DAYS_MAX)
		return false;
	if (is_once(e))
		v = usage_once_claim(&b->once, e, b->n_seen);
	if (v == ONCE_LATER)
		return false;
	b->n_seen++;
	if (v == ONCE_CLAIMED)
		add_row(b, e, day, node);
	return true;
}

/* A record that is whole, as its CRC says, and still none of ours, is left out. */
static bool read_event(struct usage_lane *lane, uint64_t at, struct usage_event *e,
		       uint64_t *next)
{
	const unsigned char *bytes;
	size_t n;

	while (usage_lane_read(lane, at, &bytes, &n, next)) {
		if (usage_event_decode(e, bytes, n))
			return true;
		log_error("usage journal: a record cannot be decoded and is left out");
		at = *next;
	}
	return false;
}

static void rest(const struct batch_source *from)
{
	for (size_t i = 0; i < from->n_lanes; i++)
		usage_lane_rest(from->lanes[i]);
}

static void judge(const struct batch_source *from, struct usage_event *e)
{
	if (from->owners != NULL)
		usage_owners_judge(from->owners, e);
}

static void note_event(struct batch_span *span, int64_t used_at_us)
{
	if (span->events++ == 0 || used_at_us < span->first_us)
		span->first_us = used_at_us;
	if (used_at_us > span->last_us)
		span->last_us = used_at_us;
}

static void fill_from(struct usage_batch *b, const struct batch_source *from, size_t k,
		      size_t limit)
{
	struct batch_span *span = &b->spans[k];
	struct usage_event e;
	uint64_t next;

	while (read_event(from->lanes[k], span->to, &e, &next)) {
		judge(from, &e);
		if (!add_event(b, &e, limit, from->node)) {
			b->full = true;
			return;
		}
		span->to = next;
		note_event(span, e.used_at_us);
	}
}

static int by_token_then_latest(const void *left, const void *right)
{
	const struct usage_use *a = left, *b = right;

	if (a->token_id != b->token_id)
		return a->token_id < b->token_id ? -1 : 1;
	return (a->used_at_us < b->used_at_us) - (a->used_at_us > b->used_at_us);
}

static void aggregate_uses(struct usage_batch *b)
{
	b->n_uses = 0;
	qsort(b->uses, b->n_rows, sizeof *b->uses, by_token_then_latest);
	for (size_t i = 0; i < b->n_rows; i++)
		if (i == 0 || b->uses[i].token_id != b->uses[b->n_uses - 1].token_id)
			b->uses[b->n_uses++] = b->uses[i];
}

static void aggregate(struct usage_batch *b)
{
	aggregate_uses(b);
	usage_rollup_rows(b->rollup, &b->cells);
	CHECK(!b->cells.overflow);
}

/* A backlog's large buffer is not kept for ever; but as long as there is one, small
 * batches come between its large ones. */
static void reset_text(struct sbuf *text, unsigned *small)
{
	size_t cap = text->cap;

	*small = text->n < TEXT_KEPT_BYTES / 4 ? *small + 1 : 0;
	if (text->room > TEXT_KEPT_BYTES && *small > TEXT_SMALL_MAX) {
		sbuf_fini(text);
		sbuf_init(text, cap);
	}
	sbuf_reset(text);
}

/* As if nothing had been read. */
static void empty(struct usage_batch *b)
{
	reset_text(&b->rows, &b->small_rows);
	reset_text(&b->cells, &b->small_cells);
	usage_rollup_reset(b->rollup);
	b->n_rows = b->n_seen = b->n_days = 0;
}

static void reset_spans(struct usage_batch *b, const struct batch_source *from)
{
	if (from->n_lanes > b->room_lanes) {
		b->spans = xrealloc(b->spans, from->n_lanes * sizeof *b->spans);
		b->room_lanes = from->n_lanes;
	}
	b->n_lanes = from->n_lanes;
	for (size_t i = 0; i < b->n_lanes; i++) {
		uint64_t tail = usage_lane_tail(from->lanes[i]);

		b->spans[i] = (struct batch_span){.from = tail, .to = tail};
	}
}

bool usage_batch_fill(struct usage_batch *b, const struct batch_source *from,
		      size_t first, size_t limit)
{
	CHECK(limit > 0 && limit <= b->max_rows);
	empty(b);
	reset_spans(b, from);
	usage_once_reset(&b->once);
	b->full = false;
	for (size_t i = 0; i < b->n_lanes && !b->full; i++)
		fill_from(b, from, (first + i) % b->n_lanes, limit);
	rest(from);
	aggregate(b);
	return b->n_rows > 0;
}

/* An event goes if its claim was not taken, or if it repeats one before it in the batch:
 * claiming again, from the start, finds those. */
static void keep_event(struct usage_batch *b, const struct usage_event *e,
		       const struct usage_once *judged, size_t *at, struct str node)
{
	size_t ordinal = b->n_seen++;

	if (is_once(e) && (usage_once_claim(&b->once, e, ordinal) == ONCE_REPEATED ||
			   usage_once_is_repeat(judged, at, ordinal)))
		return;
	add_row(b, e, note_day(b, usage_day_of(e->used_at_us)), node);
}

void usage_batch_settle(struct usage_batch *b, const struct batch_source *from,
			size_t first)
{
	struct usage_once judged = b->once;
	struct usage_event e;
	size_t at = 0;

	usage_once_init(&b->once, b->max_rows);
	empty(b);
	for (size_t i = 0; i < b->n_lanes; i++) {
		size_t k = (first + i) % b->n_lanes;
		uint64_t position = b->spans[k].from;

		while (position < b->spans[k].to &&
		       read_event(from->lanes[k], position, &e, &position)) {
			judge(from, &e);
			keep_event(b, &e, &judged, &at, from->node);
		}
	}
	rest(from);
	aggregate(b);
	usage_once_fini(&judged);
}

void usage_batch_release(const struct usage_batch *b, struct usage_lane *const *lanes)
{
	for (size_t i = 0; i < b->n_lanes; i++)
		if (b->spans[i].to != b->spans[i].from)
			usage_lane_release(lanes[i], b->spans[i].to);
}

size_t usage_batch_touched(const struct usage_batch *b)
{
	size_t touched = 0;

	for (size_t i = 0; i < b->n_lanes; i++)
		touched += b->spans[i].to != b->spans[i].from;
	return touched;
}

void usage_batch_move_sql(const struct usage_batch *b, const char *group,
			  struct sbuf *sql)
{
	const char *comma = "";

	sbuf_lit(sql, "UPDATE usage_cursors AS c SET position = v.upto, moved_at = now() "
		      "FROM (VALUES ");
	for (size_t i = 0; i < b->n_lanes; i++) {
		if (b->spans[i].to == b->spans[i].from)
			continue;
		sbuf_printf(sql, "%s(%zu, bigint '%llu', bigint '%llu')", comma, i,
			    (unsigned long long)b->spans[i].from,
			    (unsigned long long)b->spans[i].to);
		comma = ", ";
	}
	sbuf_printf(sql,
		    ") AS v (lane, since, upto) WHERE c.lane_group = '%s' AND c.lane = "
		    "v.lane AND c.position = v.since",
		    group);
}

void usage_batch_copy_sql(const char *table, struct sbuf *sql)
{
	sbuf_printf(sql, "COPY public.%s (" COPY_ROW_COLUMNS ") FROM STDIN", table);
}

void usage_batch_cells_without(struct usage_batch *b, const int64_t *days, size_t n)
{
	sbuf_reset(&b->cells);
	usage_rollup_rows_without(b->rollup, days, n, &b->cells);
}

/* Calls come in the order of their time, give or take: a day's lines mostly stand
 * together. */
struct str usage_batch_lines(const struct usage_batch *b, size_t day, size_t *at)
{
	size_t from, to;

	while (*at < b->n_rows && b->places[*at].day != day)
		++*at;
	from = *at > 0 ? b->places[*at - 1].end : 0;
	for (to = from; *at < b->n_rows && b->places[*at].day == day; ++*at)
		to = b->places[*at].end;
	return (struct str){b->rows.p + from, to - from};
}
