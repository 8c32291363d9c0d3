"""`make dashboard-dev`: the pages from their sources, the API from a manager."""
import json
import os
import shutil
import subprocess

import pytest

from tg.gateway import ROOT, environment
from tg.ports import free_port
from tg.wait import eventually
from tg.wire import Client

BROWSER = {"Accept": "text/html"}


class DevServer:
    """dashboard/dev.mjs on a copy of the sources, for a manager's port."""

    def __init__(self, folder, manager_port):
        self.folder, self.port = folder, free_port()
        os.makedirs(folder / "docs")
        os.symlink(os.path.join(ROOT, "docs", "openapi.yaml"), folder / "docs" / "openapi.yaml")
        shutil.copytree(os.path.join(ROOT, "dashboard"), folder / "dashboard",
                        ignore=lambda path, names: ["node_modules"] if path.endswith("dashboard") else [])
        os.symlink(os.path.join(ROOT, "dashboard", "node_modules"), folder / "dashboard" / "node_modules")
        self.log = open(folder / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [os.environ.get("TOLLGATE_TEST_NODE", "node"), str(folder / "dashboard" / "dev.mjs"), "--port", str(self.port),
             "--manager", f"http://127.0.0.1:{manager_port}"], stdout=self.log, stderr=self.log, env=environment())
        eventually(lambda: "The pages:" in self.said(), "it listens", patience_s=60)

    def said(self):
        assert self.process.poll() is None
        with open(self.folder / "log", encoding="utf-8") as f:
            return f.read()

    def connect(self):
        return Client("127.0.0.1", self.port)

    def call(self, method, path, headers=(), body=None, client=None):
        with self.connect() as one:
            return (client or one).call(method, path, headers, body, host=f"localhost:{self.port}")

    def close(self):
        self.process.terminate()
        assert self.process.wait(20) == 0
        self.log.close()


@pytest.fixture(scope="module")
def server(managed, tmp_path_factory):
    server = DevServer(tmp_path_factory.mktemp("dev"), managed.gateway.manager_port)
    yield server
    server.close()


def test_pages(server):
    page = server.call("GET", "/usage-analytics", BROWSER)
    assert page.status == 200 and b'src="/assets/main.js"' in page.body
    script = server.call("GET", "/assets/main.js")
    assert script.status == 200 and script.get("content-type").startswith("text/javascript")
    assert page.get("content-security-policy") == script.get("content-security-policy")
    assert server.call("GET", "/assets/none.js").status == 404
    assert server.call("POST", "/dashboard", body=b"").status == 405
    assert server.call("GET", "/").get("location") == "/dashboard"


def test_it_sends_the_managers_policy(server, managed):
    with managed.gateway.manager() as client:
        ours = client.call("GET", "/dashboard", host="127.0.0.1").get("content-security-policy")
    assert server.call("GET", "/dashboard").get("content-security-policy") == ours


def test_the_api_is_the_managers(server, managed):
    assert server.call("GET", "/health").json() == {"status": "ok"}
    assert server.call("GET", "/ready").json()["status"] == "ready"
    assert server.call("GET", "/api/me").status == 401
    assert server.call("GET", "/api/none").json()["code"] == "no_route"


def test_a_session_of_the_browsers(server, managed):
    """The cookie, and a change by it, which asks for an Origin of the manager's own."""
    origin = f"http://localhost:{server.port}"
    begun = server.call("POST", "/api/session", {"Content-Type": "application/json", "Origin": origin},
                        json.dumps({"key": managed.people.manager.key}).encode())
    assert begun.status in (200, 201), begun.body
    cookie = begun.get("set-cookie").split(";")[0]
    me = server.call("GET", "/api/me", {"Cookie": cookie})
    assert me.status == 200
    change = {"Cookie": cookie, "Content-Type": "application/json"}
    body = json.dumps({"name": "by the dev server", "scopes": ["test"], "team_id": managed.people.teams["one"]}).encode()
    assert server.call("POST", "/api/tokens", {**change, "Origin": origin}, body).status == 201
    assert server.call("POST", "/api/tokens", {**change, "Origin": "http://evil.example"}, body).status == 403


def test_streams_are_not_held_back(server, managed):
    with server.connect() as client:
        client.send_request("GET", "/api/live", {"Authorization": f"Bearer {managed.people.admin.key}"},
                            host=f"localhost:{server.port}")
        head = client.read_response_head()
        assert head.status == 200 and head.get("content-type") == "text/event-stream"
        assert client.read_chunk()  # the beginning, while the stream goes on


def test_a_change_loads_the_page_anew(server):
    with server.connect() as client:
        client.send_request("GET", "/assets/changes", host=f"localhost:{server.port}")
        assert client.read_response_head().status == 200
        client.read_chunk()
        source = server.folder / "dashboard" / "src" / "main.tsx"
        source.write_text(source.read_text(encoding="utf-8") + "\nconsole.log('changed by a test');\n", encoding="utf-8")
        assert b"data: changed" in client.read_chunk()
    assert b"changed by a test" in server.call("GET", "/assets/main.js").body


def test_no_manager(tmp_path):
    server = DevServer(tmp_path, free_port())
    try:
        eventually(lambda: "run `make dev`" in server.said(), "it says so")
        answer = server.call("GET", "/api/me")
        assert answer.status == 502 and "make dev" in answer.json()["detail"]
        taken = subprocess.run(["node", str(tmp_path / "dashboard" / "dev.mjs"), "--port", str(server.port)],
                               capture_output=True, text=True, timeout=60, check=False)
        assert taken.returncode == 1 and "is taken" in taken.stderr
    finally:
        server.close()


@pytest.mark.parametrize("arguments", [["--port", "0"], ["--port", "x"], ["--manager", "ftp://a"], ["--manager", "a"], ["--none"]])
def test_wrong_use(arguments):
    done = subprocess.run(["node", os.path.join(ROOT, "dashboard", "dev.mjs"), *arguments], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 2 and "usage: node dev.mjs" in done.stderr
