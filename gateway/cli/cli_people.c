/* What `tollgate user`, `team` and `audit` share. */
#include "gateway/cli/cli_people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_sync.h"

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

/* The filter for the page behind `after` (a number, NULL: the first). */
static cJSON *ask_page(struct cli_people *a, enum people_call call, const char *of,
		       const cJSON *after)
{
	cJSON *filter = cJSON_CreateObject(), *page;
	const char *values[3] = {NULL, of};
	int n = of != NULL ? 2 : 1;
	char *text;

	cJSON_AddNumberToObject(filter, "limit", 200);
	if (after != NULL)
		cJSON_AddItemToObject(filter, "after", cJSON_Duplicate(after, false));
	values[n] = text = cJSON_PrintUnformatted(filter);
	CHECK(text != NULL);
	page = cli_people_ask(a, call, values, n + 1);
	cJSON_free(text);
	cJSON_Delete(filter);
	return page;
}

cJSON *cli_people_all(struct cli_people *a, enum people_call call, const char *of)
{
	cJSON *all = cJSON_CreateArray(), *after = NULL, *page, *item;
	bool more = true;

	while (more) {
		page = ask_page(a, call, of, after);
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
