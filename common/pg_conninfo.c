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

/* What a session of ours has: for all its life, or in each transaction. */
struct setting {
	const char *name;
	const char *text; /* NULL: milliseconds */
	unsigned divisor; /* of the time limit */
	int since;        /* server_version */
	bool of_session;  /* of no use to a transaction */
};

static const struct setting settings[] = {
	{"TimeZone", "UTC", 0, 0, false},
	{"DateStyle", "ISO, YMD", 0, 0, false},
	{"search_path", "public, pg_temp", 0, 0, false},
	{"standard_conforming_strings", "on", 0, 0, false},
	/* Compiling a statement takes longer than it saves in any of ours. */
	{"jit", "off", 0, 0, false},
	{"statement_timeout", NULL, 1, 0, false},
	/* A wait for a lock ends as one, not as a statement that took too long. */
	{"lock_timeout", NULL, 2, 0, false},
	{"idle_in_transaction_session_timeout", NULL, 1, 0, false},
	{"tcp_user_timeout", NULL, 1, 0, true},
	/* Notices that we hung up while a statement runs. */
	{"client_connection_check_interval", NULL, 1, 140000, true},
	/* A session of ours that is idle waits for something to do. */
	{"idle_session_timeout", "0", 0, 140000, true},
	{"transaction_timeout", "0", 0, 170000, false},
};

static void value_of(char out[32], const struct setting *s, uint32_t timeout_ms)
{
	uint32_t ms = s->text == NULL && timeout_ms >= s->divisor
			      ? timeout_ms / s->divisor
			      : timeout_ms;

	if (s->text != NULL)
		snprintf(out, 32, "%s", s->text);
	else
		snprintf(out, 32, "%u", (unsigned)ms);
}

void pg_session_sql(char sql[PG_SESSION_SQL_MAX], int server_version, uint32_t timeout_ms,
		    const char *listen, int backend_pid)
{
	size_t room = PG_SESSION_SQL_MAX;
	const char *before = "SELECT";
	char value[32];
	int n = 0;

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		if (server_version < settings[i].since)
			continue;
		value_of(value, &settings[i], timeout_ms);
		n += snprintf(sql + n, room - (size_t)n, "%s set_config('%s', '%s', p)",
			      before, settings[i].name, value);
		before = ",";
	}
	n += snprintf(sql + n, room - (size_t)n,
		      " FROM (SELECT pg_backend_pid() <> %d AS p) AS pooled;",
		      backend_pid);
	if (listen)
		n += snprintf(sql + n, room - (size_t)n, " LISTEN %s;", listen);
	CHECK(n > 0 && (size_t)n < room);
}

void pg_transaction_sql(char sql[PG_SESSION_SQL_MAX], int server_version,
			uint32_t timeout_ms)
{
	size_t room = PG_SESSION_SQL_MAX;
	const char *quote;
	char value[32];
	int n = 0;

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		if (server_version < settings[i].since || settings[i].of_session)
			continue;
		/* A list is no string. */
		quote = strchr(settings[i].text ? settings[i].text : "", ',') ? "" : "'";
		value_of(value, &settings[i], timeout_ms);
		n += snprintf(sql + n, room - (size_t)n, "SET LOCAL %s = %s%s%s; ",
			      settings[i].name, quote, value, quote);
	}
	CHECK(n > 0 && (size_t)n < room);
}
