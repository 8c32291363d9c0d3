"""The gateway's own TLS: calls, resumption on every worker, renewal without a lost call."""
import contextlib
import signal
import socket
import ssl

import pytest

from tg.ports import free_port
from tg.wait import eventually
from tg.wire import Client, Wire


class TlsClient(Client):
    """A caller over TLS; everything else is Client's."""

    def __init__(self, gateway, context, session=None, key=None):
        sock = socket.create_connection(("127.0.0.1", gateway.tls_port))
        tls = context.wrap_socket(sock, server_hostname="gateway.test", session=session)
        Wire.__init__(self, tls)
        self.key = key or gateway.key
        gateway.keep(self)


@pytest.fixture
def tls_gateway(gateways, upstream, authority):
    certificate, key = authority.server_files(["DNS:gateway.test"])
    port = free_port()
    gateway = gateways(upstream, workers=2, tls={"listen": [f"127.0.0.1:{port}"],
                                                 "certificate": certificate, "key": key})
    gateway.tls_port = port
    return gateway


@pytest.fixture
def context(authority):
    return ssl.create_default_context(cafile=authority.file)


def serve(upstream, body=b"ok"):
    conn = upstream.accept()
    request = conn.read_request()
    conn.respond(body=body)
    return request


@pytest.mark.sanitizer
def test_calls_over_tls(tls_gateway, upstream, context, database):
    client = TlsClient(tls_gateway, context)
    assert client.sock.version() in ("TLSv1.2", "TLSv1.3")
    client.send_request("POST", "/api/test/x", body=b"question")
    conn = upstream.accept()
    request = conn.read_request()
    assert request.body == b"question"
    assert request.head.get("X-Forwarded-Proto") == "https"
    conn.respond(body=b"a" * 300000)
    assert client.read_response().body == b"a" * 300000
    client.send_request("GET", "/api/test/again")
    conn.read_request()
    conn.respond(body=b"kept alive")
    assert client.read_response().body == b"kept alive"
    assert len(database.wait_usage(2)) == 2


@pytest.mark.sanitizer
def test_head_and_body_in_one_record(tls_gateway, upstream, context):
    """libevent reads such a record in several pieces before evhttp runs."""
    client = TlsClient(tls_gateway, context)
    body = b"j" * 15000
    client.send(b"POST /api/test/x HTTP/1.1\r\nHost: x\r\nContent-Length: 15000\r\n"
                b"X-API-Key: " + tls_gateway.key.encode() + b"\r\n\r\n" + body)
    conn = upstream.accept()
    assert conn.read_request().body == body
    conn.respond()
    assert client.read_response().status == 200


@pytest.mark.sanitizer
def test_garbage_in_one_record(tls_gateway, context):
    client = TlsClient(tls_gateway, context)
    client.send(b"G" * 300 + b"\r\n" * 7000)
    assert client.read_response().status == 400
    client.expect_eof()


@pytest.mark.sanitizer
def test_events_arrive_one_by_one(tls_gateway, upstream, context):
    client = TlsClient(tls_gateway, context)
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    conn.send_head(headers={"Content-Type": "text/event-stream",
                            "Transfer-Encoding": "chunked"})
    client.read_response_head()
    for i in range(5):
        conn.send_chunk(b"data: %d\n\n" % i)
        assert client.read_chunk() == b"data: %d\n\n" % i
    conn.send(b"0\r\n\r\n")
    assert client.read_chunk() == b""


def test_a_large_upload_is_held_back(tls_gateway, upstream, context):
    client = TlsClient(tls_gateway, context)
    tls_gateway.reset_memory_peak()
    before = tls_gateway.memory_kb("VmRSS")
    client.send_head("POST", "/api/test/x", {"Content-Length": "100000000"})
    conn = upstream.accept()
    conn.read_request_head()
    client.sock.settimeout(1)
    with pytest.raises(OSError):
        for _ in range(1000):
            client.sock.sendall(b"x" * 65536)
    assert tls_gateway.memory_kb() - before < 16 * 1024


def test_refusals_and_closing(tls_gateway, context):
    client = TlsClient(tls_gateway, context, key="ntk_unknown")
    client.send_request("GET", "/api/test/x", {"Connection": "close"})
    assert client.read_response().status == 401
    client.expect_eof()


def test_plain_bytes_on_a_tls_port(tls_gateway):
    with socket.create_connection(("127.0.0.1", tls_gateway.tls_port)) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        s.settimeout(5)
        try:
            while s.recv(4096):
                pass
        except ConnectionError:
            pass
    assert tls_gateway.get_status("/health") == 200


def test_any_worker_resumes_a_session(tls_gateway, context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    first = TlsClient(tls_gateway, context)
    session = first.sock.session
    for _ in range(8):  # spread over both workers by the kernel
        again = TlsClient(tls_gateway, context, session)
        assert again.sock.session_reused


def served_serial(gateway, authority):
    with socket.create_connection(("127.0.0.1", gateway.tls_port)) as sock:
        context = ssl.create_default_context(cafile=authority.file)
        with context.wrap_socket(sock, server_hostname="gateway.test") as tls:
            return tls.getpeercert()["serialNumber"]


@pytest.mark.sanitizer
def test_a_renewed_certificate_is_taken_over(tls_gateway, upstream, authority, context):
    held = TlsClient(tls_gateway, context)
    held.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    old = served_serial(tls_gateway, authority)
    certificate, key = authority.server_files(["DNS:gateway.test"])
    tls_gateway.settings["tls"].update(certificate=certificate, key=key)
    tls_gateway.write_config()
    tls_gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: all(served_serial(tls_gateway, authority) != old for _ in range(6)),
               "the new certificate is served")
    conn.respond(body=b"still here")
    assert held.read_response().body == b"still here"


def test_a_bad_certificate_changes_nothing(tls_gateway, authority):
    old = served_serial(tls_gateway, authority)
    other, _ = authority.server_files(["DNS:other.test"])
    tls_gateway.settings["tls"]["certificate"] = other
    tls_gateway.write_config()
    tls_gateway.expect_error("the configuration has errors")
    tls_gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "the configuration has errors" in tls_gateway.log(), "the reload fails")
    assert "does not go with tls.certificate" in tls_gateway.log()
    assert served_serial(tls_gateway, authority) == old


@pytest.mark.sanitizer
@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT x:443 HTTP/1.1\r\n\r\n"])
def test_plain_http_on_the_port(tls_gateway, sent):
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", tls_gateway.tls_port)) as plain:
            plain.sendall(sent)
            with contextlib.suppress(ConnectionError):
                while plain.recv(4096):
                    pass
    warning = "WARN 127.0.0.1 speaks plain HTTP to a port for TLS"
    eventually(lambda: warning in tls_gateway.log(), "the log tells")
    assert tls_gateway.log().count(warning) <= 2  # one per worker
