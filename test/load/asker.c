/* The manager's way to the database, at a test's command.
 *
 * Lines in, fields parted by tabs: "sql NAME TEXT", "ask ID POOL NAME [PARAMETER...]",
 * "fill ID POOL NAME BYTES" (a parameter of that many), "leave ID", "wait ID GENERATION
 * MS", "away ID POOL"; POOL is changes, lookups or questions. Lines out: "ID refused", or
 * "ID ok|error|lost SQLSTATE VALUE", or "ID confirmed|unknown NODE=MS|NODE@SINCE...", or
 * "ID away|there". Ends at the end of its input. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/manager/confirmations.h"
#include "gateway/manager/db.h"

#define NAMES 256
#define FIELDS 16

struct asked {
	int id;
	struct manager_ask *ask;
};

static struct event_base *base;
static struct manager_db *db;
static struct confirmations *confirmations;
static struct evbuffer *input;
static char *names[NAMES], *texts[NAMES];
static struct asked asked[NAMES];

static void on_done(void *ctx, const struct pg_reply *reply)
{
	static const char *const outcomes[] = {"ok", "error", "lost"};
	const PGresult *r = reply->result;
	struct asked *a = ctx;

	a->ask = NULL;
	printf("%d\t%s\t%s\t%s\n", a->id, outcomes[reply->outcome], reply->sqlstate,
	       r != NULL && PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
	fflush(stdout);
}

static void set_sql(char **fields)
{
	size_t i = 0;

	while (names[i] != NULL)
		i++;
	CHECK(i < NAMES - 1);
	names[i] = xstrdup(fields[1]);
	texts[i] = xstrdup(fields[2]);
}

static enum manager_pool pool_named(const char *name)
{
	if (strcmp(name, "changes") == 0)
		return DB_CHANGES;
	return strcmp(name, "lookups") == 0 ? DB_LOOKUPS : DB_QUESTIONS;
}

static void tell_away(char **fields)
{
	printf("%s\t%s\n", fields[1],
	       manager_db_is_away(db, pool_named(fields[2])) ? "away" : "there");
	fflush(stdout);
}

static void ask(char **fields, int n)
{
	struct asked *a = &asked[atoi(fields[1]) % NAMES];
	enum manager_pool pool = pool_named(fields[2]);
	size_t i = 0;

	while (strcmp(names[i], fields[3]) != 0)
		i++;
	a->id = atoi(fields[1]);
	a->ask = manager_db_ask(
		db, pool, texts[i],
		(struct pg_params){(const char *const *)fields + 4, n - 4}, on_done, a);
	if (a->ask == NULL)
		printf("%d\trefused\n", a->id);
	fflush(stdout);
}

static void fill(char **fields)
{
	size_t n = (size_t)atol(fields[4]);
	char *value = xmalloc(n + 1);

	snprintf(value, n + 1, "%0*d", (int)n, atoi(fields[1]));
	fields[4] = value;
	ask(fields, 5);
	free(value);
}

static void on_confirmed(void *ctx, const struct confirmed *what)
{
	const struct asked *a = ctx;

	printf("%d\t%s\t", a->id, what->is_known ? "confirmed" : "unknown");
	for (size_t i = 0; i < what->n; i++)
		if (what->nodes[i].has_applied)
			printf("%s=%u ", what->nodes[i].node, what->nodes[i].ms);
		else
			printf("%s@%s ", what->nodes[i].node, what->nodes[i].since);
	printf("\n");
	fflush(stdout);
}

static void wait_for(char **fields)
{
	struct asked *a = &asked[atoi(fields[1]) % NAMES];

	a->id = atoi(fields[1]);
	confirmations_wait(confirmations, atoll(fields[2]), (uint32_t)atoi(fields[3]),
			   on_confirmed, a);
}

static void obey(char *line)
{
	char *fields[FIELDS], *field;
	int n = 0;

	while (n < FIELDS && (field = strsep(&line, "\t")) != NULL)
		fields[n++] = field;
	if (strcmp(fields[0], "sql") == 0)
		set_sql(fields);
	else if (strcmp(fields[0], "ask") == 0)
		ask(fields, n);
	else if (strcmp(fields[0], "fill") == 0)
		fill(fields);
	else if (strcmp(fields[0], "wait") == 0)
		wait_for(fields);
	else if (strcmp(fields[0], "away") == 0)
		tell_away(fields);
	else
		manager_db_leave(&asked[atoi(fields[1]) % NAMES].ask);
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
	char *line;
	int n = evbuffer_read(input, fd, -1);

	(void)what;
	(void)arg;
	while ((line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF)) != NULL) {
		obey(line);
		free(line);
	}
	if (n <= 0)
		event_base_loopbreak(base);
}

int main(int argc, char **argv)
{
	struct event *readable;

	CHECK(argc == 2);
	log_set_level(LOG_ERROR);
	base = event_base_new();
	input = evbuffer_new();
	db = manager_db_new(base, argv[1], NULL);
	confirmations = confirmations_new(base, db);
	readable = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, NULL);
	CHECK(readable != NULL && event_add(readable, NULL) == 0);
	event_base_dispatch(base);
	confirmations_free(&confirmations);
	manager_db_free(&db);
	event_free(readable);
	evbuffer_free(input);
	event_base_free(base);
	for (size_t i = 0; names[i] != NULL; i++) {
		free(names[i]);
		free(texts[i]);
	}
	return 0;
}
