/* What PostgreSQL says about tokens. */
#include "gateway/token/token_rows.h"

#include <errno.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_value.h"

/* "1,2,3" */
static bool read_ids(struct token_poll *p, struct str list)
{
	size_t room = 1;
	struct str item;

	for (size_t i = 0; i < list.n; i++)
		room += list.p[i] == ',';
	p->ids = xcalloc(room, sizeof *p->ids);
	p->ids_array = xasprintf("{" STR_FMT "}", STR_ARG(list));
	while (str_list_next(&list, &item)) {
		char *end;

		errno = 0;
		p->ids[p->n_ids] = strtoll(item.p, &end, 10);
		if (errno != 0 || end != item.p + item.n)
			return false;
		p->n_ids++;
	}
	return true;
}

bool token_poll_read(struct token_poll *p, const PGresult *r)
{
	*p = (struct token_poll){0};
	if (PQntuples(r) != 1 || PQnfields(r) < 2 ||
	    !hex_decode(p->at.instance, TOKEN_INSTANCE_BYTES, pg_value_text(r, 0, 0)) ||
	    !str_to_u64(pg_value_text(r, 0, 1), &p->at.generation))
		return false;
	if (PQnfields(r) < 4)
		return true;
	return str_to_u64(pg_value_text(r, 0, 2), &p->oldest_change) &&
	       read_ids(p, pg_value_text(r, 0, 3));
}

void token_poll_fini(struct token_poll *p)
{
	free(p->ids);
	free(p->ids_array);
	*p = (struct token_poll){0};
}

/* What came with later migrations. */
static void read_later(struct token_row *out, const PGresult *r, int i)
{
	out->view.name = pg_value_text(r, i, 6);
	if (pg_value_bool(r, i, 7))
		out->view.flags |= TOKEN_DISABLED;
	if (pg_value_bool(r, i, 8))
		out->view.flags |= TOKEN_TEAM_DISABLED;
	if (!PQgetisnull(r, i, 9))
		out->ranges_text = pg_value_text(r, i, 9);
	out->view.team_id = pg_value_int_or(r, i, 10, 0);
}

bool token_row_read(struct token_row *out, const PGresult *r, int i)
{
	if (!hex_decode(out->hash, KEY_HASH_BYTES, pg_value_text(r, i, 0)))
		return false;
	out->view = (struct token_view){
		.token_id = pg_value_int(r, i, 1),
		.key_until_us = pg_value_int_or(r, i, 2, INT64_MAX),
		.expires_at_us = pg_value_int_or(r, i, 3, INT64_MAX),
		.flags = pg_value_bool(r, i, 4) ? TOKEN_REVOKED : 0,
		.scopes = pg_value_text(r, i, 5),
	};
	out->ranges_text = (struct str){NULL, 0};
	if (PQnfields(r) > 6)
		read_later(out, r, i);
	return true;
}
