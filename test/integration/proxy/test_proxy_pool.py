"""Connections to upstreams: kept, dropped when stale, replayed only when that is safe."""
import socket
import time

import pytest

from tg.ports import free_port
from tg.wait import eventually

pytestmark = pytest.mark.standing


def ask(gateway, method="GET", body=None):
    client = gateway.connect()
    return client.send_request(method, "/api/test/x", (), body)


def warm(gateway, upstream):
    """Leaves one idle connection in the pool; the upstream's end of it."""
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.respond()
    assert client.read_response().status == 200
    client.close()
    return conn


def proven(gateway, upstream):
    """A pooled connection that the upstream has kept open once already."""
    conn = warm(gateway, upstream)
    client = ask(gateway)
    conn.read_request()
    conn.respond()
    assert client.read_response().status == 200
    client.close()
    return conn


def test_connections_are_reused_across_callers(gateway, upstream):
    conn = proven(gateway, upstream)
    for n in range(5):
        client = ask(gateway, "POST", b"x" * n)
        assert conn.read_request().body == b"x" * n
        conn.respond()
        assert client.read_response().status == 200
        client.close()
    upstream.expect_no_connection()


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n",
], ids=["close", "http-1.0", "leftover"])
def test_connections_that_are_not_reused(gateway, upstream, answer):
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.send(answer)
    assert client.read_response().body == b"ok"
    conn.expect_gateway_left()
    client = ask(gateway)
    again = upstream.accept()
    again.read_request()
    again.respond(body=b"fresh")
    assert client.read_response().body == b"fresh"


def test_idle_connection_that_the_upstream_closed_is_dropped(gateway, upstream, database):
    before = gateway.open_fds()
    conn = warm(gateway, upstream)
    conn.close()
    eventually(lambda: gateway.open_fds() <= before, "the idle connection is closed")
    client = ask(gateway, "POST", b"x")
    again = upstream.accept()
    assert again.read_request().body == b"x"
    again.respond()
    assert client.read_response().status == 200
    database.wait_usage(2)


@pytest.mark.sanitizer
@pytest.mark.parametrize("method,body", [("GET", None), ("PUT", b"x" * 10_000), ("DELETE", None)],
                         ids=["GET", "PUT", "DELETE"])
def test_stale_connection_is_replayed_when_idempotent(gateway, upstream, database, method, body):
    conn = warm(gateway, upstream)
    client = ask(gateway, method, body)
    conn.read_request()
    conn.close()  # as an upstream does whose idle limit ran out just now
    again = upstream.accept()
    request = again.read_request()
    assert (request.method, request.body) == (method, body or b"")
    again.respond(body=b"second")
    assert client.read_response().body == b"second"
    upstream.expect_no_connection()
    assert [r["response_status"] for r in database.wait_usage(2)] == [200, 200]


@pytest.mark.parametrize("method,body", [("POST", b"once"), ("PATCH", b"once"),
                                         ("PUT", b"x" * 200_000)], ids=lambda v: v if isinstance(v, str) else "")
def test_stale_connection_is_not_replayed_when_unsafe(gateway, upstream, database, method, body):
    conn = proven(gateway, upstream)
    client = ask(gateway, method, body)
    conn.read_request()
    conn.close()
    answer = client.read_response()
    assert (answer.status, answer.json()["code"]) == (502, "connection_terminated")
    upstream.expect_no_connection()
    row = database.wait_usage(3)[2]
    assert (row["response_status"], row["outcome"]) == (502, "connection_terminated")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_cannot_be_sent_twice_keeps_off_a_connection_just_used(gateway, upstream, method):
    """The upstream may be about to close it: some do right after an answer, without a word."""
    for _ in range(10):
        conn = warm(gateway, upstream)
        conn.close()
        client = ask(gateway, method, b"once")
        again = upstream.accept()
        assert again.read_request().body == b"once"
        again.respond(headers={"Connection": "close"})
        assert client.read_response().status == 200


def test_there_is_one_retry_at_most(gateway, upstream):
    conn = warm(gateway, upstream)
    client = ask(gateway)
    conn.read_request()
    conn.close()
    again = upstream.accept()
    again.read_request()
    again.close()
    assert client.read_response().status == 502
    upstream.expect_no_connection()


def test_no_retry_once_an_answer_has_begun(gateway, upstream):
    conn = warm(gateway, upstream)
    client = ask(gateway)
    conn.read_request()
    conn.send(b"HTTP/1.1 200")
    conn.close()
    assert client.read_response().status == 502
    upstream.expect_no_connection()


