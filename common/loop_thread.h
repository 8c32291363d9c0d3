/* A thread that runs an event loop, and all ways in which other threads reach it.
 *
 * Whoever makes one puts events on its base, starts it, and touches the base no more
 * until the thread has ended. Meanwhile others may bring it a letter or the deadline at
 * which it has to end, and, where it reads what is published (common/epoch.h), make it
 * say that it holds none of that: each by a wake-up, whose callbacks run between two
 * others of the loop. It never waits for anyone. */
#ifndef COMMON_LOOP_THREAD_H
#define COMMON_LOOP_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/epoch.h"

struct event_base;
struct loop_thread;

struct loop_thread_options {
	char name[16]; /* for ps and debuggers */
	/* Others wait for each of its callbacks, and thousands run in a second: the
	 * kernel hears of changed events in one call, and is asked for short slices
	 * (common/sched.h). */
	bool busy;
	struct epoch_domain *epochs; /* NULL: it reads nothing that is published */
	/* On the thread. A letter has come; it is the callee's from now on. NULL: nobody
	 * posts. */
	void (*on_letter)(void *ctx, void *letter);
	/* On the thread, once: a deadline is set (loop_thread_deadline_us). Ends the
	 * loop, now or later, by loop_thread_end. NULL: the loop ends now. */
	void (*on_stop)(void *ctx);
	void *ctx;
};

/* Copies the options. */
struct loop_thread *loop_thread_new(const struct loop_thread_options *o);
struct event_base *loop_thread_base(const struct loop_thread *t);
/* False: the system gives no thread; the log says so, loop_thread_free is next. */
bool loop_thread_start(struct loop_thread *t);

/* --- any thread, also before the start --- */

/* The letter takes the place of one that was not read yet, which is returned and the
 * caller's again; NULL: there was none. */
void *loop_thread_post(struct loop_thread *t, void *letter);
/* Returns at once. Monotonic microseconds; 0 counts as long gone. Of several deadlines
 * the earliest holds. */
void loop_thread_stop(struct loop_thread *t, uint64_t deadline_us);
/* 0: none is set. */
uint64_t loop_thread_deadline_us(const struct loop_thread *t);

/* --- on the thread --- */

/* The loop ends when the callback that runs has returned. */
void loop_thread_end(struct loop_thread *t);

/* --- its owner, after it has been told to stop --- */

/* True: the loop has ended, and the base is the owner's again, who frees what is on it.
 * Also where it was not started. */
bool loop_thread_try_join(struct loop_thread *t);
/* Waits until it is so. */
void loop_thread_join(struct loop_thread *t);
/* The letter that was not read, or NULL; the caller's. After the join. */
void *loop_thread_unread(struct loop_thread *t);
/* After the join, without anything left on the base, and without a letter; clears *t.
 * NULL is fine. */
void loop_thread_free(struct loop_thread **t);

#endif
