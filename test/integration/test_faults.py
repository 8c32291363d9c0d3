"""Faults under load: a call that was answered in full has exactly one row, whatever is killed."""
import os

import pytest

from tg.ledger import Ledger, all_stored
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
    all_stored(gateway, database, kills=3)


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
    all_stored(gateway, database, kills=2)


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
    all_stored(gateway, database)


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
