"""Callers that leave: the upstream is told, nothing leaks, one row says so."""
import contextlib
import socket
import time

import pytest

from tg.sender import MB, Sender

pytestmark = pytest.mark.standing

LEAVE = {"close": lambda c: c.close(), "reset": lambda c: c.reset()}
leaves = pytest.mark.parametrize("leave", LEAVE.values(), ids=LEAVE.keys())


def assert_aborted(database, status, **columns):
    row, = database.wait_usage(1)
    assert (row["response_status"], row["outcome"]) == (status, "client_abort"), row
    assert row["error_message"]
    assert {k: row[k] for k in columns} == columns
    return row


@pytest.mark.sanitizer
@leaves
def test_while_waiting_for_the_answer(gateway, upstream, database, leave):
    client = gateway.connect()
    client.send_request("POST", "/api/test/x", body=b"question")
    conn = upstream.accept()
    conn.read_request()
    leave(client)
    conn.expect_gateway_left()
    assert_aborted(database, 499, upstream_status=None, bytes_in=8, bytes_out=0)


def test_while_connecting(gateways, database):
    with socket.socket() as full, socket.socket() as filler:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        filler.connect(full.getsockname())
        gateway = gateways(route={"upstream": f"http://127.0.0.1:{full.getsockname()[1]}"})
        client = gateway.connect()
        client.send_request("GET", "/api/test/x")
        client.close()
        assert_aborted(database, 499, upstream_status=None)


@pytest.mark.sanitizer
@leaves
def test_while_uploading(gateway, upstream, database, leave):
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Content-Length": "100000"})
    client.send(b"x" * 1000)
    conn = upstream.accept()
    conn.read_request_head()
    conn.read_exact(1000)
    leave(client)
    assert conn.expect_gateway_left() == b""
    assert_aborted(database, 499, bytes_in=1000)


def test_while_uploading_chunks_the_upstream_sees_no_end(gateway, upstream, database):
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Transfer-Encoding": "chunked"})
    client.send_chunk(b"part")
    conn = upstream.accept()
    conn.read_request_head()
    assert conn.read_chunk() == b"part"
    client.close()
    assert conn.expect_gateway_left() == b""
    assert_aborted(database, 499, bytes_in=4)


