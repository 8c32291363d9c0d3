"""Migrations: fresh and again, roles, the triggers, partitions, and older tables adopted."""
import json
import re
import threading

import psycopg2
import psycopg2.errors
import pytest

from tg.gateway import run_cli

OLDER_TOKENS = """
CREATE TABLE tokens (
    id SERIAL PRIMARY KEY, name VARCHAR(100) NOT NULL, token_hash VARCHAR(64) UNIQUE NOT NULL,
    last_used TIMESTAMP, team_id INTEGER, notes TEXT NOT NULL DEFAULT '')"""
OLDER_USAGE = """
CREATE TABLE token_usage_logs (
    id SERIAL PRIMARY KEY,
    token_hash VARCHAR(64) NOT NULL,
    route_path VARCHAR(255),
    used_at TIMESTAMP NOT NULL,
    response_status INTEGER,
    response_time_ms INTEGER,
    ip_address VARCHAR(45),
    user_agent TEXT,
    request_method VARCHAR(10),
    error_message TEXT
);
CREATE INDEX idx_usage_token_hash ON token_usage_logs(token_hash);
CREATE INDEX idx_usage_used_at ON token_usage_logs(used_at DESC);
CREATE INDEX idx_usage_route ON token_usage_logs(route_path);
CREATE INDEX idx_usage_composite ON token_usage_logs(token_hash, used_at DESC)"""
# The older backend's statement, as it is.
OLDER_INSERT = """
INSERT INTO token_usage_logs (token_hash, route_path, used_at, response_status,
    response_time_ms, ip_address, user_agent, request_method, error_message)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"""
INDEXES = {"idx_usage_token_hash", "idx_usage_used_at", "idx_usage_route", "idx_usage_composite"}


@pytest.fixture
def empty(cluster):
    """A database without anything in it."""
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database()
    yield database
    database.drop()


@pytest.fixture(scope="module")
def migrated(cluster):
    """One for many: its tests roll back what they do."""
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database()
    migrate(database)
    yield database
    database.drop()


def migrate(database, *more, check=True, url=None):
    return run_cli("migrate", "--database", url or database.url, *more, check=check)


def fails(database, *more, url=None):
    done = migrate(database, *more, check=False, url=url)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


