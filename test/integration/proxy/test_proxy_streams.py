"""Bodies in both directions as they come: 100-continue, uploads, early answers, SSE, ends."""
import hashlib
import os

import pytest

from tg.upstream import requests_of

pytestmark = pytest.mark.standing


def start(gateway, upstream, method="GET", target="/api/test/x", headers=(), body=None, **how):
    """A request that has reached the upstream: (client, upstream's end, request)."""
    client = gateway.connect()
    client.send_request(method, target, headers, body, **how)
    conn = upstream.accept()
    return client, conn, conn.read_request()


# --- up ---

@pytest.mark.sanitizer
def test_100_continue_comes_once_the_request_is_authorized(gateway, upstream, database):
    with gateway.connect() as client:
        client.send_head("POST", "/api/test/x", {"Expect": "100-continue", "Content-Length": "5"})
        assert client.read_response_head().status == 100
        client.send(b"hello")
        conn = upstream.accept()
        request = conn.read_request()
        assert request.get("expect") is None and request.body == b"hello"
        conn.respond(body=b"got it")
        assert client.read_response().body == b"got it"
        # The same on a connection that has served a request before.
        client.send_head("POST", "/api/test/x", {"Expect": "100-continue", "Content-Length": "2"})
        assert client.read_response_head().status == 100
        client.send(b"yo")
        conn, request = upstream.next_request()
        assert request.body == b"yo"
        conn.respond(body=b"again")
        assert client.read_response().body == b"again"
    assert [r["response_status"] for r in database.wait_usage(2)] == [200, 200]


def test_100_continue_is_refused_before_the_body(gateway, upstream):
    for key, path, status in (("", "/api/test/x", 401), (None, "/nowhere", 404)):
        client = gateway.connect(key=key)
        client.send_head("POST", path, {"Expect": "100-continue", "Content-Length": "5"})
        assert client.read_response().status == status
    upstream.expect_no_connection()


def test_expectations_that_are_unknown(gateway, upstream):
    answer = gateway.call("POST", "/api/test/x", headers={"Expect": "the-worst"}, body=b"x")
    assert answer.status == 417
    upstream.expect_no_connection()


@pytest.mark.sanitizer
@pytest.mark.parametrize("size", [0, 1, 65_535, 1_000_000])
def test_upload_with_length(gateway, upstream, size):
    body = os.urandom(size)
    client, conn, request = start(gateway, upstream, "PUT", body=body)
    assert request.get("content-length") == str(size)
    assert request.get("transfer-encoding") is None
    assert request.body == body
    conn.respond()
    assert client.read_response().status == 200


@pytest.mark.sanitizer
def test_upload_in_chunks(gateway, upstream, database):
    with gateway.connect() as client:
        client.send_head("POST", "/api/test/x", {"Transfer-Encoding": "chunked"})
        conn = upstream.accept()
        head = conn.read_request_head()
        assert head.get("transfer-encoding") == "chunked" and head.get("content-length") is None
        for part in (b"a", b"b" * 5000, b"c"):
            client.send_chunk(part)  # each part arrives before the next is sent
            got = b""
            while len(got) < len(part):
                got += conn.read_chunk()
            assert got == part
        client.send(b"0\r\nX-Trailer: dropped\r\n\r\n")
        assert conn.read_chunks() == []
        conn.respond()
        assert client.read_response().status == 200
        assert database.wait_usage(1)[0]["bytes_in"] == 5002


def test_upload_in_one_big_chunk(gateway, upstream):
    part = os.urandom(100_000)
    size = 40 * len(part)
    with gateway.connect() as client:
        client.send_head("POST", "/api/test/x", {"Transfer-Encoding": "chunked"})
        client.send(b"%x\r\n" % size)
        conn = upstream.accept()
        conn.read_request_head()
        got = b""
        for _ in range(40):
            client.send(part)
            while len(got) < len(part):
                got += conn.read_chunk()
            assert got[:len(part)] == part
            got = got[len(part):]
        client.send(b"\r\n0\r\n\r\n")
        while conn.read_chunk():
            pass
        conn.respond()
        assert client.read_response().status == 200


def test_chunk_extensions_are_legal_and_dropped(gateway, upstream):
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Transfer-Encoding": "chunked"})
    client.send(b'5;a=b;c="d"\r\nhello\r\n00000;last\r\n\r\n')
    conn = upstream.accept()
    assert conn.read_request().body == b"hello"
    conn.respond()
    assert client.read_response().status == 200


