/* A connection's inside: pg.c (life and statements), pg_pooled.c (sending) and pg_copy.c
 * (rows in) share it. */
#ifndef COMMON_PG_PRIV_H
#define COMMON_PG_PRIV_H

#include "common/pg.h"
#include "common/pg_canceller.h"
#include "common/pg_dialer.h"
#include "common/pg_error.h"
#include "common/trouble.h"

#define PG_CONN_MAGIC 0x70676331u

enum conn_state { PG_DOWN, PG_DIALING, PG_SETTING_UP, PG_UP };
enum copy_state { PG_COPY_NONE, PG_COPY_ASKED, PG_COPY_FEEDING, PG_COPY_ENDED };

struct pg_conn {
	uint32_t magic;
	struct event_base *base;
	struct pg_options o; /* its strings are ours */
	PGconn *pg;          /* NULL: PG_DOWN */
	struct event *readable, *writable, *timer;
	struct pg_dialer *dialer;       /* while PG_DIALING */
	struct pg_canceller *canceller; /* while a request is on its way */
	struct pg_place place;
	struct event *told; /* by the threads of these two */
	int told_fd;
	/* Duplicate of libpq's socket, for the events; -1: none. libpq closes its own
	 * once the server is gone, and another thread may get its number before the
	 * events go. */
	int fd;
	enum conn_state state;
	uint32_t backoff_ms;
	struct trouble outage;
	uint64_t up_since_us;
	bool pooled; /* not PostgreSQL is at the other end, but a pooler */
	bool pooled_told;
	bool read_only; /* as the server has reported it at the start */
	/* What the server said last, outside of any statement; "": nothing. */
	char farewell[PG_MESSAGE_MAX], farewell_state[6];
	bool broken;    /* sending failed: the timer, due at once, gives it up */
	bool flushing;  /* libpq still holds bytes for the socket */
	bool dying;     /* freed inside a callback: leave() does it */
	unsigned depth; /* callbacks that we are inside of */
	/* the running statement */
	bool busy;
	enum copy_state copy;
	bool copy_moved;    /* `more` did something */
	size_t copy_unsent; /* bytes put since the last flush */
	PGresult *last;     /* first error, or latest result */
	void (*more)(void *ctx);
	void (*done)(void *ctx, const struct pg_reply *reply);
	void *done_ctx;
};

/* Sending failed: the connection is given up from the loop. */
void pg_mark_broken(struct pg_conn *c);
/* Sends a statement, as it is or as a pooler takes it. */
void pg_send(struct pg_conn *c, const char *sql, struct pg_params p);
/* What the session's set-up has told (its first column is pg_backend_pid()): is it
 * PostgreSQL's? */
void pg_judge_pooler(struct pg_conn *c, const PGresult *r);
/* Hands libpq's bytes to the socket. True: all are there. */
bool pg_flush(struct pg_conn *c);
/* The running statement's time begins anew. */
void pg_statement_time(struct pg_conn *c);
/* A result of the running statement: the first error, or the latest, is kept. */
void pg_keep_result(struct pg_conn *c, PGresult *r);
/* A server that ends the session while it takes rows has said why before, behind what
 * libpq reads in that state. Nothing waits: the socket is closed. */
void pg_hear_out(struct pg_conn *c);
/* Asks for rows until the socket is full or they end. */
void pg_feed(struct pg_conn *c);

#endif
