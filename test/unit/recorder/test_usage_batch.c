/* Batches and partitions: what is taken from the lanes, and the SQL that comes of it. */
#include "gateway/recorder/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/check.h"
#include "gateway/recorder/cursors.h"
#include "gateway/recorder/partitions.h"

#define LANES 3
#define DAY INT64_C(86400000000)
#define GROUP "00112233445566778899aabbccddeeff"

struct fixture {
	struct usage_lane *lanes[LANES];
	struct usage_batch batch;
	struct sbuf sql;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	for (size_t i = 0; i < LANES; i++)
		f->lanes[i] = usage_lane_new(1 << 20);
	usage_batch_init(&f->batch, 100);
	sbuf_init(&f->sql, 1 << 20);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < LANES; i++)
		usage_lane_free(&f->lanes[i]);
	usage_batch_fini(&f->batch);
	sbuf_fini(&f->sql);
	free(f);
	return 0;
}

static void put(struct fixture *f, size_t lane, int64_t token_id, int64_t used_at_us)
{
	struct usage_event e;

	usage_event_init(&e);
	e.token_id = token_id;
	e.used_at_us = used_at_us;
	assert_true(usage_lane_append(f->lanes[lane], &e));
}

static bool fill(struct fixture *f, size_t first, size_t limit)
{
	struct batch_source source = {f->lanes, LANES, STR("node"), NULL};

	return usage_batch_fill(&f->batch, &source, first, limit);
}

static void assert_sql(struct fixture *f, const char *want)
{
	sbuf_add(&f->sql, "", 1);
	assert_string_equal(f->sql.p, want);
	sbuf_reset(&f->sql);
}

static void test_empty_lanes(void **state)
{
	struct fixture *f = *state;

	assert_false(fill(f, 0, 100));
	assert_false(f->batch.full);
	assert_int_equal(usage_batch_touched(&f->batch), 0);
}

static void test_rows_of_all_lanes(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 5, 10);
	put(f, 2, 6, 20);
	put(f, 2, 5, DAY + 1);
	assert_true(fill(f, 1, 100));
	assert_int_equal(f->batch.n_rows, 3);
	assert_false(f->batch.full);
	assert_int_equal(usage_batch_touched(&f->batch), 2);
	assert_int_equal(f->batch.n_days, 2);
	assert_memory_equal(f->batch.rows.p, "6\t",
			    2); /* lane 1 is empty, then 2, then 0 */

	usage_batch_move_sql(&f->batch, GROUP, &f->sql);
	assert_sql(
		f,
		"UPDATE usage_cursors AS c SET position = v.upto, moved_at = now() FROM "
		"(VALUES (0, bigint '0', bigint '64'), (2, bigint '0', bigint '128')) "
		"AS v (lane, since, upto) WHERE c.lane_group = '" GROUP "' "
		"AND c.lane = v.lane AND c.position = v.since");

	usage_batch_release(&f->batch, f->lanes);
	assert_false(fill(f, 0, 100));
	put(f, 2, 6, 30);
	assert_true(fill(f, 0, 100));
	assert_true(f->batch.spans[2].from == 128);
}

static void test_filling_again_gives_the_same_batch(void **state)
{
	struct fixture *f = *state;
	struct sbuf before;

	for (int64_t i = 0; i < 20; i++)
		put(f, (size_t)i % LANES, i, i);
	assert_true(fill(f, 2, 10));
	sbuf_init(&before, 1 << 20);
	sbuf_str(&before, sbuf_view(&f->batch.rows));
	assert_true(fill(f, 2, 10));
	assert_true(str_eq(sbuf_view(&before), sbuf_view(&f->batch.rows)));
	sbuf_fini(&before);
}

static void test_limit(void **state)
{
	struct fixture *f = *state;
	size_t taken = 0;

	for (int64_t i = 0; i < 25; i++)
		put(f, (size_t)i % LANES, i, i);
	while (fill(f, 0, 10)) {
		assert_int_equal(f->batch.full, taken < 20);
		assert_true(f->batch.n_rows <= 10);
		taken += f->batch.n_rows;
		usage_batch_release(&f->batch, f->lanes);
	}
	assert_int_equal(taken, 25);
}

