/* A worker: one thread, one event base, one front, one set of upstream pools.
 *
 * Other threads reach it in two ways only (common/loop_thread.h): new settings are the
 * letter that worker_configure posts, the end of the drain is the thread's deadline. */
#include "gateway/proxy/worker.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/loop_thread.h"
#include "common/tls.h"
#include "gateway/http/front.h"
#include "gateway/proxy/dispatch.h"
#include "gateway/proxy/exchange_end.h"

#define TICK_US 200000
#define DRAIN_TICK_US 50000 /* whoever stops us waits */
/* After drain_s, for what is being handed out. */
#define STOP_US (EXCHANGE_STOP_MS * 1000u + 2 * DRAIN_TICK_US)
#define FILES_RESERVED 512 /* descriptors for everything but proxied connections */
#define WORKER_MAGIC 0x576f726bu

struct worker {
	uint32_t magic;
	struct worker_options options;
	struct loop_thread *thread;
	struct event_base *base; /* the thread's */
	struct http_front *front;
	struct event *tick;
	struct exchange_env env;
	uint64_t stop_us; /* the time to drain was over */
};

/* The limit is the process's, and what its descriptors allow; each worker takes its
 * share. A proxied connection takes two, an idle one takes one: where there are not two
 * for each, a quarter is kept for upstreams. */
static struct settings_limits own_limits(const struct settings *s)
{
	struct settings_limits limits = s->limits;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
	    files.rlim_cur < (rlim_t)limits.connections * 2 + FILES_RESERVED)
		limits.connections =
			files.rlim_cur > 2 * FILES_RESERVED
				? (uint32_t)(files.rlim_cur - FILES_RESERVED) / 4 * 3
				: FILES_RESERVED / 2;
	limits.connections = (limits.connections + s->workers - 1) / s->workers;
	return limits;
}

/* False: the files cannot be used (logged). */
static bool load_tls(struct worker *w, const struct settings *s, SSL_CTX **ctx)
{
	char why[256];

	*ctx = NULL;
	if (w->options.n_tls_fds == 0 || s->tls_certificate == NULL)
		return true;
	*ctx = tls_server_ctx_new(s->tls_certificate, s->tls_key, w->options.ticket_keys,
				  why, sizeof why);
	if (*ctx == NULL)
		log_error("tls.certificate: %s", why);
	return *ctx != NULL;
}

static void on_settings(void *arg, void *letter)
{
	struct worker *w = arg;
	struct settings *s = letter;
	struct settings_limits limits = own_limits(s);
	struct site *site = site_new(w->base, s, w->options.resolver);
	SSL_CTX *tls = NULL;

	OBJ_CHECK(w, WORKER_MAGIC);
	if (site == NULL || !load_tls(w, s, &tls)) {
		log_error("worker %u keeps its old configuration", w->options.index);
		if (site != NULL)
			site_free(&site);
		settings_unref(&s);
		return;
	}
	sites_use(&w->env.sites, site);
	http_front_configure(w->front, &limits, &s->timeouts, &s->trusted_proxies);
	if (tls != NULL)
		http_front_set_tls(w->front, tls);
	settings_unref(&s);
}

static void stop_if_idle(struct worker *w)
{
	if (http_front_is_drained(w->front) && dispatch_is_idle(&w->env))
		loop_thread_end(w->thread);
}

static void on_stop(void *arg)
{
	struct worker *w = arg;

	OBJ_CHECK(w, WORKER_MAGIC);
	w->env.draining = true;
	http_front_drain(w->front);
	event_add(w->tick, &(struct timeval){0, DRAIN_TICK_US});
}

static void stop_running(struct worker *w, uint64_t now)
{
	if (w->stop_us == 0)
		w->stop_us = now;
	/* Each time: a connection may still have had a request. */
	dispatch_stop(&w->env);
	if (now - w->stop_us > STOP_US)
		loop_thread_end(w->thread);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	uint64_t now = clock_mono_us();

	(void)fd;
	(void)what;
	OBJ_CHECK(w, WORKER_MAGIC);
	sites_tick(&w->env.sites, now);
	dispatch_tick(&w->env, now);
	sites_sweep(&w->env.sites);
	if (w->env.draining && now > loop_thread_deadline_us(w->thread))
		stop_running(w, now);
	stop_if_idle(w);
}