def relations(database):
    return {r["relname"] for r in database.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")}


def generation(database):
    return database.value("SELECT generation FROM token_generation")


# --- fresh ---

def test_fresh_database(empty):
    done = migrate(empty)
    assert "applied 0001_tokens.sql" in done.stdout and "up to date" in done.stdout
    columns = empty.query("""
        SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull FROM pg_attribute
        WHERE attrelid = 'token_usage_logs'::regclass AND attnum > 0 ORDER BY attnum LIMIT 10""")
    assert [(c["attname"], c["type"], c["attnotnull"]) for c in columns] == [
        ("id", "bigint", True), ("token_hash", "character varying(64)", True),
        ("route_path", "character varying(255)", False),
        ("used_at", "timestamp without time zone", True),
        ("response_status", "integer", False), ("response_time_ms", "integer", False),
        ("ip_address", "character varying(45)", False), ("user_agent", "text", False),
        ("request_method", "character varying(10)", False), ("error_message", "text", False)]
    indexes = {r["indexname"] for r in empty.query(
        "SELECT indexname FROM pg_indexes WHERE tablename = 'token_usage_logs'")}
    assert indexes == INDEXES | {"token_usage_logs_pkey"}
    owners = {r["tableowner"] for r in empty.query(
        "SELECT tableowner FROM pg_tables WHERE schemaname = 'public'")}
    assert owners == {"tollgate_owner"}


def test_the_older_backends_insert_works_at_once(empty):
    migrate(empty)
    for offset in ("-14 hours", "0 hours", "14 hours"):  # its own zone's time, wherever it runs
        at = empty.value("SELECT now()::timestamp + %s::interval", (offset,))
        empty.query(OLDER_INSERT, ("ab" * 32, "/api/test", at, 200, 12, "1.2.3.4", "ua", "GET",
                                   None))
    assert [r["id"] for r in empty.usage()] == [1, 2, 3]


def test_again_changes_nothing(empty):
    migrate(empty)
    before = relations(empty), generation(empty)
    done = migrate(empty)
    assert "was up to date (0 of" in done.stdout
    assert (relations(empty), generation(empty)) == before


def test_several_at_once(empty):
    outputs = []
    threads = [threading.Thread(target=lambda: outputs.append(migrate(empty).stdout))
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outputs) == 3
    assert sum("applied 0001_tokens.sql" in o for o in outputs) == 1


def test_a_changed_migration_is_an_error(empty):
    migrate(empty)
    empty.query("UPDATE tollgate_schema SET sha256 = repeat('0', 64) "
                "WHERE name = '0001_tokens.sql'")
    why = fails(empty)
    assert "0001_tokens.sql was applied with other contents" in why


def test_a_newer_programs_migration_is_left_alone(empty):
    migrate(empty)
    empty.query("INSERT INTO tollgate_schema (name, sha256) VALUES ('9999_next.sql', 'x')")
    assert "a newer tollgate has applied 9999_next.sql" in migrate(empty).stdout


def test_a_failed_migration_leaves_nothing(empty):
    empty.query("CREATE TABLE token_keys (mine int)")
    why = fails(empty)
    assert '"token_keys" already exists' in why and "rolled back" in why
    assert relations(empty) == {"token_keys", "tollgate_schema", "tollgate_schema_pkey",
                                "tollgate_functions", "tollgate_functions_pkey"}
    empty.query("DROP TABLE token_keys")
    migrate(empty)


def test_only_utf8(cluster):
    cluster.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    try:
        done = run_cli("migrate", "--database", cluster.url("latin"), check=False)
        assert done.returncode == 1 and "LATIN1" in done.stderr and "UTF8" in done.stderr
    finally:
        cluster.execute("DROP DATABASE latin")


@pytest.mark.parametrize("url, why", [
    ("postgres://u:hun/ter2@h/d", "percent-encode"),
    ("hunter2", "neither a postgresql:// URL"),
    ("postgres://u:hunter2@127.0.0.1:1/d", "refused"),
])
def test_a_bad_address_is_explained_without_its_password(url, why):
    done = run_cli("migrate", "--database", url, check=False)
    assert done.returncode == 1 and why in done.stderr
    assert "hun" not in done.stderr


def test_which_database(empty, tmp_path):
    done = run_cli("migrate", check=False)
    assert done.returncode == 1 and "DATABASE_URL" in done.stderr
    run_cli("migrate", env={"DATABASE_URL": empty.url})
    config = tmp_path / "tollgate.json"
    config.write_text('{"database": "%s", "routes": [{"name": "a", "path": "/a", "upstream": '
                      '"https://h", "set_headers": {"Authorization": "${NOT_SET}"}}]}' % empty.url)
    run_cli("migrate", "--config", config, env={"DATABASE_URL": "host=/nowhere"})
    assert run_cli("migrate", "--config", config, "--database", "host=/nowhere",
                   check=False).returncode == 1


# --- roles ---

@pytest.fixture
def login(cluster, empty):
    """login(role, grants): the URL of a role without rights but these."""
    made = []

    def make(name, *grants):
        cluster.execute(f"CREATE ROLE {name} LOGIN")
        made.append(name)
        for role in grants:
            cluster.execute(f"GRANT {role} TO {name}")
        return cluster.url(empty.name, name)

    yield make
    for name in made:
        empty.query(f"REASSIGN OWNED BY {name} TO postgres; DROP OWNED BY {name}; "
                    f"DROP ROLE {name}")


def test_who_may_not_is_told_what_to_run(empty, login, template):
    url = login("plain")
    why = fails(empty, url=url)
    statements = [line.strip() for line in why.splitlines() if line.startswith("  ")]
    # Whoever migrates is another role than the one that serves.
    assert "GRANT tollgate_owner TO plain" not in why
    assert 'Role "plain" may not' in why and "tollgate migrate" in why
    empty.query("".join(statements))
    assert "may not set up" in fails(empty, url=url)
    assert "applied 0001" in migrate(empty, url=login("deploy", "tollgate_owner")).stdout


def test_the_role_that_serves_asks_and_changes_nothing(empty, login):
    migrate(empty)
    url = login("serves", "tollgate")
    done = migrate(empty, url=url)
    assert "was up to date (0 of" in done.stdout and not done.stderr
    for change, what in [
            ("UPDATE tollgate_functions SET schema = 0", "functions are older"),
            ("DELETE FROM tollgate_functions", "functions are older"),
            ("DELETE FROM tollgate_schema WHERE name = '0004_people.sql'", "lacks migration 0004")]:
        empty.query(change)
        why = fails(empty, url=url)
        assert what in why and 'Role "serves" may not' in why, why
        assert "as a superuser or as a member of tollgate_owner" in why
        assert not re.search(r"GRANT tollgate_owner TO|owner TO serves", why), why


def test_the_running_role_can_do_its_work_and_no_more(empty, login):
    migrate(empty)
    url = login("runner", "tollgate")
    run_cli("token", "create", "--database", url, "--name", "a", "--scope", "x")
    run_cli("token", "revoke", "--database", url, "a")
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT usage_ensure_partition(current_date + 20)")
        assert cursor.fetchone() == (True,)
        cursor.execute("INSERT INTO token_usage_logs (token_hash, used_at) "
                       "VALUES ('h', now()::timestamp)")
        cursor.execute("SELECT count(*) FROM token_lookup")
    for statement in ("DELETE FROM tokens", "UPDATE token_generation SET generation = 1",
                      "DELETE FROM token_usage_logs", "DROP TABLE token_usage_logs",
                      "SELECT token_changed('{1}')", "CREATE TABLE mine (a int)",
                      "TRUNCATE token_keys", "SELECT usage_adopt_day(current_date, 'UTC')"):
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)


