"""A million calls as a file: how long, in how much memory, and what else the manager does meanwhile.

BENCH_EXPORT (1000000) is how many calls there are. Three readers: one who takes all at once, and the two that are let in of 50 who
come at the same moment, while a token is disabled and enabled again.
"""
import concurrent.futures
import os
import statistics
import subprocess
import time

from bench import make_database
from tg.api import People
from tg.gateway import BINARY, Gateway, environment
from tg.postgres import Cluster
from tg.wire import Client

COUNT = int(os.environ.get("BENCH_EXPORT", "1000000"))
AT_ONCE, CHANGES = 50, 20
MEMORY_BAR_MB, CHANGE_BAR_MS = 16, 100
SETTINGS = {"shared_buffers": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 22}MB",
            "autovacuum": "on", "max_wal_size": "8GB"}


class Manager:
    def __init__(self, gateway, key):
        self.port, self.key, self.host = gateway.manager_port, key, f"127.0.0.1:{gateway.manager_port}"

    def begin(self, client, method, path):
        client.send_request(method, path, {"Authorization": f"Bearer {self.key}"},
                            host=self.host)
        return client.read_response_head()

    def call_ms(self, method, path):
        with Client("127.0.0.1", self.port) as client:
            at = time.perf_counter()
            client.call(method, path, {"Authorization": f"Bearer {self.key}"}, host=self.host)
            return (time.perf_counter() - at) * 1000

    def export(self, form):
        """(status, lines, bytes) of one reader's."""
        with Client("127.0.0.1", self.port) as client:
            said = self.begin(client, "GET", f"/api/usage/logs?from=2020-01-01&format={form}")
            if said.status != 200:
                return said.status, 0, 0
            lines = size = 0
            while chunk := client.read_chunk():
                lines += chunk.count(b"\n")
                size += len(chunk)
            return said.status, lines, size


def grown_mb(gateway, before):
    return max(0, gateway.memory_kb() - before) / 1024


def measure(gateway, manager, token):
    figures = {}
    title = f"{COUNT:,} calls as a file"
    # Before: what is loaded once is no growth.
    manager.call_ms("GET", "/api/usage/logs?from=2020-01-01")
    manager.call_ms("POST", f"/api/tokens/{token}/enable")
    for form in ("csv", "ndjson"):
        before = gateway.memory_kb("VmRSS")
        gateway.reset_memory_peak()
        at = time.perf_counter()
        status, lines, size = manager.export(form)
        took = time.perf_counter() - at
        assert status == 200 and lines == COUNT + (form == "csv"), (status, lines)
        print(f"{form}: {size / 1e6:.0f} MB in {took:.1f} s")
        figures[f"{title}, {form}"] = (took, "s", None)
        figures[f"{title}, {form}: memory"] = (grown_mb(gateway, before), "MB", MEMORY_BAR_MB)
    before = gateway.memory_kb("VmRSS")
    gateway.reset_memory_peak()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        readers = [pool.submit(manager.export, "csv") for _ in range(AT_ONCE)]
        while sum(r.done() for r in readers) < AT_ONCE - 2:
            time.sleep(0.01)
        changes = [manager.call_ms("POST", f"/api/tokens/{token}/{('disable', 'enable')[n % 2]}") for n in range(CHANGES)]
        assert not all(r.done() for r in readers), "they ended before the changes did"
        statuses = [r.result()[0] for r in readers]
    assert statuses.count(200) == 2 and statuses.count(503) == AT_ONCE - 2, statuses
    figures[f"{AT_ONCE} at once: memory"] = (grown_mb(gateway, before), "MB", MEMORY_BAR_MB)
    figures[f"{AT_ONCE} at once: a token disabled meanwhile, median"] = (statistics.median(changes), "ms", None)
    figures[f"{AT_ONCE} at once: a token disabled meanwhile, max"] = (max(changes), "ms", CHANGE_BAR_MS)
    return figures


def export(bench):
    cluster = Cluster(**SETTINGS)
    try:
        database, config, _ = make_database(cluster, bench.folder)
        people = People(database)
        subprocess.run([BINARY, "usage", "generate", "--config", config, "--calls", str(COUNT), "--days", "10", "--tokens", "100",
                        "--yes"], check=True, env=environment(), stdout=subprocess.DEVNULL)
        database.query("VACUUM ANALYZE token_usage_logs")
        folder = os.path.join(bench.folder, "export")
        os.mkdir(folder)
        gateway = Gateway(folder, database, [{"name": "test", "path": "/api/test", "upstream": bench.demo}]).start()
        try:
            return measure(gateway, Manager(gateway, people.admin.key), people.tokens["one"][0].id)
        finally:
            gateway.kill()
    finally:
        cluster.remove()
