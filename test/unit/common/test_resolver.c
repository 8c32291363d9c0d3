/* The resolver, with a getaddrinfo of the test's own: names that hang, fail, change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/resolver.h"

#define PATIENCE_US UINT64_C(10000000)
#define NAMES_MAX 16

/* --- the monotonic clock, which a test may set forward --- */

static _Atomic int forward_s;

int clock_gettime(clockid_t id, struct timespec *t)
{
	if (syscall(SYS_clock_gettime, id, t) != 0)
		return -1;
	if (id == CLOCK_MONOTONIC)
		t->tv_sec += atomic_load(&forward_s);
	return 0;
}

/* --- getaddrinfo --- */

struct zone {
	char name[32];
	char addresses[64]; /* separated by blanks; "": EAI_NONAME */
	bool hangs;
	int running, most, calls;
	int turn; /* of the latest call, of all calls */
};

static pthread_mutex_t zone_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t zone_changed = PTHREAD_COND_INITIALIZER;
static struct zone zones[NAMES_MAX];
static int running, most_running, turns;

static struct zone *zone(const char *name)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		if (zones[i].name[0] == '\0')
			snprintf(zones[i].name, sizeof zones[i].name, "%s", name);
		if (strcmp(zones[i].name, name) == 0)
			return &zones[i];
	}
	abort();
}

static void set(const char *name, const char *addresses, bool hangs)
{
	pthread_mutex_lock(&zone_lock);
	snprintf(zone(name)->addresses, sizeof zone(name)->addresses, "%s", addresses);
	zone(name)->hangs = hangs;
	pthread_cond_broadcast(&zone_changed);
	pthread_mutex_unlock(&zone_lock);
}

static int zone_int(const int *value)
{
	int n;

	pthread_mutex_lock(&zone_lock);
	n = *value;
	pthread_mutex_unlock(&zone_lock);
	return n;
}

static void release_all(void)
{
	pthread_mutex_lock(&zone_lock);
	for (int i = 0; i < NAMES_MAX; i++)
		zones[i].hangs = false;
	pthread_cond_broadcast(&zone_changed);
	while (running > 0)
		pthread_cond_wait(&zone_changed, &zone_lock);
	memset(zones, 0, sizeof zones);
	most_running = 0;
	pthread_mutex_unlock(&zone_lock);
}

static struct addrinfo *one(const char *text, struct addrinfo *next)
{
	struct {
		struct addrinfo info;
		struct sockaddr_in6 sa;
	} *m = xcalloc(1, sizeof *m);
	struct sockaddr_in *in = (void *)&m->sa;

	m->info.ai_addr = (struct sockaddr *)&m->sa;
	m->info.ai_next = next;
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		m->info.ai_addrlen = sizeof *in;
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &m->sa.sin6_addr), 1);
		m->sa.sin6_family = AF_INET6;
		m->info.ai_addrlen = sizeof m->sa;
	}
	return &m->info;
}

/* Last first, since the list is built from its end. */
static struct addrinfo *all(const char *text)
{
	char copy[64], *blank;
	struct addrinfo *list = NULL;

	snprintf(copy, sizeof copy, "%s", text);
	while ((blank = strrchr(copy, ' ')) != NULL) {
		list = one(blank + 1, list);
		*blank = '\0';
	}
	return copy[0] ? one(copy, list) : list;
}

int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
	struct zone *z;

	assert_null(service);
	if (hints->ai_flags & AI_NUMERICHOST) {
		*found = one(name, NULL);
		return 0;
	}
	pthread_mutex_lock(&zone_lock);
	z = zone(name);
	z->calls++;
	z->turn = ++turns;
	if (++z->running > z->most)
		z->most = z->running;
	if (++running > most_running)
		most_running = running;
	while (z->hangs)
		pthread_cond_wait(&zone_changed, &zone_lock);
	*found = all(z->addresses);
	z->running--;
	running--;
	pthread_cond_broadcast(&zone_changed);
	pthread_mutex_unlock(&zone_lock);
	return *found ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list)
{
	struct addrinfo *next;

	for (; list != NULL; list = next) {
		next = list->ai_next;
		free(list);
	}
}

