"""What a failed call tells SDKs, which repeat a 5xx by themselves: what may have been paid for is not sent again."""
import contextlib
import socket

import pytest

from tg.ports import free_port

pytestmark = pytest.mark.standing


def advice(answer):
    return answer.get("x-should-retry"), answer.get("retry-after")


def ask(gateway, method="POST", body=b"costs money"):
    client = gateway.connect()
    return client.send_request(method, "/api/test/x", (), body)


LIMITS = {"first_byte_s": {"first_byte_s": 0.3}, "total_s": {"total_s": 0.4}}
limits = pytest.mark.parametrize("timeouts", LIMITS.values(), ids=LIMITS)


@limits
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_timeout_behind_a_whole_request(gateways, upstream, timeouts, method):
    client = ask(gateways(upstream, timeouts=timeouts), method)
    upstream.accept().read_request()
    answer = client.read_response()
    assert (answer.status, advice(answer)) == (504, ("false", None))


@limits
def test_with_an_interim_answer_or_a_piece_of_a_head(gateways, upstream, timeouts):
    client = ask(gateways(upstream, timeouts=timeouts))
    conn = upstream.accept()
    conn.read_request()
    conn.send(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 O")
    assert client.read_response().status == 103
    assert advice(client.read_response()) == ("false", None)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_what_may_be_repeated(gateways, upstream, method):
    client = ask(gateways(upstream, timeouts={"first_byte_s": 0.3}), method, b"" if method == "PUT" else None)
    upstream.accept().read_request()
    answer = client.read_response(method)
    assert (answer.status, advice(answer)) == (504, (None, None))


def test_a_request_that_is_not_sent_whole(gateways, upstream):
    client = gateways(upstream, timeouts={"total_s": 0.4}).connect()
    client.send_head("POST", "/api/test/x", {"Content-Length": "10"})
    client.send(b"half")
    upstream.accept().read_request_head()
    answer = client.read_response()
    assert (answer.status, advice(answer)) == (504, (None, None))


def test_nothing_was_sent_refused(gateways):
    answer = ask(gateways(route={"upstream": f"http://127.0.0.1:{free_port()}"})).read_response()
    assert (answer.status, advice(answer)) == (502, (None, "5"))


@pytest.mark.parametrize("timeouts", [{"connect_s": 0.3}, {"total_s": 0.3}], ids=["connect_s", "total_s"])
def test_nothing_was_sent_no_connection(gateways, timeouts):
    with socket.socket() as full, socket.socket() as filler:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        filler.connect(full.getsockname())
        gateway = gateways(route={"upstream": f"http://127.0.0.1:{full.getsockname()[1]}"}, timeouts=timeouts)
        answer = ask(gateway).read_response()
    assert (answer.status, advice(answer)) == (504, (None, "5"))


def test_nothing_was_sent_no_name(gateways):
    answer = ask(gateways(route={"upstream": "http://no-such-host.invalid"})).read_response()
    assert (answer.status, advice(answer)) == (502, (None, "5"))


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nX"], ids=["silent", "inside-the-head"])
@pytest.mark.parametrize("leave", [lambda c: c.close(), lambda c: c.reset()], ids=["close", "reset"])
def test_a_connection_that_died(gateway, upstream, begin, leave):
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.send(begin)
    leave(conn)
    answer = client.read_response()
    assert (answer.status, advice(answer)) == (502, (None, None))


def test_an_answer_that_is_not_http(gateway, upstream):
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.send(b"SSH-2.0-x\r\n\r\n")
    assert advice(client.read_response()) == (None, None)


def test_a_stop_behind_a_whole_request(gateways, upstream):
    gateway = gateways(upstream, timeouts={"drain_s": 0.3})
    client = ask(gateway)
    upstream.accept().read_request()
    gateway.terminate()
    answer = client.read_response()
    assert (answer.status, answer.get("x-should-retry")) == (503, "false")


@pytest.mark.parametrize("fields", [{}, {"x-should-retry": "true", "Retry-After": "7"}], ids=["none", "its-own"])
@pytest.mark.parametrize("status", ["429 Too Many Requests", "502 Bad", "503 Busy", "504 Late"])
def test_an_upstreams_answer_is_its_own(gateway, upstream, fields, status):
    client = ask(gateway)
    conn = upstream.accept()
    conn.read_request()
    conn.respond(status, fields)
    answer = client.read_response()
    assert advice(answer) == (fields.get("x-should-retry"), fields.get("Retry-After"))


def test_an_upstream_that_stops_reading(gateways, upstreams):
    upstream = upstreams(receive_buffer=4096)
    gateway = gateways(upstream, timeouts={"idle_s": 0.4})
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Content-Length": str(1 << 30)})
    upstream.accept().read_request_head()
    client.sock.settimeout(0.1)
    with contextlib.suppress(OSError):
        while True:
            client.send(b"x" * 65536)
    client.sock.settimeout(20)
    answer = client.read_response()
    assert (answer.status, advice(answer)) == (504, (None, None))
