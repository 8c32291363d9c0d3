/* Names of hosts to addresses: one thread keeps the time and publishes, look-ups run
 * elsewhere. */
#include "common/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/name_addresses.h"
#include "common/thread_start.h"
#include "common/trouble.h"

#define REFRESH_MS 30000
#define RETRY_MS 2000 /* after a failed look-up */
#define KNOWN_MS 90000
#define FRESH_US 1000000  /* an answer as old as this answers another question */
#define SILENT_US 5000000 /* a look-up that takes longer is told */
#define SILENT (-10000)   /* in place of an EAI_ */
/* Names that failed leave this many threads to others. */
#define SPARE_THREADS 2
#define IDLE_US 60000000u /* the longest between two looks */

struct host {
	struct host *next;
	char *text;
	bool fixed;   /* literal or localhost: never looked up */
	bool tried;   /* a look-up has ended, whatever came of it */
	bool failing; /* the latest look-up did */
	bool running;
	unsigned asked; /* open questions */
	uint64_t due_us, started_us, answered_us;
	struct name_addresses addresses;
	struct trouble trouble;
	struct resolver_name *names;
};

struct resolver_name {
	struct resolver_name *next; /* of the host's */
	struct host *host;
	uint16_t port;
	_Atomic unsigned users;
	struct resolver_addresses *_Atomic current;
};

struct resolver_question {
	struct resolver_question *next;
	struct resolver *resolver; /* a reference */
	struct host *host;         /* NULL: stopped */
	int wake_fd;
	bool answered;
	struct lookup_answer answer;
};

struct resolver {
	_Atomic unsigned references;
	pthread_mutex_t lock; /* of all below; a worker takes it only while configuring */
	pthread_t thread;
	int wake_fd; /* -1: stopped */
	struct epoch_domain *epochs;
	struct resolver_times times;
	struct lookup_pool *pool;
	struct host *hosts;
	struct resolver_question *questions;
	bool stopping;
};

/* --- addresses --- */

const struct resolver_address *resolver_find(const struct resolver_addresses *list,
					     const struct sockaddr *sa)
{
	for (unsigned i = 0; i < list->n_known; i++)
		if (name_addresses_are_same((const struct sockaddr *)&list->list[i].sa,
					    sa))
			return &list->list[i];
	return NULL;
}

/* --- publishing --- */

static void fill_address(struct resolver_address *to, const struct lookup_address *from,
			 uint16_t port)
{
	to->sa = from->sa;
	to->len = from->len;
	if (to->sa.ss_family == AF_INET)
		((struct sockaddr_in *)(void *)&to->sa)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)(void *)&to->sa)->sin6_port = htons(port);
}

/* Marks stay with their addresses. */
static struct address_mark *mark_of(const struct resolver_address *a,
				    const struct resolver_addresses *before)
{
	const struct resolver_address *old = NULL;

	if (before != NULL)
		old = resolver_find(before, (const struct sockaddr *)&a->sa);
	return old != NULL ? old->mark : xcalloc(1, sizeof *a->mark);
}

static struct resolver_addresses *make_list(const struct resolver_name *name,
					    const struct resolver_addresses *before)
{
	const struct host *h = name->host;
	struct resolver_addresses *a = xcalloc(1, sizeof *a);

	a->n = h->addresses.n;
	a->n_known = h->addresses.n_known;
	a->failed = a->n == 0 && h->failing;
	for (unsigned i = 0; i < a->n_known; i++) {
		fill_address(&a->list[i], &h->addresses.list[i].address, name->port);
		a->list[i].mark = mark_of(&a->list[i], before);
	}
	return a;
}

static void publish(struct resolver *r, struct resolver_name *name)
{
	struct resolver_addresses *old = atomic_load(&name->current);
	struct resolver_addresses *fresh = make_list(name, old);

	fresh->version = old->version;
	if (memcmp(fresh, old, sizeof *fresh) == 0) {
		free(fresh);
		return;
	}
	fresh->version++;
	atomic_store(&name->current, fresh);
	for (unsigned i = 0; i < old->n_known; i++)
		if (!resolver_find(fresh, (const struct sockaddr *)&old->list[i].sa))
			epoch_retire(r->epochs, old->list[i].mark, free);
	epoch_retire(r->epochs, old, free);
	epoch_reclaim(r->epochs);
}

