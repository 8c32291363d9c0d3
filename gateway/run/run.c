/* The composition root: what runs in this process, in which order it starts and stops. */
#include "gateway/run/run.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/epoch.h"
#include "common/log.h"
#include "common/resolver.h"
#include "common/tls.h"
#include "gateway/api/operations.h"
#include "gateway/http/access_log.h"
#include "gateway/http/address_cap.h"
#include "gateway/journal/recording.h"
#include "gateway/journal/tap.h"
#include "gateway/recorder/recorder.h"
#include "gateway/run/node_usage.h"
#include "gateway/run/planes.h"
#include "gateway/run/signals.h"
#include "gateway/run/status.h"
#include "gateway/token/token_sync.h"

#define FIRST_ANSWER_MS 2000 /* wait for PostgreSQL before saying "ready" */
#define FIRST_LOAD_MS 5000   /* in all, once it has answered and sends the keys */
#define FEW_FILES 4096       /* open files below which the start says so */
#define TAP_BYTES ((size_t)512 * 1024)
#define FLUSH_MS 4000 /* for usage rows, on the way out */
#define LARGE_BYTES (512 * 1024)

struct gateway {
	struct settings *settings; /* what it was started with */
	uint32_t flush_ms;
	struct listeners *listeners;
	struct epoch_domain *epochs;
	struct access_log *access; /* NULL: none */
	struct resolver *resolver;
	struct token_sync *tokens;
	_Atomic bool keys_are_in_use;
	struct usage_tap *tap;         /* from the journal to the live feed */
	struct usage_journal *journal; /* a lane per worker, the last is the manager's */
	struct recording *recording;
	struct recorder *recorder;
	struct node_usage node_usage;
	struct address_cap *address_cap;
	unsigned char ticket_keys[TLS_TICKET_KEY_BYTES];
	struct planes planes;
	struct settings *current; /* since the latest reload */
	struct status status;
	uint64_t left; /* usage rows that the recorder could not store */
	bool left_is_durable;
};

/* --- the parts --- */

/* A connection takes two descriptors; the limit that we may raise ourselves is raised. */
static bool raise_descriptor_limit(struct gateway *g)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)g->settings->limits.connections * 2 + 512;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return true;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < FEW_FILES && limit.rlim_cur < wanted)
		log_warn(
			"only %llu open files are allowed, two per call: raise the limit (LimitNOFILE=) to serve limits.connections",
			(unsigned long long)limit.rlim_cur);
	return true;
}

static bool open_listeners(struct gateway *g)
{
	g->listeners = listeners_open(g->settings);
	return g->listeners != NULL;
}

static void close_listeners(struct gateway *g)
{
	listeners_close(&g->listeners);
}

static bool start_epochs(struct gateway *g)
{
	g->epochs = epoch_domain_new();
	return true;
}

static void stop_epochs(struct gateway *g)
{
	epoch_domain_free(g->epochs);
}

static bool start_access_log(struct gateway *g)
{
	if (g->settings->access_log)
		g->access = access_log_start(log_writer_get(), STDOUT_FILENO);
	return true;
}

static void stop_access_log(struct gateway *g)
{
	access_log_stop(&g->access);
}

static bool start_resolver(struct gateway *g)
{
	g->resolver = resolver_start(g->epochs, NULL);
	return g->resolver != NULL;
}

static void stop_resolver(struct gateway *g)
{
	resolver_stop(&g->resolver);
}

static bool start_tokens(struct gateway *g)
{
	const struct settings *s = g->settings;
	char *snapshot = NULL;
	struct token_sync_options o = {
		.database = s->database,
		.poll_ms = s->token_poll_ms,
		.max_stale_ms = s->max_stale_ms,
		.epochs = g->epochs,
		.resolver = g->resolver,
		.node = {s->node, node_usage_look, &g->node_usage},
	};

	node_usage_init(&g->node_usage);
	if (s->state_dir != NULL) {
		if (mkdir(s->state_dir, 0700) != 0 && errno != EEXIST)
			log_warn("state_dir %s: %s; no snapshot of keys is kept",
				 s->state_dir, strerror(errno));
		else
			snapshot = xasprintf("%s/tokens.snapshot", s->state_dir);
	}
	o.snapshot = snapshot;
	g->tokens = token_sync_start(&o);
	free(snapshot);
	return g->tokens != NULL;
}

static void stop_tokens(struct gateway *g)
{
	token_sync_stop(&g->tokens);
	node_usage_fini(&g->node_usage);
}

static bool open_journal(struct gateway *g)
{
	const struct settings *s = g->settings;
	char *beside = s->state_dir != NULL ? xasprintf("%s/usage", s->state_dir) : NULL;
	struct journal_options o = {
		.directory = s->journal.directory ? s->journal.directory : beside,
		.node = s->node,
		.n_lanes = s->workers + 1,
		.max_bytes = s->journal.max_bytes,
		.ring_bytes = s->journal.ring_bytes,
		.sync_ms = s->journal.sync_ms,
	};

	o.tap = g->tap = usage_tap_new(TAP_BYTES);

	g->journal = usage_journal_open(&o);
	free(beside);
	if (g->journal == NULL)
		usage_tap_free(&g->tap);
	return g->journal != NULL;
}

