/* Does a database have the tables and functions that this program was made for? */
#ifndef GATEWAY_DB_SCHEMA_H
#define GATEWAY_DB_SCHEMA_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "common/str.h"

/* Raised with every release that changes what migrations/ makes. A program with a lower
 * one leaves a database's functions as they are. */
#define DB_SCHEMA 1

#define DB_SHA256_HEX 64

/* What `migrate` has noted. 42P01: nothing, it has never been there. */
#define DB_SCHEMA_SQL                                                                    \
	"SELECT name, sha256, NULL::integer FROM public.tollgate_schema UNION ALL "      \
	"SELECT NULL, sha256, schema FROM public.tollgate_functions"

enum db_schema_state {
	DB_SCHEMA_SAME,
	DB_SCHEMA_OTHER,  /* of a newer program, or another build: may do or not */
	DB_SCHEMA_BEHIND, /* something is to be applied */
	DB_SCHEMA_NONE,   /* nothing was ever applied */
};

/* Judges that statement's result; NULL: 42P01. Appends what is different and what to do
 * about it, in one line; nothing for DB_SCHEMA_SAME. Pure, any thread. */
enum db_schema_state db_schema_judge(const PGresult *r, struct sbuf *what);

struct pg_sync;

/* The same by asking; what cannot be asked (a refusal) is DB_SCHEMA_SAME: whatever comes
 * next tells better. Waits. */
enum db_schema_state db_schema_ask(struct pg_sync *s, struct sbuf *what);

/* As the tables above note them: of one text; of all function files. */
void db_sha256_hex(char out[DB_SHA256_HEX + 1], const char *bytes, size_t n);
void db_functions_hash(char out[DB_SHA256_HEX + 1]);

#endif
