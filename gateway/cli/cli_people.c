/* What `tollgate user`, `team` and `audit` share. */
#include "gateway/cli/cli_people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "common/pg_sync.h"
#include "gateway/cli/clean.h"
#include "gateway/cli/screen.h"

#define ERROR_MAX (64u << 10)

int cli_people_run(const struct cli_call *c, int (*act)(struct cli_people *a))
{
	struct cli_people a = {.call = c};
	struct cli_db db = cli_db_of(c);
	int status;

	a.session = cli_db_open(&db, c->path);
	if (a.session == NULL)
		return 1;
	status = act(&a);
	pg_sync_close(&a.session);
	return status;
}

cJSON *cli_people_ask(struct cli_people *a, enum people_call call,
		      const char *const *values, int n)
{
	struct sbuf error;
	PGresult *r;
	cJSON *json = NULL;

	sbuf_init(&error, ERROR_MAX);
	r = pg_sync_query(a->session, people_sql(call), values, n, &error);
	if (r == NULL)
		cli_refused(a->call, &error);
	else
		json = cJSON_Parse(PQgetvalue(r, 0, 0));
	CHECK(r == NULL || json != NULL);
	PQclear(r);
	sbuf_fini(&error);
	return json;
}

const char *cli_people_text(const cJSON *json, const char *name)
{
	const char *text =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return text != NULL && *text != '\0' ? text : "-";
}

void cli_people_cell(struct table *t, const cJSON *json, const char *name)
{
	const cJSON *field = cJSON_GetObjectItemCaseSensitive(json, name);
	char number[32];

	if (!cJSON_IsNumber(field)) {
		table_add(t, cJSON_GetStringValue(field));
		return;
	}
	snprintf(number, sizeof number, "%.0f", field->valuedouble);
	table_add(t, number);
}

void cli_people_roles_cell(struct table *t, const cJSON *list, const char *first)
{
	struct sbuf text;
	const cJSON *item;

	sbuf_init(&text, ERROR_MAX);
	if (first != NULL)
		sbuf_str(&text, str_of(first));
	cJSON_ArrayForEach(item, list)
		sbuf_printf(&text, "%s%s:%s", text.n > 0 ? " " : "",
			    cli_people_text(item, "name"), cli_people_text(item, "role"));
	table_add(t, text.overflow ? "many" : sbuf_text(&text));
	sbuf_fini(&text);
}

enum table_paint cli_people_state_paint(const char *state)
{
	return strcmp(state, "active") == 0 ? PAINT_GOOD : PAINT_DIM;
}

void cli_people_add_list(const struct cli_call *c, cJSON *json, const char *name,
			 const char *option)
{
	size_t n;
	const char **list = cli_list(c, option, &n);

	if (n > 0)
		cJSON_AddItemToObject(json, name, cJSON_CreateStringArray(list, (int)n));
	free(list);
}

void cli_people_add_text(const struct cli_call *c, cJSON *json, const char *name,
			 const char *option)
{
	if (cli_has(c, option))
		cJSON_AddStringToObject(json, name, cli_text(c, option));
}

/* The page behind `after` (a number, NULL: the first). */
static cJSON *ask_page(struct cli_people *a, enum people_call call, const char *of,
		       const cJSON *wanted, const cJSON *after)
{
	cJSON *filter =
		wanted != NULL ? cJSON_Duplicate(wanted, true) : cJSON_CreateObject();
	const char *values[3] = {NULL, of};
	int n = of != NULL ? 2 : 1;
	cJSON *page;
	char *text;

	cJSON_AddNumberToObject(filter, "limit", 200);
	if (after != NULL)
		cJSON_AddItemToObject(filter, "after", cJSON_Duplicate(after, false));
	values[n] = text = json_text_take(filter);
	page = cli_people_ask(a, call, values, n + 1);
	free(text);
	return page;
}

cJSON *cli_people_all(struct cli_people *a, enum people_call call, const char *of,
		      const cJSON *filter)
{
	cJSON *all = cJSON_CreateArray(), *after = NULL, *page, *item;
	bool more = true;

	while (more) {
		page = ask_page(a, call, of, filter, after);
		cJSON_Delete(after);
		after = NULL;
		if (page == NULL) {
			cJSON_Delete(all);
			return NULL;
		}
		while ((item = cJSON_DetachItemFromArray(
				cJSON_GetObjectItemCaseSensitive(page, "items"), 0)))
			cJSON_AddItemToArray(all, item);
		after = cJSON_DetachItemFromObjectCaseSensitive(page, "next");
		more = cJSON_IsNumber(after);
		cJSON_Delete(page);
	}
	cJSON_Delete(after);
	return all;
}

