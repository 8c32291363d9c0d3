/* The ring of lines: order, room, losses, wrapping, many writers at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/line_ring.h"

#define RING_BYTES 4096
#define ALL ((size_t)1 << 30)

static bool put(struct line_ring *r, const char *text)
{
	return line_ring_put(r, str_of(text));
}

/* Takes once; compares. */
static void expect(struct line_ring *r, size_t max, const char *text)
{
	struct sbuf out;

	sbuf_init(&out, 1 << 20);
	line_ring_take(r, &out, max);
	sbuf_add(&out, "", 1);
	assert_string_equal(out.p, text);
	sbuf_fini(&out);
}

static void lines_come_out_in_order(void **state)
{
	struct line_ring *r = line_ring_new(RING_BYTES);

	(void)state;
	expect(r, ALL, "");
	assert_true(put(r, "one\n"));
	assert_true(put(r, "two\n"));
	expect(r, ALL, "one\ntwo\n");
	expect(r, ALL, "");
	assert_true(put(r, "three\n"));
	expect(r, ALL, "three\n");
	line_ring_free(&r);
	assert_null(r);
}

static void takes_until_out_is_full(void **state)
{
	struct line_ring *r = line_ring_new(RING_BYTES);

	(void)state;
	put(r, "one\n");
	put(r, "two\n");
	put(r, "three\n");
	expect(r, 5, "one\ntwo\n");
	expect(r, 1, "three\n");
	line_ring_free(&r);
}

/* Sizes at and around a slot's and the ring's. */
static void what_fits_exactly(void **state)
{
	static const size_t sizes[] = {1, 63, 64, 65, 128, RING_BYTES - 1, RING_BYTES};
	struct line_ring *r = line_ring_new(RING_BYTES);
	char text[RING_BYTES + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		memset(text, 'a' + (int)i, sizes[i]);
		text[sizes[i]] = '\0';
		assert_true(put(r, text));
		expect(r, ALL, text);
	}
	memset(text, 'x', RING_BYTES + 1);
	text[RING_BYTES + 1] = '\0';
	assert_false(put(r, text));
	assert_int_equal(line_ring_lost(r), 1);
	line_ring_free(&r);
}

static void full_ring_loses_and_counts(void **state)
{
	struct line_ring *r = line_ring_new(RING_BYTES);
	int kept = 0;

	(void)state;
	while (put(r, "line\n"))
		kept++;
	assert_int_equal(kept, RING_BYTES / 64);
	assert_false(put(r, "line\n"));
	assert_int_equal(line_ring_lost(r), 2);
	expect(r, 1, "line\n");
	assert_true(put(r, "last\n"));
	assert_false(put(r, "none\n"));
	assert_int_equal(line_ring_lost(r), 3);
	line_ring_free(&r);
}

static void lines_wrap_around_the_end(void **state)
{
	struct line_ring *r = line_ring_new(RING_BYTES);
	char text[200];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "%0*d\n", 1 + i % 190, i);
		assert_true(put(r, text));
		expect(r, ALL, text);
	}
	assert_int_equal(line_ring_lost(r), 0);
	line_ring_free(&r);
}

enum { WRITERS = 4, LINES = 20000 };

struct writer {
	struct line_ring *ring;
	int number;
	pthread_t thread;
};

static void *write_lines(void *arg)
{
	struct writer *w = arg;
	char text[128];

	for (int i = 0; i < LINES; i++) {
		snprintf(text, sizeof text, "%d %d %*s\n", w->number, i, i % 90, "end");
		line_ring_put(w->ring, str_of(text));
	}
	return NULL;
}

/* Each writer's lines come whole and in its order; none is missing that is not
 * counted. */
static void judge(struct sbuf *all, uint64_t lost)
{
	int next[WRITERS] = {0}, lines = 0;

	for (char *at = all->p, *end; at < all->p + all->n; at = end + 1) {
		char *rest;
		long number, i;

		end = strchr(at, '\n');
		assert_non_null(end);
		number = strtol(at, &rest, 10);
		i = strtol(rest, &rest, 10);
		assert_in_range(number, 0, WRITERS - 1);
		assert_true(i >= next[number]);
		assert_int_equal(strncmp(end - 3, "end", 3), 0);
		next[number] = (int)i + 1;
		lines++;
	}
	assert_int_equal((uint64_t)lines + lost, WRITERS * LINES);
}

static void many_writers(void **state)
{
	struct line_ring *r = line_ring_new(RING_BYTES);
	struct writer writers[WRITERS];
	struct sbuf all;

	(void)state;
	sbuf_init(&all, ALL);
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){.ring = r, .number = i};
		assert_int_equal(pthread_create(&writers[i].thread, NULL, write_lines,
						&writers[i]),
				 0);
	}
	for (int i = 0; i < 100000; i++)
		line_ring_take(r, &all, ALL);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	line_ring_take(r, &all, ALL);
	sbuf_add(&all, "", 1);
	all.n--;
	judge(&all, line_ring_lost(r));
	sbuf_fini(&all);
	line_ring_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_out_in_order),
		cmocka_unit_test(takes_until_out_is_full),
		cmocka_unit_test(what_fits_exactly),
		cmocka_unit_test(full_ring_loses_and_counts),
		cmocka_unit_test(lines_wrap_around_the_end),
		cmocka_unit_test(many_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
