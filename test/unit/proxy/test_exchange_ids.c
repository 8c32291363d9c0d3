/* Unit tests of request ids and trace contexts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "common/check.h"
#include "gateway/proxy/exchange_ids.h"

#define WALL_US 1700000000123456

static struct id_source source;

static int set_up(void **state)
{
	(void)state;
	id_source_init(&source);
	return 0;
}

static void make(struct exchange_ids *ids, const char *fields)
{
	static const struct head_limits limits = {16384, 100};
	struct request_head h;
	struct head_refusal why;
	char text[1024];
	int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
			 fields);

	assert_in_range(n, 1, sizeof text - 1);
	assert_true(request_head_parse(&h, text, (size_t)n, &limits, &why));
	memset(ids, 'x', sizeof *ids);
	exchange_ids_make(ids, &h, WALL_US, &source);
}

static void assert_hex(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_true((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f'));
}

static void assert_uuid7(const char *id)
{
	char ms[16];

	assert_int_equal(strlen(id), 36);
	snprintf(ms, sizeof ms, "%012llx", WALL_US / 1000ll);
	assert_memory_equal(id, ms, 8);
	assert_memory_equal(id + 9, ms + 8, 4);
	assert_int_equal(id[14], '7');
	assert_non_null(strchr("89ab", id[19]));
	for (int i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23)
			assert_int_equal(id[i], '-');
		else
			assert_hex(id + i, 1);
	}
}

static void keeps_sane_request_ids(void **state)
{
	static const char *const sane[] = {"1", "ABCxyz019._:/+=@-", "ntk_short",
					   "0189f7a2-7c3d-7def-8123-456789abcdef"};
	struct exchange_ids ids;
	char fields[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sane); i++) {
		snprintf(fields, sizeof fields, "x-request-ID: %s\r\n", sane[i]);
		make(&ids, fields);
		assert_string_equal(ids.request_id, sane[i]);
	}
	snprintf(fields, sizeof fields, "X-Request-Id: %0128d\r\n", 7);
	make(&ids, fields);
	assert_int_equal(strlen(ids.request_id), 128);
}

static void replaces_other_request_ids(void **state)
{
	static const char *const bad[] = {
		"",
		"X-Request-Id:\r\n",
		"X-Request-Id: a b\r\n",
		"X-Request-Id: a\"b\r\n",
		"X-Request-Id: a;b\r\n",
		"X-Request-Id: caf\xc3\xa9\r\n",
		"X-Request-Id: ntk_0123456789\r\n",
		"X-Request-Id: 1\r\nX-Request-Id: 1\r\n",
	};
	struct exchange_ids ids;
	char fields[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		make(&ids, bad[i]);
		assert_uuid7(ids.request_id);
	}
	snprintf(fields, sizeof fields, "X-Request-Id: %0129d\r\n", 7);
	make(&ids, fields);
	assert_uuid7(ids.request_id);
}

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define ZEROS "00000000000000000000000000000000"

static void keeps_valid_traces(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"00-" TRACE "-" PARENT "-01", "00-" TRACE "-" PARENT "-01"},
		{"00-" TRACE "-" PARENT "-00", "00-" TRACE "-" PARENT "-00"},
		{"cc-" TRACE "-" PARENT "-09", "00-" TRACE "-" PARENT "-09"},
		{"cc-" TRACE "-" PARENT "-01-what-comes", "00-" TRACE "-" PARENT "-01"},
	};
	struct exchange_ids ids;
	char fields[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(fields, sizeof fields, "traceparent: %s\r\n", rows[i].in);
		make(&ids, fields);
		assert_true(ids.trace_kept);
		assert_string_equal(ids.traceparent, rows[i].out);
		assert_true(str_eq(exchange_trace_id(&ids), STR(TRACE)));
	}
}

static void assert_started(const struct exchange_ids *ids)
{
	const char *p = ids->traceparent;

	assert_false(ids->trace_kept);
	assert_int_equal(strlen(p), TRACEPARENT_LENGTH);
	assert_memory_equal(p, "00-", 3);
	assert_hex(p + 3, 32);
	assert_int_equal(p[35], '-');
	assert_hex(p + 36, 16);
	assert_string_equal(p + 52, "-01");
	assert_memory_not_equal(p + 3, ZEROS, 32);
	assert_memory_not_equal(p + 36, ZEROS, 16);
}

static void starts_traces_for_the_rest(void **state)
{
	static const char *const bad[] = {
		"",
		"traceparent:\r\n",
		"traceparent: 00-" TRACE "-" PARENT "\r\n",
		"traceparent: 00-" TRACE "-" PARENT "-0\r\n",
		"traceparent: 00-" TRACE "-" PARENT "-01-\r\n",
		"traceparent: 00-" TRACE "-" PARENT "-01x\r\n",
		"traceparent: cc-" TRACE "-" PARENT "-01x\r\n",
		"traceparent: ff-" TRACE "-" PARENT "-01\r\n",
		"traceparent: 0x-" TRACE "-" PARENT "-01\r\n",
		"traceparent: 00-" ZEROS "-" PARENT "-01\r\n",
		"traceparent: 00-" TRACE "-0000000000000000-01\r\n",
		"traceparent: 00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01\r\n",
		"traceparent: 00_" TRACE "-" PARENT "-01\r\n",
		"traceparent: 00-" TRACE "_" PARENT "-01\r\n",
		"traceparent: 00-" TRACE "-" PARENT "_01\r\n",
		"traceparent: 00-" TRACE "-" PARENT "-0g\r\n",
		"traceparent: 00-" TRACE "-" PARENT "-01\r\n"
		"traceparent: 00-" TRACE "-" PARENT "-01\r\n",
	};
	struct exchange_ids ids;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		make(&ids, bad[i]);
		assert_started(&ids);
	}
}

static void never_gives_an_id_twice(void **state)
{
	struct exchange_ids seen[64];
	struct id_source other;

	(void)state;
	id_source_init(&other);
	assert_memory_not_equal(&other, &source, sizeof other);
	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		make(&seen[i], "");
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(seen[k].request_id, seen[i].request_id);
			assert_string_not_equal(seen[k].traceparent, seen[i].traceparent);
		}
	}
}

static void hides_the_callers_key(void **state)
{
	static const struct {
		const char *fields, *key;
		bool new_id, new_trace;
	} rows[] = {
		{"X-Request-Id: a-1\r\n", "old-style-key", false, false},
		{"X-Request-Id: a.old-style-key\r\n", "old-style-key", true, false},
		{"X-Request-Id: OLD-STYLE-KEY\r\n", "old-style-key", true, false},
		{"X-Request-Id: abc\r\n", "abc", true, false},
		{"X-Request-Id: abcd\r\n", "abc", false, false},
		{"traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\r\n",
		 "0123456789abcdef0123456789abcdef", false, true},
		{"traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\r\n",
		 "0123456789abcdef0123456789abcdee", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct exchange_ids before, ids;

		make(&before, rows[i].fields);
		ids = before;
		exchange_ids_hide(&ids, str_of(rows[i].key), WALL_US, &source);
		assert_int_equal(strcmp(ids.request_id, before.request_id) != 0,
				 rows[i].new_id);
		if (rows[i].new_id)
			assert_uuid7(ids.request_id);
		assert_int_equal(strcmp(ids.traceparent, before.traceparent) != 0,
				 rows[i].new_trace);
		assert_int_equal(ids.trace_kept, before.trace_kept && !rows[i].new_trace);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hides_the_callers_key),
		cmocka_unit_test(keeps_sane_request_ids),
		cmocka_unit_test(replaces_other_request_ids),
		cmocka_unit_test(keeps_valid_traces),
		cmocka_unit_test(starts_traces_for_the_rest),
		cmocka_unit_test(never_gives_an_id_twice),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
