/* When tokens were last used, as far as tokens.last_used does not say so yet. What can't
 * be stored, since someone else holds a token's row, is kept and tried again. Pure. */
#ifndef GATEWAY_RECORDER_USES_H
#define GATEWAY_RECORDER_USES_H

#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

/* What is kept at most, of tokens: 16 MB. Of others a use is lost until their next. */
#define USES_MAX 1000000u
/* A use takes so much SQL at most; what is around them, too. */
#define USES_BYTES_EACH 80u
#define USES_BYTES_BESIDE 1024u

struct usage_use {
	int64_t token_id;
	int64_t used_at_us;
};

/* All zero: none. */
struct usage_uses {
	struct usage_use *uses; /* by token_id, each once */
	size_t n;
	size_t at; /* where the next statement begins */
};

void usage_uses_fini(struct usage_uses *u);
/* Adds uses that come by token_id, each once; of a token's the latest is kept. */
void usage_uses_add(struct usage_uses *u, const struct usage_use *more, size_t n);
/* Appends the statement that moves tokens.last_used forward for up to `most` tokens, at
 * least one, and returns how many. It answers with the ids of those that it had to leave
 * out, rising. It waits for nobody's row, and 0.1 s for a lock on the table. */
size_t usage_uses_sql(struct usage_uses *u, size_t most, struct sbuf *sql);
/* That statement of n tokens has succeeded, but for those; the next one is of others. */
void usage_uses_stored(struct usage_uses *u, size_t n, const int64_t *left_out,
		       size_t n_left_out);

#endif
