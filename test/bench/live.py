"""The live feed while calls go on: what twenty readers cost callers, memory and the workers.

BENCH_LIVE_SECONDS (10; 120 is the full size) is the length of each of BENCH_PAIRS (5) pairs of windows, one
with readers and one without.
"""
import contextlib
import os
import re
import selectors
import statistics
import threading
import time
import types

from bench import save
from machine import describe
from processes import TICKS
from tg.api import Api, make_people
from tg.live import LiveReader
from usage_stage import PATH, RATE, Stage

SECONDS = int(os.environ.get("BENCH_LIVE_SECONDS", "10"))
PAIRS = int(os.environ.get("BENCH_PAIRS", "5"))
READERS, OF_ONE = 20, 4
CALLS = 30  # with PostgreSQL stopped
RATIO = 1.25
COUNT = re.compile(rb'event: dropped\ndata: {"count":(\d+)}')


class Readers:
    """Twenty that read whatever comes, on a thread of their own."""

    def __init__(self, here, keys):
        self.streams = [LiveReader(here, keys[n // OF_ONE]) for n in range(READERS)]
        self.rows = self.dropped = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        with selectors.DefaultSelector() as selector:
            for stream in self.streams:
                stream.sock.setblocking(False)
                selector.register(stream.sock, selectors.EVENT_READ)
            while not self._stop.is_set():
                for key, _ in selector.select(0.1):
                    data = key.fileobj.recv(1 << 20)
                    assert data, "a stream has ended"
                    self.rows += data.count(b"event: request\n")
                    self.dropped += sum(map(int, COUNT.findall(data)))

    def close(self):
        self._stop.set()
        self._thread.join()
        for stream in self.streams:
            stream.reset()


def worker_seconds(pid):
    """CPU time of the threads that serve calls."""
    spent = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat", encoding="latin-1") as f:
            name, _, rest = f.read().partition("(")[2].rpartition(")")
        if name.startswith("worker"):
            fields = rest.split()
            spent += (int(fields[11]) + int(fields[12])) / TICKS
    assert spent > 0
    return spent


def _window(stage):
    before = worker_seconds(stage.gateway.pid)
    seen = stage.window(SECONDS)
    seen["worker_us"] = (worker_seconds(stage.gateway.pid) - before) * 1e6 / (RATE * SECONDS)
    return seen


def without_postgresql(stage, here, key):
    """Seconds from a call's end to its event, the longest of some."""
    reader, longest = LiveReader(here, key), 0
    stage.cluster.stop("immediate")
    with stage.gateway.connect() as client:
        for _ in range(CALLS):
            request_id = client.call("GET", PATH).get("tollgate-request-id")
            ended = time.monotonic()
            while True:
                event = reader.event()
                if event.name == "request" and event.data["request_id"] == request_id:
                    break
            longest = max(longest, time.monotonic() - ended)
    reader.close()
    stage.cluster.start()
    return longest


def live(bench):
    """Twenty readers of the live feed: p99, memory, the workers' CPU time, what is dropped."""
    title = f"{READERS} readers of the live feed for {SECONDS} s"
    pairs, growth, rows, dropped = [], [], 0, 0
    with contextlib.ExitStack() as stack:
        stage = Stage(stack)
        stage.start_gateway()
        here = types.SimpleNamespace(gateway=stage.gateway, api=Api(stage.gateway))
        people = make_people(stage.database)
        keys = [people.add(f"watcher{n}", is_admin=True).key for n in range(READERS // OF_ONE)]
        stage.window(2)
        for n in range(PAIRS):
            pair = {}
            for which in ("with", "without") if n % 2 else ("without", "with"):
                if which == "without":
                    pair[which] = _window(stage)
                    continue
                before = stage.gateway.memory_kb("VmRSS")
                readers = Readers(here, keys)
                pair[which] = _window(stage)
                growth.append((stage.gateway.memory_kb("VmRSS") - before) / 1024)
                readers.close()
                rows, dropped = rows + readers.rows, dropped + readers.dropped
            pairs.append(pair)
        longest = without_postgresql(stage, here, keys[0])
    for pair in pairs:
        print(f"{title}: p99 {pair['with']['p99_ms']:.3f} ms, without {pair['without']['p99_ms']:.3f} ms; worker "
              f"{pair['with']['worker_us']:.1f} and {pair['without']['worker_us']:.1f} us a call")
    print(f"{title}: {rows} calls came, {dropped} were told as dropped")
    save("live", {"machine": describe(), "rate": RATE, "seconds": SECONDS, "pairs": pairs, "growth_mb": growth,
                  "without_postgresql_s": longest})

    def ratio(what):
        return statistics.median(p["with"][what] / p["without"][what] for p in pairs)
    return {f"{title}, {RATE} calls/s, p99 against without": (ratio("p99_ms"), "x", RATIO),
            "a call's event with PostgreSQL stopped, the longest": (longest, "s", 1),
            f"{title}, memory growth, max": (max(growth), "MB", 16),
            f"{title}, worker's CPU time a call, against without": (ratio("worker_us"), "x", None),
            f"{title}, told as dropped, of those that fit": (100 * dropped / (rows + dropped), "%", None)}
