/* What PostgreSQL says when something goes wrong: its texts, made fit for logs and
 * columns, and which errors are those of the session. Pure.
 *
 * Texts come in any encoding (a server that refuses to let us in writes in its own), and
 * hold what a trigger of somebody's put into them. PostgreSQL manual, appendix A (error
 * codes). */
#ifndef COMMON_PG_ERROR_H
#define COMMON_PG_ERROR_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

#define PG_MESSAGE_MAX 512

enum pg_lines { PG_FIRST_LINE, PG_ALL_LINES };

/* The text as valid UTF-8 without control characters, cut between characters to fit;
 * returns out. PG_FIRST_LINE: the first that is not empty. NULL or nothing: "no reason
 * given". */
char *pg_clean(char *out, size_t size, const char *text, enum pg_lines lines);
/* The same at the end of a buffer. */
void pg_clean_add(struct sbuf *out, const char *text, enum pg_lines lines);

/* The first line of a result that is an error, into out of PG_MESSAGE_MAX; with_code:
 * behind its SQLSTATE, where it has one. */
char *pg_clean_result(char *out, const PGresult *r, bool with_code);
/* SQLSTATE of a result that is an error; "": none. */
void pg_sqlstate(char out[6], const PGresult *r);

bool pg_result_is_error(const PGresult *r);
/* It ends the session. */
bool pg_result_is_fatal(const PGresult *r);

/* The set-up's last row has "on" in its second column. */
bool pg_says_on(const PGresult *r);
/* The server takes no writes, as servers from 14 on report by themselves; of others its
 * errors tell. */
bool pg_reports_read_only(const PGconn *pg);

/* Is it the session, or the server that it reached, and not the statement? Then the same
 * statement fails there for ever, and may succeed on a new session: a server that became
 * read-only, a transaction whose state is not what it should be, a cursor that a pooler
 * has left behind. */
bool pg_sqlstate_is_of_session(const char *sqlstate);

#endif
