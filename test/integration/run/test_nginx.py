"""Behind Debian's nginx with the site that the project ships."""
import hashlib
import json
import os
import re
import signal
import ssl
import subprocess
import tempfile
import time

import pytest

from tg.nginx import Nginx
from tg.wait import eventually
from tg.wire import Client

NAME = "gateway.example.com"


class TlsClient(Client):
    """A caller of the public name."""

    def __init__(self, nginx, authority, key=None, name=NAME, **how):
        super().__init__("127.0.0.1", nginx.port, key, **how)
        context = ssl.create_default_context(cafile=authority.file)
        self.sock = context.wrap_socket(self.sock, server_hostname=name)
        self.name = name

    def send_head(self, method, target, headers=(), host=None, version="1.1"):
        return super().send_head(method, target, headers, host or self.name, version)


@pytest.fixture
def site(gateway, authority, tmp_path):
    """(nginx, connect): nginx before the gateway, and a function that makes callers."""
    certificate, key = authority.server_files([f"DNS:{NAME}", "DNS:manager.example.com"])
    folder = tmp_path / "nginx"
    folder.mkdir()
    nginx = Nginx(str(folder), gateway, certificate, key)
    clients = []

    def connect(name=NAME, key=gateway.key, **how):
        clients.append(TlsClient(nginx, authority, key, name, **how))
        return clients[-1]

    yield nginx, connect
    for client in clients:
        client.close()
    nginx.stop()
    bad = [line for line in nginx.error_log().splitlines()
           if re.search(r"\[(warn|error|crit|alert|emerg)\]", line) and "access forbidden by rule" not in line]
    assert not bad, bad


def test_address_of_the_caller(site, upstream, database):
    _, connect = site
    client = connect(source="127.0.0.5")  # not one of trusted_proxies, as a real caller
    # What a caller claims comes first in the list, and does not count.
    client.send_request("GET", "/api/test/x?a=%2F", {"X-Forwarded-For": "203.0.113.9"})
    conn = upstream.accept()
    request = conn.read_request()
    assert request.target == "/x?a=%2F"
    assert request.get("x-forwarded-proto") == "https"
    assert request.get("x-forwarded-host") == NAME
    assert request.get("x-forwarded-for").split(", ")[-1] in ("127.0.0.5", "127.0.0.1")
    conn.respond()
    assert client.read_response().status == 200
    assert database.wait_usage(1)[0]["ip_address"] == "127.0.0.5"


def test_paths_arrive_byte_by_byte(site, upstream):
    _, connect = site
    client = connect()
    for rest in ("//a//b%2Fc/%7E", "/x;y=z?q=a+b%20c&&", "/%E4%BD%A0"):
        client.send_request("GET", "/api/test" + rest)
        conn, request = upstream.next_request()
        assert request.target == rest
        conn.respond()
        assert client.read_response().status == 200


