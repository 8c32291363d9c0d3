/* `tollgate dev`: everything on this machine, for people who try and develop.
 *
 * Order: lock the state folder; demo upstreams (a child, forked before any thread);
 * settings; PostgreSQL (a child); tables and key; then the gateway in this process. What
 * was started is stopped in reverse; should this process be killed, the kernel ends its
 * children. */
#include "gateway/dev/dev.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/dev/demo.h"
#include "gateway/dev/dev_admin.h"
#include "gateway/dev/dev_database.h"
#include "gateway/dev/dev_ready.h"
#include "gateway/dev/dev_settings.h"
#include "gateway/dev/dev_state.h"
#include "gateway/dev/files.h"
#include "gateway/dev/private_pg.h"
#include "gateway/dev/say.h"
#include "gateway/dev/watcher.h"
#include "gateway/run/run.h"
#include "gateway/settings/env_file.h"

#define NOTES_MAX 65536
#define FLUSH_MS 1500 /* Ctrl-C ends everything within 5 s */

struct dev {
	const struct dev_options *options;
	struct dev_state state;
	struct demo_process demo;
	struct dev_settings source;
	struct private_pg *pg; /* NULL with --database */
	struct watcher *watcher;
	struct settings *settings;      /* in force */
	char key[KEY_LENGTH + 1];       /* "" with --database */
	char admin_key[KEY_LENGTH + 1]; /* "" with --database */
	bool has_terminal;
	bool demo_is_gone; /* the watcher's */
};

/* --- while it runs --- */

static void on_change(void *ctx)
{
	(void)ctx;
	kill(getpid(), SIGHUP); /* run_gateway reloads on the main thread */
}

static void on_tick(void *ctx)
{
	struct dev *d = ctx;

	if (d->pg != NULL)
		private_pg_watch(d->pg);
	if (!d->demo_is_gone && waitpid(d->demo.pid, NULL, WNOHANG) == d->demo.pid) {
		d->demo_is_gone = true;
		complain(
			"the demo upstreams ended by themselves; start `tollgate dev` again");
	}
}

static bool terminal_is_there(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
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
	next = dev_settings_load(&d->source);
	if (next == NULL) {
		complain("%s has errors: the settings before stay in force",
			 d->options->config);
		return NULL;
	}
	settings_unref(&d->settings);
	d->settings = settings_ref(next);
	say("Routes, as they lead now:");
	dev_ready_print_routes(next, &d->source.routes);
	return next;
}

/* --- ready --- */

static struct watcher *watch(struct dev *d)
{
	struct watcher_options w = {
		.files = {d->options->config},
		.n_files = 1 + ENV_FILES_BESIDE,
		.on_change = on_change,
		.on_tick = on_tick,
		.ctx = d,
	};
	const struct env_file_list *named = &d->options->env_files;
	char *env_files[ENV_FILES_BESIDE];
	struct watcher *watcher;

	for (size_t i = 0; i < ENV_FILES_BESIDE; i++)
		w.files[1 + i] = env_files[i] = env_file_beside(d->options->config, i);
	for (size_t i = 0; i < named->n; i++)
		w.files[w.n_files++] = named->names[i];
	watcher = watcher_start(&w);
	for (size_t i = 0; i < ENV_FILES_BESIDE; i++)
		free(env_files[i]);
	return watcher;
}

static void on_ready(void *ctx, const struct run_addresses *a)
{
	struct dev *d = ctx;
	char *env_file = path_join(d->state.path, "dev.env");
	char *shown = path_join(d->options->state, "dev.env");
	char *config = realpath(d->options->config, NULL);
	char code[KEY_LENGTH + 1];
	struct dev_urls urls;
	struct dev_ready ready = {
		.addresses = a,
		.settings = d->settings,
		.routes = &d->source.routes,
		.env_file = shown,
		.env = {.url = urls.gateway,
			.manager_url = urls.manager,
			.key = d->key[0] != '\0' ? d->key : NULL,
			.admin_key = d->admin_key[0] != '\0' ? d->admin_key : NULL,
			.config = config != NULL ? config : d->options->config,
			.demo_url = d->source.routes.demo_url,
			.mock_url = d->source.routes.mock_url,
			.live = d->source.routes.live,
			.database = d->pg != NULL ? private_pg_tcp_url(d->pg)
						  : d->source.database,
			.pid = (long)getpid()},
	};

	dev_urls_of(&urls, a);
	d->watcher = watch(d);
	if (d->watcher == NULL)
		complain("changes of files are not noticed; kill -HUP %ld tells of one",
			 (long)getpid());
	/* Who sees the text then finds the file. */
	dev_ready_write_env(&ready, env_file);
	if (d->admin_key[0] != '\0' &&
	    dev_admin_code(private_pg_url(d->pg), d->admin_key, code))
		ready.sign_in_code = code;
	dev_ready_print(&ready);
	OPENSSL_cleanse(code, sizeof code);
	log_flush();
	free(config);
	free(shown);
	free(env_file);
}

