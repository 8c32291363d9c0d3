/* Who looks on at lanes: what comes, in order, and what is missed and counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "common/check.h"
#include "gateway/journal/event_json.h"
#include "gateway/journal/group.h"
#include "gateway/journal/group_tap.h"
#include "gateway/journal/journal.h"
#include "gateway/journal/tap.h"

#define TAP_BYTES ((size_t)1 << 20)
#define LAP (64u * 1024)

struct place {
	struct usage_group *group;
	struct usage_tap *tap;
	struct group_tap *looks;
};

static struct usage_group *make_group(void)
{
	return usage_group_memory(&(struct group_shape){"node", 2, LAP});
}

static int set_up(void **state)
{
	struct place *p = xcalloc(1, sizeof *p);

	p->group = make_group();
	p->tap = usage_tap_new(TAP_BYTES);
	p->looks = group_tap_new(p->tap, 2);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	group_tap_free(&p->looks);
	usage_tap_free(&p->tap);
	usage_group_close(&p->group);
	free(p);
	return 0;
}

/* Consumed at once, so that the lane never fills. */
static void append(struct usage_lane *lane, int64_t from, int64_t to)
{
	struct usage_event e;

	usage_event_init(&e);
	for (int64_t i = from; i < to; i++) {
		e.token_id = e.used_at_us = i;
		e.user_agent = (struct str){"0123456789012345678901", (size_t)(i % 22)};
		assert_true(usage_lane_append(lane, &e));
		usage_lane_release(lane, usage_lane_head(lane));
	}
}

/* Takes events, which must be from, from + 1, ...; returns behind the last. */
static int64_t take(struct place *p, int64_t from, uint64_t *missed)
{
	struct usage_event e;
	struct str record;

	usage_tap_take(p->tap, missed);
	while (usage_tap_next(p->tap, &record)) {
		assert_true(usage_event_decode(&e, (const unsigned char *)record.p,
					       record.n));
		assert_int_equal(e.token_id, from);
		from++;
	}
	return from;
}

static bool is_readable(const struct place *p)
{
	struct pollfd f = {.fd = usage_tap_fd(p->tap), .events = POLLIN};

	return poll(&f, 1, 0) == 1;
}

static void test_nothing_comes_unwanted(void **state)
{
	struct place *p = *state;
	uint64_t missed;

	append(p->group->lanes[0], 0, 5);
	group_tap_look(p->looks, p->group);
	assert_false(is_readable(p));
	usage_tap_want(p->tap, true);
	group_tap_look(p->looks, p->group);
	assert_int_equal(take(p, 5, &missed), 5); /* what was before stays out */
	assert_int_equal(missed, 0);
	append(p->group->lanes[0], 5, 7);
	group_tap_look(p->looks, p->group);
	assert_true(is_readable(p));
	assert_int_equal(take(p, 5, &missed), 7);
	assert_false(is_readable(p));
	usage_tap_want(p->tap, false);
	append(p->group->lanes[0], 7, 9);
	group_tap_look(p->looks, p->group);
	usage_tap_want(p->tap, true);
	group_tap_look(p->looks, p->group);
	append(p->group->lanes[1], 9, 11);
	group_tap_look(p->looks, p->group);
	assert_int_equal(take(p, 9, &missed), 11);
	assert_int_equal(missed, 0);
}

/* Also over the ring's end, and of what the consumer has long freed. */
static void test_all_come_in_order(void **state)
{
	struct place *p = *state;
	int64_t at = 0;
	uint64_t missed;

	usage_tap_want(p->tap, true);
	group_tap_look(p->looks, p->group);
	for (int64_t i = 0; i < 5000; i += 100) {
		append(p->group->lanes[0], i, i + 100);
		group_tap_look(p->looks, p->group);
		at = take(p, at, &missed);
		assert_int_equal(missed, 0);
	}
	assert_int_equal(at, 5000);
}