@pytest.mark.parametrize("chunk", [b"5\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n",
                                   b"5\r\nhelloX\r\n0\r\n\r\n", b"-1\r\n", b"5 5\r\nhello\r\n",
                                   b"10000000000000000\r\nhello\r\n"])
def test_bad_chunks_end_the_exchange(gateway, upstream, database, chunk):
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Transfer-Encoding": "chunked"})
    client.send(chunk)
    answer = client.read_response()
    assert answer.status == 400 and answer.json()["code"] == "bad_request"
    client.expect_closed()
    row, = database.wait_usage(1)
    assert row["response_status"] == 400


def test_body_over_the_limit(gateways, upstream, database):
    gateway = gateways(upstream, limits={"body_bytes": 1000})
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Content-Length": "1001"})
    assert client.read_response().json()["code"] == "body_too_large"
    client.expect_closed()
    upstream.expect_no_connection()
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Transfer-Encoding": "chunked"})
    client.send_chunk(b"x" * 1001)
    assert client.read_response().status == 413
    assert [r["response_status"] for r in database.wait_usage(2)] == [413, 413]


@pytest.mark.sanitizer
def test_early_answer_while_uploading(gateway, upstream, database):
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Content-Length": "10000000"})
    client.send(b"x" * 1000)
    conn = upstream.accept()
    conn.read_request_head()
    conn.respond("413 Content Too Large", {"Connection": "close"}, b"too big for me")
    answer = client.read_response()
    assert (answer.status, answer.body) == (413, b"too big for me")
    assert answer.get("connection") == "close"
    conn.expect_gateway_left()
    client.finish_writing()
    client.expect_closed()
    row, = database.wait_usage(1)
    assert (row["response_status"], row["outcome"]) == (413, "complete")
    assert row["error_message"] == "upstream: 413 Content Too Large"


def test_answer_that_overlaps_the_upload(gateway, upstream):
    """Full duplex: the upstream answers piece by piece while it still reads."""
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Transfer-Encoding": "chunked"})
    conn = upstream.accept()
    conn.read_request_head()
    conn.send_head(headers={"Transfer-Encoding": "chunked"})
    answer = client.read_response_head()
    assert answer.status == 200
    for part in (b"one", b"two"):
        client.send_chunk(part)
        assert conn.read_chunk() == part
        conn.send_chunk(part.upper())
        assert client.read_chunk() == part.upper()
    client.send(b"0\r\n\r\n")
    assert conn.read_chunk() == b""
    conn.send(b"0\r\n\r\n")
    assert client.read_chunk() == b""


# --- down ---

@pytest.mark.sanitizer
def test_sse_events_pass_one_by_one(gateway, upstream, database):
    client, conn, _ = start(gateway, upstream)
    conn.send_head(headers={"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    head = client.read_response_head()
    assert head.get("x-accel-buffering") == "no"
    assert head.get("content-type") == "text/event-stream"
    for n in range(20):
        event = b"data: %d\n\n" % n
        conn.send_chunk(event)
        assert client.read_chunk() == event  # before the next one is sent
    conn.send(b"0\r\n\r\n")
    assert client.read_chunk() == b""
    row, = database.wait_usage(1)
    assert row["bytes_out"] == sum(len(b"data: %d\n\n" % n) for n in range(20))


def test_pieces_of_a_fixed_length_body_pass_one_by_one(gateway, upstream):
    client, conn, _ = start(gateway, upstream)
    conn.send_head(headers={"Content-Length": "60000"})
    assert client.read_response_head().get("content-length") == "60000"
    for n in range(4):
        conn.send(b"x" * 10000)
        assert client.read_exact(10000) == b"x" * 10000
    conn.send(b"y" * 20000)
    assert client.read_exact(20000) == b"y" * 20000


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 16_385, 65_536, 3_000_000])
def test_download_with_length(gateways, upstreams, size):
    body = os.urandom(size)

    def serve(conn):
        for _ in requests_of(conn):
            conn.respond(body=body)

    gateway = gateways(upstreams(serve))
    with gateway.connect() as client:
        for _ in range(2):
            answer = client.call("GET", "/api/test/x")
            assert answer.get("content-length") == str(size)
            assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()


