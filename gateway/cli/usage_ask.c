/* `tollgate usage ask`: answers a question about usage. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/cli_options.h"
#include "gateway/settings/settings.h"
#include "gateway/statistics/ask.h"

#define ERROR_MAX (64u << 10)

static const char help_head[] =
	"usage: tollgate usage ask QUESTION [options]\n\n"
	"Answers with JSON (docs/usage-questions.md). Questions:\n\n";

static const char help_options[] =
	"\n"
	"  --from TIME      2026-11-24, 2026-11-24T12:30, 2026-11-24T12:30:00+05:30; without: 24\n"
	"                   hours before --to\n"
	"  --to TIME        without: now\n"
	"  --zone ZONE      of these times, and of what a day is; without: UTC\n"
	"  --tokens ID,...  only these tokens\n"
	"  --teams ID,...   only tokens of these teams\n"
	"  --routes PATH,.. only these routes\n"
	"  --limit N        how many of a ranking (10) or of rows (50)\n"
	"  --by WHAT        rank by calls, errors, time or cost\n"
	"  --step STEP      of a series: 15m, 2h, 1d, 1w, 1mo, 1y; without: 1h, or by the range\n"
	"  --compare WHAT   of stats, token and route: with the period before (previous), with the\n"
	"                   same a week before (week_before), or none\n"
	"  --percentiles    of each point of a series, too\n"
	"  --status STATUS  rows with this status, or of a class: 404, 5xx\n"
	"  --method METHOD  rows with this method\n"
	"  --min-ms N       rows that took so long at least\n"
	"  --outcome WORD   rows with this outcome: complete, client_abort, ...\n"
	"  --address ADDR   rows of callers with this address, or of a network: 192.0.2.0/24\n"
	"  --request-id ID  of `row`\n"
	"  --after NEXT     the page behind the one that ended with this `next`\n"
	"  --sql            print the statement and do not ask: for psql, or EXPLAIN ANALYZE\n" CLI_DB_HELP
	"                   (costs take prices from the configuration's routes)\n";

struct arguments {
	struct cli_db db;
	struct question q;
	int64_t *tokens, *teams;
	const char **routes;
	struct question_price *prices;
	bool sql;
};

static int print_help(FILE *out, int status)
{
	fputs(help_head, out);
	for (int i = 0; i < QUESTION_COUNT; i++)
		fprintf(out, "  %-14s %s\n", question_name((enum question_kind)i),
			question_summary((enum question_kind)i));
	fputs(help_options, out);
	return status;
}

/* --- values --- */

static bool wrong(const char *option, const char *value, const char *want)
{
	fprintf(stderr, "tollgate usage ask: --%s '%s' is not %s\n", option, value, want);
	return false;
}

static bool is_number(const char *text, long long most, long long *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *out >= 0 && *out <= most;
}

static bool number(const char *option, const char *text, long long most, long long *out)
{
	return is_number(text, most, out) || wrong(option, text, "a number in range");
}

static size_t count_parts(const char *list)
{
	size_t n = 1;

	for (; *list != '\0'; list++)
		n += *list == ',';
	return n;
}

static bool take_ids(const char *option, char *list, int64_t **ids, size_t *n)
{
	char *rest = list, *part;
	long long id;

	free(*ids);
	*ids = xcalloc(count_parts(list), sizeof **ids);
	*n = 0;
	while ((part = strsep(&rest, ",")) != NULL) {
		if (*part == '\0' || !number(option, part, INT64_MAX, &id))
			return *part != '\0' ? false : wrong(option, part, "an id");
		(*ids)[(*n)++] = id;
	}
	return true;
}

static bool take_tokens(struct arguments *a, char *list)
{
	bool ok = take_ids("tokens", list, &a->tokens, &a->q.n_tokens);

	a->q.all_tokens = false;
	a->q.tokens = a->tokens;
	return ok;
}

static bool take_teams(struct arguments *a, char *list)
{
	bool ok = take_ids("teams", list, &a->teams, &a->q.n_teams);

	a->q.in_teams = true;
	a->q.teams = a->teams;
	return ok;
}

static bool take_routes(struct arguments *a, char *list)
{
	char *rest = list, *part;

	free(a->routes);
	a->routes = xcalloc(count_parts(list), sizeof *a->routes);
	a->q.n_routes = 0;
	while ((part = strsep(&rest, ",")) != NULL)
		a->routes[a->q.n_routes++] = part;
	a->q.routes = a->routes;
	return true;
}

static bool take_by(struct arguments *a, const char *text)
{
	static const char *const names[] = {[BY_CALLS] = "calls",
					    [BY_ERRORS] = "errors",
					    [BY_TIME] = "time",
					    [BY_COST] = "cost"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		a->q.by = (enum question_order)i;
		if (strcmp(names[i], text) == 0)
			return true;
	}
	return wrong("by", text, "calls, errors, time or cost");
}

static bool take_compare(struct arguments *a, const char *text)
{
	static const char *const names[] = {[COMPARE_PREVIOUS] = "previous",
					    [COMPARE_WEEK_BEFORE] = "week_before",
					    [COMPARE_NONE] = "none"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		a->q.compare = (enum question_compare)i;
		if (strcmp(names[i], text) == 0)
			return true;
	}
	return wrong("compare", text, "previous, week_before or none");
}

