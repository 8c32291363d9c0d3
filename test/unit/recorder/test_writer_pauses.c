/* Pauses between tries of a batch that the database refuses, on a clock that runs ten
 * times as fast. */
#include "gateway/recorder/recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "test/unit/fake_postgres.c"

#define SPEED 10
#define TRIES 9
#define MS UINT64_C(1000)

/* In place of libc's. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (rc == 0 && id == CLOCK_MONOTONIC) {
		t->tv_sec *= SPEED;
		t->tv_nsec *= SPEED;
		t->tv_sec += t->tv_nsec / 1000000000;
		t->tv_nsec %= 1000000000;
	}
	return rc;
}

static void append_one(struct usage_journal *j)
{
	struct usage_event e;

	usage_event_init(&e);
	e.used_at_us = clock_wall_us();
	assert_true(usage_lane_append(usage_journal_own(j)->lanes[0], &e));
}

static void wait_batches(const struct fake_postgres *f, size_t n)
{
	uint64_t until = clock_mono_us() + 60 * SPEED * UINT64_C(1000000);

	while (f->n_batches < n && clock_mono_us() < until)
		usleep(1000);
	assert_int_equal(f->n_batches, n);
}

struct fixture {
	struct fake_postgres server;
	struct usage_journal *journal;
	struct recorder *recorder;
	char database[128];
};

static void begin(struct fixture *f)
{
	struct recorder_options o = {
		.node = "n", .timeout_ms = 60000, .database = f->database};

	snprintf(f->database, sizeof f->database,
		 "host=127.0.0.1 port=%d dbname=d user=u sslmode=disable "
		 "gssencmode=disable",
		 f->server.port);
	f->recorder = recorder_start(&o, f->journal);
	assert_non_null(f->recorder);
}

static int set_up(void **state)
{
	static struct fixture f;

	fake_postgres_start(&f.server);
	f.journal = usage_journal_open(
		&(struct journal_options){.n_lanes = 1, .ring_bytes = 1 << 20});
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	recorder_stop(&f->recorder, 0);
	fake_postgres_stop(&f->server);
	usage_journal_close(&f->journal);
	return 0;
}

/* From 0.1 s on, doubled each time, 5 s at most; after a success from 0.1 s on again. */
static void test_pauses(void **state)
{
	struct fixture *fixture = *state;
	struct fake_postgres *f = &fixture->server;
	uint64_t pause_ms = 100;

	f->refuse_batches = TRIES;
	begin(fixture);
	append_one(fixture->journal);
	wait_batches(f, 1);
	f->refuse_batches = 1;
	append_one(fixture->journal);
	wait_batches(f, 2);
	assert_int_equal(recorder_stop(&fixture->recorder, 1000 * SPEED), 0);

	assert_int_equal(f->n_begun, TRIES + 3);
	for (int i = 0; i < TRIES; i++) {
		uint64_t gap = f->begun_us[i + 1] - f->begun_us[i];

		assert_true(gap >= pause_ms * MS);
		/* Doubled once more it would be 12.8 s and more. */
		assert_true(i < TRIES - 1 || gap < 10000 * MS);
		pause_ms = pause_ms < 2500 ? 2 * pause_ms : 5000;
	}
	assert_true(f->begun_us[TRIES + 2] - f->begun_us[TRIES + 1] < 4000 * MS);
}

/* Whatever the reason: after 30 s of failing batches they are tried on a new session. */
static void test_a_session_is_given_up(void **state)
{
	struct fixture *f = *state;
	uint64_t until = clock_mono_us() + 60 * SPEED * UINT64_C(1000000);

	f->server.refuse_batches = 1 << 20;
	begin(f);
	append_one(f->journal);
	while (f->server.sessions < 2 && clock_mono_us() < until)
		usleep(1000);
	assert_int_equal(f->server.sessions, 2);
	assert_true(clock_mono_us() - f->server.begun_us[0] >= 30000 * MS);
	f->server.refuse_batches = 0;
	wait_batches(&f->server, 1);
}

static void refuse_once(struct fixture *f, const char *sqlstate, size_t then)
{
	for (int i = 0; i < 400; i++)
		append_one(f->journal);
	f->server.refuse_copies_state = sqlstate;
	f->server.refuse_copies = 1;
	begin(f);
	wait_batches(&f->server, 400 / then);
	assert_int_equal(f->server.n_refused, 1);
	assert_int_equal(f->server.refused[0], 400);
	for (size_t i = 0; i < 400 / then; i++)
		assert_int_equal(f->server.batches[i], then);
}

/* Fewer rows would wait for the same lock. */
static void test_a_lock_halves_no_batch(void **state)
{
	refuse_once(*state, "55P03", 400);
}

static void test_a_statement_that_takes_too_long_does(void **state)
{
	refuse_once(*state, "57014", 200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_pauses),
		TEST(test_a_session_is_given_up),
		TEST(test_a_lock_halves_no_batch),
		TEST(test_a_statement_that_takes_too_long_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
