/* How every connection to PostgreSQL is opened: the checked address and our parameters.
 *
 * libpq manual, 34.1.1 (connection strings). */
#ifndef COMMON_PG_CONNINFO_H
#define COMMON_PG_CONNINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PG_PARAMETERS_MAX 16

/* For PQconnectStartParams with expand_dbname = 1. Borrows the strings that it was filled
 * with. */
struct pg_parameters {
	const char *keywords[PG_PARAMETERS_MAX + 1];
	const char *values[PG_PARAMETERS_MAX + 1];
	size_t n;
	char tcp_user_timeout[12];
};

/* Is this a URL or keyword=value string that libpq reads as it was meant? One in which a
 * special character of the password is not percent-encoded, so that a part of it ends up
 * in what libpq's messages, logs and dumps show, is refused: nothing of it may be handed
 * to libpq or printed then. False: *why is a fixed sentence without any part of the
 * string. Any thread. */
bool pg_conninfo_check(const char *conninfo, const char **why);

/* Ours: application_name, client_encoding, and, unless the conninfo says otherwise, the
 * time limit of unanswered TCP data. */
void pg_parameters_fill(struct pg_parameters *p, const char *conninfo,
			const char *application_name, uint32_t timeout_ms);

/* One more, which wins over the conninfo's own, service and environment; NULL: none. To
 * libpq an empty value is none, too. */
void pg_parameters_set(struct pg_parameters *p, const char *keyword, const char *value);

#define PG_SESSION_SQL_MAX 1280

/* The statement that makes every session alike. Where pg_backend_pid() is not backend_pid
 * (PQbackendPID), a pooler is in between, and it sets nothing: the session will be
 * others'. server_version as PQserverVersion tells it; listen: a channel or NULL.
 * timeout_ms is a statement's; a lock gets half of it. */
void pg_session_sql(char sql[PG_SESSION_SQL_MAX], int server_version, uint32_t timeout_ms,
		    const char *listen, int backend_pid);
/* The same for a single transaction behind a pooler, each statement with a semicolon and
 * a space. */
void pg_transaction_sql(char sql[PG_SESSION_SQL_MAX], int server_version,
			uint32_t timeout_ms);

#endif
