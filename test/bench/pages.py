"""How long /usage-analytics takes in a browser that has seen nothing yet, of a large load.

BENCH_CALLS, BENCH_RAW_DAYS and BENCH_DATABASES are as for `questions`, whose large load is looked at; cells are in
PostgreSQL's memory. Each time a new Chromium with an empty cache, on this machine: from the beginning of the
navigation until every chart is drawn and nothing is loaded any more.
"""
import contextlib
import json
import os
import re
import statistics
import types

from bench import save
from questions import CALLS, RAW_DAYS, SETTINGS, Load
from tg import browser
from tg.gateway import Gateway, run_cli
from tg.postgres import Cluster

TIMES = 9
DRAWN_BAR_MS, SCRIPT_BAR_KB, CALLS_BAR = 1000, 260, 2
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pages.mjs")


def gateway_of(bench, load):
    """One for its manager alone."""
    port = re.search(r":(\d+)/", load.url)
    database = types.SimpleNamespace(url=load.url, cluster=types.SimpleNamespace(port=int(port.group(1)) if port else 5432))
    with open(load.config, encoding="utf-8") as f:
        routes = json.load(f)["routes"]
    folder = os.path.join(bench.folder, "pages")
    os.mkdir(folder)
    return Gateway(folder, database, routes)


def measure(gateway, load):
    admin = json.loads(run_cli("user", "add", "--config", load.config, "--name", f"bench-{os.getpid()}", "--role", "admin",
                               "--json").stdout)["key"]
    site = {"url": f"http://127.0.0.1:{gateway.manager_port}", "people": {"admin": {"key": admin}}}
    done = browser.node(SCRIPT, site, TOLLGATE_TEST_TIMES=str(TIMES))
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def pages(bench):
    made = os.environ.get("BENCH_DATABASES", ",").split(",")[1]
    with contextlib.ExitStack() as stack:
        if not made:
            bench.questions_cluster = Cluster(**SETTINGS)
            stack.callback(bench.questions_cluster.remove)
        load = Load(bench, "shown", CALLS, RAW_DAYS, made)
        gateway = gateway_of(bench, load)
        gateway.start()
        try:
            looks = measure(gateway, load)
        finally:
            gateway.kill()
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
