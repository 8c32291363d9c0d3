/* Lists that go out whole. */
#include "gateway/manager/exports.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/json_rows.h"
#include "common/json_text.h"
#include "common/log.h"
#include "common/pg_value.h"

#define EXPORT_MAGIC 0x6578706fu
#define WAITING_MAX (256u * 1024) /* of what the reader has not taken, at a page's end */
#define LINES_MAX (64u << 20)     /* of a page: some are long */

struct exports {
	size_t n;
};

struct export
{
	uint32_t magic;
	struct manager_context *context;
	struct export_plan plan; /* its values are ours */
	char *actor;             /* NULL: nobody */
	bool is_csv, has_bom;
	bool is_out; /* the call is over, and the stream has it */
	char *first; /* the first page, until it goes out */
	char *asked; /* what was asked for, as JSON, for the audit */
	char *next;  /* where the next page begins; NULL: this is the last */
	struct manager_ask *ask;
	struct stream *stream;
	uint64_t rows;
};

struct exports *exports_new(void)
{
	return xcalloc(1, sizeof(struct exports));
}

void exports_free(struct exports **x)
{
	CHECK((*x)->n == 0);
	free(*x);
	*x = NULL;
}

/* --- one --- */

static void copy_text(const char **text)
{
	*text = *text != NULL ? xstrdup(*text) : NULL;
}

static void set_value(struct export *e, int i, const char *value)
{
	free((char *)(uintptr_t)e->plan.values[i]);
	e->plan.values[i] = value;
}

static struct export *export_new(struct call *c, const struct export_plan *plan)
{
	struct export *e = xcalloc(1, sizeof *e);
	const char *actor = call_actor(c);

	e->magic = EXPORT_MAGIC;
	e->context = call_context(c);
	e->plan = *plan;
	for (int i = 0; i < plan->n_values; i++)
		copy_text(&e->plan.values[i]);
	e->actor = actor != NULL ? xstrdup(actor) : NULL;
	e->context->exports->n++;
	return e;
}

static void export_free(struct export *e)
{
	OBJ_CHECK(e, EXPORT_MAGIC);
	CHECK(e->ask == NULL && e->stream == NULL);
	for (int i = 0; i < e->plan.n_values; i++)
		set_value(e, i, NULL);
	free(e->actor);
	free(e->first);
	free(e->asked);
	free(e->next);
	e->context->exports->n--;
	e->magic = 0;
	free(e);
}

/* The call is over; it may have become the stream. */
static void on_call_over(void *state)
{
	struct export *e = state;

	if (!e->is_out)
		export_free(e);
}

/* --- the audit --- */

static const char note_sql[] =
	"SELECT public.people_export_note($1::jsonb, $2, $3::jsonb)";

static void on_end_noted(void *ctx, const struct pg_reply *reply)
{
	(void)ctx;
	if (reply->outcome != PG_OK)
		log_warn("the audit lacks the end of an export: %s", reply->message);
}

/* how: whole, left, broken. */
static void note_end(struct export *e, const char *how)
{
	char *facts = xasprintf("{\"list\": \"%s\", \"rows\": %llu, \"ended\": \"%s\"}",
				e->plan.name, (unsigned long long)e->rows, how);
	const char *const values[] = {e->actor, "export.ended", facts};

	if (manager_db_ask(e->context->db, DB_CHANGES, note_sql,
			   (struct pg_params){values, ARRAY_LEN(values)}, on_end_noted,
			   NULL) == NULL)
		log_warn("the audit lacks the end of an export (%s, %s): the database is "
			 "away",
			 e->plan.name, how);
	free(facts);
}

static void end(struct export *e, const char *how)
{
	note_end(e, how);
	export_free(e);
}

/* --- pages --- */

static void add_line(struct export *e, struct sbuf *out, struct str item)
{
	if (e->is_csv) {
		json_rows_csv(out, item, e->plan.columns);
	} else {
		sbuf_str(out, item);
		sbuf_lit(out, "\n");
	}
	e->rows++;
}

