/* The live feed: other nodes' rows, as their recorders store them.
 *
 * A recorder stores its batches one after the other, so that of each node the ids of new
 * rows are above those that were seen. Batches of several nodes may overlap: their ids
 * are looked for from where all of them were some seconds ago. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/json_text.h"
#include "common/pg_value.h"
#include "gateway/manager/db.h"
#include "gateway/manager/live_priv.h"

#define ROWS_MAX 1000 /* of one look; beyond, the latest */
#define NODES_MAX 256
#define ROLL_US UINT64_C(10000000) /* a batch is stored within so long of its first id */
#define TEXT_OF(n) #n
#define TEXT(n) TEXT_OF(n)

/* A node's latest row that was given. */
struct live_node {
	char *name;
	int64_t id;
};

struct live_poll {
	struct live *live;
	struct manager_ask *ask;
	bool has_start;
	int64_t floor, latest; /* nothing below; the highest of all */
	int64_t before;        /* the highest at the last roll */
	uint64_t rolled_us;
	struct live_node nodes[NODES_MAX];
	size_t n_nodes;
};

static const char start_sql[] =
	"SELECT coalesce(max(id), 0) FROM public.token_usage_logs WHERE used_at > "
	"(now() AT TIME ZONE 'UTC') - interval '10 minutes'";

/* $1 the floor, $2 this node, $3 the latest id by node. */
static const char rows_sql[] =
	"SELECT l.id, coalesce(l.node, ''), l.token_id, t.tollgate_team_id, "
	"l.route_path, l.response_status, l.response_time_ms, l.outcome, "
	"l.request_method, l.ip_address, "
	"public.usage_row_json(ROW(l.*)::public.token_usage_logs) "
	"FROM public.token_usage_logs AS l LEFT JOIN public.tokens AS t "
	"ON t.id = l.token_id "
	"WHERE l.id > $1::bigint AND l.used_at > (now() AT TIME ZONE 'UTC') - interval "
	"'10 minutes' AND l.node IS DISTINCT FROM $2 AND "
	"l.id > coalesce(($3::jsonb ->> coalesce(l.node, ''))::bigint, 0) "
	"ORDER BY l.id DESC LIMIT " TEXT(ROWS_MAX);

struct live_poll *live_poll_new(struct live *l)
{
	struct live_poll *p = xcalloc(1, sizeof *p);

	p->live = l;
	return p;
}

void live_poll_rest(struct live_poll *p)
{
	manager_db_leave(&p->ask);
	for (size_t i = 0; i < p->n_nodes; i++)
		free(p->nodes[i].name);
	*p = (struct live_poll){.live = p->live};
}

void live_poll_free(struct live_poll **p)
{
	live_poll_rest(*p);
	free(*p);
	*p = NULL;
}

/* --- what is known --- */

static void note(struct live_poll *p, struct str node, int64_t id)
{
	size_t i = 0;

	if (id > p->latest)
		p->latest = id;
	while (i < p->n_nodes && !str_eq(str_of(p->nodes[i].name), node))
		i++;
	if (i == NODES_MAX)
		return;
	if (i == p->n_nodes) {
		p->nodes[i] = (struct live_node){xstrndup(node.p, node.n), id};
		p->n_nodes++;
	}
	if (p->nodes[i].id < id)
		p->nodes[i].id = id;
}

/* What was the latest two rolls ago is below all batches that are under way. */
static void roll(struct live_poll *p)
{
	uint64_t now = clock_mono_us();

	if (now - p->rolled_us < ROLL_US)
		return;
	p->rolled_us = now;
	p->floor = p->before;
	p->before = p->latest;
}

static char *known(const struct live_poll *p)
{
	cJSON *json = cJSON_CreateObject();
	char id[24];

	CHECK(json != NULL);
	for (size_t i = 0; i < p->n_nodes; i++) {
		snprintf(id, sizeof id, "%lld", (long long)p->nodes[i].id);
		CHECK(cJSON_AddRawToObject(json, p->nodes[i].name, id) != NULL);
	}
	return json_text_take(json);
}

/* --- looking --- */

static void add(struct live_poll *p, const PGresult *r, int i)
{
	struct str node = pg_value_text(r, i, 1);
	struct usage_event e;
	struct live_row row;

	usage_event_init(&e);
	e.token_id = pg_value_int_or(r, i, 2, USAGE_NULL);
	e.route_path = pg_value_text(r, i, 4);
	e.response_status = (int32_t)pg_value_int_or(r, i, 5, USAGE_NULL);
	e.response_time_ms = (int32_t)pg_value_int_or(r, i, 6, USAGE_NULL);
	e.outcome = pg_value_text(r, i, 7);
	e.request_method = pg_value_text(r, i, 8);
	e.ip_address = pg_value_text(r, i, 9);
	live_row_init(&row, &e, pg_value_int(r, i, 3), (struct str){0}, node,
		      pg_value_text(r, i, 10));
	live_add(p->live, &row);
	note(p, node, pg_value_int(r, i, 0));
}

static void on_rows(void *ctx, const struct pg_reply *reply)
{
	struct live_poll *p = ctx;
	int n;

	p->ask = NULL;
	if (reply->outcome != PG_OK)
		return;
	n = PQntuples(reply->result);
	for (int i = n; i-- > 0;)
		add(p, reply->result, i);
	roll(p);
	if (n == ROWS_MAX)
		live_miss(p->live);
	if (n > 0)
		live_give(p->live);
}

static void on_start(void *ctx, const struct pg_reply *reply)
{
	struct live_poll *p = ctx;

	p->ask = NULL;
	if (reply->outcome != PG_OK || PQntuples(reply->result) != 1)
		return;
	p->floor = p->before = p->latest = pg_value_int(reply->result, 0, 0);
	p->rolled_us = clock_mono_us();
	p->has_start = true;
}

void live_poll_look(struct live_poll *p)
{
	const char *values[3];
	char floor[24], *nodes;

	if (p->ask != NULL)
		return;
	if (!p->has_start) {
		p->ask = manager_db_ask(p->live->db, DB_QUESTIONS, start_sql,
					(struct pg_params){0}, on_start, p);
		return;
	}
	snprintf(floor, sizeof floor, "%lld", (long long)p->floor);
	nodes = known(p);
	values[0] = floor;
	values[1] = p->live->node;
	values[2] = nodes;
	p->ask = manager_db_ask(p->live->db, DB_QUESTIONS, rows_sql,
				(struct pg_params){values, 3}, on_rows, p);
	cJSON_free(nodes);
}
