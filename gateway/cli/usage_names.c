/* Tokens, teams and routes by name or id. */
#include "gateway/cli/usage_names.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "gateway/cli/clean.h"
#include "common/near.h"

#define ERROR_MAX (64u << 10)

/* The candidates for $1, the best first; `good` ones before all others. */
static const char tokens_sql[] =
	"SELECT id, revoked_at IS NULL AS good FROM public.tokens WHERE name = $1 "
	"ORDER BY good DESC, id LIMIT 3";
static const char teams_sql[] =
	"SELECT id, true AS good FROM public.tollgate_teams WHERE lower(name) = lower($1) "
	"ORDER BY id LIMIT 3";

static bool is_good(const PGresult *r, int i)
{
	return PQgetvalue(r, i, 1)[0] == 't';
}

/* Of these rows. False: it said why. */
static bool choose(const struct cli_call *c, const char *option, const char *name,
		   const PGresult *r, int64_t *id)
{
	int n = PQntuples(r);

	if (n == 0) {
		cli_fail(c, "--%s: there is none called '%s'", option, cli_shown(name));
		return false;
	}
	if (n > 1 && is_good(r, 0) == is_good(r, 1)) {
		cli_fail(c, "--%s: several are called '%s': say the id (%s, %s%s)",
			 option, cli_shown(name), PQgetvalue(r, 0, 0),
			 PQgetvalue(r, 1, 0), n > 2 ? ", ..." : "");
		return false;
	}
	*id = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	return true;
}

static bool look_up(const struct cli_call *c, struct pg_sync *db, const char *option,
		    const char *name, int64_t *id)
{
	bool is_token = strcmp(option, "tokens") == 0;
	struct sbuf error;
	PGresult *r;
	bool ok;

	sbuf_init(&error, ERROR_MAX);
	r = pg_sync_query(db, is_token ? tokens_sql : teams_sql, &name, 1, &error);
	if (r == NULL)
		cli_fail(c, STR_FMT, STR_ARG(sbuf_view(&error)));
	ok = r != NULL && choose(c, option, name, r, id);
	PQclear(r);
	sbuf_fini(&error);
	return ok;
}

static bool is_id(const char *text, int64_t *id)
{
	uint64_t number;

	if (!str_to_u64(str_of(text), &number) || number > INT64_MAX)
		return false;
	*id = (int64_t)number;
	return true;
}

static struct pg_sync *open_session(const struct cli_call *c, const char *conninfo)
{
	struct sbuf error;
	struct pg_sync *db;

	sbuf_init(&error, ERROR_MAX);
	db = pg_sync_open(conninfo, c->path, &error);
	if (db == NULL)
		cli_fail(c, STR_FMT, STR_ARG(sbuf_view(&error)));
	sbuf_fini(&error);
	return db;
}

/* Connects at the first name. */
bool usage_names_ids(const struct cli_call *c, const char *conninfo, const char *option,
		     int64_t **ids, size_t *n)
{
	const char **list = cli_list(c, option, n);
	struct pg_sync *db = NULL;
	bool ok = true;

	*ids = xcalloc(*n + 1, sizeof **ids);
	for (size_t i = 0; ok && i < *n; i++) {
		if (is_id(list[i], &(*ids)[i]))
			continue;
		if (db == NULL)
			db = open_session(c, conninfo);
		ok = db != NULL && look_up(c, db, option, list[i], &(*ids)[i]);
	}
	pg_sync_close(&db);
	free(list);
	return ok;
}

static const char *path_of(const struct cli_call *c, const struct settings *s,
			   const char *name)
{
	struct near near = {.given = name};

	if (name[0] == '/')
		return name;
	for (size_t i = 0; s != NULL && i < s->n_routes; i++) {
		if (strcmp(s->routes[i].name, name) == 0)
			return s->routes[i].path;
		near_try(&near, s->routes[i].name);
	}
	if (s == NULL)
		cli_fail(c,
			 "--routes '%s': a path begins with /; names are those of a "
			 "configuration, which --config gives",
			 cli_shown(name));
	else
		cli_fail(c,
			 "--routes: no route of the configuration is called '%s'%s%s%s",
			 cli_shown(name), near.best ? "; did you mean '" : "",
			 near.best ? near.best : "", near.best ? "'?" : "");
	return NULL;
}

bool usage_names_routes(const struct cli_call *c, const struct settings *s,
			const char ***paths, size_t *n)
{
	*paths = cli_list(c, "routes", n);
	for (size_t i = 0; i < *n; i++) {
		(*paths)[i] = path_of(c, s, (*paths)[i]);
		if ((*paths)[i] == NULL)
			return false;
	}
	return true;
}