static void close_journal(struct gateway *g)
{
	usage_journal_close(&g->journal);
	usage_tap_free(&g->tap);
}

static bool instance_of_keys(void *ctx, unsigned char out[JOURNAL_INSTANCE_BYTES])
{
	struct gateway *g = ctx;

	/* Before, it may be that of a snapshot, of keys that nobody was judged by. */
	return atomic_load(&g->keys_are_in_use) && token_sync_instance(g->tokens, out);
}

static void stop_without_recorder(struct gateway *g)
{
	usage_journal_discard(g->journal);
	recording_free(&g->recording);
}

static bool start_recorder(struct gateway *g)
{
	struct recorder_options o = {
		.database = g->settings->database,
		.resolver = g->resolver,
		.node = g->settings->node,
		.retention_days = g->settings->usage_retention_days,
		.instance = instance_of_keys,
		.ctx = g,
	};

	g->recording = o.recording = recording_new(g->journal);
	g->recorder = recorder_start(&o, g->journal);
	/* Nothing is in the group yet: its files need not wait for the next start. */
	if (g->recorder == NULL)
		stop_without_recorder(g);
	else
		node_usage_ask(&g->node_usage, g->recorder, g->recording);
	return g->recorder != NULL;
}

static void stop_recorder(struct gateway *g)
{
	node_usage_ask(&g->node_usage, NULL, NULL);
	g->left = recorder_stop(&g->recorder, g->flush_ms);
	g->left_is_durable = usage_journal_is_durable(g->journal);
	recording_free(&g->recording);
}

static bool wait_for_keys(struct gateway *g)
{
	if (!token_sync_wait_first(g->tokens, FIRST_ANSWER_MS, FIRST_LOAD_MS))
		log_warn("PostgreSQL has not told the keys yet: %s",
			 token_sync_table(g->tokens) != NULL
				 ? "those of the snapshot are served, others get 503"
				 : "callers get 503 until they are loaded");
	atomic_store(&g->keys_are_in_use, true);
	return true;
}

static struct usage_lane *lane_of(const struct gateway *g, unsigned i)
{
	return usage_journal_own(g->journal)->lanes[i];
}

static bool start_manager(struct gateway *g)
{
	size_t n = listeners_of_manager(g->listeners);
	int *fds = xcalloc(n, sizeof *fds);
	struct manager_options o = {
		.settings = g->settings,
		.tokens = g->tokens,
		.epochs = g->epochs,
		.resolver = g->resolver,
		.lane = lane_of(g, g->settings->workers),
		.recording = g->recording,
		.tap = g->tap,
		.listen_fds = fds,
		.n_listen_fds = n,
	};

	o.operations = api_operations(&o.n_operations);
	listeners_take_manager(g->listeners, fds);
	g->planes.manager = manager_start(&o);
	free(fds);
	return g->planes.manager != NULL;
}

static void stop_manager(struct gateway *g)
{
	manager_drain(g->planes.manager, 0);
	manager_free(&g->planes.manager);
}

static bool start_worker(struct gateway *g, unsigned i)
{
	size_t n = listeners_per_worker(g->listeners);
	int *fds = xcalloc(n, sizeof *fds);
	struct worker_options o = {
		.index = i,
		.settings = g->settings,
		.tokens = g->tokens,
		.epochs = g->epochs,
		.resolver = g->resolver,
		.lane = lane_of(g, i),
		.recording = g->recording,
		.access = g->access ? access_log_lane(g->access) : NULL,
		.listen_fds = fds,
		.n_listen_fds = n,
		.n_tls_fds = listeners_addresses(g->listeners)->n_tls,
		.address_cap = g->address_cap,
		.ticket_keys = g->ticket_keys,
	};

	struct worker *w;

	listeners_take_worker(g->listeners, i, fds);
	w = worker_start(&o);
	if (w != NULL)
		g->planes.workers[g->planes.n_workers++] = w;
	free(fds);
	return w != NULL;
}

static void stop_workers(struct gateway *g)
{
	struct planes *p = &g->planes;

	for (unsigned i = 0; i < p->n_workers; i++)
		worker_drain(p->workers[i], 0);
	while (p->n_workers > 0)
		worker_free(&p->workers[--p->n_workers]);
	free(p->workers);
	address_cap_free(&g->address_cap);
	OPENSSL_cleanse(g->ticket_keys, sizeof g->ticket_keys);
}

