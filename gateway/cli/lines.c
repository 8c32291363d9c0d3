/* A whole list on standard output as lines. */
#include "gateway/cli/lines.h"

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/json_rows.h"
#include "common/json_text.h"
#include "common/pg_value.h"
#include "gateway/cli/clean.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/screen.h"
#include "gateway/token/token_calls.h"

#define ERROR_MAX (64u << 10)
#define TEXT_MAX ((size_t)256 << 20) /* of a page's lines */

struct lines {
	const struct lines_plan *plan;
	bool is_csv, is_terminal;
	const char *values[LINES_VALUES_MAX];
	char *owned[2]; /* of the values that change */
	unsigned long long rows;
	bool begun; /* the first page is there: it goes out, and the audit has it */
};

int lines_refused(const struct cli_call *c)
{
	static const char *const pages[] = {"limit", "after", "all", "json", "full"};

	for (size_t i = 0; cli_has(c, "format") && i < ARRAY_LEN(pages); i++)
		if (cli_option_named(c->command, pages[i]) != NULL &&
		    cli_has(c, pages[i]))
			return cli_usage_error(c, "--format tells all: leave --%s out",
					       pages[i]);
	return 0;
}

/* What stands in it commands no terminal. */
static void put(const struct lines *l, struct str text)
{
	struct sbuf clean;

	if (!l->is_terminal) {
		fwrite(text.p, 1, text.n, stdout);
		return;
	}
	sbuf_init(&clean, 8 * text.n + 1);
	clean_lines(&clean, text);
	fwrite(clean.p, 1, clean.n, stdout);
	sbuf_fini(&clean);
}

static void put_items(struct lines *l, struct str page)
{
	const char *const *columns = list_columns(l->plan->kind);
	struct str items = {0}, item;
	struct sbuf text;
	size_t at = 0;

	if (!json_rows_member(page, "items", &items))
		json_rows_member(page, "rows", &items);
	sbuf_init(&text, TEXT_MAX);
	while (json_rows_next(items, &at, &item)) {
		if (l->is_csv)
			json_rows_csv(&text, item, columns);
		else
			sbuf_printf(&text, STR_FMT "\n", STR_ARG(item));
		l->rows++;
	}
	put(l, sbuf_view(&text));
	sbuf_fini(&text);
}

static void own(struct lines *l, int i, char *value)
{
	free(l->owned[i]);
	l->owned[i] = value;
	l->values[l->plan->place + i] = value;
}

static void set_filter(struct lines *l, const char *next)
{
	cJSON *filter = cJSON_Parse(l->values[l->plan->place]);

	CHECK(filter != NULL);
	cJSON_DeleteItemFromObjectCaseSensitive(filter, "after");
	cJSON_AddStringToObject(filter, "after", next);
	own(l, 0, json_text_take(filter));
}

static void set_place(struct lines *l, const char *next)
{
	const char *slash = strchr(next, '/');

	CHECK(slash != NULL);
	own(l, 0, xstrndup(next, (size_t)(slash - next)));
	own(l, 1, xstrdup(slash + 1));
}

/* False: it was the last page. */
static bool go_on(struct lines *l, struct str page)
{
	struct str next = {0};
	struct sbuf text;

	if (!json_rows_member(page, "next", &next) || str_eq(next, STR("null")))
		return false;
	sbuf_init(&text, next.n + 1);
	json_rows_text(&text, next);
	if (l->plan->is_place)
		set_place(l, sbuf_text(&text));
	else
		set_filter(l, sbuf_text(&text));
	sbuf_fini(&text);
	return true;
}

static void put_head(const struct lines *l)
{
	struct sbuf head;

	if (!l->is_csv)
		return;
	sbuf_init(&head, ERROR_MAX);
	json_rows_csv_head(&head, list_columns(l->plan->kind));
	put(l, sbuf_view(&head));
	sbuf_fini(&head);
}

/* --- the audit --- */

