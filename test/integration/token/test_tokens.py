"""Keys while the gateway runs: made, revoked, rotated by hand; PostgreSQL away; the snapshot."""
import os
import threading

import pytest

from tg.problems import UNKNOWN_FOREIGN, assert_problem
from tg.gateway import run_cli
from tg.openapi import CheckedApi
from tg.wait import eventually


def status(gateway, key):
    return gateway.call("GET", "/api/test/x", key=key).status


def test_new_key_works_on_the_next_call(gateways, echo_upstream):
    gateway = gateways(echo_upstream, workers=2)
    key = gateway.create_token("new", ["test"])["key"]
    eventually(lambda: status(gateway, key) == 200, "the new key works")


@pytest.mark.sanitizer
def test_revoked_key_is_refused_on_every_worker(gateways, echo_upstream):
    gateway = gateways(echo_upstream, workers=2)
    token = gateway.create_token("soon-gone", ["test"])
    eventually(lambda: status(gateway, token["key"]) == 200, "the new key works")
    clients = [gateway.connect(token["key"]) for _ in range(16)]  # spread over the workers
    for client in clients:
        assert client.call("GET", "/api/test/x").status == 200
    run_cli("token", "revoke", "--config", gateway.config_file, token["id"])
    for client in clients:
        eventually(lambda c=client: c.call("GET", "/api/test/x").status == 401, "refused")


def test_changes_by_hand_are_seen(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    key = gateway.create_token("by-hand", ["test"])["key"]
    eventually(lambda: status(gateway, key) == 200, "the new key works")
    database.query("UPDATE tokens SET scopes = '{other}' WHERE name = 'by-hand'")
    eventually(lambda: status(gateway, key) == 403, "the scope is gone")
    database.query("DELETE FROM tokens WHERE name = 'by-hand'")
    eventually(lambda: status(gateway, key) == 401, "the key is gone")


def test_listing_never_shows_a_key(gateway):
    token = gateway.create_token("shown-once", ["test"])
    done = run_cli("token", "list", "--config", gateway.config_file)
    assert "shown-once" in done.stdout
    assert token["key"] not in done.stdout and token["key"][:8] in done.stdout


def test_without_postgres_and_snapshot_nothing_can_be_judged(gateways, echo_upstream, cluster,
                                                             keys):
    gateway = gateways(echo_upstream, start=False)
    gateway.expect_error(".")
    cluster.stop()
    gateway.start(wait=False)
    eventually(lambda: gateway.get_status("/health") == 200, "it runs without PostgreSQL")
    gateway.fds_at_start = gateway.open_fds()
    assert gateway.get_status("/ready") == 503
    assert_problem(gateway.call("GET", "/api/test/x"), 503, "keys_unavailable")
    assert_problem(gateway.call("GET", "/api/test/x", key=UNKNOWN_FOREIGN), 503,
                   "keys_unavailable")
    assert gateway.call("GET", "/api/test/x", key="").status == 401
    own = CheckedApi(gateway).get("/api/self", headers=[("X-API-Key", keys["all"])])
    assert (own.status, own.json["code"]) == (503, "keys_unavailable")
    cluster.start()
    eventually(lambda: status(gateway, keys["all"]) == 200, "keys are judged")
    assert gateway.get_status("/ready") == 200


def test_snapshot_serves_known_keys_while_postgres_is_away(gateways, echo_upstream, cluster, keys,
                                                           tmp_path):
    state = str(tmp_path / "state")
    os.mkdir(state)
    first = gateways(echo_upstream, state_dir=state)
    assert status(first, keys["all"]) == 200
    first.terminate()
    assert first.wait_exit() == 0
    assert os.listdir(state) == ["tokens.snapshot"]
    for name in os.listdir(state):
        assert os.stat(os.path.join(state, name)).st_mode & 0o077 == 0
        with open(os.path.join(state, name), "rb") as f:
            assert keys["all"].encode() not in f.read()
    second = gateways(echo_upstream, start=False, state_dir=state)
    second.expect_error(".")
    cluster.stop()
    second.start(wait=False)
    eventually(lambda: second.get_status("/health") == 200, "it runs without PostgreSQL")
    second.fds_at_start = second.open_fds()
    assert status(second, keys["all"]) == 200
    assert_problem(second.call("GET", "/api/test/x", key=UNKNOWN_FOREIGN), 503,
                   "keys_unavailable")
    cluster.start()
    eventually(lambda: status(second, UNKNOWN_FOREIGN) == 401, "unknown keys are judged again")


def test_known_keys_are_served_through_an_outage(gateways, echo_upstream, cluster, keys):
    gateway = gateways(echo_upstream, tokens={"poll_s": 0.2})
    gateway.expect_error(".")
    cluster.stop("immediate")
    eventually(lambda: status(gateway, UNKNOWN_FOREIGN) == 503, "the table is stale")
    assert status(gateway, keys["all"]) == 200
    cluster.start()
    eventually(lambda: status(gateway, UNKNOWN_FOREIGN) == 401, "the table is fresh")


def test_a_table_that_is_too_stale_serves_nobody(gateways, echo_upstream, cluster, keys):
    gateway = gateways(echo_upstream, tokens={"poll_s": 0.2, "max_stale_s": 1})
    gateway.expect_error(".")
    cluster.stop("immediate")
    eventually(lambda: status(gateway, keys["all"]) == 503, "the table is too stale")
    assert gateway.get_status("/ready") == 503
    cluster.start()
    eventually(lambda: status(gateway, keys["all"]) == 200, "the table is fresh")


def test_changes_during_an_outage_are_caught_up(gateways, echo_upstream, cluster, database, keys):
    gateway = gateways(echo_upstream)
    gateway.expect_error(".")
    database.query("ALTER DATABASE %s CONNECTION LIMIT 0" % database.name)
    database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                   "WHERE datname = current_database() AND pid <> pg_backend_pid()")
    database.query("UPDATE tokens SET revoked_at = now() WHERE name = 'test'")
    database.query("ALTER DATABASE %s CONNECTION LIMIT -1" % database.name)
    eventually(lambda: status(gateway, keys["test"]) == 401, "the revocation is seen")


@pytest.mark.sanitizer
def test_table_changes_while_it_is_read(gateways, echo_upstream, database, keys):
    gateway = gateways(echo_upstream, workers=2)
    done, faults = threading.Event(), []

    def load():
        try:
            with gateway.connect(keys["all"]) as client:
                while not done.is_set():
                    assert client.call("GET", "/api/test/x").status == 200
        except AssertionError as e:
            faults.append(e)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        database.query("UPDATE tokens SET scopes = scopes || '{more}' WHERE name = 'test'")
    done.set()
    for thread in threads:
        thread.join()
    assert not faults
