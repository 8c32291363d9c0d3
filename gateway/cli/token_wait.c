/* Which gateways have applied a change of tokens. */
#include "gateway/cli/token_wait.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "common/pg_value.h"
#include "gateway/cli/ago.h"
#include "gateway/cli/screen.h"

#define LOOK_EACH_MS 10

static const char progress_sql[] = "SELECT id, name, generation, is_live, reported_at "
				   "FROM public.nodes_progress()";

struct node {
	char *id;
	int64_t ms; /* until it was seen to have applied it; < 0: not yet */
};

struct waiting {
	struct node *nodes;
	size_t n;
	int64_t generation;
};

static int64_t now_ms(void)
{
	struct timespec t;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct node *node_of(struct waiting *w, const char *id)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->nodes[i].id, id) == 0)
			return &w->nodes[i];
	w->nodes = xrealloc(w->nodes, (w->n + 1) * sizeof *w->nodes);
	w->nodes[w->n] = (struct node){xstrdup(id), -1};
	return &w->nodes[w->n++];
}

/* False: one that is alive has not applied it yet. */
static bool look(struct waiting *w, const PGresult *r, int64_t ms)
{
	bool all = true;

	for (int i = 0; i < PQntuples(r); i++) {
		struct node *node = node_of(w, PQgetvalue(r, i, 0));

		if (node->ms < 0 &&
		    strtoll(PQgetvalue(r, i, 2), NULL, 10) >= w->generation)
			node->ms = ms;
		all &= node->ms >= 0 || !pg_value_bool(r, i, 3);
	}
	return all;
}

static cJSON *told(struct waiting *w, const PGresult *r)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *confirmed = cJSON_AddArrayToObject(json, "confirmed");
	cJSON *silent = cJSON_AddArrayToObject(json, "silent");

	for (int i = 0; i < PQntuples(r); i++) {
		const struct node *node = node_of(w, PQgetvalue(r, i, 0));
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "name", PQgetvalue(r, i, 1));
		if (node->ms >= 0)
			cJSON_AddNumberToObject(item, "after_ms", (double)node->ms);
		else
			cJSON_AddStringToObject(item, "reported_at", PQgetvalue(r, i, 4));
		cJSON_AddItemToArray(node->ms >= 0 ? confirmed : silent, item);
	}
	cJSON_AddBoolToObject(json, "complete", cJSON_GetArraySize(silent) == 0);
	return json;
}

cJSON *token_wait(struct pg_sync *db, int64_t generation, int64_t wait_ms,
		  struct sbuf *error)
{
	static const struct timespec pause = {.tv_nsec = LOOK_EACH_MS * 1000000};
	struct waiting w = {.generation = generation};
	int64_t began = now_ms();
	cJSON *json = NULL;

	while (json == NULL) {
		PGresult *r = pg_sync_query(db, progress_sql, NULL, 0, error);
		int64_t ms = now_ms() - began;

		if (r == NULL)
			break;
		if (look(&w, r, ms) || ms >= wait_ms)
			json = told(&w, r);
		else
			nanosleep(&pause, NULL);
		PQclear(r);
	}
	for (size_t i = 0; i < w.n; i++)
		free(w.nodes[i].id);
	free(w.nodes);
	return json;
}

bool token_wait_is_complete(const cJSON *json)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "complete"));
}

static void print_silent(const cJSON *item)
{
	const char *since = cJSON_GetStringValue(
		cJSON_GetObjectItemCaseSensitive(item, "reported_at"));
	char words[AGO_MAX];
	int64_t then;

	if (screen_of_output().is_terminal && ago_parse(since, &then)) {
		ago_text(words, then, time(NULL));
		since = words;
	}
	cli_say(stdout, "  %s has not confirmed; last heard of: %s\n",
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name")),
		since);
}

void token_wait_print(const cJSON *json)
{
	const cJSON *confirmed = cJSON_GetObjectItemCaseSensitive(json, "confirmed");
	const cJSON *silent = cJSON_GetObjectItemCaseSensitive(json, "silent"), *item;

	cJSON_ArrayForEach(item, confirmed) cli_say(
		stdout, "  %s has confirmed in %.0f ms\n",
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name")),
		cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(item, "after_ms")));
	cJSON_ArrayForEach(item, silent) print_silent(item);
	if (confirmed->child == NULL && silent->child == NULL)
		cli_say(stdout, "  no gateway runs on this database\n");
}
