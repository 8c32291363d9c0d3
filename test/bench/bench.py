"""What the benches share: PostgreSQL, a database with a token, an upstream, gateways; results."""
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

from tg.gateway import BINARY, ROOT, Gateway, make_token, run_cli  # noqa: E402
from tg.postgres import Cluster  # noqa: E402

RESULTS = os.path.join(ROOT, "build", "bench")


def make_database(cluster, folder):
    """(a database with all tables, a configuration for the command line, a key of all scopes)."""
    database = cluster.create_database()
    config = os.path.join(folder, f"setup-{cluster.port}.json")
    with open(config, "w", encoding="utf-8") as f:
        json.dump({"database": database.url, "routes": [
            {"name": "test", "path": "/api/test", "upstream": "http://127.0.0.1:1"}]}, f)
    run_cli("migrate", "--config", config)
    return database, config, make_token(config, "bench", ["*"])["key"]


def program(name):
    """A C program of this folder, as `make bench-build` has made it."""
    return os.path.join(os.path.dirname(BINARY), "bench", name)


class Bench:
    def __init__(self, stack):
        self.folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tollgate-bench-"))
        self.cluster = Cluster()
        stack.callback(self.cluster.remove)
        self.database, self.config, self.key = make_database(self.cluster, self.folder)
        demo = subprocess.Popen([BINARY, "demo"], stdout=subprocess.PIPE, text=True)
        stack.callback(demo.wait)
        stack.callback(demo.terminate)
        self.demo = re.match(r"demo (\S+)", demo.stdout.readline()).group(1)

    @contextlib.contextmanager
    def gateway(self, upstream, route=None, **settings):
        """A running gateway with one worker and one route, /api/test to the upstream."""
        folder = tempfile.mkdtemp(dir=self.folder)
        routes = [{"name": "test", "path": "/api/test", "upstream": upstream, **(route or {})}]
        gateway = Gateway(folder, self.database, routes, **settings)
        gateway.key = self.key
        gateway.start()
        try:
            yield gateway
            gateway.judge()
        finally:
            if gateway.process.poll() is None:
                gateway.kill()


def save(name, result):
    """Writes build/bench/NAME.json, by which docs/performance.md is made."""
    os.makedirs(RESULTS, exist_ok=True)
    path = os.path.join(RESULTS, name + ".json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(result, f, indent=2)
        f.write("\n")
    print(f"written to {os.path.relpath(path)}")


def load(name):
    """What save() has written, or {}."""
    try:
        with open(os.path.join(RESULTS, name + ".json"), encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return {}
