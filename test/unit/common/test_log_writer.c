/* The writer of lines: two readers, one of which stands still; a disk that is full;
 * sources that go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log_writer.h"

/* Gives `left` lines of ten bytes. */
struct lines {
	_Atomic int left;
	_Atomic uint64_t lost;
	_Atomic int told; /* how often */
};

static void take(void *ctx, struct sbuf *out)
{
	struct lines *l = ctx;

	while (atomic_load(&l->left) > 0 && out->n < LOG_WRITER_BATCH) {
		sbuf_lit(out, "123456789\n");
		atomic_fetch_sub(&l->left, 1);
	}
}

static uint64_t lost(void *ctx)
{
	struct lines *l = ctx;

	return atomic_load(&l->lost);
}

static void tell(void *ctx, struct sbuf *out, uint64_t n)
{
	struct lines *l = ctx;

	atomic_fetch_add(&l->told, 1);
	sbuf_printf(out, "lost %llu\n", (unsigned long long)n);
}

static struct log_source source(int fd, struct lines *l)
{
	return (struct log_source){
		.fd = fd, .take = take, .lost = lost, .tell = tell, .ctx = l};
}

static unsigned add(struct log_writer *w, int fd, struct lines *l)
{
	struct log_source s = source(fd, l);

	return log_writer_add(w, &s);
}

static void small_pipe(int fds[2])
{
	assert_int_equal(pipe(fds), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) > 0);
}

static size_t read_some(int fd, char *text, size_t size)
{
	ssize_t n = read(fd, text, size - 1);

	assert_true(n > 0);
	text[n] = '\0';
	return (size_t)n;
}

