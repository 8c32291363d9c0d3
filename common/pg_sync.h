/* PostgreSQL for commands that may wait: connect, run a statement, say what went wrong.
 *
 * For the command line only; nothing that serves requests waits for a database. */
#ifndef COMMON_PG_SYNC_H
#define COMMON_PG_SYNC_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

struct pg_sync;

/* A session whose transactions are set up as common/pg.h's (UTC, UTF8, search_path
 * public, no JIT), whose statements wait for locks up to ten seconds and may otherwise
 * take their time. Nothing is set for longer than a transaction: behind a pooler the
 * session goes to others then. NULL: the reason is appended to error, without secrets. */
struct pg_sync *pg_sync_open(const char *conninfo, const char *application_name,
			     struct sbuf *error);
/* Clears *s. An open transaction is rolled back by the server. */
void pg_sync_close(struct pg_sync **s);

/* From now on each transaction begins with these statements as well, those that an
 * earlier call has given before them: SET LOCAL, pg_advisory_xact_lock(). They may return
 * rows. */
void pg_sync_each(struct pg_sync *s, const char *sql);
/* PostgreSQL is not at the other end, but a pooler: what a session holds (its advisory
 * locks) is not ours for longer than a transaction. */
bool pg_sync_is_pooled(const struct pg_sync *s);

/* A transaction of its own, unless one is open: "BEGIN..." at the beginning of sql opens
 * one. Text parameters $1...; n == 0: sql may hold several statements. NULL: refused or
 * connection lost; message, detail and hint are appended to error. PQclear the result. */
PGresult *pg_sync_query(struct pg_sync *s, const char *sql, const char *const *values,
			int n, struct sbuf *error);
/* The same for statements whose results are of no interest. */
bool pg_sync_run(struct pg_sync *s, const char *sql, struct sbuf *error);
/* As it is, in no transaction of ours: VACUUM. */
bool pg_sync_bare(struct pg_sync *s, const char *sql, struct sbuf *error);
/* SQLSTATE of the latest statement that was refused; "" if none was, or the connection
 * went. */
const char *pg_sync_sqlstate(const struct pg_sync *s);

/* COPY ... FROM STDIN, in an open transaction: begin, put any number of pieces, end.
 * Where one of them fails the others must not follow, but for a failed put: end then says
 * why, and only then. */
bool pg_sync_copy_begin(struct pg_sync *s, const char *sql, struct sbuf *error);
bool pg_sync_copy_put(struct pg_sync *s, const void *bytes, size_t n);
bool pg_sync_copy_end(struct pg_sync *s, struct sbuf *error);

/* For what libpq offers beyond this. */
PGconn *pg_sync_conn(struct pg_sync *s);

#endif