/* --- the fixture --- */

struct fixture {
	struct epoch_domain *epochs;
	struct resolver *resolver;
};

/* The test reads lists as workers do: none is held from one moment to the next. */
static struct epoch_reader *reader;
static int reader_fd = -1;

static void start(struct fixture *f, uint32_t every_ms, uint32_t known_ms)
{
	struct resolver_times times = {every_ms, every_ms, known_ms};

	f->epochs = epoch_domain_new();
	reader_fd = eventfd(0, EFD_NONBLOCK);
	reader = epoch_reader_add(f->epochs, reader_fd);
	f->resolver = resolver_start(f->epochs, every_ms ? &times : NULL);
	assert_non_null(f->resolver);
}

static void stop(struct fixture *f)
{
	resolver_stop(&f->resolver);
	assert_null(f->resolver);
	epoch_reader_remove(&reader);
	close(reader_fd);
	epoch_domain_free(f->epochs);
}

static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	release_all();
	return 0;
}

static void a_moment(void)
{
	if (reader != NULL)
		epoch_quiesce(reader);
	poll(NULL, 0, 1);
}

#define until(condition)                                                                 \
	do {                                                                             \
		uint64_t began_us = clock_mono_us();                                     \
		while (!(condition)) {                                                   \
			assert_true(clock_mono_us() - began_us < PATIENCE_US);           \
			a_moment();                                                      \
		}                                                                        \
	} while (0)

static const char *text_of(const struct resolver_addresses *a)
{
	static char text[512];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < a->n_known; i++) {
		char one_text[64];

		assert_int_equal(getnameinfo((const struct sockaddr *)&a->list[i].sa,
					     a->list[i].len, one_text, sizeof one_text,
					     NULL, 0, NI_NUMERICHOST),
				 0);
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
				      i == 0      ? ""
				      : i == a->n ? " | "
						  : " ",
				      one_text);
	}
	return text;
}

static bool has(const struct resolver_name *name, const char *text)
{
	return strcmp(text_of(resolver_get(name)), text) == 0;
}

/* The resolver has looked at all names since the clock was set. */
static void let_it_look(struct fixture *f)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct resolver_question *q = resolver_ask(f->resolver, "good", fd);

	until(resolver_is_answered(q));
	resolver_question_free(&q);
	close(fd);
}

/* --- tests --- */

static void test_what_nobody_is_asked_for(void **state)
{
	struct fixture f;
	const struct resolver_addresses *a;

	(void)state;
	start(&f, 0, 0);
	a = resolver_get(resolver_add(f.resolver, "192.0.2.7", 443));
	assert_string_equal(text_of(a), "192.0.2.7");
	assert_int_equal(
		((const struct sockaddr_in *)(const void *)&a->list[0].sa)->sin_port,
		htons(443));
	assert_true(has(resolver_add(f.resolver, "2001:db8::1", 1), "2001:db8::1"));
	assert_true(has(resolver_add(f.resolver, "LocalHost", 1), "127.0.0.1 ::1"));
	stop(&f);
}

static void test_a_name_has_a_list_for_each_port(void **state)
{
	struct fixture f;
	struct resolver_name *a, *b;

	(void)state;
	set("good", "192.0.2.1 2001:db8::1", false);
	start(&f, 0, 0);
	a = resolver_add(f.resolver, "good", 1);
	b = resolver_add(f.resolver, "good", 2);
	assert_ptr_equal(resolver_add(f.resolver, "good", 1), a);
	assert_ptr_not_equal(a, b);
	until(resolver_get(a)->n == 2 && resolver_get(b)->n == 2);
	assert_int_equal(
		((const struct sockaddr_in6 *)(const void *)&resolver_get(b)->list[1].sa)
			->sin6_port,
		htons(2));
	assert_int_equal(zone_int(&zone("good")->calls), 1);
	stop(&f);
}

