"""The live feed in a browser: whether the page stays responsive, and its memory flat, while calls go on.

BENCH_FEED_SECONDS (300) is how long there are 200 calls a second; then for 20 s 2,000. Browser, callers, gateway, upstream
and PostgreSQL share this machine. A task's length is by the clock; tasks under 50 ms are not told apart.
"""
import json
import os

from bench import save
from tg import browser
from tg.gateway import run_cli

SECONDS = int(os.environ.get("BENCH_FEED_SECONDS", "300"))
RATES = [{"perSecond": 200, "seconds": SECONDS}, {"perSecond": 2000, "seconds": 20}]
TASK_BAR_MS, GROWTH_BAR_MB = 100, 2
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "feed.mjs")


def feed(bench):
    key = json.loads(run_cli("user", "add", "--config", bench.config, "--name", f"feed-{os.getpid()}", "--role", "admin",
                             "--json").stdout)["key"]
    with bench.gateway(bench.demo) as gateway:
        gateway.may_keep = 64 + gateway.may_keep  # sockets of browsers that are on their way out
        site = {"url": f"http://127.0.0.1:{gateway.manager_port}", "gateway": f"http://127.0.0.1:{gateway.port}",
                "people": {"admin": {"key": key}}, "tokens": {"caller": {"key": bench.key}}}
        done = browser.node(SCRIPT, site, TOLLGATE_TEST_RATES=json.dumps(RATES), patience_s=SECONDS + 200)
    assert done.returncode == 0, done.stdout
    looks = json.loads(done.stdout.splitlines()[-1])
    save("feed", looks)
    figures = {}
    for look in looks:
        print(", ".join(f"{name} {value:.3g}" for name, value in look.items()))
        title = f"live feed in a browser, {look['per_second']:,} calls/s for {look['seconds']} s"
        assert look["told_of_drops"] or look["seen"] > look["calls"] * 0.99, "rows are missing, and nobody is told"
        figures[f"{title}: longest task"] = (look["longest_task_ms"], "ms", TASK_BAR_MS)
        figures[f"{title}: memory growth"] = (look["grown_mb"], "MB", GROWTH_BAR_MB)
    return figures
