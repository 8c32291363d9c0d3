/* GET /api/usage/test-data: the latest rows, to see a test call arrive. */
#include <stdlib.h>

#include "common/check.h"
#include "gateway/api/operations.h"
#include "gateway/statistics/question_fields.h"

/* PostgreSQL writes the JSON. used_at has no zone in the table; it is UTC. */
static const char rows_of_all[] =
	"SELECT json_build_object('count', count(*), 'rows', "
	"coalesce(json_agg(to_json(r) ORDER BY r.used_at DESC, r.id DESC), '[]'))::text "
	"FROM (SELECT l.id, l.token_id, t.name AS token_name, l.token_hash, "
	"l.route_path, to_char(l.used_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS "
	"used_at, l.response_status, l.response_time_ms, l.ip_address, l.user_agent, "
	"l.request_method, l.error_message, l.outcome, l.upstream_status, l.total_ms, "
	"l.ttfb_ms, l.client_wait_ms, l.bytes_in, l.bytes_out, l.request_id, l.trace_id, "
	"l.node, l.tags FROM (SELECT * FROM token_usage_logs ORDER BY used_at DESC, id "
	"DESC LIMIT 20) AS l LEFT JOIN tokens AS t ON t.id = l.token_id) AS r";

/* Of tokens of these teams, by the cells that tell where their rows are. */
static const char rows_of_teams[] =
	"SELECT json_build_object('count', json_array_length(page -> 'rows'), "
	"'rows', page -> 'rows') FROM usage_rows((now() AT TIME ZONE 'UTC') - interval "
	"'90 days', (now() AT TIME ZONE 'UTC') + interval '1 day', "
	"usage_tokens(NULL, $1::bigint[]), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 20) "
	"AS page";

static char *teams_of(const struct identity *who)
{
	int64_t *ids = xcalloc(who->n_teams + 1, sizeof *ids);
	char *text;

	for (size_t i = 0; i < who->n_teams; i++)
		ids[i] = who->teams[i].id;
	text = question_ids_array(ids, who->n_teams);
	free(ids);
	return text;
}

void api_get_test_data(struct call *c)
{
	static const char *const known[] = {NULL};
	const struct identity *who = call_identity(c);
	struct call_question q = {.pool = DB_QUESTIONS, .sql = rows_of_all};
	char *teams = NULL;

	call_query(c, known);
	if (call_is_faulty(c))
		return;
	if (who != NULL && !who->is_admin) {
		teams = teams_of(who);
		q.sql = rows_of_teams;
		q.values[q.n_values++] = teams;
	}
	call_ask(c, &q);
	free(teams);
}
