/* The tokens that made-up calls are of. */
#ifndef GATEWAY_GENERATE_GENERATE_TOKENS_H
#define GATEWAY_GENERATE_GENERATE_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/pg_sync.h"
#include "gateway/journal/event.h"

struct generate_token {
	int64_t id;
	unsigned char hash[32];
};

struct generate_tokens {
	struct generate_token *items;
	size_t n;
};

/* Live tokens of the database, up to max; where there is none, `made` are made and
 * marked. */
bool generate_tokens_any(struct generate_tokens *t, struct pg_sync *db, size_t max,
			 size_t made, struct sbuf *error);
/* n tokens that are marked as made up: those that there are, and new ones. */
bool generate_tokens_marked(struct generate_tokens *t, struct pg_sync *db, size_t n,
			    struct sbuf *error);
void generate_tokens_fini(struct generate_tokens *t);

/* Fills in what tells that e is the token's, and made up. */
void generate_mark_event(struct usage_event *e, const struct generate_token *token,
			 const char *route_path);

#endif
