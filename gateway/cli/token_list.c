/* `tollgate token list`: pages of the database's own list, which the manager shows, too.
 *
 * A page is printed before the next one is asked for: a million tokens take no memory. */
#include "gateway/cli/token_list.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "common/pg_sync.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/lines.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/table.h"
#include "gateway/token/key_text.h"
#include "gateway/token/token_calls.h"

#define ERROR_MAX (64u << 10)
#define PAGE_MAX 1000
#define SHOWN 50 /* to people, where nothing is said */
#define DAY_S 86400

/* A row a token, with `next` in each; one without a token where there is none. The page
 * is taken apart once, not for each row. Text is taken as it is: an id may pass what a
 * double holds. */
#define PAGE_SQL(columns)                                                                \
	"WITH l AS MATERIALIZED (SELECT public.token_list(NULL, $1::jsonb) AS page), "   \
	"p AS MATERIALIZED (SELECT page ->> 'next' AS next, page -> 'items' AS items "   \
	"FROM l) SELECT next, item::text AS json" columns                                \
	" FROM p LEFT JOIN LATERAL json_array_elements(items) WITH ORDINALITY "          \
	"AS i (item, n) ON true ORDER BY n"

static const char json_sql[] = PAGE_SQL("");
static const char table_sql[] = PAGE_SQL(
	", item ->> 'id' AS id, item ->> 'name' AS name, "
	"item ->> 'key_start' AS key_start, item ->> 'state' AS state, "
	"item -> 'team' ->> 'name' AS team, "
	"(SELECT string_agg(s, ' ') FROM json_array_elements_text(item -> 'scopes') AS s) "
	"AS scopes, item ->> 'expires_at' AS expires_at, "
	"item ->> 'last_used_at' AS last_used_at, item ->> 'calls' AS calls, "
	"item ->> 'errors' AS errors");

struct listing {
	const struct cli_call *call;
	struct table *table; /* NULL: JSON */
	const char *rank;    /* "calls", "errors", or NULL */
	double most_calls;   /* what its bars are held against; 0: not known yet */
	bool is_terminal;
	int64_t left; /* to be shown yet */
	uint64_t shown;
	char *next; /* of the page that was printed last; NULL: there is no more */
};

/* --- what is printed --- */

static const char *value_of(const PGresult *r, int i, const char *column)
{
	int number = PQfnumber(r, column);

	CHECK(number >= 0);
	return PQgetisnull(r, i, number) ? NULL : PQgetvalue(r, i, number);
}

static enum table_paint state_paint(const char *state)
{
	return strcmp(state, "active") == 0 ? PAINT_GOOD : PAINT_DIM;
}

static struct table *new_table(bool is_ranking)
{
	static const struct table_column plain[] = {
		{"ID", TABLE_TEXT, 6},      {"NAME", TABLE_TEXT, 24},
		{"KEY", TABLE_TEXT, 10},    {"STATE", TABLE_TEXT, 8},
		{"SCOPES", TABLE_TEXT, 24}, {"EXPIRES", TABLE_TIME, 0},
		{"TEAM", TABLE_EXTRA, 0},   {"LAST USED", TABLE_EXTRA_TIME, 0},
	};
	static const struct table_column ranking[] = {
		{"ID", TABLE_TEXT, 6},        {"NAME", TABLE_TEXT, 24},
		{"STATE", TABLE_TEXT, 8},     {"CALLS", TABLE_NUMBER, 12},
		{"ERRORS", TABLE_NUMBER, 12}, {"", TABLE_BAR, 0},
		{"TEAM", TABLE_TEXT, 0},
	};

	return is_ranking ? table_new(ranking, ARRAY_LEN(ranking))
			  : table_new(plain, ARRAY_LEN(plain));
}

static void add_ranked(struct listing *l, const PGresult *r, int i)
{
	double ranked = strtod(value_of(r, i, l->rank), NULL);

	if (l->most_calls <= 0) /* the first has the most */
		l->most_calls = ranked;
	table_add_number(l->table, strtod(value_of(r, i, "calls"), NULL));
	table_add_number(l->table, strtod(value_of(r, i, "errors"), NULL));
	table_add_share(l->table, l->most_calls > 0 ? ranked / l->most_calls : 0);
	table_add(l->table, value_of(r, i, "team"));
}

