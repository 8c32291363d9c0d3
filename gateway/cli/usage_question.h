/* Asking a question about usage with what was given on the command line. Main thread. */
#ifndef GATEWAY_CLI_USAGE_QUESTION_H
#define GATEWAY_CLI_USAGE_QUESTION_H

#include "gateway/cli/command.h"
#include "gateway/statistics/questions.h"

/* Options that commands about usage share; each takes those that its question has. */
#define USAGE_RANGE                                                                      \
	CLI_OPTION("last", CLI_LIFETIME, "TIME", "so long until now: 90m, 24h, 7d"),     \
		CLI_OPTION("from", CLI_TEXT, "TIME",                                     \
			   "2026-11-24, 2026-11-24T12:30, 2026-11-24T12:30:00+05:30; "   \
			   "without it 24 hours before --to"),                           \
		CLI_OPTION("to", CLI_TEXT, "TIME", "without it now"),                    \
		CLI_OPTION("zone", CLI_TEXT, "ZONE",                                     \
			   "of these times, and of what a day is (UTC)")
#define USAGE_TOKENS                                                                     \
	CLI_OPTION("tokens", CLI_LIST, "TOKEN,...", "only these tokens: names or ids")
#define USAGE_TEAMS                                                                      \
	CLI_OPTION("teams", CLI_LIST, "TEAM,...",                                        \
		   "only tokens of these teams: names or ids")
#define USAGE_ROUTES                                                                     \
	CLI_OPTION("routes", CLI_LIST, "ROUTE,...",                                      \
		   "only these routes: paths, or names of a configuration's routes")
#define USAGE_LIMIT(help)                                                                \
	CLI_OPTION("limit", CLI_NUMBER, "N", help, .least = 1, .most = QUESTION_TOP_MAX)
#define USAGE_BY                                                                         \
	CLI_OPTION("by", CLI_WORD, "WHAT", "rank by calls, errors, time or cost",        \
		   .words = "calls errors time cost")
#define USAGE_STEP                                                                       \
	CLI_OPTION(                                                                      \
		"step", CLI_TEXT, "STEP",                                                \
		"of a series: 15m, 2h, 1d, 1w, 1mo, 1y; without it 1h, or by the range")
#define USAGE_COMPARE                                                                    \
	CLI_OPTION("compare", CLI_WORD, "WHAT",                                          \
		   "with the period before (previous), with the same a week before "     \
		   "(week_before), or none",                                             \
		   .words = "previous week_before none")
#define USAGE_ROWS                                                                       \
	CLI_OPTION("status", CLI_TEXT, "STATUS",                                         \
		   "rows with this status, or of a class: 404, 5xx"),                    \
		CLI_OPTION("method", CLI_TEXT, "METHOD", "rows with this method"),       \
		CLI_OPTION("min-ms", CLI_NUMBER, "N", "rows that took so long at least", \
			   .least = 0, .most = INT32_MAX),                               \
		CLI_OPTION("outcome", CLI_TEXT, "WORD",                                  \
			   "rows with this outcome: complete, client_abort, ..."),       \
		CLI_OPTION("address", CLI_TEXT, "ADDR",                                  \
			   "rows of callers with this address, or of a network: "        \
			   "192.0.2.0/24"),                                              \
		CLI_OPTION("after", CLI_TEXT, "NEXT",                                    \
			   "the page behind the one that ended with this `next`")

/* Asks with those of these options that the command has and that were given, and prints
 * the answer: as JSON, but on a terminal without --json as tables. Returns the exit
 * status. */
int usage_question_run(const struct cli_call *c, enum question_kind kind);

#endif
