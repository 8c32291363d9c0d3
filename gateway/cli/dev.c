/* `tollgate dev`: everything on this machine, for people who try and develop.
 *
 * Order: lock the state folder; demo upstreams (a child, forked before any thread);
 * settings; PostgreSQL (a child); tables and key; then the gateway in this process. What
 * was started is stopped in reverse; should this process be killed, the kernel ends its
 * children. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/dev_options.h"
#include "gateway/cli/serve.h"
#include "gateway/dev/demo.h"
#include "gateway/dev/dev_database.h"
#include "gateway/dev/dev_env.h"
#include "gateway/dev/dev_routes.h"
#include "gateway/dev/dev_state.h"
#include "gateway/dev/files.h"
#include "gateway/dev/private_pg.h"
#include "gateway/dev/say.h"
#include "gateway/dev/watcher.h"
#include "gateway/settings/env_file.h"

#define REPORT_MAX (64 * 1024)
#define DRAIN_MS 800 /* Ctrl-C ends everything within 5 s */

struct dev {
	struct dev_options options;
	struct dev_state state;
	struct demo_process demo;
	struct dev_routes routes;
	struct private_pg *pg; /* NULL with --database */
	struct watcher *watcher;
	struct settings *settings; /* in force */
	const char *database;      /* for the gateway */
	char *env_files[2];        /* .env, .dev.vars beside the configuration */
	char key[KEY_LENGTH + 1];  /* "" with --database */
	bool no_ipv6;
	bool has_terminal;
	bool demo_is_gone; /* the watcher's */
};

/* --- settings --- */

static void find_env_files(struct dev *d)
{
	char *copy = xstrdup(d->options.config);
	const char *folder = dirname(copy);

	d->env_files[0] = path_join(folder, ".env");
	d->env_files[1] = path_join(folder, ".dev.vars");
	free(copy);
}

/* What the command line and this machine change. */
static void adapt(const struct dev *d, struct settings *s)
{
	dev_listeners_apply(&d->options.listen, &s->listen);
	dev_listeners_apply(&d->options.manager_listen, &s->manager_listen);
	if (d->no_ipv6) {
		dev_listeners_drop_ipv6(&s->listen);
		dev_listeners_drop_ipv6(&s->manager_listen);
	}
	if (s->timeouts.drain_ms > DRAIN_MS)
		s->timeouts.drain_ms = DRAIN_MS;
	s->access_log = true;
}

/* Beside the settings' own warnings, which say what is unset and where. */
static void warn_of_mocks(const struct settings *s)
{
	struct sbuf names;
	unsigned n = 0;

	sbuf_init(&names, REPORT_MAX);
	for (size_t i = 0; i < s->n_routes; i++)
		if (s->routes[i].secret_missing && s->routes[i].upstream_replaced)
			sbuf_printf(&names, "%s%s", n++ ? ", " : "", s->routes[i].name);
	if (n > 0)
		complain("warning: without a secret, calls go to the mock: " STR_FMT,
			 STR_ARG(sbuf_view(&names)));
	sbuf_fini(&names);
}

/* NULL: it said why. */
static struct settings *load_settings(struct dev *d)
{
	struct env_file *env = env_file_new();
	struct settings_options o = {
		.env = "dev",
		.env_optional = true,
		.allow_missing_secrets = true,
		.database_optional = true,
		.database = d->database,
		.state_dir = d->state.path,
		.variable = env_file_variable,
		.variable_ctx = env,
		.override_upstream = dev_routes_override,
		.override_ctx = &d->routes,
	};
	struct settings *s = NULL;
	struct sbuf report;
	bool ok = true;

	sbuf_init(&report, REPORT_MAX);
	for (size_t i = 0; i < ARRAY_LEN(d->env_files); i++)
		ok = env_file_read(env, d->env_files[i], &report) && ok;
	if (ok)
		s = settings_load(d->options.config, &o, &report);
	fprintf(stderr, STR_FMT, STR_ARG(sbuf_view(&report)));
	sbuf_fini(&report);
	env_file_free(&env);
	if (s != NULL) {
		adapt(d, s);
		warn_of_mocks(s);
	}
	return s;
}

/* Once, before the settings are shared. */
static bool check_listeners(struct dev *d, struct settings *s)
{
	if (!dev_has_ipv6()) {
		say("This machine has no IPv6: listening on 127.0.0.1 only");
		d->no_ipv6 = true;
		adapt(d, s);
	}
	return dev_listeners_are_free(&s->listen, "--listen") &&
	       dev_listeners_are_free(&s->manager_listen, "--manager-listen");
}

