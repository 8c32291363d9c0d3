/* The usage journal: its thread, its bound, orphans.
 *
 * The thread keeps ring pages ahead of the producers writable, copies rings to logs (each
 * sync_ms, earlier where a ring fills), and syncs the logs. It may wait for the disk;
 * nobody waits for it. */
#include "gateway/journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/thread_start.h"
#include "common/trouble.h"
#include "gateway/journal/group_tap.h"
#include "gateway/journal/journal_files.h"

#define LOOK_MS 100u
#define LOOK_BUSY_MS 10u
/* A ring that fills between two looks drops events: 6 MB/s into any ring cannot. */
#define LOOK_BYTES_PER_MS 6144u
#define ROOM_RETRY_US UINT64_C(1000000)
#define REMOVE_AGAIN_MIN_US UINT64_C(5000000)
#define REMOVE_AGAIN_MAX_US UINT64_C(600000000)

/* A group that is not adopted for now. */
struct set_aside {
	char name[JOURNAL_GROUP_HEX + 1];
	uint64_t until_us, pause_us; /* 0: it cannot be read, as the log has told */
};

struct usage_journal {
	struct usage_group *_Atomic own;
	struct usage_group *older[JOURNAL_RENEWALS_MAX]; /* own ones before; consumer's */
	size_t n_older;
	char *path; /* NULL: memory alone */
	struct group_shape shape;
	uint64_t max_bytes, sync_us;
	int directory; /* the consumer's, for orphans; -1: none */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop, discarded; /* under the lock */
	bool running;
	/* The thread's own. */
	struct usage_group *served; /* which it copies; NULL: there is only memory */
	uint64_t *heads;            /* at the last look, per lane */
	uint64_t synced_us, no_room_us, renew_us;
	struct trouble trouble, absence;
	struct group_tap *tap; /* NULL: nobody ever looks on */
	unsigned renewals;
	/* Made by the thread, taken by the consumer; NULL: none. */
	struct usage_group *_Atomic fresh;
	/* The consumer's own. */
	struct set_aside *aside;
	size_t n_aside;
};

/* --- the bound --- */

static uint64_t bytes_of_all(int directory)
{
	DIR *dir = journal_folder_list(directory);
	struct dirent *entry;
	uint64_t bytes = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			bytes += journal_folder_bytes(directory, entry->d_name);
	if (dir != NULL)
		closedir(dir);
	return bytes;
}

static bool may_grow(void *ctx)
{
	struct usage_journal *j = ctx;
	uint64_t now = clock_mono_us(), lap = usage_lane_size(j->served->lanes[0]);

	if (j->no_room_us != 0 && now - j->no_room_us < ROOM_RETRY_US)
		return false;
	j->no_room_us = 0;
	if (bytes_of_all(j->served->directory) + JOURNAL_FILE_HEAD + lap <= j->max_bytes)
		return true;
	j->no_room_us = now;
	return false;
}

/* --- the thread --- */

static void alarm_about(struct usage_journal *j, enum lane_copy what, int fault)
{
	int kind = what == LANE_FULL ? -1 : fault;

	if (!trouble_note(&j->trouble, kind, clock_mono_us()))
		return;
	if (what == LANE_FULL)
		log_error("usage journal: it is full (usage.journal_bytes): events that "
			  "find no room are dropped and counted");
	else
		log_error("usage journal: cannot write: %s; events that find no room are "
			  "dropped and counted",
			  strerror(fault));
}

static bool copy_one(struct usage_journal *j, struct usage_lane *lane)
{
	enum lane_copy result = usage_lane_copy(lane, &(struct lane_room){may_grow, j});

	if (result != LANE_COPIED)
		alarm_about(j, result, errno);
	return result == LANE_COPIED;
}

/* While little happens. */
static uint32_t pause_of(uint64_t ring)
{
	uint64_t ms = ring / LOOK_BYTES_PER_MS;

	return ms >= LOOK_MS ? LOOK_MS : ms > LOOK_BUSY_MS ? (uint32_t)ms : LOOK_BUSY_MS;
}

