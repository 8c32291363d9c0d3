/* The key sets of all issuers, kept fresh by a thread of its own. */
#include "gateway/sign_in/key_sets.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/thread_start.h"
#include "common/trouble.h"
#include "gateway/sign_in/fetch.h"

#define SECOND_US UINT64_C(1000000)
#define FRESH_US (600 * SECOND_US)
#define FILE_US (10 * SECOND_US)
#define RETRY_US (30 * SECOND_US)
#define ASKED_US (60 * SECOND_US)   /* between two fetches for unknown keys */
#define KEPT_US (86400 * SECOND_US) /* without a good answer */

struct source {
	char *issuer, *url, *file, *ca_file;
	char *document_url;         /* NULL: it is not discovered */
	struct jwks *set;           /* NULL: never was one, or it grew too old */
	struct discovery discovery; /* that the set was found by */
	uint64_t good_us, due_us, fetched_us;
	struct trouble trouble;
};

struct key_sets {
	struct key_sets_means means;
	pthread_mutex_t lock; /* of the sources' sets and times */
	pthread_cond_t changed;
	pthread_t thread;
	bool has_thread;
	_Atomic bool stop;
	size_t n;
	struct source *sources;
};

/* --- one set --- */

static bool read_file(const char *path, struct sbuf *body, struct sbuf *error)
{
	FILE *in = fopen(path, "rbe");
	char bytes[4096];
	size_t n;
	bool ok;

	if (in == NULL) {
		sbuf_printf(error, "%s: %s", path, strerror(errno));
		return false;
	}
	while ((n = fread(bytes, 1, sizeof bytes, in)) > 0)
		sbuf_add(body, bytes, n);
	ok = !ferror(in) && !body->overflow;
	if (!ok)
		sbuf_printf(error, "%s: %s", path,
			    body->overflow ? "it is too large" : strerror(errno));
	fclose(in);
	return ok;
}

static bool get_document(const struct key_sets *k, const struct source *s,
			 struct discovery *d, struct sbuf *error)
{
	const struct fetch f = {
		.url = s->document_url, .ca_file = s->ca_file, .stop = &k->stop};
	struct sbuf body;
	bool good;

	sbuf_init(&body, DISCOVERY_TEXT_MAX);
	good = k->means.get(&f, &body, error) &&
	       discovery_parse(d, sbuf_view(&body), s->issuer, error);
	sbuf_fini(&body);
	return good;
}

static struct jwks *get_set(const struct key_sets *k, const struct source *s,
			    const char *url, struct sbuf *error)
{
	const struct fetch f = {.url = url, .ca_file = s->ca_file, .stop = &k->stop};
	struct jwks *set = NULL;
	struct sbuf body;

	sbuf_init(&body, JWKS_TEXT_MAX);
	if (url != NULL ? k->means.get(&f, &body, error)
			: read_file(s->file, &body, error))
		set = jwks_parse(sbuf_view(&body), error);
	sbuf_fini(&body);
	return set;
}

/* d is empty where it is NULL. */
static struct jwks *get(const struct key_sets *k, const struct source *s,
			struct discovery *d, struct sbuf *error)
{
	struct jwks *set;

	*d = (struct discovery){0};
	if (s->document_url == NULL)
		return get_set(k, s, s->url, error);
	if (!get_document(k, s, d, error))
		return NULL;
	set = get_set(k, s, d->jwks_uri, error);
	if (set == NULL)
		discovery_fini(d);
	return set;
}

static void tell(struct source *s, bool good, const struct sbuf *error, uint64_t now)
{
	uint64_t lasted_s;

	if (good && trouble_over(&s->trouble, now, &lasted_s))
		log_info("sign-in: the keys of %s are there again, after %llu s",
			 s->issuer, (unsigned long long)lasted_s);
	if (!good && trouble_note(&s->trouble, 1, now))
		log_warn("sign-in: the keys of %s cannot be had: " STR_FMT "%s",
			 s->issuer, STR_ARG(sbuf_view(error)),
			 s->set ? "; the latest ones are used, for 24 h" : "");
}

static bool is_too_old(const struct source *s, uint64_t now)
{
	return now - s->good_us > KEPT_US;
}

/* Under the lock. Takes set and d over. */
static void take(struct source *s, struct jwks *set, const struct discovery *d,
		 const struct sbuf *error, uint64_t now)
{
	s->fetched_us = now;
	s->due_us = now + (s->file != NULL ? FILE_US : set == NULL ? RETRY_US : FRESH_US);
	if (set != NULL) {
		jwks_free(&s->set);
		discovery_fini(&s->discovery);
		s->set = set;
		s->discovery = *d;
		s->good_us = now;
	} else if (s->set != NULL && is_too_old(s, now)) {
		jwks_free(&s->set);
	}
	tell(s, set != NULL, error, now);
}

/* --- renewing --- */

static struct source *next_due(struct key_sets *k)
{
	struct source *first = &k->sources[0];

	for (size_t i = 1; i < k->n; i++)
		if (k->sources[i].due_us < first->due_us)
			first = &k->sources[i];
	return first;
}

static void renew(struct key_sets *k, struct source *s)
{
	struct discovery d;
	struct sbuf error;
	struct jwks *set;

	sbuf_init(&error, 4096);
	pthread_mutex_unlock(&k->lock);
	set = get(k, s, &d, &error);
	pthread_mutex_lock(&k->lock);
	if (atomic_load(&k->stop)) {
		jwks_free(&set);
		discovery_fini(&d);
	} else {
		take(s, set, &d, &error, k->means.now_us());
	}
	sbuf_fini(&error);
}