static void test_days_are_bounded(void **state)
{
	struct fixture *f = *state;

	for (int64_t i = 0; i < BATCH_DAYS_MAX + 1; i++) {
		put(f, 0, 1, i * DAY);
		put(f, 0, 1, i * DAY + 1);
	}
	assert_true(fill(f, 0, 100));
	assert_int_equal(f->batch.n_days, BATCH_DAYS_MAX);
	assert_int_equal(f->batch.n_rows, 2 * BATCH_DAYS_MAX);
	assert_true(f->batch.full);
	usage_batch_release(&f->batch, f->lanes);
	assert_true(fill(f, 0, 100));
	assert_int_equal(f->batch.n_rows, 2);
	assert_false(f->batch.full);
}

static void test_bytes_are_bounded(void **state)
{
	static char wide[512];
	struct usage_lane *lane = usage_lane_new(16 << 20);
	struct usage_batch b;
	struct usage_event e;

	(void)state;
	memset(wide, '\\', sizeof wide); /* doubles on its way out */
	usage_batch_init(&b, 40000);
	usage_event_init(&e);
	e.user_agent = (struct str){wide, sizeof wide};
	for (int i = 0; i < 24000; i++)
		assert_true(usage_lane_append(lane, &e));
	assert_true(usage_batch_fill(&b, &(struct batch_source){&lane, 1, STR("n"), NULL},
				     0, 40000));
	assert_true(b.full);
	assert_true(b.rows.n >= BATCH_BYTES_MAX && b.rows.n < BATCH_BYTES_MAX + 2000);
	usage_batch_fini(&b);
	usage_lane_free(&lane);
}

/* Callers of POST /api/usage-log choose their routes: each call's may be another. */
static void test_routes_are_bounded(void **state)
{
	enum { EVENTS = 20000 };
	struct usage_lane *lane = usage_lane_new(8 << 20);
	char route[256];
	struct usage_batch b;
	struct usage_event e;
	struct sbuf sql;
	size_t rows = 0, batches = 0;

	(void)state;
	usage_batch_init(&b, EVENTS);
	sbuf_init(&sql, usage_batch_sql_max(EVENTS));
	usage_event_init(&e);
	memset(route, '\'', sizeof route); /* doubles */
	e.route_path = (struct str){route, 255};
	for (int i = 0; i < EVENTS; i++) {
		snprintf(route, 9, "%08d", i);
		route[8] = '\'';
		e.token_id = i;
		assert_true(usage_lane_append(lane, &e));
	}
	for (; usage_batch_fill(&b, &(struct batch_source){&lane, 1, STR("n"), NULL}, 0,
				EVENTS);
	     batches++) {
		size_t bytes = usage_rollup_routes_bytes(b.rollup);

		sbuf_reset(&sql);
		usage_rollup_routes_sql(b.rollup, &sql);
		assert_true(sql.n >= bytes && sql.n < bytes + 512);
		sbuf_lit(&sql, " COMMIT");
		assert_false(sql.overflow);
		rows += b.n_rows;
		usage_batch_release(&b, &lane);
	}
	assert_int_equal(rows, EVENTS);
	assert_int_equal(batches, EVENTS * UINT64_C(508) / BATCH_ROUTES_BYTES_MAX + 1);
	usage_batch_fini(&b);
	sbuf_fini(&sql);
	usage_lane_free(&lane);
}

/* Which tokens' lines come for a day, in how many pieces. */
static size_t lines_of(struct fixture *f, size_t day, const char *tokens)
{
	size_t at = 0, pieces = 0, n = 0;
	struct str piece;

	while ((piece = usage_batch_lines(&f->batch, day, &at)).n > 0) {
		pieces++;
		assert_int_equal(piece.p[piece.n - 1], '\n');
		for (size_t i = 0; i < piece.n; i++)
			if (i == 0 || piece.p[i - 1] == '\n')
				assert_int_equal(piece.p[i], tokens[n++]);
	}
	assert_int_equal(tokens[n], '\0');
	return pieces;
}