int cli_people_lines(struct cli_people *a, enum people_call call, enum list_kind kind,
		     const cJSON *filter)
{
	cJSON *wanted = cJSON_Duplicate(filter, true);
	struct lines_plan plan = {
		.kind = kind, .sql = people_sql(call), .n_values = 2, .place = 1};
	char *text;
	int status;

	cJSON_DeleteItemFromObjectCaseSensitive(wanted, "limit");
	cJSON_AddNumberToObject(wanted, "limit", 200);
	plan.values[1] = text = cJSON_PrintUnformatted(wanted);
	CHECK(text != NULL);
	status = lines_print(a->call, a->session, &plan);
	cJSON_free(text);
	cJSON_Delete(wanted);
	return status;
}

int cli_people_list(struct cli_people *a, cJSON *all, const struct table_column *columns,
		    const char *const *fields, size_t n)
{
	const cJSON *one;
	struct table *t;

	if (all == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(all);
		return 0;
	}
	if (!table_says_none(a->call, (size_t)cJSON_GetArraySize(all))) {
		t = table_new(columns, n);
		cJSON_ArrayForEach(one, all) for (size_t i = 0; i < n; i++)
			cli_people_cell(t, one, fields[i]);
		table_print(&t);
	}
	cJSON_Delete(all);
	return 0;
}

/* Of a list: names, with roles where there are such. */
static void say_item(const cJSON *item)
{
	const cJSON *role = cJSON_GetObjectItemCaseSensitive(item, "role");

	if (cJSON_IsObject(item))
		cli_say(stdout, "%s%s%s", cli_people_text(item, "name"), role ? ":" : "",
			role ? cJSON_GetStringValue(role) : "");
	else
		cli_say(stdout, "%s", cJSON_GetStringValue(item));
}

static void say_field(const cJSON *field)
{
	const cJSON *item;

	cli_say(stdout, "%-20s", field->string);
	if (cJSON_IsNumber(field))
		cli_say(stdout, "%.0f", field->valuedouble);
	else if (cJSON_IsBool(field))
		cli_say(stdout, "%s", cJSON_IsTrue(field) ? "yes" : "no");
	else if (cJSON_IsString(field))
		cli_say(stdout, "%s", field->valuestring);
	else if (field->child == NULL)
		cli_say(stdout, "none");
	else
		cJSON_ArrayForEach(item, field)
		{
			cli_say(stdout, "%s", item == field->child ? "" : ", ");
			say_item(item);
		}
	if (cJSON_IsString(field))
		screen_print_ago(field->string, field->valuestring);
	cli_say(stdout, "\n");
}

int cli_people_print(struct cli_people *a, cJSON *all, void (*print_table)(const cJSON *))
{
	if (all == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(all);
		return 0;
	}
	if (!table_says_none(a->call, (size_t)cJSON_GetArraySize(all)))
		print_table(all);
	cJSON_Delete(all);
	return 0;
}

int cli_people_found(struct cli_people *a, enum people_call call, enum list_kind kind,
		     cJSON *filter, void (*print_table)(const cJSON *))
{
	int status = lines_refused(a->call);

	if (status == 0 && cli_has(a->call, "format"))
		status = cli_people_lines(a, call, kind, filter);
	else if (status == 0)
		status = cli_people_print(a, cli_people_all(a, call, NULL, filter),
					  print_table);
	cJSON_Delete(filter);
	return status;
}

int cli_people_show(struct cli_people *a, cJSON *json)
{
	const cJSON *field;

	if (json == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(json);
		return 0;
	}
	cJSON_ArrayForEach(field, json) if (!cJSON_IsNull(field)) say_field(field);
	cJSON_Delete(json);
	return 0;
}

int cli_people_told(struct cli_people *a, cJSON *user, const char *what)
{
	if (user == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(user);
		return 0;
	}
	cli_say(stdout, "user '%s' %s\n", cli_people_text(user, "name"), what);
	cJSON_Delete(user);
	return 0;
}

bool cli_people_is_id(const char *text)
{
	uint64_t id;

	return str_to_u64(str_of(text), &id) && id <= INT64_MAX;
}

int cli_people_no_id(const struct cli_call *c, const char *text)
{
	return cli_usage_error(c, "'%s' is not an id", cli_shown(text));
}