static void a_still_reader_holds_back_its_own_lines_alone(void **state)
{
	struct lines still = {.left = 100000}, read_one = {.left = 1};
	struct log_writer *w = log_writer_start();
	int a[2], b[2];
	char text[64];

	(void)state;
	small_pipe(a);
	small_pipe(b);
	add(w, a[1], &still);
	add(w, b[1], &read_one);
	for (int i = 0; i < 50; i++) {
		read_some(b[0], text, sizeof text);
		assert_string_equal(text, "123456789\n");
		atomic_fetch_add(&read_one.left, 1);
		log_writer_wake(w);
	}
	assert_false(log_writer_stop(w, 10));
	log_writer_free(&w);
	assert_null(w);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

/* Both descriptors are one pipe, as with 2>&1: what one writes may leave no room for the
 * other. */
static void two_sources_of_one_pipe(void **state)
{
	struct lines one = {.left = 1000}, two = {.left = 1000};
	struct log_writer *w = log_writer_start();
	uint64_t started = clock_mono_us();
	int fds[2], second;

	(void)state;
	small_pipe(fds);
	second = dup(fds[1]);
	add(w, fds[1], &one);
	add(w, second, &two);
	assert_false(log_writer_stop(w, 200));
	assert_true(clock_mono_us() - started < 3000000);
	log_writer_free(&w); /* the thread has ended: it was stuck in no write */
	close(fds[0]);
	close(fds[1]);
	close(second);
}

static void lines_stay_whole_in_a_pipe(void **state)
{
	struct lines l = {.left = 2000};
	struct log_writer *w = log_writer_start();
	char text[4096 + 1];
	int fds[2];

	(void)state;
	small_pipe(fds);
	add(w, fds[1], &l);
	for (size_t n = 0; n < 20000;) {
		size_t k = read_some(fds[0], text, sizeof text);

		assert_int_equal(k % 10, 0);
		n += k;
	}
	assert_true(log_writer_stop(w, 1000));
	log_writer_free(&w);
	close(fds[0]);
	close(fds[1]);
}

static void losses_of_the_source_are_told_behind_its_lines(void **state)
{
	struct lines l = {.left = 1, .lost = 5};
	struct log_writer *w = log_writer_start();
	char text[64];
	int fds[2];

	(void)state;
	small_pipe(fds);
	add(w, fds[1], &l);
	assert_true(log_writer_flush(w, 1000));
	read_some(fds[0], text, sizeof text);
	assert_string_equal(text, "123456789\nlost 5\n");
	atomic_store(&l.lost, 7);
	assert_true(log_writer_flush(w, 1000));
	read_some(fds[0], text, sizeof text);
	assert_string_equal(text, "lost 2\n");
	assert_true(log_writer_stop(w, 1000));
	log_writer_free(&w);
	close(fds[0]);
	close(fds[1]);
}

/* /dev/full takes nothing: each try loses its lines, once a second at most; the line that
 * tells is none of them. */
static void what_cannot_be_written_is_counted(void **state)
{
	struct lines l = {.left = 3, .lost = 2};
	struct log_writer *w = log_writer_start();
	int full = open("/dev/full", O_WRONLY), fds[2], kept;
	char text[64];

	(void)state;
	small_pipe(fds);
	kept = dup(full);
	add(w, kept, &l);
	assert_true(log_writer_flush(w, 1000));
	assert_int_equal(dup2(fds[1], kept), kept); /* there is room again */
	read_some(fds[0], text, sizeof text);
	assert_string_equal(text, "lost 5\n");
	assert_int_equal(atomic_load(&l.told), 2);
	assert_true(log_writer_stop(w, 1000));
	log_writer_free(&w);
	close(full);
	close(kept);
	close(fds[0]);
	close(fds[1]);
}

static void a_removed_source_is_written_out_and_asked_no_more(void **state)
{
	struct lines l = {.left = 3};
	struct log_writer *w = log_writer_start();
	char text[64];
	int fds[2];
	unsigned number;

	(void)state;
	small_pipe(fds);
	number = add(w, fds[1], &l);
	assert_true(log_writer_remove(w, number, 1000));
	read_some(fds[0], text, sizeof text);
	assert_string_equal(text, "123456789\n123456789\n123456789\n");
	atomic_store(&l.left, 1);
	assert_true(log_writer_flush(w, 1000));
	assert_int_equal(atomic_load(&l.left), 1);
	assert_true(log_writer_stop(w, 1000));
	log_writer_free(&w);
	close(fds[0]);
	close(fds[1]);
}

static void a_removed_source_of_a_still_reader_is_let_go(void **state)
{
	struct lines l = {.left = 10000};
	struct log_writer *w = log_writer_start();
	int fds[2];
	unsigned number;

	(void)state;
	small_pipe(fds);
	number = add(w, fds[1], &l);
	assert_true(log_writer_remove(w, number, 50));
	assert_true(log_writer_stop(w, 1000)); /* nothing is left that counts */
	log_writer_free(&w);
	close(fds[0]);
	close(fds[1]);
}

static void a_polled_source_is_asked_without_a_wake_up(void **state)
{
	struct lines l = {.left = 0};
	struct log_writer *w = log_writer_start();
	struct log_source s;
	char text[64];
	int fds[2];

	(void)state;
	small_pipe(fds);
	s = source(fds[1], &l);
	s.polled = true;
	log_writer_add(w, &s);
	assert_true(log_writer_flush(w, 1000));
	atomic_store(&l.left, 1);
	read_some(fds[0], text, sizeof text);
	assert_string_equal(text, "123456789\n");
	assert_true(log_writer_stop(w, 1000));
	log_writer_free(&w);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_still_reader_holds_back_its_own_lines_alone),
		cmocka_unit_test(two_sources_of_one_pipe),
		cmocka_unit_test(lines_stay_whole_in_a_pipe),
		cmocka_unit_test(losses_of_the_source_are_told_behind_its_lines),
		cmocka_unit_test(what_cannot_be_written_is_counted),
		cmocka_unit_test(a_removed_source_is_written_out_and_asked_no_more),
		cmocka_unit_test(a_removed_source_of_a_still_reader_is_let_go),
		cmocka_unit_test(a_polled_source_is_asked_without_a_wake_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