def test_sse_arrives_event_by_event(site, upstream):
    _, connect = site
    client = connect()
    client.send_request("GET", "/api/test/stream")
    conn = upstream.accept()
    conn.read_request()
    conn.send_head(headers={"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    assert client.read_response_head().status == 200
    for n in range(10):
        event = b"data: %d\n\n" % n
        conn.send_chunk(event)
        assert client.read_chunk() == event  # before the next one is sent
    conn.send(b"0\r\n\r\n")
    assert client.read_chunk() == b""


def test_abort_reaches_the_upstream(site, upstream, database):
    _, connect = site
    client = connect()
    client.send_request("POST", "/api/test/x", body=b"question")
    conn = upstream.accept()
    conn.read_request()
    client.close()
    conn.expect_gateway_left()
    row, = database.wait_usage(1)
    assert (row["response_status"], row["outcome"]) == (499, "client_abort")


def test_uploads_are_not_spooled(site, upstream):
    nginx, connect = site
    client = connect()
    piece = b"x" * 65536
    client.send_head("PUT", "/api/test/x", {"Content-Length": str(40 * len(piece))})
    conn = None
    for n in range(40):
        client.send(piece)
        if conn is None:
            conn = upstream.accept()
            conn.read_request_head()
        assert conn.read_exact(len(piece)) == piece  # before the next one is sent
        assert nginx.spooled() == []
    conn.respond()
    assert client.read_response().status == 200


def test_refusals_and_errors_pass_as_they_are(site):
    nginx, connect = site
    answer = connect(key="").call("GET", "/api/test/x?secret=in-the-query")
    assert answer.status == 401 and answer.json()["code"] == "missing_key"
    assert "in-the-query" not in nginx.access_log()


def test_connections_to_the_gateway_are_kept(site, upstream, gateway):
    _, connect = site
    client = connect()
    for _ in range(5):
        client.send_request("GET", "/api/test/x")
        conn, _ = upstream.next_request()
        conn.respond()
        assert client.read_response().status == 200
    assert gateway.open_connections() == 1


@pytest.mark.parametrize("shape", ["one field", "many fields"])
@pytest.mark.parametrize("size", [4096, 8192, 32768, 65000])
def test_large_heads_of_answers_pass(site, upstream, size, shape):
    """Up to what Tollgate takes of an upstream, and in the same bytes."""
    _, connect = site
    client = connect()
    count = 1 if shape == "one field" else 64
    fields = {f"X-Large-{n}": "v" * (size // count - 20) for n in range(count)}
    client.send_request("GET", "/api/test/x")
    conn, _ = upstream.next_request()
    conn.respond(headers=fields)
    answer = client.read_response()
    assert answer.status == 200 and answer.body == b"ok"
    assert all(answer.get(name) == value for name, value in fields.items())


def curl(site, authority, *arguments, name=NAME):
    nginx, _ = site
    return subprocess.Popen(
        ["curl", "-sS", "--noproxy", "*", "--cacert", authority.file, "--resolve",
         f"{name}:{nginx.port}:127.0.0.1", *arguments, f"https://{name}:{nginx.port}/api/test/x"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("version,passes", [("--http1.1", True), ("--http2", False)])
def test_hints_before_the_answer(site, upstream, gateway, authority, version, passes):
    """What docs/deploying.md says of 103 behind this nginx: over HTTP/2 it breaks the call."""
    caller = curl(site, authority, version, "-i", "-H", f"X-API-Key: {gateway.key}")
    conn, _ = upstream.next_request()
    conn.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")
    conn.respond(body=b"final")
    out, _ = caller.communicate(timeout=30)
    assert (caller.returncode == 0, out.endswith("\nfinal")) == (passes, passes), out


def test_manager_behind_its_own_name(site):
    """Closed until the site names who may see it, but for Workers, who show a secret."""
    nginx, connect = site
    client = connect("manager.example.com", key="")
    for path in ("/", "/health", "/ready", "/api/usage/test-data", "/api/usage-logs", "/api/"):
        assert client.call("GET", path).status == 403, path
    send = {"Content-Type": "application/json"}
    answer = client.call("POST", "/api/usage-log", send, b"{}")
    assert answer.status == 403 and answer.json()["code"] == "forbidden"  # Tollgate's own


def test_usage_is_reported_with_the_secret_in_the_path(gateway, site, database, tmp_path):
    """Through nginx nobody is local, and the secret is in no log."""
    nginx, connect = site
    secret = "correct-horse.battery_staple~1"
    gateway.settings["usage"] = {"ingest": {"secret": secret}}
    gateway.write_config()
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "secrets reloaded" in gateway.log(), "the reload")
    client = connect("manager.example.com", key="")
    body = json.dumps({"token_hash": hashlib.sha256(gateway.key.encode()).hexdigest(),
                       "route": "/api/openai", "timestamp": int(time.time())}).encode()
    send = {"Content-Type": "application/json"}
    answer = client.call("POST", "/api/usage-log", send, body)
    assert answer.status == 403 and answer.json()["code"] == "forbidden"
    answer = client.call("POST", f"/api/usage-log/{secret}", send, body)
    assert answer.json() == {"status": "logged"}
    database.wait_usage(1)
    assert client.call("GET", "/health").status == 403
    eventually(lambda: "/health" in nginx.access_log(), "nginx's line")
    assert secret not in nginx.access_log() + nginx.error_log() + gateway.log()


def test_sockets_in_files(gateways, upstream, authority, database):
    """As docs/deploying.md has it: nginx's own user connects, and nobody beside its group may."""
    if os.geteuid() != 0:
        pytest.skip("takes root, for nginx's user")
    with tempfile.TemporaryDirectory(prefix="tollgate-nginx-") as folder:
        os.chmod(folder, 0o755)
        sockets = [f"{folder}/gateway.sock", f"{folder}/manager.sock"]
        gateway = gateways(upstream, start=False, unix_sockets={"mode": "0660", "group": "www-data"})
        gateway.settings["listen"].append(f"unix:{sockets[0]}")
        gateway.settings["manager"]["listen"].append(f"unix:{sockets[1]}")
        gateway.write_config()
        gateway.start()
        certificate, key = authority.server_files([f"DNS:{NAME}", "DNS:manager.example.com"])
        nginx = Nginx(folder, gateway, certificate, key, sockets, user="www-data")
        try:
            with TlsClient(nginx, authority, gateway.key, source="127.0.0.5") as client:
                client.send_request("GET", "/api/test/x", {"X-Forwarded-For": "203.0.113.9"})
                conn, _ = upstream.next_request()
                conn.respond()
                assert client.read_response().status == 200
                assert database.wait_usage(1)[0]["ip_address"] == "127.0.0.5"
            with TlsClient(nginx, authority, "", "manager.example.com") as client:
                answer = client.call("POST", "/api/usage-log", {"Content-Type": "application/json"}, b"{}")
                assert answer.status == 403 and answer.json()["code"] == "forbidden"  # not local, by whatever socket
        finally:
            nginx.stop()
        for user, may in ((33, True), (65534, False)):
            done = subprocess.run(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "curl", "-s",
                                   "--unix-socket", sockets[0], "http://localhost/health"], check=False,
                                  stdout=subprocess.DEVNULL)
            assert (done.returncode == 0) == may
