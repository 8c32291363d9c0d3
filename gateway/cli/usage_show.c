/* Answers to questions about usage as tables. */
#include "gateway/cli/usage_show.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/command.h"
#include "gateway/cli/table.h"

/* How a field of an item is shown; in the order of columns. */
enum shape {
	SHAPE_TEXT,
	SHAPE_NUMBER,
	SHAPE_PERCENT, /* of 0 to 1 */
	SHAPE_TIME,    /* the zone's clock, as it is answered */
	SHAPE_SHARE,   /* a bar: the item's `share`, else its calls by the most */
};

static const struct field {
	const char *name, *title;
	enum shape shape;
} fields[] = {
	{"at", "AT", SHAPE_TIME},
	{"used_at", "AT", SHAPE_TIME},
	{"minute", "AT", SHAPE_TIME},
	{"id", "ID", SHAPE_NUMBER},
	{"name", "TOKEN", SHAPE_TEXT},
	{"token_name", "TOKEN", SHAPE_TEXT},
	{"token", "TOKEN", SHAPE_TEXT},
	{"route", "ROUTE", SHAPE_TEXT},
	{"route_path", "ROUTE", SHAPE_TEXT},
	{"request_method", "METHOD", SHAPE_TEXT},
	{"response_status", "STATUS", SHAPE_NUMBER},
	{"from_ms", "FROM MS", SHAPE_NUMBER},
	{"below_ms", "BELOW MS", SHAPE_NUMBER},
	{"class", "STATUS", SHAPE_TEXT},
	{"reason", "REASON", SHAPE_TEXT},
	{"network", "NETWORK", SHAPE_TEXT},
	{"calls", "CALLS", SHAPE_NUMBER},
	{"calls", "", SHAPE_SHARE},
	{"errors", "ERRORS", SHAPE_NUMBER},
	{"error_rate", "ERRORS %", SHAPE_PERCENT},
	{"mean_ms", "MEAN MS", SHAPE_NUMBER},
	{"p50_ms", "P50 MS", SHAPE_NUMBER},
	{"p95_ms", "P95 MS", SHAPE_NUMBER},
	{"p99_ms", "P99 MS", SHAPE_NUMBER},
	{"max_ms", "MAX MS", SHAPE_NUMBER},
	{"response_time_ms", "MS", SHAPE_NUMBER},
	{"cost", "COST", SHAPE_NUMBER},
	{"outcome", "OUTCOME", SHAPE_TEXT},
	{"ip_address", "FROM", SHAPE_TEXT},
};

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* "2026-11-24T12:30:00.1+05:30" as "2026-11-24 12:30:00"; the head tells the zone. */
static void time_text(char out[20], const char *text)
{
	snprintf(out, 20, "%.10s %.8s", text, strlen(text) > 11 ? text + 11 : "");
}

/* --- lists --- */

static double most_calls(const cJSON *list)
{
	const cJSON *item;
	double most = 0;

	cJSON_ArrayForEach(item, list) most =
		fmax(most, cJSON_GetNumberValue(get(item, "calls")));
	return most;
}

static double share_of(const cJSON *item, double most)
{
	const cJSON *share = get(item, "share");

	if (cJSON_IsNumber(share))
		return share->valuedouble;
	return most > 0 ? cJSON_GetNumberValue(get(item, "calls")) / most : 0;
}

static void add_text(struct table *t, const struct field *f, const cJSON *value)
{
	char number[TABLE_NUMBER_MAX];

	if (cJSON_IsNumber(value)) {
		snprintf(number, sizeof number, "%.15g", value->valuedouble);
		table_add(t, number);
	} else if (!cJSON_IsString(value) && strcmp(f->title, "TOKEN") == 0) {
		table_add(t, "(none of ours)");
	} else {
		table_add(t, cJSON_GetStringValue(value));
	}
}

static void add_field(struct table *t, const struct field *f, const cJSON *item,
		      double most)
{
	const cJSON *value = get(item, f->name);
	char text[32];

	switch (f->shape) {
	case SHAPE_TEXT:
		add_text(t, f, value);
		break;
	case SHAPE_NUMBER:
		table_add_number(t, cJSON_GetNumberValue(value));
		break;
	case SHAPE_PERCENT:
		snprintf(text, sizeof text, "%.2f", 100 * cJSON_GetNumberValue(value));
		table_add(t, cJSON_IsNumber(value) ? text : NULL);
		break;
	case SHAPE_TIME:
		if (cJSON_IsString(value))
			time_text(text, value->valuestring);
		table_add(t, cJSON_IsString(value) ? text : NULL);
		break;
	case SHAPE_SHARE:
		table_add_share(t, share_of(item, most));
		break;
	}
}

