/* One thread that writes lines to descriptors whose readers may be slow, or not read at
 * all.
 *
 * It writes only what poll allows, in pieces of PIPE_BUF, which a pipe then takes
 * without blocking and keeps whole. Another process that fills the same pipe in between
 * may still block it: so nobody ever waits for this thread without a limit. */
#include "common/log_writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/thread.h"

#define SOURCES_MAX 4
#define POLLED_EVERY_US 50000u
#define RETRY_US 1000000u /* after a write that failed */
#define WAIT_STEP_NS 500000
/* For a thread that is not stuck to see that it may end: far more than it takes, since
 * what comes after is lost where it has not. */
#define LET_GO_MS 1000
#define LINE_ROOM (64 * 1024) /* what a source's last line may go over its batch by */

enum source_state {
	SOURCE_OPEN,
	SOURCE_CLOSING, /* what it has is written yet */
	SOURCE_DROPPED, /* no more: time is up */
	SOURCE_CLOSED,  /* the thread is done with it */
};

struct output {
	struct log_source source;
	_Atomic int state;
	struct sbuf out;    /* the thread's, as is the rest */
	size_t written;     /* of out */
	bool failing;       /* the last write failed: it is asked again after a while */
	uint64_t due_us;    /* when, or when a polled one is */
	uint64_t unwritten; /* lines that a failed write has lost */
	uint64_t told;      /* losses that a line has told of */
	uint64_t telling;   /* those of them that the end of `out` tells of */
};

struct log_writer {
	pthread_t thread;
	int wake_fd;
	_Atomic unsigned n;
	_Atomic uint64_t asked, flushed; /* numbers of flushes */
	_Atomic bool stop, ended;
	struct output outputs[SOURCES_MAX];
};

/* --- writing --- */

static bool has_bytes(const struct output *o)
{
	return o->written < o->out.n;
}

/* Up to the last line's end within PIPE_BUF, so that a line stays whole where others
 * write to the same pipe. */
static size_t piece_of(const char *p, size_t n)
{
	const char *end;

	if (n <= PIPE_BUF)
		return n;
	end = memrchr(p, '\n', PIPE_BUF);
	return end != NULL ? (size_t)(end - p) + 1 : PIPE_BUF;
}

/* The line that tells of losses is none itself, and has not told. */
static void give_up(struct output *o)
{
	for (size_t i = o->written; i < o->out.n; i++)
		o->unwritten += o->out.p[i] == '\n';
	if (o->telling > 0)
		o->unwritten--;
	o->told -= o->telling;
	o->written = o->out.n;
	o->failing = true;
	o->due_us = clock_mono_us() + RETRY_US;
}

static void write_piece(struct output *o)
{
	const char *p = o->out.p + o->written;
	ssize_t n = write(o->source.fd, p, piece_of(p, o->out.n - o->written));

	if (n >= 0)
		o->written += (size_t)n;
	else if (errno != EINTR && errno != EAGAIN)
		give_up(o);
}

/* --- the loop --- */

static bool may_ask(const struct output *o, uint64_t now, bool hurry)
{
	if (now >= o->due_us)
		return true;
	return !o->failing && (!o->source.polled || hurry);
}

/* Behind the lines from before the loss. */
static void tell_lost(struct output *o)
{
	uint64_t lost = o->source.lost(o->source.ctx) + o->unwritten;

	if (lost == o->told)
		return;
	o->telling = lost - o->told;
	o->told = lost;
	o->source.tell(o->source.ctx, &o->out, o->telling);
}

static void ask(struct output *o, uint64_t now)
{
	sbuf_reset(&o->out);
	o->written = 0;
	o->failing = false;
	o->telling = 0;
	o->source.take(o->source.ctx, &o->out);
	/* A full batch means that there is more. */
	o->due_us = now;
	if (o->out.n >= LOG_WRITER_BATCH)
		return;
	o->due_us += POLLED_EVERY_US;
	tell_lost(o);
}

/* More of the source's lines, where all before are written. Whether there are bytes. */
static bool refill(struct output *o, uint64_t now, bool flushing)
{
	int state = atomic_load(&o->state);

	if (state == SOURCE_DROPPED)
		o->written = o->out.n;
	else if (state != SOURCE_CLOSED && !has_bytes(o) &&
		 may_ask(o, now, flushing || state == SOURCE_CLOSING))
		ask(o, now);
	if (!has_bytes(o) && state != SOURCE_OPEN)
		atomic_store(&o->state, SOURCE_CLOSED);
	return has_bytes(o);
}

static int timeout_ms(const struct log_writer *w, unsigned n, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < n; i++) {
		const struct output *o = &w->outputs[i];

		if (atomic_load(&o->state) != SOURCE_OPEN || has_bytes(o))
			continue;
		if ((o->source.polled || o->failing) && o->due_us < next)
			next = o->due_us;
	}
	if (next == UINT64_MAX)
		return -1;
	return next > now ? (int)((next - now + 999) / 1000) : 0;
}

/* Standard output and stderr are often one pipe: what was written to one may have filled
 * it. */
static bool is_writable_yet(struct pollfd *p)
{
	return poll(p, 1, 0) > 0;
}

