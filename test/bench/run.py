"""The figures that Tollgate promises, measured on loopback: a table, and build/bench/figures.json.

Usage: run.py [NAME...] (all without names). Exit status 1 if a figure is over its bar. "counts"
also prints what belongs into limits.json, by which test_counts.py judges.
"""
import contextlib
import json
import re
import statistics
import sys
import time

from bench import Bench, load, save
from export import export
from feed import feed
from idle import idle_memory
from live import live
from machine import describe
from pages import pages
from peers import peers
from questions import questions
from rates import rates
from reach import dead_address
from readers import readers
from tg.counts import (ROUTE, SCENARIOS, UNDER_CALLGRIND, count_instructions, system_calls,
                       trace)
from tg.gateway import make_token
from tg.sender import MB, Sender, download, upload, upload_framings
from tg.upstream import Upstream
from tg.wait import eventually
from tg.wire import Client
from tokens import tokens
from usage import append, backlog, busy_disk, outage

UPLOAD, DOWNLOAD = 200 * MB, 500 * MB
REQUESTS = 2000
COUNTED = 300
ROUNDS = 10


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


def counts(bench):
    """What a request costs the worker, recording on: system calls, instructions, allocations."""
    limits = {name: {} for name in SCENARIOS}
    with bench.gateway(bench.demo, ROUTE) as gateway:
        for name, scenario in SCENARIOS.items():
            calls = system_calls(gateway, scenario, COUNTED)
            limits[name]["system_calls"] = round(sum(calls.values()), 2)
            print(f"{scenario.title}: " + ", ".join(
                f"{call} {n:.2f}" for call, n in sorted(calls.items(), key=lambda c: -c[1])))
    with bench.gateway(bench.demo, ROUTE, wrapper=UNDER_CALLGRIND) as gateway:
        for name, scenario in SCENARIOS.items():
            instructions, allocations = count_instructions(gateway, scenario, COUNTED)
            limits[name]["instructions"] = round(instructions)
            limits[name]["allocations"] = round(allocations, 2)
    print(json.dumps(limits, indent=2))
    bars = {("keep_alive_get", "instructions"): 55000, ("keep_alive_get", "system_calls"): 9}
    return {f"{SCENARIOS[name].title}, {what.replace('_', ' ')}":
            (value, "", bars.get((name, what)))
            for name, of in limits.items() for what, value in of.items()}


def download_calls(bench):
    """System calls of the worker for 100 MB to a client that reads as fast as it can."""
    upstream = Upstream()
    with bench.gateway(upstream.url) as gateway, gateway.connect() as client:
        def work():
            client.send_request("GET", "/api/test/x")
            conn = upstream.accept()
            conn.read_request()
            conn.send_head(headers={"Content-Length": str(100 * MB)})
            sender = Sender(conn, 100 * MB)
            assert client.read_response_head().status == 200
            client.read_exact(100 * MB)
            sender.join()
        calls = trace(gateway, work)
    upstream.close()
    return {"100 MB download, system calls": (sum(calls.values()), "", 7000)}


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


MEASUREMENTS = [counts, download_calls, idle_memory, sse_lag, memory, revocation, row_delay,
                added_latency, dead_address, append, outage, busy_disk, backlog, live, questions, readers, pages,
                feed, tokens, export, rates, peers]


def with_earlier(figures):
    """With what the last run of each other measurement has found."""
    earlier = load("figures").get("figures", {})
    every = {**earlier, **figures}
    return {m.__name__: every[m.__name__] for m in MEASUREMENTS if m.__name__ in every}


def keep(figures):
    save("figures", {"machine": describe(), "figures": with_earlier({
        measure: {name: {"value": value, "unit": unit, "bar": bar}
                  for name, (value, unit, bar) in of.items()}
        for measure, of in figures.items()})})


def main(names):
    unknown = set(names) - {m.__name__ for m in MEASUREMENTS}
    if unknown:
        sys.exit(f"no such measurement: {', '.join(sorted(unknown))}")
    figures = {}
    with contextlib.ExitStack() as stack:
        bench = Bench(stack)
        for measure in MEASUREMENTS:
            if not names or measure.__name__ in names:
                figures[measure.__name__] = measure(bench)
                keep(figures)  # each by itself: a later one may fail
    over = False
    for name, (value, unit, bar) in (item for of in figures.values() for item in of.items()):
        is_over = bar is not None and value > bar
        over |= is_over
        print(f"{name:52} {value:10.2f} {'' if bar is None else f'<= {bar}':8} "
              f"{'OVER' if is_over else 'ok' if bar is not None else ''}  {unit}")
    sys.exit(1 if over else 0)


main(sys.argv[1:])