/* Returns how long until the next look. */
static uint32_t look(struct usage_journal *j, bool due)
{
	bool busy = false, ok = true;
	uint64_t lasted_s;

	for (size_t i = 0; i < j->served->n_lanes; i++) {
		struct usage_lane *lane = j->served->lanes[i];
		uint64_t head = usage_lane_head(lane), moved = head - j->heads[i];

		j->heads[i] = head;
		usage_lane_touch_ahead(lane, head, moved);
		busy |= moved > usage_lane_size(lane) / 16;
		if (due || usage_lane_held_bytes(lane) > usage_lane_size(lane) / 4)
			ok = copy_one(j, lane) && ok;
	}
	for (size_t i = 0; due && i < j->served->n_lanes; i++) {
		if (usage_lane_sync(j->served->lanes[i]))
			continue;
		alarm_about(j, LANE_FAULT, errno);
		ok = false;
	}
	if (due && ok && trouble_over(&j->trouble, clock_mono_us(), &lasted_s))
		log_info("usage journal: there is room again, after %llu s",
			 (unsigned long long)lasted_s);
	return busy ? LOOK_BUSY_MS : pause_of(usage_lane_size(j->served->lanes[0]));
}

/* --- a group of its own --- */

static int open_directory(const char *path)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool has_room(const struct usage_journal *j, int directory)
{
	return bytes_of_all(directory) +
		       usage_group_least_bytes(j->shape.n_lanes, j->shape.ring_bytes) <=
	       j->max_bytes;
}

/* It holds a descriptor of the directory of its own, since that may be another one than
 * before. NULL: errno tells; ENOSPC also where the bound leaves no room. */
static struct usage_group *make_group(struct usage_journal *j)
{
	struct usage_group *g = NULL;
	int fault, directory = open_directory(j->path);

	if (directory < 0)
		return NULL;
	if (has_room(j, directory))
		g = usage_group_make(directory, &j->shape);
	else
		errno = ENOSPC;
	fault = errno;
	if (g == NULL)
		close(directory);
	errno = fault;
	return g;
}

static void tell_absence(struct usage_journal *j, int fault)
{
	if (trouble_note(&j->absence, fault, clock_mono_us()))
		log_error(
			"usage journal: cannot use %s: %s%s; events wait in memory, and "
			"do not outlive this process",
			j->path, strerror(fault),
			fault == ENOSPC ? " (of the disk, or of usage.journal_bytes)"
					: "");
}

/* Its files were taken away: what is appended to it would not outlive the process. */
static bool is_lost(struct usage_journal *j)
{
	const char *why = usage_group_fault(j->served);

	if (why == NULL)
		return false;
	log_error("usage journal: group %s, which is in use: %s; events that PostgreSQL "
		  "did not have yet may be lost; a new group is made",
		  j->served->name, why);
	j->served = NULL;
	return true;
}

/* Once a sync: with only memory, or without the files that it thought it had, the thread
 * tries to have a group again. */
static void renew(struct usage_journal *j)
{
	uint64_t lasted_s, now = clock_mono_us();
	struct usage_group *g;

	if (j->path == NULL || (j->served != NULL && !is_lost(j)) || now < j->renew_us ||
	    j->renewals == JOURNAL_RENEWALS_MAX || atomic_load(&j->fresh) != NULL)
		return;
	j->renew_us = now + ROOM_RETRY_US;
	g = make_group(j);
	if (g == NULL) {
		tell_absence(j, errno);
		return;
	}
	trouble_over(&j->absence, now, &lasted_s);
	log_info("usage journal: events wait on the disk from now on, in group %s",
		 g->name);
	memset(j->heads, 0, j->shape.n_lanes * sizeof *j->heads);
	j->renewals++;
	j->served = g;
	atomic_store_explicit(&j->fresh, g, memory_order_release);
}

/* True: the thread shall go on. */
static bool wait_for(struct usage_journal *j, uint32_t ms)
{
	struct timespec until;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&j->lock);
	if (!j->stop)
		pthread_cond_timedwait(&j->wake, &j->lock, &until);
	go_on = !j->stop;
	pthread_mutex_unlock(&j->lock);
	return go_on;
}

static void *run_journal(void *arg)
{
	struct usage_journal *j = arg;
	uint32_t pause = 0;

	while (wait_for(j, pause)) {
		uint64_t now = clock_mono_us();
		bool due = now - j->synced_us >= j->sync_us;

		group_tap_look(j->tap, usage_journal_own(j));
		if (due)
			renew(j);
		pause = j->served != NULL ? look(j, due) : LOOK_MS;
		if (due)
			j->synced_us = now;
		if (pause > j->sync_us / 1000)
			pause = (uint32_t)(j->sync_us / 1000);
	}
	if (!j->discarded && j->served != NULL)
		look(j, true);
	return NULL;
}

/* --- groups that are left alone for a while --- */