/* --- the log --- */

static void tell_trouble(struct host *h, int kind, const char *text, uint64_t now)
{
	if (!trouble_note(&h->trouble, kind, now))
		return;
	log_warn("resolver: %s: %s (for %llu s)%s", h->text, text,
		 (unsigned long long)trouble_age_s(&h->trouble, now),
		 h->addresses.n ? "; its latest addresses stay in use" : "");
}

static void tell_found(struct host *h, uint64_t now)
{
	uint64_t lasted_s;

	if (trouble_over(&h->trouble, now, &lasted_s))
		log_info("resolver: %s: found, after %llu s", h->text,
			 (unsigned long long)lasted_s);
}

/* --- look-ups; under the lock --- */

static bool is_wanted(const struct host *h)
{
	if (h->asked > 0)
		return true;
	for (struct resolver_name *n = h->names; n != NULL; n = n->next)
		if (atomic_load_explicit(&n->users, memory_order_relaxed) > 0)
			return true;
	return false;
}

static void wake(int fd)
{
	uint64_t one = 1;

	/* A counter at its limit means that the wake-up is on its way already. */
	if (fd >= 0 && write(fd, &one, sizeof one) < 0)
		return;
}

static void answer_questions(struct resolver *r, struct host *h,
			     const struct lookup_answer *a)
{
	for (struct resolver_question *q = r->questions; q != NULL; q = q->next) {
		if (q->host != h || q->answered)
			continue;
		q->answered = true;
		q->answer = *a;
		h->asked--;
		wake(q->wake_fd);
	}
}

static void take_answer(struct resolver *r, struct host *h, struct lookup_answer *a)
{
	uint64_t now = clock_mono_us();
	bool fine = a->error == 0;

	h->running = false;
	h->tried = true;
	h->failing = !fine;
	h->due_us =
		now + UINT64_C(1000) * (fine ? r->times.refresh_ms : r->times.retry_ms);
	if (fine) {
		tell_found(h, now);
		h->answered_us = now;
		name_addresses_note(&h->addresses, a, now,
				    UINT64_C(1000) * r->times.known_ms);
	} else {
		tell_trouble(h, a->error, lookup_error_text(a), now);
	}
	answer_questions(r, h, a);
	for (struct resolver_name *n = h->names; n != NULL; n = n->next)
		publish(r, n);
}

/* Names that were never tried before others, then the one that has waited longest. */
static bool goes_before(const struct host *a, const struct host *b)
{
	if (a->tried != b->tried)
		return !a->tried;
	return a->due_us < b->due_us;
}

static struct host *next_due(struct resolver *r, uint64_t now)
{
	bool only_good = lookup_running(r->pool) >= LOOKUP_THREADS_MAX - SPARE_THREADS;
	struct host *first = NULL;

	for (struct host *h = r->hosts; h != NULL; h = h->next) {
		if (h->fixed || h->running || h->due_us > now || !is_wanted(h))
			continue;
		if (only_good && h->failing)
			continue;
		if (first == NULL || goes_before(h, first))
			first = h;
	}
	return first;
}

static void start_due(struct resolver *r, uint64_t now)
{
	struct host *h;

	while ((h = next_due(r, now)) != NULL) {
		if (lookup_start(r->pool, h->text, h) == 0) {
			h->running = true;
			h->started_us = now;
			continue;
		}
		/* The end of one that runs starts the next. */
		if (lookup_running(r->pool) > 0)
			return;
		take_answer(r, h, &(struct lookup_answer){.error = LOOKUP_NO_THREAD});
	}
}

