"""Days whose partition is missing, locked or refused: their rows are held, and moved with their
statistics once the day takes them; other days' are stored at once."""
import datetime
import hashlib
import json

import pytest

from tg.wait import eventually



def today():
    """Of now: a run may go on beyond midnight."""
    return datetime.datetime.now(datetime.timezone.utc).date()


OLD = today() - datetime.timedelta(days=40)
HELD = "SELECT count(*) FROM token_usage_logs_held"
# So that a test's end need not wait for idle upstream connections to be closed.
SHORT = {"idle_s": 0.2}


def mostly_full(variants, *quick):
    return [v if v in quick else pytest.param(v, marks=pytest.mark.full) for v in variants]


def partition(day, suffix=""):
    return f"token_usage_logs_p{day:%Y%m%d}{suffix}"


def calls(gateway, count):
    with gateway.connect() as client:
        for _ in range(count):
            assert client.call("GET", "/api/test/x").status == 200


def post(gateway, days, count=1):
    """POST /api/usage-log: calls of the gateway's key, early on each of these days."""
    sha = hashlib.sha256(gateway.key.encode()).hexdigest()
    body = [{"token_hash": sha, "route": "/r",
             "timestamp": (day - datetime.date(1970, 1, 1)).days * 86400000 + 1000}
            for day in days for _ in range(count)]
    with gateway.manager() as client:
        answer = client.call("POST", "/api/usage-log", {"Content-Type": "application/json"},
                             json.dumps(body).encode(), host="127.0.0.1")
    assert answer.status == 200 and answer.json()["logged"] == len(body)


def rows_of(database, day):
    return database.value("SELECT count(*) FROM token_usage_logs WHERE used_at::date = %s", [day])


def counted(database, day):
    """What the statistics say of that day."""
    return database.value("SELECT coalesce((SELECT calls FROM usage_sums(ARRAY[%s::date, %s::date + 1]"
                          "::timestamp[])), 0)", [day, day])


def is_right(gateway, database, day, count):
    """The day's rows are in the log, once, and in the statistics."""
    eventually(lambda: rows_of(database, day) == count, f"{count} rows of {day}", patience_s=30)
    eventually(lambda: database.value("SELECT count(*) FROM usage_dirty") == 0, "nothing is marked")
    assert database.value(HELD) == 0 and counted(database, day) == count
    assert database.value("SELECT count(*) FROM usage_bad_rows") == 0


LOCKS = {
    # Nobody may attach a partition: what an open transaction does, or a vacuum of the whole.
    "attach": "LOCK TABLE token_usage_logs IN SHARE UPDATE EXCLUSIVE MODE",
    "share": "LOCK TABLE ONLY token_usage_logs IN SHARE MODE",
    # The advisory lock of those who make partitions.
    "advisory": "SELECT pg_advisory_xact_lock(hashtext('tollgate: partitions of token_usage_logs'))",
    # Someone is about to make the very table.
    "name": f"CREATE TABLE {partition(OLD)} (id int)",
}


@pytest.mark.sanitizer
@pytest.mark.parametrize("lock", LOCKS)
def test_an_old_day_that_cannot_be_made_stops_nothing(gateways, echo_upstream, cluster, database,
                                                     lock):
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error("usage: PostgreSQL refuses moving rows that are held")
    other = cluster.connect(database.name)
    other.autocommit = False
    try:
        other.cursor().execute(LOCKS[lock])
        post(gateway, [OLD], 3)
        eventually(lambda: database.value(HELD) == 3, "they are held")
        calls(gateway, 5)
        eventually(lambda: rows_of(database, today()) == 5, "today's rows are stored")
        assert rows_of(database, OLD) == 0 == counted(database, OLD)
    finally:
        other.rollback()
        other.close()
    is_right(gateway, database, OLD, 3)
    assert counted(database, today()) == 5


def test_a_lock_on_everything_stops_no_batch(gateways, echo_upstream, cluster, database):
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error("usage: PostgreSQL refuses moving rows that are held")
    other = cluster.connect(database.name)
    other.autocommit = False
    try:
        other.cursor().execute("LOCK TABLE token_usage_logs IN ACCESS EXCLUSIVE MODE")
        post(gateway, [OLD, today()], 2)
        eventually(lambda: database.value(HELD) == 4, "all are held")
    finally:
        other.rollback()
        other.close()
    is_right(gateway, database, OLD, 2)
    is_right(gateway, database, today(), 2)


TAKEN = {
    "table": f"CREATE TABLE {partition(OLD)} (id int)",
    "view": f"CREATE VIEW {partition(OLD)} AS SELECT 1 AS x",
    "index": f"CREATE INDEX {partition(OLD)} ON tokens (name)",
    "sequence": f"CREATE SEQUENCE {partition(OLD)}",
    "type": f"CREATE TYPE {partition(OLD)} AS (x int)",
    "detached": f"SET search_path = public; SELECT usage_ensure_partition('{OLD}'); ALTER TABLE token_usage_logs "
                f"DETACH PARTITION {partition(OLD)}",
    "two": f"CREATE TABLE {partition(OLD)} (id int); CREATE TABLE {partition(OLD, '_2')} (id int)",
}