static bool take_status(struct arguments *a, const char *text)
{
	long long status;

	if (strlen(text) == 3 && text[0] >= '1' && text[0] <= '9' &&
	    strcmp(text + 1, "xx") == 0) {
		a->q.status_low = (text[0] - '0') * 100;
		a->q.status_high = a->q.status_low + 99;
		return true;
	}
	if (!is_number(text, 999, &status) || status < 100)
		return wrong("status", text, "100 to 999, or a class like 5xx");
	a->q.status_low = a->q.status_high = (int)status;
	return true;
}

static bool take_limit(struct arguments *a, const char *text)
{
	long long n;

	if (!number("limit", text, QUESTION_TOP_MAX, &n))
		return false;
	if (n == 0)
		return wrong("limit", text, "1 or more");
	a->q.limit = (unsigned)n;
	return true;
}

static bool take_min_ms(struct arguments *a, const char *text)
{
	long long n;

	if (!number("min-ms", text, INT32_MAX, &n))
		return false;
	a->q.min_ms = (int32_t)n;
	return true;
}

/* --- options --- */

static const struct option options[] = {
	CLI_DB_OPTIONS,
	{"from", required_argument, NULL, 'f'},
	{"to", required_argument, NULL, 't'},
	{"zone", required_argument, NULL, 'z'},
	{"tokens", required_argument, NULL, 'k'},
	{"teams", required_argument, NULL, 'g'},
	{"routes", required_argument, NULL, 'r'},
	{"limit", required_argument, NULL, 'n'},
	{"by", required_argument, NULL, 'b'},
	{"step", required_argument, NULL, 's'},
	{"percentiles", no_argument, NULL, 'p'},
	{"status", required_argument, NULL, 'u'},
	{"method", required_argument, NULL, 'm'},
	{"min-ms", required_argument, NULL, 'i'},
	{"compare", required_argument, NULL, 'w'},
	{"outcome", required_argument, NULL, 'o'},
	{"address", required_argument, NULL, 'x'},
	{"request-id", required_argument, NULL, 'y'},
	{"after", required_argument, NULL, 'a'},
	{"sql", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* The field of a text option. */
static const char **text_of(struct arguments *a, int c)
{
	switch (c) {
	case 'f':
		return &a->q.from;
	case 't':
		return &a->q.to;
	case 'z':
		return &a->q.zone;
	case 's':
		return &a->q.step;
	case 'm':
		return &a->q.method;
	case 'a':
		return &a->q.after;
	case 'o':
		return &a->q.outcome;
	case 'x':
		return &a->q.address;
	case 'y':
		return &a->q.request_id;
	default:
		return NULL;
	}
}

static bool take_option(struct arguments *a, int c, char *value)
{
	const char **text = text_of(a, c);

	if (cli_db_take(&a->db, c, value))
		return true;
	if (text != NULL) {
		*text = value;
		return true;
	}
	switch (c) {
	case 'k':
		return take_tokens(a, value);
	case 'g':
		return take_teams(a, value);
	case 'r':
		return take_routes(a, value);
	case 'w':
		return take_compare(a, value);
	case 'n':
		return take_limit(a, value);
	case 'b':
		return take_by(a, value);
	case 'u':
		return take_status(a, value);
	case 'i':
		return take_min_ms(a, value);
	case 'p':
		a->q.percentiles = true;
		return true;
	case 'q':
		a->sql = true;
		return true;
	default:
		return false;
	}
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

static int run(struct arguments *a)
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
	if (ok && a->sql)
		print_sql(&t);
	else if (ok)
		ok = (answer = question_ask(conninfo, &t, &error)) != NULL;
	if (answer != NULL)
		puts(answer);
	if (!ok)
		fprintf(stderr, "tollgate usage ask: " STR_FMT "\n",
			STR_ARG(sbuf_view(&error)));
	if (!ok && was_built)
		cli_db_explain(conninfo, "tollgate usage ask");
	question_text_fini(&t);
	sbuf_fini(&error);
	free(answer);
	free(conninfo);
	return ok ? 0 : 1;
}

static int parse_and_run(struct arguments *a, int argc, char **argv)
{
	int c;

	while ((c = cli_next_option(argc, argv, options)) != -1) {
		if (c == 'h')
			return print_help(stdout, 0);
		if (!take_option(a, c, optarg))
			return 2;
	}
	if (optind + 1 != argc)
		return print_help(stderr, 2);
	if (!question_named(argv[optind], &a->q.kind)) {
		fprintf(stderr,
			"tollgate usage ask: no question '%s'; --help lists them\n",
			cli_shown(argv[optind]));
		return 2;
	}
	return run(a);
}

int cli_usage_ask(int argc, char **argv)
{
	struct arguments a = {.q.all_tokens = true};
	int status = parse_and_run(&a, argc, argv);

	for (size_t i = 0; i < a.q.n_prices; i++)
		free((void *)(uintptr_t)a.prices[i].path);
	free(a.prices);
	free(a.tokens);
	free(a.teams);
	free(a.routes);
	return status;
}