/* When it is due, or silent for long; tells the latter. */
static uint64_t look_at(struct host *h, uint64_t now)
{
	int kind;

	if (h->fixed)
		return UINT64_MAX;
	if (!h->running) /* due and not started: nobody wants it, or no thread is free */
		return h->due_us > now ? h->due_us : UINT64_MAX;
	if (now - h->started_us < SILENT_US)
		return h->started_us + SILENT_US;
	/* Silence before an error is no other trouble than the error: with a name server
	 * that times out the two take turns. */
	kind = h->trouble.since_us ? h->trouble.kind : SILENT;
	if (h->trouble.since_us == 0)
		h->trouble.since_us = h->started_us;
	tell_trouble(h, kind, "no name server has answered yet", now);
	return UINT64_MAX;
}

static uint64_t look_ahead(struct resolver *r, uint64_t now)
{
	uint64_t next = now + IDLE_US;

	for (struct host *h = r->hosts; h != NULL; h = h->next) {
		uint64_t at = look_at(h, now);

		if (at < next)
			next = at;
	}
	return next;
}

static void wait_until(struct resolver *r, uint64_t until)
{
	uint64_t now = clock_mono_us(), count;
	struct pollfd p = {.fd = r->wake_fd, .events = POLLIN};
	int ms = until > now ? (int)((until - now) / 1000) + 1 : 0;

	if (poll(&p, 1, ms) > 0 && read(r->wake_fd, &count, sizeof count) < 0)
		return;
}

