/* `tollgate health`: asks a gateway on this machine whether it is ready, for health
 * checks of containers, which have no other client. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/net_listen.h"
#include "gateway/cli/clean.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"
#include "gateway/doctor/local_ask.h"
#include "gateway/settings/env_file.h"
#include "gateway/settings/settings.h"

#define REPORT_MAX (1u << 20)

/* 0 or 1, the exit status; -1: nobody is there. */
static int ask_one(const struct net_listen *listen, bool alive)
{
	char answer[LOCAL_ANSWER_MAX];
	const char *body;
	int status = local_ask(listen, alive ? "/health" : "/ready", answer);

	if (status == 0) {
		fprintf(stderr, "tollgate health: %s: %s\n", listen->text,
			strerror(errno));
		return -1;
	}
	body = strstr(answer, "\r\n\r\n");
	printf("%d %s\n", status, body != NULL ? body + 4 : "");
	return status == 200 ? 0 : 1;
}

static int ask_all(const struct settings *s, bool alive)
{
	for (size_t i = 0; i < s->listen.n; i++) {
		int status = ask_one(&s->listen.items[i], alive);

		if (status >= 0)
			return status;
	}
	return 1;
}

static int ask_configured(const struct cli_config *files, bool alive)
{
	struct env_file *variables = env_file_new();
	struct settings_options o = {
		.env = files->env,
		.allow_missing_secrets = true,
		.database_optional = true,
		.variable = env_file_variable,
		.variable_ctx = variables,
	};
	struct settings *s = NULL;
	struct sbuf report;
	int status = 1;

	sbuf_init(&report, REPORT_MAX);
	if (env_file_list_read(&files->env_files, variables, &report))
		s = settings_load(files->config, &o, &report);
	if (s == NULL)
		fprintf(stderr, STR_FMT, STR_ARG(sbuf_view(&report)));
	else
		status = ask_all(s, alive);
	settings_unref(&s);
	env_file_free(&variables);
	sbuf_fini(&report);
	return status;
}

static int ask_address(const struct cli_call *c, const char *text)
{
	struct net_listen address;
	const char *why;

	if (net_parse_listen(&address, text, &why))
		return ask_one(&address, cli_has(c, "alive")) == 0 ? 0 : 1;
	return cli_usage_error(c, "--address %s: %s", cli_shown(text), why);
}

static int run(const struct cli_call *c)
{
	const char *address = cli_text(c, "address");
	struct cli_config files;

	if (address != NULL && cli_has(c, "config"))
		return cli_usage_error(c, "--address or --config, not both");
	if (address != NULL)
		return ask_address(c, address);
	files = cli_config_of(c);
	return files.config != NULL ? ask_configured(&files, cli_has(c, "alive"))
				    : cli_no_config(c);
}

const struct cli_command *cli_health(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION(
			"address", CLI_TEXT, "ADDRESS",
			"ask there: 127.0.0.1:8787, [::1]:8787 or unix:/path; without it, at the "
			"addresses of `listen`, until one answers"),
		CLI_OPTION("alive", CLI_FLAG, NULL,
			   "ask for /health: whether the process answers"),
		{0},
	};
	static const struct cli_command command = {
		.name = "health",
		.summary = "ask a running gateway whether it is ready",
		.text = "Asks the gateway that runs on this machine for /ready: whether it "
			"can judge keys.",
		.options = options,
		.shares = CLI_TAKES_CONFIG,
		.examples = {"tollgate health --config tollgate.json",
			     "tollgate health --address 127.0.0.1:8787 --alive"},
		.fails = "if it is not ready, or nobody answers within five seconds",
		.run = run,
	};

	return &command;
}
