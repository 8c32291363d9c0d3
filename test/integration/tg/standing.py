"""A gateway with its upstream and database that ordinary tests share, one after the other.

To start and to end a gateway with its five sessions costs more than most tests do in between. What a
test leaves behind is told apart: rows by their time, the log by its length; connections are closed.
"""
import os
import shutil

from tg.gateway import Gateway
from tg.upstream import Upstream
from tg.wait import eventually

ORDINARY = {"name": "test", "path": "/api/test", "scope": "test"}


class Standing:
    def __init__(self, folder, cluster, template):
        self.folder, self.cluster, self.template = folder, cluster, template
        self.gateway = None
        self._count = 0

    def begin(self):
        """The gateway, running, as a test may expect a new one to be."""
        if self.gateway is not None and self._stops != self.cluster.stops:
            self.discard()
        if self.gateway is None:
            self._start()
        self.gateway.expected_errors.clear()
        self.gateway.may_keep = 0
        self.gateway.log_from = os.path.getsize(self.gateway.log_file)
        self.database.since = self.database.value("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        return self

    def _start(self):
        if not self.cluster.is_running():
            self.cluster.start()
        self._stops = self.cluster.stops
        self._count += 1
        folder = os.path.join(self.folder, f"gateway{self._count}")
        os.mkdir(folder)
        self.upstream = Upstream()
        self.database = self.cluster.create_database(self.template[0])
        self.gateway = Gateway(folder, self.database, [{**ORDINARY, "upstream": self.upstream.url}])
        self.gateway.key = self.template[1]["all"]
        self.gateway.start()

    def end(self):
        """After a test: all is given back. Raises, and starts anew for the next, where it is not."""
        try:
            # Clients first: what they asked for would be asked for again where an upstream leaves.
            self.gateway.close_clients()
            eventually(lambda: self.gateway.open_connections() == 0, "the gateway has left its clients")
            self.upstream.clear()
            self.gateway.judge_running()
        except BaseException:
            self.discard()
            raise

    def discard(self):
        if self.gateway is None:
            return
        gateway, self.gateway = self.gateway, None
        gateway.close_clients()
        if gateway.process.poll() is None:
            gateway.kill()
        self.upstream.close()
        self.database.drop()

    def finish(self):
        """At the end of all tests: it ends well, too."""
        if self.gateway is None or self._stops != self.cluster.stops:
            self.discard()
            return
        gateway = self.gateway
        try:
            gateway.judge()
        finally:
            self.discard()
            shutil.rmtree(gateway.folder, ignore_errors=True)
