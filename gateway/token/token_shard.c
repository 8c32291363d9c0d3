/* A shard: entries, a probe table of their numbers, and the text of their scopes, names
 * and address ranges.
 *
 * Open addressing with linear probing at a load of at most one half. Hashes are SHA-256:
 * any of their bits will do, and nobody can choose keys that collide in them. */
#include "gateway/token/token_shard.h"

#include <string.h>

#include "common/check.h"

#define DISTINCT_MAX 64 /* scope lists that are looked for again; more are stored twice */

struct entry {
	unsigned char hash[KEY_HASH_BYTES];
	int64_t expires_at_us, key_until_us, team_id;
	uint32_t scopes_at, name_at; /* in the text */
	uint16_t scopes_n, name_n;
	uint16_t flags, ranges_n; /* the ranges stand behind the name */
};

/* Ranges may stand anywhere in the text. */
_Static_assert(_Alignof(struct net_cidr) == 1, "address ranges are bytes");

struct token_shard {
	struct entry *entries;
	int64_t *ids;    /* of the entries; apart, since a change looks at every one */
	uint16_t *slots; /* entry number + 1; 0: free */
	char *text;      /* scopes, names and address ranges */
	uint32_t n, slot_mask;
};

/* Not the bits that chose the shard (token_table.c). */
static uint32_t first_slot(const struct token_shard *s, const unsigned char *hash)
{
	uint32_t h;

	memcpy(&h, hash + 8, sizeof h);
	return h & s->slot_mask;
}

/* The slot that holds this hash, or the free one where it would go. */
static uint32_t probe(const struct token_shard *s, const unsigned char *hash)
{
	uint32_t at = first_slot(s, hash);

	while (s->slots[at] != 0 &&
	       memcmp(s->entries[s->slots[at] - 1].hash, hash, KEY_HASH_BYTES) != 0)
		at = (at + 1) & s->slot_mask;
	return at;
}

struct text_pool {
	char *text;
	uint32_t used;
	struct {
		uint32_t at, n;
	} known[DISTINCT_MAX];
	size_t n_known;
};

static uint32_t pool_put(struct text_pool *p, struct str text)
{
	uint32_t at = p->used;

	if (text.n > 0)
		memcpy(p->text + at, text.p, text.n);
	p->used += (uint32_t)text.n;
	return at;
}

static uint32_t pool_put_scopes(struct text_pool *p, struct str scopes)
{
	uint32_t at, n = (uint32_t)scopes.n;

	if (n == 0)
		return 0;
	for (size_t i = 0; i < p->n_known; i++)
		if (p->known[i].n == n &&
		    memcmp(p->text + p->known[i].at, scopes.p, n) == 0)
			return p->known[i].at;
	at = pool_put(p, scopes);
	if (p->n_known < DISTINCT_MAX) {
		p->known[p->n_known].at = at;
		p->known[p->n_known++].n = n;
	}
	return at;
}

static struct str ranges_bytes(const struct token_view *v)
{
	return (struct str){(const char *)v->ranges.items,
			    v->ranges.n * sizeof v->ranges.items[0]};
}

static void put(struct token_shard *s, struct text_pool *pool,
		const struct token_row *row)
{
	uint32_t at = probe(s, row->hash);
	struct entry *e;

	if (s->slots[at] == 0)
		s->slots[at] = (uint16_t)++s->n;
	e = &s->entries[s->slots[at] - 1];
	s->ids[s->slots[at] - 1] = row->view.token_id;
	memcpy(e->hash, row->hash, KEY_HASH_BYTES);
	e->expires_at_us = row->view.expires_at_us;
	e->key_until_us = row->view.key_until_us;
	e->team_id = row->view.team_id;
	e->flags = (uint16_t)row->view.flags;
	e->scopes_n = (uint16_t)row->view.scopes.n;
	e->scopes_at = pool_put_scopes(pool, row->view.scopes);
	e->name_n = (uint16_t)row->view.name.n;
	e->name_at = pool_put(pool, row->view.name);
	e->ranges_n = (uint16_t)row->view.ranges.n;
	pool_put(pool, ranges_bytes(&row->view));
}

struct token_shard *token_shard_build(const struct token_row *const *rows, size_t n)
{
	struct text_pool pool = {0};
	size_t n_slots = 4, bytes = 0;
	struct token_shard *s;