static void add_row(struct listing *l, const PGresult *r, int i)
{
	const char *state = value_of(r, i, "state");

	table_add(l->table, value_of(r, i, "id"));
	table_add(l->table, value_of(r, i, "name"));
	if (l->rank == NULL)
		table_add(l->table, value_of(r, i, "key_start"));
	table_add_painted(l->table, state, state_paint(state));
	if (l->rank != NULL) {
		add_ranked(l, r, i);
		return;
	}
	table_add(l->table, value_of(r, i, "scopes"));
	table_add(l->table, value_of(r, i, "expires_at"));
	table_add(l->table, value_of(r, i, "team"));
	table_add(l->table, value_of(r, i, "last_used_at"));
}

static void print_page(struct listing *l, const PGresult *r)
{
	for (int i = 0; i < PQntuples(r); i++) {
		if (value_of(r, i, "json") == NULL)
			continue;
		if (l->table != NULL) {
			add_row(l, r, i);
		} else {
			fputs(l->shown > 0 ? ",\n" : "", stdout);
			screen_put_json(value_of(r, i, "json"));
		}
		l->shown++;
		l->left--;
	}
	if (l->table != NULL && !table_says_none(l->call, l->shown))
		table_flush(l->table);
}

/* --- what is asked --- */

static void add_list(const struct cli_call *c, cJSON *filter, const char *option)
{
	size_t n;
	const char **list = cli_list(c, option, &n);

	if (n > 0)
		cJSON_AddItemToObject(filter, option,
				      cJSON_CreateStringArray(list, (int)n));
	free(list);
}

static void add_text(cJSON *filter, const char *name, const char *text)
{
	if (text != NULL)
		cJSON_AddStringToObject(filter, name, text);
}

static void add_days(const struct cli_call *c, cJSON *filter, const char *name,
		     const char *option)
{
	if (cli_has(c, option))
		cJSON_AddNumberToObject(filter, name,
					(double)(cli_number(c, option, 0) / DAY_S));
}

/* The latest first to people; to programs as they were made. */
static const char *sort_of(const struct listing *l)
{
	const char *sort = cli_text(l->call, "sort");

	if (sort != NULL || l->rank != NULL)
		return sort;
	return l->is_terminal && l->table != NULL ? "-created_at" : "created_at";
}

static char *filter_of(const struct listing *l)
{
	const struct cli_call *c = l->call;
	cJSON *filter = cJSON_CreateObject();

	add_text(filter, "q", cli_text(c, "search"));
	add_list(c, filter, "team");
	add_list(c, filter, "scope");
	add_list(c, filter, "state");
	add_days(c, filter, "unused_days", "unused");
	add_days(c, filter, "expires_days", "expires-within");
	add_text(filter, "sort", sort_of(l));
	add_text(filter, "by", l->rank);
	add_text(filter, "after", l->next ? l->next : cli_text(c, "after"));
	cJSON_AddNumberToObject(filter, "limit",
				l->left < PAGE_MAX ? (double)l->left : PAGE_MAX);
	return json_text_take(filter);
}

static bool ask_page(struct listing *l, struct pg_sync *db)
{
	char *filter = filter_of(l);
	const char *const values[] = {filter};
	struct sbuf error;
	PGresult *r;

	sbuf_init(&error, ERROR_MAX);
	r = pg_sync_query(db, l->table != NULL ? table_sql : json_sql, values, 1, &error);
	if (r != NULL) {
		const char *next = value_of(r, 0, "next");

		free(l->next);
		l->next = next != NULL ? xstrdup(next) : NULL;
		print_page(l, r);
	} else {
		cli_refused(l->call, &error);
	}
	PQclear(r);
	sbuf_fini(&error);
	cJSON_free(filter);
	return r != NULL;
}

static bool print_all(struct listing *l, struct pg_sync *db)
{
	do {
		if (!ask_page(l, db))
			return false;
	} while (l->next != NULL && l->left > 0 && !ferror(stdout));
	return true;
}

static void tell_of_more(const struct listing *l)
{
	if (l->next != NULL)
		cli_say(stderr,
			"there are more: --all tells all of them, --limit N as many, "
			"--after %s what follows\n",
			l->next);
}

static int64_t most_of(const struct listing *l)
{
	bool is_for_people = l->is_terminal && l->table != NULL;

	if (cli_has(l->call, "all"))
		return INT64_MAX;
	return cli_number(l->call, "limit", is_for_people ? SHOWN : INT64_MAX);
}

/* As programs get them: as they were made, unless an order is asked for. */
static int list_lines(const struct cli_call *c, struct pg_sync *db)
{
	struct listing l = {.call = c, .rank = cli_text(c, "by"), .left = PAGE_MAX};
	char *filter = filter_of(&l);
	const struct lines_plan plan = {.kind = LIST_TOKENS,
					.sql = token_sql(TOKEN_LIST),
					.values = {NULL, filter},
					.n_values = 2,
					.place = 1};
	int status = lines_print(c, db, &plan);

	cJSON_free(filter);
	return status;
}

