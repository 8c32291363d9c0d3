"""Upstreams that refuse, hang, break off or talk nonsense, each told apart; time limits."""
import socket

import pytest

from tg.problems import assert_problem
from tg.ports import free_port

pytestmark = pytest.mark.standing


def ask(gateway, method="GET", body=None):
    client = gateway.connect()
    return client.send_request(method, "/api/test/x", (), body)


def assert_row(database, status, outcome, upstream_status=None):
    row, = database.wait_usage(1)
    assert (row["response_status"], row["outcome"]) == (status, outcome), row
    assert row["upstream_status"] == upstream_status
    assert row["error_message"]
    return row


@pytest.mark.sanitizer
def test_refused(gateways, database):
    gateway = gateways(route={"upstream": f"http://127.0.0.1:{free_port()}"})
    answer = gateway.call("POST", "/api/test/x", body=b"x" * 100_000)
    assert_problem(answer, 502, "connection_refused")
    assert "connection_refused" in answer.get("proxy-status")
    assert_row(database, 502, "connection_refused")


def test_name_that_does_not_exist(gateways, database):
    gateway = gateways(route={"upstream": "http://no-such-host.invalid"})
    assert_problem(gateway.call("GET", "/api/test/x"), 502, "dns_error")
    assert_row(database, 502, "dns_error")


def test_connect_timeout(gateways, database):
    with socket.socket() as full, socket.socket() as filler:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # one connection waits to be accepted; the kernel drops further SYNs
        filler.connect(full.getsockname())
        gateway = gateways(route={"upstream": f"http://127.0.0.1:{full.getsockname()[1]}"},
                           timeouts={"connect_s": 0.3})
        assert_problem(gateway.call("GET", "/api/test/x"), 504, "connection_timeout")
        assert_row(database, 504, "connection_timeout")


@pytest.mark.sanitizer
def test_upstream_that_never_answers(gateways, upstream, database):
    gateway = gateways(upstream, timeouts={"first_byte_s": 0.3})
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    assert_problem(client.read_response(), 504, "http_response_timeout")
    conn.expect_gateway_left()
    assert_row(database, 504, "http_response_timeout")


def test_first_byte_limit_counts_from_the_sent_request(gateways, upstream):
    """A long upload is not the upstream's delay."""
    gateway = gateways(upstream, timeouts={"first_byte_s": 0.5})
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Content-Length": "6"})
    conn = upstream.accept()
    conn.read_request_head()
    for n in range(6):
        conn.sock.settimeout(0.15)
        with pytest.raises(socket.timeout):
            conn.read_exact(1)
        conn.sock.settimeout(20)
        client.send(b"%d" % n)
        assert conn.read_exact(1) == b"%d" % n
    conn.respond()
    assert client.read_response().status == 200


@pytest.mark.sanitizer
def test_silence_inside_an_answer(gateways, upstream, database):
    gateway = gateways(upstream, timeouts={"idle_s": 0.3})
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.send_head(headers={"Transfer-Encoding": "chunked"})
    conn.send_chunk(b"some")
    assert client.read_response_head().status == 200
    assert client.read_chunk() == b"some"
    rest = client.expect_closed()
    assert b"0\r\n" not in rest  # never looks complete
    conn.expect_gateway_left()
    row = assert_row(database, 200, "http_response_timeout", upstream_status=200)
    assert row["bytes_out"] == 4


def test_total_limit(gateways, upstream, database):
    gateway = gateways(upstream, timeouts={"total_s": 0.4})
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    answer = client.read_response()
    assert answer.status == 504
    conn.expect_gateway_left()
    assert database.wait_usage(1)[0]["response_status"] == 504


def test_head_limit(gateways, upstream, database):
    gateway = gateways(upstream, timeouts={"head_s": 0.3})
    client = gateway.connect()
    client.send(b"GET /api/test/x HTTP/1.1\r\nHost: h\r\n")
    answer = client.read_response()
    assert (answer.status, answer.json()["code"]) == (408, "request_timeout")
    client.expect_closed()
    upstream.expect_no_connection()


def test_silence_inside_a_request_body(gateways, upstream, database):
    gateway = gateways(upstream, timeouts={"body_s": 0.3})
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Content-Length": "10"})
    client.send(b"half")
    conn = upstream.accept()
    conn.read_request_head()
    assert_problem(client.read_response(), 408, "request_timeout")
    client.expect_closed()
    conn.expect_gateway_left()
    row, = database.wait_usage(1)
    assert (row["response_status"], row["bytes_in"]) == (408, 4)