static void *run_resolver(void *arg)
{
	struct resolver *r = arg;
	struct lookup_answer answer;
	struct host *h;
	uint64_t now, next;

	pthread_mutex_lock(&r->lock);
	while (!r->stopping) {
		while ((h = lookup_take(r->pool, &answer)) != NULL)
			take_answer(r, h, &answer);
		/* One moment for both: what falls due between two is in neither. */
		now = clock_mono_us();
		start_due(r, now);
		next = look_ahead(r, now);
		pthread_mutex_unlock(&r->lock);
		wait_until(r, next);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* --- life --- */

struct resolver *resolver_start(struct epoch_domain *epochs,
				const struct resolver_times *times)
{
	struct resolver *r = xcalloc(1, sizeof *r);

	atomic_init(&r->references, 1);
	r->epochs = epochs;
	if (times != NULL)
		r->times = *times;
	if (r->times.refresh_ms == 0)
		r->times.refresh_ms = REFRESH_MS;
	if (r->times.retry_ms == 0)
		r->times.retry_ms = RETRY_MS;
	if (r->times.known_ms == 0)
		r->times.known_ms = KNOWN_MS;
	CHECK(pthread_mutex_init(&r->lock, NULL) == 0);
	r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	CHECK(r->wake_fd >= 0);
	r->pool = lookup_pool_new(r->wake_fd);
	if (thread_start(&r->thread, "resolver", run_resolver, r))
		return r;
	lookup_pool_close(&r->pool);
	close(r->wake_fd);
	resolver_unref(&r);
	return NULL;
}

static void free_host(struct host *h)
{
	struct resolver_name *name;

	while ((name = h->names) != NULL) {
		struct resolver_addresses *a = atomic_load(&name->current);

		h->names = name->next;
		for (unsigned i = 0; i < a->n_known; i++)
			free(a->list[i].mark);
		free(a);
		free(name);
	}
	free(h->text);
	free(h);
}

void resolver_stop(struct resolver **resolver)
{
	struct resolver *r = *resolver;
	struct host *h;

	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	wake(r->wake_fd);
	pthread_mutex_unlock(&r->lock);
	CHECK(pthread_join(r->thread, NULL) == 0);
	lookup_pool_close(&r->pool);
	pthread_mutex_lock(&r->lock);
	close(r->wake_fd);
	r->wake_fd = -1;
	while ((h = r->hosts) != NULL) {
		r->hosts = h->next;
		answer_questions(r, h, &(struct lookup_answer){.error = EAI_AGAIN});
		free_host(h);
	}
	for (struct resolver_question *q = r->questions; q != NULL; q = q->next)
		q->host = NULL;
	pthread_mutex_unlock(&r->lock);
	resolver_unref(resolver);
}

struct resolver *resolver_ref(struct resolver *r)
{
	atomic_fetch_add(&r->references, 1);
	return r;
}

void resolver_unref(struct resolver **resolver)
{
	struct resolver *r = *resolver;

	*resolver = NULL;
	if (r == NULL || atomic_fetch_sub(&r->references, 1) > 1)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* --- names --- */

static struct host *find_host(struct resolver *r, const char *text)
{
	struct host *h;

	for (h = r->hosts; h != NULL; h = h->next)
		if (strcmp(h->text, text) == 0)
			return h;
	h = xcalloc(1, sizeof *h);
	h->text = xstrdup(text);
	h->fixed = name_addresses_fixed(&h->addresses, text);
	h->next = r->hosts;
	r->hosts = h;
	return h;
}

struct resolver_name *resolver_add(struct resolver *r, const char *host, uint16_t port)
{
	struct resolver_name *name;
	struct host *h;

	pthread_mutex_lock(&r->lock);
	CHECK(r->epochs != NULL && !r->stopping);
	h = find_host(r, host);
	for (name = h->names; name != NULL && name->port != port;)
		name = name->next;
	if (name == NULL) {
		name = xcalloc(1, sizeof *name);
		name->host = h;
		name->port = port;
		atomic_init(&name->current, make_list(name, NULL));
		name->next = h->names;
		h->names = name;
	}
	atomic_fetch_add(&name->users, 1);
	wake(r->wake_fd);
	pthread_mutex_unlock(&r->lock);
	return name;
}

void resolver_forget(struct resolver_name *name)
{
	CHECK(atomic_fetch_sub(&name->users, 1) > 0);
}

const struct resolver_addresses *resolver_get(const struct resolver_name *name)
{
	return atomic_load_explicit(&((struct resolver_name *)(uintptr_t)name)->current,
				    memory_order_acquire);
}

/* --- questions --- */

static void fill_answer(struct lookup_answer *a, const struct host *h)
{
	for (a->n = 0; a->n < h->addresses.n; a->n++)
		a->list[a->n] = h->addresses.list[a->n].address;
}

struct resolver_question *resolver_ask(struct resolver *r, const char *host, int wake_fd)
{
	struct resolver_question *q = xcalloc(1, sizeof *q);
	uint64_t now = clock_mono_us();

	q->resolver = resolver_ref(r);
	q->wake_fd = wake_fd;
	pthread_mutex_lock(&r->lock);
	if (r->wake_fd < 0) {
		q->answered = true;
		q->answer.error = EAI_AGAIN;
	} else {
		struct host *h = q->host = find_host(r, host);

		q->answered = h->fixed ||
			      (h->answered_us != 0 && now - h->answered_us < FRESH_US);
		if (q->answered)
			fill_answer(&q->answer, h);
		q->next = r->questions;
		r->questions = q;
		h->asked += !q->answered;
		if (!q->answered && !h->running)
			h->due_us = now;
		wake(r->wake_fd);
	}
	pthread_mutex_unlock(&r->lock);
	return q;
}

bool resolver_is_answered(struct resolver_question *q)
{
	bool answered;

	pthread_mutex_lock(&q->resolver->lock);
	answered = q->answered;
	pthread_mutex_unlock(&q->resolver->lock);
	return answered;
}

void resolver_answer(struct resolver_question *q, struct lookup_answer *out)
{
	pthread_mutex_lock(&q->resolver->lock);
	*out = q->answer;
	if (!q->answered)
		out->error = EAI_AGAIN;
	if (out->n == 0 && q->host != NULL)
		fill_answer(out, q->host);
	pthread_mutex_unlock(&q->resolver->lock);
}

void resolver_question_free(struct resolver_question **question)
{
	struct resolver_question *q = *question, **at;

	*question = NULL;
	if (q == NULL)
		return;
	pthread_mutex_lock(&q->resolver->lock);
	for (at = &q->resolver->questions; *at != NULL && *at != q;)
		at = &(*at)->next;
	if (*at == q)
		*at = q->next;
	if (!q->answered && q->host != NULL)
		q->host->asked--;
	pthread_mutex_unlock(&q->resolver->lock);
	resolver_unref(&q->resolver);
	free(q);
}
