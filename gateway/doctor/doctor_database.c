/* What `tollgate doctor` finds of the database. */
#include <stdlib.h>

#include "common/clock.h"
#include "common/net.h"
#include "common/pg_value.h"
#include "gateway/doctor/checks.h"
#include "gateway/db/schema.h"

#define ERROR_MAX (64u << 10)
#define OLDEST_VERSION 130000
#define CLOCK_WARN_US 2000000 /* times of rows and ends of tokens are off by that */
#define CLOCK_FAIL_US 60000000

static PGresult *ask(struct doctor *d, const char *check, const char *sql)
{
	struct sbuf error;
	PGresult *r;

	sbuf_init(&error, ERROR_MAX);
	r = pg_sync_query(d->db, sql, NULL, 0, &error);
	if (r == NULL)
		doctor_tell(d, check, DOCTOR_FAIL,
			    "see what PostgreSQL says; docs/database.md", STR_FMT,
			    STR_ARG(sbuf_view(&error)));
	sbuf_fini(&error);
	return r;
}

static bool is_near(const PGconn *conn)
{
	const char *host = PQhost(conn), *address = PQhostaddr(conn);
	struct net_ip ip;

	if (host != NULL && host[0] == '/')
		return true;
	return address != NULL && net_ip_parse(&ip, str_of(address)) &&
	       net_ip_is_loopback(&ip);
}

static void look_at_server(struct doctor *d)
{
	PGconn *conn = pg_sync_conn(d->db);
	const char *version = PQparameterStatus(conn, "server_version");
	const char *tls = PQsslInUse(conn) ? "TLS" : "no TLS";

	if (PQserverVersion(conn) < OLDEST_VERSION)
		doctor_tell(d, "database", DOCTOR_WARN, "use PostgreSQL 13 or later",
			    "PostgreSQL %s at %s, %s", version, PQhost(conn), tls);
	else if (!PQsslInUse(conn) && !is_near(conn))
		doctor_tell(d, "database", DOCTOR_WARN,
			    "add sslmode=verify-full to `database`",
			    "PostgreSQL %s at %s, not encrypted", version, PQhost(conn));
	else
		doctor_tell(d, "database", DOCTOR_OK, NULL, "PostgreSQL %s at %s, %s",
			    version, PQhost(conn), tls);
}

/* What the gateway does with its tables. Without any there are no rights to speak of. */
static void look_at_role(struct doctor *d)
{
	PGresult *r =
		ask(d, "role",
		    "SELECT current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = "
		    "current_user), coalesce(has_table_privilege(to_regclass("
		    "'public.token_lookup')::oid, 'SELECT') AND has_table_privilege("
		    "to_regclass('public.token_usage_logs')::oid, 'INSERT'), false)");

	if (r == NULL)
		return;
	if (!pg_value_bool(r, 0, 2))
		doctor_tell(d, "role", DOCTOR_FAIL,
			    "GRANT tollgate TO it, after `tollgate migrate`; "
			    "docs/database.md",
			    "%s may not read tokens and write rows", PQgetvalue(r, 0, 0));
	else if (pg_value_bool(r, 0, 1))
		doctor_tell(d, "role", DOCTOR_WARN,
			    "let the gateway use a role of its own: docs/database.md",
			    "%s is a superuser", PQgetvalue(r, 0, 0));
	else
		doctor_tell(d, "role", DOCTOR_OK, NULL, "%s has the rights it needs",
			    PQgetvalue(r, 0, 0));
	PQclear(r);
}

static void look_at_schema(struct doctor *d)
{
	struct sbuf what;
	enum db_schema_state state;

	sbuf_init(&what, ERROR_MAX);
	state = db_schema_ask(d->db, &what);
	if (state == DB_SCHEMA_SAME)
		doctor_tell(d, "schema", DOCTOR_OK, NULL, "that of this program");
	else
		doctor_tell(d, "schema",
			    state == DB_SCHEMA_OTHER ? DOCTOR_WARN : DOCTOR_FAIL,
			    state == DB_SCHEMA_OTHER ? "run the program that made it"
						     : "run `tollgate migrate`",
			    STR_FMT, STR_ARG(sbuf_view(&what)));
	sbuf_fini(&what);
}

static void look_at_clock(struct doctor *d)
{
	int64_t before = clock_wall_us(), after, theirs, off;
	PGresult *r =
		ask(d, "clock",
		    "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint");

	if (r == NULL)
		return;
	after = clock_wall_us();
	theirs = pg_value_int(r, 0, 0);
	/* Within the question's own time nothing is known. */
	off = theirs < before ? before - theirs : theirs > after ? theirs - after : 0;
	if (off < CLOCK_WARN_US)
		doctor_tell(d, "clock", DOCTOR_OK, NULL,
			    "the database's is the same, to %lld ms",
			    (long long)((after - before + off) / 1000));
	else
		doctor_tell(d, "clock", off < CLOCK_FAIL_US ? DOCTOR_WARN : DOCTOR_FAIL,
			    "let both machines set their clocks (chrony, timesyncd)",
			    "the database's is %lld s %s", (long long)(off / 1000000),
			    theirs < before ? "behind" : "ahead");
	PQclear(r);
}

void doctor_database(struct doctor *d)
{
	look_at_server(d);
	look_at_role(d);
	look_at_schema(d);
	look_at_clock(d);
}