def test_nobody_acts_as_the_owner(empty, login):
    """By a function that runs with the owner's rights: called, or hung on a table of one's own."""
    migrate(empty)
    url = login("plain")
    assert empty.query("SELECT oid::regprocedure::text AS f FROM pg_proc WHERE prosecdef AND pronamespace = "
                       "'public'::regnamespace AND has_function_privilege('plain', oid, 'EXECUTE')") == []
    functions = [r["f"] for r in empty.query("SELECT oid::regprocedure::text AS f FROM pg_proc WHERE prosecdef "
                                             "AND prorettype = 'trigger'::regtype")]
    assert "tokens_inserted()" in functions and "tokens_updated()" in functions
    for function in functions:
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE mine (id bigint, token_hash text)")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("CREATE TRIGGER mine AFTER INSERT ON mine REFERENCING NEW TABLE AS after_rows "
                               f"FOR EACH STATEMENT EXECUTE FUNCTION {function}")
    # Who was let in to write tokens still does, and its keys work.
    empty.query("GRANT INSERT, SELECT ON tokens TO plain; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO plain")
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO tokens (name, token_hash) VALUES ('a', repeat('a', 64))")
    assert empty.value("SELECT count(*) FROM token_keys") == 1


# --- the generation ---

A, B, C = ("%064x" % n for n in (10, 11, 12))