static void test_what_was_overwritten_is_counted(void **state)
{
	struct place *p = *state;
	uint64_t missed;

	usage_tap_want(p->tap, true);
	group_tap_look(p->looks, p->group);
	append(p->group->lanes[0], 0, 4000); /* some turns of the ring */
	group_tap_look(p->looks, p->group);
	assert_int_equal(take(p, 0, &missed), 0);
	assert_int_equal(missed, 4000);
	append(p->group->lanes[0], 4000, 4003);
	group_tap_look(p->looks, p->group);
	assert_int_equal(take(p, 4000, &missed), 4003);
	assert_int_equal(missed, 0);
}

static void test_a_full_buffer_counts(void **state)
{
	struct place *p = *state;
	uint64_t missed = 0;
	int64_t at;

	usage_tap_free(&p->tap);
	group_tap_free(&p->looks);
	p->tap = usage_tap_new(4096);
	p->looks = group_tap_new(p->tap, 2);
	usage_tap_want(p->tap, true);
	group_tap_look(p->looks, p->group);
	append(p->group->lanes[0], 0, 200);
	group_tap_look(p->looks, p->group);
	at = take(p, 0, &missed);
	assert_true(at > 0 && at < 200);
	assert_true(missed >= (uint64_t)(200 - at));
	assert_int_equal(take(p, 0, &missed), 0);
	assert_int_equal(missed, 0);
}

static void test_a_group_in_its_place(void **state)
{
	struct place *p = *state;
	struct usage_group *next = make_group();
	uint64_t missed;

	usage_tap_want(p->tap, true);
	group_tap_look(p->looks, p->group);
	append(p->group->lanes[0], 0, 3);
	append(next->lanes[0], 3, 5);
	group_tap_look(p->looks, next);
	assert_int_equal(take(p, 0, &missed), 5);
	usage_group_close(&next);
}

/* The whole: a journal in memory alone has its thread too. */
static void test_a_journal_is_looked_on_at(void **state)
{
	struct place *p = *state;
	struct usage_journal *j = usage_journal_open(&(struct journal_options){
		.n_lanes = 2, .ring_bytes = LAP, .sync_ms = 1000, .tap = p->tap});
	struct pollfd f = {.fd = usage_tap_fd(p->tap), .events = POLLIN};
	uint64_t missed;
	int64_t at = 0;

	assert_non_null(j);
	usage_tap_want(p->tap, true);
	append(usage_journal_own(j)->lanes[1], 0, 3);
	while (at < 3) {
		assert_int_equal(poll(&f, 1, -1), 1);
		at = take(p, at, &missed);
	}
	usage_journal_close(&j);
}

static void test_json(void **state)
{
	struct usage_event e;
	struct sbuf out;
	cJSON *json;

	(void)state;
	sbuf_init(&out, EVENT_JSON_MAX);
	usage_event_init(&e);
	e.used_at_us = -1;
	e.token_id = 12;
	e.route_path = STR("/a\"\\\x01\xc3\xa9");
	e.tags = STR("{\"a\": [1]}");
	e.bytes_in = INT64_C(1) << 40;
	usage_event_put_json(&out, &e, (struct str){0}, STR("node"));
	json = cJSON_ParseWithLength(out.p, out.n);
	assert_non_null(json);
	assert_string_equal(cJSON_GetObjectItem(json, "used_at")->valuestring,
			    "1969-12-31T23:59:59.999999Z");
	assert_string_equal(cJSON_GetObjectItem(json, "route_path")->valuestring,
			    "/a\"\\\x01\xc3\xa9");
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "id")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "token_name")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "total_ms")));
	assert_true(cJSON_IsArray(
		cJSON_GetObjectItem(cJSON_GetObjectItem(json, "tags"), "a")));
	assert_non_null(strstr(sbuf_text(&out), "\"bytes_in\":1099511627776,"));
	assert_int_equal(cJSON_GetArraySize(json), 22);
	cJSON_Delete(json);
	sbuf_fini(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_comes_unwanted),
		TEST(test_all_come_in_order),
		TEST(test_what_was_overwritten_is_counted),
		TEST(test_a_full_buffer_counts),
		TEST(test_a_group_in_its_place),
		TEST(test_a_journal_is_looked_on_at),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
