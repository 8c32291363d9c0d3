"""Faults under load: gateways that are killed, replaced, or share a database."""
import json
import os
import random
import subprocess

import pytest

from tg.build import build
from tg.gateway import BINARY
from tg.ledger import Ledger, all_stored, verify, wait_stored
from tg.wait import eventually

SHORT = {"idle_s": 0.2}
SEED = int(os.environ.get("FAULTS_SEED", random.SystemRandom().randrange(1 << 32)))


def kill_and_start(gateway):
    gateway.kill()
    gateway.start()


def test_gateway_and_postgres_killed_in_turn(gateways, echo_upstream, cluster, database):
    print(f"FAULTS_SEED={SEED}")
    rnd = random.Random(SEED)
    gateway = gateways(echo_upstream, pools=SHORT, workers=2)
    gateway.expect_error(".")
    ledger = Ledger(gateway)
    for _ in range(2):
        ledger.wait_more(rnd.randrange(20, 400))
        kill_and_start(gateway)
        ledger.wait_more(rnd.randrange(20, 400))
        cluster.kill()
        ledger.wait_more(rnd.randrange(20, 400))
        cluster.start()
    assert not ledger.stop().settle(database)
    all_stored(gateway)


def test_restarts_overlap_with_other_worker_counts(gateways, echo_upstream, database):
    """Three processes on one folder: the second has more workers and starts while the first
    runs, the third fewer; the first ends in order, the second is killed."""
    first = gateways(echo_upstream, pools=SHORT, workers=1)
    ledger = Ledger(first)
    ledger.wait_more(100)
    second = gateways(echo_upstream, pools=SHORT, workers=3,
                      usage={"journal_dir": first.journal})
    ledger.ports = [second.port]
    ledger.wait_more(100)
    first.terminate()
    assert first.wait_exit() == 0
    third = gateways(echo_upstream, pools=SHORT, workers=2,
                     usage={"journal_dir": first.journal})
    ledger.ports = [second.port, third.port]
    ledger.wait_more(100)
    second.kill()
    second.process = None
    ledger.ports = [third.port]
    ledger.wait_more(100)
    assert not ledger.stop().settle(database)
    all_stored(first)


def test_two_nodes_on_one_database(gateways, echo_upstream, database):
    """Each is killed while both write."""
    nodes = [gateways(echo_upstream, pools=SHORT, node=f"node-{n}") for n in range(2)]
    ledger = Ledger(nodes[0])
    ledger.ports = [node.port for node in nodes]
    for node in nodes:
        ledger.wait_more(150)
        kill_and_start(node)
    ledger.wait_more(150)
    assert not ledger.stop().settle(database)
    for node in nodes:
        all_stored(node)
    assert {r["node"] for r in database.query("SELECT DISTINCT node FROM token_usage_logs")} \
        == {"node-0", "node-1"}


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_twenty_kills_at_full_load(gateways, cluster, database, tmp_path):
    """FAULTS_ROUNDS (20) times, gateway and PostgreSQL in turn, while callers take all they get."""
    print(f"FAULTS_SEED={SEED}")
    rnd, rounds = random.Random(SEED), int(os.environ.get("FAULTS_ROUNDS", "20"))
    demo = subprocess.Popen([BINARY, "demo"], stdout=subprocess.PIPE, text=True)
    upstream = demo.stdout.readline().split()[1]
    gateway = gateways(route={"upstream": upstream}, pools=SHORT, workers=2)
    gateway.expect_error(".")
    connections, ids = 32, tmp_path / "ids"
    ids.touch()
    load = subprocess.Popen(
        [build("load/caller.c"), "--port", str(gateway.port), "--key", gateway.key,
         "--connections", str(connections), "--path", "/api/test/bytes/100", "--ids", str(ids)],
        stdout=subprocess.PIPE, text=True)
    try:
        for n in range(rounds):
            grown = ids.stat().st_size + rnd.randrange(1, 40) * 33 * 1000
            eventually(lambda more=grown: ids.stat().st_size > more, "calls go through", 60)
            if n % 2 == 0:
                kill_and_start(gateway)
            else:
                cluster.kill()
                cluster.start()
        load.terminate()
        figures = json.loads(load.communicate(timeout=30)[0])
    finally:
        load.kill()
        load.wait()
        demo.terminate()
        demo.wait()
        demo.stdout.close()
    completed = ids.read_text(encoding="ascii").split()
    assert len(completed) == len(set(completed)) == figures["completed"]
    lost = wait_stored(database, set(completed), patience_s=600)
    rows, distinct = database.query("SELECT count(*) AS rows, count(DISTINCT request_id) AS ids "
                                    "FROM token_usage_logs")[0].values()
    surplus = rows - len(completed)
    print(f"{rounds} kills, {len(completed)} calls completed, {rows} rows: {len(lost)} lost, "
          f"{rows - distinct} doubled, {surplus} of calls that broke off "
          f"({figures['broken']} did)")
    assert not lost and rows == distinct and surplus <= figures["broken"]
    verify(gateway)
    all_stored(gateway)
