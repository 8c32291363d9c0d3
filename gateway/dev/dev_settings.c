/* The settings of `tollgate dev`. */
#include "gateway/dev/dev_settings.h"

#include "common/log.h"

#include "gateway/dev/say.h"
#include "gateway/http/listen.h"

#define REPORT_MAX (64 * 1024)
#define DRAIN_MS 800 /* Ctrl-C ends everything within 5 s */

/* What the command line and this machine change. */
static void adapt(const struct dev_settings *d, struct settings *s)
{
	dev_listeners_apply(d->listen, &s->listen);
	dev_listeners_apply(d->manager_listen, &s->manager_listen);
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

struct settings *dev_settings_load(struct dev_settings *d)
{
	struct env_file *env = env_file_new();
	struct settings_options o = {
		.env = "dev",
		.env_optional = true,
		.allow_missing_secrets = true,
		.database_optional = true,
		.database_unused = true,
		.database = d->database,
		.state_dir = d->state_dir,
		.variable = env_file_variable,
		.variable_ctx = env,
		.override_upstream = dev_routes_override,
		.override_ctx = &d->routes,
	};
	struct settings *s = NULL;
	struct sbuf report;

	sbuf_init(&report, REPORT_MAX);
	if (env_files_read_beside(env, d->config, &report) &&
	    env_file_list_read(d->env_files, env, &report))
		s = settings_load(d->config, &o, &report);
	log_text(s != NULL ? LOG_WARN : LOG_ERROR, sbuf_view(&report));
	sbuf_fini(&report);
	env_file_free(&env);
	if (s != NULL) {
		adapt(d, s);
		dev_routes_mark(&d->routes, s);
		warn_of_mocks(s);
	}
	return s;
}

bool dev_settings_fit(struct dev_settings *d, struct settings *s)
{
	if (!listen_has_ipv6()) {
		say("This machine has no IPv6: listening on 127.0.0.1 only");
		d->no_ipv6 = true;
		adapt(d, s);
	}
	return dev_listeners_are_free(&s->listen, "--listen") &&
	       dev_listeners_are_free(&s->manager_listen, "--manager-listen");
}