static void listen_all(struct worker *w)
{
	size_t n = w->options.n_listen_fds, plain = n - w->options.n_tls_fds;

	for (size_t i = 0; i < n; i++)
		http_front_listen(w->front, w->options.listen_fds[i], i >= plain);
}

static bool init_front(struct worker *w, const struct settings *s)
{
	struct http_front_options o = {
		.base = w->base,
		.handler = dispatch_handler(),
		.ctx = &w->env,
		.limits = own_limits(s),
		.timeouts = s->timeouts,
		.address_cap = w->options.address_cap,
		.trusted = &s->trusted_proxies,
	};
	SSL_CTX *tls;

	if (!load_tls(w, s, &tls))
		return false;
	w->front = http_front_new(&o);
	if (tls != NULL)
		http_front_set_tls(w->front, tls);
	listen_all(w);
	return true;
}

static bool init_site(struct worker *w, const struct worker_options *o)
{
	w->env.sites.current = site_new(w->base, o->settings, o->resolver);
	return w->env.sites.current != NULL;
}

static void close_listen_fds(const struct worker_options *o)
{
	for (size_t i = 0; i < o->n_listen_fds; i++)
		close(o->listen_fds[i]);
}

static void init_thread(struct worker *w)
{
	struct loop_thread_options o = {
		.busy = true,
		.epochs = w->options.epochs,
		.on_letter = on_settings,
		.on_stop = on_stop,
		.ctx = w,
	};

	snprintf(o.name, sizeof o.name, "worker-%u", w->options.index % 1000);
	w->thread = loop_thread_new(&o);
	w->base = loop_thread_base(w->thread);
	w->tick = event_new(w->base, -1, EV_PERSIST, on_tick, w);
	CHECK(w->tick != NULL && event_add(w->tick, &(struct timeval){0, TICK_US}) == 0);
}

struct worker *worker_start(const struct worker_options *o)
{
	struct worker *w = xcalloc(1, sizeof *w);

	w->magic = WORKER_MAGIC;
	w->options = *o;
	init_thread(w);
	w->env.tokens = o->tokens;
	w->env.lane = o->lane;
	w->env.recording = o->recording;
	w->env.access = o->access;
	exchange_env_init(&w->env);
	if (!init_site(w, o) || !init_front(w, o->settings)) {
		close_listen_fds(o);
		worker_free(&w);
		return NULL;
	}
	w->options.settings = NULL;
	w->options.listen_fds = NULL;
	if (!loop_thread_start(w->thread))
		worker_free(&w);
	return w;
}

void worker_configure(struct worker *w, struct settings *s)
{
	struct settings *unread = loop_thread_post(w->thread, settings_ref(s));

	settings_unref(&unread);
}

void worker_drain(struct worker *w, uint64_t deadline_us)
{
	loop_thread_stop(w->thread, deadline_us);
}

bool worker_try_join(struct worker *w)
{
	return loop_thread_try_join(w->thread);
}

unsigned worker_running(const struct worker *w)
{
	return atomic_load_explicit(&w->env.running, memory_order_relaxed);
}

void worker_free(struct worker **worker)
{
	struct worker *w = *worker;
	struct settings *unread;

	*worker = NULL;
	loop_thread_join(w->thread);
	http_front_free(&w->front);
	dispatch_stop(&w->env);
	sites_use(&w->env.sites, NULL);
	sites_sweep(&w->env.sites);
	CHECK(w->env.sites.old == NULL);
	unread = loop_thread_unread(w->thread);
	settings_unref(&unread);
	event_free(w->tick);
	loop_thread_free(&w->thread);
	exchange_env_fini(&w->env);
	free(w);
}
