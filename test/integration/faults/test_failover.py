"""The primary goes and a standby takes over, under load: planned, by kill -9, with and without
synchronous replication. Full sizes in make check-full."""
import os
import re
import time

import pytest

from tg.gateway import SANITIZED, make_token, run_cli
from tg.ledger import Ledger, verify, wait_stored
from tg.ports import free_port
from tg.postgres import Cluster, Database
from tg.standby import Standby
from tg.wait import eventually

FULL = os.environ.get("TOLLGATE_TEST_FULL") == "1"
CALLS = 3000 if FULL else 150
SHORT = {"idle_s": 0.2}


class Servers:
    """A primary, at most one standby, and an address that lists both."""

    def __init__(self, folder):
        self.primary = Cluster(synchronous_commit="on")
        self.name = self.primary.create_database().name
        self.ports = [self.primary.port, free_port()]
        self.standby, self.all = None, [self.primary]
        config = folder / "servers.json"
        config.write_text('{"database": "%s", "routes": [{"name": "test", "path": "/api/test", '
                          '"upstream": "http://127.0.0.1:1"}]}' % self.primary.url(self.name))
        run_cli("migrate", "--config", config)
        self.key = make_token(str(config), "all", ["*"])["key"]

    @property
    def url(self):
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"postgresql://postgres@{hosts}/{self.name}?target_session_attrs=read-write"

    @property
    def database(self):
        return Database(self.primary, self.name)

    def add_standby(self, synchronous):
        port = next(p for p in self.ports if p != self.primary.port)
        self.standby = Standby(self.primary, port)
        self.all.append(self.standby)
        if synchronous:
            self.set(self.primary, "synchronous_standby_names", "*")
            eventually(lambda: self.database.query("SELECT 1 FROM pg_stat_replication WHERE "
                                                   "sync_state = 'sync'"), "the standby is synchronous")

    @staticmethod
    def set(server, name, value):
        server.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        server.execute("SELECT pg_reload_conf()")

    def cut_off(self):
        """The standby hears nothing more."""
        self.set(self.standby, "primary_conninfo", "")
        eventually(lambda: not self.database.query("SELECT 1 FROM pg_stat_replication"), "it hears nothing")

    def take_over(self):
        """The standby becomes the primary; returns when it takes writes."""
        with open(os.path.join(self.standby.data, "postgresql.auto.conf"), "a", encoding="utf-8") as f:
            f.write("synchronous_standby_names = ''\n")
        self.standby.promote()
        self.primary, self.standby = self.standby, None
        self.primary.execute("SELECT pg_reload_conf()")
        eventually(lambda: not self.database.value("SELECT pg_is_in_recovery()"), "it takes writes")

    def remove(self):
        for server in self.all:
            server.remove()


@pytest.fixture
def servers(tmp_path):
    servers = Servers(tmp_path)
    yield servers
    servers.remove()


def serve(gateways, upstream, servers):
    gateway = gateways(upstream, pools=SHORT, start=False)
    gateway.settings["database"] = servers.url
    gateway.write_config()
    gateway.key, gateway.database = servers.key, servers.database
    return gateway


def goes_on(gateway, servers, ledger, expect_rows=1):
    """Rows come into the new primary; how long that took from now on."""
    gateway.database = servers.database
    began = time.monotonic()
    before = servers.database.value("SELECT count(*) FROM token_usage_logs")
    eventually(lambda: servers.database.value("SELECT count(*) FROM token_usage_logs")
               >= before + expect_rows, "recording goes on", patience_s=40)
    took = time.monotonic() - began
    print(f"recording on the new primary after {took:.1f} s")
    assert SANITIZED or not FULL or took <= 10
    ledger.wait_more(CALLS)


def sessions(server, like):
    return server.query("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE %s", (like,))


def test_nothing_is_lost_with_a_synchronous_standby(gateways, echo_upstream, servers):
    """The primary is fenced off, as in a planned switch; in the full run it is then killed, twice."""
    servers.add_standby(synchronous=True)
    gateway = serve(gateways, echo_upstream, servers)
    gateway.expect_error(".")
    gateway.start()
    ledger = Ledger(gateway)
    ledger.wait_more(CALLS)
    # It goes on, and takes no writes any more: sessions that are open there are no good (25006).
    old = servers.database
    servers.set(servers.primary, "default_transaction_read_only", "on")
    ledger.wait_more(CALLS)
    servers.take_over()
    goes_on(gateway, servers, ledger)
    for name in ("tollgate recorder%", "tollgate sync%", "tollgate upkeep%"):
        eventually(lambda name=name: not sessions(old, name), f"{name} has left the old primary")
    for _ in range(2 if FULL else 0):
        # What was there before comes back as its standby.
        servers.all[-2].remove()
        servers.add_standby(synchronous=True)
        ledger.wait_more(CALLS)
        servers.primary.kill()
        ledger.wait_more(CALLS)
        servers.take_over()
        goes_on(gateway, servers, ledger)
    assert not ledger.stop().settle(servers.database)
    assert servers.database.value("SELECT count(*) FROM usage_gaps") == 0
    gateway.fds_at_start = gateway.open_fds()


@pytest.mark.parametrize("from_the_start", [
    False, pytest.param(True, marks=pytest.mark.full)])
def test_what_a_standby_had_not_heard_of_is_counted(gateways, echo_upstream, servers, from_the_start):
    servers.add_standby(synchronous=False)
    gateway = serve(gateways, echo_upstream, servers)
    gateway.expect_error("the database was set back")
    if from_the_start:
        servers.cut_off()
    gateway.start()
    ledger = Ledger(gateway)
    ledger.wait_more(CALLS)
    if not from_the_start:
        servers.cut_off()
    ledger.wait_more(CALLS)
    ledger.stop()
    completed = ledger.completed
    old = servers.database
    eventually(lambda: old.value("SELECT count(*) FROM token_usage_logs") >= len(completed), "all are stored")
    stored = {r["request_id"]: r["used_at"] for r in
              old.query("SELECT request_id, used_at FROM token_usage_logs")}
    servers.primary.kill()
    servers.take_over()
    gateway.database = servers.database
    ledger = Ledger(gateway)
    ledger.wait_more(CALLS)
    assert not wait_stored(servers.database, ledger.stop().completed)
    rows = [r["request_id"] for r in servers.database.query("SELECT request_id FROM token_usage_logs")]
    assert len(rows) == len(set(rows)), "no call has two rows"
    verify(gateway)
    lost = [stored[request] for request in stored.keys() - set(rows)]
    assert lost
    gaps = eventually(lambda: servers.database.query(
        "SELECT sum(dropped) AS n, min(lost_from) AS since, max(lost_to) AS until, max(reason) AS reason "
        "FROM usage_gaps HAVING count(*) > 0"), "what is gone is counted")[0]
    assert (gaps["n"], gaps["reason"]) == (len(lost), "database set back")
    assert (gaps["since"], gaps["until"]) == (min(lost), max(lost))
    eventually(lambda: re.search(
        rf"set back.* {len(lost)} events from 20\S+Z to 20\S+Z that were stored are gone", gateway.log()), "it is told")
    gateway.fds_at_start = gateway.open_fds()
