"""A slow side holds back the other: memory stays flat, whatever the size."""
import os

import pytest

from tg.gateway import SANITIZED
from tg.sender import MB, PIECE, Sender, download, upload, upload_framings
from tg.upstream import requests_of

FULL = os.environ.get("TOLLGATE_TEST_FULL") == "1"
UPLOAD = (200 if FULL else 60) * MB
DOWNLOAD = (500 if FULL else 100) * MB
GROWTH_KB = 16 * 1024

pytestmark = pytest.mark.skipif(SANITIZED is not None, reason="a sanitizer's memory is its own")


@pytest.mark.parametrize("framing", ["length", "chunked", "one-chunk"])
def test_upload_to_a_slow_upstream(gateways, upstreams, database, framing):
    upstream = upstreams(receive_buffer=256 * 1024)
    gateway = gateways(upstream)
    gateway.reset_memory_peak()
    before = gateway.memory_kb()
    upload(gateway.connect(), upstream, UPLOAD, *upload_framings(UPLOAD)[framing])
    assert gateway.memory_kb() - before < GROWTH_KB
    assert database.wait_usage(1)[0]["bytes_in"] == UPLOAD


@pytest.mark.parametrize("framing", ["length", "chunked", "eof"])
def test_download_by_a_slow_caller(gateway, upstream, database, framing):
    gateway.reset_memory_peak()
    before = gateway.memory_kb()
    download(gateway.connect(receive_buffer=64 * 1024), upstream, DOWNLOAD, framing)
    assert gateway.memory_kb() - before < GROWTH_KB
    row, = database.wait_usage(1)
    assert (row["bytes_out"], row["outcome"]) == (DOWNLOAD, "complete")
    assert row["client_wait_ms"] >= 200  # it was the caller that was slow, and the row says so


def test_flood_while_being_served_is_bounded(gateway, upstream):
    """Bytes behind a request that is still being served are held back, not collected."""
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    gateway.reset_memory_peak()
    before = gateway.memory_kb()
    sender = Sender(client, 48 * MB, before=b"GET /api/test/y HTTP/1.1\r\nX: ")
    sender.wait_held_back()
    assert gateway.memory_kb() - before < 4 * 1024
    conn.respond(body=b"still here")
    assert client.read_response().body == b"still here"
    assert client.read_response().status == 431
    client.expect_closed()


def test_refused_upload_is_told_even_when_the_caller_keeps_sending(gateway, upstream):
    """The answer must not be lost to a reset because the body was not read."""
    client = gateway.connect(key="")
    client.send_head("POST", "/api/test/x", {"Content-Length": str(50 * MB)})
    Sender(client, 50 * MB)
    answer = client.read_response()
    assert answer.status == 401 and answer.get("connection") == "close"
    upstream.expect_no_connection()


def test_many_downloads_at_once_stay_small(gateways, upstreams):
    def serve(conn):
        for _ in requests_of(conn):
            conn.respond(body=PIECE * 8)

    gateway = gateways(upstreams(serve), workers=2)
    gateway.reset_memory_peak()
    before = gateway.memory_kb()
    clients = [gateway.connect(receive_buffer=16384) for _ in range(20)]
    for client in clients:
        client.send_request("GET", "/api/test/x")
    for client in clients:
        assert len(client.read_response().body) == 8 * MB
    assert gateway.memory_kb() - before < 20 * 1024 + GROWTH_KB