static enum table_kind kind_of(enum shape shape)
{
	switch (shape) {
	case SHAPE_NUMBER:
	case SHAPE_PERCENT:
		return TABLE_NUMBER;
	case SHAPE_SHARE:
		return TABLE_BAR;
	case SHAPE_TEXT:
	case SHAPE_TIME:
		break;
	}
	return TABLE_TEXT;
}

/* An id is that of a token; rows have one of their own, which tells nothing. */
static bool is_shown(const struct field *f, const cJSON *item)
{
	if (strcmp(f->name, "id") == 0)
		return get(item, "name") != NULL;
	return get(item, f->name) != NULL;
}

/* A list of objects, with the columns that its first has; `others` (NULL: none) is its
 * last row. */
static void show_list(const cJSON *list, const cJSON *others, const char *title)
{
	const struct field *shown[ARRAY_LEN(fields)];
	struct table_column columns[TABLE_COLUMNS_MAX];
	double most = most_calls(list);
	const cJSON *item;
	struct table *t;
	size_t n = 0;

	if (cJSON_GetArraySize(list) == 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(fields) && n < TABLE_COLUMNS_MAX; i++) {
		if (!is_shown(&fields[i], list->child))
			continue;
		shown[n] = &fields[i];
		columns[n++] = (struct table_column){fields[i].title,
						     kind_of(fields[i].shape), 0};
	}
	if (n == 0)
		return;
	if (title != NULL)
		printf("\n%s\n", title);
	t = table_new(columns, n);
	cJSON_ArrayForEach(item, list) for (size_t i = 0; i < n; i++)
		add_field(t, shown[i], item, most);
	for (size_t i = 0; cJSON_IsObject(others) && i < n; i++)
		if (shown[i]->shape == SHAPE_TEXT)
			table_add(t, "(all others)");
		else
			add_field(t, shown[i], others, most);
	table_print(&t);
}

/* --- totals --- */

static void add_change(struct table *t, double now, double before)
{
	char text[32];

	if (isnan(now) || isnan(before) || before == 0) {
		table_add(t, NULL);
		return;
	}
	snprintf(text, sizeof text, "%+.1f %%", 100 * (now - before) / before);
	table_add(t, text);
}

static void show_totals(const cJSON *now, const cJSON *before)
{
	static const struct table_column columns[] = {{"", TABLE_TEXT, 0},
						      {"NOW", TABLE_NUMBER, 0},
						      {"BEFORE", TABLE_NUMBER, 0},
						      {"CHANGE", TABLE_NUMBER, 0}};
	static const char *const names[] = {
		"calls",  "errors", "error_rate",    "mean_ms",  "p50_ms",   "p95_ms",
		"p99_ms", "max_ms", "mean_total_ms", "bytes_in", "bytes_out"};
	struct table *t = table_new(columns, cJSON_IsObject(before) ? 4 : 2);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		double value = cJSON_GetNumberValue(get(now, names[i]));
		double former = cJSON_GetNumberValue(get(before, names[i]));

		table_add(t, names[i]);
		table_add_number(t, value);
		if (!cJSON_IsObject(before))
			continue;
		table_add_number(t, former);
		add_change(t, value, former);
	}
	table_print(&t);
}

static void show_statuses(const cJSON *statuses)
{
	cJSON *list = cJSON_CreateArray(), *item;
	const cJSON *status;

	cJSON_ArrayForEach(status, statuses)
	{
		item = cJSON_CreateObject();
		cJSON_AddStringToObject(item, "class", status->string);
		cJSON_AddNumberToObject(item, "calls", cJSON_GetNumberValue(status));
		cJSON_AddItemToArray(list, item);
	}
	show_list(list, NULL, NULL);
	cJSON_Delete(list);
}

/* --- what else there is --- */

