/* What has become of the first load of keys, for those who wait for it. */
#include "gateway/token/first_load.h"

#include <time.h>

#include "common/check.h"
#include "common/clock.h"

void first_load_init(struct first_load *f)
{
	pthread_condattr_t monotonic;

	*f = (struct first_load){.state = FIRST_UNHEARD};
	CHECK(pthread_mutex_init(&f->lock, NULL) == 0);
	CHECK(pthread_condattr_init(&monotonic) == 0);
	CHECK(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&f->moved, &monotonic) == 0);
	pthread_condattr_destroy(&monotonic);
}

void first_load_fini(struct first_load *f)
{
	pthread_cond_destroy(&f->moved);
	pthread_mutex_destroy(&f->lock);
}

void first_load_move(struct first_load *f, enum first_load_state to)
{
	pthread_mutex_lock(&f->lock);
	if (f->state < to)
		f->state = to;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
}

/* Under the lock: waits while it stands no further than `at`. */
static void wait_past(struct first_load *f, enum first_load_state at, uint64_t until_us)
{
	struct timespec until = {(time_t)(until_us / 1000000),
				 (long)(until_us % 1000000) * 1000};

	while (f->state <= at && pthread_cond_timedwait(&f->moved, &f->lock, &until) == 0)
		continue;
}

bool first_load_wait(struct first_load *f, uint32_t answer_ms, uint32_t load_ms)
{
	uint64_t now = clock_mono_us();
	bool done;

	pthread_mutex_lock(&f->lock);
	wait_past(f, FIRST_UNHEARD, now + (uint64_t)answer_ms * 1000);
	if (f->state == FIRST_CONNECTED)
		wait_past(f, FIRST_CONNECTED, now + (uint64_t)load_ms * 1000);
	done = f->state == FIRST_DONE;
	pthread_mutex_unlock(&f->lock);
	return done;
}