def test_connect_falls_back_over_addresses(gateways, upstreams, database):
    dead = f"http://127.0.0.1:{free_port()}"
    alive = upstreams(host="127.0.0.2")
    gateway = gateways(route={"upstream": [dead, alive.url]})
    for method, body in (("GET", None), ("POST", b"x" * 100_000)):
        client = ask(gateway, method, body)
        conn, request = alive.next_request()
        assert request.body == (body or b"")
        conn.respond()
        assert client.read_response().status == 200
    database.wait_usage(2)


def test_all_addresses_of_a_name_are_tried(gateways, upstreams):
    """localhost is ::1 and 127.0.0.1; only the second has a listener."""
    upstream = upstreams()
    gateway = gateways(route={"upstream": f"http://localhost:{upstream.port}"})
    client = ask(gateway)
    conn = upstream.accept()
    assert conn.read_request().get("host") == f"localhost:{upstream.port}"
    conn.respond()
    assert client.read_response().status == 200


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6_upstream(gateways, upstreams):
    try:
        upstream = upstreams(host="::1")
    except OSError:
        pytest.skip("no IPv6 loopback here")
    gateway = gateways(upstream)
    client = ask(gateway)
    conn = upstream.accept()
    assert conn.read_request().get("host") == f"[::1]:{upstream.port}"
    conn.respond()
    assert client.read_response().status == 200


def test_idle_connections_are_limited(gateways, upstream):
    gateway = gateways(upstream, pools={"idle_connections": 2})
    clients, conns = [], []
    for _ in range(5):
        clients.append(ask(gateway))
        conns.append(upstream.accept())
    for conn in conns:
        conn.read_request()
        conn.respond()
    for client in clients:
        assert client.read_response().status == 200
    for conn in conns:
        conn.sock.setblocking(False)

    def closed():
        count = 0
        for conn in conns:
            try:
                count += conn.sock.recv(1) == b""
            except BlockingIOError:
                pass
        return count

    eventually(lambda: closed() == 3, "three of five idle connections are closed")


LATE_408 = {
    "close": b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlate",
    "http-1.0": b"HTTP/1.0 408 Request Time-out\r\n\r\n<html>late</html>",
    "says-nothing": b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
    "chunked": b"HTTP/1.1 408 X\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nlate\r\n",
}


@pytest.mark.sanitizer
@pytest.mark.parametrize("late", LATE_408.values(), ids=LATE_408)
@pytest.mark.parametrize("method,body", [("GET", None), ("PUT", b"x" * 1000), ("DELETE", b"")],
                         ids=["GET", "PUT", "DELETE"])
def test_a_408_that_crossed_the_next_request(gateway, upstream, database, late, method, body):
    """It was meant for the silence before."""
    conn = warm(gateway, upstream)
    client = ask(gateway, method, body)
    conn.read_request()
    conn.send(late)
    fresh = upstream.accept()
    assert fresh.read_request().body == (body or b"")
    fresh.respond(body=b"served")
    assert client.read_response().body == b"served"
    conn.expect_gateway_left()
    rows = database.wait_usage(2)
    assert [(r["response_status"], r["upstream_status"], r["outcome"]) for r in rows] == [(200, 200, "complete")] * 2


def test_a_408_byte_by_byte(gateway, upstream):
    conn = warm(gateway, upstream)
    client = ask(gateway)
    conn.read_request()
    for byte in LATE_408["close"][:-4]:
        conn.send(bytes([byte]))
    fresh = upstream.accept()
    fresh.read_request()
    fresh.respond(body=b"served")
    assert client.read_response().body == b"served"


def test_a_408_to_a_post_is_its_answer(gateway, upstream):
    conn = proven(gateway, upstream)
    client = ask(gateway, "POST", b"x")
    conn.read_request()
    conn.send(LATE_408["close"])
    answer = client.read_response()
    assert (answer.status, answer.body) == (408, b"late")
    upstream.expect_no_connection()


def test_a_408_on_a_new_connection_is_an_answer(gateway, upstream):
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.send(LATE_408["close"])
    assert client.read_response().status == 408
    upstream.expect_no_connection()


def test_a_second_408_is_the_answer(gateway, upstream):
    conn = warm(gateway, upstream)
    client = ask(gateway)
    conn.read_request()
    conn.send(LATE_408["close"])
    fresh = upstream.accept()
    fresh.read_request()
    fresh.send(LATE_408["close"])
    answer = client.read_response()
    assert (answer.status, answer.body) == (408, b"late")


def test_a_408_that_took_its_time_on_a_connection_that_stays(gateway, upstream):
    conn = warm(gateway, upstream)
    client = ask(gateway)
    conn.read_request()
    time.sleep(1.2)
    conn.send(LATE_408["says-nothing"])
    assert client.read_response().status == 408
    upstream.expect_no_connection()
