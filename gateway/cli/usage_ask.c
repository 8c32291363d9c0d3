/* `tollgate usage ask`: answers a question about usage. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/clean.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/cli_options.h"
#include "gateway/cli/near.h"
#include "gateway/settings/settings.h"
#include "gateway/statistics/ask.h"

#define ERROR_MAX (64u << 10)

struct arguments {
	const struct cli_call *call;
	struct cli_db db;
	struct question q;
	int64_t *tokens, *teams;
	const char **routes;
	struct question_price *prices;
};

/* --- values --- */

/* False: it said what is wrong. */
static bool take_ids(const struct cli_call *c, const char *option, int64_t **ids,
		     size_t *n)
{
	const char **list = cli_list(c, option, n);
	size_t taken = 0;
	uint64_t id;

	*ids = xcalloc(*n + 1, sizeof **ids);
	for (; taken < *n; taken++) {
		if (!str_to_u64(str_of(list[taken]), &id) || id > INT64_MAX) {
			cli_usage_error(c, "--%s '%s' is not a number in range", option,
					cli_shown(list[taken]));
			break;
		}
		(*ids)[taken] = (int64_t)id;
	}
	free(list);
	return taken == *n;
}

/* "404" or "5xx". False: it said what is wrong. */
static bool take_status(struct arguments *a, const char *text)
{
	uint64_t status;

	if (strlen(text) == 3 && text[0] >= '1' && text[0] <= '9' &&
	    strcmp(text + 1, "xx") == 0) {
		a->q.status_low = (text[0] - '0') * 100;
		a->q.status_high = a->q.status_low + 99;
		return true;
	}
	if (!str_to_u64(str_of(text), &status) || status < 100 || status > 999) {
		cli_usage_error(a->call,
				"--status '%s' is not 100 to 999, or a class like 5xx",
				cli_shown(text));
		return false;
	}
	a->q.status_low = a->q.status_high = (int)status;
	return true;
}

static bool take_lists(struct arguments *a)
{
	const struct cli_call *c = a->call;

	a->q.all_tokens = !cli_has(c, "tokens");
	a->q.in_teams = cli_has(c, "teams");
	if (!take_ids(c, "tokens", &a->tokens, &a->q.n_tokens) ||
	    !take_ids(c, "teams", &a->teams, &a->q.n_teams))
		return false;
	a->routes = cli_list(c, "routes", &a->q.n_routes);
	a->q.tokens = a->tokens;
	a->q.teams = a->teams;
	a->q.routes = a->routes;
	return true;
}

static void take_texts(struct arguments *a)
{
	const struct {
		const char *option, **field;
	} texts[] = {
		{"from", &a->q.from},
		{"to", &a->q.to},
		{"zone", &a->q.zone},
		{"step", &a->q.step},
		{"method", &a->q.method},
		{"after", &a->q.after},
		{"outcome", &a->q.outcome},
		{"address", &a->q.address},
		{"request-id", &a->q.request_id},
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i].field = cli_text(a->call, texts[i].option);
}

/* False: it said what is wrong. */
static bool take_options(struct arguments *a)
{
	const struct cli_call *c = a->call;
	const char *status = cli_text(c, "status");
	int by = cli_word(c, "by"), compare = cli_word(c, "compare");

	take_texts(a);
	a->q.by = by >= 0 ? (enum question_order)by : BY_CALLS;
	a->q.compare = compare >= 0 ? (enum question_compare)compare : COMPARE_PREVIOUS;
	a->q.limit = (unsigned)cli_number(c, "limit", 0);
	a->q.min_ms = (int32_t)cli_number(c, "min-ms", 0);
	a->q.percentiles = cli_has(c, "percentiles");
	return (status == NULL || take_status(a, status)) && take_lists(a);
}

/* --- asking --- */

/* Faults of the file were told when its database was read. */
static void take_prices(struct arguments *a)
{
	struct settings *s = cli_db_settings(&a->db);

	a->prices = xcalloc(s ? s->n_routes + 1 : 1, sizeof *a->prices);
	for (size_t i = 0; s != NULL && i < s->n_routes; i++)
		if (s->routes[i].price_micro != 0)
			a->prices[a->q.n_prices++] = (struct question_price){
				xstrdup(s->routes[i].path), s->routes[i].price_micro};
	a->q.prices = a->prices;
	settings_unref(&s);
}

static void print_literal(const char *value)
{
	if (value == NULL) {
		fputs("NULL", stdout);
		return;
	}
	putchar('\'');
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			putchar('\'');
		putchar(*value);
	}
	putchar('\'');
}

/* With the parameters in their places. */
static void print_sql(const struct question_text *t)
{
	for (const char *p = t->sql; *p != '\0'; p++) {
		char *end;
		unsigned long n = *p == '$' ? strtoul(p + 1, &end, 10) : 0;

		if (n == 0) {
			putchar(*p);
			continue;
		}
		CHECK(n <= (unsigned long)t->n_values);
		print_literal(t->values[n - 1]);
		p = end - 1;
	}
	puts(";");
}

