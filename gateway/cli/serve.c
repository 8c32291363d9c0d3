/* `tollgate serve`, and running the whole gateway in this process. */
#include "gateway/cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/epoch.h"
#include "common/log.h"
#include "common/tls.h"
#include "gateway/cli/cli.h"
#include "gateway/http/access_log.h"
#include "gateway/http/address_cap.h"
#include "gateway/http/listen.h"
#include "gateway/http/listen_inherited.h"
#include "gateway/manager/manager.h"
#include "gateway/proxy/worker.h"
#include "gateway/token/token_sync.h"
#include "gateway/recorder/recorder.h"

#define FIRST_LOAD_MS 5000 /* wait for the keys before saying "ready" */
#define FEW_FILES 4096     /* open files below which the start says so */
#define FLUSH_MS 4000      /* for usage rows, on the way out */

/* Everything that runs. Order of start is order of fields; stop goes backwards. */
struct gateway {
	struct settings *settings;
	struct epoch_domain *epochs;
	struct resolver *resolver;
	struct token_sync *tokens;
	struct usage_journal *journal; /* a lane per worker, the last is the manager's */
	struct recorder *recorder;
	struct access_log *access;
	struct manager *manager;
	struct worker **workers;
	unsigned n_workers;
	int *fds; /* n_workers per listening address (TLS last), then the manager's */
	unsigned char ticket_keys[TLS_TICKET_KEY_BYTES];
	struct serve_addresses addresses;
	struct listen_file *files; /* one per listening address of our own */
	size_t n_files;
	struct listen_inherited inherited;
	struct address_cap *address_cap;
	uint32_t flush_ms;
	_Atomic bool cut; /* a second signal came */
};

static void set_of_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void serve_block_signals(void)
{
	sigset_t set;

	set_of_signals(&set);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	signal(SIGPIPE, SIG_IGN);
}

/* A connection takes two descriptors; the limit that we may raise ourselves is raised. */
static void raise_descriptor_limit(const struct settings *s)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)s->limits.connections * 2 + 512;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < FEW_FILES && limit.rlim_cur < wanted)
		log_warn(
			"only %llu open files are allowed, two per call: raise the limit "
			"(LimitNOFILE=) to serve limits.connections",
			(unsigned long long)limit.rlim_cur);
}

/* A socket from the service manager is shared by all workers; one of our own is opened
 * once per worker. */
static bool open_listener(struct gateway *g, const struct net_listen *address,
			  unsigned each, int *fds, char *bound)
{
	const char *why;

	fds[0] = listen_inherited_find(&g->inherited, address);
	if (fds[0] >= 0) {
		for (unsigned i = 1; i < each; i++) {
			fds[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
			CHECK(fds[i] >= 0);
		}
		snprintf(bound, sizeof address->text, "%s", address->text);
		return true;
	}
	if (listen_open(address, fds, each, bound, &why)) {
		listen_file_note(&g->files[g->n_files++], bound);
		return true;
	}
	log_error("cannot listen on %s: %s (%s)", address->text, why, strerror(errno));
	return false;
}

static bool open_listeners(struct gateway *g, const struct settings_listeners *list,
			   unsigned each, int *fds, char bound[][128], size_t *n_bound)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!open_listener(g, &list->items[i], each, fds + i * each, bound[i]))
			return false;
		*n_bound = i + 1;
	}
	return true;
}

static bool open_all(struct gateway *g)
{
	const struct settings *s = g->settings;
	size_t n_plain = s->listen.n * g->n_workers,
	       n_tls = s->tls_listen.n * g->n_workers;
	const char *unasked;
	char text[128];

	CHECK(s->listen.n + s->tls_listen.n <= SERVE_ADDRESSES_MAX &&
	      s->manager_listen.n <= SERVE_ADDRESSES_MAX);
	g->fds = xcalloc(n_plain + n_tls + s->manager_listen.n, sizeof *g->fds);
	g->files = xcalloc(s->listen.n + s->tls_listen.n + s->manager_listen.n,
			   sizeof *g->files);
	if (!open_listeners(g, &s->listen, g->n_workers, g->fds, g->addresses.gateway,
			    &g->addresses.n_gateway) ||
	    !open_listeners(g, &s->tls_listen, g->n_workers, g->fds + n_plain,
			    g->addresses.tls, &g->addresses.n_tls) ||
	    !open_listeners(g, &s->manager_listen, 1, g->fds + n_plain + n_tls,
			    g->addresses.manager, &g->addresses.n_manager))
		return false;
	unasked = listen_inherited_unused(&g->inherited, text);
	if (unasked != NULL)
		log_error("the service manager passed a socket for %s, which no `listen` "
			  "names; make the socket unit and the configuration agree",
			  unasked);
	return unasked == NULL;
}

static void start_tokens(struct gateway *g)
{
	const struct settings *s = g->settings;
	char *snapshot = NULL;
	struct token_sync_options o = {
		.database = s->database,
		.poll_ms = s->token_poll_ms,
		.max_stale_ms = s->max_stale_ms,
		.epochs = g->epochs,
	};

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
}

