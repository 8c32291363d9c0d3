/* Events that are stored once, however often they are sent. */
#include "gateway/recorder/once.h"

#include <openssl/sha.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/recorder/copy_row.h"

#define ONCE_US INT64_C(86400000000) /* 24 h */
#define EXPIRE_AT_ONCE "1000"

void usage_once_init(struct usage_once *o, size_t max_claims)
{
	*o = (struct usage_once){.max = max_claims, .n_slots = 16};
	while (o->n_slots < 2 * max_claims)
		o->n_slots *= 2;
	o->claims = xcalloc(max_claims, sizeof *o->claims);
	o->slots = xcalloc(o->n_slots, sizeof *o->slots);
}

void usage_once_fini(struct usage_once *o)
{
	free(o->claims);
	free(o->slots);
	*o = (struct usage_once){0};
}

/* Ids are a caller's own, so they count per token; a digest has one size. */
static void make_key(unsigned char key[ONCE_KEY_BYTES], const struct usage_event *e)
{
	unsigned char text[sizeof e->token_hash + 128], digest[SHA256_DIGEST_LENGTH];
	size_t n = e->request_id.n;

	CHECK(n <= 128); /* its width in an event */
	memcpy(text, e->token_hash, sizeof e->token_hash);
	memcpy(text + sizeof e->token_hash, e->request_id.p, n);
	SHA256(text, sizeof e->token_hash + n, digest);
	memcpy(key, digest, ONCE_KEY_BYTES);
}

/* Where the key is, or would be. Keys are digests: any bits of them spread evenly. */
static uint32_t *find_slot(const struct usage_once *o,
			   const unsigned char key[ONCE_KEY_BYTES])
{
	uint32_t hash;
	size_t i;

	memcpy(&hash, key, sizeof hash);
	for (i = hash & (o->n_slots - 1); o->slots[i] != 0;
	     i = (i + 1) & (o->n_slots - 1))
		if (memcmp(o->claims[o->slots[i] - 1].key, key, ONCE_KEY_BYTES) == 0)
			break;
	return &o->slots[i];
}

/* The last first: what a claim had to step over on its way is still there then. */
void usage_once_reset(struct usage_once *o)
{
	for (; o->n > 0; o->n--)
		*find_slot(o, o->claims[o->n - 1].key) = 0;
}

enum once_verdict usage_once_claim(struct usage_once *o, const struct usage_event *e,
				   size_t ordinal)
{
	struct once_claim claim = {.at_us = e->once_at_us, .ordinal = ordinal};
	uint32_t *slot;
	int64_t apart;

	make_key(claim.key, e);
	slot = find_slot(o, claim.key);
	if (*slot != 0) {
		apart = claim.at_us - o->claims[*slot - 1].at_us;
		return apart < ONCE_US && apart > -ONCE_US ? ONCE_REPEATED : ONCE_LATER;
	}
	CHECK(o->n < o->max);
	o->claims[o->n++] = claim;
	*slot = (uint32_t)o->n;
	return ONCE_CLAIMED;
}

void usage_once_sql(const struct usage_once *o, struct sbuf *sql)
{
	char hex[2 * ONCE_KEY_BYTES + 1], at[USAGE_TIME_TEXT_MAX];

	CHECK(o->n > 0);
	/* Twice the 24 h: events may wait for the database as long as that, and are then
	 * still told from their repeats. */
	sbuf_lit(sql,
		 "DELETE FROM usage_ingest_ids WHERE id IN (SELECT id "
		 "FROM usage_ingest_ids WHERE seen_at < now() - interval '48 hours' "
		 "ORDER BY seen_at LIMIT " EXPIRE_AT_ONCE " FOR UPDATE SKIP LOCKED); "
		 "INSERT INTO usage_ingest_ids AS i (id, seen_at) "
		 "SELECT v.id, v.at AT TIME ZONE 'UTC' FROM (VALUES ");
	for (size_t i = 0; i < o->n; i++) {
		hex_encode(hex, o->claims[i].key, ONCE_KEY_BYTES);
		usage_time_text(at, o->claims[i].at_us);
		sbuf_printf(sql, "%s(uuid '%s', timestamp '%s')", i ? ", " : "", hex, at);
	}
	/* By id, so that recorders of several nodes never wait for each other in a
	 * circle. */
	sbuf_lit(sql, ") AS v (id, at) ORDER BY v.id ON CONFLICT (id) DO UPDATE "
		      "SET seen_at = greatest(i.seen_at, excluded.seen_at) "
		      "WHERE excluded.seen_at >= i.seen_at + interval '24 hours' "
		      "OR excluded.seen_at <= i.seen_at - interval '24 hours' "
		      "RETURNING i.id");
}

void usage_once_taken(struct usage_once *o, struct str id)
{
	char hex[2 * ONCE_KEY_BYTES];
	unsigned char key[ONCE_KEY_BYTES];
	size_t n = 0;
	uint32_t slot;

	for (size_t i = 0; i < id.n && n < sizeof hex; i++)
		if (id.p[i] != '-')
			hex[n++] = id.p[i];
	if (!hex_decode(key, sizeof key, (struct str){hex, n}))
		return;
	slot = *find_slot(o, key);
	if (slot != 0)
		o->claims[slot - 1].taken = true;
}

size_t usage_once_repeats(const struct usage_once *o)
{
	size_t repeats = 0;

	for (size_t i = 0; i < o->n; i++)
		repeats += !o->claims[i].taken;
	return repeats;
}

bool usage_once_is_repeat(const struct usage_once *o, size_t *at, size_t ordinal)
{
	while (*at < o->n && o->claims[*at].ordinal < ordinal)
		++*at;
	return *at < o->n && o->claims[*at].ordinal == ordinal && !o->claims[*at].taken;
}
