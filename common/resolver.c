/* Names of upstreams to addresses, on a thread of its own. */
#include "common/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/log.h"
#include "common/net.h"

#define REFRESH_S 30
#define RETRY_S 2 /* after a failed look-up */

struct resolver_name {
	struct resolver_name *next;
	char *host;
	bool fixed; /* literal or localhost: never looked up */
	time_t due;
	struct resolver_addresses *_Atomic current;
};

struct resolver {
	/* names, stopping; a worker takes it only while configuring */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	struct epoch_domain *epochs;
	struct resolver_name *names;
	bool stopping;
};

static void add_literal(struct resolver_addresses *a, const char *text)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;

	CHECK(getaddrinfo(text, NULL, &hints, &found) == 0);
	memcpy(&a->list[a->n].sa, found->ai_addr, found->ai_addrlen);
	a->list[a->n++].len = found->ai_addrlen;
	freeaddrinfo(found);
}

/* What is known without asking anybody. */
static bool resolve_fixed(struct resolver_addresses *a, const char *host)
{
	struct net_ip ip;

	if (str_ieq(str_of(host), STR("localhost"))) {
		add_literal(a, "127.0.0.1");
		add_literal(a, "::1");
		return true;
	}
	if (!net_ip_parse(&ip, str_of(host)))
		return false;
	add_literal(a, host);
	return true;
}

/* Blocks. */
static bool look_up(const char *host, struct resolver_addresses *a)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(host, NULL, &hints, &found);

	if (rc != 0) {
		log_warn("resolver: %s: %s", host, gai_strerror(rc));
		return false;
	}
	for (struct addrinfo *i = found; i != NULL && a->n < RESOLVER_ADDRESSES_MAX;
	     i = i->ai_next) {
		memcpy(&a->list[a->n].sa, i->ai_addr, i->ai_addrlen);
		a->list[a->n++].len = i->ai_addrlen;
	}
	freeaddrinfo(found);
	return a->n > 0;
}

static void publish(struct resolver *r, struct resolver_name *name,
		    struct resolver_addresses *fresh)
{
	struct resolver_addresses *old = atomic_exchange(&name->current, fresh);

	epoch_retire(r->epochs, old, free);
	epoch_reclaim(r->epochs);
}

static void refresh(struct resolver *r, struct resolver_name *name)
{
	struct resolver_addresses *fresh = xcalloc(1, sizeof *fresh);
	const struct resolver_addresses *old = atomic_load(&name->current);
	bool fine = look_up(name->host, fresh);

	name->due = time(NULL) + (fine ? REFRESH_S : RETRY_S);
	if (fine && memcmp(fresh, old, sizeof *fresh) != 0) {
		publish(r, name, fresh);
		return;
	}
	if (!fine && old->n == 0 && !old->failed) {
		fresh->failed = true;
		publish(r, name, fresh);
		return;
	}
	free(fresh);
}

/* Under the lock; the name that is due first, or NULL. Names are never removed. */
static struct resolver_name *next_due(struct resolver *r)
{
	struct resolver_name *first = NULL;

	for (struct resolver_name *i = r->names; i != NULL; i = i->next)
		if (!i->fixed && (first == NULL || i->due < first->due))
			first = i;
	return first;
}

static void *resolver_thread(void *arg)
{
	struct resolver *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->stopping) {
		struct resolver_name *name = next_due(r);

		if (name != NULL && name->due <= time(NULL)) {
			pthread_mutex_unlock(&r->lock);
			refresh(r, name);
			pthread_mutex_lock(&r->lock);
		} else if (name != NULL) {
			struct timespec until = {.tv_sec = name->due};

			pthread_cond_timedwait(&r->wake, &r->lock, &until);
		} else {
			pthread_cond_wait(&r->wake, &r->lock);
		}
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct resolver *resolver_start(struct epoch_domain *epochs)
{
	struct resolver *r = xcalloc(1, sizeof *r);

	r->epochs = epochs;
	CHECK(pthread_mutex_init(&r->lock, NULL) == 0);
	CHECK(pthread_cond_init(&r->wake, NULL) == 0);
	CHECK(pthread_create(&r->thread, NULL, resolver_thread, r) == 0);
	return r;
}

void resolver_stop(struct resolver **resolver)
{
	struct resolver *r = *resolver;
	struct resolver_name *name;

	*resolver = NULL;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	while ((name = r->names) != NULL) {
		r->names = name->next;
		free(atomic_load(&name->current));
		free(name->host);
		free(name);
	}
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

struct resolver_name *resolver_add(struct resolver *r, const char *host)
{
	struct resolver_name *name;

	pthread_mutex_lock(&r->lock);
	for (name = r->names; name != NULL; name = name->next)
		if (strcmp(name->host, host) == 0)
			break;
	if (name == NULL) {
		struct resolver_addresses *a = xcalloc(1, sizeof *a);

		name = xcalloc(1, sizeof *name);
		name->host = xstrdup(host);
		name->fixed = resolve_fixed(a, host);
		atomic_init(&name->current, a);
		name->next = r->names;
		r->names = name;
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->lock);
	return name;
}

const struct resolver_addresses *resolver_get(const struct resolver_name *name)
{
	return atomic_load_explicit(&((struct resolver_name *)(uintptr_t)name)->current,
				    memory_order_acquire);
}