/* False: it has grown past anything that there is. */
static bool send_items(struct export *e, struct str page)
{
	struct str items = {0}, item;
	struct sbuf lines;
	size_t at = 0;
	bool fits;

	if (!json_rows_member(page, "items", &items))
		json_rows_member(page, "rows", &items);
	sbuf_init(&lines, LINES_MAX);
	while (json_rows_next(items, &at, &item))
		add_line(e, &lines, item);
	fits = !lines.overflow;
	if (fits)
		stream_write(e->stream, sbuf_view(&lines));
	sbuf_fini(&lines);
	return fits;
}

static void read_next(struct export *e, struct str page)
{
	struct str next = {0};
	struct sbuf text;

	free(e->next);
	e->next = NULL;
	if (!json_rows_member(page, "next", &next) || str_eq(next, STR("null")))
		return;
	sbuf_init(&text, next.n + 1);
	json_rows_text(&text, next);
	e->next = xstrdup(sbuf_text(&text));
	sbuf_fini(&text);
}

static void set_filter(struct export *e)
{
	cJSON *filter = cJSON_Parse(e->plan.values[e->plan.place]);

	CHECK(filter != NULL);
	cJSON_DeleteItemFromObjectCaseSensitive(filter, "after");
	cJSON_AddStringToObject(filter, "after", e->next);
	set_value(e, e->plan.place, json_text_take(filter));
}

static void set_place(struct export *e)
{
	const char *slash = strchr(e->next, '/');

	CHECK(slash != NULL);
	set_value(e, e->plan.place, xstrndup(e->next, (size_t)(slash - e->next)));
	set_value(e, e->plan.place + 1, xstrdup(slash + 1));
}

static void on_page(void *ctx, const struct pg_reply *reply);

static void cut(struct export *e, const char *why)
{
	log_warn("an export of %s is cut behind %llu rows: %s", e->plan.name,
		 (unsigned long long)e->rows, why);
	stream_cut(&e->stream);
	end(e, "broken");
}

static void ask_page(struct export *e)
{
	switch (e->plan.paging) {
	case EXPORT_BY_FILTER:
		set_filter(e);
		break;
	case EXPORT_BY_PLACE:
		set_place(e);
		break;
	}
	e->ask = manager_db_ask(e->context->db, DB_EXPORTS, e->plan.sql,
				(struct pg_params){e->plan.values, e->plan.n_values},
				on_page, e);
	if (e->ask == NULL)
		cut(e, "the database is away");
}

static void take_page(struct export *e, struct str page)
{
	if (!send_items(e, page)) {
		cut(e, "a page is too large");
		return;
	}
	read_next(e, page);
	if (e->next == NULL) {
		stream_end(&e->stream);
		end(e, "whole");
	} else if (stream_has_room(e->stream, WAITING_MAX)) {
		ask_page(e);
	}
}

static void on_page(void *ctx, const struct pg_reply *reply)
{
	struct export *e = ctx;

	OBJ_CHECK(e, EXPORT_MAGIC);
	e->ask = NULL;
	if (reply->outcome != PG_OK)
		cut(e, reply->message);
	else if (PQntuples(reply->result) != 1 || PQgetisnull(reply->result, 0, 0))
		cut(e, "there is nothing any more");
	else
		take_page(e, pg_value_text(reply->result, 0, 0));
}

static void on_room(struct stream *s, void *ctx)
{
	struct export *e = ctx;

	(void)s;
	OBJ_CHECK(e, EXPORT_MAGIC);
	if (e->ask == NULL && e->next != NULL)
		ask_page(e);
}

static void on_left(struct stream *s, void *ctx)
{
	struct export *e = ctx;

	(void)s;
	OBJ_CHECK(e, EXPORT_MAGIC);
	e->stream = NULL;
	manager_db_leave(&e->ask);
	end(e, "left");
}

/* --- the beginning --- */

static void set_file_name(struct call *c, const struct export *e)
{
	time_t now = time(NULL);
	char stamp[32], value[128];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
	snprintf(value, sizeof value, "attachment; filename=\"tollgate-%s-%s.%s\"",
		 e->plan.name, stamp, e->is_csv ? "csv" : "ndjson");
	call_set_field(c, "Content-Disposition", value);
}

static void send_head(struct export *e)
{
	struct sbuf head;

	if (!e->is_csv)
		return;
	sbuf_init(&head, LINES_MAX);
	if (e->has_bom)
		sbuf_lit(&head, JSON_ROWS_BOM);
	json_rows_csv_head(&head, e->plan.columns);
	stream_write(e->stream, sbuf_view(&head));
	sbuf_fini(&head);
}

