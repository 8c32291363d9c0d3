/* Asking a question about usage with what was given on the command line. */
#include "gateway/cli/usage_question.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "gateway/cli/clean.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/lines.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/usage_names.h"
#include "gateway/cli/usage_show.h"
#include "gateway/settings/settings.h"
#include "gateway/statistics/ask.h"
#include "gateway/statistics/question_fields.h"

#define ERROR_MAX (64u << 10)

struct asking {
	const struct cli_call *call;
	struct cli_db db;
	char *conninfo;
	struct settings *settings; /* NULL: no configuration */
	struct question q;
	int64_t *tokens, *teams;
	const char **routes;
	struct question_price *prices;
	char from[32]; /* of --last */
};

/* --- what was given --- */

static bool takes(const struct asking *a, const char *option)
{
	return cli_option_named(a->call->command, option) != NULL;
}

static bool given(const struct asking *a, const char *option)
{
	return takes(a, option) && cli_has(a->call, option);
}

static const char *text(const struct asking *a, const char *option)
{
	return takes(a, option) ? cli_text(a->call, option) : NULL;
}

static int word(const struct asking *a, const char *option)
{
	return takes(a, option) ? cli_word(a->call, option) : -1;
}

/* "404" or "5xx". False: it said what is wrong. */
static bool take_status(struct asking *a, const char *text)
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

/* False: it said what is wrong. */
static bool take_range(struct asking *a)
{
	char *start;

	a->q.from = text(a, "from");
	if (!given(a, "last"))
		return true;
	if (a->q.from != NULL || a->q.to != NULL) {
		cli_usage_error(a->call, "--last, or --from and --to, not both");
		return false;
	}
	start = question_time_text(1000 * (time(NULL) - cli_number(a->call, "last", 0)));
	snprintf(a->from, sizeof a->from, "%sZ", start);
	free(start);
	a->q.from = a->from;
	return true;
}

static void take_texts(struct asking *a)
{
	const struct {
		const char *option, **field;
	} texts[] = {
		{"to", &a->q.to},           {"zone", &a->q.zone},
		{"step", &a->q.step},       {"method", &a->q.method},
		{"after", &a->q.after},     {"outcome", &a->q.outcome},
		{"address", &a->q.address}, {"request-id", &a->q.request_id},
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i].field = text(a, texts[i].option);
}

/* False: it said what is wrong. */
static bool take_options(struct asking *a)
{
	int by = word(a, "by"), compare = word(a, "compare");

	take_texts(a);
	a->q.by = by >= 0 ? (enum question_order)by : BY_CALLS;
	a->q.compare = compare >= 0 ? (enum question_compare)compare : COMPARE_PREVIOUS;
	if (given(a, "limit"))
		a->q.limit = (unsigned)cli_number(a->call, "limit", 0);
	if (given(a, "min-ms"))
		a->q.min_ms = (int32_t)cli_number(a->call, "min-ms", 0);
	a->q.percentiles = given(a, "percentiles");
	if (given(a, "status") && !take_status(a, text(a, "status")))
		return false;
	return take_range(a);
}

/* Whose names the database and the configuration know. False: it said why not. */
static bool take_names(struct asking *a)
{
	const struct cli_call *c = a->call;

	if (given(a, "tokens") &&
	    !usage_names_ids(c, a->conninfo, "tokens", &a->tokens, &a->q.n_tokens))
		return false;
	if (given(a, "teams") &&
	    !usage_names_ids(c, a->conninfo, "teams", &a->teams, &a->q.n_teams))
		return false;
	if (given(a, "routes") &&
	    !usage_names_routes(c, a->settings, &a->routes, &a->q.n_routes))
		return false;
	a->q.all_tokens = !given(a, "tokens");
	a->q.in_teams = given(a, "teams");
	a->q.tokens = a->tokens;
	a->q.teams = a->teams;
	a->q.routes = a->routes;
	return true;
}

/* --- asking --- */

