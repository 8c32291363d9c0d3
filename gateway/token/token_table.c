/* The table that a worker asks: an array of shards, chosen by the hash's first bytes. */
#include "gateway/token/token_table.h"

#include <string.h>

#include "common/check.h"
#include "gateway/token/token_shard.h"

#define SHARD_KEYS 256u /* about; a table is made anew at twice this mean */
#define CHUNK_BYTES 65536u
#define RECENT 256u /* scope lists that a builder remembers */

struct token_table {
	size_t count;
	size_t n_shards; /* a power of two */
	struct token_shard *shards[];
};

struct token_garbage {
	struct token_table *table; /* the array; with all its shards if `whole` */
	bool whole;
	size_t n;
	struct token_shard *shards[];
};

static size_t shard_of(const unsigned char *hash, size_t n_shards)
{
	uint64_t h;

	memcpy(&h, hash, sizeof h);
	return (size_t)h & (n_shards - 1);
}

static struct token_table *table_new(size_t n_shards)
{
	struct token_table *t = xcalloc(1, sizeof *t + n_shards * sizeof t->shards[0]);

	t->n_shards = n_shards;
	return t;
}

bool token_table_find(const struct token_table *t,
		      const unsigned char hash[KEY_HASH_BYTES], struct token_view *out)
{
	return t != NULL &&
	       token_shard_find(t->shards[shard_of(hash, t->n_shards)], hash, out);
}

size_t token_table_count(const struct token_table *t)
{
	return t ? t->count : 0;
}

bool token_has_scope(const struct token_view *v, struct str scope)
{
	struct str rest = v->scopes;

	if (v->flags & TOKEN_ALL_SCOPES)
		return true;
	while (rest.n >= scope.n && scope.n > 0) {
		const char *space = memchr(rest.p, ' ', rest.n);
		size_t n = space ? (size_t)(space - rest.p) : rest.n;

		if (n == scope.n && memcmp(rest.p, scope.p, n) == 0)
			return true;
		if (space == NULL)
			break;
		rest.p += n + 1;
		rest.n -= n + 1;
	}
	return false;
}

bool token_allows_address(const struct token_view *v, const struct net_ip *ip)
{
	return !(v->flags & TOKEN_RANGED) || net_cidrs_contain(&v->ranges, ip);
}

/* --- building --- */

struct chunk {
	struct chunk *next;
	size_t used;
	char bytes[CHUNK_BYTES];
};

struct token_builder {
	struct token_row *rows;
	size_t n, room;
	struct chunk *chunks;      /* scopes, names and address ranges */
	struct str recent[RECENT]; /* most tokens share few lists */
};

struct token_builder *token_builder_new(void)
{
	return xcalloc(1, sizeof(struct token_builder));
}

static struct str keep_text(struct token_builder *b, const char *text, size_t n)
{
	struct str kept;
	struct chunk *c;

	if (n == 0)
		return (struct str){NULL, 0};
	if (b->chunks == NULL || CHUNK_BYTES - b->chunks->used < n) {
		c = xmalloc(sizeof *c);
		c->next = b->chunks;
		c->used = 0;
		b->chunks = c;
	}
	c = b->chunks;
	kept = (struct str){c->bytes + c->used, n};
	memcpy(c->bytes + c->used, text, n);
	c->used += n;
	return kept;
}

static struct str keep_scopes(struct token_builder *b, const char *text, size_t n)
{
	uint32_t h = 2166136261u; /* FNV-1a */
	struct str *recent;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619u;
	recent = &b->recent[h % RECENT];
	if (!str_eq(*recent, (struct str){text, n}))
		*recent = keep_text(b, text, n);
	return *recent;
}

static struct net_cidrs keep_ranges(struct token_builder *b, const struct net_cidrs *from)
{
	struct str kept;

	if (from->n == 0)
		return (struct net_cidrs){NULL, 0};
	kept = keep_text(b, (const char *)from->items, from->n * sizeof from->items[0]);
	return (struct net_cidrs){(struct net_cidr *)(void *)kept.p, from->n};
}