static void on_begin_noted(struct call *c, struct str json)
{
	static const struct stream_user user = {.on_room = on_room, .on_left = on_left};
	struct export *e = call_kept(c);
	char *page;

	(void)json;
	OBJ_CHECK(e, EXPORT_MAGIC);
	set_file_name(c, e);
	e->is_out = true;
	e->stream = call_stream(
		c, e->is_csv ? "text/csv; charset=utf-8" : "application/x-ndjson", &user,
		e);
	if (e->stream == NULL) {
		end(e, "left");
		return;
	}
	send_head(e);
	page = e->first;
	e->first = NULL;
	take_page(e, str_of(page));
	free(page);
}

/* What is refused was refused by now: the audit has what goes out. */
static void on_first(struct call *c, struct str json)
{
	struct export *e = call_kept(c);

	OBJ_CHECK(e, EXPORT_MAGIC);
	e->first = xstrndup(json.p != NULL ? json.p : "", json.n);
	call_ask(c, &(struct call_question){
			    .pool = DB_CHANGES,
			    .sql = note_sql,
			    .values = {e->actor, "export.begun", e->asked},
			    .n_values = 3,
			    .then = on_begin_noted,
		    });
}

static char *asked_json(const struct export *e, const struct query *query)
{
	cJSON *json = cJSON_CreateObject(), *filters;

	cJSON_AddStringToObject(json, "list", e->plan.name);
	cJSON_AddStringToObject(json, "format", e->is_csv ? "csv" : "ndjson");
	filters = cJSON_AddArrayToObject(json, "filters");
	for (size_t i = 0; i < query->n; i++) {
		const struct query_item *item = &query->items[i];
		char *one;

		if (strcmp(item->name, "format") == 0 || strcmp(item->name, "bom") == 0)
			continue;
		one = xasprintf("%.*s=%s", (int)strcspn(item->name, "*"), item->name,
				item->value);
		cJSON_AddItemToArray(filters, cJSON_CreateString(one));
		free(one);
	}
	return json_text_take(json);
}

static bool is_word(struct call *c, const struct query *query, const char *name,
		    const char *one, const char *other)
{
	const char *value = query_get(query, name);

	if (value != NULL && strcmp(value, one) != 0 && strcmp(value, other) != 0)
		input_fault(call_faults(c), INPUT_PARAMETER, name, "must be %s or %s",
			    one, other);
	return value != NULL && strcmp(value, one) == 0;
}

bool export_is_wanted(struct call *c, const struct query *query)
{
	static const char *const pages[] = {"limit", "after"};
	bool is_csv = is_word(c, query, "format", "csv", "ndjson");
	bool is_wanted = query_get(query, "format") != NULL;

	is_word(c, query, "bom", "true", "false");
	if (query_get(query, "bom") != NULL && !is_csv)
		input_fault(call_faults(c), INPUT_PARAMETER, "bom",
			    "goes with format=csv");
	for (size_t i = 0; is_wanted && i < ARRAY_LEN(pages); i++)
		if (query_get(query, pages[i]) != NULL)
			input_fault(call_faults(c), INPUT_PARAMETER, pages[i],
				    "is for pages: an export has all of the list");
	return is_wanted;
}

void export_begin(struct call *c, const struct export_plan *plan,
		  const struct query *query)
{
	struct call_question q = {
		.pool = DB_EXPORTS,
		.sql = plan->sql,
		.n_values = plan->n_values,
		.field = "zone",
		.then = on_first,
	};
	struct export *e;

	if (call_context(c)->exports->n >= EXPORTS_MAX) {
		call_problem_later(c, PROBLEM_BUSY,
				   "two exports are at work: try again in a moment",
				   EXPORTS_LATER_S);
		return;
	}
	e = export_new(c, plan);
	e->is_csv = strcmp(query_get(query, "format"), "csv") == 0;
	e->has_bom = is_word(c, query, "bom", "true", "false");
	e->asked = asked_json(e, query);
	for (int i = 0; i < plan->n_values; i++)
		q.values[i] = e->plan.values[i];
	call_keep(c, e, on_call_over);
	call_ask(c, &q);
}
