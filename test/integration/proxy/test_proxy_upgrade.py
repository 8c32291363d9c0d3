"""Upgraded connections: bytes both ways, recorded once, and only where asked for."""
import socket

import pytest

pytestmark = pytest.mark.standing

UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
SWITCHED = {"Connection": "Upgrade", "Upgrade": "websocket"}


def open_tunnel(gateway, upstream):
    client = gateway.connect()
    client.send_head("GET", "/api/test/ws", UPGRADE)
    conn = upstream.accept()
    head = conn.read_request_head()
    assert (head.get("Connection"), head.get("Upgrade")) == ("Upgrade", "websocket")
    assert head.get("Sec-WebSocket-Version") == "13"
    conn.send_head("101 Switching Protocols", SWITCHED)
    answer = client.read_response_head()
    assert answer.status == 101
    assert (answer.get("Connection"), answer.get("Upgrade")) == ("Upgrade", "websocket")
    assert answer.get("Content-Length") is None
    return client, conn


@pytest.mark.sanitizer
def test_bytes_both_ways_and_one_row(gateway, upstream, database):
    client, conn = open_tunnel(gateway, upstream)
    client.send(b"\x81\x02hi")
    assert conn.read_exact(4) == b"\x81\x02hi"
    conn.send(b"\x81\x05hello")
    assert client.read_exact(7) == b"\x81\x05hello"
    conn.close()
    client.expect_eof()
    row, = database.wait_usage(1)
    assert (row["response_status"], row["outcome"]) == (101, "complete")
    assert (row["bytes_in"], row["bytes_out"]) == (4, 7)
    assert row["error_message"] is None


def test_bytes_right_behind_the_heads(gateway, upstream):
    client = gateway.connect()
    client.send(b"GET /api/test/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                b"Upgrade: websocket\r\nX-API-Key: " + gateway.key.encode() +
                b"\r\n\r\nearly")
    conn = upstream.accept()
    conn.read_request_head()
    conn.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
              b"Upgrade: websocket\r\n\r\nat once")
    assert client.read_response_head().status == 101
    assert client.read_exact(7) == b"at once"
    assert conn.read_exact(5) == b"early"


@pytest.mark.sanitizer
def test_the_clients_end_is_passed_on(gateway, upstream, database):
    client, conn = open_tunnel(gateway, upstream)
    client.send(b"last")
    client.sock.shutdown(socket.SHUT_WR)
    assert conn.read_to_eof() == b"last"
    conn.send(b"bye")
    conn.close()
    assert client.read_to_eof() == b"bye"
    row, = database.wait_usage(1)
    assert (row["outcome"], row["bytes_in"], row["bytes_out"]) == ("complete", 4, 3)


@pytest.mark.sanitizer
def test_a_client_that_resets_ends_the_upstream(gateway, upstream, database):
    client, conn = open_tunnel(gateway, upstream)
    client.reset()
    conn.expect_gateway_left()
    row, = database.wait_usage(1)
    assert (row["response_status"], row["outcome"]) == (101, "client_abort")


def test_a_slow_side_holds_the_other_back(gateway, upstream):
    client, conn = open_tunnel(gateway, upstream)
    gateway.reset_memory_peak()
    before = gateway.memory_kb("VmRSS")
    conn.sock.settimeout(1)
    with pytest.raises(OSError):
        for _ in range(2000):
            conn.sock.sendall(b"x" * 65536)
    assert gateway.memory_kb() - before < 16 * 1024
    client.close()


def test_an_upstream_that_ignores_the_end_is_left(gateway, upstream, database):
    client, conn = open_tunnel(gateway, upstream)
    client.close()
    conn.expect_gateway_left()
    row, = database.wait_usage(1)
    assert (row["response_status"], row["outcome"]) == (101, "complete")


def test_idle_tunnels_end(gateways, upstream, database):
    gateway = gateways(upstream, timeouts={"idle_s": 0.5})
    client, conn = open_tunnel(gateway, upstream)
    client.expect_eof()
    conn.expect_gateway_left()
    row, = database.wait_usage(1)
    assert (row["response_status"], row["outcome"]) == (101, "connection_read_timeout")


def test_a_refused_upgrade_is_a_plain_answer(gateway, upstream):
    client = gateway.connect()
    client.send_request("GET", "/api/test/ws", UPGRADE)
    conn = upstream.accept()
    conn.read_request_head()
    conn.respond("426 Upgrade Required", body=b"no")
    response = client.read_response()
    assert (response.status, response.body) == (426, b"no")


