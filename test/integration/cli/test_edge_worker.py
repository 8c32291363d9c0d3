"""An edge Worker in workerd beside Tollgate: it reports its calls, and its store is taken over.

workerd is found on PATH, or as WORKERD names it (npm's package `workerd` has it); without it the test is skipped.
"""
import json
import os
import shutil
import subprocess

import pytest

from test_migrating import KEYS, OLDER, sha256
from tg.gateway import MANAGER_KEEPS, Gateway, environment, run_cli
from tg.ports import free_port
from tg.upstream import Upstream, echo
from tg.wait import eventually
from tg.wire import Client

WORKERD = os.environ.get("WORKERD") or shutil.which("workerd")
pytestmark = [pytest.mark.full, pytest.mark.skipif(not WORKERD, reason="workerd is not there: WORKERD names it")]
SECRET = "a-secret-of-the-worker"
HERE = os.path.dirname(os.path.abspath(__file__))


def capnp(text):
    return json.dumps(text)


@pytest.fixture
def worker(cluster, tmp_path):
    """(gateway, the Worker's port, the store's entries)"""
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database()
    database.query(OLDER)
    database.query("INSERT INTO tokens (name, token_hash) VALUES ('n8n', %s)", (sha256(KEYS["n8n"]),))
    run_cli("migrate", "--database", database.url, "--adopt-time-zone", "Asia/Taipei")
    store = {sha256(key): {"name": name, "scopes": ["test"]} for name, key in KEYS.items()}
    upstream = Upstream(echo)
    gateway = Gateway(str(tmp_path), database, [{"name": "test", "path": "/api/test", "scope": "test", "upstream": upstream.url}],
                      usage={"ingest": {"secret": SECRET}})
    gateway.may_keep = MANAGER_KEEPS
    gateway.start()
    port = free_port()
    shutil.copy(os.path.join(HERE, "edge_worker.js"), tmp_path)
    (tmp_path / "worker.capnp").write_text(f"""using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "worker", worker = .worker), (name = "backend", external = (address = "127.0.0.1:{upstream.port}", http = ())),
    (name = "manager", external = (address = "127.0.0.1:{gateway.manager_port}", http = ()))],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "worker")]);
const worker :Workerd.Worker = (
  modules = [(name = "edge_worker.js", esModule = embed "edge_worker.js")],
  compatibilityDate = "2024-01-01",
  bindings = [(name = "STORE", text = {capnp(json.dumps(store))}), (name = "REPORT_PATH", text = "/api/usage-log/{SECRET}"),
    (name = "BACKEND", service = "backend"), (name = "MANAGER", service = "manager")]);
""")
    process = subprocess.Popen([WORKERD, "serve", str(tmp_path / "worker.capnp")], cwd=tmp_path, env=environment())
    try:
        eventually(lambda: is_up(port), "the Worker answers")
        yield gateway, port, store
        process.terminate()
        process.wait()
        gateway.judge()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if gateway.process.poll() is None:
            gateway.kill()
        upstream.close()
        database.drop()


def is_up(port):
    try:
        return ask(port, "none") == 401
    except OSError:
        return False


def ask(port, key):
    with Client("127.0.0.1", port) as client:
        return client.call("GET", "/api/test/x", {"X-API-Key": key, "User-Agent": "n8n"}).status


def test_both_at_once_on_one_database(worker, tmp_path):
    gateway, port, store = worker
    # The Worker alone: its calls are recorded for the token that the older backend made.
    assert ask(port, KEYS["n8n"]) == 200 and ask(port, "nobody's") == 401
    row = gateway.database.wait_usage(1)[0]
    assert (row["token_hash"], row["route_path"], row["response_status"], row["user_agent"], row["outcome"]) == \
        (sha256(KEYS["n8n"]), "/api/test", 200, "n8n", None)
    assert gateway.call("GET", "/api/test/x", key=KEYS["billing"]).status == 401
    # Its store, and the same keys open here.
    dump = tmp_path / "tokens.json"
    dump.write_text(json.dumps(store))
    told = json.loads(run_cli("import", "kv", dump, "--fill", "--json", "--database", gateway.database.url).stdout)
    assert (told["made"], told["filled"]) == (2, 1)
    for key in KEYS.values():
        eventually(lambda: gateway.call("GET", "/api/test/x", key=key).status == 200, "the gateway knows the key")
        assert ask(port, key) == 200
    count = "SELECT count(*) FROM token_usage_logs WHERE response_status = 200 AND outcome IS "
    eventually(lambda: gateway.database.value(count + "NULL") == 4, "the Worker's calls are recorded")
    eventually(lambda: gateway.database.value(count + "NOT NULL") == 3, "and the gateway's")
