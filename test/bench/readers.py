"""How long single questions take over HTTP while eight people ask one after the other without a pause, of a large load.

BENCH_CALLS, BENCH_RAW_DAYS and BENCH_DATABASES are as for `questions`, whose large load is asked; cells are in
PostgreSQL's memory. An admin asks for series, rankings, costs and rows of any range, of all tokens. Those who ask have the
same cores as who answers.
"""
import collections
import concurrent.futures
import os
import random
import time
from urllib.parse import urlencode

from large import large_load
from questions import DAYS, QUARTER, READERS, a_range, p95, tell_slowest
from tg.wire import Client

QUESTIONS = 75  # of each reader; as many before, which are not counted
BAR_MS = 100


def asked(rng, end):
    """(kind, path with its query)"""
    low, high = a_range(rng, end, DAYS - 1)
    kind = rng.choice(["series", "top", "cost", "logs"])
    query = {"from": low.isoformat() + "Z", "to": high.isoformat() + "Z"}
    if kind == "series":
        query["step"] = rng.choice([name for name, quarters in (("15m", 1), ("1h", 4), ("6h", 24), ("1d", 96))
                                    if (high - low) / QUARTER / quarters <= 290])
    elif kind == "top":
        query["of"], query["by"] = rng.choice(["tokens", "routes"]), rng.choice(["calls", "errors", "time", "cost"])
    elif kind == "logs":
        query.update(rng.choice([{}, {}, {"class": "5xx"}, {"min_ms": 2000}, {"method": "POST"}]))
    return kind, f"/api/usage/{kind}?{urlencode(query)}"


def reader(port, key, end, seed):
    """[(kind, ms, path)]"""
    rng = random.Random(seed)
    timed = []
    with Client("127.0.0.1", port) as client:
        for n in range(2 * QUESTIONS):
            kind, path = asked(rng, end)
            at = time.perf_counter()
            said = client.call("GET", path, {"Authorization": f"Bearer {key}"}, host=f"127.0.0.1:{port}")
            took = (time.perf_counter() - at) * 1000
            assert said.status == 200, (path, said.status, said.body[:300])
            if n >= QUESTIONS:
                timed.append((kind, took, path))
    return timed


def measure(port, key, load):
    with concurrent.futures.ProcessPoolExecutor(READERS) as at_once:
        timed = [one for done in [at_once.submit(reader, port, key, load.end, seed) for seed in range(READERS)]
                 for one in done.result()]
    of = collections.defaultdict(list)
    for kind, took, _ in timed:
        of[kind].append(took)
    print(f"{READERS} readers on {os.cpu_count()} cores: " + ", ".join(f"{kind} p95 {p95(times):.0f} ms" for kind, times in sorted(of.items())))
    tell_slowest(load, [(took, path) for _, took, path in timed])
    return {f"single questions over HTTP, {READERS} readers at once, p95": (p95([took for _, took, _ in timed]), "ms", BAR_MS)}


def readers(bench):
    with large_load(bench, "read") as (load, gateway, key):
        return measure(gateway.manager_port, key, load)