static void test_lines_by_day(void **state)
{
	static const int64_t days[] = {0, 1, 0, 0, 2, 1, 0};
	struct fixture *f = *state;
	size_t at = 0;

	for (int64_t i = 0; i < 7; i++)
		put(f, 0, i, days[i] * DAY + i);
	assert_true(fill(f, 0, 100));
	assert_int_equal(f->batch.n_days, 3);
	assert_int_equal(lines_of(f, 0, "0236"), 3);
	assert_int_equal(lines_of(f, 1, "15"), 2);
	assert_int_equal(lines_of(f, 2, "4"), 1);
	usage_batch_release(&f->batch, f->lanes);
	put(f, 0, 8, DAY);
	put(f, 0, 9, DAY);
	assert_true(fill(f, 0, 100));
	assert_int_equal(usage_batch_lines(&f->batch, 0, &at).n, f->batch.rows.n);
}

static void test_copy_into_the_day(void **state)
{
	static const char start[] = "COPY public.token_usage_logs_p19700102_2 (";
	struct fixture *f = *state;

	usage_batch_copy_sql("token_usage_logs_p19700102_2", &f->sql);
	assert_memory_equal(f->sql.p, start, sizeof start - 1);
}

static size_t count_lines(const struct sbuf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->n; i++)
		n += text->p[i] == '\n';
	return n;
}

/* Three days, of which one is before 1970. */
static void test_cells_without_days(void **state)
{
	static const int64_t days[] = {1, -1, 0};
	struct fixture *f = *state;

	for (int64_t i = 0; i < 6; i++)
		put(f, 0, i, (i % 3 - 1) * DAY + (i % 3 == 0 ? DAY - 1 : 0));
	assert_true(fill(f, 0, 100));
	assert_int_equal(count_lines(&f->batch.cells), 6);
	usage_batch_cells_without(&f->batch, days, 1);
	assert_int_equal(count_lines(&f->batch.cells), 4);
	usage_batch_cells_without(&f->batch, days, 2);
	assert_int_equal(count_lines(&f->batch.cells), 2);
	usage_batch_cells_without(&f->batch, days, 3);
	assert_int_equal(f->batch.cells.n, 0);
	usage_batch_cells_without(&f->batch, days, 0);
	assert_int_equal(count_lines(&f->batch.cells), 6);
}

static void test_last_uses(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 9, 3000000);
	put(f, 1, -4, 1);
	put(f, 1, 9, 5000000);
	put(f, 2, 9, 4000000);
	assert_true(fill(f, 0, 100));
	assert_int_equal(f->batch.n_uses, 2);
	assert_int_equal(f->batch.uses[0].token_id, -4);
	assert_int_equal(f->batch.uses[1].token_id, 9);
	assert_int_equal(f->batch.uses[1].used_at_us, 5000000);
}

#define LOOK_SQL "SELECT v.day - date '1970-01-01', c.relname FROM (VALUES "
#define LOOK_END                                                                         \
	") AS v (day) JOIN pg_class AS c ON c.oid = public.usage_partition(v.day)"
#define S UINT64_C(1000000)

static void test_partitions_of_new_days_only(void **state)
{
	static const int64_t days[] = {0, 1, 20781};
	struct fixture *f = *state;
	struct usage_partitions p = {0};

	assert_false(partitions_sql(&p, days, 0, S, &f->sql));
	assert_true(partitions_sql(&p, days, 3, S, &f->sql));
	assert_sql(f, LOOK_SQL "(date '1970-01-01'), (date '1970-01-02'), "
			       "(date '2026-11-24')" LOOK_END);
	partitions_looked(&p, days, 3, S);
	partitions_found(&p, 0, "first");
	partitions_found(&p, 20781, "third_2");
	partitions_found(&p, 7, "never asked for");
	assert_string_equal(partitions_name(&p, 0), "first");
	assert_null(partitions_name(&p, 1));
	assert_string_equal(partitions_name(&p, 20781), "third_2");
	assert_null(partitions_name(&p, 7));
	assert_false(partitions_sql(&p, days, 3, S + S - 1, &f->sql));
	assert_int_equal(f->sql.n, 0);
	assert_true(partitions_sql(&p, days, 3, 2 * S, &f->sql));
	assert_sql(f, LOOK_SQL "(date '1970-01-02')" LOOK_END);
	partitions_forget(&p);
	assert_true(partitions_sql(&p, days, 1, S, &f->sql));
}

