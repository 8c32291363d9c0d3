"""Sessions of PostgreSQL: what ends them, what must not, and what the log and the tables hear of it."""
from tg.gateway import run_cli
from tg.postgres import SET_UP
from tg.wait import eventually

IDLE_S = 0.6


def sessions(database, name):
    return database.query("SELECT pid, now() - state_change > %s * interval '1 second' AS rests "
                          "FROM pg_stat_activity WHERE datname = current_database() "
                          "AND application_name LIKE %s AND " + SET_UP, (IDLE_S, name))


def test_idle_sessions_stay(gateways, echo_upstream, database):
    database.query(f"ALTER DATABASE {database.name} SET idle_session_timeout = '300ms'")
    gateway = gateways(echo_upstream)

    def rest():
        return any(s["rests"] for s in sessions(database, "tollgate%"))

    eventually(rest, "a session rests for longer than it may")
    assert "57P05" not in gateway.log()


def test_the_log_tells_the_servers_last_word(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    eventually(lambda: len(sessions(database, "tollgate%")) >= 3, "all sessions are there")
    database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                   "WHERE datname = current_database() AND application_name LIKE 'tollgate%%'")
    for name in ("tollgate recorder", "tollgate sync", "tollgate upkeep"):
        eventually(lambda name=name: any(
            name in line and "no database: 57P01 terminating connection due to" in line
            for line in gateway.log().splitlines()), f"the log tells why {name} has no session")
    assert "closed the connection unexpectedly" not in gateway.log()


MESSAGES = [
    "repeat('\u20ac', 400)",  # cut in the middle of a character, wherever that is
    "'x' || repeat('\u20ac', 400)",
    "'xx' || repeat('\u20ac', 400)",
    "repeat('\U0001f600', 400)",
    "E'first\\nsecond'",
    "E'\\n\\nlate\\x1b[31m\\u009b31m'",
    "''",
]


def test_a_refused_row_is_put_aside_whatever_the_message(gateways, echo_upstream, database):
    texts = ", ".join(MESSAGES)
    database.query("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
                   "NEW.request_method = 'DELETE' THEN RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE "
                   f"= (ARRAY[{texts}])[length(NEW.user_agent)]; "
                   "END IF; RETURN NEW; END $$")
    for partition in database.query("SELECT inhrelid::regclass::text AS name FROM pg_inherits "
                                    "WHERE inhparent = 'token_usage_logs'::regclass"):
        database.query(f"CREATE TRIGGER refuse BEFORE INSERT ON {partition['name']} "
                       "FOR EACH ROW EXECUTE FUNCTION refuse()")
    gateway = gateways(echo_upstream)
    gateway.expect_error("a row was refused and is now in usage_bad_rows: 23514")
    for i in range(1, len(MESSAGES) + 1):
        assert gateway.call("DELETE", "/api/test/bad", {"User-Agent": i * "x"}).status == 200
        assert gateway.call("GET", "/api/test/good").status == 200
    database.wait_usage(len(MESSAGES))
    eventually(lambda: database.value("SELECT count(*) FROM usage_bad_rows") == len(MESSAGES),
               "the refused rows are put aside")
    for row in database.query("SELECT reason FROM usage_bad_rows"):
        reason = row["reason"]
        assert reason and not any(ord(c) < 32 or 0x7f <= ord(c) < 0xa0 for c in reason), reason


def test_commands_tell_the_sqlstate(database):
    done = run_cli("token", "list", "--database", database.url.rpartition("/")[0] + "/none", check=False)
    assert done.returncode != 0 and "FATAL:  3D000: database" in done.stderr, done.stderr
    database.query("ALTER TABLE tokens RENAME COLUMN scopes TO rights")
    done = run_cli("token", "list", "--database", database.url, check=False)
    assert done.returncode != 0 and "42703 column" in done.stderr, done.stderr
