"""A slow side holds back the other: memory stays flat, whatever the size."""
import os
import threading
import time

import pytest

from tg.gateway import SANITIZED
from tg.upstream import requests_of
from tg.wait import eventually

FULL = os.environ.get("TOLLGATE_TEST_FULL") == "1"
MB = 1 << 20
UPLOAD = (200 if FULL else 60) * MB
DOWNLOAD = (500 if FULL else 100) * MB
GROWTH_KB = 16 * 1024
PIECE = b"x" * MB

pytestmark = pytest.mark.skipif(SANITIZED is not None, reason="a sanitizer's memory is its own")


class Sender(threading.Thread):
    """Sends pieces as fast as the peer takes them, and counts."""

    def __init__(self, wire, total, frame=lambda piece: piece, before=b"", after=b""):
        super().__init__(daemon=True)
        self.wire, self.total, self.frame = wire, total, frame
        self.before, self.after = before, after
        self.sent, self.fault = 0, None
        self.start()

    def run(self):
        try:
            self.wire.send(self.before)
            while self.sent < self.total:
                self.wire.send(self.frame(PIECE))
                self.sent += len(PIECE)
            self.wire.send(self.after)
        except OSError as e:
            self.fault = e

    def wait_held_back(self):
        """Until nothing more is taken for 0.3 s."""
        seen = [(-1, 0.0)]

        def is_still():
            if self.sent != seen[0][0]:
                seen[0] = (self.sent, time.monotonic())
            return time.monotonic() - seen[0][1] > 0.3

        eventually(is_still, "the sender is held back")
        assert self.sent < 16 * MB, "was not held back"


FRAMINGS = {
    "length": dict(fields={"Content-Length": str(UPLOAD)}),
    "chunked": dict(fields={"Transfer-Encoding": "chunked"},
                    frame=lambda p: b"%x\r\n%s\r\n" % (len(p), p), after=b"0\r\n\r\n"),
    "one-chunk": dict(fields={"Transfer-Encoding": "chunked"},
                      before=b"%x\r\n" % UPLOAD, after=b"\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("how", FRAMINGS.values(), ids=FRAMINGS.keys())
def test_upload_to_a_slow_upstream(gateway, upstream, database, how):
    how = dict(how)
    fields = how.pop("fields")
    gateway.reset_memory_peak()
    before = gateway.memory_kb()
    client = gateway.connect()
    client.send_head("PUT", "/api/test/x", fields)
    conn = upstream.accept()
    head = conn.read_request_head()
    sender = Sender(client, UPLOAD, **how)
    sender.wait_held_back()
    got = 0
    if head.get("content-length"):
        while got < UPLOAD:
            got += len(conn.read_exact(min(MB, UPLOAD - got)))
    else:
        while chunk := conn.read_chunk():
            got += len(chunk)
    assert got == UPLOAD
    conn.respond()
    assert client.read_response().status == 200
    assert gateway.memory_kb() - before < GROWTH_KB
    assert database.wait_usage(1)[0]["bytes_in"] == UPLOAD


@pytest.mark.parametrize("framing", ["length", "chunked", "eof"])
def test_download_by_a_slow_caller(gateway, upstream, database, framing):
    gateway.reset_memory_peak()
    before = gateway.memory_kb()
    client = gateway.connect(receive_buffer=64 * 1024)
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    if framing == "length":
        conn.send_head(headers={"Content-Length": str(DOWNLOAD)})
        sender = Sender(conn, DOWNLOAD)
    elif framing == "chunked":
        conn.send_head(headers={"Transfer-Encoding": "chunked"})
        sender = Sender(conn, DOWNLOAD, lambda p: b"%x\r\n%s\r\n" % (len(p), p), after=b"0\r\n\r\n")
    else:
        conn.send_head(headers={"Connection": "close"})
        sender = Sender(conn, DOWNLOAD)
    assert client.read_response_head().status == 200
    sender.wait_held_back()
    got = 0
    if framing == "length":
        while got < DOWNLOAD:
            got += len(client.read_exact(min(MB, DOWNLOAD - got)))
    else:
        if framing == "eof":
            threading.Thread(target=lambda: (sender.join(), conn.close()), daemon=True).start()
        while chunk := client.read_chunk():
            got += len(chunk)
    assert got == DOWNLOAD
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
