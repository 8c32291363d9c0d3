/* The management plane's thread. */
#include "gateway/manager/manager.h"

#include <event2/event.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/loop_thread.h"
#include "gateway/http/front.h"
#include "gateway/manager/call.h"
#include "gateway/manager/confirmations.h"
#include "gateway/manager/exports.h"
#include "gateway/manager/db.h"
#include "gateway/manager/identities.h"
#include "gateway/manager/live.h"
#include "gateway/manager/providers.h"
#include "gateway/manager/tries.h"

#define MANAGER_MAGIC 0x6d6e6731u
#define MANAGER_CONNECTIONS_MAX 1024u
#define DRAIN_LOOK_MS 50u

struct manager {
	uint32_t magic;
	struct loop_thread *thread;
	struct event *drain_look;
	struct http_front *front;
	struct manager_context context;
};

static void end_if_drained(struct manager *m)
{
	if (http_front_is_drained(m->front) ||
	    clock_mono_us() >= loop_thread_deadline_us(m->thread))
		loop_thread_end(m->thread);
}

static void on_drain_look(evutil_socket_t fd, short what, void *arg)
{
	struct manager *m = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(m, MANAGER_MAGIC);
	end_if_drained(m);
}

static void on_stop(void *arg)
{
	struct manager *m = arg;
	struct timeval every = {0, DRAIN_LOOK_MS * 1000};

	OBJ_CHECK(m, MANAGER_MAGIC);
	http_front_drain(m->front);
	live_drain(m->context.live);
	CHECK(event_add(m->drain_look, &every) == 0);
	end_if_drained(m);
}

static void on_settings(void *arg, void *letter)
{
	struct manager *m = arg;

	OBJ_CHECK(m, MANAGER_MAGIC);
	settings_unref(&m->context.settings);
	m->context.settings = letter;
	providers_configure(m->context.providers, letter);
	identities_configure(m->context.identities, letter);
}

static void make_thread(struct manager *m, struct epoch_domain *epochs)
{
	m->thread = loop_thread_new(&(struct loop_thread_options){
		.name = "manager",
		.epochs = epochs,
		.on_letter = on_settings,
		.on_stop = on_stop,
		.ctx = m,
	});
	m->drain_look =
		event_new(loop_thread_base(m->thread), -1, EV_PERSIST, on_drain_look, m);
	CHECK(m->drain_look != NULL);
}

static void make_front(struct manager *m, const struct manager_options *o)
{
	struct http_front_options fo = {
		.base = loop_thread_base(m->thread),
		.handler = call_handler(),
		.ctx = &m->context,
		.limits = o->settings->limits,
		.timeouts = o->settings->timeouts,
	};

	fo.limits.body_bytes = CALL_OWN_BODY_MAX;
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
	make_thread(m, o->epochs);
	m->context.settings = settings_ref(o->settings);
	m->context.tokens = o->tokens;
	m->context.resolver = o->resolver;
	m->context.lane = o->lane;
	m->context.recording = o->recording;
	m->context.db = manager_db_new(loop_thread_base(m->thread), o->settings->database,
				       o->resolver);
	m->context.confirmations =
		confirmations_new(loop_thread_base(m->thread), m->context.db);
	m->context.exports = exports_new();
	m->context.tries = tries_new(m->context.db);
	m->context.providers = providers_new(loop_thread_base(m->thread), o->settings);
	m->context.identities = identities_new(m->context.db, m->context.tries,
					       m->context.providers, o->settings);
	m->context.live = live_new(&(struct live_options){
		.base = loop_thread_base(m->thread),
		.tap = o->tap,
		.tokens = o->tokens,
		.db = m->context.db,
		.identities = m->context.identities,
		.node = o->settings->node,
	});
	m->context.operations = o->operations;
	m->context.n_operations = o->n_operations;
	make_front(m, o);
	if (!loop_thread_start(m->thread))
		manager_free(&m);
	return m;
}

void manager_configure(struct manager *m, struct settings *s)
{
	struct settings *unread = loop_thread_post(m->thread, settings_ref(s));

	settings_unref(&unread);
}

void manager_drain(struct manager *m, uint64_t deadline_us)
{
	loop_thread_stop(m->thread, deadline_us);
}

bool manager_try_join(struct manager *m)
{
	return loop_thread_try_join(m->thread);
}

void manager_free(struct manager **manager)
{
	struct manager *m = *manager;
	struct settings *unread;

	*manager = NULL;
	loop_thread_join(m->thread);
	http_front_free(&m->front);
	live_free(&m->context.live);
	confirmations_free(&m->context.confirmations);
	manager_db_free(&m->context.db);
	/* A call that waits for the database may hold one. */
	exports_free(&m->context.exports);
	identities_free(&m->context.identities);
	providers_free(&m->context.providers);
	tries_free(&m->context.tries);
	unread = loop_thread_unread(m->thread);
	settings_unref(&unread);
	settings_unref(&m->context.settings);
	event_free(m->drain_look);
	loop_thread_free(&m->thread);
	m->magic = 0;
	free(m);
}
