"""HTTPS upstreams: name and chain verified, SNI sent, sessions reused, ends told apart."""
import os
import ssl

import pytest

from tg.problems import assert_problem
from tg.tls import Authority
from tg.wait import eventually

LOCAL = ["DNS:localhost", "IP:127.0.0.1"]


@pytest.fixture
def tls(gateways, upstreams, authority):
    """tls(names, host=..., ca=...): (gateway, upstream) joined by TLS, through a server thread."""

    def make(names=tuple(LOCAL), host="localhost", handler=None, expired=False, ca=authority.file,
             context=None, **settings):
        context = context or authority.server_context(list(names), expired)
        upstream = upstreams(handler or answer_hello, tls=context)
        route = {"upstream": f"https://{host}:{upstream.port}"}
        if ca:
            route["tls"] = {"ca_file": ca}
        return gateways(route=route, **settings), upstream

    return make


def answer_hello(conn):
    from tg.upstream import requests_of
    for request in requests_of(conn):
        if request.target == "/close":
            conn.respond(headers={"Connection": "close"}, body=b"hello")
            return
        conn.respond(body=b"hello")


@pytest.mark.sanitizer
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_verified_upstream(tls, database, host):
    gateway, upstream = tls(host=host)
    for _ in range(3):
        assert gateway.call("GET", "/api/test/x").body == b"hello"
    assert len(upstream.conns) == 1
    assert {r["response_status"] for r in database.wait_usage(3)} == {200}


def test_sni_is_sent_for_names(tls, authority):
    context, seen = authority.server_context(LOCAL), []
    context.sni_callback = lambda sock, name, ctx: seen.append(name)
    gateway, _ = tls(context=context)
    assert gateway.call("GET", "/api/test/x").status == 200
    assert seen == ["localhost"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_reused(tls, authority, version):
    context = authority.server_context(LOCAL)
    context.minimum_version = context.maximum_version = version
    reused = []

    def serve(conn):
        reused.append(conn.sock.session_reused)
        answer_hello(conn)

    gateway, _ = tls(context=context, handler=serve)
    for _ in range(2):
        assert gateway.call("GET", "/api/test/close").body == b"hello"
    assert reused == [False, True]


BAD = {
    "name": dict(names=("DNS:other.example",)),
    "address": dict(names=("DNS:localhost",), host="127.0.0.1"),
    "expired": dict(expired=True),
    "system-ca": dict(ca=None),
}


@pytest.mark.sanitizer
@pytest.mark.parametrize("how", BAD.values(), ids=BAD.keys())
def test_certificates_that_are_refused(tls, database, how):
    gateway, upstream = tls(**how)
    answer = gateway.call("POST", "/api/test/x", body=b"secret")
    assert_problem(answer, 502, "tls_certificate_error")
    assert upstream.requests == []
    row, = database.wait_usage(1)
    assert (row["response_status"], row["outcome"]) == (502, "tls_certificate_error")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_common_name_alone_does_not_count(tls, authority, host):
    """RFC 9110 4.3.4."""
    gateway, upstream = tls(host=host, context=authority.server_context([], common_name=host))
    answer = gateway.call("GET", "/api/test/x")
    assert_problem(answer, 502, "tls_certificate_error")
    assert host != "localhost" or "common name does not count" in answer.json()["detail"]
    assert upstream.requests == []


@pytest.mark.sanitizer
@pytest.mark.parametrize("method, size", [("GET", 0), ("POST", 400_000)])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_upstream_that_wants_a_client_certificate(tls, authority, database, version, method, size):
    """TLS 1.3 tells it after the handshake; sent once, although GET could be sent again."""
    context = authority.server_context(LOCAL)
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    gateway, upstream = tls(context=context)
    answer = gateway.call(method, "/api/test/x", body=b"x" * size)
    assert_problem(answer, 502, "tls_alert_received")
    wanted = "certificate required (116)" if version == ssl.TLSVersion.TLSv1_3 else "(40)"
    assert wanted in answer.json()["detail"]
    assert "error=tls_alert_received" in answer.get("proxy-status")
    row, = database.wait_usage(1)
    assert (row["outcome"], row["response_status"]) == ("tls_alert_received", 502)
    assert wanted in row["error_message"]
    assert upstream.tls_errors.qsize() == 1 and upstream.requests == []


def test_another_authority_is_refused(tls, tmp_path):
    (tmp_path / "other").mkdir()
    gateway, upstream = tls(ca=Authority(str(tmp_path / "other"), "Another CA").file)
    assert_problem(gateway.call("GET", "/api/test/x"), 502, "tls_certificate_error")
    assert upstream.requests == []


def test_plain_http_where_tls_was_expected(gateways, upstreams, authority, database):
    def plain(conn):
        conn._fill()
        conn.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    upstream = upstreams(plain)
    gateway = gateways(route={"upstream": f"https://localhost:{upstream.port}",
                              "tls": {"ca_file": authority.file}})
    assert_problem(gateway.call("GET", "/api/test/x"), 502, "tls_protocol_error")
    assert database.wait_usage(1)[0]["outcome"] == "tls_protocol_error"


def test_handshake_that_hangs(gateways, upstream, authority, database):
    gateway = gateways(route={"upstream": f"https://localhost:{upstream.port}",
                              "tls": {"ca_file": authority.file}}, timeouts={"connect_s": 0.3})
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()  # and never answers the ClientHello
    assert_problem(client.read_response(), 504, "connection_timeout")
    assert conn.expect_gateway_left()


@pytest.mark.sanitizer
def test_bodies_through_tls(tls, database):
    body = os.urandom(3_000_000)

    def give_back(conn):
        from tg.upstream import requests_of
        for request in requests_of(conn):
            conn.respond(body=request.body)

    gateway, _ = tls(handler=give_back)
    with gateway.connect() as client:
        assert client.call("PUT", "/api/test/x", body=body).body == body
        client.send_head("PUT", "/api/test/x", {"Transfer-Encoding": "chunked"})
        client.send_chunk(body[:100_000]).send_chunk(body[100_000:200_000]).send(b"0\r\n\r\n")
        assert client.read_response().body == body[:200_000]
    database.wait_usage(2)


@pytest.mark.sanitizer
@pytest.mark.parametrize("clean", [True, False], ids=["close-notify", "cut"])
def test_end_of_a_body_until_eof(tls, database, clean):
    """RFC 9112 9.8: without close_notify the end may be an attacker's."""

    def serve(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 20_000)
        if clean:
            conn.sock.unwrap()

    gateway, _ = tls(handler=serve)
    with gateway.connect() as client:
        client.send_request("GET", "/api/test/x")
        assert client.read_response_head().status == 200
        rest = client.expect_closed() if not clean else b""
        if clean:
            assert len(b"".join(client.read_chunks())) == 20_000
        else:
            assert not rest.endswith(b"0\r\n\r\n")
    row, = database.wait_usage(1)
    assert row["outcome"] == ("complete" if clean else "http_response_incomplete")


def test_caller_that_leaves_ends_the_tls_connection(tls, database):
    from tg.upstream import requests_of
    gone = []

    def hold(conn):
        for _ in requests_of(conn):
            conn.send_head(headers={"Transfer-Encoding": "chunked"})
            conn.send_chunk(b"x")
        gone.append(True)

    gateway, _ = tls(handler=hold)
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    client.read_response_head()
    client.close()
    eventually(lambda: gone, "the upstream's connection ended")
    assert database.wait_usage(1)[0]["outcome"] == "client_abort"
