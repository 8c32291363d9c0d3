"""The figures that Tollgate promises, measured on loopback: a table, and build/bench.json.

Usage: run.py [NAME...] (all without names). Exit status 1 if a figure is over its bar.
"""
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

from tg.gateway import BINARY, ROOT, Gateway, make_token, run_cli  # noqa: E402
from tg.postgres import Cluster  # noqa: E402
from tg.sender import MB, download, upload, upload_framings  # noqa: E402
from tg.upstream import Upstream  # noqa: E402
from tg.wait import eventually  # noqa: E402

UPLOAD, DOWNLOAD = 200 * MB, 500 * MB
REQUESTS = 2000
ROUNDS = 10


class Bench:
    """What measurements share: PostgreSQL, a database with a token, the demo upstream."""

    def __init__(self, stack):
        self.folder = stack.enter_context(tempfile.TemporaryDirectory())
        self.cluster = Cluster()
        stack.callback(self.cluster.remove)
        self.database = self.cluster.create_database()
        self.config = os.path.join(self.folder, "setup.json")
        with open(self.config, "w", encoding="utf-8") as f:
            json.dump({"database": self.database.url, "routes": [
                {"name": "test", "path": "/api/test", "upstream": "http://127.0.0.1:1"}]}, f)
        run_cli("migrate", "--config", self.config)
        self.key = make_token(self.config, "bench", ["*"])["key"]
        demo = subprocess.Popen([BINARY, "demo"], stdout=subprocess.PIPE, text=True)
        stack.callback(demo.wait)
        stack.callback(demo.terminate)
        self.demo = re.match(r"demo (\S+)", demo.stdout.readline()).group(1)

    @contextlib.contextmanager
    def gateway(self, upstream, **settings):
        folder = tempfile.mkdtemp(dir=self.folder)
        routes = [{"name": "test", "path": "/api/test", "upstream": upstream}]
        gateway = Gateway(folder, self.database, routes, **settings)
        gateway.key = self.key
        gateway.start()
        try:
            yield gateway
            gateway.judge()
        finally:
            if gateway.process.poll() is None:
                gateway.kill()


def sse_lag(bench):
    """20 events 50 ms apart: the upstream's send to the caller's receive, at worst."""
    lags = []
    with bench.gateway(bench.demo) as gateway, gateway.connect() as client:
        client.send_request("GET", "/api/test/stream?events=20&interval_ms=50")
        assert client.read_response_head().status == 200
        while chunk := client.read_chunk():
            now = time.time() * 1000
            for sent in re.findall(rb'"sent_us": (\d+)', chunk):
                lags.append(now - int(sent) / 1000)
    assert len(lags) == 20, f"{len(lags)} events"
    return {"SSE event, send to receive, max": (max(lags), "ms", 20)}


def memory(bench):
    """Peak memory over what it was before, while one side is much slower than the other."""
    figures = {}
    upstream = Upstream()
    with bench.gateway(upstream.url) as gateway:
        for name, how in upload_framings(UPLOAD).items():
            before = reset(gateway)
            with gateway.connect() as client:
                upload(client, upstream, UPLOAD, *how)
            figures[f"200 MB upload, {name}, memory growth"] = growth(gateway, before)
            close_all(upstream)
        for name in ("length", "chunked", "eof"):
            before = reset(gateway)
            with gateway.connect(receive_buffer=65536) as client:
                download(client, upstream, DOWNLOAD, name)
            figures[f"500 MB download, {name}, memory growth"] = growth(gateway, before)
            close_all(upstream)
    upstream.close()
    return figures


def reset(gateway):
    gateway.reset_memory_peak()
    return gateway.memory_kb()


def growth(gateway, before):
    return ((gateway.memory_kb() - before) / 1024, "MB", 16)


def close_all(upstream):
    for conn in upstream.conns:
        conn.close()
    upstream.conns.clear()


def worker_threads(pid):
    threads = []
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8") as f:
            if f.read().startswith("worker"):
                threads.append(int(tid))
    return threads


