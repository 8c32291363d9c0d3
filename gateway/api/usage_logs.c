/* GET /api/usage/logs...: single calls, as the usage log has them. */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>

#include "common/check.h"
#include "gateway/api/explained_call.h"
#include "gateway/api/operations.h"
#include "gateway/api/usage_ask.h"
#include "gateway/manager/exports.h"
#include "gateway/statistics/question_fields.h"

#define REQUEST_ID_ROOM 37 /* a UUID, and NUL */

void api_list_usage_logs(struct call *c)
{
	static const char *const known[] = {
		"from",    "to",     "zone",  "team*",   "token*",
		"route*",  "status", "class", "outcome", "method",
		"address", "min_ms", "limit", "after",   EXPORT_PARAMETERS,
		NULL};
	const struct query *query = call_query(c, known);
	bool is_export = export_is_wanted(c, query);
	struct usage_question u;

	usage_question_read(&u, QUESTION_ROWS, query, call_identity(c), call_faults(c));
	if (is_export) {
		usage_export(c, &u, query);
		return;
	}
	usage_question_link(&u, "/api/usage/logs", query);
	usage_ask(c, &u, NULL);
}

/* Rows have ids as the gateway writes them. */
static bool take_request_id(const char *text, char id[REQUEST_ID_ROOM])
{
	int64_t ms;

	if (!question_id_time(text, &ms))
		return false;
	snprintf(id, REQUEST_ID_ROOM, "%s", text);
	for (char *p = id; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return true;
}

/* With what it says of the call; the row's own text stays as it is. */
static void answer_explained(struct call *c, struct str json)
{
	cJSON *row = json.p != NULL ? cJSON_ParseWithLength(json.p, json.n) : NULL;
	cJSON *explanation;
	struct sbuf out;
	char *text;

	if (!cJSON_IsObject(row)) {
		cJSON_Delete(row);
		call_problem(c, PROBLEM_NOT_FOUND, NULL);
		return;
	}
	explanation = explained_call(row);
	text = cJSON_PrintUnformatted(explanation);
	CHECK(text != NULL);
	json = str_trim(json);
	sbuf_init(&out, json.n + strlen(text) + 64);
	sbuf_add(&out, json.p, json.n - 1); /* without its brace */
	sbuf_printf(&out, ",\"explanation\":%s}", text);
	CHECK(!out.overflow);
	call_reply_json(c, 200, sbuf_view(&out));
	sbuf_fini(&out);
	cJSON_free(text);
	cJSON_Delete(explanation);
	cJSON_Delete(row);
}

void api_get_usage_log(struct call *c)
{
	static const char *const known[] = {NULL};
	const struct query *query = call_query(c, known);
	char id[REQUEST_ID_ROOM];
	struct usage_question u;

	if (!take_request_id(call_path(c, "request_id"), id)) {
		call_problem(
			c, PROBLEM_NOT_FOUND,
			"only calls with an id that the gateway made are found by it "
			"(Tollgate-Request-Id: a UUID of version 7)");
		return;
	}
	usage_question_read(&u, QUESTION_ROW, query, call_identity(c), call_faults(c));
	u.q.request_id = id;
	usage_ask(c, &u, answer_explained);
}