static void test_names_that_hang_hold_up_nobody(void **state)
{
	static const char *const slow[] = {"slow1", "slow2", "slow3"};
	struct fixture f;
	struct resolver_name *good;

	(void)state;
	start(&f, 1, 0);
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		set(slow[i], "", true);
		resolver_add(f.resolver, slow[i], 1);
		until(zone_int(&zone(slow[i])->running) == 1);
	}
	set("good", "192.0.2.1", false);
	good = resolver_add(f.resolver, "good", 1);
	until(has(good, "192.0.2.1"));
	until(zone_int(&zone("good")->calls) >= 5);
	for (size_t i = 0; i < ARRAY_LEN(slow); i++)
		assert_int_equal(zone_int(&zone(slow[i])->calls), 1);
	stop(&f);
}

/* Each takes a thread until there is none left; those that failed leave some. */
static void test_threads_are_few_and_none_hogs_them(void **state)
{
	struct fixture f;
	struct resolver_name *names[12], *good;
	char name[16];

	(void)state;
	start(&f, 1, 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(name, sizeof name, "bad%zu", i);
		set(name, "", false);
		names[i] = resolver_add(f.resolver, name, 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		until(resolver_get(names[i])->failed);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(name, sizeof name, "bad%zu", i);
		set(name, "", true);
	}
	until(zone_int(&running) == LOOKUP_THREADS_MAX - 2);
	set("good", "192.0.2.1", false);
	good = resolver_add(f.resolver, "good", 1);
	until(has(good, "192.0.2.1"));
	until(zone_int(&zone("good")->calls) >= 5);
	assert_true(zone_int(&most_running) <= LOOKUP_THREADS_MAX);
	stop(&f);
}

static void test_new_names_first(void **state)
{
	struct fixture f;
	struct resolver_name *old[4], *fresh;
	char name[16];
	int turn;

	(void)state;
	start(&f, 1, 0);
	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		snprintf(name, sizeof name, "old%zu", i);
		set(name, "192.0.2.1", false);
		old[i] = resolver_add(f.resolver, name, 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		until(resolver_get(old[i])->n);
	for (int i = 0; i < LOOKUP_THREADS_MAX; i++) {
		snprintf(name, sizeof name, "slow%d", i);
		set(name, "", true);
		resolver_add(f.resolver, name, 1);
		until(zone_int(&zone(name)->running) == 1);
	}
	/* The old ones are due over and over, and wait. */
	turn = zone_int(&turns);
	set("new", "192.0.2.9", false);
	fresh = resolver_add(f.resolver, "new", 1);
	set("slow0", "192.0.2.2", false);
	until(has(fresh, "192.0.2.9"));
	assert_int_equal(zone_int(&zone("new")->turn), turn + 1);
	assert_int_equal(zone_int(&most_running), LOOKUP_THREADS_MAX);
	stop(&f);
}

static void test_stop_waits_for_no_look_up(void **state)
{
	struct fixture f;
	uint64_t before;

	(void)state;
	set("slow", "192.0.2.1", true);
	start(&f, 0, 0);
	resolver_add(f.resolver, "slow", 1);
	until(zone_int(&zone("slow")->running) == 1);
	before = clock_mono_us();
	stop(&f);
	assert_true(clock_mono_us() - before < 1000000);
	/* Its thread ends only now, and must find nothing of the resolver. */
	release_all();
}

static void test_an_address_is_known_for_a_while(void **state)
{
	struct fixture f;
	struct resolver_name *name;
	struct sockaddr_in6 peer = {0};
	uint64_t version;

	(void)state;
	set("good", "192.0.2.1 192.0.2.2", false);
	start(&f, 1, 60000);
	name = resolver_add(f.resolver, "good", 80);
	until(has(name, "192.0.2.1 192.0.2.2"));
	version = resolver_get(name)->version;
	memcpy(&peer, &resolver_get(name)->list[1].sa, sizeof(struct sockaddr_in));
	set("good", "192.0.2.3 192.0.2.1", false);
	until(has(name, "192.0.2.3 192.0.2.1 | 192.0.2.2"));
	assert_int_not_equal(resolver_get(name)->version, version);
	assert_int_equal(resolver_get(name)->n, 2);
	assert_ptr_equal(resolver_find(resolver_get(name), (struct sockaddr *)&peer),
			 &resolver_get(name)->list[2]);
	forward_s += 50;
	let_it_look(&f);
	assert_int_equal(resolver_get(name)->n_known, 3);
	forward_s += 20;
	until(has(name, "192.0.2.3 192.0.2.1"));
	assert_null(resolver_find(resolver_get(name), (struct sockaddr *)&peer));
	stop(&f);
}

static void test_marks_stay_with_their_addresses(void **state)
{
	struct fixture f;
	struct resolver_name *name, *other;
	struct address_mark *first, *second;

	(void)state;
	set("good", "192.0.2.1 192.0.2.2", false);
	start(&f, 1, 50);
	name = resolver_add(f.resolver, "good", 80);
	other = resolver_add(f.resolver, "good", 81);
	until(has(name, "192.0.2.1 192.0.2.2") && has(other, "192.0.2.1 192.0.2.2"));
	first = resolver_get(name)->list[0].mark;
	second = resolver_get(name)->list[1].mark;
	assert_ptr_not_equal(first, second);
	assert_ptr_not_equal(first, resolver_get(other)->list[0].mark);
	address_mark_failed(second, clock_mono_us());
	set("good", "192.0.2.3 192.0.2.2 192.0.2.1", false);
	until(has(name, "192.0.2.3 192.0.2.2 192.0.2.1"));
	assert_ptr_equal(resolver_get(name)->list[2].mark, first);
	assert_ptr_equal(resolver_get(name)->list[1].mark, second);
	assert_true(address_mark_fails(resolver_get(name)->list[1].mark));
	assert_false(address_mark_fails(resolver_get(name)->list[0].mark));
	set("good", "192.0.2.3", false);
	until(has(name, "192.0.2.3"));
	/* One that comes back is new. */
	set("good", "192.0.2.2", false);
	until(resolver_get(name)->n_known == 2);
	assert_false(address_mark_fails(resolver_get(name)->list[0].mark));
	stop(&f);
}

static void test_no_answer_changes_nothing(void **state)
{
	struct fixture f;
	struct resolver_name *name;
	int calls;

	(void)state;
	set("good", "192.0.2.1 192.0.2.2", false);
	start(&f, 1, 1);
	name = resolver_add(f.resolver, "good", 80);
	until(has(name, "192.0.2.1 192.0.2.2"));
	set("good", "", false);
	calls = zone_int(&zone("good")->calls);
	until(zone_int(&zone("good")->calls) >= calls + 20);
	assert_true(has(name, "192.0.2.1 192.0.2.2"));
	assert_false(resolver_get(name)->failed);
	stop(&f);
}

static void test_a_name_without_users_rests(void **state)
{
	struct fixture f;
	struct resolver_name *name, *other;
	int calls;

	(void)state;
	set("good", "192.0.2.1", false);
	set("other", "192.0.2.2", false);
	start(&f, 1, 0);
	name = resolver_add(f.resolver, "good", 80);
	resolver_add(f.resolver, "good", 80);
	other = resolver_add(f.resolver, "other", 80);
	until(resolver_get(name)->n && resolver_get(other)->n);
	resolver_forget(name);
	calls = zone_int(&zone("good")->calls);
	until(zone_int(&zone("good")->calls) > calls);
	resolver_forget(name);
	until(zone_int(&zone("good")->running) == 0);
	calls = zone_int(&zone("good")->calls);
	until(zone_int(&zone("other")->calls) >= calls + 50);
	assert_true(zone_int(&zone("good")->calls) <= calls + 1);
	set("good", "192.0.2.3", false);
	assert_ptr_equal(resolver_add(f.resolver, "good", 80), name);
	until(resolver_get(name)->n_known == 2);
	stop(&f);
}

static const char *answer_text(struct resolver_question *q, int *error)
{
	static char text[64];
	struct lookup_answer a;

	resolver_answer(q, &a);
	*error = a.error;
	text[0] = '\0';
	if (a.n)
		getnameinfo((struct sockaddr *)&a.list[0].sa, a.list[0].len, text,
			    sizeof text, NULL, 0, NI_NUMERICHOST);
	return text;
}

static void wait_for_answer(struct resolver_question *q, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t count;

	while (!resolver_is_answered(q)) {
		assert_int_equal(poll(&p, 1, (int)(PATIENCE_US / 1000)), 1);
		assert_int_equal(read(fd, &count, sizeof count), sizeof count);
	}
}

static void test_questions(void **state)
{
	struct fixture f;
	struct resolver_question *q, *also;
	int fd = eventfd(0, EFD_NONBLOCK), error;

	(void)state;
	set("db", "192.0.2.1", true);
	start(&f, 0, 0);
	q = resolver_ask(f.resolver, "127.0.0.1", fd);
	assert_true(resolver_is_answered(q));
	assert_string_equal(answer_text(q, &error), "127.0.0.1");
	resolver_question_free(&q);
	assert_null(q);
	q = resolver_ask(f.resolver, "db", fd);
	also = resolver_ask(f.resolver, "db", fd);
	until(zone_int(&zone("db")->running) == 1);
	assert_false(resolver_is_answered(q));
	assert_string_equal(answer_text(q, &error), "");
	assert_int_equal(error, EAI_AGAIN);
	resolver_question_free(&also);
	set("db", "192.0.2.1", false);
	wait_for_answer(q, fd);
	assert_string_equal(answer_text(q, &error), "192.0.2.1");
	assert_int_equal(error, 0);
	also = resolver_ask(f.resolver, "db", fd); /* a moment later: the same answer */
	assert_true(resolver_is_answered(also));
	resolver_question_free(&also);
	resolver_question_free(&q);
	assert_int_equal(zone_int(&zone("db")->calls), 1);
	stop(&f);
	close(fd);
}

static void test_a_question_that_fails_has_the_latest_good_answer(void **state)
{
	struct fixture f;
	struct resolver_question *q;
	int fd = eventfd(0, EFD_NONBLOCK), error;
	uint64_t before;

	(void)state;
	set("db", "192.0.2.1", false);
	start(&f, 0, 0);
	q = resolver_ask(f.resolver, "db", fd);
	wait_for_answer(q, fd);
	before = clock_mono_us();
	resolver_question_free(&q);
	set("db", "", false);
	until(clock_mono_us() - before > 1000000); /* its answer is old then */
	q = resolver_ask(f.resolver, "db", fd);
	wait_for_answer(q, fd);
	assert_string_equal(answer_text(q, &error), "192.0.2.1");
	assert_int_equal(error, EAI_NONAME);
	resolver_question_free(&q);
	stop(&f);
	close(fd);
}

static void test_questions_and_stop(void **state)
{
	struct fixture f;
	struct resolver_question *q, *late;
	struct resolver *kept;
	int fd = eventfd(0, EFD_NONBLOCK), error;

	(void)state;
	set("db", "192.0.2.1", true);
	start(&f, 0, 0);
	kept = resolver_ref(f.resolver);
	q = resolver_ask(f.resolver, "db", fd);
	until(zone_int(&zone("db")->running) == 1);
	stop(&f);
	wait_for_answer(q, fd);
	assert_string_equal(answer_text(q, &error), "");
	assert_int_equal(error, EAI_AGAIN);
	late = resolver_ask(kept, "db", fd);
	assert_true(resolver_is_answered(late));
	resolver_question_free(&late);
	resolver_question_free(&q);
	resolver_unref(&kept);
	close(fd);
}

/* What the log says, line by line. */
struct heard {
	int was, file;
	char text[4096];
};

static void listen_in(struct heard *h)
{
	char path[] = "/tmp/tollgate-test-XXXXXX";

	h->file = mkstemp(path);
	assert_true(h->file >= 0);
	unlink(path);
	h->was = dup(STDERR_FILENO);
	dup2(h->file, STDERR_FILENO);
	log_set_level(LOG_INFO);
}

static int count_of(struct heard *h, const char *words)
{
	ssize_t n = pread(h->file, h->text, sizeof h->text - 1, 0);
	int count = 0;

	h->text[n > 0 ? n : 0] = '\0';
	for (const char *p = h->text; (p = strstr(p, words)) != NULL; p++)
		count++;
	return count;
}

static void listen_no_more(struct heard *h)
{
	log_set_level(LOG_ERROR);
	dup2(h->was, STDERR_FILENO);
	close(h->was);
	close(h->file);
}

static void test_the_log_hears_of_changes_only(void **state)
{
	struct fixture f;
	struct resolver_name *name;
	struct heard h;

	(void)state;
	set("bad", "", false);
	listen_in(&h);
	start(&f, 1, 0);
	name = resolver_add(f.resolver, "bad", 80);
	until(zone_int(&zone("bad")->calls) >= 100);
	assert_int_equal(count_of(&h, "resolver: bad: "), 1);
	assert_int_equal(count_of(&h, "WARN"), 1);
	set("bad", "192.0.2.1", false);
	until(resolver_get(name)->n == 1);
	until(count_of(&h, "INFO resolver: bad: found, after 0 s") == 1);
	/* And what comes and goes does not fill it either. */
	for (int i = 0; i < 20; i++) {
		int calls = zone_int(&zone("bad")->calls);

		set("bad", i % 2 ? "192.0.2.1" : "", false);
		until(zone_int(&zone("bad")->calls) >= calls + 3);
	}
	assert_int_equal(count_of(&h, "resolver: bad: "), 2);
	stop(&f);
	listen_no_more(&h);
}

static void test_the_log_hears_of_silence(void **state)
{
	struct fixture f;
	struct heard h;

	(void)state;
	set("slow", "", true);
	listen_in(&h);
	start(&f, 0, 0);
	resolver_add(f.resolver, "slow", 80);
	until(count_of(&h, "WARN resolver: slow: no name server has answered yet") == 1);
	stop(&f);
	listen_no_more(&h);
}

/* A name server that times out is silent, then an error, then silent again. */
static void test_the_log_hears_seldom_of_time_outs(void **state)
{
	struct fixture f;
	struct heard h;
	int told;

	(void)state;
	set("good", "192.0.2.1", false);
	set("slow", "", true);
	listen_in(&h);
	start(&f, 1, 0);
	resolver_add(f.resolver, "slow", 80);
	for (int i = 0; i < 8; i++) {
		int calls;

		until(zone_int(&zone("slow")->running) == 1);
		calls = zone_int(&zone("slow")->calls);
		forward_s += 6;
		let_it_look(&f);
		set("slow", "", false);
		until(zone_int(&zone("slow")->calls) > calls);
		set("slow", "", true);
		forward_s += 60;
	}
	told = count_of(&h, "resolver: slow: ");
	stop(&f);
	listen_no_more(&h);
	assert_in_range(told, 1, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_what_nobody_is_asked_for),
		TEST(test_a_name_has_a_list_for_each_port),
		TEST(test_names_that_hang_hold_up_nobody),
		TEST(test_threads_are_few_and_none_hogs_them),
		TEST(test_new_names_first),
		TEST(test_stop_waits_for_no_look_up),
		TEST(test_an_address_is_known_for_a_while),
		TEST(test_marks_stay_with_their_addresses),
		TEST(test_no_answer_changes_nothing),
		TEST(test_a_name_without_users_rests),
		TEST(test_questions),
		TEST(test_a_question_that_fails_has_the_latest_good_answer),
		TEST(test_questions_and_stop),
		TEST(test_the_log_hears_of_changes_only),
		TEST(test_the_log_hears_of_silence),
		TEST(test_the_log_hears_seldom_of_time_outs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