@pytest.mark.parametrize("protocol", ["h2c", "HTTP/2.0", "TLS/1.0", "websocket, h2c"])
def test_no_way_round_the_gateway(gateway, upstream, protocol):
    """Another HTTP inside the tunnel would pass without key, scope or record."""
    client = gateway.connect()
    client.send_request("GET", "/api/test/x", {"Connection": "Upgrade, HTTP2-Settings",
                                               "Upgrade": protocol, "HTTP2-Settings": "AAMA"})
    conn = upstream.accept()
    head = conn.read_request_head()
    assert head.get("Upgrade") is None
    assert head.get("HTTP2-Settings") is None
    conn.respond()
    assert client.read_response().status == 200


def upgrade(gateway, upstream, value, extra=b"", behind=b"", path="/api/test/ws"):
    """The head that the upstream sees, and both connections."""
    client = gateway.connect()
    client.send(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + value.encode() +
                b"\r\n" + extra + b"X-API-Key: " + gateway.key.encode() + b"\r\n\r\n" + behind)
    conn, request = upstream.next_request()
    return client, conn, request


@pytest.mark.parametrize("length", [b"Content-Length: 0\r\n", b"content-length: 000\r\n"])
@pytest.mark.parametrize("behind", [b"", b"early"])
def test_no_content_is_no_content(gateway, upstream, database, length, behind):
    """Java's own client sends it with a WebSocket's handshake."""
    client, conn, request = upgrade(gateway, upstream, "websocket", length, behind)
    assert request.get("Upgrade") == "websocket"
    conn.send_head("101 Switching Protocols", SWITCHED)
    assert client.read_response_head().status == 101
    client.send(b"late")
    assert conn.read_exact(len(behind) + 4) == behind + b"late"
    conn.send(b"answer")
    conn.close()
    assert client.read_to_eof() == b"answer"
    row, = database.wait_usage(1)
    assert (row["response_status"], row["outcome"]) == (101, "complete")
    assert (row["bytes_in"], row["bytes_out"]) == (len(behind) + 4, 6)


@pytest.mark.parametrize("framing, content", [
    (b"Content-Length: 2\r\n", b"hi"), (b"Transfer-Encoding: chunked\r\n", b"2\r\nhi\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n")])
def test_content_makes_it_a_plain_call(gateway, upstream, framing, content):
    client, conn, request = upgrade(gateway, upstream, "websocket", framing, content)
    assert request.get("Upgrade") is None and request.get("Connection") is None
    assert request.body in (b"hi", b"")
    conn.respond()
    assert client.read_response().status == 200


def test_other_protocols_where_the_route_says_so(gateways, upstream):
    rows = {None: [("websocket", True), ("WebSocket", True), ("irc/2.0", False), ("websocket, irc/2.0", False),
                   ("websocket, websocket", True), ("websocket/13", False), ("h2c", False)],
            ("IRC/2.0", "websocket"): [("irc/2.0", True), ("irc/2.0 ,websocket", True), ("irc", False),
                                       ("irc/2.1", False), ("websocket, h2c", False)],
            ("irc",): [("websocket", False), ("irc", True)], (): [("websocket", False)]}
    gateway = gateways(upstream, start=False)
    route = gateway.settings["routes"][0]
    gateway.settings["routes"] = [
        {**route, "name": f"r{i}", "path": f"/r{i}", **({} if protocols is None else {"upgrade_protocols": protocols})}
        for i, protocols in enumerate(rows)]
    gateway.write_config()
    gateway.start()
    for i, cases in enumerate(rows.values()):
        for value, passes in cases:
            client, conn, request = upgrade(gateway, upstream, value, path=f"/r{i}/x")
            assert (request.get("Upgrade"), request.get("Connection")) == (
                (value, "Upgrade") if passes else (None, None)), (i, value)
            conn.respond()
            assert client.read_response().status == 200


def test_switching_unasked_is_refused(gateway, upstream, database):
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request_head()
    conn.send_head("101 Switching Protocols", SWITCHED)
    response = client.read_response()
    assert (response.status, response.json()["code"]) == (502, "http_upgrade_failed")


def test_early_hints_pass_and_continue_does_not(gateway, upstream):
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request_head()
    conn.send(b"HTTP/1.1 100 Continue\r\n\r\n"
              b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
    hints = client.read_head()
    assert b"103" in hints.raw.split(b"\r\n")[0]
    assert hints.get("Link") == "</a.css>; rel=preload"
    conn.respond(body=b"ok")
    assert client.read_response().status == 200