/* Under the lock, which is let go of meanwhile. When the next is due. */
static uint64_t renew_due(struct key_sets *k)
{
	struct source *s = next_due(k);

	while (!atomic_load(&k->stop) && s->due_us <= k->means.now_us()) {
		renew(k, s);
		s = next_due(k);
	}
	return s->due_us;
}

uint64_t key_sets_renew(struct key_sets *k)
{
	uint64_t due_us;

	pthread_mutex_lock(&k->lock);
	due_us = renew_due(k);
	pthread_mutex_unlock(&k->lock);
	return due_us;
}

/* --- the thread --- */

static void wait_until(struct key_sets *k, uint64_t due_us)
{
	struct timespec t = {(time_t)(due_us / SECOND_US),
			     (long)(due_us % SECOND_US * 1000)};

	pthread_cond_timedwait(&k->changed, &k->lock, &t);
}

static void *run(void *arg)
{
	struct key_sets *k = arg;

	pthread_mutex_lock(&k->lock);
	while (!atomic_load(&k->stop)) {
		uint64_t due_us = renew_due(k);

		if (!atomic_load(&k->stop))
			wait_until(k, due_us);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

/* --- life --- */

static char *copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static void free_all(struct key_sets *k)
{
	for (size_t i = 0; i < k->n; i++) {
		struct source *s = &k->sources[i];

		jwks_free(&s->set);
		free(s->issuer);
		free(s->url);
		free(s->file);
		free(s->ca_file);
		free(s->document_url);
		discovery_fini(&s->discovery);
	}
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->lock);
	free(k->sources);
	free(k);
}

static void make_lock(struct key_sets *k)
{
	pthread_condattr_t monotonic;

	CHECK(pthread_mutex_init(&k->lock, NULL) == 0);
	CHECK(pthread_condattr_init(&monotonic) == 0 &&
	      pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
	      pthread_cond_init(&k->changed, &monotonic) == 0);
	pthread_condattr_destroy(&monotonic);
}

struct key_sets *key_sets_new(const struct key_source *sources, size_t n,
			      const struct key_sets_means *means)
{
	struct key_sets *k = xcalloc(1, sizeof *k);

	CHECK(n > 0);
	make_lock(k);
	k->means = *means;
	k->n = n;
	k->sources = xcalloc(n, sizeof *k->sources);
	for (size_t i = 0; i < n; i++)
		k->sources[i] = (struct source){
			.issuer = copy(sources[i].issuer),
			.url = copy(sources[i].url),
			.file = copy(sources[i].file),
			.ca_file = copy(sources[i].ca_file),
			.document_url = sources[i].is_discovered
						? discovery_url(sources[i].issuer)
						: NULL,
		};
	return k;
}

struct key_sets *key_sets_start(const struct key_source *sources, size_t n)
{
	static const struct key_sets_means means = {clock_mono_us, fetch_get};
	struct key_sets *k = key_sets_new(sources, n, &means);

	k->has_thread = thread_start(&k->thread, "key-sets", run, k);
	if (!k->has_thread)
		key_sets_stop(&k);
	return k;
}

void key_sets_stop(struct key_sets **sets)
{
	struct key_sets *k = *sets;

	*sets = NULL;
	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	atomic_store(&k->stop, true);
	pthread_cond_signal(&k->changed);
	pthread_mutex_unlock(&k->lock);
	if (k->has_thread)
		CHECK(pthread_join(k->thread, NULL) == 0);
	free_all(k);
}

/* --- signatures --- */

static void ask(struct key_sets *k, struct source *s)
{
	uint64_t soonest = s->fetched_us + ASKED_US;

	if (soonest < s->due_us) {
		s->due_us = soonest;
		pthread_cond_signal(&k->changed);
	}
}

enum key_sets_verdict key_sets_verify(struct key_sets *k, size_t source, struct str token,
				      struct str kid, enum jwt_algorithm algorithm)
{
	struct source *s = &k->sources[source];
	enum key_sets_verdict verdict = KEY_SETS_NONE;

	CHECK(source < k->n);
	pthread_mutex_lock(&k->lock);
	if (s->set != NULL && !is_too_old(s, k->means.now_us()))
		switch (jwks_verify(s->set, token, kid, algorithm)) {
		case JWKS_RIGHT:
			verdict = KEY_SETS_RIGHT;
			break;
		case JWKS_WRONG:
			verdict = KEY_SETS_WRONG;
			break;
		case JWKS_NO_KEY:
			verdict = KEY_SETS_NO_KEY;
			ask(k, s);
			break;
		}
	pthread_mutex_unlock(&k->lock);
	return verdict;
}

bool key_sets_discovery(struct key_sets *k, size_t source, struct discovery *d)
{
	const struct source *s = &k->sources[source];
	bool is_there;

	CHECK(source < k->n);
	*d = (struct discovery){0};
	pthread_mutex_lock(&k->lock);
	is_there = s->set != NULL && s->document_url != NULL &&
		   !is_too_old(s, k->means.now_us());
	if (is_there)
		discovery_copy(d, &s->discovery);
	pthread_mutex_unlock(&k->lock);
	return is_there;
}
