/* A loop on a thread of its own: letters, deadlines, what is published, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop_thread.h"

#define LETTERS 20000
#define LAST_LETTER 99999 /* ends the loop */

/* What the thread tells the test. */
struct probe {
	struct loop_thread *thread;
	sem_t seen;
	sem_t go_on; /* a letter is held until then, where `holds` */
	bool holds;
	_Atomic unsigned letters, stops;
	_Atomic uintptr_t latest;
	_Atomic uint64_t deadline_us; /* as on_stop saw it */
	char name[16];
	bool ends; /* on_stop ends the loop at once */
};

static void on_letter(void *ctx, void *letter)
{
	struct probe *p = ctx;

	prctl(PR_GET_NAME, p->name);
	atomic_fetch_add(&p->letters, 1);
	atomic_store(&p->latest, (uintptr_t)letter);
	if ((uintptr_t)letter == LAST_LETTER)
		loop_thread_end(p->thread);
	sem_post(&p->seen);
	if (p->holds)
		sem_wait(&p->go_on);
}

static void on_stop(void *ctx)
{
	struct probe *p = ctx;

	atomic_store(&p->deadline_us, loop_thread_deadline_us(p->thread));
	atomic_fetch_add(&p->stops, 1);
	sem_post(&p->seen);
	if (p->ends)
		loop_thread_end(p->thread);
}

static struct loop_thread *make(struct probe *p, struct epoch_domain *epochs)
{
	*p = (struct probe){.ends = true};
	sem_init(&p->seen, 0, 0);
	sem_init(&p->go_on, 0, 0);
	p->thread = loop_thread_new(&(struct loop_thread_options){
		.name = "probe",
		.busy = true,
		.epochs = epochs,
		.on_letter = on_letter,
		.on_stop = on_stop,
		.ctx = p,
	});
	return p->thread;
}

static void unmake(struct probe *p)
{
	loop_thread_stop(p->thread, 0);
	loop_thread_join(p->thread);
	loop_thread_free(&p->thread);
	assert_null(p->thread);
	sem_destroy(&p->seen);
	sem_destroy(&p->go_on);
}

static void *letter_of(uintptr_t i)
{
	return (void *)i; /* never followed */
}

static void test_a_letter_arrives_on_the_thread(void **state)
{
	struct probe p;

	(void)state;
	assert_true(loop_thread_start(make(&p, NULL)));
	assert_null(loop_thread_post(p.thread, letter_of(1)));
	sem_wait(&p.seen);
	assert_int_equal(atomic_load(&p.latest), 1);
	assert_string_equal(p.name, "probe");
	assert_int_equal(loop_thread_deadline_us(p.thread), 0);
	assert_false(loop_thread_try_join(p.thread));
	unmake(&p);
}

/* Posted before the start, too; a second one gives the first back. */
static void test_the_latest_letter_counts(void **state)
{
	struct probe p;

	(void)state;
	make(&p, NULL);
	p.holds = true;
	assert_null(loop_thread_post(p.thread, letter_of(1)));
	assert_ptr_equal(loop_thread_post(p.thread, letter_of(2)), letter_of(1));
	assert_true(loop_thread_start(p.thread));
	sem_wait(&p.seen); /* in the callback, which holds the loop */
	assert_int_equal(atomic_load(&p.latest), 2);
	assert_null(loop_thread_post(p.thread, letter_of(3)));
	assert_ptr_equal(loop_thread_post(p.thread, letter_of(4)), letter_of(3));
	sem_post(&p.go_on);
	sem_wait(&p.seen);
	assert_int_equal(atomic_load(&p.latest), 4);
	sem_post(&p.go_on);
	unmake(&p);
	assert_int_equal(atomic_load(&p.letters), 2);
}

/* Each is read once or given back once, whoever is faster. */
static void test_no_letter_is_lost_or_doubled(void **state)
{
	struct probe p;
	unsigned back = 0;

	(void)state;
	assert_true(loop_thread_start(make(&p, NULL)));
	for (uintptr_t i = 1; i <= LETTERS; i++)
		back += loop_thread_post(p.thread, letter_of(i)) != NULL;
	while (atomic_load(&p.latest) != LETTERS)
		sem_wait(&p.seen);
	assert_int_equal(atomic_load(&p.letters) + back, LETTERS);
	unmake(&p);
}

static void test_an_unread_letter_is_the_owners(void **state)
{
	struct probe p;

	(void)state;
	make(&p, NULL);
	loop_thread_post(p.thread, letter_of(7));
	assert_true(loop_thread_try_join(p.thread)); /* not started */
	loop_thread_join(p.thread);
	assert_ptr_equal(loop_thread_unread(p.thread), letter_of(7));
	assert_null(loop_thread_unread(p.thread));
	unmake(&p);
}

