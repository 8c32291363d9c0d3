"""Faults under load: a call that was answered in full has exactly one row, whatever is killed."""
import os

import pytest

from tg.ledger import Ledger, all_stored, groups
from tg.wait import eventually

SHORT = {"idle_s": 0.2}


def kill_and_start(gateway):
    gateway.kill()
    gateway.start()


@pytest.mark.sanitizer
def test_gateway_killed_under_load(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream, pools=SHORT, workers=2)
    ledger = Ledger(gateway)
    for _ in range(3):
        ledger.wait_more(100)
        kill_and_start(gateway)
    ledger.wait_more(50)
    ledger.stop().settle(database)
    all_stored(gateway)


def test_killed_while_postgres_is_away(gateways, echo_upstream, cluster, database):
    """Twice, so that what waits is of two groups, neither of which the database knows."""
    gateway = gateways(echo_upstream, pools=SHORT, start=False, tokens={"max_stale_s": 3600},
                       state_dir="state")
    gateway.expect_error(".")
    gateway.start()
    ledger = Ledger(gateway)
    ledger.wait_more(20)
    eventually(lambda: os.path.exists(os.path.join(gateway.folder, "state", "tokens.snapshot")),
               "a snapshot of the keys")
    cluster.stop("immediate")
    for _ in range(2):
        ledger.wait_more(500)
        kill_and_start(gateway)
    ledger.wait_more(20)
    cluster.start()
    ledger.stop().settle(database)
    all_stored(gateway)


def test_counters_outlive_a_kill(gateways, echo_upstream, cluster, database):
    """Gaps and strangers, by minute, token and route, each once however often it is stored."""
    gateway = gateways(echo_upstream, pools=SHORT, start=False, tokens={"max_stale_s": 3600},
                       state_dir="state", usage={"journal_bytes": 2 << 20, "ring_bytes": 65536})
    gateway.expect_error(".")
    gateway.start()
    eventually(lambda: os.path.exists(os.path.join(gateway.folder, "state", "tokens.snapshot")),
               "a snapshot of the keys")
    minutes = [database.value("SELECT date_trunc('minute', now() AT TIME ZONE 'UTC')")]
    cluster.stop("immediate")
    with gateway.connect() as client:
        for _ in range(2500):
            assert client.call("GET", "/api/test/x").status == 200
    for path, count in (("/api/test/x", 15), ("/elsewhere", 4)):
        for n in range(count):
            assert gateway.call("GET", path, key=f"guess-{n}").status == 401
    killed, = groups(gateway)
    gateway.kill()
    cluster.start()
    minutes.append(database.value("SELECT date_trunc('minute', now() AT TIME ZONE 'UTC')"))

    def counters():
        return (database.query("SELECT minute, token_id, route_path, sum(dropped)::int AS n "
                               "FROM usage_gaps GROUP BY 1, 2, 3 ORDER BY 1"),
                database.query("SELECT minute, route_path, reason, network::text, "
                               "sum(requests)::int AS n FROM usage_strangers "
                               "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2"))

    gateway.start()
    # There is room for a group of its own once that one is gone.
    eventually(lambda: killed not in groups(gateway), "what was left is stored", patience_s=40)
    all_stored(gateway)
    gateway.fds_at_start = gateway.open_fds()
    gaps, strangers = counters()
    token = database.value("SELECT id FROM tokens WHERE name = 'all'")
    assert {(r["token_id"], r["route_path"]) for r in gaps} == {(token, "/api/test")}
    stored = database.value("SELECT count(*) FROM token_usage_logs")
    assert stored > 0 and stored + sum(r["n"] for r in gaps) == 2500
    assert {(r["reason"], r["network"]) for r in strangers} == {("unknown_key", "127.0.0.0/24")}
    assert {path: sum(r["n"] for r in strangers if r["route_path"] == path)
            for path in ("/api/test", None)} == {"/api/test": 15, None: 4}
    assert all(minutes[0] <= r["minute"] <= minutes[1] and r["minute"].second == 0
               for r in gaps + strangers)
    kill_and_start(gateway)
    all_stored(gateway)
    assert counters() == (gaps, strangers)


def test_stopped_while_postgres_is_away(gateways, echo_upstream, cluster, database):
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error(".")
    ledger = Ledger(gateway)
    cluster.stop("immediate")
    ledger.wait_more(200)
    ledger.stop()
    gateway.terminate()
    assert gateway.wait_exit() == 0
    assert "wait in the journal for the next start" in gateway.log()
    cluster.start()
    gateway.start()
    ledger.settle(database)
    all_stored(gateway)


def test_postgres_killed_under_load(gateways, echo_upstream, cluster, database):
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error(".")
    ledger = Ledger(gateway)
    for _ in range(3):
        ledger.wait_more(150)
        cluster.kill()
        ledger.wait_more(50, "calls go through without PostgreSQL")
        cluster.start()
    ledger.stop().settle(database)