/* Where it cannot be written (a standby), that is told, and the list goes out. */
static void note(const struct cli_call *c, struct pg_sync *db, const char *action,
		 cJSON *facts)
{
	char *text = cJSON_PrintUnformatted(facts);
	const char *const values[] = {action, text};
	struct sbuf error;
	PGresult *r;

	CHECK(text != NULL);
	sbuf_init(&error, ERROR_MAX);
	r = pg_sync_query(db, "SELECT public.people_export_note(NULL, $1, $2::jsonb)",
			  values, ARRAY_LEN(values), &error);
	if (r == NULL)
		cli_warn(c, "the audit has no line of this: " STR_FMT,
			 STR_ARG(token_refusal(sbuf_view(&error))));
	PQclear(r);
	sbuf_fini(&error);
	cJSON_free(text);
	cJSON_Delete(facts);
}

static cJSON *facts_of(const struct lines *l)
{
	cJSON *facts = cJSON_CreateObject();

	CHECK(cJSON_AddStringToObject(facts, "list", list_name(l->plan->kind)) != NULL);
	return facts;
}

/* What was given says which rows, but for where they come from and how they are told. */
static bool is_filter(const struct cli_option *o)
{
	static const char *const others[] = {"config",   "env",  "env-file",
					     "database", "json", "format"};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(o->name, others[i]) == 0)
			return false;
	return true;
}

static void note_begin(const struct lines *l, const struct cli_call *c,
		       struct pg_sync *db)
{
	cJSON *facts = facts_of(l), *filters;

	cJSON_AddStringToObject(facts, "format", l->is_csv ? "csv" : "ndjson");
	filters = cJSON_AddArrayToObject(facts, "filters");
	for (size_t i = 0; i < c->n_given; i++) {
		const struct cli_given *one = &c->given[i];
		char *text;

		if (!is_filter(one->option))
			continue;
		text = one->value == NULL
			       ? xstrdup(one->option->name)
			       : xasprintf("%s=%s", one->option->name, one->value);
		cJSON_AddItemToArray(filters, cJSON_CreateString(text));
		free(text);
	}
	note(c, db, "export.begun", facts);
}

static void note_end(const struct lines *l, const struct cli_call *c, struct pg_sync *db,
		     const char *how)
{
	cJSON *facts = facts_of(l);

	cJSON_AddNumberToObject(facts, "rows", (double)l->rows);
	cJSON_AddStringToObject(facts, "ended", how);
	note(c, db, "export.ended", facts);
}

/* --- pages --- */

/* Of the next page. False: the reason was told. */
static bool put_page(struct lines *l, const struct cli_call *c, struct pg_sync *db,
		     bool *more)
{
	struct sbuf error;
	PGresult *r;

	sbuf_init(&error, ERROR_MAX);
	r = pg_sync_query(db, l->plan->sql, l->values, l->plan->n_values, &error);
	if (r == NULL) {
		cli_refused(c, &error);
	} else {
		if (!l->begun) {
			note_begin(l, c, db);
			put_head(l);
		}
		l->begun = true;
		put_items(l, pg_value_text(r, 0, 0));
		*more = go_on(l, pg_value_text(r, 0, 0));
	}
	PQclear(r);
	sbuf_fini(&error);
	return r != NULL;
}

int lines_print(const struct cli_call *c, struct pg_sync *db,
		const struct lines_plan *plan)
{
	struct lines l = {
		.plan = plan,
		.is_csv = cli_word(c, "format") == 0,
		.is_terminal = screen_of_output().is_terminal,
	};
	bool more = true, ok = true, left = false;

	/* Who has read enough ends it, and the audit has that. */
	signal(SIGPIPE, SIG_IGN);
	memcpy(l.values, plan->values, sizeof l.values);
	while (ok && more && !left) {
		ok = put_page(&l, c, db, &more);
		left = fflush(stdout) != 0 || ferror(stdout);
	}
	if (l.begun)
		note_end(&l, c, db, left ? "left" : ok ? "whole" : "broken");
	free(l.owned[0]);
	free(l.owned[1]);
	return ok && !left ? 0 : 1;
}
