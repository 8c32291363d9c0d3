/* Events on their way to who looks on. */
#include "gateway/journal/tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/check.h"

struct usage_tap {
	int fd;
	_Atomic bool wanted;
	pthread_mutex_t lock; /* for the three below; held for a copy's length */
	struct sbuf filling;
	uint64_t missed;
	bool has_news; /* that the reader was not woken for */
	/* The reader's own. */
	struct sbuf reading;
	size_t at;
};

struct usage_tap *usage_tap_new(size_t bytes)
{
	struct usage_tap *t = xcalloc(1, sizeof *t);

	t->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	CHECK(t->fd >= 0);
	CHECK(pthread_mutex_init(&t->lock, NULL) == 0);
	sbuf_init(&t->filling, bytes);
	sbuf_init(&t->reading, bytes);
	return t;
}

void usage_tap_free(struct usage_tap **tap)
{
	struct usage_tap *t = *tap;

	*tap = NULL;
	if (t == NULL)
		return;
	sbuf_fini(&t->filling);
	sbuf_fini(&t->reading);
	pthread_mutex_destroy(&t->lock);
	close(t->fd);
	free(t);
}

/* --- the reader --- */

int usage_tap_fd(const struct usage_tap *t)
{
	return t->fd;
}

void usage_tap_want(struct usage_tap *t, bool wanted)
{
	size_t cap = t->filling.cap;

	atomic_store(&t->wanted, wanted);
	pthread_mutex_lock(&t->lock);
	sbuf_fini(&t->filling);
	sbuf_init(&t->filling, cap);
	t->missed = 0;
	t->has_news = false;
	pthread_mutex_unlock(&t->lock);
	sbuf_fini(&t->reading);
	sbuf_init(&t->reading, cap);
	t->at = 0;
}

void usage_tap_take(struct usage_tap *t, uint64_t *missed)
{
	struct sbuf read = t->reading;
	uint64_t news;

	if (eventfd_read(t->fd, &news) < 0)
		news = 0;
	sbuf_reset(&read);
	pthread_mutex_lock(&t->lock);
	t->reading = t->filling;
	t->filling = read;
	*missed = t->missed;
	t->missed = 0;
	t->has_news = false;
	pthread_mutex_unlock(&t->lock);
	t->at = 0;
}

bool usage_tap_next(struct usage_tap *t, struct str *record)
{
	uint32_t n;

	if (t->at == t->reading.n)
		return false;
	memcpy(&n, t->reading.p + t->at, sizeof n);
	*record = (struct str){t->reading.p + t->at + sizeof n, n};
	t->at += sizeof n + n;
	return true;
}

/* --- the journal's thread --- */

bool usage_tap_is_wanted(const struct usage_tap *t)
{
	return atomic_load_explicit(&t->wanted, memory_order_relaxed);
}

void usage_tap_put(struct usage_tap *t, struct str record)
{
	uint32_t n = (uint32_t)record.n;

	pthread_mutex_lock(&t->lock);
	if (sbuf_reserve(&t->filling, sizeof n + n) != NULL) {
		sbuf_add(&t->filling, &n, sizeof n);
		sbuf_str(&t->filling, record);
	} else {
		t->filling.overflow = false; /* a shorter one may fit */
		t->missed++;
	}
	t->has_news = true;
	pthread_mutex_unlock(&t->lock);
}

void usage_tap_miss(struct usage_tap *t, uint64_t n)
{
	pthread_mutex_lock(&t->lock);
	t->missed += n;
	t->has_news = true;
	pthread_mutex_unlock(&t->lock);
}

void usage_tap_flush(struct usage_tap *t)
{
	bool wake;

	pthread_mutex_lock(&t->lock);
	wake = t->has_news;
	t->has_news = false;
	pthread_mutex_unlock(&t->lock);
	if (wake)
		eventfd_write(t->fd, 1);
}
