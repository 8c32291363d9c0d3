"""Usage rows: each call of a known key once, whatever PostgreSQL does; strangers never."""
import contextlib
import os
import threading

import pytest

from tg.gateway import SANITIZED
from tg.wait import eventually


def calls(gateway, count, status=200):
    with gateway.connect() as client:
        for _ in range(count):
            assert client.call("GET", "/api/test/x").status == status


@pytest.mark.sanitizer
def test_rows_of_many_callers(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream, workers=2)
    threads = [threading.Thread(target=calls, args=(gateway, 50)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = database.wait_usage(400)
    assert len({r["request_id"] for r in rows}) == 400
    assert len({r["id"] for r in rows}) == 400


def test_rows_are_written_before_the_process_ends(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    calls(gateway, 200)
    gateway.terminate()
    assert gateway.wait_exit() == 0
    assert len(database.usage()) == 200


def test_a_caller_with_the_whole_answer_has_its_row(gateways, echo_upstream, database):
    """The event is handed over before the answer's last byte: an abort after it changes nothing."""
    gateway = gateways(echo_upstream)
    for _ in range(20):
        client = gateway.connect()
        client.call("GET", "/api/test/x")
        client.reset()
    assert {r["outcome"] for r in database.wait_usage(20)} == {"complete"}


def test_last_used_moves(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    calls(gateway, 1)
    eventually(lambda: database.value("SELECT last_used IS NOT NULL FROM tokens "
                                      "WHERE name = 'all'"), "last_used is set")


def test_strangers_make_no_rows(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    for n in range(20):
        assert gateway.call("GET", "/api/test/x", key=f"guess-{n}").status == 401
        assert gateway.call("GET", "/api/test/x", key="").status == 401
    gateway.call("GET", "/elsewhere", key="guess")
    gateway.terminate()
    gateway.wait_exit()
    assert database.usage() == []
    counted = {(r["route_path"], r["reason"], r["network"]): r["n"] for r in database.query(
        "SELECT route_path, reason, network::text, sum(requests)::int AS n FROM usage_strangers "
        "GROUP BY 1, 2, 3")}
    assert counted == {("/api/test", "unknown_key", "127.0.0.0/24"): 20,
                       ("/api/test", "missing_key", "127.0.0.0/24"): 20,
                       (None, "unknown_key", "127.0.0.0/24"): 1}


def test_old_strangers_are_swept(gateways, upstream, database):
    """More than are deleted at once. Gaps stay: statistics of their time lack those calls for ever."""
    for table, column, days, count in (("usage_strangers", "requests", 91, 12000),
                                       ("usage_strangers", "requests", 89, 5),
                                       ("usage_gaps", "dropped", 91, 5)):
        database.query(f"INSERT INTO {table} (lane_group, lane, serial, minute, {column}) "
                       "SELECT gen_random_uuid(), 0, n, (now() AT TIME ZONE 'UTC')::date - %s, 1 "
                       "FROM generate_series(1, %s) AS n", [days, count])
    gateways(upstream)
    eventually(lambda: database.value("SELECT count(*) FROM usage_strangers") == 5,
               "old strangers are deleted")
    assert database.value("SELECT count(*) FROM usage_gaps") == 5


def test_bytes_that_text_cannot_hold(gateway, upstream, database):
    client = gateway.connect()
    client.send_request("GET", "/api/test/x", {"User-Agent": "a\xff\\N\tb" + "x" * 9000})
    conn = upstream.accept()
    conn.read_request()
    conn.respond("404 Not\tFound \xe9", body=b"")
    assert client.read_response().status == 404
    row, = database.wait_usage(1)
    assert row["user_agent"].startswith("a\ufffd\\N\tb") and len(row["user_agent"]) > 500
    assert row["error_message"].startswith("upstream: 404")


def test_postgres_is_down_for_a_while(gateways, echo_upstream, cluster, database):
    gateway = gateways(echo_upstream)
    gateway.expect_error(".")
    calls(gateway, 10)
    database.wait_usage(10)
    cluster.stop("immediate")
    calls(gateway, 300)
    assert gateway.get_status("/health") == 200
    cluster.start()
    database.wait_usage(310)


def test_postgres_restarts_under_load(gateways, echo_upstream, cluster, database):
    gateway = gateways(echo_upstream, workers=2)
    gateway.expect_error(".")
    stop, counts, faults = threading.Event(), [0] * 4, []

    def load(n):
        try:
            while not stop.is_set():
                calls(gateway, 1)
                counts[n] += 1
        except AssertionError as e:
            faults.append(e)

    threads = [threading.Thread(target=load, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for mode in ("immediate", "fast"):
        at = sum(counts)
        eventually(lambda at=at: sum(counts) > at + 50, "calls go through")
        cluster.stop(mode)
        at = sum(counts)
        eventually(lambda at=at: sum(counts) > at + 50, "calls go through without PostgreSQL")
        cluster.start()
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults
    database.wait_usage(sum(counts))


def test_a_locked_table_delays_nobody(gateways, echo_upstream, cluster, database):
    gateway = gateways(echo_upstream)
    gateway.expect_error(".")
    other = cluster.connect(database.name)
    other.autocommit = False
    other.cursor().execute("LOCK TABLE token_usage_logs IN ACCESS EXCLUSIVE MODE")
    calls(gateway, 100)
    other.rollback()
    other.close()
    database.wait_usage(100)


@pytest.mark.skipif(bool(SANITIZED), reason="sanitizers keep what was freed")
def test_memory_of_falling_behind_is_given_back(gateways, echo_upstream, cluster, database):
    """Each time more waits than the ring holds, and is read from its logs."""
    gateway = gateways(echo_upstream, usage={"ring_bytes": 1 << 20})
    gateway.expect_error(".")
    # Where the machine is slow the ring may fill: what is dropped is counted.
    told = "SELECT (SELECT count(*) FROM token_usage_logs) + (SELECT coalesce(sum(dropped), 0) FROM usage_gaps)"
    memory, n = [], 2500
    for turn in range(1, 8):
        with contextlib.closing(cluster.connect(database.name)) as other:
            other.autocommit = False
            other.cursor().execute("LOCK TABLE usage_cursors IN ACCESS EXCLUSIVE MODE")
            with gateway.connect() as client:
                for _ in range(n):
                    client.call("GET", "/api/test", headers={"User-Agent": 500 * "x"})
        eventually(lambda: database.value(told) == turn * n, "all of them are told of")
        memory.append(gateway.memory_kb("RssAnon"))
    assert memory[-1] - memory[1] < 2560, memory


def test_a_killed_session_neither_loses_nor_doubles(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    gateway.expect_error(".")
    for _ in range(5):
        calls(gateway, 20)
        database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE datname = current_database() AND pid <> pg_backend_pid()")
    database.wait_usage(100)


@pytest.mark.sanitizer
def test_overflow_is_counted(gateways, echo_upstream, cluster, database):
    """A full queue drops events, never delays a call; written + dropped = requests."""
    gateway = gateways(echo_upstream, usage={"journal_bytes": 2 << 20, "ring_bytes": 65536})
    gateway.expect_error(".")
    cluster.stop("immediate")
    calls(gateway, 4000)
    cluster.start()
    eventually(lambda: gateway.get_status("/ready") == 200, "ready again")
    eventually(lambda: database.usage(), "the recorder is back")
    gateway.terminate()
    assert gateway.wait_exit() == 0
    written = len(database.usage())
    dropped = database.value("SELECT sum(dropped) FROM usage_gaps")
    assert 0 < written < 4000
    assert written + dropped == 4000
    assert os.listdir(gateway.journal) == []