/* --- while it runs --- */

static void on_change(void *ctx)
{
	(void)ctx;
	kill(getpid(), SIGHUP); /* serve_run reloads on the main thread */
}

static void on_tick(void *ctx)
{
	struct dev *d = ctx;

	if (d->pg != NULL)
		private_pg_watch(d->pg);
	if (!d->demo_is_gone && waitpid(d->demo.pid, NULL, WNOHANG) == d->demo.pid) {
		d->demo_is_gone = true;
		complain("the demo upstreams ended by themselves; start `tollgate dev` "
			 "again");
	}
}

static bool terminal_is_there(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void warn_of_restart(const struct dev *d, const struct settings *next)
{
	struct sbuf names;

	sbuf_init(&names, REPORT_MAX);
	settings_restart_keys(d->settings, next, &names);
	if (names.n > 0)
		complain("warning: a change of " STR_FMT " takes a restart",
			 STR_ARG(sbuf_view(&names)));
	sbuf_fini(&names);
}

static struct settings *reload(void *ctx)
{
	struct dev *d = ctx;
	struct settings *next;

	/* SIGHUP is also what a terminal that is closed sends. */
	if (d->has_terminal && !terminal_is_there()) {
		kill(getpid(), SIGTERM);
		return NULL;
	}
	next = load_settings(d);
	if (next == NULL) {
		complain("%s has errors: the settings before stay in force",
			 d->options.config);
		return NULL;
	}
	warn_of_restart(d, next);
	settings_unref(&d->settings);
	d->settings = settings_ref(next);
	return next;
}

/* --- ready --- */

/* "http://127.0.0.1:8787", from the first address that a URL can name. */
static void url_of(char *out, size_t size, char (*addresses)[128], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(addresses[i], "unix:", 5) == 0)
			continue;
		snprintf(out, size, "http://%s", addresses[i]);
		return;
	}
	snprintf(out, size, "http://127.0.0.1");
}

static bool write_env(const struct dev *d, const struct dev_env *e)
{
	char *file = path_join(d->state.path, "dev.env");
	struct sbuf text;
	bool ok;

	sbuf_init(&text, REPORT_MAX);
	dev_env_format(&text, e);
	ok = !text.overflow && file_write_private(file, sbuf_view(&text));
	if (!ok)
		complain("cannot write %s: %s", file, strerror(errno));
	OPENSSL_cleanse(text.p, text.n);
	sbuf_fini(&text);
	free(file);
	return ok;
}

static void print_routes(const struct dev *d)
{
	static const char *const targets[] = {
		[DEV_OWN] = "its own upstream",
		[DEV_DEMO] = "the demo upstream",
		[DEV_MOCK] = "the mock",
	};
	bool mocked = false;

	for (size_t i = 0; i < d->settings->n_routes; i++) {
		const struct settings_route *r = &d->settings->routes[i];
		enum dev_target target = dev_routes_target(&d->routes, r);

		mocked = mocked || (target == DEV_MOCK && !r->secret_missing);
		say("  %-20s -> %s", r->path, targets[target]);
	}
	if (mocked)
		say("  (real upstreams only with --live)");
}

/* The path of dev.env as a shell word. */
static void env_file_word(const struct dev *d, struct sbuf *out)
{
	char *file = path_join(d->options.state, "dev.env");

	dev_env_quote(out, file);
	free(file);
}

static void print_calls(const struct dev *d, const struct dev_env *e)
{
	struct sbuf lines;

	sbuf_init(&lines, REPORT_MAX);
	dev_routes_curl(&lines, d->settings, &d->routes, e->url,
			e->key != NULL ? e->key : "YOUR_KEY");
	say("\nTry:\n" STR_FMT, STR_ARG(sbuf_view(&lines)));
	say("See the rows:\ncurl %s/api/usage/test-data", e->manager_url);
	sbuf_reset(&lines);
	env_file_word(d, &lines);
	say("psql \"$(. " STR_FMT
	    "; echo \"$DATABASE_URL\")\" -c 'SELECT * FROM token_usage_logs "
	    "ORDER BY id DESC LIMIT 5'\n",
	    STR_ARG(sbuf_view(&lines)));
	sbuf_fini(&lines);
}

