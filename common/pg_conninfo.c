/* The parameters that we add to the address of PostgreSQL. */
#include "common/pg_conninfo.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"

void pg_parameters_set(struct pg_parameters *p, const char *keyword, const char *value)
{
	if (value == NULL)
		return;
	CHECK(p->n < PG_PARAMETERS_MAX);
	p->keywords[p->n] = keyword;
	p->values[p->n++] = value;
	p->keywords[p->n] = p->values[p->n] = NULL;
}

void pg_parameters_fill(struct pg_parameters *p, const char *conninfo,
			const char *application_name, uint32_t timeout_ms)
{
	/* What stands before dbname gives way to the conninfo's own; what stands after
	 * wins. */
	const char *const pairs[][2] = {
		{"tcp_user_timeout", p->tcp_user_timeout},
		{"keepalives_idle", "15"},
		{"keepalives_interval", "5"},
		{"keepalives_count", "3"},
		{"dbname", conninfo},
		{"application_name", application_name},
		{"client_encoding", "UTF8"},
	};

	*p = (struct pg_parameters){0};
	snprintf(p->tcp_user_timeout, sizeof p->tcp_user_timeout, "%u",
		 (unsigned)timeout_ms);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		pg_parameters_set(p, pairs[i][0], pairs[i][1]);
}

void pg_session_sql(char sql[PG_SESSION_SQL_MAX], int server_version, uint32_t timeout_ms,
		    const char *listen)
{
	size_t room = PG_SESSION_SQL_MAX;
	unsigned ms = timeout_ms;
	/* A wait for a lock ends as one, not as a statement that took too long. */
	unsigned lock_ms = ms > 1 ? ms / 2 : ms;
	int n;

	n = snprintf(sql, room,
		     "SET TimeZone = 'UTC'; "
		     "SET DateStyle = 'ISO, YMD'; "
		     "SET search_path = public, pg_temp; "
		     "SET standard_conforming_strings = on; "
		     "SET statement_timeout = %u; "
		     "SET lock_timeout = %u; "
		     "SET idle_in_transaction_session_timeout = %u; "
		     "SET tcp_user_timeout = %u;",
		     ms, lock_ms, ms, ms);
	/* Notices that we hung up while a statement runs. A session of ours that is idle
	 * waits for something to do. */
	if (server_version >= 140000)
		n += snprintf(sql + n, room - (size_t)n,
			      "SET client_connection_check_interval = %u;"
			      "SET idle_session_timeout = 0;",
			      ms);
	if (server_version >= 170000)
		n += snprintf(sql + n, room - (size_t)n, "SET transaction_timeout = 0;");
	if (listen)
		n += snprintf(sql + n, room - (size_t)n, "LISTEN %s;", listen);
	CHECK(n > 0 && (size_t)n < room);
}