static int ask(struct arguments *a)
{
	char *conninfo = cli_db_conninfo(&a->db);
	char *answer = NULL;
	struct question_text t;
	struct sbuf error;
	bool ok, was_built;

	if (conninfo == NULL)
		return 1;
	take_prices(a);
	sbuf_init(&error, ERROR_MAX);
	ok = was_built = question_build(&a->q, &t, &error);
	if (ok && cli_has(a->call, "sql"))
		print_sql(&t);
	else if (ok)
		ok = (answer = question_ask(conninfo, &t, &error)) != NULL;
	if (answer != NULL)
		puts(answer);
	if (!ok)
		cli_fail(a->call, STR_FMT, STR_ARG(sbuf_view(&error)));
	if (!ok && was_built)
		cli_db_explain(conninfo, a->call->path);
	question_text_fini(&t);
	sbuf_fini(&error);
	free(answer);
	free(conninfo);
	return ok ? 0 : 1;
}

static int no_question(const struct cli_call *c, const char *name)
{
	struct near near = {.given = name};

	for (int i = 0; i < QUESTION_COUNT; i++)
		near_try(&near, question_name((enum question_kind)i));
	return cli_usage_error(c, "no question '%s'%s%s%s", cli_shown(name),
			       near.best ? "; did you mean '" : "",
			       near.best ? near.best : "", near.best ? "'?" : "");
}

static int run(const struct cli_call *c)
{
	struct arguments a = {.call = c, .db = cli_db_of(c)};
	int status = 2;

	if (!question_named(c->operands[0], &a.q.kind))
		return no_question(c, c->operands[0]);
	if (take_options(&a))
		status = ask(&a);
	for (size_t i = 0; i < a.q.n_prices; i++)
		free((void *)(uintptr_t)a.prices[i].path);
	free(a.prices);
	free(a.tokens);
	free(a.teams);
	free(a.routes);
	return status;
}

/* --- the command --- */

static const struct cli_option options[] = {
	CLI_OPTION(
		"from", CLI_TEXT, "TIME",
		"2026-11-24, 2026-11-24T12:30, 2026-11-24T12:30:00+05:30; without it 24 hours "
		"before --to"),
	CLI_OPTION("to", CLI_TEXT, "TIME", "without it now"),
	CLI_OPTION("zone", CLI_TEXT, "ZONE",
		   "of these times, and of what a day is (UTC)"),
	CLI_OPTION("tokens", CLI_LIST, "ID,...", "only these tokens"),
	CLI_OPTION("teams", CLI_LIST, "ID,...", "only tokens of these teams"),
	CLI_OPTION("routes", CLI_LIST, "PATH,...", "only these routes"),
	CLI_OPTION("limit", CLI_NUMBER, "N", "how many of a ranking (10) or of rows (50)",
		   .least = 1, .most = QUESTION_TOP_MAX),
	CLI_OPTION("by", CLI_WORD, "WHAT", "rank by calls, errors, time or cost",
		   .words = "calls errors time cost"),
	CLI_OPTION(
		"step", CLI_TEXT, "STEP",
		"of a series: 15m, 2h, 1d, 1w, 1mo, 1y; without it 1h, or by the range"),
	CLI_OPTION(
		"compare", CLI_WORD, "WHAT",
		"of stats, token and route: with the period before (previous), with the same a "
		"week before (week_before), or none",
		.words = "previous week_before none"),
	CLI_OPTION("percentiles", CLI_FLAG, NULL, "of each point of a series, too"),
	CLI_OPTION("status", CLI_TEXT, "STATUS",
		   "rows with this status, or of a class: 404, 5xx"),
	CLI_OPTION("method", CLI_TEXT, "METHOD", "rows with this method"),
	CLI_OPTION("min-ms", CLI_NUMBER, "N", "rows that took so long at least",
		   .least = 0, .most = INT32_MAX),
	CLI_OPTION("outcome", CLI_TEXT, "WORD",
		   "rows with this outcome: complete, client_abort, ..."),
	CLI_OPTION("address", CLI_TEXT, "ADDR",
		   "rows of callers with this address, or of a network: 192.0.2.0/24"),
	CLI_OPTION("request-id", CLI_TEXT, "ID", "of `row`"),
	CLI_OPTION("after", CLI_TEXT, "NEXT",
		   "the page behind the one that ended with this `next`"),
	CLI_OPTION("sql", CLI_FLAG, NULL,
		   "print the statement and do not ask: for psql, or EXPLAIN ANALYZE"),
	{0},
};

#define QUESTION_LINE(id, name, what) "  " name "\n      " what "\n"

const struct cli_command *cli_usage_ask(void)
{
	static const struct cli_command command = {
		.name = "ask",
		.summary = "answer a question about usage, as JSON",
		.arguments = "QUESTION",
		.least = 1,
		.most = 1,
		.text = "Answers with JSON (docs/usage-questions.md). Costs take prices "
			"from the configuration's routes.",
		.more = "questions:\n" QUESTIONS(QUESTION_LINE),
		.options = options,
		.shares = CLI_TAKES_DATABASE,
		.examples =
			{"tollgate usage ask totals --zone Asia/Kolkata",
			 "tollgate usage ask top-tokens --by errors --from 2026-11-01"},
		.run = run,
	};

	return &command;
}
