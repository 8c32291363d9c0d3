/* The tokens that made-up calls are of. */
#include "gateway/generate/generate_tokens.h"

#include <stdlib.h>

#include "common/check.h"
#include "common/pg_value.h"

#define LIVE                                                                             \
	"SELECT id, lower(token_hash) FROM tokens WHERE revoked_at IS NULL "             \
	"AND token_hash ~* '^[0-9a-f]{64}$'"

static bool read_tokens(struct generate_tokens *t, struct pg_sync *db, const char *sql,
			size_t max, struct sbuf *error)
{
	char *limit = xasprintf("%zu", max);
	PGresult *r = pg_sync_query(db, sql, (const char *const *)&limit, 1, error);

	free(limit);
	if (r == NULL)
		return false;
	free(t->items);
	t->n = (size_t)PQntuples(r);
	t->items = xcalloc(t->n ? t->n : 1, sizeof *t->items);
	for (size_t i = 0; i < t->n; i++) {
		t->items[i].id = pg_value_int(r, (int)i, 0);
		CHECK(hex_decode(t->items[i].hash, sizeof t->items[i].hash,
				 pg_value_text(r, (int)i, 1)));
	}
	PQclear(r);
	return true;
}

static bool read_marked(struct generate_tokens *t, struct pg_sync *db, size_t max,
			struct sbuf *error)
{
	return read_tokens(t, db,
			   LIVE " AND key_start = 'generated' ORDER BY id LIMIT $1", max,
			   error);
}

/* Nobody knows what their hashes are of: they open nothing. */
static bool make_tokens(struct pg_sync *db, size_t first, size_t last, struct sbuf *error)
{
	char *values[] = {xasprintf("%zu", first), xasprintf("%zu", last)};
	PGresult *r = pg_sync_query(
		db,
		"INSERT INTO tokens (name, token_hash, key_start, scopes) "
		"SELECT 'generated ' || to_char(i, 'FM000000'), encode(sha256(convert_to("
		"gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex'), "
		"'generated', token_scopes_in('{}') "
		"FROM generate_series($1::integer, $2::integer) AS i",
		(const char *const *)values, 2, error);

	free(values[0]);
	free(values[1]);
	PQclear(r);
	return r != NULL;
}

bool generate_tokens_marked(struct generate_tokens *t, struct pg_sync *db, size_t n,
			    struct sbuf *error)
{
	*t = (struct generate_tokens){0};
	return read_marked(t, db, n, error) &&
	       (t->n == n ||
		(make_tokens(db, t->n + 1, n, error) && read_marked(t, db, n, error)));
}

bool generate_tokens_any(struct generate_tokens *t, struct pg_sync *db, size_t max,
			 size_t made, struct sbuf *error)
{
	*t = (struct generate_tokens){0};
	if (!read_tokens(t, db, LIVE " ORDER BY last_used DESC NULLS LAST, id LIMIT $1",
			 max, error))
		return false;
	return t->n > 0 ||
	       (make_tokens(db, 1, made, error) && read_marked(t, db, made, error));
}

void generate_tokens_fini(struct generate_tokens *t)
{
	free(t->items);
	*t = (struct generate_tokens){0};
}

void generate_mark_event(struct usage_event *e, const struct generate_token *token,
			 const char *route_path)
{
	e->token_id = token->id;
	memcpy(e->token_hash, token->hash, sizeof e->token_hash);
	e->route_path = str_of(route_path);
	e->tags = STR("{\"generated\":true}");
}