static struct net_cidrs parse_ranges(struct token_builder *b, struct str text)
{
	struct net_cidr items[TOKEN_RANGES_MAX];
	struct net_cidrs found = {items, 0};
	struct net_cidr one;
	const char *why;

	for (size_t i = 0; i < text.n;) {
		size_t from = i;

		while (i < text.n && text.p[i] != ' ')
			i++;
		if (net_parse_cidr(&one, (struct str){text.p + from, i - from}, &why)) {
			if (found.n == TOKEN_RANGES_MAX)
				return (struct net_cidrs){NULL, 0};
			items[found.n++] = one;
		}
		i++;
	}
	return keep_ranges(b, &found);
}

/* As much of a name as is kept: whole characters of UTF-8. */
static size_t shown_length(struct str name)
{
	size_t n = name.n;

	if (n <= TOKEN_NAME_SHOWN_MAX)
		return n;
	n = TOKEN_NAME_SHOWN_MAX;
	while (n > 0 && ((unsigned char)name.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void token_builder_add(struct token_builder *b, const struct token_row *row)
{
	char scopes[TOKEN_SCOPES_MAX];
	struct token_row *to;
	size_t n;
	bool all;

	if (b->n == b->room) {
		b->room = b->room ? 2 * b->room : 1024;
		b->rows = xrealloc(b->rows, b->room * sizeof *b->rows);
	}
	to = &b->rows[b->n++];
	*to = *row;
	n = token_scopes_normalize(scopes, row->view.scopes, &all);
	to->view.scopes = keep_scopes(b, scopes, n);
	to->view.name = keep_text(b, row->view.name.p, shown_length(row->view.name));
	to->view.flags &= ~(uint32_t)TOKEN_ALL_SCOPES;
	if (all)
		to->view.flags |= TOKEN_ALL_SCOPES;
	if (row->ranges_text.p != NULL) {
		to->view.flags |= TOKEN_RANGED;
		to->view.ranges = parse_ranges(b, row->ranges_text);
	} else {
		to->view.ranges = keep_ranges(b, &row->view.ranges);
	}
}

/* Row pointers ordered by shard; starts[i] is where shard i begins, starts[n_shards] the
 * end. */
static const struct token_row **sort_by_shard(const struct token_builder *b,
					      size_t n_shards, size_t *starts)
{
	const struct token_row **sorted = xcalloc(b->n + 1, sizeof *sorted);
	size_t *at = xcalloc(n_shards + 1, sizeof *at);

	for (size_t i = 0; i < b->n; i++)
		at[shard_of(b->rows[i].hash, n_shards) + 1]++;
	for (size_t i = 0; i < n_shards; i++)
		at[i + 1] += at[i];
	memcpy(starts, at, (n_shards + 1) * sizeof *at);
	for (size_t i = 0; i < b->n; i++)
		sorted[at[shard_of(b->rows[i].hash, n_shards)]++] = &b->rows[i];
	free(at);
	return sorted;
}

struct token_table *token_builder_finish(struct token_builder **builder)
{
	struct token_builder *b = *builder;
	size_t n_shards = 1, *starts;
	const struct token_row **sorted;
	struct token_table *t;

	while (n_shards * SHARD_KEYS < b->n)
		n_shards *= 2;
	t = table_new(n_shards);
	starts = xcalloc(n_shards + 1, sizeof *starts);
	sorted = sort_by_shard(b, n_shards, starts);
	for (size_t i = 0; i < n_shards; i++) {
		if (starts[i] == starts[i + 1])
			continue;
		t->shards[i] =
			token_shard_build(sorted + starts[i], starts[i + 1] - starts[i]);
		t->count += token_shard_count(t->shards[i]);
	}
	free(sorted);
	free(starts);
	token_builder_free(builder);
	return t;
}

void token_builder_free(struct token_builder **builder)
{
	struct token_builder *b = *builder;
	struct chunk *next;

	*builder = NULL;
	if (b == NULL)
		return;
	for (struct chunk *c = b->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(b->rows);
	free(b);
}

void token_table_free(void *table)
{
	struct token_table *t = table;

	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_shards; i++)
		token_shard_free(t->shards[i]);
	free(t);
}

void token_garbage_free(void *garbage)
{
	struct token_garbage *g = garbage;

	if (g == NULL)
		return;
	if (g->whole)
		token_table_free(g->table);
	else
		free(g->table);
	for (size_t i = 0; i < g->n; i++)
		token_shard_free(g->shards[i]);
	free(g);
}

/* --- changing --- */

static void add_kept(struct token_builder *b, const struct token_shard *s,
		     const struct token_change *c)
{
	struct token_row row;

	for (size_t i = 0; i < token_shard_count(s); i++) {
		if (token_ids_contain(c->ids, c->n_ids, token_shard_id(s, i)))
			continue;
		token_shard_row(s, i, &row);
		token_builder_add(b, &row);
	}
}

/* One shard anew: what stays, and what comes. NULL where nothing is left. */
static struct token_shard *rebuild_shard(const struct token_table *old, size_t at,
					 const struct token_change *c)
{
	struct token_builder *b = token_builder_new();
	struct token_shard *s = NULL;
	const struct token_row **rows;

	add_kept(b, old->shards[at], c);
	for (size_t i = 0; i < c->n_rows; i++)
		if (shard_of(c->rows[i].hash, old->n_shards) == at)
			token_builder_add(b, &c->rows[i]);
	if (b->n > 0) {
		rows = xcalloc(b->n, sizeof *rows);
		for (size_t i = 0; i < b->n; i++)
			rows[i] = &b->rows[i];
		s = token_shard_build(rows, b->n);
		free(rows);
	}
	token_builder_free(&b);
	return s;
}

static struct token_garbage *garbage_new(struct token_table *old, size_t room)
{
	struct token_garbage *g = xcalloc(1, sizeof *g + room * sizeof g->shards[0]);

	g->table = old;
	return g;
}

/* The table has outgrown its array: all of it anew. */
static struct token_table *rebuild_all(struct token_table *old,
				       const struct token_change *c, void **garbage)
{
	struct token_builder *b = token_builder_new();
	struct token_garbage *g = garbage_new(old, 0);

	g->whole = true;
	*garbage = g;
	for (size_t i = 0; i < old->n_shards; i++)
		add_kept(b, old->shards[i], c);
	for (size_t i = 0; i < c->n_rows; i++)
		token_builder_add(b, &c->rows[i]);
	return token_builder_finish(&b);
}

/* Looks at every key's id: a million take a few milliseconds, which spares an index by
 * id. */
static bool *find_touched(const struct token_table *old, const struct token_change *c)
{
	bool *touched = xcalloc(old->n_shards, sizeof *touched);

	for (size_t i = 0; i < c->n_rows; i++)
		touched[shard_of(c->rows[i].hash, old->n_shards)] = true;
	for (size_t i = 0; i < old->n_shards; i++)
		touched[i] = touched[i] ||
			     token_shard_has_any(old->shards[i], c->ids, c->n_ids);
	return touched;
}

struct token_table *token_table_change(struct token_table *old,
				       const struct token_change *c, void **garbage)
{
	struct token_garbage *g;
	struct token_table *t;
	bool *touched;

	CHECK(old != NULL);
	if (old->count + c->n_rows > 2 * SHARD_KEYS * old->n_shards)
		return rebuild_all(old, c, garbage);
	g = garbage_new(old, old->n_shards);
	t = table_new(old->n_shards);
	touched = find_touched(old, c);
	for (size_t i = 0; i < old->n_shards; i++) {
		t->shards[i] = old->shards[i];
		if (touched[i]) {
			t->shards[i] = rebuild_shard(old, i, c);
			g->shards[g->n++] = old->shards[i];
		}
		t->count += token_shard_count(t->shards[i]);
	}
	free(touched);
	*garbage = g;
	return t;
}

bool token_table_each(const struct token_table *t,
		      bool (*fn)(void *ctx, const struct token_row *row), void *ctx)
{
	struct token_row row;

	if (t == NULL)
		return true;
	for (size_t i = 0; i < t->n_shards; i++) {
		for (size_t k = 0; k < token_shard_count(t->shards[i]); k++) {
			token_shard_row(t->shards[i], k, &row);
			if (!fn(ctx, &row))
				return false;
		}
	}
	return true;
}