def test_route_overrides_a_limit(gateways, upstream):
    gateway = gateways(upstream, timeouts={"first_byte_s": 30},
                       route={"timeouts": {"first_byte_s": 0.3}})
    client = ask(gateway)
    upstream.accept().read_request()
    assert client.read_response().status == 504


def test_client_limits_do_not_cut_a_slow_answer(gateways, upstream):
    """head_s and body_s are over once the request is in; an SSE stream may be silent longer."""
    gateway = gateways(upstream, timeouts={"head_s": 0.3, "body_s": 0.3, "keep_alive_s": 0.3})
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.send_head(headers={"Transfer-Encoding": "chunked"})
    assert client.read_response_head().status == 200
    client.sock.settimeout(1)
    with pytest.raises(socket.timeout):
        client.read_chunk()
    client.sock.settimeout(20)
    conn.send_chunk(b"late").send(b"0\r\n\r\n")
    assert client.read_chunks() == [b"late"]


NOT_HTTP = {
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "http-2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status-99": b"HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n",
    "status-1000": b"HTTP/1.1 1000 X\r\nContent-Length: 0\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "length-and-chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked"
                          b"\r\n\r\n0\r\n\r\n",
    "length-text": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab",
    "unknown-coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab",
    "bare-lf": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
    "space-before-colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nab",
    "nul": b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\nab",
    "switch-nobody-asked-for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                               b"Connection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("kind", NOT_HTTP)
def test_answers_that_are_not_http(gateway, upstream, database, kind):
    code = "http_upgrade_failed" if kind == "switch-nobody-asked-for" else "http_protocol_error"
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.send(NOT_HTTP[kind])
    assert_problem(client.read_response(), 502, code)
    conn.expect_gateway_left()
    assert_row(database, 502, code)
    # The caller's next connection is served as usual; to its end, or the next test's upstream would find it waiting.
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert client.read_response().status == 204


def test_head_of_an_answer_is_too_large(gateway, upstream, database):
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.send(b"HTTP/1.1 200 OK\r\n")
    try:
        for _ in range(100):
            conn.send(b"X-Filler: " + b"x" * 4000 + b"\r\n")
    except OSError:
        pass  # it hung up before the end, as it should
    answer = client.read_response()
    assert (answer.status, answer.json()["code"]) == (502, "http_response_header_section_size")


BROKEN_OFF = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50000, 50000),
    "chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabc", 3),
    "no-last-chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 3),
}


@pytest.mark.sanitizer
@pytest.mark.parametrize("raw,size", BROKEN_OFF.values(), ids=BROKEN_OFF.keys())
def test_answers_that_break_off(gateway, upstream, database, raw, size):
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.send(raw)
    assert client.read_response_head().status == 200
    conn.close()
    rest = client.expect_closed()
    assert not rest.endswith(b"0\r\n\r\n")
    row = assert_row(database, 200, "http_response_incomplete", upstream_status=200)
    assert row["bytes_out"] <= size


def test_broken_chunk_in_an_answer(gateway, upstream, database):
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    assert client.read_response_head().status == 200
    assert client.read_chunk() == b"abc"
    conn.send(b"nonsense\r\n")
    assert not client.expect_closed().endswith(b"0\r\n\r\n")
    conn.expect_gateway_left()
    assert_row(database, 200, "http_protocol_error", upstream_status=200)


def test_upstream_that_closes_without_an_answer(gateway, upstream, database):
    client = ask(gateway, "POST", b"x")
    conn = upstream.accept()
    conn.read_request()
    conn.close()
    assert_problem(client.read_response(), 502, "connection_terminated")
    assert_row(database, 502, "connection_terminated")


def test_upstream_that_resets(gateway, upstream, database):
    client = ask(gateway, "POST", b"x")
    conn = upstream.accept()
    conn.read_request()
    conn.reset()
    assert_problem(client.read_response(), 502, "connection_terminated")
    assert_row(database, 502, "connection_terminated")


def test_upstream_that_stops_reading(gateways, upstreams, database):
    upstream = upstreams(receive_buffer=4096)
    gateway = gateways(upstream, timeouts={"idle_s": 0.4, "first_byte_s": 0.4, "body_s": 30})
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Content-Length": str(1 << 30)})
    upstream.accept().read_request_head()
    client.sock.settimeout(0.1)
    try:
        while True:
            client.send(b"x" * 65536)
    except (TimeoutError, ConnectionError):
        pass
    client.sock.settimeout(20)
    assert_problem(client.read_response(), 504, "connection_write_timeout")
    assert_row(database, 504, "connection_write_timeout")
