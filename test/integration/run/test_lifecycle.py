"""Start, readiness, reload and stop of the whole process."""
import os
import signal
import socket

import pytest

from tg.gateway import run_cli
from tg.upstream import requests_of
from tg.wait import eventually


def everything_in(folder):
    return [os.path.join(where, name) for where, folders, names in os.walk(folder)
            for name in folders + names]


def test_health_and_ready_need_no_key(gateway):
    for path in ("/health", "/ready"):
        client = gateway.connect(key="")
        answer = client.call("GET", path)
        assert answer.status == 200 and answer.json()["status"]
        assert client.call("HEAD", path).status == 200
    assert gateway.manager().call("GET", "/health").status == 200


@pytest.mark.sanitizer
def test_stop_finishes_what_runs(gateway, upstream, database):
    busy, idle = gateway.connect(), gateway.connect()
    busy.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    assert idle.call("GET", "/health").status == 200
    gateway.terminate()
    idle.expect_eof()
    eventually(lambda: gateway.get_status("/health") is None, "no new connections are taken")
    assert gateway.process.poll() is None
    conn.respond(body=b"last words")
    answer = busy.read_response()
    assert answer.body == b"last words" and answer.get("connection") == "close"
    assert gateway.wait_exit() == 0
    row, = database.usage()
    assert (row["response_status"], row["outcome"]) == (200, "complete")


def test_stop_is_bounded(gateways, upstream, database):
    gateway = gateways(upstream, timeouts={"drain_s": 0.3})
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    gateway.terminate()
    client.expect_closed()
    conn.expect_gateway_left()
    assert gateway.wait_exit() == 0
    row, = database.usage()
    assert row["outcome"] == "shutdown" and row["error_message"]


def test_a_second_signal_cuts_the_drain_short(gateways, upstream):
    gateway = gateways(upstream, timeouts={"drain_s": 600})
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    upstream.accept().read_request()
    gateway.process.send_signal(signal.SIGINT)
    eventually(lambda: gateway.get_status("/health") is None, "it drains")
    gateway.process.send_signal(signal.SIGINT)
    assert gateway.wait_exit() == 0


@pytest.mark.sanitizer
def test_reload_takes_new_routes(gateways, upstreams):
    def answer_new(conn):
        for _ in requests_of(conn):
            conn.respond(body=b"new")

    old, new = upstreams(), upstreams(answer_new)
    gateway = gateways(old, workers=2)
    running = gateway.connect()
    running.send_request("GET", "/api/test/x")
    old_conn = old.accept()
    old_conn.read_request()
    gateway.settings["routes"][0]["upstream"] = new.url
    gateway.settings["routes"].append({"name": "more", "path": "/api/more", "upstream": new.url})
    gateway.write_config()
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: gateway.call("OPTIONS", "/api/more/x", key="").status == 401 and
               "reload" in gateway.log().lower(), "the new configuration holds")

    def new_is_used():
        client = gateway.connect()
        client.send_request("GET", "/api/test/x")
        client.sock.settimeout(0.2)
        try:
            return client.read_response().body == b"new"
        except socket.timeout:
            client.close()
            return False

    eventually(new_is_used, "calls go to the new upstream")
    old_conn.respond(body=b"old")
    assert running.read_response().body == b"old"


def test_reload_of_a_bad_file_changes_nothing(gateways, echo_upstream):
    gateway = gateways(echo_upstream)
    gateway.expect_error("upstraem|configuration|reload|tollgate.json")
    gateway.settings["routes"][0]["upstraem"] = "http://127.0.0.1:1"
    gateway.write_config()
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "upstraem" in gateway.log(), "the fault is named")
    assert gateway.call("GET", "/api/test/x").status == 200


def test_serve_refuses_a_bad_file(tmp_path):
    config = tmp_path / "bad.json"
    config.write_text('{\n  "listen": ["127.0.0.1:0"],\n  "no_such_key": 1\n}\n')
    done = run_cli("serve", "--config", config, check=False)
    assert done.returncode == 1
    assert "bad.json:3:" in done.stderr and "no_such_key" in done.stderr


def test_serve_refuses_a_taken_port(gateways, upstream):
    first = gateways(upstream)
    second = gateways(upstream, start=False)
    second.settings["listen"] = [f"127.0.0.1:{first.port}"]
    second.write_config()
    second.expect_error("in use")
    done = run_cli("serve", "--config", second.config_file, check=False)
    assert done.returncode == 1
    assert "in use" in done.stderr


def test_a_start_on_a_taken_port_touches_nothing(gateways, upstream, tmp_path):
    """Listeners come first: keys, journal and files of the process that runs stay as they are."""
    state = str(tmp_path / "state")
    first = gateways(upstream, start=False)
    first.settings["state_dir"] = state
    first.write_config()
    first.start()
    eventually(lambda: os.path.exists(os.path.join(state, "tokens.snapshot")), "the snapshot")
    before = {path: os.stat(path).st_ino for path in everything_in(state)}
    second = gateways(upstream, start=False)
    socket_file = str(tmp_path / "second.sock")
    second.settings["state_dir"] = state
    second.settings["listen"] = [f"unix:{socket_file}", f"127.0.0.1:{first.port}"]
    second.write_config()
    second.expect_error("in use")
    done = run_cli("serve", "--config", second.config_file, check=False)
    assert done.returncode == 1 and "in use" in done.stderr
    assert not os.path.exists(socket_file)
    assert {path: os.stat(path).st_ino for path in everything_in(state)} == before


def test_unix_socket_and_ipv6(gateways, upstream, tmp_path):
    path = str(tmp_path / "gateway.sock")
    gateway = gateways(upstream, start=False)
    gateway.settings["listen"] += [f"unix:{path}", f"[::1]:{gateway.port}"]
    gateway.write_config()
    gateway.start()
    with gateway.connect(host="::1") as client:
        assert client.call("GET", "/health").status == 200
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 200 ")


def test_socket_files_are_removed_unless_a_successor_has_put_its_own(gateways, upstream, tmp_path):
    paths = {name: str(tmp_path / name) for name in ("gateway", "manager", "taken")}
    gateway = gateways(upstream, start=False)
    gateway.settings["listen"] += [f"unix:{paths['gateway']}", f"unix:{paths['taken']}"]
    gateway.settings["manager"]["listen"].append(f"unix:{paths['manager']}")
    gateway.write_config()
    gateway.start()
    os.unlink(paths["taken"])
    with socket.socket(socket.AF_UNIX) as successor:
        successor.bind(paths["taken"])
        gateway.terminate()
        assert gateway.wait_exit() == 0
        assert [name for name, path in paths.items() if os.path.exists(path)] == ["taken"]


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None])
def test_an_authority_that_cannot_be_read_leaves_nothing_behind(gateways, upstream, tmp_path, content):
    """The process once ended on the spot, with its socket files in place."""
    authority, socket_file = tmp_path / "ca.pem", tmp_path / "socket"
    if content is not None:
        authority.write_text(content)
    gateway = gateways(upstream, start=False, listen=["127.0.0.1:0", f"unix:{socket_file}"], state_dir="state")
    gateway.settings["routes"][0].update(upstream="https://localhost:1", tls={"ca_file": str(authority)})
    gateway.write_config()
    done = run_cli("serve", "--config", gateway.config_file, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(authority) in done.stderr
    assert not socket_file.exists()
    assert not os.path.isdir(gateway.journal) or not os.listdir(gateway.journal)
