"""The recorder and PostgreSQL: exactly once, bad rows apart, partitions, cursors."""
import datetime
import hashlib
import json
import os
import signal
import struct
import time

import psycopg2
import pytest

from tg.ledger import groups, verify
from tg.pg_proxy import WAYS, PgProxy
from tg.wait import eventually

# So that a test's end need not wait for idle upstream connections to be closed.
SHORT = {"idle_s": 0.2}


def calls(gateway, count, **headers):
    with gateway.connect() as client:
        for _ in range(count):
            assert client.call("GET", "/api/test/x", headers).status == 200


def settled(database, count):
    """The rows, once the server answers again and there are count of them."""

    def enough():
        try:
            return database.value("SELECT count(*) FROM token_usage_logs") >= count
        except psycopg2.OperationalError:
            return False

    eventually(enough, f"{count} usage rows", patience_s=40)
    return database.wait_usage(count)


def post(gateway, times):
    """POST /api/usage-log: a call of the gateway's key at each of these times."""
    sha = hashlib.sha256(gateway.key.encode()).hexdigest()
    body = [{"token_hash": sha, "route": "/r", "timestamp": at} for at in times]
    with gateway.manager() as client:
        answer = client.call("POST", "/api/usage-log", {"Content-Type": "application/json"},
                             json.dumps(body).encode(), host="127.0.0.1")
    assert answer.status == 200 and answer.json()["logged"] == len(times)


def through_the_table(database):
    """A function that tells how many statements went through token_usage_logs, and so made a
    recount necessary, rather than into partitions."""
    database.query("CREATE TABLE statements (at timestamptz DEFAULT now())")
    database.query("CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
                   "$$ BEGIN INSERT INTO public.statements DEFAULT VALUES; RETURN NULL; END $$")
    database.query("CREATE TRIGGER noted AFTER INSERT ON token_usage_logs "
                   "FOR EACH STATEMENT EXECUTE FUNCTION note()")
    return lambda: database.value("SELECT count(*) FROM statements")


class Held:
    """Nobody may move cursors meanwhile: what comes waits for one batch."""

    def __init__(self, cluster, database):
        self.other = cluster.connect(database.name)
        self.other.autocommit = False

    def __enter__(self):
        self.other.cursor().execute("LOCK TABLE usage_cursors IN ACCESS EXCLUSIVE MODE")

    def __exit__(self, *_):
        self.other.rollback()
        self.other.close()


def partition(day):
    return f"token_usage_logs_p{day:%Y%m%d}"


def today():
    return datetime.datetime.now(datetime.timezone.utc).date()


