/* What operations on people share. */
#include "gateway/api/people_calls.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "gateway/api/list_link.h"
#include "gateway/people/list_columns.h"

#define ID_DIGITS 18
#define LIMIT_MAX 200

static bool is_id(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n > 0 && n <= ID_DIGITS && text[n] == '\0';
}

const char *people_call_id(struct call *c, const char *name)
{
	const char *id = call_path(c, name);

	if (is_id(id))
		return id;
	call_problem(c, PROBLEM_NOT_FOUND, "an id is a number");
	return NULL;
}

static bool is_changing(const struct call *c)
{
	const struct request_head *h = call_head(c);

	return h->method != HTTP_GET && h->method != HTTP_HEAD;
}

static void reply_nothing(struct call *c, struct str json)
{
	(void)json;
	call_reply_nothing(c);
}

/* Whose rights, or ways to sign in, it changes: as changes_user of a question. */
static int64_t changed_user(enum people_call what, const char *const *values)
{
	switch (what) {
	case PEOPLE_USER_CHANGE:
	case PEOPLE_USER_REMOVE:
	case PEOPLE_KEY_REVOKE:
	case PEOPLE_SESSION_END:
	case PEOPLE_IDENTITY_REMOVE:
		return strtoll(values[0], NULL, 10);
	case PEOPLE_MEMBER_SET:
		return strtoll(values[1], NULL, 10);
	case PEOPLE_IDENTITY_ADD:
	case PEOPLE_ACCESS_GRANT:
	case PEOPLE_TEAM_ADD:
	case PEOPLE_TEAM_CHANGE:
	case PEOPLE_TEAM_REMOVE:
		return CALL_ALL_USERS;
	case PEOPLE_USER_ADD:
	case PEOPLE_USER_LIST:
	case PEOPLE_USER_READ:
	case PEOPLE_KEY_ADD:
	case PEOPLE_KEY_LIST:
	case PEOPLE_SESSION_LIST:
	case PEOPLE_IDENTITY_LIST:
	case PEOPLE_ACCESS_LIST:
	case PEOPLE_ACCESS_REFUSE:
	case PEOPLE_LINK:
	case PEOPLE_TEAM_LIST:
	case PEOPLE_TEAM_READ:
	case PEOPLE_AUDIT:
		return 0;
	}
	return 0;
}

void people_call_ask(struct call *c, enum people_call what, int status,
		     const char *const *values, int n)
{
	struct call_question q = {
		.pool = is_changing(c) ? DB_CHANGES : DB_QUESTIONS,
		.sql = people_sql(what),
		.values = {call_actor(c)},
		.n_values = n + 1,
		.status = status,
		.changes_user = changed_user(what, values),
		.then = status == 204 ? reply_nothing : NULL,
	};

	CHECK(n < CALL_VALUES_MAX);
	for (int i = 0; i < n; i++)
		q.values[i + 1] = values[i];
	call_ask(c, &q);
}

/* --- lists --- */

static void check_page(struct call *c, const struct query *query)
{
	const char *limit = query_get(query, "limit"), *after = query_get(query, "after");
	uint64_t n;

	list_check_lengths(query, call_faults(c));
	if (limit != NULL && (!str_to_u64(str_of(limit), &n) || n < 1 || n > LIMIT_MAX))
		input_fault(call_faults(c), INPUT_PARAMETER, "limit",
			    "takes a whole number from 1 to %d", LIMIT_MAX);
	if (after != NULL && !is_id(after))
		input_fault(call_faults(c), INPUT_PARAMETER, "after",
			    "is what `next` of a page has: follow that");
}

static void add_link(struct call *c, cJSON *filter, const struct query *query)
{
	struct sbuf link;

	sbuf_init(&link, LIST_LINK_MAX);
	list_link_put(&link, call_head(c)->path, query);
	CHECK(!link.overflow);
	CHECK(cJSON_AddStringToObject(filter, "link", sbuf_text(&link)));
	sbuf_fini(&link);
}

/* Without a link for an export, which asks for the next page itself. */
static char *list_filter(struct call *c, const struct query *query, bool is_export)
{
	cJSON *filter = cJSON_CreateObject();

	if (is_export)
		CHECK(cJSON_AddStringToObject(filter, "limit", EXPORT_LIST_ROWS));
	else
		add_link(c, filter, query);
	for (size_t i = 0; i < query->n; i++)
		CHECK(cJSON_AddStringToObject(filter, query->items[i].name,
					      query->items[i].value));
	return json_text_take(filter);
}

static enum list_kind kind_of(enum people_call what)
{
	static const struct {
		enum people_call what;
		enum list_kind kind;
	} lists[] = {
		{PEOPLE_TEAM_LIST, LIST_TEAMS},
		{PEOPLE_USER_LIST, LIST_USERS},
		{PEOPLE_KEY_LIST, LIST_USER_KEYS},
		{PEOPLE_SESSION_LIST, LIST_USER_SESSIONS},
		{PEOPLE_IDENTITY_LIST, LIST_USER_IDENTITIES},
		{PEOPLE_ACCESS_LIST, LIST_ACCESS_REQUESTS},
		{PEOPLE_AUDIT, LIST_AUDIT},
	};
	size_t i = 0;

	while (i < ARRAY_LEN(lists) && lists[i].what != what)
		i++;
	CHECK(i < ARRAY_LEN(lists));
	return lists[i].kind;
}

/* of: NULL, or whose it is, which stands before the filter. */
static void export_list(struct call *c, enum people_call what, const char *of,
			const char *filter, const struct query *query)
{
	enum list_kind kind = kind_of(what);
	struct export_plan plan = {
		.name = list_name(kind),
		.columns = list_columns(kind),
		.sql = people_sql(what),
		.values = {call_actor(c), of != NULL ? of : filter, filter},
		.n_values = of != NULL ? 3 : 2,
		.paging = EXPORT_BY_FILTER,
		.place = of != NULL ? 2 : 1,
	};

	export_begin(c, &plan, query);
}

void people_call_list(struct call *c, enum people_call what, const char *of,
		      const char *const *known)
{
	const struct query *query = call_query(c, known);
	bool is_export = export_is_wanted(c, query);
	char *filter;

	check_page(c, query);
	if (call_is_faulty(c))
		return;
	filter = list_filter(c, query, is_export);
	if (is_export)
		export_list(c, what, of, filter, query);
	else if (of != NULL)
		people_call_ask(c, what, 200, (const char *[]){of, filter}, 2);
	else
		people_call_ask(c, what, 200, (const char *[]){filter}, 1);
	cJSON_free(filter);
}

/* --- changes --- */

void people_call_change(struct call *c, enum people_call what, int status, const char *of,
			const struct body_field *fields, size_t n)
{
	cJSON *spec = call_fields(c, fields, n);
	char *text;

	if (call_is_faulty(c))
		return;
	text = cJSON_PrintUnformatted(spec);
	CHECK(text != NULL);
	if (of != NULL)
		people_call_ask(c, what, status, (const char *[]){of, text}, 2);
	else
		people_call_ask(c, what, status, (const char *[]){text}, 1);
	cJSON_free(text);
}

void people_call_one(struct call *c, enum people_call what, int status)
{
	const char *id = people_call_id(c, "id");

	if (id != NULL)
		people_call_ask(c, what, status, &id, 1);
}

void people_call_part(struct call *c, enum people_call what, int status,
		      const char *owner, const char *one)
{
	const char *ids[2] = {people_call_id(c, owner)};

	if (ids[0] == NULL)
		return;
	ids[1] = people_call_id(c, one);
	if (ids[1] != NULL)
		people_call_ask(c, what, status, ids, 2);
}
