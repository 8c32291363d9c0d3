/* When tokens were last used, as far as tokens.last_used does not say so yet. */
#include "gateway/recorder/uses.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/recorder/copy_row.h"

void usage_uses_fini(struct usage_uses *u)
{
	free(u->uses);
	*u = (struct usage_uses){0};
}

static struct usage_use later_of(struct usage_use a, struct usage_use b)
{
	return a.used_at_us >= b.used_at_us ? a : b;
}

void usage_uses_add(struct usage_uses *u, const struct usage_use *more, size_t n)
{
	struct usage_use *all;
	size_t i = 0, k = 0, n_all = 0;

	if (n == 0)
		return;
	all = xcalloc(u->n + n, sizeof *all);
	while (i < u->n || k < n) {
		bool old =
			i < u->n && (k == n || u->uses[i].token_id <= more[k].token_id);
		bool new =
			k < n && (i == u->n || more[k].token_id <= u->uses[i].token_id);

		if (old && new)
			all[n_all++] = later_of(u->uses[i++], more[k++]);
		else
			all[n_all++] = old ? u->uses[i++] : more[k++];
	}
	free(u->uses);
	u->uses = all;
	u->n = n_all < USES_MAX ? n_all : USES_MAX;
}

/* Rows are locked by id, so that those who wait for one another do so in one direction;
 * and the two statements are one transaction, which nobody waits for. */
size_t usage_uses_sql(struct usage_uses *u, size_t most, struct sbuf *sql)
{
	char text[USAGE_TIME_TEXT_MAX];
	size_t n;

	CHECK(u->n > 0 && most > 0);
	if (u->at >= u->n)
		u->at = 0;
	n = u->n - u->at < most ? u->n - u->at : most;
	sbuf_lit(sql,
		 "SET LOCAL lock_timeout = '100ms'; "
		 "SET LOCAL synchronous_commit = off; WITH v (id, used_at) AS (VALUES ");
	for (size_t i = 0; i < n; i++) {
		usage_time_text(text, u->uses[u->at + i].used_at_us);
		sbuf_printf(sql, "%s(bigint '%lld', timestamp '%s')", i ? ", " : "",
			    (long long)u->uses[u->at + i].token_id, text);
	}
	sbuf_lit(sql, "), behind AS (SELECT t.id, v.used_at FROM public.tokens AS t "
		      "JOIN v ON v.id = t.id "
		      "WHERE t.last_used IS NULL OR t.last_used < v.used_at), "
		      "locked AS MATERIALIZED (SELECT t.id, b.used_at "
		      "FROM public.tokens AS t JOIN behind AS b ON b.id = t.id "
		      "ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED), "
		      "moved AS (UPDATE public.tokens AS t "
		      "SET last_used = greatest(t.last_used, l.used_at) "
		      "FROM locked AS l WHERE t.id = l.id) "
		      "SELECT id FROM behind EXCEPT SELECT id FROM locked ORDER BY 1");
	return n;
}

void usage_uses_stored(struct usage_uses *u, size_t n, const int64_t *left_out,
		       size_t n_left_out)
{
	size_t to = u->at, k = 0;

	CHECK(u->at + n <= u->n);
	for (size_t i = u->at; i < u->at + n; i++) {
		while (k < n_left_out && left_out[k] < u->uses[i].token_id)
			k++;
		if (k < n_left_out && left_out[k] == u->uses[i].token_id)
			u->uses[to++] = u->uses[i];
	}
	memmove(u->uses + to, u->uses + u->at + n, (u->n - u->at - n) * sizeof *u->uses);
	u->n -= u->at + n - to;
	u->at = to;
	if (u->n == 0)
		usage_uses_fini(u);
}
