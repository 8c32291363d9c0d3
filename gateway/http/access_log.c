/* One readable line per request, written in batches by a thread of its own.
 *
 * A lane is a ring with one producer (a worker) and one consumer (the writer). The writer
 * polls: a wake-up would cost the worker a system call per request. */
#include "gateway/http/access_log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"

#define BATCH_INTERVAL_MS 50
#define BATCH_MAX_BYTES (256 * 1024)
#define STALL_MAX_US 500000 /* how long stopping waits for a reader that does not read */

struct access_lane {
	struct access_lane *next;
	_Atomic uint64_t head; /* the producer's: entries put */
	char apart[64 - sizeof(uint64_t)];
	_Atomic uint64_t tail; /* the writer's: entries taken */
	_Atomic uint64_t dropped;
	struct access_entry ring[ACCESS_LANE_ENTRIES];
};

struct access_log {
	/* lanes (the list's start), stopping; never taken by a put */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	struct access_lane *lanes;
	bool stopping;
	int fd;
	bool terminal;
	_Atomic uint64_t give_up_us; /* monotonic; 0: not stopping */
	uint64_t dropped_told;       /* the writer's, as is `out` */
	struct sbuf out;
};

static const char *status_colour(int32_t status)
{
	if (status >= 500)
		return "\033[31m";
	if (status >= 400)
		return "\033[33m";
	if (status >= 300)
		return "\033[36m";
	return "\033[32m";
}

static void format_time(struct sbuf *out, int64_t wall_us, bool terminal)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	int ms = (int)(wall_us % 1000000 / 1000);
	struct tm tm;
	char text[32];

	if (terminal) {
		localtime_r(&seconds, &tm);
		strftime(text, sizeof text, "%H:%M:%S", &tm);
		sbuf_printf(out, "%s.%03d", text, ms);
		return;
	}
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	sbuf_printf(out, "%s.%03dZ", text, ms);
}

/* "17", "2.4k", "13M": a column of five characters. */
static void format_bytes(char *text, size_t size, int64_t bytes)
{
	static const char units[] = "kMGTP";
	double v = (double)bytes;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(text, size, "%" PRId64, bytes);
		return;
	}
	for (v /= 1000; v >= 999.5 && unit < sizeof units - 2; unit++)
		v /= 1000;
	snprintf(text, size, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[unit]);
}

static void format_ms(char *text, size_t size, int32_t ms)
{
	if (ms < 0)
		snprintf(text, size, "-");
	else
		snprintf(text, size, "%" PRId32 "ms", ms);
}

void access_log_format(struct sbuf *out, const struct access_entry *e, bool terminal)
{
	char total[16], upstream[16], in[24], sent[24];

	format_ms(total, sizeof total, e->total_ms);
	format_ms(upstream, sizeof upstream, e->upstream_ms);
	format_bytes(in, sizeof in, e->bytes_in);
	format_bytes(sent, sizeof sent, e->bytes_out);
	format_time(out, e->wall_us, terminal);
	sbuf_printf(out, " %s%3" PRId32 "%s", terminal ? status_colour(e->status) : "",
		    e->status, terminal ? "\033[0m" : "");
	sbuf_printf(out, " %-7s %7s (upstream %7s) in %5s out %5s %-5s %s", e->method,
		    total, upstream, in, sent, e->token_name, e->path);
	if (e->outcome[0] != '\0' && strcmp(e->outcome, "complete") != 0)
		sbuf_printf(out, " [%s]", e->outcome);
	sbuf_printf(out, " %s %s\n", e->ip, e->request_id);
}

/* --- lanes --- */

struct access_lane *access_log_lane(struct access_log *log)
{
	struct access_lane *lane = xcalloc(1, sizeof *lane);

	pthread_mutex_lock(&log->lock);
	lane->next = log->lanes;
	log->lanes = lane;
	pthread_mutex_unlock(&log->lock);
	return lane;
}

void access_lane_put(struct access_lane *lane, const struct access_entry *e)
{
	uint64_t head = atomic_load_explicit(&lane->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&lane->tail, memory_order_acquire);

	if (head - tail >= ACCESS_LANE_ENTRIES) {
		atomic_fetch_add_explicit(&lane->dropped, 1, memory_order_relaxed);
		return;
	}
	lane->ring[head % ACCESS_LANE_ENTRIES] = *e;
	atomic_store_explicit(&lane->head, head + 1, memory_order_release);
}

static const struct access_entry *lane_peek(struct access_lane *lane)
{
	uint64_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&lane->head, memory_order_acquire))
		return NULL;
	return &lane->ring[tail % ACCESS_LANE_ENTRIES];
}

static void lane_pop(struct access_lane *lane)
{
	uint64_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);

	atomic_store_explicit(&lane->tail, tail + 1, memory_order_release);
}

