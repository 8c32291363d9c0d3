/* Made-up usage: exact numbers, order, the same for a seed, and the shape that is
 * promised. */
#include "gateway/generate/workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/check.h"

#define DAY INT64_C(86400000000)
#define END (INT64_C(20781) * DAY) /* midnight, so that slots and hours agree */
#define TOKENS 200u
#define ROUTES 12u

static const struct workload_options options = {.calls = 100000,
						.days = 14,
						.tokens = TOKENS,
						.routes = ROUTES,
						.seed = 7,
						.end_us = END};

static void test_exact_and_in_order(void **state)
{
	static const struct workload_options cases[] = {
		{1, 1, 1, 1, 0, END},
		{1, 399, 5, 3, 1, END + 12345},
		{97, 1, 3, 1, UINT64_MAX, END},
		{100000, 14, TOKENS, ROUTES, 7, END},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct workload *w = workload_new(&cases[i]);
		int64_t n = 0, last = cases[i].end_us - cases[i].days * DAY;
		unsigned token, route;
		struct usage_event e;

		while (workload_next(w, &token, &route, &e)) {
			assert_true(e.used_at_us >= last &&
				    e.used_at_us < cases[i].end_us);
			assert_true(token < cases[i].tokens && route < cases[i].routes);
			last = e.used_at_us;
			n++;
		}
		assert_true(n == cases[i].calls);
		assert_false(workload_next(w, &token, &route, &e));
		workload_free(&w);
	}
}

static void test_a_seed_tells_all(void **state)
{
	struct workload_options other = options;
	struct workload *a = workload_new(&options), *b = workload_new(&options), *c;
	struct usage_event ea, eb, ec;
	unsigned ta, ra, tb, rb, tc, rc, same = 0;

	(void)state;
	other.seed++;
	c = workload_new(&other);
	for (int i = 0; i < 5000; i++) {
		unsigned char bytes_a[USAGE_RECORD_MAX], bytes_b[USAGE_RECORD_MAX];
		size_t n;

		assert_true(workload_next(a, &ta, &ra, &ea));
		assert_true(workload_next(b, &tb, &rb, &eb));
		assert_true(workload_next(c, &tc, &rc, &ec));
		assert_int_equal(ta, tb);
		assert_int_equal(ra, rb);
		n = usage_event_encode(&ea, bytes_a);
		assert_int_equal(n, usage_event_encode(&eb, bytes_b));
		assert_memory_equal(bytes_a, bytes_b, n);
		same += ta == tc && ra == rc;
	}
	assert_true(same < 1000);
	workload_free(&a);
	workload_free(&b);
	workload_free(&c);
}

struct shape {
	unsigned by_token[TOKENS], by_hour[24], by_weekday[7], routes_of[TOKENS][ROUTES];
	unsigned errors, answered, by_slot_route[14 * 96][ROUTES],
		errors_by_slot_route[14 * 96][ROUTES];
	double sum_log, sum_log2;
	unsigned logs;
};

static void look(struct shape *s, unsigned token, unsigned route,
		 const struct usage_event *e)
{
	int64_t since = e->used_at_us - (END - 14 * DAY);
	bool error = e->response_status >= 400 || !str_eq(e->outcome, STR("complete"));

	s->by_token[token]++;
	s->by_hour[e->used_at_us % DAY * 24 / DAY]++;
	s->by_weekday[(e->used_at_us / DAY + 4) % 7]++;
	s->routes_of[token][route]++;
	s->by_slot_route[since / (DAY / 96)][route]++;
	s->errors += error;
	s->errors_by_slot_route[since / (DAY / 96)][route] += error;
	/* docs/usage.md: NULL exactly where nothing went wrong. */
	assert_int_equal(e->error_message.p != NULL, error);
	assert_int_equal(e->response_time_ms == USAGE_NULL,
			 e->upstream_status == USAGE_NULL);
	if (route == 0 && e->response_time_ms > 0) {
		double l = __builtin_log((double)e->response_time_ms);

		s->sum_log += l;
		s->sum_log2 += l * l;
		s->logs++;
	}
}

static unsigned routes_called(const struct shape *s, unsigned token)
{
	unsigned n = 0;

	for (unsigned r = 0; r < ROUTES; r++)
		n += s->routes_of[token][r] > 0;
	return n;
}

static unsigned bursts_seen(const struct shape *s)
{
	unsigned n = 0;

	for (unsigned slot = 0; slot < 14 * 96; slot++)
		for (unsigned r = 0; r < ROUTES; r++)
			n += s->by_slot_route[slot][r] >= 10 &&
			     s->errors_by_slot_route[slot][r] * 4 >
				     s->by_slot_route[slot][r];
	return n;
}

static void test_shape(void **state)
{
	struct shape *s = xcalloc(1, sizeof *s);
	struct workload *w = workload_new(&options);
	struct usage_event e;
	unsigned token, route;
	double variance;

	(void)state;
	while (workload_next(w, &token, &route, &e))
		look(s, token, route, &e);
	/* Zipf: the first has about twice the second's, and many times the
	 * hundredth's. */
	assert_in_range(s->by_token[0] * 10 / s->by_token[1], 18, 25);
	assert_true(s->by_token[0] > 50 * s->by_token[99] && s->by_token[99] > 0);
	for (unsigned t = 0; t < TOKENS; t++)
		assert_in_range(routes_called(s, t), 1, WORKLOAD_TOKEN_ROUTES);
	assert_true(s->by_hour[14] > 3 * s->by_hour[2]);
	assert_true(s->by_weekday[2] > 2 * s->by_weekday[0]);
	assert_in_range(s->errors, 2500, 15000);
	assert_in_range(bursts_seen(s), 10, 800);
	variance =
		s->sum_log2 / s->logs - (s->sum_log / s->logs) * (s->sum_log / s->logs);
	assert_true(variance > 0.4 && variance < 0.6); /* 0.7 squared */
	workload_free(&w);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_and_in_order),
		cmocka_unit_test(test_a_seed_tells_all),
		cmocka_unit_test(test_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
