/* The management plane's thread. */
#include "gateway/manager/manager.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/http/front.h"
#include "gateway/manager/db.h"
#include "gateway/manager/endpoint_table.h"

#define MANAGER_MAGIC 0x6d6e6731u
#define MANAGER_CONNECTIONS_MAX 1024u
#define DRAIN_LOOK_MS 50u

struct manager {
	uint32_t magic;
	pthread_t thread;
	struct event_base *base;
	struct event *wake, *drain_look;
	int wake_fd;
	struct epoch_reader *reader;
	struct http_front *front;
	struct manager_context context;
	bool draining;
	_Atomic(struct settings *) next_settings; /* mailbox; NULL: nothing new */
	_Atomic uint64_t stop_by_us;              /* monotonic; 0: runs */
};

static void end_if_drained(struct manager *m)
{
	if (http_front_is_drained(m->front) ||
	    clock_mono_us() >= atomic_load(&m->stop_by_us))
		event_base_loopbreak(m->base);
}

static void on_drain_look(evutil_socket_t fd, short what, void *arg)
{
	struct manager *m = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(m, MANAGER_MAGIC);
	end_if_drained(m);
}

static void begin_drain(struct manager *m)
{
	struct timeval every = {0, DRAIN_LOOK_MS * 1000};

	m->draining = true;
	http_front_drain(m->front);
	CHECK(event_add(m->drain_look, &every) == 0);
	end_if_drained(m);
}

static void take_settings(struct manager *m)
{
	struct settings *fresh = atomic_exchange(&m->next_settings, NULL);

	if (fresh == NULL)
		return;
	settings_unref(&m->context.settings);
	m->context.settings = fresh;
}

/* No published pointer is held here: each callback looks the token table up anew. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct manager *m = arg;
	uint64_t count;

	(void)what;
	OBJ_CHECK(m, MANAGER_MAGIC);
	if (read(fd, &count, sizeof count) < 0)
		count = 0;
	take_settings(m);
	epoch_quiesce(m->reader);
	if (atomic_load(&m->stop_by_us) != 0 && !m->draining)
		begin_drain(m);
}

static void *run_manager(void *arg)
{
	struct manager *m = arg;

	CHECK(event_base_dispatch(m->base) == 0);
	return NULL;
}

static void make_events(struct manager *m)
{
	m->base = event_base_new();
	CHECK(m->base != NULL);
	m->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	CHECK(m->wake_fd >= 0);
	m->wake = event_new(m->base, m->wake_fd, EV_READ | EV_PERSIST, on_wake, m);
	m->drain_look = event_new(m->base, -1, EV_PERSIST, on_drain_look, m);
	CHECK(m->wake != NULL && m->drain_look != NULL && event_add(m->wake, NULL) == 0);
}

static void make_front(struct manager *m, const struct manager_options *o)
{
	struct http_front_options fo = {
		.base = m->base,
		.handler = call_handler(),
		.ctx = &m->context,
		.limits = o->settings->limits,
		.timeouts = o->settings->timeouts,
	};

	fo.limits.body_bytes = MANAGER_BODY_MAX;
	if (fo.limits.connections > MANAGER_CONNECTIONS_MAX)
		fo.limits.connections = MANAGER_CONNECTIONS_MAX;
	m->front = http_front_new(&fo);
	for (size_t i = 0; i < o->n_listen_fds; i++)
		http_front_listen(m->front, o->listen_fds[i], false);
}

struct manager *manager_start(const struct manager_options *o)
{
	struct manager *m = xcalloc(1, sizeof *m);

	m->magic = MANAGER_MAGIC;
	make_events(m);
	m->context.settings = settings_ref(o->settings);
	m->context.tokens = o->tokens;
	m->context.lane = o->lane;
	m->context.db = manager_db_new(m->base, o->settings->database);
	m->context.endpoints = manager_endpoints(&m->context.n_endpoints);
	make_front(m, o);
	m->reader = epoch_reader_add(o->epochs, m->wake_fd);
	CHECK(pthread_create(&m->thread, NULL, run_manager, m) == 0);
	pthread_setname_np(m->thread, "manager");
	return m;
}

static void poke(struct manager *m)
{
	uint64_t one = 1;

	/* A counter at its limit means that the wake-up is on its way already. */
	if (write(m->wake_fd, &one, sizeof one) < 0)
		return;
}

void manager_configure(struct manager *m, struct settings *s)
{
	struct settings *unseen = atomic_exchange(&m->next_settings, settings_ref(s));

	settings_unref(&unseen);
	poke(m);
}

void manager_drain(struct manager *m, uint64_t deadline_us)
{
	atomic_store(&m->stop_by_us, deadline_us ? deadline_us : 1);
	poke(m);
}

void manager_join(struct manager *m)
{
	CHECK(pthread_join(m->thread, NULL) == 0);
	epoch_reader_remove(&m->reader);
}

void manager_free(struct manager **manager)
{
	struct manager *m = *manager;
	struct settings *unseen;

	*manager = NULL;
	http_front_free(&m->front);
	manager_db_free(&m->context.db);
	unseen = atomic_load(&m->next_settings);
	settings_unref(&unseen);
	settings_unref(&m->context.settings);
	event_free(m->wake);
	event_free(m->drain_look);
	event_base_free(m->base);
	close(m->wake_fd);
	m->magic = 0;
	free(m);
}
