"""An answer that comes before its request was sent whole reaches a client that first sends all."""
import http.client
import ssl
import time

import pytest

from tg.ports import free_port
from tg.sender import MB, Sender
from tg.sockets import tcp_sockets
from tg.wait import eventually

pytestmark = pytest.mark.standing

BODY = b"x" * 5 * MB


def ask(client, path="/api/test/x", key="nobody", body=BODY, headers=None):
    """What http.client gets, which reads only after the whole body was sent."""
    client.timeout = 20
    client.request("POST", path, body, {"X-API-Key": key, **(headers or {})})
    answer = client.getresponse()
    return answer.status, answer.read()


def plain(gateway):
    return http.client.HTTPConnection("127.0.0.1", gateway.port)


def in_chunks():
    for _ in range(5):
        yield b"y" * MB


@pytest.mark.sanitizer
@pytest.mark.parametrize("body", [lambda: BODY, in_chunks], ids=["length", "chunked"])
def test_a_key_that_is_not_known(gateway, body):
    assert ask(plain(gateway), body=body())[0] == 401


@pytest.mark.parametrize("body", [lambda: BODY, in_chunks], ids=["length", "chunked"])
def test_a_body_that_is_too_large(gateways, echo_upstream, body):
    gateway = gateways(echo_upstream, limits={"body_bytes": 1000})
    assert ask(plain(gateway), key=gateway.key, body=body())[0] == 413


def test_an_upstream_that_is_not_there(gateways):
    gateway = gateways(route={"upstream": f"http://127.0.0.1:{free_port()}"})
    assert ask(plain(gateway), key=gateway.key)[0] == 502


def test_an_upstream_that_answers_early(gateway, upstream):
    """Its error is longer than what the gateway's queue and the kernel keep for a client that does not read."""
    client = gateway.connect(receive_buffer=4096)
    client.send_head("POST", "/api/test/x", {"Content-Length": str(64 * MB)})
    sender = Sender(client, 64 * MB)
    conn = upstream.accept()
    conn.read_request_head()
    Sender(conn, 0, after=b"HTTP/1.1 413 Too Large\r\nContent-Length: 100000\r\n\r\n" + b"e" * 100_000)
    sender.join()
    assert client.read_response().body == b"e" * 100_000
    client.expect_eof()


@pytest.mark.parametrize("head,status", [
    (b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 5242880\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nX: " + b"y" * 20000, 431),
], ids=["bad", "too-large"])
def test_a_head_that_is_refused(gateway, head, status):
    client = gateway.connect()
    client.send(head + BODY)
    assert client.read_response().status == status
    client.expect_eof()


@pytest.mark.sanitizer
def test_over_tls(gateways, upstream, authority):
    certificate, key = authority.server_files(["DNS:gateway.test", "IP:127.0.0.1"])
    port = free_port()
    gateways(upstream, tls={"listen": [f"127.0.0.1:{port}"], "certificate": certificate, "key": key})
    client = http.client.HTTPSConnection(
        "127.0.0.1", port, context=ssl.create_default_context(cafile=authority.file))
    assert ask(client)[0] == 401


def test_a_slow_sender_has_time(gateway):
    client = gateway.connect(key="")
    client.send_head("POST", "/api/test/x", {"Content-Length": str(MB)})
    for _ in range(8):
        client.send(b"x" * 1000)
        time.sleep(0.5)
    assert client.read_response().status == 401
    client.expect_eof()


def is_held(gateway, port):
    """Whether it has the socket whose peer is that port."""
    return any(peer == port for _, peer in tcp_sockets(gateway.pid).values())


def test_one_that_sends_no_more_is_left(gateway):
    client = gateway.connect(key="")
    client.send_head("POST", "/api/test/x", {"Content-Length": str(MB)})
    begun = time.monotonic()
    assert client.read_response().status == 401
    client.expect_eof()
    eventually(lambda: not is_held(gateway, client.local_port), "it is closed")
    assert 4 < time.monotonic() - begun < 10