static int list(const struct cli_call *c, struct pg_sync *db)
{
	struct listing l = {.call = c, .rank = cli_text(c, "by")};
	bool ok;

	l.is_terminal = screen_of_output().is_terminal;
	if (cli_has(c, "json"))
		putchar('[');
	else
		l.table = new_table(l.rank != NULL);
	l.left = most_of(&l);
	ok = print_all(&l, db);
	if (l.table == NULL)
		puts("]");
	if (ok)
		tell_of_more(&l);
	if (l.table != NULL)
		table_free(&l.table);
	free(l.next);
	return ok ? 0 : 1;
}

/* --- command --- */

static bool is_days(const struct cli_call *c, const char *option)
{
	return !cli_has(c, option) || cli_number(c, option, 0) % DAY_S == 0;
}

static int run(const struct cli_call *c)
{
	const char *search = cli_text(c, "search");
	struct cli_db database = cli_db_of(c);
	struct pg_sync *db;
	int status;

	if (cli_has(c, "by") && cli_has(c, "sort"))
		return cli_usage_error(c,
				       "--by is an order of its own: leave --sort out");
	if (lines_refused(c) != 0)
		return 2;
	if (cli_has(c, "all") && cli_has(c, "limit"))
		return cli_usage_error(c, "--all or --limit, not both");
	if (!is_days(c, "unused") || !is_days(c, "expires-within"))
		return cli_usage_error(c,
				       "--unused and --expires-within take whole days: "
				       "30d, 2w, 1y");
	if (search != NULL && key_in_text(str_of(search), (struct str){0}))
		return cli_usage_error(c, "--search is a key, which other users and the "
					  "shell's history see here: `tollgate token "
					  "lookup` reads it from standard input");
	db = cli_db_open(&database, c->path);
	if (db == NULL)
		return 1;
	status = cli_has(c, "format") ? list_lines(c, db) : list(c, db);
	pg_sync_close(&db);
	return status;
}

static const struct cli_option options[] = {
	CLI_OPTION("search", CLI_TEXT, "TEXT",
		   "with words that begin so in the name, a key that begins so, or this "
		   "id"),
	CLI_OPTION("team", CLI_LIST, "TEAM",
		   "of these teams, by name or id; none: no team's"),
	CLI_OPTION("scope", CLI_LIST, "SCOPE", "with one of these scopes"),
	CLI_OPTION(
		"state", CLI_LIST, "STATE",
		"active, disabled, team_disabled, expired, revoked or deleted; without "
		"it all but the deleted",
		.words = "active disabled team_disabled expired revoked deleted"),
	CLI_OPTION("unused", CLI_LIFETIME, "TIME", "not used for so long: 90d"),
	CLI_OPTION("expires-within", CLI_LIFETIME, "TIME", "that expire so soon: 30d"),
	CLI_OPTION(
		"sort", CLI_WORD, "ORDER",
		"name, created_at, expires_at or last_used_at; a - before it: the last "
		"first",
		.words = "name -name created_at -created_at expires_at -expires_at "
			 "last_used_at -last_used_at"),
	CLI_OPTION("by", CLI_WORD, "WHAT",
		   "rank those that were called in the last 24 hours: by calls or errors",
		   .words = "calls errors"),
	CLI_OPTION("limit", CLI_NUMBER, "N", "so many at most", .least = 1,
		   .most = INT64_MAX),
	CLI_OPTION("all", CLI_FLAG, NULL, "all of them, however many"),
	CLI_OPTION("after", CLI_TEXT, "NEXT",
		   "go on behind an earlier list of this order, as it said"),
	LINES_OPTION,
	{0},
};

const struct cli_command *cli_token_list(void)
{
	static const struct cli_command command = {
		.name = "list",
		.summary = "list, search and rank tokens",
		.text = "On a terminal the latest 50, with a line that tells how to go on "
			"where there are more; to a program, or with --json, all, in the "
			"order in which they were made. Filters given together all hold; "
			"a filter given several times takes any of its values.",
		.options = options,
		.shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		.examples =
			{"tollgate token list --search mail --state active",
			 "tollgate token list --by errors --team research --limit 10"},
		.none = "no tokens yet: tollgate token create --name NAME --scope SCOPE",
		.run = run,
	};

	return &command;
}
