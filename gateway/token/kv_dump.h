/* What an edge Worker's key-value store held, as files have it: which entries there are,
 * not yet what is in them.
 *
 * A file is a run of these, one behind the other: an object from keys to values; an array
 * of {"key" or "name", "value", ...} (`wrangler kv bulk put` takes it); such an object
 * alone, or one with token_hash and the token's fields, a line each (NDJSON); a key, a
 * tab and its value, a line each. {"values": {...}} (`wrangler kv bulk get`) is what is
 * inside. Pure: any thread. */
#ifndef GATEWAY_TOKEN_KV_DUMP_H
#define GATEWAY_TOKEN_KV_DUMP_H

#include <stdbool.h>

#include "common/str.h"

struct kv_dump {
	struct str text;   /* the caller's, as long as this */
	size_t at;         /* how far it is read */
	size_t counted;    /* how far its lines are counted */
	unsigned line;     /* from 1 */
	char close;        /* of the object or array that is read; '\0': none */
	bool is_inner;     /* it stands in {"values": ...} */
	bool goes_on;      /* an element was read in it */
	const char *fault; /* why reading ended before the text; NULL: it did not */
	unsigned fault_line;
};

struct kv_entry {
	unsigned line;   /* where it begins */
	struct str key;  /* a JSON string, or as it is where is_line */
	struct str json; /* the value; or, without a key, an object that has it too */
	bool is_line;    /* key, tab, value */
};

void kv_dump_init(struct kv_dump *d, struct str text);
/* The next entry, in the text. False: there is none, or d->fault says what is wrong. */
bool kv_dump_next(struct kv_dump *d, struct kv_entry *e);

#endif
