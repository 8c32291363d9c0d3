/* What live.c (rows come in), live_reader.c (a reader gets them) and live_poll.c (other
 * nodes' rows) share. */
#ifndef GATEWAY_MANAGER_LIVE_PRIV_H
#define GATEWAY_MANAGER_LIVE_PRIV_H

#include <sys/queue.h>

#include "common/net.h"
#include "common/str.h"
#include "gateway/manager/live.h"
#include "gateway/manager/live_ring.h"
#include "gateway/manager/stream.h"

#define LIVE_MAGIC 0x6c697665u
#define LIVE_READER_MAGIC 0x6c726472u

struct event;
struct live_poll;

/* A look at who a reader is, that is under way; outlives the reader. */
struct live_check {
	struct live_reader *reader; /* NULL: has left */
};

struct live_reader {
	uint32_t magic;
	TAILQ_ENTRY(live_reader) all;
	struct live *live;
	struct stream *stream; /* NULL: it has left, or never came */
	struct identity *who;
	struct net_ip client;
	struct live_filter *filters;
	size_t n_filters;
	bool is_list;
	uint64_t next;       /* the row that is the next to be looked at */
	uint64_t dropped;    /* rows that it wanted, and has not been told of */
	bool dropped_others; /* of how many nobody knows whether it wanted them */
	uint64_t told_us;    /* when it was last told of dropped ones */
	uint64_t written_us; /* of anything */
	uint32_t budget;     /* thousandths of rows */
	uint64_t budget_us;
	uint64_t known_us; /* when it was last known who it is */
	struct live_check *check;
	/* Whether it reads: bytes written, bytes taken of them, since when no more. */
	uint64_t sent, taken, taken_us;
	struct sbuf out; /* events to be written as one piece */
};

TAILQ_HEAD(live_readers, live_reader);

struct live {
	uint32_t magic;
	struct usage_tap *tap;
	struct token_sync *tokens;
	struct manager_db *db;
	struct identities *identities;
	char *node;
	uint32_t start; /* random; of this process, in events' ids */
	struct event *on_tap, *tick;
	struct live_ring *ring;
	struct live_readers readers;
	size_t n_readers;
	uint64_t idle_us; /* since when there is no reader; 0: there is one */
	bool is_on;       /* rows come in */
	bool ends;
	struct live_poll *poll;
};

/* live.c: a row has come; it is taken over. */
void live_add(struct live *l, const struct live_row *row);
/* All readers get what has come. */
void live_give(struct live *l);
/* Some rows never came. */
void live_miss(struct live *l);

/* live_reader.c */
bool live_reader_wants(const struct live_reader *r, const struct live_row *row);
/* Gives it all that there is room and budget for. */
void live_reader_give(struct live_reader *r);
/* Each second: who it is, a sign of life, what was dropped. It may be gone after this. */
void live_reader_tick(struct live_reader *r, uint64_t now_us);
/* It has taken nothing of what waits for it for some seconds. */
bool live_reader_is_dead(const struct live_reader *r, uint64_t now_us);
void live_reader_cut(struct live_reader *r);
void live_reader_end(struct live_reader *r, const char *reason, const char *detail);

/* live_poll.c */
struct live_poll *live_poll_new(struct live *l);
void live_poll_free(struct live_poll **p);
/* Each second, while there are readers. */
void live_poll_look(struct live_poll *p);
/* Nobody looks on any more: it begins anew with the next reader. */
void live_poll_rest(struct live_poll *p);

#endif