static void start_recorder(struct gateway *g)
{
	const struct settings *s = g->settings;
	struct recorder_options o = {.database = s->database,
				     .node = s->node,
				     .retention_days = s->usage_retention_days};
	char *beside = s->state_dir != NULL ? xasprintf("%s/usage", s->state_dir) : NULL;
	struct journal_options j = {
		.directory = s->journal.directory ? s->journal.directory : beside,
		.node = s->node,
		.n_lanes = g->n_workers + 1,
		.max_bytes = s->journal.max_bytes,
		.ring_bytes = s->journal.ring_bytes,
		.sync_ms = s->journal.sync_ms,
	};

	g->journal = usage_journal_open(&j);
	free(beside);
	g->recorder = recorder_start(&o, g->journal);
}

static struct usage_lane *lane_of(const struct gateway *g, unsigned i)
{
	return usage_journal_own(g->journal)->lanes[i];
}

static size_t n_gateway_addresses(const struct gateway *g)
{
	return g->settings->listen.n + g->settings->tls_listen.n;
}

static void start_manager(struct gateway *g)
{
	struct manager_options o = {
		.settings = g->settings,
		.tokens = g->tokens,
		.epochs = g->epochs,
		.lane = lane_of(g, g->n_workers),
		.listen_fds = g->fds + n_gateway_addresses(g) * g->n_workers,
		.n_listen_fds = g->settings->manager_listen.n,
	};

	g->manager = manager_start(&o);
}

static void start_workers(struct gateway *g)
{
	size_t n = n_gateway_addresses(g);
	int *fds = xcalloc(n, sizeof *fds);

	g->workers = xcalloc(g->n_workers, sizeof(struct worker *));
	for (unsigned i = 0; i < g->n_workers; i++) {
		struct worker_options o = {
			.index = i,
			.settings = g->settings,
			.tokens = g->tokens,
			.epochs = g->epochs,
			.resolver = g->resolver,
			.lane = lane_of(g, i),
			.listen_fds = fds,
			.n_listen_fds = n,
			.n_tls_fds = g->settings->tls_listen.n,
			.ticket_keys = g->ticket_keys,
			.address_cap = g->address_cap,
		};

		for (size_t k = 0; k < n; k++)
			fds[k] = g->fds[k * g->n_workers + i];
		if (g->access != NULL)
			o.access = access_log_lane(g->access);
		g->workers[i] = worker_start(&o);
	}
	free(fds);
}

static bool gateway_start(struct gateway *g, struct settings *s)
{
	g->settings = s;
	g->n_workers = s->workers;
	raise_descriptor_limit(s);
	CHECK(RAND_bytes(g->ticket_keys, sizeof g->ticket_keys) == 1);
	listen_inherited_take(&g->inherited);
	if (!open_all(g))
		return false;
	g->address_cap = address_cap_new();
	g->epochs = epoch_domain_new();
	g->resolver = resolver_start(g->epochs);
	start_tokens(g);
	start_recorder(g);
	if (s->access_log)
		g->access = access_log_start(STDOUT_FILENO);
	/* Keys first, so that nobody who calls early is told to come back. */
	if (!token_sync_wait_first(g->tokens, FIRST_LOAD_MS))
		log_warn("PostgreSQL has not answered yet: callers get 503 until the "
			 "keys are loaded");
	start_manager(g);
	start_workers(g);
	return true;
}

static void gateway_reload(struct gateway *g, const struct serve_options *o)
{
	struct settings *fresh = o->reload ? o->reload(o->ctx) : NULL;

	if (fresh == NULL)
		return;
	for (unsigned i = 0; i < g->n_workers; i++)
		worker_configure(g->workers[i], fresh);
	manager_configure(g->manager, fresh);
	log_info("routes, limits, timeouts and secrets reloaded");
	settings_unref(&fresh);
}

/* Until all has ended; a second signal makes workers and manager cut what runs. */
static void *cut_on_second_signal(void *arg)
{
	struct gateway *g = arg;
	sigset_t set;
	int sig;

	set_of_signals(&set);
	sigdelset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	sigwait(&set, &sig);
	if (sig == SIGUSR2)
		return NULL;
	atomic_store(&g->cut, true);
	for (unsigned i = 0; i < g->n_workers; i++)
		worker_drain(g->workers[i], 1);
	manager_drain(g->manager, 1);
	return NULL;
}

static uint64_t drain_deadline(const struct gateway *g)
{
	return clock_mono_us() + (uint64_t)g->settings->timeouts.drain_ms * 1000;
}

