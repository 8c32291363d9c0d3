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

/* From 0.1 s on, doubled each time, 5 s at most; after a success from 0.1 s on again. */
static void test_pauses(void **state)
{
	static struct fake_postgres f;
	struct usage_journal *j = usage_journal_open(
		&(struct journal_options){.n_lanes = 1, .ring_bytes = 65536});
	struct recorder_options o = {.node = "n", .timeout_ms = 60000};
	struct recorder *r;
	char database[128];
	uint64_t pause_ms = 100;

	(void)state;
	fake_postgres_start(&f);
	f.refuse_batches = TRIES;
	snprintf(database, sizeof database,
		 "host=127.0.0.1 port=%d dbname=d user=u sslmode=disable "
		 "gssencmode=disable",
		 f.port);
	o.database = database;
	r = recorder_start(&o, j);
	append_one(j);
	wait_batches(&f, 1);
	f.refuse_batches = 1;
	append_one(j);
	wait_batches(&f, 2);
	assert_int_equal(recorder_stop(&r, 1000 * SPEED), 0);
	fake_postgres_stop(&f);
	usage_journal_close(&j);

	assert_int_equal(f.n_begun, TRIES + 3);
	for (int i = 0; i < TRIES; i++) {
		uint64_t gap = f.begun_us[i + 1] - f.begun_us[i];

		assert_true(gap >= pause_ms * MS);
		/* Doubled once more it would be 12.8 s and more. */
		assert_true(i < TRIES - 1 || gap < 10000 * MS);
		pause_ms = pause_ms < 2500 ? 2 * pause_ms : 5000;
	}
	assert_true(f.begun_us[TRIES + 2] - f.begun_us[TRIES + 1] < 4000 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