static void take_prices(struct asking *a)
{
	const struct settings *s = a->settings;

	a->prices = xcalloc(s ? s->n_routes + 1 : 1, sizeof *a->prices);
	for (size_t i = 0; s != NULL && i < s->n_routes; i++)
		if (s->routes[i].price_micro != 0)
			a->prices[a->q.n_prices++] = (struct question_price){
				s->routes[i].path, s->routes[i].price_micro};
	a->q.prices = a->prices;
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

static void print_answer(const struct asking *a, const char *answer)
{
	cJSON *json = NULL;

	if (screen_of_output().is_terminal && !cli_has(a->call, "json"))
		json = cJSON_Parse(answer);
	if (json != NULL)
		usage_show(a->call, json);
	else
		screen_print_json_text(answer);
	cJSON_Delete(json);
}

#define PAGE_VALUE 5   /* $6, rows of a page */
#define PLACE_VALUE 11 /* $12 and $13, where a page begins */

/* All single calls that it asks for, as lines. */
static int print_lines(const struct asking *a, const struct question_text *t,
		       struct sbuf *error)
{
	struct pg_sync *db = pg_sync_open(a->conninfo, "tollgate usage logs", error);
	struct lines_plan plan = {.kind = LIST_LOGS,
				  .sql = t->sql,
				  .n_values = t->n_values,
				  .place = PLACE_VALUE,
				  .is_place = true};
	int status;

	if (db == NULL)
		return cli_fail(a->call, STR_FMT, STR_ARG(sbuf_view(error)));
	CHECK(t->n_values > PLACE_VALUE + 1 && t->n_values <= LINES_VALUES_MAX);
	for (int i = 0; i < t->n_values; i++)
		plan.values[i] = t->values[i];
	plan.values[PAGE_VALUE] = "1000";
	status = lines_print(a->call, db, &plan);
	pg_sync_close(&db);
	return status;
}

static int ask_lines(struct asking *a)
{
	struct question_text t;
	struct sbuf error;
	char *now = question_time_text(1000 * time(NULL));
	char to[40];
	int status = 1;

	/* A range that ends now would go on while the pages go out. */
	snprintf(to, sizeof to, "%sZ", now);
	free(now);
	if (a->q.to == NULL)
		a->q.to = to;
	sbuf_init(&error, ERROR_MAX);
	if (question_build(&a->q, &t, &error))
		status = print_lines(a, &t, &error);
	else
		cli_fail(a->call, STR_FMT, STR_ARG(sbuf_view(&error)));
	question_text_fini(&t);
	sbuf_fini(&error);
	return status;
}

static int ask(struct asking *a)
{
	char *answer = NULL;
	struct question_text t;
	struct sbuf error;
	bool ok, was_built;

	sbuf_init(&error, ERROR_MAX);
	ok = was_built = question_build(&a->q, &t, &error);
	if (ok && given(a, "sql"))
		print_sql(&t);
	else if (ok)
		ok = (answer = question_ask(a->conninfo, &t, &error)) != NULL;
	if (answer != NULL)
		print_answer(a, answer);
	if (!ok)
		cli_fail(a->call, STR_FMT, STR_ARG(sbuf_view(&error)));
	if (!ok && was_built)
		cli_db_explain(a->conninfo, a->call->path);
	question_text_fini(&t);
	sbuf_fini(&error);
	free(answer);
	return ok ? 0 : 1;
}

int usage_question_run(const struct cli_call *c, enum question_kind kind)
{
	struct asking a = {.call = c, .db = cli_db_of(c), .q.kind = kind};
	int status = 1;

	if (!take_options(&a))
		return 2;
	a.conninfo = cli_db_conninfo(&a.db);
	if (a.conninfo != NULL) {
		/* Its faults were told when its database was read. */
		a.settings = cli_db_settings(&a.db);
		take_prices(&a);
		if (take_names(&a))
			status = given(&a, "format") ? ask_lines(&a) : ask(&a);
	}
	settings_unref(&a.settings);
	free(a.conninfo);
	free(a.prices);
	free(a.tokens);
	free(a.teams);
	free(a.routes);
	return status;
}