/* --- the writer --- */

static bool has_given_up(const struct access_log *log)
{
	uint64_t limit = atomic_load_explicit(&log->give_up_us, memory_order_relaxed);

	return limit != 0 && clock_mono_us() >= limit;
}

/* Whether fd takes bytes now; false once the wait has been given up. */
static bool wait_writable(const struct access_log *log)
{
	struct pollfd p = {.fd = log->fd, .events = POLLOUT};

	for (;;) {
		int n = poll(&p, 1, BATCH_INTERVAL_MS);

		if (n > 0)
			return !(p.revents & (POLLERR | POLLNVAL));
		if (n < 0 && errno != EINTR)
			return false;
		if (has_given_up(log))
			return false;
	}
}

/* In pieces of PIPE_BUF: a pipe that polls writable takes that much without blocking. */
static void write_out(struct access_log *log)
{
	size_t at = 0;

	while (at < log->out.n && wait_writable(log)) {
		size_t n = log->out.n - at < PIPE_BUF ? log->out.n - at : PIPE_BUF;
		ssize_t done = write(log->fd, log->out.p + at, n);

		if (done > 0)
			at += (size_t)done;
		else if (errno != EINTR && errno != EAGAIN)
			break; /* the reader is gone: the lines are lost */
	}
	sbuf_reset(&log->out);
}

/* The lane whose next entry is the oldest, so that lines come out in time's order. */
static struct access_lane *oldest_lane(struct access_lane *lanes)
{
	struct access_lane *best = NULL;
	int64_t best_us = INT64_MAX;

	for (struct access_lane *l = lanes; l != NULL; l = l->next) {
		const struct access_entry *e = lane_peek(l);

		if (e != NULL && e->wall_us < best_us) {
			best = l;
			best_us = e->wall_us;
		}
	}
	return best;
}

static void tell_dropped(struct access_log *log, struct access_lane *lanes)
{
	uint64_t dropped = 0;

	for (struct access_lane *l = lanes; l != NULL; l = l->next)
		dropped += atomic_load_explicit(&l->dropped, memory_order_relaxed);
	if (dropped == log->dropped_told)
		return;
	sbuf_printf(&log->out, "access log: %" PRIu64 " lines dropped\n",
		    dropped - log->dropped_told);
	log->dropped_told = dropped;
}

static void write_batch(struct access_log *log, struct access_lane *lanes)
{
	struct access_lane *lane;

	while ((lane = oldest_lane(lanes)) != NULL) {
		access_log_format(&log->out, lane_peek(lane), log->terminal);
		lane_pop(lane);
		if (log->out.n > BATCH_MAX_BYTES / 2)
			write_out(log);
	}
	tell_dropped(log, lanes);
	write_out(log);
}

static void deadline_in_ms(struct timespec *t, long ms)
{
	clock_gettime(CLOCK_MONOTONIC, t);
	t->tv_nsec += ms * 1000000;
	t->tv_sec += t->tv_nsec / 1000000000;
	t->tv_nsec %= 1000000000;
}

static void *writer_main(void *arg)
{
	struct access_log *log = arg;
	struct access_lane *lanes;
	struct timespec next;
	bool stopping;

	do {
		deadline_in_ms(&next, BATCH_INTERVAL_MS);
		pthread_mutex_lock(&log->lock);
		while (!log->stopping &&
		       pthread_cond_timedwait(&log->wake, &log->lock, &next) != ETIMEDOUT)
			continue;
		stopping = log->stopping;
		lanes = log->lanes;
		pthread_mutex_unlock(&log->lock);
		write_batch(log, lanes);
	} while (!stopping);
	return NULL;
}

struct access_log *access_log_start(int fd)
{
	struct access_log *log = xcalloc(1, sizeof *log);
	pthread_condattr_t attr;

	log->fd = fd;
	log->terminal = isatty(fd) == 1;
	sbuf_init(&log->out, BATCH_MAX_BYTES);
	CHECK(pthread_mutex_init(&log->lock, NULL) == 0);
	CHECK(pthread_condattr_init(&attr) == 0);
	CHECK(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&log->wake, &attr) == 0);
	pthread_condattr_destroy(&attr);
	CHECK(pthread_create(&log->thread, NULL, writer_main, log) == 0);
	return log;
}

void access_log_stop(struct access_log **log)
{
	struct access_log *l = *log;
	struct access_lane *lane, *next;

	*log = NULL;
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	atomic_store(&l->give_up_us, clock_mono_us() + STALL_MAX_US);
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	for (lane = l->lanes; lane != NULL; lane = next) {
		next = lane->next;
		free(lane);
	}
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	sbuf_fini(&l->out);
	free(l);
}