/* Seconds after `at` from when the day is looked for again. */
static uint64_t held_for(struct fixture *f, struct usage_partitions *p, int64_t day,
			 uint64_t at)
{
	uint64_t s = 0;

	while (!partitions_sql(p, &day, 1, at + s * S, &f->sql))
		s++;
	sbuf_reset(&f->sql);
	return s;
}

static void find_again(struct usage_partitions *p, int64_t day, uint64_t now)
{
	partitions_looked(p, &day, 1, now);
	partitions_found(p, day, "again");
}

/* One that is gone is looked for at once; one that refuses its rows is left alone, for
 * longer each time, until it takes them. */
static void test_partitions_that_fail(void **state)
{
	static const unsigned pauses[] = {5, 10, 20, 40, 60, 60};
	struct fixture *f = *state;
	struct usage_partitions p = {0};
	uint64_t now = 100 * S;

	assert_false(partitions_failed(&p, 4, false, now));
	find_again(&p, 4, now);
	assert_false(partitions_failed(&p, 4, true, now));
	assert_null(partitions_name(&p, 4));
	assert_int_equal(held_for(f, &p, 4, now), 0);
	find_again(&p, 4, now);
	assert_true(partitions_failed(&p, 4, true, now));
	assert_int_equal(held_for(f, &p, 4, now), 10);
	now += 10 * S;
	find_again(&p, 4, now);
	partitions_worked(&p, 4);
	for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
		assert_true(partitions_failed(&p, 4, false, now));
		assert_int_equal(held_for(f, &p, 4, now), pauses[i]);
		now += pauses[i] * S;
		find_again(&p, 4, now);
	}
	/* In doubt, at once. */
	assert_true(partitions_failed(&p, 4, false, now));
	partitions_doubt(&p);
	assert_int_equal(held_for(f, &p, 4, now), 0);
}

/* However many days come by, those of the batch at hand have their place. */
static void test_days_of_one_batch_are_known(void **state)
{
	struct fixture *f = *state;
	struct usage_partitions p = {0};
	int64_t days[BATCH_DAYS_MAX];

	for (int64_t from = 0; from < 300; from += 5) {
		for (int64_t i = 0; i < BATCH_DAYS_MAX; i++)
			days[i] = from + i;
		if (partitions_sql(&p, days, BATCH_DAYS_MAX, S, &f->sql))
			partitions_looked(&p, days, BATCH_DAYS_MAX, S);
		for (int64_t i = 0; i < BATCH_DAYS_MAX; i++)
			partitions_found(&p, days[i], "x");
		for (int64_t i = 0; i < BATCH_DAYS_MAX; i++)
			assert_non_null(partitions_name(&p, days[i]));
	}
}

/* Where the lane stands after each of three events: records of one size. */
static uint64_t three_events(struct fixture *f)
{
	uint64_t record;

	for (int64_t i = 0; i < 3; i++)
		put(f, 0, 1, 1);
	assert_true(fill(f, 0, 1));
	record = f->batch.spans[0].to;
	assert_true(fill(f, 0, 3));
	assert_true(f->batch.spans[0].to == 3 * record);
	return record;
}

static void test_cursor_acknowledges(void **state)
{
	struct fixture *f = *state;
	uint64_t record = three_events(f), rows = 9;

	/* Nothing took effect. */
	assert_true(cursor_take(f->lanes[0], 0, 2 * record, &rows));
	assert_int_equal(rows, 0);
	assert_true(usage_lane_tail(f->lanes[0]) == 0);
	/* A batch of two did, though its answer was lost. */
	assert_true(cursor_take(f->lanes[0], 2 * record, 2 * record, &rows));
	assert_int_equal(rows, 2);
	assert_true(usage_lane_tail(f->lanes[0]) == 2 * record);
	assert_true(fill(f, 0, 100));
	assert_int_equal(f->batch.n_rows, 1);
}

