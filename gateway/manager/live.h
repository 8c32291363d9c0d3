/* The live feed: calls as they end, to whoever looks on, as server-sent events
 * (docs/live.md).
 *
 * This node's calls come from the journal's tap, other nodes' from the database once a
 * second. All readers share one ring of bounded size; each has a place in it, a budget of
 * rows per second, and at most some hundred KiB on the way. What a reader wants and may
 * see is decided before anything is counted. Who they are is looked at again each second
 * (which asks the database each five), and a reader who may no longer look on is told so.
 *
 * The manager's thread. */
#ifndef GATEWAY_MANAGER_LIVE_H
#define GATEWAY_MANAGER_LIVE_H

#include "gateway/manager/live_row.h"

#define LIVE_OF_USER_MAX 4u
#define LIVE_READERS_MAX 100u
#define LIVE_ROWS_PER_S 500u /* to one reader; twice as many at once */
#define LIVE_FILTERS_MAX 16u
#define LIVE_LATER_S 5 /* Retry-After */

struct call;
struct event_base;
struct identities;
struct live;
struct manager_db;
struct token_sync;
struct usage_tap;

struct live_options {
	struct event_base *base;
	struct usage_tap *tap;
	struct token_sync *tokens;
	struct manager_db *db;
	struct identities *identities;
	const char *node;
};

struct live *live_new(const struct live_options *o);
/* The readers are gone before. */
void live_free(struct live **l);
/* Readers are told the end, and no more come. */
void live_drain(struct live *l);

enum live_room {
	LIVE_HAS_ROOM,
	LIVE_USER_IS_FULL, /* LIVE_OF_USER_MAX streams of theirs, all of them alive */
	LIVE_NODE_IS_FULL,
	LIVE_ENDS,
};

/* For one more stream of somebody: one of theirs that is dead (its reader has taken
 * nothing for seconds, of what waits for it) gives way. */
enum live_room live_make_room(struct live *l, const struct identity *who);

struct live_wish {
	struct live_filter *filters; /* a row that fits any of them comes */
	size_t n_filters;
	bool is_list;        /* each row says which of them it fits */
	const char *last_id; /* of the event after which to go on; NULL: from now on */
};

/* Answers the call, which has an identity, with the stream. Takes the filters over. */
void live_begin(struct live *l, struct call *c, struct live_wish *wish);

#endif