def syscalls(bench):
    """System calls of the worker for a GET on a kept connection, recording on."""
    log = os.path.join(bench.folder, "strace")
    with bench.gateway(bench.demo) as gateway, gateway.connect() as client:
        for _ in range(50):
            client.call("GET", "/api/test/bytes/100")
        tid, = worker_threads(gateway.pid)
        strace = subprocess.Popen(["strace", "-c", "-o", log, "-p", str(tid)],
                                  stderr=subprocess.PIPE, text=True)
        strace.stderr.readline()  # "attached"
        for _ in range(REQUESTS):
            client.call("GET", "/api/test/bytes/100")
        strace.send_signal(2)
        strace.wait()
        recorded = bench.database.value
        eventually(lambda: recorded("SELECT count(*) FROM token_usage_logs") >= REQUESTS,
                   "rows are written")
    with open(log, encoding="utf-8") as f:
        table = f.read()
    calls = {m[1]: int(m[0]) for m in
             re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", table, re.M)}
    calls.pop("total", None)
    figure = sum(calls.values()) / REQUESTS
    detail = ", ".join(f"{name} {n / REQUESTS:.2f}" for name, n in
                       sorted(calls.items(), key=lambda item: -item[1]))
    return {"system calls per proxied request": (figure, f"({detail})", 9)}


def revocation(bench):
    """From the revoking transaction's commit until every worker refuses the key."""
    worst = []
    with bench.gateway(bench.demo, workers=4) as gateway:
        for n in range(ROUNDS):
            token = make_token(bench.config, f"revoked-{n}", ["*"])
            clients = [gateway.connect(token["key"]) for _ in range(32)]
            for client in clients:
                eventually(lambda c=client: c.call("GET", "/api/test/bytes/1").status == 200,
                           "the key works")
            bench.database.query("UPDATE tokens SET revoked_at = now() WHERE id = %s",
                                 (token["id"],))
            at = time.monotonic()
            waiting = clients
            while waiting:
                waiting = [c for c in waiting if c.call("GET", "/api/test/bytes/1").status != 401]
            worst.append((time.monotonic() - at) * 1000)
            gateway.close_clients()
    return {"revocation on every worker, max": (max(worst), "ms", 100),
            "revocation on every worker, median": (statistics.median(worst), "ms", 100)}


def row_delay(bench):
    """From the answer's last byte until the row can be read."""
    delays = []
    with bench.gateway(bench.demo) as gateway:
        count = "SELECT count(*) FROM token_usage_logs"
        for _ in range(ROUNDS):
            before = bench.database.value(count)
            gateway.call("GET", "/api/test/bytes/1")
            at = time.monotonic()
            eventually(lambda n=before: bench.database.value(count) > n, "the row")
            delays.append((time.monotonic() - at) * 1000)
    return {"row readable after the answer, max": (max(delays), "ms", 1000)}


def added_latency(bench):
    """Median of a GET through the gateway, less the median straight to the upstream."""
    from tg.wire import Client

    def median(client, target):
        times = []
        for _ in range(REQUESTS):
            at = time.perf_counter()
            client.call("GET", target)
            times.append((time.perf_counter() - at) * 1000)
        return statistics.median(times)

    host, port = bench.demo.rsplit("/", 1)[1].split(":")
    with Client(host, int(port)) as direct:
        straight = median(direct, "/bytes/100")
    with bench.gateway(bench.demo) as gateway, gateway.connect() as client:
        through = median(client, "/api/test/bytes/100")
    return {"added latency of a small GET, median": (through - straight, "ms", None)}


MEASUREMENTS = [sse_lag, memory, syscalls, revocation, row_delay, added_latency]


def main(names):
    unknown = set(names) - {m.__name__ for m in MEASUREMENTS}
    if unknown:
        sys.exit(f"no such measurement: {', '.join(sorted(unknown))}")
    figures = {}
    with contextlib.ExitStack() as stack:
        bench = Bench(stack)
        for measure in MEASUREMENTS:
            if not names or measure.__name__ in names:
                figures.update(measure(bench))
    over = False
    for name, (value, unit, bar) in figures.items():
        is_over = bar is not None and value > bar
        over |= is_over
        print(f"{name:45} {value:10.2f} {'' if bar is None else f'<= {bar}':8} "
              f"{'OVER' if is_over else 'ok' if bar is not None else ''}  {unit}")
    result = os.path.join(ROOT, "build", "bench.json")
    with open(result, "w", encoding="utf-8") as f:
        json.dump({name: {"value": value, "unit": unit, "bar": bar}
                   for name, (value, unit, bar) in figures.items()}, f, indent=2)
    print(f"written to {os.path.relpath(result)}")
    sys.exit(1 if over else 0)


main(sys.argv[1:])