static void test_cursor_of_a_database_set_back(void **state)
{
	struct fixture *f = *state;
	uint64_t record = three_events(f), rows;

	usage_lane_release(f->lanes[0], record);
	assert_false(cursor_take(f->lanes[0], 0, 3 * record, &rows));
	assert_false(
		cursor_take(f->lanes[0], 3 * record, 2 * record, &rows)); /* never sent */
	assert_false(
		cursor_take(f->lanes[0], record + 16, 3 * record, &rows)); /* no border */
	assert_true(usage_lane_tail(f->lanes[0]) == record);
	cursors_reset_sql(GROUP, 0, f->lanes[0], &f->sql);
	assert_sql(f, "UPDATE usage_cursors SET position = 64, moved_at = now() "
		      "WHERE lane_group = '" GROUP "' AND lane = 0; ");
}

static void test_join(void **state)
{
	struct fixture *f = *state;
	const char *insert;

	three_events(f);
	usage_batch_release(&f->batch, f->lanes);
	cursors_join_sql(GROUP, f->lanes, LANES, false, &f->sql);
	sbuf_add(&f->sql, "", 1);
	insert = strstr(f->sql.p, "INSERT");
	assert_non_null(insert);
	assert_string_equal(
		insert,
		"INSERT INTO usage_cursors (lane_group, lane, position) VALUES ('" GROUP
		"', 0, 192), ('" GROUP "', 1, 0), ('" GROUP "', 2, 0) "
		"ON CONFLICT (lane_group, lane) DO NOTHING; "
		"SELECT lane, position FROM usage_cursors "
		"WHERE lane_group = '" GROUP "' ORDER BY lane");
}

/* An event that counts once in 24 h. */
static void put_once(struct fixture *f, size_t lane, const char *id, int64_t arrival_us)
{
	struct usage_event e;

	usage_event_init(&e);
	e.token_id = 1;
	e.used_at_us = arrival_us;
	e.request_id = str_of(id);
	e.once_at_us = arrival_us;
	assert_true(usage_lane_append(f->lanes[lane], &e));
}

/* Rows by their request_id, joined. */
static void assert_rows(struct fixture *f, const char *want)
{
	char got[1024] = "";
	struct str rows = sbuf_view(&f->batch.rows);
	size_t count = 0;

	for (size_t at = 0; at < rows.n; count++) {
		const char *line = rows.p + at, *p = line;

		for (int column = 1; column < 11; column++)
			p = strchr(p, '\t') + 1;
		strncat(got, p, strcspn(p, "\t"));
		strcat(got, " ");
		at += (size_t)((const char *)memchr(line, '\n', rows.n - at) - line) + 1;
	}
	assert_string_equal(got, want);
	assert_int_equal(count, f->batch.n_rows);
}

static void take_claims(struct fixture *f, const char *which)
{
	char hex[33], id[37];

	for (size_t i = 0; i < f->batch.once.n; i++) {
		if (which[i] != 'y')
			continue;
		hex_encode(hex, f->batch.once.claims[i].key, 16);
		snprintf(id, sizeof id, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12,
			 hex + 16, hex + 20);
		usage_once_taken(&f->batch.once, str_of(id));
	}
}

static void test_what_is_stored_already_leaves_the_batch(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 5, 2 * DAY); /* no id: any number of times */
	put_once(f, 0, "a", 10);
	put_once(f, 0, "b", 3 * DAY - 1);
	put_once(f, 1, "a", 20); /* again, in the batch */
	put_once(f, 1, "c", 30);
	put(f, 2, 6, 2 * DAY);
	put_once(f, 2, "b", 3 * DAY);
	assert_true(fill(f, 0, 100));
	assert_int_equal(f->batch.n_seen, 7);
	assert_int_equal(f->batch.once.n, 3);
	assert_rows(f, "\\N a b c \\N ");

	take_claims(f, "nyy");
	assert_int_equal(usage_once_repeats(&f->batch.once), 1);
	usage_batch_settle(&f->batch,
			   &(struct batch_source){f->lanes, LANES, STR("node"), NULL}, 0);
	assert_rows(f, "\\N b c \\N ");
	assert_int_equal(f->batch.n_seen, 7);
	assert_int_equal(f->batch.n_uses, 3);
	assert_int_equal(f->batch.n_days, 2);
	/* All of it is acknowledged. */
	usage_batch_release(&f->batch, f->lanes);
	assert_false(fill(f, 0, 100));
}