@pytest.mark.parametrize("statement, changed", [
    ("INSERT INTO tokens (name, token_hash) VALUES ('c', '%s')" % C, {3}),
    ("INSERT INTO tokens (name, token_hash) SELECT 'n' || n, lpad(n::text, 64, '0') "
     "FROM generate_series(1, 3) AS n", {3, 4, 5}),
    ("UPDATE tokens SET last_used = now()", set()),
    ("UPDATE tokens SET name = 'other'", {1, 2}),
    ("UPDATE tokens SET name = name", set()),
    ("UPDATE tokens SET scopes = scopes", set()),
    ("UPDATE tokens SET scopes = '{x}' WHERE id = 2", {2}),
    ("UPDATE tokens SET scopes = '{x}'", {1, 2}),
    ("UPDATE tokens SET expires_at = now()", {1, 2}),
    ("UPDATE tokens SET revoked_at = now() WHERE id = 1", {1}),
    ("UPDATE tokens SET token_hash = '%s' WHERE id = 1" % C, {1}),
    ("UPDATE tokens SET scopes = '{x}' WHERE id = 77", set()),
    ("DELETE FROM tokens WHERE id = 2", {2}),
    ("UPDATE token_keys SET valid_until = now() WHERE token_id = 2", {2}),
    ("INSERT INTO token_keys (token_hash, token_id) VALUES ('%s', 1)" % C, {1}),
    ("DELETE FROM token_keys WHERE token_id = 1", {1}),
    ("TRUNCATE tokens CASCADE", {0}),
    ("INSERT INTO tokens (name, token_hash) SELECT 'n' || n, lpad(n::text, 64, '0') "
     "FROM generate_series(1, 1001) AS n", {0}),
])
def test_what_changes_the_generation(migrated, statement, changed):
    with psycopg2.connect(migrated.url) as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE tokens RESTART IDENTITY CASCADE")
        cursor.execute("INSERT INTO tokens (name, token_hash) VALUES ('a', %s), ('b', %s)",
                       (A, B))
        cursor.execute("SELECT generation FROM token_generation")
        before = cursor.fetchone()[0]
        cursor.execute(statement)
        cursor.execute("SELECT generation, token_id FROM token_changes WHERE generation > %s",
                       (before,))
        rows = cursor.fetchall()
        cursor.execute("SELECT generation FROM token_generation")
        after = cursor.fetchone()[0]
        connection.rollback()
    assert {token_id for _, token_id in rows} == changed
    assert {g for g, _ in rows} == set(range(before + 1, after + 1))


def test_listeners_hear_of_a_change_with_its_commit(empty):
    migrate(empty)
    listener = empty.cluster.connect(empty.name)
    listener.cursor().execute("LISTEN token_generation")
    with psycopg2.connect(empty.url) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO tokens (name, token_hash) VALUES ('a', %s)", (A,))
        listener.poll()
        assert not listener.notifies
    listener.cursor().execute("SELECT 1")
    listener.poll()
    assert str(generation(empty)) in [n.payload for n in listener.notifies]
    listener.close()


def test_keys_follow_the_current_hash(empty):
    def keys():
        return {r["token_hash"]: r["key_until_us"] for r in
                empty.query("SELECT token_hash, key_until_us FROM token_lookup")}

    migrate(empty)
    empty.query("INSERT INTO tokens (name, token_hash) VALUES ('a', %s), ('no key', 'x')", (A,))
    assert keys() == {A: None}
    empty.query("UPDATE tokens SET token_hash = %s WHERE id = 1", (B.upper(),))
    assert keys() == {B: None}
    # A former key that was given time to live keeps it.
    empty.query("UPDATE token_keys SET valid_until = '2100-01-01Z'")
    empty.query("UPDATE tokens SET token_hash = %s WHERE id = 1", (C,))
    assert keys() == {B: 4102444800000000, C: None}
    empty.query("UPDATE tokens SET token_hash = %s WHERE id = 1", (B,))
    assert keys() == {B: None}
    empty.query("UPDATE token_keys SET valid_until = 'infinity'")
    assert keys() == {B: None}
    empty.query("UPDATE token_keys SET valid_until = '-infinity'")
    assert keys() == {B: 0}
    empty.query("DELETE FROM tokens")
    assert keys() == {}


def test_old_changes_are_pruned(empty):
    migrate(empty)
    empty.query("UPDATE token_generation SET generation = 20000")
    empty.query("INSERT INTO tokens (name, token_hash) VALUES ('a', %s)", (A,))
    assert empty.value("SELECT min(generation) FROM token_changes") > 20000


# --- partitions ---