/* Waits for what may be written, for a wake-up, or for a polled source's time. */
static void wait_and_write(struct log_writer *w, unsigned n, uint64_t now)
{
	struct pollfd fds[SOURCES_MAX + 1];
	uint64_t count;

	for (unsigned i = 0; i < n; i++)
		fds[i] = (struct pollfd){
			.fd = has_bytes(&w->outputs[i]) ? w->outputs[i].source.fd : -1,
			.events = POLLOUT};
	fds[n] = (struct pollfd){.fd = w->wake_fd, .events = POLLIN};
	if (poll(fds, n + 1, timeout_ms(w, n, now)) <= 0)
		return;
	if (fds[n].revents && read(w->wake_fd, &count, sizeof count) < 0)
		CHECK(errno == EAGAIN);
	for (unsigned i = 0; i < n; i++)
		if (fds[i].revents && is_writable_yet(&fds[i]))
			write_piece(&w->outputs[i]);
}

/* One turn; false: the end. */
static bool turn(struct log_writer *w)
{
	uint64_t asked = atomic_load(&w->asked), now = clock_mono_us();
	bool any = false;
	unsigned n = atomic_load(&w->n);

	for (unsigned i = 0; i < n; i++)
		any |= refill(&w->outputs[i], now, asked != atomic_load(&w->flushed));
	if (!any)
		atomic_store(&w->flushed, asked);
	if (atomic_load(&w->stop))
		return false;
	wait_and_write(w, n, now);
	return true;
}

static void *writer_main(void *arg)
{
	struct log_writer *w = arg;

	while (turn(w))
		continue;
	atomic_store(&w->ended, true);
	return NULL;
}

/* --- from other threads --- */

struct log_writer *log_writer_start(void)
{
	struct log_writer *w = xcalloc(1, sizeof *w);
	int error;

	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	CHECK(w->wake_fd >= 0);
	error = thread_make(&w->thread, "log", writer_main, w);
	if (error == 0)
		return w;
	close(w->wake_fd);
	free(w);
	errno = error;
	return NULL;
}

unsigned log_writer_add(struct log_writer *w, const struct log_source *s)
{
	unsigned n = atomic_load(&w->n);
	struct output *o = &w->outputs[n];

	CHECK(n < SOURCES_MAX);
	o->source = *s;
	sbuf_init(&o->out, LOG_WRITER_BATCH + LINE_ROOM);
	CHECK(sbuf_reserve(&o->out, LOG_WRITER_BATCH) != NULL);
	atomic_store(&w->n, n + 1);
	log_writer_wake(w);
	return n;
}

void log_writer_wake(struct log_writer *w)
{
	uint64_t one = 1;

	/* A counter at its limit means that the wake-up is on its way already. */
	if (write(w->wake_fd, &one, sizeof one) < 0)
		return;
}

static bool wait_until(const struct log_writer *w, uint64_t deadline_us,
		       bool (*is_so)(const struct log_writer *w, uint64_t arg),
		       uint64_t arg)
{
	static const struct timespec step = {0, WAIT_STEP_NS};

	while (!is_so(w, arg)) {
		if (clock_mono_us() >= deadline_us)
			return false;
		nanosleep(&step, NULL);
	}
	return true;
}

static uint64_t deadline_in(uint32_t ms)
{
	return clock_mono_us() + (uint64_t)ms * 1000;
}

static bool is_flushed(const struct log_writer *w, uint64_t number)
{
	return atomic_load(&w->flushed) >= number;
}

static bool is_closed(const struct log_writer *w, uint64_t source)
{
	return atomic_load(&w->outputs[source].state) == SOURCE_CLOSED;
}

static bool has_ended(const struct log_writer *w, uint64_t unused)
{
	(void)unused;
	return atomic_load(&w->ended);
}

bool log_writer_flush(struct log_writer *w, uint32_t limit_ms)
{
	uint64_t number;

	if (pthread_equal(pthread_self(), w->thread))
		return false;
	number = atomic_fetch_add(&w->asked, 1) + 1;
	log_writer_wake(w);
	return wait_until(w, deadline_in(limit_ms), is_flushed, number);
}

bool log_writer_remove(struct log_writer *w, unsigned source, uint32_t limit_ms)
{
	struct output *o = &w->outputs[source];

	CHECK(source < atomic_load(&w->n));
	atomic_store(&o->state, SOURCE_CLOSING);
	log_writer_wake(w);
	if (wait_until(w, deadline_in(limit_ms), is_closed, source))
		return true;
	atomic_store(&o->state, SOURCE_DROPPED);
	log_writer_wake(w);
	return wait_until(w, deadline_in(LET_GO_MS), is_closed, source);
}

bool log_writer_stop(struct log_writer *w, uint32_t limit_ms)
{
	bool flushed = log_writer_flush(w, limit_ms);

	atomic_store(&w->stop, true);
	log_writer_wake(w);
	if (!wait_until(w, deadline_in(LET_GO_MS), has_ended, 0)) {
		pthread_detach(w->thread);
		return false;
	}
	pthread_join(w->thread, NULL);
	return flushed;
}

void log_writer_free(struct log_writer **writer)
{
	struct log_writer *w = *writer;

	*writer = NULL;
	if (w == NULL)
		return;
	CHECK(atomic_load(&w->ended));
	for (unsigned i = 0; i < atomic_load(&w->n); i++)
		sbuf_fini(&w->outputs[i].out);
	close(w->wake_fd);
	free(w);
}
