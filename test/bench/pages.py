"""How long /usage-analytics takes in a browser that has seen nothing yet, of a large load.

BENCH_CALLS, BENCH_RAW_DAYS and BENCH_DATABASES are as for `questions`, whose large load is looked at; cells are in
PostgreSQL's memory. Each time a new Chromium with an empty cache, on this machine: from the beginning of the
navigation until every chart is drawn and nothing is loaded any more.
"""
import json
import os
import statistics

from bench import save
from large import large_load
from tg import browser

TIMES = 9
DRAWN_BAR_MS, SCRIPT_BAR_KB, CALLS_BAR = 1000, 260, 2
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pages.mjs")


def measure(gateway, key):
    site = {"url": f"http://127.0.0.1:{gateway.manager_port}", "people": {"admin": {"key": key}}}
    done = browser.node(SCRIPT, site, TOLLGATE_TEST_TIMES=str(TIMES))
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def pages(bench):
    with large_load(bench, "shown") as (load, gateway, key):
        looks = measure(gateway, key)
    save("pages", {"calls": load.calls, "looks": looks})
    for look in looks:
        print(", ".join(f"{name} {value}" for name, value in look.items()))
    title = f"/usage-analytics of {load.calls / 1e6:.0f} M calls, cold browser"
    drawn = [look["drawn_ms"] for look in looks]
    return {
        f"{title}, all drawn, median of {TIMES}": (statistics.median(drawn), "ms", DRAWN_BAR_MS),
        "the same, max": (max(drawn), "ms", None),
        "its calls of the API": (max(look["calls"] for look in looks), "", CALLS_BAR),
        "its JavaScript, compressed": (max(look["script_kb"] for look in looks), "KB", SCRIPT_BAR_KB),
    }