@pytest.mark.sanitizer
@pytest.mark.parametrize("way", WAYS)
def test_commit_in_doubt(gateways, echo_upstream, cluster, database, way):
    proxy = PgProxy(cluster, way)
    try:
        gateway = gateways(echo_upstream, pools=SHORT, start=False)
        gateway.settings["database"] = proxy.url(database)
        gateway.write_config()
        gateway.start()
        # By way of the proxy, sessions count as descriptors: once all three are there.
        eventually(lambda: database.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name LIKE 'tollgate%%' AND query <> ''") >= 3, "all sessions")
        gateway.fds_at_start = gateway.open_fds()
        calls(gateway, 30)
        eventually(proxy.broken.is_set, "COMMIT was broken")
        calls(gateway, 30)
        rows = settled(database, 60)
        gateway.judge()
        assert database.usage() == rows
        assert len({r["request_id"] for r in rows}) == 60
        assert database.value("SELECT count(*) FROM usage_bad_rows") == 0
    finally:
        proxy.close()


@pytest.mark.parametrize("what", ["backend", "server"])
def test_killed_in_the_middle_of_copy(gateways, echo_upstream, cluster, database, what):
    """kill -9 of the backend, whereupon the server restarts by itself; or of the whole server."""
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error(".")
    database.query("CREATE FUNCTION wait_a_bit() RETURNS trigger LANGUAGE plpgsql AS "
                   "$$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$")
    database.query("CREATE TRIGGER slow BEFORE INSERT ON token_usage_logs "
                   "FOR EACH ROW EXECUTE FUNCTION wait_a_bit()")
    calls(gateway, 60)
    copying = eventually(lambda: database.query(
        "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY public.token%%' "
        "AND datname = current_database()"), "a COPY runs")
    if what == "backend":
        os.kill(copying[0]["pid"], signal.SIGKILL)
    else:
        cluster.kill()
        cluster.start()

    def without_trigger():
        try:
            database.query("DROP TRIGGER IF EXISTS slow ON token_usage_logs")
            return True
        except psycopg2.Error:
            return False

    eventually(without_trigger, "the server has recovered")
    rows = settled(database, 60)
    assert len({r["request_id"] for r in rows}) == 60
    verify(gateway)


@pytest.mark.sanitizer
def test_bad_rows_are_set_apart(gateways, echo_upstream, database):
    database.query("ALTER TABLE token_usage_logs ADD CONSTRAINT no_poison "
                   "CHECK (user_agent IS DISTINCT FROM 'poison')")
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error("usage_bad_rows")
    for _ in range(3):
        calls(gateway, 20)
        calls(gateway, 1, **{"User-Agent": "poison"})
    rows = database.wait_usage(60)
    assert {r["user_agent"] for r in rows} == {None}
    eventually(lambda: database.value("SELECT count(*) FROM usage_bad_rows") == 3,
               "the bad rows are kept")
    for row in database.query("SELECT * FROM usage_bad_rows"):
        assert row["sqlstate"] == "23514" and "no_poison" in row["reason"]
        assert "\tpoison\t" in row["record"]["copy_row"]
        assert "user_agent" in row["record"]["columns"]


def test_a_refused_table_is_no_rows_fault(gateways, echo_upstream, database):
    """Anything but classes 22 and 23 means: wait, say so, try the same again."""
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error("42P01")
    database.query("ALTER TABLE usage_deltas RENAME TO away")
    calls(gateway, 20)
    eventually(lambda: "events wait and are tried again" in gateway.log(), "the log tells")
    database.query("ALTER TABLE away RENAME TO usage_deltas")
    database.wait_usage(20)
    assert database.value("SELECT count(*) FROM usage_bad_rows") == 0
    eventually(lambda: "takes events again" in gateway.log(), "the log tells of the end")


def test_a_dropped_partition_is_made_again(gateways, echo_upstream, database):
    """And is used as any: from then on too, nothing goes through the whole table."""
    statements = through_the_table(database)
    gateway = gateways(echo_upstream, pools=SHORT)
    calls(gateway, 5)
    database.wait_usage(5)
    database.query("DROP TABLE " + partition(today()))
    calls(gateway, 5)
    assert len(database.wait_usage(5)) == 5
    eventually(lambda: database.value("SELECT usage_partition(%s)", [today()]), "a partition")
    calls(gateway, 5)
    assert len(database.wait_usage(10)) == 10
    assert database.value("SELECT count(*) FROM usage_bad_rows") == 0
    assert statements() == 0


def test_days_of_one_batch(gateways, echo_upstream, cluster, database):
    """Each day's rows go into its partition, in one transaction."""
    gateway = gateways(echo_upstream, pools=SHORT)
    statements = through_the_table(database)
    now = int(time.time() * 1000)
    with Held(cluster, database):
        post(gateway, [now - n % 3 * 86400000 for n in range(300)])
    database.wait_usage(300)
    assert [r["n"] for r in database.query("SELECT count(*) AS n FROM token_usage_logs "
                                           "GROUP BY used_at::date")] == [100] * 3
    assert database.value("SELECT count(DISTINCT xmin::text) FROM token_usage_logs") == 1
    assert statements() == 0
    verify(gateway)


def test_partitions_ahead(gateways, echo_upstream, database):
    days = [today() + datetime.timedelta(days=n) for n in (1, 2, 3)]
    for day in days:
        database.query("DROP TABLE " + partition(day))
    gateways(echo_upstream, pools=SHORT)
    for day in days:
        eventually(lambda day=day: database.value("SELECT to_regclass(%s)", [partition(day)]),
                   f"a partition for {day}")


def test_cursors_outlive_their_group(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream, pools=SHORT, workers=2)
    calls(gateway, 3)
    database.wait_usage(3)
    cursors = database.query("SELECT lane, position FROM usage_cursors ORDER BY lane")
    assert [c["lane"] for c in cursors] == [0, 1, 2]
    assert sum(c["position"] for c in cursors) > 0
    gateway.terminate()
    assert gateway.wait_exit() == 0
    # The folder may come back from a copy; of lanes of which nothing was stored nothing can.
    stored = [c for c in cursors if c["position"] > 0]
    assert database.query("SELECT lane, position FROM usage_cursors ORDER BY lane") == stored


def test_an_older_session_of_ours_is_ended(gateways, echo_upstream, cluster, database):
    """The network may lose a connection without the server's knowing: what it holds would hold up
    its successor."""
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error(".")
    calls(gateway, 3)
    database.wait_usage(3)
    name = "tollgate recorder " + groups(gateway)[0]
    older = psycopg2.connect(cluster.url(database.name), application_name=name)
    try:
        older.cursor().execute("UPDATE usage_cursors SET moved_at = now()")
        assert database.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                              "WHERE application_name = %s AND pid <> %s",
                              [name, older.get_backend_pid()]) == 1
        calls(gateway, 3)
        database.wait_usage(6)
        with pytest.raises(psycopg2.OperationalError):
            older.cursor().execute("SELECT 1")
    finally:
        older.close()


LIVE = 1 << 63


def counter(serial, minute, route):
    """A slot of a table of gaps (gateway/journal/counts.c) that has counted one."""
    route = route.encode()
    return (struct.pack("<QQqqB16sBB47s255s", LIVE | 1, serial, minute, 1, 0, b"", 0, len(route),
                        b"", route).ljust(384, b"\0"))


def test_damaged_counters_cost_no_good_ones(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error("a counter of group .* was refused and is left out: 22008")
    group = groups(gateway)[0]
    gateway.kill()
    minute = int(time.time()) // 60
    slots = [counter(n, minute, f"/r{n}") for n in range(1, 21)]
    slots[6] = counter(7, 1 << 60, "/r7")  # a time that there is not
    slots[9] = counter(9, minute, "/r9")   # twice the same name
    with open(os.path.join(gateway.journal, group, "lane-0.counts"), "r+b") as f:
        f.seek(4096)
        f.write(b"".join(slots))
    gateway.start()
    eventually(lambda: group not in groups(gateway), "the group is stored and gone")
    routes = [r["route_path"] for r in database.query("SELECT route_path FROM usage_gaps")]
    assert sorted(routes) == sorted(f"/r{n}" for n in range(1, 21) if n not in (7, 10))


@pytest.mark.parametrize("change", [
    "UPDATE usage_cursors SET position = 0",
    "UPDATE usage_cursors SET position = position + 16",
    "DELETE FROM usage_cursors",
])
def test_a_database_that_was_set_back(gateways, echo_upstream, database, change):
    """What is told to be stored and is not any more cannot be sent again; all else goes on."""
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error("set back")
    calls(gateway, 10)
    database.wait_usage(10)
    database.query(change)
    calls(gateway, 10)
    database.wait_usage(20)
    calls(gateway, 10)
    database.wait_usage(30)
