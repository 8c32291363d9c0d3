/* Whose tokens the hashes of events are, as the database says.
 *
 * Pure. An event is judged by the hash of its key alone: the id that it carries was right
 * in the database that its process knew, which may have been restored since, or be
 * another. Pairs that were found right once are kept; whatever is not among them is asked
 * for, batch by batch. */
#ifndef GATEWAY_RECORDER_OWNERS_H
#define GATEWAY_RECORDER_OWNERS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"
#include "gateway/journal/event.h"

struct usage_owners;

struct usage_owners *usage_owners_new(void);
void usage_owners_free(struct usage_owners **o);
/* Another session: nothing is known any more. */
void usage_owners_forget(struct usage_owners *o);
/* A new batch begins: of those that are kept, only pairs are believed. */
void usage_owners_next(struct usage_owners *o);

/* Puts the event's token right: the one that has its hash, or none (USAGE_NULL). False:
 * that is not known, and will be asked for; the event is as it was. */
bool usage_owners_judge(struct usage_owners *o, struct usage_event *e);

/* How many hashes are to be asked for. */
size_t usage_owners_asked(const struct usage_owners *o);
/* Appends the question, 67 bytes a hash; its rows are hash and token id. */
void usage_owners_sql(const struct usage_owners *o, struct sbuf *sql);
/* A row of the answer. */
void usage_owners_found(struct usage_owners *o, struct str hash, int64_t token_id);
/* That was all of it: the others are nobody's, for this batch. */
void usage_owners_answered(struct usage_owners *o);

#endif
