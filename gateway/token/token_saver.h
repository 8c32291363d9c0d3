/* The thread that writes the snapshot, so that a slow disk never delays a revocation. */
#ifndef GATEWAY_TOKEN_TOKEN_SAVER_H
#define GATEWAY_TOKEN_TOKEN_SAVER_H

#include "common/epoch.h"
#include "gateway/token/token_snapshot.h"

struct token_saver;

struct token_saver_options {
	const char *path;
	struct epoch_domain *epochs; /* the thread reads the table as any reader does */
	/* On the saver's thread: the table to write, valid until its next quiescence, and
	 * what it is. NULL: nothing to write. */
	const struct token_table *(*current)(void *ctx, struct token_snapshot *about);
	void *ctx;
};

/* NULL: no thread can be started (logged). */
struct token_saver *token_saver_start(const struct token_saver_options *o);
/* The table has changed: writes it now, or two seconds after the last time. Any
 * thread. */
void token_saver_save(struct token_saver *s);
/* The table is still right: only the time is written, once a minute at most. Any
 * thread. */
void token_saver_touch(struct token_saver *s);
/* Writes what is due, joins, frees; clears *s. */
void token_saver_stop(struct token_saver **s);

#endif