@pytest.mark.sanitizer
@leaves
def test_while_downloading(gateway, upstream, database, leave):
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    conn.send_head(headers={"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    conn.send_chunk(b"data: 1\n\n")
    client.read_response_head()
    assert client.read_chunk() == b"data: 1\n\n"
    leave(client)
    conn.expect_gateway_left()
    assert_aborted(database, 200, upstream_status=200, bytes_out=9)


@leaves
def test_while_a_full_buffer_waits_for_the_caller(gateway, upstream, database, leave):
    client = gateway.connect(receive_buffer=4096)
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    conn.send_head(headers={"Content-Length": str(1 << 30)})
    conn.sock.settimeout(0.2)
    try:
        while True:
            conn.send(b"x" * 65536)
    except TimeoutError:
        pass  # held back: both sides' buffers are full
    conn.sock.settimeout(20)
    leave(client)
    conn.expect_gateway_left()
    assert_aborted(database, 200, upstream_status=200)


@pytest.mark.sanitizer
def test_a_caller_that_reads_a_little_now_and_then_is_left(gateways, upstream, database):
    gateway = gateways(upstream, timeouts={"idle_s": 1})
    client = gateway.connect(receive_buffer=4096)
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    conn.send_head(headers={"Content-Length": str(1 << 30)})
    sender = Sender(conn, 1 << 30)
    with contextlib.suppress(ConnectionResetError):
        while sender.fault is None:
            client.sock.recv(200)
            time.sleep(0.15)
    row, = database.wait_usage(1)
    assert (row["outcome"], row["response_status"]) == ("client_abort", 200)
    assert "read too slowly" in row["error_message"]


def test_after_a_piece_of_the_request_head(gateway, upstream, database):
    client = gateway.connect()
    client.send(b"GET /api/test/x HTTP/1.1\r\nX-API-Ke")
    client.close()
    assert gateway.get_status("/health") == 200
    upstream.expect_no_connection()
    assert database.usage() == []


def test_route_that_drains_reads_the_answer_to_its_end(gateways, upstream, database):
    gateway = gateways(upstream, route={"on_client_abort": "drain"})
    client = gateway.connect()
    client.send_request("POST", "/api/test/x", body=b"costs money")
    conn = upstream.accept()
    conn.read_request()
    client.reset()
    assert_aborted(database, 499)
    conn.send_head(headers={"Content-Length": "10"})
    conn.send(b"0123456789")
    # The connection was left whole, so the next caller may have it.
    again = gateway.connect()
    again.send_request("GET", "/api/test/x")
    conn.read_request()
    conn.respond()
    assert again.read_response().status == 200


def test_many_at_once_leave_nothing_behind(gateways, upstreams, database):
    from tg.upstream import requests_of

    def hold(conn):
        for _ in requests_of(conn):
            conn.send_head(headers={"Transfer-Encoding": "chunked"})
            conn.send_chunk(b"x")

    gateway = gateways(upstreams(hold), workers=2)
    clients = []
    for n in range(60):
        client = gateway.connect()
        client.send_request("GET", "/api/test/x")
        if n % 3:
            client.read_response_head()
        clients.append(client)
    for n, client in enumerate(clients):
        # A reset may overtake a request that was not read yet; then there never was one.
        client.reset() if n % 3 == 1 else client.close()
    rows = database.wait_usage(60)
    assert {r["outcome"] for r in rows} == {"client_abort"}


@pytest.mark.sanitizer
@pytest.mark.parametrize("fields,body", [
    ({"Content-Length": "8"}, b"question"),
    ({"Transfer-Encoding": "chunked"}, b"8\r\nquestion\r\n0\r\n\r\n")],
    ids=["length", "chunked"])
def test_a_complete_request_and_a_half_close_are_no_abort(gateway, upstream, database, fields,
                                                          body):
    """The whole body is here before the upstream is reached."""
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", fields)
    client.send(body)
    client.sock.shutdown(socket.SHUT_WR)
    conn = upstream.accept()
    assert conn.read_request().body == b"question"
    conn.respond(body=b"answer")
    assert client.read_response().body == b"answer"
    client.expect_eof()
    row, = database.wait_usage(1)
    assert (row["response_status"], row["outcome"]) == (200, "complete")


def test_a_half_closed_slow_reader_gets_everything(gateway, upstream, database):
    client = gateway.connect(receive_buffer=4096)
    client.send_request("GET", "/api/test/x")
    client.sock.shutdown(socket.SHUT_WR)
    conn = upstream.accept()
    conn.read_request()
    size = 16 * MB
    conn.send_head(headers={"Content-Length": str(size)})
    sender = Sender(conn, size)
    sender.wait_held_back()
    time.sleep(1.5)  # longer than a half-closed client may be silent
    client.read_response_head()
    assert len(client.read_exact(size)) == size
    sender.join()
    row, = database.wait_usage(1)
    assert (row["outcome"], row["bytes_out"]) == ("complete", size)


def test_draining_never_pools_a_switched_connection(gateways, upstream, database):
    gateway = gateways(upstream, route={"on_client_abort": "drain"})
    client = gateway.connect()
    client.send_request("GET", "/api/test/x", {"Connection": "Upgrade", "Upgrade": "websocket"})
    conn = upstream.accept()
    conn.read_request_head()
    client.reset()
    conn.expect_gateway_left()
    database.wait_usage(1)


@pytest.mark.sanitizer
def test_after_a_half_close_and_more_of_the_answer(gateway, upstream, database):
    """It shuts its side down, still gets a piece, then leaves: nothing but a reset tells, and nobody reads."""
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    client.finish_writing()
    conn = upstream.accept()
    conn.read_request()
    conn.send_head(headers={"Transfer-Encoding": "chunked"})
    client.read_response_head()
    client.close()
    conn.send_chunk(b"to nobody")
    begun = time.monotonic()
    conn.expect_gateway_left()
    assert time.monotonic() - begun < 5
    assert_aborted(database, 200, upstream_status=200, bytes_out=0)