/* The manager goes on while the workers drain: Workers at the edge still report to it. */
static void drain(struct gateway *g)
{
	uint64_t deadline = drain_deadline(g);
	pthread_t watcher;
	sigset_t usr2;

	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &usr2, NULL);
	for (unsigned i = 0; i < g->n_workers; i++)
		worker_drain(g->workers[i], deadline);
	CHECK(pthread_create(&watcher, NULL, cut_on_second_signal, g) == 0);
	for (unsigned i = 0; i < g->n_workers; i++)
		worker_join(g->workers[i]);
	deadline = drain_deadline(g);
	manager_drain(g->manager, deadline);
	/* The second signal may have come just before. */
	if (atomic_load(&g->cut))
		manager_drain(g->manager, 1);
	manager_join(g->manager);
	pthread_kill(watcher, SIGUSR2);
	pthread_join(watcher, NULL);
	for (unsigned i = 0; i < g->n_workers; i++)
		worker_free(&g->workers[i]);
	manager_free(&g->manager);
}

static int gateway_stop(struct gateway *g)
{
	uint64_t left;

	drain(g);
	left = recorder_stop(&g->recorder, g->flush_ms);
	if (left && usage_journal_is_durable(g->journal))
		log_warn("%llu usage rows wait in the journal for the next start",
			 (unsigned long long)left);
	else if (left)
		log_error("%llu usage rows could not be written before the stop",
			  (unsigned long long)left);
	token_sync_stop(&g->tokens);
	resolver_stop(&g->resolver);
	if (g->access != NULL)
		access_log_stop(&g->access);
	usage_journal_close(&g->journal);
	epoch_domain_free(g->epochs);
	return 0;
}

static void gateway_fini(struct gateway *g)
{
	for (size_t i = 0; i < g->n_files; i++)
		listen_file_remove(&g->files[i]);
	OPENSSL_cleanse(g->ticket_keys, sizeof g->ticket_keys);
	address_cap_free(&g->address_cap);
	free(g->workers);
	free(g->fds);
	free(g->files);
	settings_unref(&g->settings);
}

static void log_ready(const struct serve_addresses *a)
{
	for (size_t i = 0; i < a->n_gateway; i++)
		log_info("gateway listens on %s", a->gateway[i]);
	for (size_t i = 0; i < a->n_tls; i++)
		log_info("gateway listens on %s with TLS", a->tls[i]);
	for (size_t i = 0; i < a->n_manager; i++)
		log_info("manager listens on %s", a->manager[i]);
	log_info("ready");
}

int serve_run(const struct serve_options *options)
{
	struct gateway g = {.flush_ms = options->flush_ms ? options->flush_ms : FLUSH_MS};
	sigset_t set;
	int sig, rc = 1;

	serve_block_signals();
	if (gateway_start(&g, options->settings)) {
		if (options->on_ready)
			options->on_ready(options->ctx, &g.addresses);
		else
			log_ready(&g.addresses);
		set_of_signals(&set);
		for (;;) {
			CHECK(sigwait(&set, &sig) == 0);
			if (sig != SIGHUP)
				break;
			gateway_reload(&g, options);
		}
		log_info("stopping: running requests may finish");
		rc = gateway_stop(&g);
	}
	gateway_fini(&g);
	return rc;
}

/* --- the subcommand --- */

struct serve_arguments {
	const char *config, *env;
	struct settings *started; /* what the listeners, threads, ... were made from */
};

static struct settings *load(const struct serve_arguments *a)
{
	struct settings_options o = {.env = a->env};
	struct settings *s;
	struct sbuf report;

	sbuf_init(&report, 1 << 20);
	s = settings_load(a->config, &o, &report);
	if (report.n)
		fprintf(stderr, STR_FMT, STR_ARG(sbuf_view(&report)));
	sbuf_fini(&report);
	return s;
}

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

static struct settings *reload(void *ctx)
{
	struct serve_arguments *a = ctx;
	struct settings *s = load(a);

	if (s == NULL)
		log_error("reload: the configuration has errors; the old one stays in "
			  "force");
	else
		warn_of_restart(a->started, s);
	return s;
}

static int usage(FILE *out, int status)
{
	fputs("usage: tollgate serve --config FILE [--env NAME]\n\n"
	      "Runs the gateway and the manager until SIGTERM. SIGHUP reloads routes, limits,\n"
	      "timeouts and secrets.\n\n"
	      "  --config FILE  the configuration (docs/configuration.md)\n"
	      "  --env NAME     apply the overlay of that name\n",
	      out);
	return status;
}

int cli_serve(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"env", required_argument, NULL, 'e'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct serve_arguments a = {0};
	struct serve_options run = {.reload = reload, .ctx = &a};
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'h')
			return usage(stdout, 0);
		if (opt == '?')
			return usage(stderr, 2);
		*(opt == 'c' ? &a.config : &a.env) = optarg;
	}
	if (a.config == NULL || optind != argc)
		return usage(stderr, 2);
	run.settings = load(&a);
	if (run.settings == NULL)
		return 1;
	a.started = settings_ref(run.settings);
	rc = serve_run(&run);
	settings_unref(&a.started);
	return rc;
}
