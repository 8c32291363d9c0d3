/* GET /api/usage/test-data: the latest rows, to see a test call arrive. */
#include "gateway/api/operations.h"

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

void api_get_test_data(struct call *c)
{
	call_ask(c, &(struct call_question){.pool = DB_QUESTIONS, .sql = latest_rows});
}