static void show_head(const cJSON *answer)
{
	const char *from = cJSON_GetStringValue(get(answer, "from"));
	const char *to = cJSON_GetStringValue(get(answer, "to"));
	double waiting = cJSON_GetNumberValue(get(answer, "waiting"));

	if (from != NULL && to != NULL)
		cli_say(stdout, "%.10s %.5s to %.10s %.5s, %s\n", from, from + 11, to,
			to + 11, cJSON_GetStringValue(get(answer, "zone")));
	if (waiting > 0)
		printf("%.0f quarters of an hour wait to be counted\n", waiting);
}

/* Calls over time as one line: the eight eighths of a block, U+2581 to U+2588. */
static void show_line(const cJSON *points)
{
	struct screen screen = screen_of_output();
	double most = most_calls(points);
	size_t n = (size_t)cJSON_GetArraySize(points);
	const cJSON *point;

	if (!screen.has_blocks || most == 0 || n == 0 || n > screen.columns)
		return;
	fputs("\nCalls over time\n", stdout);
	cJSON_ArrayForEach(point, points)
	{
		double calls = cJSON_GetNumberValue(get(point, "calls"));
		unsigned eighth = (unsigned)ceil(8 * calls / most);

		printf("\xe2\x96%c", (char)(0x80 + (eighth > 0 ? eighth : 1)));
	}
	putchar('\n');
}

/* A token's or a row's own fields, one a line. */
static void show_object(const cJSON *object)
{
	const cJSON *field;

	cJSON_ArrayForEach(field, object)
	{
		char *text;

		if (cJSON_IsNull(field))
			continue;
		text = cJSON_PrintUnformatted(field);
		CHECK(text != NULL);
		cli_say(stdout, "%-16s %s\n", field->string,
			cJSON_IsString(field) ? field->valuestring : text);
		cJSON_free(text);
	}
}

static void show_whole(const cJSON *answer)
{
	const cJSON *before = get(answer, "before");

	show_totals(get(answer, "totals"), get(before, "totals"));
	show_line(get(answer, "points"));
	show_list(get(answer, "top_tokens"), get(answer, "other_tokens"), "Tokens");
	show_list(get(answer, "top_routes"), get(answer, "other_routes"), "Routes");
	show_list(get(answer, "slow_routes"), NULL, "Slow routes");
	show_list(get(answer, "slow_calls"), NULL, "Slow calls");
	show_list(get(answer, "gaps"), NULL, "Dropped");
	show_list(get(answer, "refusals"), NULL, "Refused");
}

/* Of what show_parts tells. */
static size_t count_items(const cJSON *answer)
{
	size_t n = cJSON_IsNumber(get(answer, "cost"));
	const cJSON *field;

	cJSON_ArrayForEach(field, answer) if (cJSON_IsArray(field) ||
					      strcmp(field->string, "statuses") == 0) n +=
		(size_t)cJSON_GetArraySize(field);
	return n;
}

static void show_parts(const struct cli_call *c, const cJSON *answer)
{
	static const char *const lists[] = {"points",  "calls", "rows",    "items",
					    "buckets", "gaps",  "refusals"};
	const cJSON *others = get(answer, "others"), *cost = get(answer, "cost");

	if (table_says_none(c, count_items(answer)))
		return;
	show_list(get(answer, "tokens"), others, NULL);
	show_list(get(answer, "routes"), others, NULL);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (cJSON_IsArray(get(answer, lists[i])))
			show_list(get(answer, lists[i]), NULL, NULL);
	show_statuses(get(answer, "statuses"));
	if (cJSON_IsNumber(cost))
		printf("cost %.15g\n", cost->valuedouble);
	if (cJSON_IsString(get(answer, "next")))
		cli_say(stdout, "\nolder ones: --after %s\n",
			get(answer, "next")->valuestring);
}

void usage_show(const struct cli_call *c, const cJSON *answer)
{
	const cJSON *now = get(answer, "now");

	if (cJSON_IsNull(answer)) {
		puts("nothing: there is none");
		return;
	}
	show_head(now != NULL ? now : answer);
	if (get(answer, "token") != NULL)
		show_object(get(answer, "token"));
	if (now != NULL)
		show_totals(get(now, "totals"), get(get(answer, "before"), "totals"));
	else if (get(answer, "totals") != NULL)
		show_whole(answer);
	else if (get(answer, "used_at") != NULL)
		show_object(answer);
	else
		show_parts(c, answer);
}