def test_partitions_are_made_once(empty):
    migrate(empty)
    assert empty.value("SELECT usage_ensure_partition(current_date)") is False
    made = []

    def ensure():
        with psycopg2.connect(empty.url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT usage_ensure_partition(current_date + 15)")
            made.append(cursor.fetchone()[0])

    threads = [threading.Thread(target=ensure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, False, True]


def test_a_partition_has_the_parents_indexes_and_nothing_twice(empty):
    migrate(empty)
    empty.query("SELECT usage_ensure_partition(date '2020-02-29')")
    rows = empty.query("""SELECT i.inhparent::regclass::text AS parent FROM pg_index x
        JOIN pg_inherits i ON i.inhrelid = x.indexrelid
        WHERE x.indrelid = 'token_usage_logs_p20200229'::regclass""")
    assert {r["parent"] for r in rows} == INDEXES | {"token_usage_logs_pkey"}
    assert empty.value("SELECT count(*) FROM pg_index WHERE indrelid = "
                       "'token_usage_logs_p20200229'::regclass") == 5
    empty.query("INSERT INTO token_usage_logs (token_hash, used_at) VALUES "
                "('a', '2020-02-29 00:00'), ('a', '2020-02-29 23:59:59.999999')")
    with pytest.raises(psycopg2.errors.CheckViolation):
        empty.query("INSERT INTO token_usage_logs (token_hash, used_at) "
                    "VALUES ('a', '2020-03-01')")


@pytest.mark.parametrize("day", ["1969-12-31", "3000-01-01", "infinity", "-infinity"])
def test_no_partition_for_an_implausible_day(migrated, day):
    with pytest.raises(psycopg2.errors.DatetimeFieldOverflow):
        migrated.query("SELECT usage_ensure_partition(%s)", (day,))


# --- older tables ---

def test_tokens_are_adopted_in_place(empty):
    empty.query(OLDER_TOKENS)
    empty.query("INSERT INTO tokens (name, token_hash, team_id) VALUES ('a', %s, 5), ('b', %s, 6)",
                (A, B))
    empty.query("DELETE FROM tokens WHERE id = 1; UPDATE tokens SET last_used = '2025-01-01'")
    migrate(empty)
    row = empty.query("SELECT * FROM tokens")[0]
    assert (row["id"], row["name"], row["token_hash"], row["team_id"]) == (2, "b", B, 6)
    assert row["scopes"] == [] and row["revoked_at"] is None and row["created_at"] is None
    # The older backend goes on.
    assert empty.value("INSERT INTO tokens (name, token_hash, team_id) VALUES ('c', %s, 1) "
                       "RETURNING id", (C,)) == 3
    assert {r["token_id"] for r in empty.query("SELECT token_id FROM token_lookup")} == {2, 3}
    run_cli("token", "create", "--database", empty.url, "--name", "d", "--scope", "x")
    assert empty.value("SELECT id FROM tokens WHERE name = 'd'") == 4


def test_a_table_of_another_owner_stays_usable_by_it(empty, login):
    url = login("older")
    empty.query("GRANT CREATE ON SCHEMA public TO older")
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(OLDER_TOKENS + ";" + OLDER_USAGE)
    migrate(empty)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO tokens (name, token_hash) VALUES ('a', %s)", (A,))
        cursor.execute("UPDATE tokens SET last_used = now()::timestamp")
        cursor.execute(OLDER_INSERT, (A, "/r", empty.value("SELECT now()::timestamp"), 200, 1,
                                      "::1", "ua", "GET", None))
        cursor.execute("SELECT count(*) FROM token_usage_logs")
        assert cursor.fetchone() == (1,)


def test_columns_that_cannot_be_used_are_named(empty):
    for columns, why in (
            ("id uuid PRIMARY KEY, token_hash text", "tokens.id has type uuid"),
            ("id text PRIMARY KEY, token_hash text", "tokens.id has type text"),
            ("id smallint PRIMARY KEY, token_hash text", "tokens.id has type smallint"),
            ("token_hash text", "tokens.id is missing"),
            ("id int PRIMARY KEY", "tokens.token_hash is missing"),
            ("id int PRIMARY KEY, token_hash bytea", "tokens.token_hash has type bytea"),
            ("id int PRIMARY KEY, token_hash text, expires_at text",
             "tokens.expires_at has type text"),
            ("id int PRIMARY KEY, token_hash text, scopes integer",
             "tokens.scopes has type integer")):
        empty.query(f"CREATE TABLE tokens ({columns})")
        assert why in fails(empty)
        assert "token_keys" not in relations(empty)
        assert empty.value("SELECT tableowner FROM pg_tables WHERE tablename = 'tokens'") == \
            "postgres"
        empty.query("DROP TABLE tokens")


def test_an_id_without_key_or_default_gets_both(empty):
    empty.query("CREATE TABLE tokens (id bigint, token_hash char(64))")
    empty.query("INSERT INTO tokens VALUES (41, %s)", (A,))
    migrate(empty)
    assert empty.value("INSERT INTO tokens (token_hash) VALUES (%s) RETURNING id", (B,)) == 42
    assert empty.value("SELECT count(*) FROM token_lookup") == 2


@pytest.mark.parametrize("kind, values", [
    ("varchar(20)[]", {"{a,b}": "a b", "{}": "", None: ""}),
    ("jsonb", {'["a", "b"]': "a b", "[]": "", '{"a": false}': "", "null": "", '"a"': "", None: ""}),
    ("json", {'["a", "b"]': "a b", "[]": ""}),
    ("varchar(200)", {'["a", "b"]': "a b", "a,b": "a b", "a b": "a b", "{a,b}": "a b", "*": "*",
                      '{"a": false}': "", "": "", None: ""}),
])
def test_scopes_of_older_kinds_are_read_and_written(empty, kind, values):
    empty.query(f"CREATE TABLE tokens (id serial PRIMARY KEY, name text, token_hash text, "
                f"scopes {kind})")
    for n, value in enumerate(values):
        empty.query("INSERT INTO tokens (token_hash, scopes) VALUES (%s, %s)", ("%064d" % n, value))
    migrate(empty)
    read = [r["scopes"].split() for r in
            empty.query("SELECT scopes FROM token_lookup ORDER BY token_id")]
    assert read == [wanted.split() for wanted in values.values()]
    run_cli("token", "create", "--database", empty.url, "--name", "n", "--scope", "x,y:z")
    assert empty.value("SELECT scopes FROM token_lookup ORDER BY token_id DESC LIMIT 1").split() \
        == ["x", "y:z"]


@pytest.mark.parametrize("column, off", [
    ("is_active boolean DEFAULT true", "is_active = false"),
    ("enabled boolean DEFAULT true", "enabled = false"),
    ("revoked boolean DEFAULT false", "revoked = true"),
    ("deleted_at timestamp", "deleted_at = now()"),
])
def test_an_older_switch_counts(empty, column, off):
    empty.query(f"CREATE TABLE tokens (id serial PRIMARY KEY, name text, token_hash text, "
                f"{column})")
    empty.query("INSERT INTO tokens (name, token_hash) VALUES ('a', %s)", (A,))
    migrate(empty)
    before = generation(empty)
    assert empty.value("SELECT revoked FROM token_lookup") is False
    empty.query(f"UPDATE tokens SET {off}")
    assert empty.value("SELECT revoked FROM token_lookup") is True
    assert generation(empty) > before
    assert "revoked" in run_cli("token", "list", "--database", empty.url).stdout


@pytest.fixture
def older_usage(empty):
    empty.query(OLDER_USAGE)
    empty.query("INSERT INTO token_usage_logs (token_hash, route_path, used_at) "
                "SELECT 'h', '/r', timestamp '2026-03-07 20:00' + n * interval '1 hour' "
                "FROM generate_series(0, 49) AS n")
    return empty


def test_older_usage_needs_its_zone(older_usage):
    before = relations(older_usage)
    assert "--adopt-time-zone" in fails(older_usage)
    assert relations(older_usage) == before
    assert "Mars" in fails(older_usage, "--adopt-time-zone", "Mars")
    assert relations(older_usage) == before


def test_older_usage_is_copied(older_usage):
    done = migrate(older_usage, "--adopt-time-zone", "America/New_York")
    assert "token_usage_logs_legacy has 50 rows, 50 are copied" in done.stdout
    assert "no statistics show yet: they are counted while a gateway runs" in done.stdout
    rows = older_usage.usage()
    assert [r["id"] for r in rows] == list(range(1, 51))
    assert str(rows[0]["used_at"]) == "2026-03-08 01:00:00"  # EST, -5
    assert str(rows[8]["used_at"]) == "2026-03-08 08:00:00"  # 04:00 EDT, -4: clocks went forward
    indexes = {r["indexname"] for r in older_usage.query(
        "SELECT indexname FROM pg_indexes WHERE tablename = 'token_usage_logs'")}
    assert INDEXES < indexes
    assert older_usage.value("SELECT count(*) FROM token_usage_logs_legacy") == 50
    older_usage.query(OLDER_INSERT, ("h", "/r", older_usage.value("SELECT now()::timestamp"), 200,
                                     1, "", "", "", None))
    assert older_usage.value("SELECT max(id) FROM token_usage_logs") == 51
    assert "copied" not in migrate(older_usage).stdout


def test_copied_rows_are_counted(empty):
    """In the statistics as in the older backend's own days."""
    empty.query(OLDER_TOKENS + ";" + OLDER_USAGE)
    empty.query("INSERT INTO tokens (name, token_hash) VALUES ('a', %s), ('b', %s)", (A, B))
    empty.query("INSERT INTO token_usage_logs (token_hash, route_path, used_at, response_status, "
                "response_time_ms) SELECT (ARRAY[%s, %s, %s])[1 + n %% 3], '/r' || n %% 2, "
                "timestamp '2026-03-06 20:10' + n * interval '17 minutes', 200 + n %% 4 * 100, n "
                "FROM generate_series(0, 399) AS n", (A, B, C))
    days = empty.query("SELECT used_at::date::text AS day, count(*) AS calls, count(*) FILTER "
                       "(WHERE response_status >= 400) AS errors, round(avg(response_time_ms), 1)"
                       "::float AS mean_ms FROM token_usage_logs GROUP BY 1 ORDER BY 1")
    assert len(days) == 6
    migrate(empty, "--adopt-time-zone", "America/New_York")
    assert empty.value("SELECT count(*) FROM usage_dirty") > 0
    while empty.value("SELECT usage_recount_dirty(96) > 0 OR usage_pack(10000) > 0"):
        pass

    def ask(question, *options):
        return json.loads(run_cli("usage", "ask", question, "--database", empty.url, "--zone",
                                  "America/New_York", "--from", "2026-03-01", "--to",
                                  "2026-03-31", *options).stdout)

    points = [p for p in ask("series", "--step", "1d")["points"] if p["calls"]]
    assert [{"day": p["at"][:10], **{k: p[k] for k in ("calls", "errors", "mean_ms")}}
            for p in points] == days
    assert {t["name"]: t["calls"] for t in ask("top-tokens")["tokens"]} == {
        "a": 134, "b": 133, None: 133}
    assert ask("totals")["now"]["totals"]["statuses"] == {
        "1xx": 0, "2xx": 100, "3xx": 100, "4xx": 100, "5xx": 100, "none": 0}
    done = run_cli("usage", "verify", "--database", empty.url)
    assert " 0 differences" in done.stdout, done.stdout


def test_an_interrupted_copy_goes_on(older_usage):
    migrate(older_usage, "--adopt-time-zone", "UTC")
    older_usage.query("DELETE FROM usage_adoption WHERE day IN ('infinity', '2026-03-08'); "
                      "DELETE FROM token_usage_logs WHERE used_at::date = '2026-03-08'")
    assert "--adopt-time-zone" in fails(older_usage)
    done = migrate(older_usage, "--adopt-time-zone", "UTC")
    assert "copied 24 rows of 2026-03-08" in done.stdout and "2026-03-09" not in done.stdout
    assert [r["id"] for r in older_usage.usage()] == list(range(1, 51))


def test_older_rows_of_no_possible_day_are_kept_aside(older_usage):
    older_usage.query("INSERT INTO token_usage_logs (token_hash, used_at) VALUES ('h', 'infinity'),"
                      "('h', '3000-01-01'), ('h', '1900-01-01'), ('h', '-infinity')")
    done = migrate(older_usage, "--adopt-time-zone", "UTC")
    assert "has 54 rows, 50 are copied; the others are in usage_bad_rows" in done.stdout
    assert older_usage.value("SELECT count(*) FROM usage_bad_rows WHERE sqlstate = '22008'") == 4


def test_an_empty_older_table_needs_no_zone(empty):
    empty.query(OLDER_USAGE)
    migrate(empty)
    assert empty.value("SELECT relkind FROM pg_class WHERE relname = 'token_usage_logs'") == "p"


def test_something_else_of_that_name_is_left_alone(empty):
    empty.query("CREATE VIEW token_usage_logs AS SELECT 1 AS id")
    assert "not an ordinary table" in fails(empty)
    assert empty.value("SELECT id FROM token_usage_logs") == 1
