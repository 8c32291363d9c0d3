/* The configuration, for what commands look up in it. */
#include "gateway/cli/cli_settings.h"

#include <stdio.h>
#include <string.h>

#include "gateway/cli/dev_env_file.h"
#include "gateway/dev/dev_listen.h"
#include "gateway/dev/dev_routes.h"

#define REPORT_MAX (1u << 20)

struct settings *cli_settings(const struct cli_config *files, struct sbuf *report)
{
	struct env_file *variables = env_file_new();
	struct settings_options options = {
		.env = files->env,
		.allow_missing_secrets = true,
		.database_optional = true,
		.variable = env_file_variable,
		.variable_ctx = variables,
	};
	struct settings *s = NULL;

	if (env_file_list_read(&files->env_files, variables, report))
		s = settings_load(files->config, &options, report);
	env_file_free(&variables);
	return s;
}

/* --- of the `tollgate dev` of this folder --- */

/* It listens there, whatever the configuration says. */
static void set_listener(struct settings_listeners *l, const char *url)
{
	const char *address = url != NULL ? strstr(url, "://") : NULL;
	struct dev_listeners one = {.n = 1};
	const char *why;

	if (address != NULL && net_parse_listen(&one.items[0], address + 3, &why))
		dev_listeners_apply(&one, l);
}

static struct dev_routes routes_of(const struct env_file *dev)
{
	const char *demo = env_file_get(dev, "TOLLGATE_DEMO_URL"),
		   *mock = env_file_get(dev, "TOLLGATE_MOCK_URL"),
		   *live = env_file_get(dev, "TOLLGATE_LIVE");
	struct dev_routes routes = {.live = live != NULL && strcmp(live, "1") == 0};

	snprintf(routes.demo_url, sizeof routes.demo_url, "%s", demo != NULL ? demo : "");
	snprintf(routes.mock_url, sizeof routes.mock_url, "%s", mock != NULL ? mock : "");
	return routes;
}

static struct settings *load_as(const struct env_file *dev, const char *config)
{
	struct env_file *variables = env_file_new();
	struct dev_routes routes = routes_of(dev);
	struct settings_options options = {
		.env = "dev",
		.env_optional = true,
		.allow_missing_secrets = true,
		.database_optional = true,
		.database_unused = true,
		.state_dir = CLI_DEV_STATE,
		.variable = env_file_variable,
		.variable_ctx = variables,
		.override_upstream = dev_routes_override,
		.override_ctx = &routes,
	};
	struct settings *s = NULL;
	struct sbuf report;

	if (routes.demo_url[0] == '\0' || routes.mock_url[0] == '\0')
		options.override_upstream = NULL;
	sbuf_init(&report, REPORT_MAX);
	if (env_files_read_beside(variables, config, &report))
		s = settings_load(config, &options, &report);
	sbuf_fini(&report);
	env_file_free(&variables);
	return s;
}

struct settings *cli_dev_settings(void)
{
	struct env_file *dev = cli_dev_variables();
	const char *config = dev != NULL ? env_file_get(dev, "TOLLGATE_CONFIG") : NULL;
	struct settings *s = config != NULL ? load_as(dev, config) : NULL;

	if (s != NULL) {
		set_listener(&s->listen, env_file_get(dev, "TOLLGATE_URL"));
		set_listener(&s->manager_listen,
			     env_file_get(dev, "TOLLGATE_MANAGER_URL"));
	}
	env_file_free(&dev);
	return s;
}
