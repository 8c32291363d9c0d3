/* Rows in COPY's text format: escapes, NULLs, times. */
#include "gateway/recorder/copy_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#define HASH64 "abababababababababababababababababababababababababababababababab"

static struct usage_event bare_event(void)
{
	struct usage_event e;

	usage_event_init(&e);
	e.token_id = 7;
	memset(e.token_hash, 0xab, sizeof e.token_hash);
	e.used_at_us = INT64_C(1795503148123456);
	return e;
}

static void assert_row(const struct usage_event *e, struct str node, const char *want)
{
	struct sbuf out;

	sbuf_init(&out, 1 << 20);
	copy_row_add(&out, e, node);
	assert_false(out.overflow);
	assert_int_equal(out.n, strlen(want));
	assert_memory_equal(out.p, want, out.n);
	sbuf_fini(&out);
}

static void test_columns(void **state)
{
	(void)state;
	assert_string_equal(
		COPY_ROW_COLUMNS,
		"token_id, token_hash, route_path, used_at, response_status, "
		"response_time_ms, ip_address, user_agent, request_method, "
		"error_message, request_id, outcome, upstream_status, total_ms, ttfb_ms, "
		"client_wait_ms, bytes_in, bytes_out, trace_id, tags, node");
}

static void test_nulls(void **state)
{
	struct usage_event e = bare_event();

	(void)state;
	assert_row(&e, STR("n1"),
		   "7\t" HASH64 "\t\\N\t2026-11-24 06:52:28.123456"
		   "\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\"
		   "N\t\\N"
		   "\t\\N\tn1\n");
}

static void test_all_fields(void **state)
{
	struct usage_event e = bare_event();

	(void)state;
	e.route_path = STR("/api/test");
	e.response_status = 502;
	e.response_time_ms = 0;
	e.ip_address = STR("::1");
	e.user_agent = STR("");
	e.request_method = STR("GET");
	e.error_message = STR("a\tb\nc\rd\\e\bf\fg\vh");
	e.request_id = STR("\\N");
	e.outcome = STR("\\.");
	e.upstream_status = 200;
	e.total_ms = INT32_MAX;
	e.ttfb_ms = 1;
	e.client_wait_ms = 2;
	e.bytes_in = INT64_MAX;
	e.bytes_out = 10;
	e.trace_id = STR("t\xc3\xa9");
	e.tags = STR("{\"a\":\"\\n\"}");
	assert_row(&e, STR("n\t1"),
		   "7\t" HASH64
		   "\t/api/test\t2026-11-24 06:52:28.123456\t502\t0\t::1\t\tGET"
		   "\ta\\tb\\nc\\rd\\\\e\\bf\\fg\\vh\t\\\\N\t\\\\.\t200\t2147483647\t1\t2"
		   "\t9223372036854775807\t10\tt\xc3\xa9\t{\"a\":\"\\\\n\"}\tn\\t1\n");
}

static void test_widest_row(void **state)
{
	static char text[1024], node[400];
	struct usage_event e = bare_event();
	struct sbuf out;

	(void)state;
	memset(text, '\\', sizeof text);
	memset(node, '\t', sizeof node);
	e.token_id = INT64_MIN;
	e.used_at_us = INT64_MIN;
#define FILL_I32(m, w) e.m = INT32_MIN + 1;
#define FILL_I64(m, w) e.m = INT64_MIN;
#define FILL_TIME(m, w)
#define FILL_HASH(m, w)
#define FILL_TEXT(m, w) e.m = (struct str){text, w};
#define FILL_JSON(m, w) e.m = (struct str){text, w};
#define FILL(number, member, column, kind, width) FILL_##kind(member, width)
	USAGE_FIELDS(FILL)
	sbuf_init(&out, 1 << 20);
	copy_row_add(&out, &e,
		     (struct str){node, sizeof node}); /* CHECKs its own bound */
	assert_false(out.overflow);
	assert_memory_equal(out.p, "-9223372036854775808\t", 21);
	assert_memory_equal(out.p + out.n - 511, "\\t\\t", 4);
	assert_int_equal(out.p[out.n - 1], '\n');
	sbuf_fini(&out);
}

static void test_full_buffer_takes_no_part_of_a_row(void **state)
{
	struct usage_event e = bare_event();
	struct sbuf out;

	(void)state;
	sbuf_init(&out, 100);
	copy_row_add(&out, &e, STR("n"));
	assert_true(out.overflow);
	assert_int_equal(out.n, 0);
	sbuf_fini(&out);
}

static void test_known_times(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
		int64_t day;
	} cases[] = {
		{0, "1970-01-01 00:00:00.000000", 0},
		{-1, "1969-12-31 23:59:59.999999", -1},
		{INT64_C(951782400000000), "2000-02-29 00:00:00.000000", 11016},
		{INT64_C(951868799999999), "2000-02-29 23:59:59.999999", 11016},
		{INT64_C(951868800000000), "2000-03-01 00:00:00.000000", 11017},
		{INT64_C(4107542400000000), "2100-03-01 00:00:00.000000", 47541},
		{INT64_C(253402300799999999), "9999-12-31 23:59:59.999999", 2932896},
	};
	char text[USAGE_TIME_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		usage_time_text(text, cases[i].us);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(usage_day_of(cases[i].us), cases[i].day);
		usage_day_text(text, cases[i].day);
		assert_memory_equal(text, cases[i].text, 10);
		assert_int_equal(strlen(text), 10);
	}
}

/* Against the C library, over 400 years: the whole cycle of leap years. */
static void test_days_agree_with_gmtime(void **state)
{
	(void)state;
	for (int64_t day = -20000; day < 127000; day++) {
		time_t t = (time_t)(day * 86400);
		char got[USAGE_TIME_TEXT_MAX], want[USAGE_TIME_TEXT_MAX];
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		assert_int_equal(strftime(want, sizeof want, "%Y-%m-%d", &tm), 10);
		usage_day_text(got, day);
		assert_string_equal(got, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_nulls),
		cmocka_unit_test(test_all_fields),
		cmocka_unit_test(test_widest_row),
		cmocka_unit_test(test_full_buffer_takes_no_part_of_a_row),
		cmocka_unit_test(test_known_times),
		cmocka_unit_test(test_days_agree_with_gmtime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