@pytest.mark.parametrize("what", mostly_full(TAKEN, "table", "detached", "type"))
def test_a_name_that_is_taken_is_another_name(gateways, echo_upstream, database, what):
    database.query(TAKEN[what])
    gateway = gateways(echo_upstream, pools=SHORT)
    post(gateway, [OLD, today()], 2)
    is_right(gateway, database, OLD, 2)
    name = partition(OLD, "_3" if what == "two" else "_2")
    assert database.value("SELECT usage_partition(%s)::text", [OLD]) == name
    assert database.value("SELECT count(*) FROM " + name) == 2
    assert database.value("SELECT usage_ensure_partition(%s)", [OLD]) is False


REFUSALS = {
    "42501": "REVOKE INSERT ON {0} FROM tollgate",
    "P0001": "CREATE TRIGGER no BEFORE INSERT ON {0} FOR EACH ROW EXECUTE FUNCTION refuse('P0001')",
    "53100": "CREATE TRIGGER no BEFORE INSERT ON {0} FOR EACH ROW EXECUTE FUNCTION refuse('53100')",
    "XX001": "CREATE TRIGGER no BEFORE INSERT ON {0} FOR EACH ROW EXECUTE FUNCTION refuse('XX001')",
    "42P01": "CREATE TRIGGER no BEFORE INSERT ON {0} FOR EACH ROW EXECUTE FUNCTION refuse('42P01')",
    "deferred": "CREATE CONSTRAINT TRIGGER no AFTER INSERT ON {0} DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION refuse('P0001')",
}


@pytest.mark.parametrize("state", mostly_full(REFUSALS, "42501", "P0001", "deferred"))
def test_a_partition_that_refuses_holds_up_its_day_only(gateways, echo_upstream, cluster, database,
                                                       state):
    """As a role that owns nothing; what may be written through the whole table is moved there."""
    yesterday = today() - datetime.timedelta(days=1)
    cluster.execute("DO $$ BEGIN CREATE ROLE rows_writer LOGIN IN ROLE tollgate; "
                    "EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    database.query("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                   "RAISE 'not here' USING ERRCODE = TG_ARGV[0]; END $$")
    database.query(REFUSALS[state].format(partition(yesterday)))
    gateway = gateways(echo_upstream, pools=SHORT, start=False)
    gateway.expect_error("usage: PostgreSQL refuses moving rows that are held")
    gateway.settings["database"] = cluster.url(database.name, "rows_writer")
    gateway.write_config()
    gateway.start()
    post(gateway, [yesterday, today()], 3)
    eventually(lambda: rows_of(database, today()) == 3, "today's rows are stored")
    if state != "42501":
        eventually(lambda: database.value(HELD) == 3, "the others are held")
        calls(gateway, 5)
        eventually(lambda: rows_of(database, today()) == 8, "today's rows go on")
        assert counted(database, yesterday) == 0
        database.query(f"DROP TRIGGER no ON {partition(yesterday)}")
    is_right(gateway, database, yesterday, 3)


def test_a_partition_that_is_locked_holds_up_its_day_only(gateways, echo_upstream, cluster,
                                                         database):
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error("usage: PostgreSQL refuses moving rows that are held")
    yesterday = today() - datetime.timedelta(days=1)
    other = cluster.connect(database.name)
    other.autocommit = False
    try:
        other.cursor().execute(f"LOCK TABLE {partition(yesterday)} IN ACCESS EXCLUSIVE MODE")
        post(gateway, [yesterday, today()], 3)
        eventually(lambda: database.value(HELD) == 3, "they are held")
        assert database.value(f"SELECT count(*) FROM {partition(today())}") == 3
    finally:
        other.close()
    is_right(gateway, database, yesterday, 3)


@pytest.mark.parametrize("how", ["", " CONCURRENTLY"])
def test_a_partition_that_is_detached_is_noticed(gateways, echo_upstream, database, how):
    """Not one row goes into a table that is no part of the log any more."""
    gateway = gateways(echo_upstream, pools=SHORT)
    calls(gateway, 5)
    database.wait_usage(5)
    database.query(f"ALTER TABLE token_usage_logs DETACH PARTITION {partition(today())}{how}")
    calls(gateway, 5)
    eventually(lambda: rows_of(database, today()) == 5, "the rows are in the log")
    assert database.value(f"SELECT count(*) FROM {partition(today())}") == 5
    assert database.value("SELECT usage_partition(%s)::text", [today()]) == partition(today(), "_2")
    calls(gateway, 5)
    eventually(lambda: rows_of(database, today()) == 10, "and later ones as well")
    assert database.value(HELD) == 0


