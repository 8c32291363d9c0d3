/* `tollgate tail`: calls as they end, from a manager or from the journal's folder. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"
#include "gateway/cli/cli_settings.h"
#include "gateway/watch/feed.h"
#include "gateway/cli/tail_show.h"
#include "gateway/journal/event_json.h"
#include "gateway/watch/follow.h"
#include "gateway/watch/wanted.h"
#include "gateway/token/token_snapshot.h"

#define REPORT_MAX (1u << 20)
#define QUERY_MAX ((size_t)64 * 1024)
#define LOOK_MS 100
#define KEY "TOLLGATE_ADMIN_KEY"

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

/* --- which calls --- */

/* 0: *w is right. */
static int read_wanted(const struct cli_call *c, struct watch_wanted *w)
{
	const char *status = cli_text(c, "status");

	*w = (struct watch_wanted){.outcome = cli_text(c, "outcome")};
	w->tokens = cli_list(c, "token", &w->n_tokens);
	w->routes = cli_list(c, "route", &w->n_routes);
	for (size_t i = 0; i < w->n_tokens; i++)
		if (w->tokens[i][0] == '\0' ||
		    strspn(w->tokens[i], "0123456789") != strlen(w->tokens[i]))
			return cli_usage_error(c, "--token takes a token's id, a number");
	if (status != NULL && !watch_read_status(w, status))
		return cli_usage_error(
			c, "--status takes a status or a class of them: 404, 5xx");
	return 0;
}

/* --- from a manager --- */

static void on_row(void *ctx, const char *json)
{
	tail_show_row(ctx, json);
}

static void on_notice(void *ctx, const char *text)
{
	(void)ctx;
	tail_show_notice("%s", text);
}

static int tail_url(const struct cli_call *c, const struct watch_wanted *w,
		    struct tail_show *show)
{
	const char *key = getenv(KEY);
	struct sbuf query, error;
	struct feed feed = {
		.url = cli_text(c, "url"),
		.key = key,
		.stop = &stop,
		.row = on_row,
		.notice = on_notice,
		.ctx = show,
	};
	int status = 0;

	if (key == NULL || *key == '\0')
		return cli_usage_error(c, "--url needs a personal key in " KEY);
	sbuf_init(&query, QUERY_MAX);
	sbuf_init(&error, REPORT_MAX);
	watch_put_query(w, &query);
	feed.query = sbuf_text(&query);
	if (!watch_feed(&feed, &error))
		status = cli_fail(c, "%s: %s", feed.url, sbuf_text(&error));
	sbuf_fini(&query);
	sbuf_fini(&error);
	return status;
}

/* --- from the journal --- */

struct following {
	const struct watch_wanted *wanted;
	const struct tail_show *show;
	const struct token_table *names; /* NULL: none */
};

static void on_event(void *ctx, const char *node, const struct usage_event *e)
{
	const struct following *f = ctx;
	struct token_view token = {0};
	struct sbuf json;

	if (!watch_fits(f->wanted, e))
		return;
	if (!token_table_find(f->names, e->token_hash, &token) || token.name.n == 0)
		token.name = (struct str){0};
	sbuf_init(&json, EVENT_JSON_MAX);
	usage_event_put_json(&json, e, token.name, str_of(node));
	tail_show_row(f->show, sbuf_text(&json));
	sbuf_fini(&json);
}

static struct token_table *names_of(const struct settings *s)
{
	struct token_snapshot about;
	struct token_table *table;
	const char *why;
	char *path;

	if (s->state_dir == NULL)
		return NULL;
	path = xasprintf("%s/tokens.snapshot", s->state_dir);
	table = token_snapshot_read(path, &about, &why);
	free(path);
	return table;
}

static void follow(struct journal_follow *journal, const struct settings *s,
		   struct following *f)
{
	const struct timespec pause = {0, LOOK_MS * 1000000L};
	struct token_table *names = NULL;

	for (unsigned i = 0; !stop; i++) {
		if (i % 50 == 0) { /* names may have changed */
			token_table_free(names);
			f->names = names = names_of(s);
		}
		if (journal_follow_look(journal, on_event, f))
			tail_show_notice("dropped: some calls were overwritten unread");
		nanosleep(&pause, NULL);
	}
	token_table_free(names);
}

static int tail_folder(const struct cli_call *c, const struct settings *s,
		       struct following *f)
{
	char *beside = s->state_dir != NULL ? xasprintf("%s/usage", s->state_dir) : NULL;
	const char *path = s->journal.directory ? s->journal.directory : beside;
	struct journal_follow *journal = path != NULL ? journal_follow_new(path) : NULL;
	int status = 0;

	if (path == NULL)
		status = cli_fail(c, "the configuration has no state_dir, so that there "
				     "is no journal on disk: ask the manager, by --url");
	else if (journal == NULL)
		status = cli_fail(c, "cannot read %s: %s", path, strerror(errno));
	else
		follow(journal, s, f);
	journal_follow_free(&journal);
	free(beside);
	return status;
}

static struct settings *settings_of(const struct cli_call *c, int *status)
{
	struct cli_config files = cli_config_of(c);
	struct settings *s = cli_text(c, "config") == NULL ? cli_dev_settings() : NULL;
	struct sbuf report;

	if (s != NULL)
		return s;
	if (files.config == NULL) {
		*status = cli_no_config(c);
		return NULL;
	}
	sbuf_init(&report, REPORT_MAX);
	s = cli_settings(&files, &report);
	if (s == NULL)
		*status = cli_fail(c, STR_FMT, STR_ARG(sbuf_view(&report)));
	sbuf_fini(&report);
	return s;
}

/* --- the command --- */

static int run(const struct cli_call *c)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct tail_show show = {.screen = screen_of_output()};
	struct watch_wanted wanted;
	struct following f = {&wanted, &show, NULL};
	struct settings *s = NULL;
	int status = read_wanted(c, &wanted);

	if (status != 0)
		goto out;
	show.is_json = cli_has(c, "json") || !show.screen.is_terminal;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (cli_text(c, "url") != NULL)
		status = tail_url(c, &wanted, &show);
	else if ((s = settings_of(c, &status)) != NULL)
		status = tail_folder(c, s, &f);
out:
	settings_unref(&s);
	free(wanted.tokens);
	free(wanted.routes);
	return status;
}

const struct cli_command *cli_tail(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION("token", CLI_TEXTS, "ID",
			   "only this token's; several times: any of them"),
		CLI_OPTION("route", CLI_TEXTS, "PATH",
			   "only this route's; several times: any of them"),
		CLI_OPTION("status", CLI_TEXT, "STATUS",
			   "only this status, or class: 404, 5xx"),
		CLI_OPTION("outcome", CLI_TEXT, "WORD",
			   "only this outcome (docs/usage.md)"),
		CLI_OPTION("url", CLI_TEXT, "URL",
			   "of a manager, with a personal key in " KEY),
		{0},
	};
	static const struct cli_command command = {
		.name = "tail",
		.summary = "print calls as they end",
		.text = "Prints calls as they end, a line each, until Ctrl-C: on a "
			"terminal for people, otherwise as JSON. They come straight from "
			"the usage journal on this machine, also while the manager and "
			"PostgreSQL are away; or with --url from a manager anywhere, "
			"which knows those of all nodes. In the folder of a running "
			"`tollgate dev` nothing need be named.",
		.options = options,
		.shares = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
		.examples = {"tollgate tail --status 5xx --config tollgate.json",
			     "tollgate tail --url http://localhost:8000 --json"},
		.fails = "if the key is not valid, or the journal cannot be read",
		.run = run,
	};

	return &command;
}
