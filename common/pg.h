/* One connection to PostgreSQL on an event loop: connects, reconnects, runs one statement
 * at a time, copies rows in, hears notifications. Never waits.
 *
 * libpq manual, 34.4 (asynchronous command processing), 34.9 (notification), 34.10
 * (COPY). All functions and callbacks belong to the thread of the event base; connecting
 * happens on another (common/pg_dialer.h), as common/pg_dial.h says, for it may block on
 * names and files. */
#ifndef COMMON_PG_H
#define COMMON_PG_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct pg_conn;
struct resolver;

enum pg_outcome {
	PG_OK,
	/* the server refused the statement: sqlstate says why, the session goes on */
	PG_ERROR,
	/* connection or time ran out, or it is no session to go on with (a server that
	 * became read-only; common/pg_error.h): whether the statement took effect is
	 * unknown */
	PG_LOST,
};

/* Valid until the callback returns. */
struct pg_reply {
	enum pg_outcome outcome;
	const PGresult *result; /* PG_OK: of the last statement */
	/* PostgreSQL manual, appendix A. PG_LOST: of the server's last word; "": none */
	char sqlstate[6];
	/* Not PG_OK: one line of clean UTF-8 (common/pg_error.h), without secrets;
	 * PG_LOST: with the SQLSTATE. */
	const char *message;
	/* PG_ERROR: the column that it is about, and the constraint, as the server names
	 * them; NULL: none */
	const char *field, *constraint;
};

struct pg_options {
	const char *conninfo;         /* URL or keyword=value */
	const char *application_name; /* exactly this one, also in pg_stat_activity */
	struct resolver *resolver;    /* must outlive it; NULL: one of its own */
	uint32_t timeout_ms; /* connect, statement, lock, idle transaction, unanswered
	                               * data: each; 0: 5000 */
	const char *listen;  /* channel, an identifier of ours; NULL: none */
	bool writes;         /* a server that takes no writes is no session */
	/* Each may be NULL. `why` is NULL when up. */
	void (*on_state)(void *ctx, bool up, const char *why);
	void (*on_notify)(void *ctx, const char *payload);
	void (*on_trouble)(void *ctx, const char *why); /* each attempt's, while down */
	void *ctx;
};

/* Copies the options; connects from the loop on, for ever, with back-off (100 ms to 5 s,
 * with jitter), which begins anew once a session has answered a statement, or lasted.
 * Every new session is set up alike: UTC, UTF8, search_path public, no JIT, time limits.
 * One whose server becomes read-only is given up. What the log hears of outages:
 * common/trouble.h. */
struct pg_conn *pg_conn_new(struct event_base *base, const struct pg_options *options);
/* Clears *c. A statement that runs is abandoned, its callback is not called. May be
 * called inside any of the connection's callbacks. */
void pg_conn_free(struct pg_conn **c);

/* A pooler is in between (pgbouncer), whose sessions may be ours for a transaction only:
 * nothing is set for the session, each transaction begins with our settings instead. What
 * another session of ours holds cannot be known by its name then. */
bool pg_is_pooled(const struct pg_conn *c);
bool pg_is_up(const struct pg_conn *c);
/* A statement runs. `done` is called when it no longer does, and may start the next. */
bool pg_is_busy(const struct pg_conn *c);

/* Text parameters $1...; NULL elements are SQL NULL. Borrowed for the call. */
struct pg_params {
	const char *const *values;
	int n;
};

/* Without parameters sql may hold several statements (they are one transaction unless
 * they say otherwise); the reply is the first error, or the last result. False: not up,
 * and nothing happens. True: `done` is called exactly once, from the loop. Must not be
 * busy. */
bool pg_query(struct pg_conn *c, const char *sql, struct pg_params params,
	      void (*done)(void *ctx, const struct pg_reply *reply), void *ctx);

/* COPY ... FROM STDIN. `more` is called whenever the socket has taken what was put
 * before; it calls pg_copy_put until that returns false or its rows end, then
 * pg_copy_end. Each call must put something or end. Return value and `done` as
 * pg_query. */
bool pg_copy_begin(struct pg_conn *c, const char *sql, void (*more)(void *ctx),
		   void (*done)(void *ctx, const struct pg_reply *reply), void *ctx);
/* Inside `more` only. Bytes are copied. False: enough for now. */
bool pg_copy_put(struct pg_conn *c, const void *bytes, size_t n);
/* Inside `more` only. failure NULL: the rows are complete; else the server rolls the
 * statement back and the reply is PG_ERROR 57014 with this text in its message. */
void pg_copy_end(struct pg_conn *c, const char *failure);

/* Asks the server to end the running statement; nothing where none runs. The statement
 * ends as it would: by PG_ERROR 57014, or otherwise where it was done before. `done` is
 * called, and the connection free again, once that is known and the request cannot hit
 * another statement any more. It goes without encryption, as libpq sends it: a server or
 * pooler that takes none lets the statement run on, up to its time limit. */
void pg_cancel(struct pg_conn *c);

/* Gives the connection up as lost (`done` gets PG_LOST, from here) and connects anew,
 * where there are several servers to the next one first. */
void pg_drop(struct pg_conn *c, const char *why);

#endif