def test_partitions_of_another_layout(gateways, echo_upstream, database):
    """Someone's own partition, of a month; its rows go through the whole table."""
    first = OLD.replace(day=1)
    after = (first + datetime.timedelta(days=31)).replace(day=1)
    database.query(f"CREATE TABLE theirs PARTITION OF token_usage_logs FOR VALUES FROM ('{first}') "
                   f"TO ('{after}'); CREATE TABLE rest PARTITION OF token_usage_logs DEFAULT")
    gateway = gateways(echo_upstream, pools=SHORT)
    post(gateway, [OLD, today()], 2)
    is_right(gateway, database, OLD, 2)
    assert database.value("SELECT count(*) FROM theirs") == 2


HOLD = """INSERT INTO token_usage_logs_held (token_hash, token_id, used_at, route_path,
    response_status, held_at) SELECT '%s', 1, '%s 12:00', '/r', 200, now() - interval '%s' -
    (n || ' s')::interval FROM generate_series(1, %s) AS n"""


def test_after_seven_days_they_are_given_up(database):
    """And a row that is refused keeps none of its day from moving."""
    database.query(f"SELECT usage_ensure_partition('{OLD}')")
    database.query("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                   "IF NEW.token_hash <> 'good' THEN RAISE 'not %%', NEW.token_hash; END IF; "
                   "RETURN NEW; END $$")
    database.query(f"CREATE TRIGGER no BEFORE INSERT ON {partition(OLD)} FOR EACH ROW "
                   "EXECUTE FUNCTION refuse()")
    database.query(HOLD % ("good", OLD, "8 days", 50) + ";" + HOLD % ("old", OLD, "7 days", 2) + ";" +
                   HOLD % ("new", OLD, "6 days 23 hours", 3))
    result, = database.query("SELECT * FROM usage_move_held()")
    assert (result["moved"], result["refused"], result["state"]) == (50, 2, "P0001")
    assert result["failed"] == str(OLD)
    bad = database.query("SELECT * FROM usage_bad_rows")
    assert {b["sqlstate"] for b in bad} == {"P0001"} and len(bad) == 2
    assert {b["record"]["token_hash"] for b in bad} == {"old"}
    assert database.value(HELD) == 3
    assert rows_of(database, OLD) == counted(database, OLD) == 50


def test_rows_at_fault_are_given_up_at_once(database):
    """What a partition refuses for the row's own fault, and a day that there will never be."""
    database.query(f"SET search_path = public; SELECT usage_ensure_partition('{OLD}'); ALTER TABLE {partition(OLD)} "
                   "ADD CONSTRAINT good CHECK (token_hash <> 'bad')")
    database.query(HOLD % ("bad", OLD, "1 s", 1) + ";" + HOLD % ("good", OLD, "1 s", 4) + ";" +
                   HOLD % ("far", "2999-01-01", "1 s", 2) + ";" + HOLD % ("far", "1969-01-01", "1 s", 1))
    result, = database.query("SELECT * FROM usage_move_held()")
    assert (result["moved"], result["refused"], result["state"]) == (4, 4, None)
    assert sorted(b["sqlstate"] for b in database.query("SELECT * FROM usage_bad_rows")) \
        == ["22008"] * 3 + ["23514"]
    assert database.value(HELD) == 0 and rows_of(database, OLD) == 4


def test_rows_of_a_day_that_was_dropped_are_added_once(database):
    """Also those without a token, and where their interval is marked."""
    database.query(f"UPDATE usage_rollup_state SET raw_since = '{today()}', dropped_before = '{today()}'")
    database.query(HOLD % ("x", OLD, "1 s", 3) + ";" + HOLD % ("y", OLD, "1 s", 2))
    database.query("UPDATE token_usage_logs_held SET token_id = NULL WHERE token_hash = 'y'")
    assert database.value("SELECT moved FROM usage_move_held()") == 5
    assert counted(database, OLD) == 5
    database.query(f"INSERT INTO usage_dirty (since) VALUES ('{OLD} 12:00')")
    eventually(lambda: database.value("SELECT usage_recount_dirty()") == 0, "a recount")
    assert counted(database, OLD) == 5


def test_whoever_moves_them_moves_them_once(cluster, database):
    first = cluster.connect(database.name)
    first.autocommit = False
    try:
        database.query(HOLD % ("x", today(), "1 s", 3))
        with first.cursor() as cursor:
            cursor.execute("SELECT moved FROM usage_move_held()")
            assert cursor.fetchone() == (3,)
        assert database.value("SELECT moved FROM usage_move_held()") == -1
        first.commit()
        assert database.value("SELECT moved FROM usage_move_held()") == 0
    finally:
        first.close()
    assert rows_of(database, today()) == 3