static struct set_aside *find_aside(const struct usage_journal *j, const char *name)
{
	for (size_t i = 0; i < j->n_aside; i++)
		if (strcmp(j->aside[i].name, name) == 0)
			return &j->aside[i];
	return NULL;
}

static struct set_aside *put_aside(struct usage_journal *j, const char *name)
{
	struct set_aside *a = find_aside(j, name);

	if (a != NULL)
		return a;
	j->aside = xrealloc(j->aside, (j->n_aside + 1) * sizeof *j->aside);
	a = &j->aside[j->n_aside++];
	*a = (struct set_aside){0};
	snprintf(a->name, sizeof a->name, "%s", name);
	return a;
}

bool usage_journal_part(struct usage_journal *j, struct usage_group *group)
{
	struct set_aside *a;

	if (usage_group_remove(group))
		return true;
	a = put_aside(j, group->name);
	a->pause_us = a->pause_us == 0 ? REMOVE_AGAIN_MIN_US : 2 * a->pause_us;
	if (a->pause_us > REMOVE_AGAIN_MAX_US)
		a->pause_us = REMOVE_AGAIN_MAX_US;
	a->until_us = clock_mono_us() + a->pause_us;
	return false;
}

/* True: it was, and its folder is gone, or will be tried again. */
static bool part_if_done(struct usage_journal *j, struct usage_group **g)
{
	if (!usage_group_is_done(*g))
		return false;
	if (usage_journal_part(j, *g))
		log_info("usage journal: group %s of a process that is gone held nothing "
			 "that waits, and is removed",
			 (*g)->name);
	return true;
}

/* --- life --- */

/* An own group has its directory's descriptor for itself. */
static void close_own(struct usage_group **g)
{
	int directory = (*g)->directory;

	usage_group_close(g);
	if (directory >= 0)
		close(directory);
}

/* What dead processes have left and nobody waits for makes room. */
static void remove_done(struct usage_journal *j)
{
	DIR *dir = j->directory >= 0 ? journal_folder_list(j->directory) : NULL;
	struct usage_group *g;
	struct dirent *entry;
	const char *why;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!journal_is_group(entry->d_name) ||
		    usage_group_adopt(j->directory, entry->d_name, &g, &why) !=
			    GROUP_ADOPTED)
			continue;
		part_if_done(j, &g);
		usage_group_close(&g);
	}
	if (dir != NULL)
		closedir(dir);
}

static struct usage_group *make_own(struct usage_journal *j)
{
	struct usage_group *g;

	if (j->path == NULL) {
		log_warn("usage: without state_dir or usage.journal_dir events wait in "
			 "memory: they do not outlive this process");
		return usage_group_memory(&j->shape);
	}
	j->directory = open_directory(j->path);
	remove_done(j);
	g = make_group(j);
	if (g == NULL) {
		tell_absence(j, errno);
		return usage_group_memory(&j->shape);
	}
	j->served = g;
	return g;
}

/* Its thread cannot be started: nothing of the group is left. */
static void give_back(struct usage_journal **j)
{
	pthread_cond_destroy(&(*j)->wake);
	pthread_mutex_destroy(&(*j)->lock);
	usage_group_remove((*j)->own);
	usage_journal_close(j);
}

struct usage_journal *usage_journal_open(const struct journal_options *o)
{
	struct usage_journal *j = xcalloc(1, sizeof *j);
	pthread_condattr_t attributes;

	j->directory = -1;
	j->max_bytes = o->max_bytes;
	j->sync_us = o->sync_ms * UINT64_C(1000);
	j->path = o->directory != NULL ? xstrdup(o->directory) : NULL;
	j->shape =
		(struct group_shape){xstrdup(o->node != NULL ? o->node : ""), o->n_lanes,
				     usage_group_ring_bytes(o->ring_bytes)};
	j->own = make_own(j);
	j->tap = group_tap_new(o->tap, o->n_lanes);
	if (j->path == NULL && j->tap == NULL)
		return j;
	j->heads = xcalloc(o->n_lanes, sizeof *j->heads);
	CHECK(pthread_mutex_init(&j->lock, NULL) == 0);
	CHECK(pthread_condattr_init(&attributes) == 0);
	CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&j->wake, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
	j->running = thread_start(&j->thread, "journal", run_journal, j);
	if (!j->running)
		give_back(&j);
	return j;
}