static void print_ready(const struct dev *d, const struct serve_addresses *a,
			const struct dev_env *e)
{
	struct sbuf file;

	say("\nTollgate is ready. Ctrl-C stops it.\n");
	for (size_t i = 0; i < a->n_gateway; i++)
		say("gateway  %s%s", strncmp(a->gateway[i], "unix:", 5) ? "http://" : "",
		    a->gateway[i]);
	for (size_t i = 0; i < a->n_manager; i++)
		say("manager  %s%s", strncmp(a->manager[i], "unix:", 5) ? "http://" : "",
		    a->manager[i]);
	if (e->key != NULL)
		say("key      %s   (all routes)", e->key);
	sbuf_init(&file, REPORT_MAX);
	env_file_word(d, &file);
	say("shells   set -a; . " STR_FMT "; set +a\n", STR_ARG(sbuf_view(&file)));
	sbuf_fini(&file);
	print_routes(d);
	print_calls(d, e);
}

static void on_ready(void *ctx, const struct serve_addresses *a)
{
	struct dev *d = ctx;
	struct serve_addresses addresses = *a;
	char url[160], manager_url[160];
	struct dev_env e = {
		.url = url,
		.manager_url = manager_url,
		.key = d->key[0] != '\0' ? d->key : NULL,
		.database = d->pg != NULL ? private_pg_tcp_url(d->pg) : d->database,
		.pid = (long)getpid(),
	};
	struct watcher_options w = {
		.files = {d->options.config, d->env_files[0], d->env_files[1]},
		.n_files = 3,
		.on_change = on_change,
		.on_tick = on_tick,
		.ctx = d,
	};

	url_of(url, sizeof url, addresses.gateway, addresses.n_gateway);
	url_of(manager_url, sizeof manager_url, addresses.manager, addresses.n_manager);
	d->watcher = watcher_start(&w);
	print_ready(d, a, &e);
	write_env(d, &e);
}

/* --- start --- */

static bool start_demo(struct dev *d)
{
	if (!demo_process_start(&d->demo)) {
		complain("the demo upstreams do not start");
		return false;
	}
	d->routes.live = d->options.live;
	snprintf(d->routes.demo_url, sizeof d->routes.demo_url, "http://%s",
		 d->demo.bound.demo.text);
	snprintf(d->routes.mock_url, sizeof d->routes.mock_url, "http://%s",
		 d->demo.bound.mock.text);
	return true;
}

/* The demo key is for the private database alone. */
static bool prepare_private(struct dev *d)
{
	char *key_file = path_join(d->state.path, "demo.key");
	const char *url;
	bool ok;

	if (d->options.fresh)
		dev_state_forget(&d->state);
	d->pg = private_pg_start(d->state.path, d->options.fresh);
	url = d->pg != NULL ? private_pg_url(d->pg) : NULL;
	ok = url != NULL && dev_database_migrate(url) &&
	     dev_database_enable_role(url, private_pg_password(d->pg)) &&
	     dev_database_demo_key(url, key_file, d->key);
	if (ok)
		d->database = private_pg_gateway_url(d->pg);
	free(key_file);
	return ok;
}

static bool prepare_database(struct dev *d)
{
	if (d->options.database == NULL)
		return prepare_private(d);
	d->database = d->options.database;
	return dev_database_migrate(d->database);
}

/* Faults in the configuration and busy ports show before PostgreSQL is started. */
static bool start(struct dev *d)
{
	if (!start_demo(d))
		return false;
	d->settings = load_settings(d);
	if (d->settings == NULL || !check_listeners(d, d->settings) ||
	    !prepare_database(d))
		return false;
	free(d->settings->database);
	d->settings->database = xstrdup(d->database);
	return true;
}

static void stop(struct dev *d)
{
	watcher_stop(&d->watcher);
	private_pg_stop(&d->pg);
	demo_process_stop(&d->demo);
	settings_unref(&d->settings);
	dev_state_close(&d->state);
	OPENSSL_cleanse(d->key, sizeof d->key);
	free(d->env_files[0]);
	free(d->env_files[1]);
}

int cli_dev(int argc, char **argv)
{
	struct dev d = {.has_terminal = terminal_is_there()};
	struct serve_options serve = {
		.on_ready = on_ready, .reload = reload, .ctx = &d, .flush_ms = 1500};
	enum dev_verdict verdict = dev_options_parse(&d.options, argc, argv);
	int status = 1;

	if (verdict != DEV_RUN)
		return verdict == DEV_HELP ? 0 : 2;
	if (!dev_state_open(&d.state, d.options.state))
		return 1;
	find_env_files(&d);
	if (start(&d)) {
		serve.settings = settings_ref(d.settings);
		status = serve_run(&serve);
	}
	stop(&d);
	if (status == 0)
		say("Stopped. The data stays in %s", d.options.state);
	return status;
}