static void test_stop_is_told_once_and_the_earliest_deadline_holds(void **state)
{
	struct probe p;

	(void)state;
	make(&p, NULL);
	p.ends = false;
	assert_true(loop_thread_start(p.thread));
	loop_thread_stop(p.thread, 5000);
	sem_wait(&p.seen);
	assert_int_equal(atomic_load(&p.deadline_us), 5000);
	loop_thread_stop(p.thread, 9000);
	assert_int_equal(loop_thread_deadline_us(p.thread), 5000);
	loop_thread_stop(p.thread, 0);
	assert_int_equal(loop_thread_deadline_us(p.thread), 1);
	/* A letter behind it: the wake-ups of the deadlines are over. */
	loop_thread_post(p.thread, letter_of(1));
	sem_wait(&p.seen);
	assert_int_equal(atomic_load(&p.stops), 1);
	assert_false(loop_thread_try_join(p.thread));
	loop_thread_post(p.thread, letter_of(LAST_LETTER));
	unmake(&p);
}

static void test_without_on_stop_the_loop_ends(void **state)
{
	struct loop_thread *t =
		loop_thread_new(&(struct loop_thread_options){.name = "plain"});

	(void)state;
	assert_true(loop_thread_start(t));
	assert_false(loop_thread_try_join(t));
	loop_thread_stop(t, 0);
	while (!loop_thread_try_join(t))
		sched_yield();
	assert_true(loop_thread_try_join(t)); /* and stays so */
	loop_thread_free(&t);
	loop_thread_free(&t); /* NULL is fine */
}

/* --- what is published --- */

static _Atomic unsigned freed;

static void count_and_free(void *obj)
{
	atomic_fetch_add(&freed, 1);
	free(obj);
}

static void test_what_was_published_is_freed_past_a_wakeup(void **state)
{
	struct epoch_domain *epochs = epoch_domain_new();
	struct probe p;

	(void)state;
	atomic_store(&freed, 0);
	make(&p, epochs);
	p.holds = true;
	assert_true(loop_thread_start(p.thread));
	loop_thread_post(p.thread, letter_of(1));
	sem_wait(&p.seen); /* inside a callback: it may hold what was published */
	epoch_retire(epochs, xmalloc(1), count_and_free);
	assert_int_equal(epoch_reclaim(epochs), 1); /* which wakes it */
	assert_int_equal(epoch_reclaim(epochs), 1);
	assert_int_equal(atomic_load(&freed), 0);
	sem_post(&p.go_on);
	while (epoch_reclaim(epochs) > 0)
		sched_yield();
	assert_int_equal(atomic_load(&freed), 1);
	unmake(&p);
	/* One that has ended holds nothing up. */
	epoch_retire(epochs, xmalloc(1), count_and_free);
	assert_int_equal(epoch_reclaim(epochs), 0);
	epoch_domain_free(epochs);
}

/* --- a system without threads --- */

/* No room for a stack. In a process of its own, and before it had any thread, whose stack
 * would be kept for the next. */
static int start_without_room(void)
{
	struct epoch_domain *epochs = epoch_domain_new();
	struct rlimit none = {1, 1};
	struct probe p;

	make(&p, epochs);
	if (setrlimit(RLIMIT_AS, &none) != 0)
		return 2;
	if (loop_thread_start(p.thread) || !loop_thread_try_join(p.thread))
		return 3;
	unmake(&p);
	epoch_domain_free(epochs); /* checks that no reader is left */
	return 0;
}

static void test_where_no_thread_can_be_made(void **state)
{
	int status, log[2];
	char text[256] = "";
	pid_t child;

	(void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
	skip(); /* which take room of their own */
#endif
	assert_int_equal(pipe(log), 0);
	child = fork();
	if (child == 0) {
		dup2(log[1], STDERR_FILENO);
		_exit(start_without_room());
	}
	close(log[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(read(log[0], text, sizeof text - 1) > 0);
	close(log[0]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_non_null(strstr(text, " ERROR cannot start the thread "));
	assert_non_null(strstr(text, "probe"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_no_thread_can_be_made),
		cmocka_unit_test(test_a_letter_arrives_on_the_thread),
		cmocka_unit_test(test_the_latest_letter_counts),
		cmocka_unit_test(test_no_letter_is_lost_or_doubled),
		cmocka_unit_test(test_an_unread_letter_is_the_owners),
		cmocka_unit_test(test_stop_is_told_once_and_the_earliest_deadline_holds),
		cmocka_unit_test(test_without_on_stop_the_loop_ends),
		cmocka_unit_test(test_what_was_published_is_freed_past_a_wakeup),
	};

	return cmocka_run_group_tests_name("loop thread", tests, NULL, NULL);
}