static void end_thread(struct usage_journal *j, bool discard)
{
	if (!j->running)
		return;
	pthread_mutex_lock(&j->lock);
	j->stop = true;
	j->discarded = discard;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
	CHECK(pthread_join(j->thread, NULL) == 0);
	pthread_cond_destroy(&j->wake);
	pthread_mutex_destroy(&j->lock);
	j->running = false;
}

/* One that the thread has made and nobody took. */
static void drop_fresh(struct usage_journal *j)
{
	struct usage_group *g = atomic_exchange(&j->fresh, NULL);

	if (g == NULL)
		return;
	usage_group_remove(g);
	close_own(&g);
}

bool usage_journal_discard(struct usage_journal *j)
{
	end_thread(j, true);
	drop_fresh(j);
	return usage_group_remove(j->own);
}

void usage_journal_close(struct usage_journal **journal)
{
	struct usage_journal *j = *journal;
	struct usage_group *own;

	*journal = NULL;
	if (j == NULL)
		return;
	own = j->own;
	end_thread(j, false);
	drop_fresh(j);
	close_own(&own);
	while (j->n_older > 0)
		close_own(&j->older[--j->n_older]);
	if (j->directory >= 0)
		close(j->directory);
	free(j->path);
	free((char *)j->shape.node);
	free(j->aside);
	free(j->heads);
	group_tap_free(&j->tap);
	free(j);
}

struct usage_group *usage_journal_own(struct usage_journal *j)
{
	return atomic_load_explicit(&j->own, memory_order_acquire);
}

struct usage_group *usage_journal_renewed(struct usage_journal *j)
{
	struct usage_group *g = atomic_exchange(&j->fresh, NULL), *before = j->own;

	if (g == NULL)
		return NULL;
	if (j->directory >= 0)
		close(j->directory);
	j->directory = fcntl(g->directory, F_DUPFD_CLOEXEC, 0);
	for (size_t i = 0; i < g->n_lanes; i++)
		usage_lane_succeed(before->lanes[i], g->lanes[i]);
	CHECK(j->n_older < JOURNAL_RENEWALS_MAX);
	j->older[j->n_older++] = before;
	atomic_store_explicit(&j->own, g, memory_order_release);
	return g;
}

bool usage_journal_is_durable(const struct usage_journal *j)
{
	return j->own->folder >= 0;
}

/* --- orphans --- */

static bool is_own(const struct usage_journal *j, const char *name)
{
	if (strcmp(name, j->own->name) == 0)
		return true;
	for (size_t i = 0; i < j->n_older; i++)
		if (strcmp(name, j->older[i]->name) == 0)
			return true;
	return false;
}

static bool is_aside(const struct usage_journal *j, const char *name)
{
	const struct set_aside *a = find_aside(j, name);

	return a != NULL && (a->pause_us == 0 || clock_mono_us() < a->until_us);
}

static void refuse(struct usage_journal *j, const char *name, const char *why)
{
	log_error("usage journal: group %s is left alone: %s", name, why);
	put_aside(j, name)->pause_us = 0;
}

bool usage_journal_set_aside(struct usage_journal *j, const struct usage_group *group)
{
	bool first = find_aside(j, group->name) == NULL;
	struct set_aside *a = put_aside(j, group->name);

	a->pause_us = REMOVE_AGAIN_MIN_US;
	a->until_us = clock_mono_us() + a->pause_us;
	return first;
}

struct usage_group *usage_journal_adopt(struct usage_journal *j)
{
	/* Also where there was no room for a group of our own: this makes some. */
	DIR *dir = j->directory >= 0 ? journal_folder_list(j->directory) : NULL;
	struct usage_group *found = NULL;
	const char *why = NULL;
	struct dirent *entry;

	while (dir != NULL && found == NULL && (entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name;

		if (strncmp(name, JOURNAL_FRESH, sizeof JOURNAL_FRESH - 1) == 0)
			usage_group_sweep(j->directory, name);
		if (!journal_is_group(name) || is_own(j, name) || is_aside(j, name))
			continue;
		switch (usage_group_adopt(j->directory, name, &found, &why)) {
		case GROUP_UNREADABLE:
			refuse(j, name, why);
			break;
		case GROUP_ADOPTED:
			if (part_if_done(j, &found))
				usage_group_close(&found);
			break;
		case GROUP_IN_USE:
			break;
		}
	}
	if (dir != NULL)
		closedir(dir);
	if (found != NULL && find_aside(j, found->name) == NULL)
		log_info("usage journal: group %s of a process that is gone is taken "
			 "over",
			 found->name);
	return found;
}
