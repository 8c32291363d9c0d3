"""The input gate: what is ambiguous is refused, and evhttp's traps stay shut."""
import resource

import pytest

from tg.wait import eventually
from tg.wire import WireError

pytestmark = pytest.mark.standing

GET = b"GET /api/test/x HTTP/1.1\r\nHost: h\r\nX-API-Key: %KEY%\r\n"
POST = GET.replace(b"GET", b"POST")
SMUGGLED = b"GET /api/test/smuggled HTTP/1.1\r\nHost: h\r\nX-API-Key: %KEY%\r\n\r\n"

REFUSED = {
    # name: (bytes, statuses that are right)
    "two lengths, same": (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", {400}),
    "two lengths, differing": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", {400}),
    "length list": (POST + b"Content-Length: 3, 3\r\n\r\nabc", {400}),
    "length +3": (POST + b"Content-Length: +3\r\n\r\nabc", {400}),
    "length -1": (POST + b"Content-Length: -1\r\n\r\n", {400}),
    "length 0x3": (POST + b"Content-Length: 0x3\r\n\r\nabc", {400}),
    "length empty": (POST + b"Content-Length:\r\n\r\n", {400}),
    "length 2^64+3": (POST + b"Content-Length: 18446744073709551619\r\n\r\nabc", {400, 413}),
    "length and chunked": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                           b"0\r\n\r\n", {400}),
    "xchunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n", {400, 501}),
    "identity": (POST + b"Transfer-Encoding: identity\r\n\r\n", {400, 501}),
    "gzip, chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", {400, 501}),
    "chunked, gzip": (POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n", {400, 501}),
    "chunked twice": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
                      b"0\r\n\r\n", {400, 501}),
    "chunked on 1.0": (b"POST /api/test/x HTTP/1.0\r\nHost: h\r\nX-API-Key: %KEY%\r\n"
                       b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400, 411, 501}),
    "space before colon": (POST + b"Content-Length : 3\r\n\r\nabc", {400}),
    "obs-fold": (GET + b"X-A: b\r\n c\r\n\r\n", {400}),
    "bare LF": (GET.replace(b"\r\n", b"\n") + b"\n", {400}),
    "bare LF at the end": (GET + b"\n", {400}),
    "bare CR in a value": (GET + b"X: a\rb\r\n\r\n", {400}),
    "NUL in a value": (GET + b"X: a\x00b\r\n\r\n", {400}),
    "NUL in a name": (GET + b"X\x00: a\r\n\r\n", {400}),
    "empty name": (GET + b": a\r\n\r\n", {400}),
    "name with parentheses": (GET + b"X(): a\r\n\r\n", {400}),
    "no colon": (GET + b"Xa\r\n\r\n", {400}),
    "no host": (b"GET /api/test/x HTTP/1.1\r\nX-API-Key: %KEY%\r\n\r\n", {400}),
    "two hosts": (GET + b"Host: i\r\n\r\n", {400}),
    "bad host": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", {400}),
    "foreign scheme": (b"GET foo://h/x HTTP/1.1\r\nHost: h\r\n\r\n", {400}),
    "authority as target": (b"GET a.com:80 HTTP/1.1\r\nHost: h\r\n\r\n", {400}),
    "star with GET": (b"GET * HTTP/1.1\r\nHost: h\r\n\r\n", {400}),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", {400}),
    "space in the target": (b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", {400}),
    "fragment": (b"GET /api/test/x#f HTTP/1.1\r\nHost: h\r\n\r\n", {400}),
    "0x7f in the target": (b"GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n", {400}),
    "space after the version": (b"GET / HTTP/1.1 \r\nHost: h\r\n\r\n", {400, 505}),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", {400, 505}),
    "HTTP/0.9": (b"GET / HTTP/0.9\r\nHost: h\r\n\r\n", {400, 505}),
    "http/1.1": (b"GET / http/1.1\r\nHost: h\r\n\r\n", {400, 505}),
    "connect": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", {400, 405, 501}),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    "long target": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", {414, 431}),
    "long field": (GET + b"X: " + b"a" * 20_000 + b"\r\n\r\n", {431}),
    "many fields": (GET + b"X: a\r\n" * 101 + b"\r\n", {431}),
}


@pytest.fixture
def send_raw(gateway):
    def send(raw):
        client = gateway.connect()
        client.send(raw.replace(b"%KEY%", gateway.key.encode()))
        return client
    return send


@pytest.mark.sanitizer
def test_what_is_ambiguous_is_refused(gateway, upstream, send_raw):
    for name, (raw, statuses) in REFUSED.items():
        client = send_raw(raw + SMUGGLED)
        try:
            answer = client.read_response()
        except (WireError, OSError) as e:
            raise AssertionError(f"{name}: {e}") from e
        assert answer.status in statuses, f"{name}: {answer.status} {answer.body}"
        assert answer.get("connection") == "close", name
        # Whatever stands behind an unreadable head is never taken as a request.
        assert b"HTTP/1.1" not in client.expect_closed(), name
    upstream.expect_no_connection()
    assert gateway.get_status("/health") == 200


