/* `tollgate usage ask` and the commands that ask one of its questions by a name of their
 * own. */
#include <string.h>

#include "common/check.h"
#include "gateway/cli/clean.h"
#include "gateway/cli/cli.h"
#include "common/near.h"
#include "gateway/cli/lines.h"
#include "gateway/cli/usage_question.h"

#define SHARES (CLI_TAKES_DATABASE | CLI_TAKES_JSON)
#define USAGE_NONE "no calls in the last 24 hours"

static int no_question(const struct cli_call *c, const char *name)
{
	struct near near = {.given = name};

	for (int i = 0; i < QUESTION_COUNT; i++)
		near_try(&near, question_name((enum question_kind)i));
	return cli_usage_error(c, "no question '%s'%s%s%s", cli_shown(name),
			       near.best ? "; did you mean '" : "",
			       near.best ? near.best : "", near.best ? "'?" : "");
}

static int run_ask(const struct cli_call *c)
{
	enum question_kind kind;

	if (!question_named(c->operands[0], &kind))
		return no_question(c, c->operands[0]);
	return usage_question_run(c, kind);
}

#define QUESTION_LINE(id, name, what) "  " name "\n      " what "\n"

const struct cli_command *cli_usage_ask(void)
{
	static const struct cli_option options[] = {
		USAGE_RANGE,
		USAGE_TOKENS,
		USAGE_TEAMS,
		USAGE_ROUTES,
		USAGE_LIMIT("how many of a ranking (10) or of rows (50)"),
		USAGE_BY,
		USAGE_STEP,
		USAGE_COMPARE,
		CLI_OPTION("percentiles", CLI_FLAG, NULL,
			   "of each point of a series, too"),
		USAGE_ROWS,
		CLI_OPTION("request-id", CLI_TEXT, "ID", "of `row`"),
		CLI_OPTION("sql", CLI_FLAG, NULL,
			   "print the statement and do not ask: for psql, or EXPLAIN "
			   "ANALYZE"),
		{0},
	};
	static const struct cli_command command = {
		.name = "ask",
		.summary = "answer a question about usage",
		.arguments = "QUESTION",
		.least = 1,
		.most = 1,
		.text = "Answers with tables on a terminal, with JSON to programs "
			"(docs/usage-questions.md). Costs take prices from the "
			"configuration's routes.",
		.more = "questions:\n" QUESTIONS(QUESTION_LINE),
		.options = options,
		.shares = SHARES,
		.examples = {"tollgate usage ask totals --zone Asia/Kolkata",
			     "tollgate usage ask top-tokens --by errors --last 7d"},
		.none = USAGE_NONE,
		.run = run_ask,
	};

	return &command;
}

/* --- by names of their own --- */

static int run_stats(const struct cli_call *c)
{
	return usage_question_run(c, QUESTION_STATS);
}

static int run_top(const struct cli_call *c)
{
	bool tokens = strcmp(c->operands[0], "tokens") == 0;

	if (!tokens && strcmp(c->operands[0], "routes") != 0)
		return cli_usage_error(c, "'%s' is not tokens or routes",
				       cli_shown(c->operands[0]));
	return usage_question_run(c, tokens ? QUESTION_TOP_TOKENS : QUESTION_TOP_ROUTES);
}

static int run_series(const struct cli_call *c)
{
	return usage_question_run(c, QUESTION_SERIES);
}

static int run_logs(const struct cli_call *c)
{
	if (lines_refused(c) != 0)
		return 2;
	return usage_question_run(c, QUESTION_ROWS);
}

static int run_cost(const struct cli_call *c)
{
	return usage_question_run(c, QUESTION_COST);
}

const struct cli_command *cli_usage_stats(void)
{
	static const struct cli_option options[] = {
		USAGE_RANGE,
		USAGE_TOKENS,
		USAGE_TEAMS,
		USAGE_ROUTES,
		USAGE_LIMIT("how many of a ranking (10)"),
		USAGE_BY,
		USAGE_STEP,
		USAGE_COMPARE,
		{0},
	};
	static const struct cli_command command = {
		.name = "stats",
		.summary = "show totals, calls over time, rankings and slow calls",
		.options = options,
		.shares = SHARES,
		.examples =
			{"tollgate usage stats --last 7d",
			 "tollgate usage stats --tokens my-workflow --zone Asia/Taipei"},
		.none = USAGE_NONE,
		.run = run_stats,
	};

	return &command;
}

const struct cli_command *cli_usage_top(void)
{
	static const struct cli_option options[] = {
		USAGE_RANGE,
		USAGE_TOKENS,
		USAGE_TEAMS,
		USAGE_ROUTES,
		USAGE_LIMIT("how many (10)"),
		USAGE_BY,
		{0},
	};
	static const struct cli_command command = {
		.name = "top",
		.summary = "rank tokens or routes by calls, errors, time or cost",
		.arguments = "tokens|routes",
		.least = 1,
		.most = 1,
		.options = options,
		.shares = SHARES,
		.examples = {"tollgate usage top tokens --last 7d",
			     "tollgate usage top routes --by errors --teams research"},
		.none = USAGE_NONE,
		.run = run_top,
	};

	return &command;
}

const struct cli_command *cli_usage_series(void)
{
	static const struct cli_option options[] = {
		USAGE_RANGE,
		USAGE_TOKENS,
		USAGE_TEAMS,
		USAGE_ROUTES,
		USAGE_STEP,
		CLI_OPTION("percentiles", CLI_FLAG, NULL, "of each point, too"),
		{0},
	};
	static const struct cli_command command = {
		.name = "series",
		.summary = "show calls over time",
		.options = options,
		.shares = SHARES,
		.examples = {"tollgate usage series --last 7d --step 1d",
			     "tollgate usage series --routes /api/openai --percentiles"},
		.none = USAGE_NONE,
		.run = run_series,
	};

	return &command;
}

const struct cli_command *cli_usage_logs(void)
{
	static const struct cli_option options[] = {
		USAGE_RANGE,
		USAGE_TOKENS,
		USAGE_TEAMS,
		USAGE_ROUTES,
		USAGE_LIMIT("how many (50), up to 500"),
		USAGE_ROWS,
		LINES_OPTION,
		{0},
	};
	static const struct cli_command command = {
		.name = "logs",
		.summary = "show single calls, latest first",
		.options = options,
		.shares = SHARES,
		.examples = {"tollgate usage logs --last 1h --status 5xx",
			     "tollgate usage logs --tokens my-workflow --min-ms 5000"},
		.none = USAGE_NONE,
		.run = run_logs,
	};

	return &command;
}

const struct cli_command *cli_usage_cost(void)
{
	static const struct cli_option options[] = {
		USAGE_RANGE, USAGE_TOKENS, USAGE_TEAMS, USAGE_ROUTES, {0}};
	static const struct cli_command command = {
		.name = "cost",
		.summary = "show what calls cost, of routes with a price_per_call",
		.options = options,
		.shares = SHARES,
		.examples = {"tollgate usage cost --last 30d --config tollgate.json",
			     "tollgate usage cost --from 2026-11-01 --teams research"},
		.none = USAGE_NONE,
		.run = run_cost,
	};

	return &command;
}