	CHECK(n <= SHARD_KEYS_MAX);
	for (size_t i = 0; i < n; i++) {
		CHECK(rows[i]->view.scopes.n <= TOKEN_SCOPES_MAX &&
		      rows[i]->view.name.n <= TOKEN_NAME_SHOWN_MAX &&
		      rows[i]->view.ranges.n <= TOKEN_RANGES_MAX);
		bytes += rows[i]->view.scopes.n + rows[i]->view.name.n +
			 ranges_bytes(&rows[i]->view).n;
	}
	while (n_slots < 2 * n)
		n_slots *= 2;
	pool.text = xmalloc(bytes + 1);
	s = xcalloc(1, sizeof *s + n * (sizeof *s->ids + sizeof *s->entries) +
			       n_slots * sizeof *s->slots);
	s->ids = (int64_t *)(void *)(s + 1);
	s->entries = (struct entry *)(void *)(s->ids + n);
	s->slots = (uint16_t *)(void *)(s->entries + n);
	s->slot_mask = (uint32_t)(n_slots - 1);
	for (size_t i = 0; i < n; i++)
		put(s, &pool, rows[i]);
	s->text = xrealloc(pool.text, pool.used + 1);
	return s;
}

void token_shard_free(struct token_shard *s)
{
	if (s)
		free(s->text);
	free(s);
}

size_t token_shard_count(const struct token_shard *s)
{
	return s ? s->n : 0;
}

static void view_of(const struct token_shard *s, size_t i, struct token_view *out)
{
	const struct entry *e = &s->entries[i];

	out->token_id = s->ids[i];
	out->expires_at_us = e->expires_at_us;
	out->key_until_us = e->key_until_us;
	out->team_id = e->team_id;
	out->flags = e->flags;
	out->scopes = (struct str){s->text + e->scopes_at, e->scopes_n};
	out->name = (struct str){s->text + e->name_at, e->name_n};
	out->ranges.items = (struct net_cidr *)(void *)(s->text + e->name_at + e->name_n);
	out->ranges.n = e->ranges_n;
}

bool token_shard_find(const struct token_shard *s,
		      const unsigned char hash[KEY_HASH_BYTES], struct token_view *out)
{
	uint16_t slot;

	if (s == NULL)
		return false;
	slot = s->slots[probe(s, hash)];
	if (slot == 0)
		return false;
	view_of(s, slot - 1u, out);
	return true;
}

void token_shard_row(const struct token_shard *s, size_t i, struct token_row *out)
{
	CHECK(i < token_shard_count(s));
	memcpy(out->hash, s->entries[i].hash, KEY_HASH_BYTES);
	view_of(s, i, &out->view);
	out->ranges_text = (struct str){NULL, 0};
}

int64_t token_shard_id(const struct token_shard *s, size_t i)
{
	return s->ids[i];
}

bool token_ids_contain(const int64_t *ids, size_t n_ids, int64_t id)
{
	size_t low = 0, high = n_ids;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ids[mid] == id)
			return true;
		if (ids[mid] < id)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

bool token_shard_has_any(const struct token_shard *s, const int64_t *ids, size_t n_ids)
{
	size_t n = token_shard_count(s);

	for (size_t i = 0; i < n && n_ids > 0; i++)
		if (s->ids[i] >= ids[0] && s->ids[i] <= ids[n_ids - 1] &&
		    token_ids_contain(ids, n_ids, s->ids[i]))
			return true;
	return false;
}

static bool is_separator(char c)
{
	return c == ' ' || c == ',' || (c >= '\t' && c <= '\r');
}

size_t token_scopes_normalize(char *out, struct str scopes, bool *all)
{
	size_t n = 0, i = 0;

	*all = false;
	while (i < scopes.n) {
		size_t from = i;

		while (i < scopes.n && !is_separator(scopes.p[i]))
			i++;
		if (i > from) {
			if (n + (n > 0) + (i - from) > TOKEN_SCOPES_MAX) {
				*all = false;
				return 0;
			}
			if (n > 0)
				out[n++] = ' ';
			memcpy(out + n, scopes.p + from, i - from);
			n += i - from;
			*all = *all || (i - from == 1 && scopes.p[from] == '*');
		}
		i++;
	}
	return n;
}