@pytest.mark.parametrize("raw", [
    b"\r\n" + GET + b"\r\n",
    b"GET http://other/api/test/x HTTP/1.1\r\nHost: h\r\nX-API-Key: %KEY%\r\n\r\n",
    GET + b"X-Empty:\r\nX-Tab:\ta\t\r\n\r\n",
    POST + b"Content-Length: 0\r\n\r\n",
    GET + b"X: a\r\n" * 97 + b"\r\n",
], ids=["leading CRLF", "absolute form", "white space", "length 0", "just not too many"])
def test_what_is_unusual_but_right_is_served(upstream, send_raw, raw):
    client = send_raw(raw)
    conn = upstream.accept()
    assert conn.read_request().target == "/x"
    conn.respond()
    assert client.read_response().status == 200


# --- evhttp's traps, each as it once showed ---

@pytest.mark.sanitizer
@pytest.mark.parametrize("extra", [b"x", b"\r\n", b"GET /", b"x" * 100_000],
                         ids=["byte", "crlf", "begin", "flood"])
def test_extra_bytes_while_being_served(gateway, upstream, send_raw, extra):
    """One byte too many once ended the process (illegal connection state)."""
    client = send_raw(GET + b"\r\n")
    conn = upstream.accept()
    conn.read_request()
    client.send(extra)
    assert gateway.get_status("/health") == 200
    conn.respond(body=b"fine")
    assert client.read_response().body == b"fine"
    assert gateway.get_status("/health") == 200


def test_http_1_0_keep_alive_is_not_cut_to_nothing(gateway, upstream, send_raw):
    """Once `Content-Length: 0` stood before a streamed body."""
    client = send_raw(b"GET /api/test/x HTTP/1.0\r\nX-API-Key: %KEY%\r\n"
                      b"Connection: keep-alive\r\n\r\n")
    conn = upstream.accept()
    conn.read_request()
    conn.send_head(headers={"Transfer-Encoding": "chunked"})
    conn.send_chunk(b"body").send(b"0\r\n\r\n")
    head = client.read_response_head()
    assert head.get("content-length") in (None, "4")
    assert client.read_exact(4) == b"body"


@pytest.mark.parametrize("connection", ["keep-alive, close", "close, keep-alive", "Close"])
def test_close_is_found_in_a_list(gateway, upstream, send_raw, connection):
    client = send_raw(GET + f"Connection: {connection}\r\n\r\n".encode())
    conn = upstream.accept()
    conn.read_request()
    conn.respond()
    answer = client.read_response()
    assert answer.get("connection") == "close"
    client.expect_eof()


def test_client_that_closes_each_time(gateways, echo_upstream, database):
    """As n8n does: `Connection: close` on every call."""
    gateway = gateways(echo_upstream, workers=2)
    for n in range(10):
        client = gateway.connect()
        answer = client.call("POST", "/api/test/x", {"Connection": "close"}, body=b"x" * n)
        assert answer.json()["bytes"] == n and answer.get("connection") == "close"
        client.expect_eof()
    database.wait_usage(10)


def test_half_closed_client_is_told_or_left_but_recorded(gateway, upstream, send_raw, database):
    client = send_raw(GET + b"\r\n")
    conn = upstream.accept()
    conn.read_request()
    client.finish_writing()
    conn.expect_gateway_left()
    assert database.wait_usage(1)[0]["outcome"] == "client_abort"


def test_reason_phrases_of_our_own(gateways, upstream):
    gateway = gateways(upstream)
    assert gateway.call("GET", "/api/test/x", key="").reason == "Unauthorized"
    client = gateway.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 20_000 + b"\r\n\r\n")
    assert client.read_response().reason == "Request Header Fields Too Large"


def test_connection_limit(gateways, upstream):
    gateway = gateways(upstream, limits={"connections": 16})
    clients = [gateway.connect() for _ in range(40)]
    for client in clients:
        client.close()
    eventually(lambda: gateway.get_status("/health") == 200, "connections are taken again")


def test_descriptors_run_out(gateways, upstream):
    """Once the listener then spun and filled the log with 100,000 lines in half a second."""
    gateway = gateways(upstream)
    _, hard = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (gateway.open_fds() + 30, hard))
    lines = gateway.log().count("\n")
    clients = [gateway.connect() for _ in range(60)]
    served = 0
    for client in clients[:10]:
        served += client.call("GET", "/health").status == 200
    assert served == 10
    for client in clients:
        client.close()
    eventually(lambda: gateway.get_status("/health") == 200, "connections are taken again")
    assert gateway.log().count("\n") - lines < 50
    assert gateway.log().count("accept failed") <= 2 * gateway.settings.get("workers", 1)
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (hard, hard))
    gateway.expect_error("descriptors|accept|Too many open files")
