"""Callers that keep a ledger of the answers they had in full, to be compared with the rows."""
import math
import os
import threading
import time

import psycopg2

from tg.chaos import REFUSED
from tg.gateway import run_cli
from tg.wait import eventually
from tg.wire import Client


class Ledger:
    """Threads that call GET /api/test/x until stopped; ports may come and go meanwhile."""

    def __init__(self, gateway, callers=4):
        self.ports, self.key = [gateway.port], gateway.key
        self.gateway = gateway
        self.callers = callers
        self._stop = threading.Event()
        self._completed = [[] for _ in range(callers)]
        # Calls without a whole answer: the gateway was killed, or not there.
        self._broken = [0] * callers
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True)
                         for n in range(callers)]
        for thread in self._threads:
            thread.start()

    def _run(self, n):
        turn = n
        while not self._stop.is_set():
            ports = list(self.ports)
            turn += 1
            try:
                with Client("127.0.0.1", ports[turn % len(ports)], self.key) as client:
                    while not self._stop.is_set() and ports == self.ports:
                        if not self._call(n, client):
                            break
            except OSError:
                self._stop.wait(0.01)

    def _call(self, n, client):
        try:
            answer = client.call("GET", "/api/test/x")
        except REFUSED:
            self._broken[n] += 1
            return False
        assert answer.status == 200, answer.status
        self._completed[n].append((answer.get("Tollgate-Request-Id"), time.monotonic()))
        return answer.get("Connection") != "close"

    def count(self):
        return sum(map(len, self._completed))

    def wait_more(self, calls, what="calls go through"):
        at = self.count()
        eventually(lambda: self.count() >= at + calls, what, patience_s=60)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
        return self

    @property
    def completed(self):
        return {i for calls in self._completed for i, _ in calls}

    def appended_by(self):
        """{request id: monotonic seconds by which one worker has appended its event}: a caller has its answer a moment
        before that, and the next one a moment after. That of the last call is not known: infinity."""
        return {i: at for calls in self._completed
                for (i, _), (_, at) in zip(calls, calls[1:] + [(None, math.inf)])}

    @property
    def broken(self):
        return sum(self._broken)

    def settle(self, database, lost=frozenset()):
        """Every completed call has exactly one row, but for those that may be lost; no call has
        two; and the statistics say what the rows say. Returns the calls that are lost."""
        completed = self.completed
        assert len(completed) == self.count(), "request ids are unique"
        wait_stored(database, completed - lost)
        rows = [r["request_id"] for r in database.query("SELECT request_id FROM token_usage_logs")]
        assert len(rows) == len(set(rows)), "no call has two rows"
        surplus = len(set(rows) - completed)
        assert surplus <= self.broken, f"{surplus} rows of {self.broken} calls that broke off"
        assert database.value("SELECT count(*) FROM usage_bad_rows") == 0
        verify(self.gateway)
        return completed - set(rows)


def wait_stored(database, calls, patience_s=60):
    """Until each of the calls has a row. Those that have none are named: an id tells its time."""
    missing = calls

    def all_there():
        nonlocal missing
        try:
            if database.value("SELECT count(*) FROM token_usage_logs") < len(calls):
                return False
            missing = calls - {r["request_id"] for r in database.query("SELECT request_id FROM token_usage_logs")}
        except psycopg2.OperationalError:
            return False
        return not missing

    try:
        eventually(all_there, f"{len(calls)} completed calls have a row", patience_s)
    except AssertionError:
        missing = calls - {r["request_id"] for r in database.query("SELECT request_id FROM token_usage_logs")}
        raise AssertionError(f"{len(missing)} of {len(calls)} completed calls have no row, from {min(missing, default=None)} "
                             f"to {max(missing, default=None)}") from None
    return missing


def verify(gateway):
    """The statistics are what a recount of the rows finds."""
    done = run_cli("usage", "verify", "--database", gateway.database.url, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def groups(gateway):
    """Lane groups in the folder of the gateway's journal."""
    return [name for name in os.listdir(gateway.journal) if not name.startswith(".")]


def all_stored(gateway):
    """What dead processes have left is stored and gone."""
    eventually(lambda: len(groups(gateway)) == 1, "only the running process has a group",
               patience_s=40)