/* --- start --- */

static bool start_demo(struct dev *d)
{
	struct dev_routes *routes = &d->source.routes;

	if (!demo_process_start(&d->demo)) {
		complain("the demo upstreams do not start");
		return false;
	}
	routes->live = d->options->live;
	snprintf(routes->demo_url, sizeof routes->demo_url, "http://%s",
		 d->demo.bound.demo.text);
	snprintf(routes->mock_url, sizeof routes->mock_url, "http://%s",
		 d->demo.bound.mock.text);
	return true;
}

/* The demo key and the admin are for the private database alone. */
static bool find_keys(struct dev *d, const char *url)
{
	char *key_file = path_join(d->state.path, "demo.key");
	char *admin_file = path_join(d->state.path, "admin.key");
	bool ok = dev_database_demo_key(url, key_file, d->key) &&
		  dev_admin_key(url, admin_file, d->admin_key);

	free(admin_file);
	free(key_file);
	return ok;
}

static bool prepare_private(struct dev *d)
{
	const char *url;
	bool ok;

	if (d->options->fresh)
		dev_state_forget(&d->state);
	d->pg = private_pg_start(d->state.path, d->options->fresh);
	if (d->pg != NULL && dev_database_is_prerelease(private_pg_url(d->pg)) &&
	    private_pg_set_aside(&d->pg, d->state.path))
		d->pg = private_pg_start(d->state.path, false);
	url = d->pg != NULL ? private_pg_url(d->pg) : NULL;
	ok = url != NULL && dev_database_migrate(url) &&
	     dev_database_enable_role(url, private_pg_password(d->pg)) &&
	     find_keys(d, url);
	if (ok)
		d->source.database = private_pg_gateway_url(d->pg);
	return ok;
}

static bool prepare_database(struct dev *d)
{
	if (d->options->database == NULL)
		return prepare_private(d);
	d->source.database = d->options->database;
	return dev_database_migrate(d->source.database);
}

static void note_unread(const struct dev *d)
{
	struct sbuf notes;

	sbuf_init(&notes, NOTES_MAX);
	env_files_note_unread(d->options->config, &d->options->env_files, &notes);
	log_text(LOG_WARN, sbuf_view(&notes));
	sbuf_fini(&notes);
}

/* Faults in the configuration and busy ports show before PostgreSQL is started. */
static bool start(struct dev *d)
{
	if (!start_demo(d) || !log_start())
		return false;
	note_unread(d);
	d->settings = dev_settings_load(&d->source);
	if (d->settings == NULL || !dev_settings_fit(&d->source, d->settings) ||
	    !prepare_database(d))
		return false;
	free(d->settings->database);
	d->settings->database = xstrdup(d->source.database);
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
	OPENSSL_cleanse(d->admin_key, sizeof d->admin_key);
}

int dev_run(const struct dev_options *o)
{
	struct dev d = {
		.options = o,
		.source = {.config = o->config,
			   .state_dir = d.state.path,
			   .env_files = &o->env_files,
			   .listen = &o->listen,
			   .manager_listen = &o->manager_listen},
		.has_terminal = terminal_is_there(),
	};
	struct run_options run = {
		.on_ready = on_ready, .reload = reload, .ctx = &d, .flush_ms = FLUSH_MS};
	int status = 1;

	if (!dev_state_open(&d.state, o->state))
		return 1;
	if (start(&d)) {
		run.settings = settings_ref(d.settings);
		status = run_gateway(&run);
	}
	stop(&d);
	if (status == 0)
		say("Stopped. The data stays in %s", o->state);
	return status;
}
