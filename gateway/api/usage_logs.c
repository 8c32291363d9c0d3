/* GET /api/usage/logs...: single calls, as the usage log has them. */
#include <ctype.h>
#include <stdio.h>

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
	usage_ask(c, &u, NULL);
}