static bool start_workers(struct gateway *g)
{
	CHECK(RAND_bytes(g->ticket_keys, sizeof g->ticket_keys) == 1);
	g->address_cap = address_cap_new();
	g->planes.workers = xcalloc(g->settings->workers, sizeof(struct worker *));
	for (unsigned i = 0; i < g->settings->workers; i++) {
		if (start_worker(g, i))
			continue;
		stop_workers(g);
		return false;
	}
	return true;
}

/* --- their order --- */

struct part {
	bool (*start)(struct gateway *g); /* false: it said why, and holds nothing */
	void (*stop)(struct gateway *g);  /* NULL: there is nothing to stop */
};

/* Everything that runs, in the order of its start. At the end the planes drain first, the
 * workers before the manager (planes_drain); then all parts stop, the last one first.
 *
 * Order matters, because a part uses only those above it, from its start to its stop; and
 * because of what is said at each. */
static const struct part parts[] = {
	/* First: what is opened below counts against it, and workers share it out. */
	{raise_descriptor_limit, NULL},
	/* Before anything is read or written: where another process has an address, this
	 * one ends here and has touched nothing of the other's. Calls wait in the
	 * sockets' queues until workers accept. */
	{open_listeners, close_listeners},
	/* Below all that publish and all that read: it frees what both have left. */
	{start_epochs, stop_epochs},
	/* Stops after the recorder: an output that nobody reads does not hold up rows. */
	{start_access_log, stop_access_log},
	/* Before all that connect by name. Its stop waits for no look-up. */
	{start_resolver, stop_resolver},
	/* Keys load while the journal is opened. */
	{start_tokens, stop_tokens},
	/* Lanes, before those that append and the one that reads; closed after both. */
	{open_journal, close_journal},
	/* Stops when both planes have ended, so that it writes their last rows. */
	{start_recorder, stop_recorder},
	/* Before the planes accept: nobody who calls early is told to come back. */
	{wait_for_keys, NULL},
	/* Before the workers, and after them at the end: edge Workers still report
	 * to it then. */
	{start_manager, stop_manager},
	{start_workers, stop_workers},
};

/* How many parts have started: all, unless one has failed. */
static size_t start_parts(struct gateway *g)
{
	size_t n = 0;

	while (n < ARRAY_LEN(parts) && parts[n].start(g))
		n++;
	return n;
}

static void stop_parts(struct gateway *g, size_t n)
{
	while (n-- > 0)
		if (parts[n].stop != NULL)
			parts[n].stop(g);
}

/* --- from ready to the end --- */

static void warn_of_restart(const struct settings *started, const struct settings *next)
{
	struct sbuf names;

	sbuf_init(&names, 1 << 16);
	settings_restart_keys(started, next, &names);
	if (names.n > 0)
		log_warn("reload: a change of " STR_FMT " takes a restart",
			 STR_ARG(sbuf_view(&names)));
	sbuf_fini(&names);
}

static void reload(struct gateway *g, const struct run_options *o)
{
	struct settings *next;

	status_reloading();
	next = o->reload ? o->reload(o->ctx) : NULL;
	if (next != NULL) {
		warn_of_restart(g->settings, next);
		planes_configure(&g->planes, next);
	}
	status_reloaded(&g->status, next);
	if (next == NULL)
		return;
	settings_unref(&g->current);
	g->current = next;
}

static void serve_until_stopped(struct gateway *g, const struct run_options *o)
{
	const struct run_addresses *addresses = listeners_addresses(g->listeners);
	int signal_number;

	g->current = settings_ref(g->settings);
	g->status.settings = g->current;
	g->status.tokens = g->tokens;
	g->status.recording = g->recording;
	if (o->on_ready)
		o->on_ready(o->ctx, addresses);
	status_ready(&g->status, o->on_ready ? NULL : addresses);
	for (;;) {
		signal_number = signals_wait(status_refresh_ms());
		if (signal_number == SIGHUP)
			reload(g, o);
		else if (signal_number != 0)
			break;
		else
			status_refresh(&g->status);
	}
	status_stopping(&g->status, signal_number, planes_running(&g->planes));
	planes_drain(&g->planes, g->settings->timeouts.drain_ms);
}

/* What is large goes back to the system when it is freed. By itself malloc keeps it, from
 * the second time on, in the thread's arena, where aligned memory of the same size does
 * not fit again: a lap of the journal was lost each time the recorder fell behind. */
static void give_back_what_is_large(void)
{
	/* Sanitizers' allocators take no options. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

int run_gateway(const struct run_options *options)
{
	struct gateway g = {
		.settings = options->settings,
		.flush_ms = options->flush_ms ? options->flush_ms : FLUSH_MS,
	};
	size_t started;
	bool all;

	signals_block();
	give_back_what_is_large();
	started = start_parts(&g);
	all = started == ARRAY_LEN(parts);
	if (all)
		serve_until_stopped(&g, options);
	stop_parts(&g, started);
	if (all)
		status_stopped(&g.status, g.left, g.left_is_durable);
	settings_unref(&g.current);
	settings_unref(&g.settings);
	return all ? 0 : 1;
}
