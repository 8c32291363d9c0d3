"""Change without loss: reloads and restarts under load, and caps."""
import signal
import socket

import pytest

from tg.load import Load
from tg.wait import eventually

RELOADED = "routes, limits, timeouts and secrets reloaded"


def reload(gateway, times):
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: gateway.log().count(RELOADED) >= times, f"reload {times} is done")


@pytest.mark.sanitizer
def test_twenty_reloads_under_load_fail_no_call(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream, workers=2)
    with Load(gateway.port, gateway.key) as load:
        for i in range(20):
            gateway.settings["routes"][0]["set_headers"] = {"X-Round": str(i)}
            gateway.write_config()
            reload(gateway, i + 1)
            load.wait_for(20)
    assert load.failed == []
    assert len(database.wait_usage(load.done)) == load.done


def test_a_reload_changes_routes_limits_and_secrets(gateways, upstream):
    gateway = gateways(upstream, env={"SECRET": "one"},
                       route={"set_headers": {"Authorization": "Bearer ${SECRET}"}})
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    assert conn.read_request().head.get("Authorization") == "Bearer one"
    conn.respond()
    client.read_response()
    gateway.settings["routes"][0]["set_headers"]["Authorization"] = "Bearer two"
    gateway.settings["routes"].append({"name": "more", "path": "/more",
                                       "upstream": upstream.url})
    gateway.settings["limits"] = {"body_bytes": 3}
    gateway.write_config()
    reload(gateway, 1)
    client.send_request("GET", "/more/x")
    conn = upstream.accept()
    conn.read_request()
    conn.respond()
    assert client.read_response().status == 200
    client.send_request("POST", "/api/test/x", body=b"four")
    assert client.read_response().status == 413


def test_a_bad_file_changes_nothing(gateway, upstream):
    gateway.settings["routes"][0]["upstream"] = "nonsense"
    gateway.write_config()
    gateway.expect_error("the configuration has errors")
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "the configuration has errors" in gateway.log(), "the reload fails")
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    conn.respond()
    assert client.read_response().status == 200


@pytest.mark.sanitizer
def test_three_restarts_under_load_fail_no_call(gateways, echo_upstream, database):
    """The service manager holds the socket; old and new process overlap."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        port = listener.getsockname()[1]

        def successor():
            gateway = gateways(echo_upstream, start=False, workers=2,
                               listen=[f"127.0.0.1:{port}"])
            gateway.port = port
            gateway.start(sockets=[listener], wait=False)
            eventually(lambda: "INFO ready" in gateway.log(), "the successor is ready")
            gateway.fds_at_start = gateway.open_fds() + 2
            return gateway

        running = successor()
        with Load(port, running.key) as load:
            for _ in range(3):
                load.wait_for(50)
                old, running = running, successor()
                old.terminate()
                assert old.wait_exit() == 0
            load.wait_for(50)
        assert load.failed == []
    assert len(database.wait_usage(load.done)) == load.done


def test_a_passed_socket_that_nobody_asked_for(gateways, upstream):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gateway = gateways(upstream, start=False)
        gateway.expect_error("passed a socket for 127.0.0.1 port")
        gateway.start(wait=False, sockets=[listener])
        assert gateway.wait_exit() == 1
        assert f"port {listener.getsockname()[1]}, which no `listen` names" in gateway.log()
        gateway.process = None


def is_closed_at_once(gateway, source):
    with socket.socket() as s:
        s.bind((source, 0))
        s.connect(("127.0.0.1", gateway.port))
        s.settimeout(1)
        try:
            return s.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


def test_connections_per_address(gateways, upstream):
    gateway = gateways(upstream, trusted_proxies=["127.0.0.9"],
                       limits={"connections_per_address": 3})
    held = [gateway.connect(source="127.0.0.5") for _ in range(3)]
    for client in held:
        assert client.call("GET", "/health").status == 200
    assert is_closed_at_once(gateway, "127.0.0.5")
    assert not is_closed_at_once(gateway, "127.0.0.6")
    proxied = [gateway.connect(source="127.0.0.9") for _ in range(5)]
    for client in proxied:
        assert client.call("GET", "/health").status == 200
    held.pop().close()
    eventually(lambda: not is_closed_at_once(gateway, "127.0.0.5"), "a place is free again")


def test_connections_in_all(gateways, upstream):
    gateway = gateways(upstream, limits={"connections": 4})
    held = [gateway.connect() for _ in range(4)]
    for client in held:
        assert client.call("GET", "/health").status == 200
    waiting = gateway.connect()
    waiting.send_request("GET", "/health")
    held.pop().close()
    assert waiting.read_response().status == 200
