/* `tollgate routes`: the routes of a configuration. */
#include <cjson/cJSON.h>
#include <stdio.h>

#include "common/check.h"
#include "common/http.h"
#include "gateway/api/route_facts.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"
#include "gateway/cli/cli_settings.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/table.h"

#define REPORT_MAX (1u << 20)
#define TEXT_MAX 4096

static void add_upstreams(struct table *t, const struct settings_route *r)
{
	struct sbuf text;

	sbuf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < r->n_endpoints; i++)
		sbuf_printf(&text, "%s%s://%s", i > 0 ? " " : "",
			    r->tls ? "https" : "http", r->endpoints[i].authority);
	if (r->upstream_replaced)
		sbuf_printf(&text, " in place of %s", r->replaced_url);
	table_add(t, text.overflow ? "many" : sbuf_text(&text));
	sbuf_fini(&text);
}

static void add_methods(struct table *t, uint32_t mask)
{
	struct sbuf text;

	sbuf_init(&text, TEXT_MAX);
	for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++)
		if (mask & HTTP_METHOD_BIT(m))
			sbuf_printf(&text, "%s%s", text.n > 0 ? " " : "",
				    http_method_name((enum http_method)m));
	table_add(t, mask == HTTP_METHODS_ALL ? "all" : sbuf_text(&text));
	sbuf_fini(&text);
}

static void print_routes(const struct settings *s)
{
	static const struct table_column columns[] = {
		{"NAME", TABLE_TEXT, 16},   {"PATH", TABLE_TEXT, 24},
		{"SCOPE", TABLE_TEXT, 16},  {"UPSTREAM", TABLE_TEXT, 32},
		{"METHODS", TABLE_TEXT, 0},
	};
	struct table *t = table_new(columns, ARRAY_LEN(columns));

	for (size_t i = 0; i < s->n_routes; i++) {
		table_add(t, s->routes[i].name);
		table_add(t, s->routes[i].path);
		table_add(t, s->routes[i].scope);
		add_upstreams(t, &s->routes[i]);
		add_methods(t, s->routes[i].methods);
	}
	table_print(&t);
}

static void print_scopes(const cJSON *scopes)
{
	static const struct table_column columns[] = {{"SCOPE", TABLE_TEXT, 24},
						      {"ROUTES", TABLE_TEXT, 0}};
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	const cJSON *scope, *route;
	struct sbuf text;

	cJSON_ArrayForEach(scope, scopes)
	{
		sbuf_init(&text, REPORT_MAX);
		cJSON_ArrayForEach(route,
				   cJSON_GetObjectItemCaseSensitive(scope, "routes"))
			sbuf_printf(&text, "%s%s", text.n > 0 ? " " : "",
				    cJSON_GetStringValue(route));
		table_add(t, cJSON_GetStringValue(
				     cJSON_GetObjectItemCaseSensitive(scope, "scope")));
		table_add(t, text.overflow ? "many" : sbuf_text(&text));
		sbuf_fini(&text);
	}
	table_print(&t);
}

static void tell_scopes(const struct cli_call *c, const struct settings *s)
{
	cJSON *scopes = route_facts_scopes(s);

	if (cli_has(c, "json")) {
		screen_print_json(scopes);
		return;
	}
	if (!table_says_none(c, (size_t)cJSON_GetArraySize(scopes)))
		print_scopes(scopes);
	cJSON_Delete(scopes);
}

/* *has_config: there is one; NULL then: it said what is wrong with it. */
static struct settings *find(const struct cli_call *c, bool *has_config)
{
	struct settings *s = cli_has(c, "config") ? NULL : cli_dev_settings();
	struct cli_config files;
	struct sbuf report;

	*has_config = true;
	if (s != NULL)
		return s;
	files = cli_config_of(c);
	*has_config = files.config != NULL;
	if (!*has_config)
		return NULL;
	sbuf_init(&report, REPORT_MAX);
	s = cli_settings(&files, &report);
	if (s == NULL)
		fprintf(stderr, STR_FMT, STR_ARG(sbuf_view(&report)));
	sbuf_fini(&report);
	return s;
}

static int run(const struct cli_call *c)
{
	bool has_config;
	struct settings *s = find(c, &has_config);

	if (!has_config)
		return cli_no_config(c);
	if (s == NULL)
		return 1;
	if (cli_has(c, "scopes"))
		tell_scopes(c, s);
	else if (cli_has(c, "json"))
		screen_print_json(route_facts_routes(s));
	else if (!table_says_none(c, s->n_routes))
		print_routes(s);
	settings_unref(&s);
	return 0;
}

const struct cli_command *cli_routes(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION("scopes", CLI_FLAG, NULL,
			   "the scopes that they ask for, each with its routes"),
		{0},
	};
	static const struct cli_command command = {
		.name = "routes",
		.summary = "list the routes of a configuration",
		.text = "Lists the routes of a configuration: that of --config, else of "
			"the `tollgate dev` that runs in this folder, else the service's. "
			"Nothing secret is shown.",
		.options = options,
		.shares = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
		.examples = {"tollgate routes --config tollgate.json",
			     "tollgate routes --scopes --json"},
		.fails = "if the configuration has errors",
		.none = "no routes yet: set them in the configuration",
		.run = run,
	};

	return &command;
}
