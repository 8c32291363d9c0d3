/* Whether recording goes on, for people. */
#include "gateway/journal/recording.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/journal/event.h"
#include "gateway/journal/journal.h"
#include "gateway/journal/journal_files.h"

#define FILE_NAME "stands"
#define FRESH_NAME "stands.new"
#define FILE_TEXT_MAX (RECORDING_WHY_MAX + 32)
/* Reasons that change are noted anew no more often. */
#define NOTE_AGAIN_US INT64_C(60000000)

struct recording {
	struct usage_journal *journal;
	int64_t noted_us; /* the recorder's own */
	pthread_mutex_t lock;
	struct recording_view view;          /* under the lock */
	_Atomic int64_t since_us, oldest_us; /* copies */
};

struct recording *recording_new(struct usage_journal *journal)
{
	struct recording *r = xcalloc(1, sizeof *r);

	r->journal = journal;
	CHECK(pthread_mutex_init(&r->lock, NULL) == 0);
	return r;
}

void recording_free(struct recording **recording)
{
	struct recording *r = *recording;

	*recording = NULL;
	if (r == NULL)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* --- the note in the folder --- */

static int folder_of(const struct recording *r)
{
	return usage_journal_own(r->journal)->folder;
}

/* It is a help and no promise: what fails here is not told. */
static void write_note(struct recording *r, const struct recording_view *v)
{
	char text[FILE_TEXT_MAX];
	int folder = folder_of(r), n, fd;
	bool ok;

	r->noted_us = clock_wall_us();
	if (folder < 0)
		return;
	fd = journal_file_open(folder, FRESH_NAME, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return;
	n = snprintf(text, sizeof text, "%lld %s\n", (long long)v->since_us, v->why);
	ok = write(fd, text, (size_t)n) == n;
	close(fd);
	if (!ok || renameat(folder, FRESH_NAME, folder, FILE_NAME) != 0)
		unlinkat(folder, FRESH_NAME, 0);
}

static void remove_note(struct recording *r)
{
	r->noted_us = 0;
	if (folder_of(r) >= 0)
		unlinkat(folder_of(r), FILE_NAME, 0);
}

bool recording_read(int folder, struct recording_view *out)
{
	int fd = journal_file_open(folder, FILE_NAME, O_RDONLY);
	char text[FILE_TEXT_MAX], *why;
	ssize_t n;
	size_t k;

	*out = (struct recording_view){0};
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	out->since_us = strtoll(text, &why, 10);
	why += *why == ' ';
	why[strcspn(why, "\n")] = '\0';
	k = usage_text_clean(out->why, sizeof out->why - 1, str_of(why));
	out->why[k] = '\0';
	return out->since_us > 0;
}

/* --- the recorder tells --- */

static void set_why(struct recording_view *v, const char *why)
{
	size_t n = usage_text_clean(v->why, sizeof v->why - 1, str_of(why));

	v->why[n] = '\0';
}

void recording_stands(struct recording *r, const char *why)
{
	int64_t now = clock_wall_us();
	struct recording_view v;
	bool changed;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	v = r->view;
	set_why(&v, why);
	changed = v.since_us == 0 || strcmp(v.why, r->view.why) != 0;
	if (v.since_us == 0)
		v.since_us = now;
	r->view = v;
	atomic_store_explicit(&r->since_us, v.since_us, memory_order_relaxed);
	pthread_mutex_unlock(&r->lock);
	if (changed && (r->noted_us == 0 || now - r->noted_us >= NOTE_AGAIN_US))
		write_note(r, &v);
}

void recording_goes_on(struct recording *r)
{
	bool stood;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	stood = r->view.since_us != 0;
	r->view.since_us = 0;
	r->view.why[0] = '\0';
	atomic_store_explicit(&r->since_us, 0, memory_order_relaxed);
	pthread_mutex_unlock(&r->lock);
	if (stood)
		remove_note(r);
}

void recording_waits(struct recording *r, int64_t oldest_us, uint64_t bytes)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->view.oldest_us = oldest_us;
	atomic_store_explicit(&r->oldest_us, oldest_us, memory_order_relaxed);
	r->view.waiting_bytes = bytes;
	pthread_mutex_unlock(&r->lock);
}

/* --- others ask --- */

void recording_look(struct recording *r, struct recording_view *out)
{
	*out = (struct recording_view){0};
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	*out = r->view;
	pthread_mutex_unlock(&r->lock);
}

bool recording_peek(const struct recording *r, int64_t *since_us, int64_t *oldest_us)
{
	if (r == NULL)
		return false;
	*since_us = atomic_load_explicit(&r->since_us, memory_order_relaxed);
	*oldest_us = atomic_load_explicit(&r->oldest_us, memory_order_relaxed);
	return *since_us != 0;
}

char *recording_time(char out[RECORDING_TIME_MAX], int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	CHECK(gmtime_r(&seconds, &tm) != NULL);
	if (strftime(out, RECORDING_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
	return out;
}
