/* GET /api/usage/test-data: the latest rows, to see a test call arrive. */
#include "gateway/manager/db.h"
#include "common/pg_value.h"
#include "gateway/manager/endpoints.h"

/* PostgreSQL writes the JSON. used_at has no zone in the table; it is UTC. */
static const char latest_rows[] =
	"SELECT json_build_object('count', count(*), 'rows', "
	"coalesce(json_agg(to_json(r) ORDER BY r.used_at DESC, r.id DESC), '[]'))::text "
	"FROM (SELECT l.id, l.token_id, t.name AS token_name, l.token_hash, "
	"l.route_path, to_char(l.used_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS "
	"used_at, l.response_status, l.response_time_ms, l.ip_address, l.user_agent, "
	"l.request_method, l.error_message, l.outcome, l.upstream_status, l.total_ms, "
	"l.ttfb_ms, l.client_wait_ms, l.bytes_in, l.bytes_out, l.request_id, l.trace_id, "
	"l.node, l.tags FROM (SELECT * FROM token_usage_logs ORDER BY used_at DESC, id "
	"DESC LIMIT 20) AS l LEFT JOIN tokens AS t ON t.id = l.token_id) AS r";

static void on_rows(void *ctx, const struct pg_reply *reply)
{
	struct call *c = ctx;

	if (reply->outcome != PG_OK || PQntuples(reply->result) != 1) {
		call_problem(c, PROBLEM_DATABASE_UNAVAILABLE,
			     "the rows cannot be read now");
		return;
	}
	call_reply_json(c, 200, pg_value_text(reply->result, 0, 0));
}

void serve_test_data(struct call *c)
{
	if (!manager_db_ask(call_context(c)->db, DB_QUESTIONS, latest_rows,
			    (struct pg_params){0}, on_rows, c))
		call_problem(c, PROBLEM_DATABASE_UNAVAILABLE,
			     "the rows cannot be read now");
}