@pytest.mark.sanitizer
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_body_until_eof(gateway, upstream, database, version):
    client, conn, _ = start(gateway, upstream, version=version)
    conn.send_head(headers={"Connection": "close"})
    conn.send(b"part one ")
    head = client.read_response_head()
    if version == "1.1":
        assert head.get("transfer-encoding") == "chunked"
        assert client.read_chunk() == b"part one "
        conn.send(b"part two")
        conn.close()
        assert b"".join(client.read_chunks()) == b"part two"
    else:
        assert head.get("transfer-encoding") is None and head.get("content-length") is None
        assert client.read_exact(9) == b"part one "
        conn.send(b"part two")
        conn.close()
        assert client.read_to_eof() == b"part two"
    row, = database.wait_usage(1)
    assert (row["outcome"], row["bytes_out"]) == ("complete", 17)


def test_chunked_answer_for_an_http_1_0_client(gateway, upstream):
    client, conn, request = start(gateway, upstream, version="1.0",
                                  headers={"Connection": "keep-alive"})
    assert request.version == "HTTP/1.1"
    conn.send_head(headers={"Transfer-Encoding": "chunked"})
    conn.send_chunk(b"hello").send_chunk(b" world").send(b"0\r\n\r\n")
    head = client.read_response_head()
    assert head.get("transfer-encoding") is None and head.get("content-length") is None
    assert client.read_to_eof() == b"hello world"


@pytest.mark.parametrize("method,status,fields", [
    ("HEAD", "200 OK", {"Content-Length": "5000"}),
    ("HEAD", "200 OK", {"Transfer-Encoding": "chunked"}),
    ("GET", "204 No Content", {}),
    ("GET", "304 Not Modified", {"ETag": '"x"'}),
    ("GET", "304 Not Modified", {"Content-Length": "5000"}),
])
def test_answers_without_a_body_keep_both_connections(gateway, upstream, method, status, fields):
    client, conn, _ = start(gateway, upstream, method)
    for _ in range(2):
        conn.send_head(status, fields)
        answer = client.read_response(method)
        assert answer.status == int(status[:3]) and answer.body == b""
        if status.startswith("204"):
            assert answer.get("content-length") is None
        if method == "HEAD" and "Content-Length" in fields:
            assert answer.get("content-length") == "5000"
        client.send_request(method, "/api/test/x")
        conn.read_request()
    conn.send_head(status, fields)
    assert client.read_response(method).status == int(status[:3])


@pytest.mark.parametrize("interim", [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
                                     b"HTTP/1.1 100 Continue\r\n\r\n",
                                     b"HTTP/1.1 102 Processing\r\n\r\n" * 3])
def test_interim_answers_are_not_the_answer(gateway, upstream, interim):
    client, conn, _ = start(gateway, upstream)
    conn.send(interim)
    conn.respond(body=b"final")
    answer = client.read_response()
    while answer.status < 200:
        answer = client.read_response()
    assert (answer.status, answer.body) == (200, b"final")


def test_answer_byte_by_byte(gateway, upstream):
    client, conn, _ = start(gateway, upstream)
    raw = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"
           b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n")
    for n in range(len(raw)):
        conn.send(raw[n:n + 1])
    answer = client.read_response()
    assert answer.body == b"hello!" and answer.get("x-a") == "b"


def test_request_byte_by_byte(gateway, upstream):
    client = gateway.connect()
    raw = (b"POST /api/test/x HTTP/1.1\r\nHost: h\r\nX-API-Key: %s\r\n"
           b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" % gateway.key.encode())
    for n in range(len(raw)):
        client.send(raw[n:n + 1])
    conn = upstream.accept()
    assert conn.read_request().body == b"hello"
    conn.respond()
    assert client.read_response().status == 200


def test_requests_in_a_pipeline_are_answered_in_order(gateways, echo_upstream):
    gateway = gateways(echo_upstream)
    with gateway.connect() as client:
        for n in range(20):
            client.send_request("POST", f"/api/test/{n}", body=b"x" * n)
        for n in range(20):
            answer = client.read_response().json()
            assert (answer["target"], answer["bytes"]) == (f"/{n}", n)


@pytest.mark.sanitizer
@pytest.mark.parametrize("rest", [b"", b"GET /api/te"], ids=["all", "cut"])
def test_a_pipeline_before_a_half_close_is_answered(gateways, echo_upstream, rest):
    """As `nc -N` does: requests in one piece, then the end of sending (RFC 9112 9.3.2, 9.6)."""
    gateway = gateways(echo_upstream)
    with gateway.connect() as client:
        client.send(b"".join(
            b"GET /api/test/%d HTTP/1.1\r\nHost: h\r\nX-API-Key: %s\r\n\r\n"
            % (n, gateway.key.encode()) for n in range(3)) + rest)
        client.finish_writing()
        for n in range(3):
            assert client.read_response().json()["target"] == f"/{n}"
        client.expect_eof()