static void test_a_batch_of_nothing_new(void **state)
{
	struct fixture *f = *state;

	put_once(f, 1, "a", 10);
	put_once(f, 2, "b", 10);
	assert_true(fill(f, 1, 100));
	take_claims(f, "nn");
	assert_int_equal(usage_once_repeats(&f->batch.once), 2);
	usage_batch_settle(&f->batch,
			   &(struct batch_source){f->lanes, LANES, STR("node"), NULL}, 1);
	assert_rows(f, "");
	assert_int_equal(f->batch.n_uses, 0);
	assert_int_equal(f->batch.n_days, 0);
	assert_int_equal(usage_batch_touched(&f->batch), 2);
}

static void test_the_same_id_a_day_later_is_another_batch(void **state)
{
	struct fixture *f = *state;

	put_once(f, 0, "a", 10);
	put_once(f, 0, "a", DAY + 9); /* 1 us short of a day */
	put_once(f, 0, "a", DAY + 10);
	put_once(f, 0, "b", 10);
	assert_true(fill(f, 0, 100));
	assert_rows(f, "a ");
	assert_int_equal(f->batch.n_seen, 2);
	assert_true(f->batch.full);
	usage_batch_release(&f->batch, f->lanes);
	assert_true(fill(f, 0, 100));
	assert_rows(f, "a b ");
}

/* A caller that repeats itself for ever costs bounded work a batch. */
static void test_repeats_count_towards_the_limit(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 30; i++)
		put_once(f, 0, "a", 10 + i);
	assert_true(fill(f, 0, 20));
	assert_int_equal(f->batch.n_rows, 1);
	assert_int_equal(f->batch.n_seen, 20);
	assert_true(f->batch.full);
}

static void test_claims_as_sql(void **state)
{
	struct fixture *f = *state;
	const char *insert;

	put_once(f, 0, "a", 1);
	put_once(f, 0, "b", DAY);
	assert_true(fill(f, 0, 100));
	usage_once_sql(&f->batch.once, &f->sql);
	sbuf_add(&f->sql, "", 1);
	insert = strstr(f->sql.p, "INSERT");
	assert_non_null(insert);
	/* SHA-256 of 32 zero bytes and the id. */
	assert_string_equal(
		insert,
		"INSERT INTO usage_ingest_ids AS i (id, seen_at) SELECT v.id, v.at AT "
		"TIME ZONE 'UTC' FROM (VALUES (uuid '41a0370c3d9f42773a59e8e01651911c', "
		"timestamp '1970-01-01 00:00:00.000001'), (uuid "
		"'7ec8020a087ee17266b18fe5a9518759', timestamp '1970-01-02 "
		"00:00:00.000000')) AS v (id, at) ORDER BY v.id ON CONFLICT (id) DO "
		"UPDATE SET seen_at = greatest(i.seen_at, excluded.seen_at) WHERE "
		"excluded.seen_at >= i.seen_at + interval '24 hours' OR excluded.seen_at "
		"<= i.seen_at - interval '24 hours' RETURNING i.id");
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(test_empty_lanes),
		WITH_FIXTURE(test_rows_of_all_lanes),
		WITH_FIXTURE(test_filling_again_gives_the_same_batch),
		WITH_FIXTURE(test_limit),
		WITH_FIXTURE(test_days_are_bounded),
		WITH_FIXTURE(test_bytes_are_bounded),
		WITH_FIXTURE(test_routes_are_bounded),
		WITH_FIXTURE(test_lines_by_day),
		WITH_FIXTURE(test_copy_into_the_day),
		WITH_FIXTURE(test_last_uses),
		WITH_FIXTURE(test_what_is_stored_already_leaves_the_batch),
		WITH_FIXTURE(test_a_batch_of_nothing_new),
		WITH_FIXTURE(test_the_same_id_a_day_later_is_another_batch),
		WITH_FIXTURE(test_repeats_count_towards_the_limit),
		WITH_FIXTURE(test_claims_as_sql),
		WITH_FIXTURE(test_cursor_acknowledges),
		WITH_FIXTURE(test_cursor_of_a_database_set_back),
		WITH_FIXTURE(test_join),
		WITH_FIXTURE(test_partitions_of_new_days_only),
		WITH_FIXTURE(test_partitions_that_fail),
		WITH_FIXTURE(test_days_of_one_batch_are_known),
		WITH_FIXTURE(test_cells_without_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
