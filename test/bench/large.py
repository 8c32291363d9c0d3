"""The large load of `questions` behind a manager, for benches that ask over HTTP."""
import contextlib
import json
import os
import re
import types

from questions import CALLS, RAW_DAYS, SETTINGS, Load
from tg.gateway import Gateway, run_cli
from tg.postgres import Cluster


@contextlib.contextmanager
def large_load(bench, name):
    """(load, gateway, an admin's key), with cells in PostgreSQL's memory."""
    made = os.environ.get("BENCH_DATABASES", ",").split(",")[1]
    with contextlib.ExitStack() as stack:
        if not made:
            bench.questions_cluster = Cluster(**SETTINGS)
            stack.callback(bench.questions_cluster.remove)
        load = Load(bench, name, CALLS, RAW_DAYS, made)
        gateway = _gateway_of(bench, load)
        gateway.start()
        stack.callback(gateway.kill)
        key = json.loads(run_cli("user", "add", "--config", load.config, "--name", f"{name}-{os.getpid()}", "--role", "admin",
                                 "--json").stdout)["key"]
        yield load, gateway, key


def _gateway_of(bench, load):
    """One for its manager alone."""
    port = re.search(r":(\d+)/", load.url)
    database = types.SimpleNamespace(url=load.url, cluster=types.SimpleNamespace(port=int(port.group(1)) if port else 5432))
    with open(load.config, encoding="utf-8") as f:
        routes = json.load(f)["routes"]
    folder = os.path.join(bench.folder, f"manager of {load.name}")
    os.mkdir(folder)
    return Gateway(folder, database, routes)
