"""A thread that sends as fast as the peer takes it, and knows when it is held back."""
import threading
import time

from tg.wait import eventually

MB = 1 << 20
PIECE = b"x" * MB
# The kernel may give one socket on the way 32 MB (tcp_rmem); the others have small buffers.
HELD_BACK_BELOW = 48 * MB


class Sender(threading.Thread):
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
        assert self.sent < HELD_BACK_BELOW, "was not held back"


def upload_framings(size):
    """{name: (request fields, Sender's arguments)}: length, chunked, one single chunk."""
    return {
        "length": ({"Content-Length": str(size)}, {}),
        "chunked": ({"Transfer-Encoding": "chunked"},
                    {"frame": lambda p: b"%x\r\n%s\r\n" % (len(p), p), "after": b"0\r\n\r\n"}),
        "one-chunk": ({"Transfer-Encoding": "chunked"},
                      {"before": b"%x\r\n" % size, "after": b"\r\n0\r\n\r\n"}),
    }


def upload(client, upstream, size, fields, how):
    """PUTs size bytes to an upstream that first lets them pile up, then reads all."""
    client.send_head("PUT", "/api/test/x", fields)
    conn = upstream.accept()
    head = conn.read_request_head()
    Sender(client, size, **how).wait_held_back()
    got = 0
    if head.get("content-length"):
        while got < size:
            got += len(conn.read_exact(min(MB, size - got)))
    else:
        while chunk := conn.read_chunk():
            got += len(chunk)
    assert got == size
    conn.respond()
    assert client.read_response().status == 200


def download(client, upstream, size, framing):
    """GETs size bytes ("length", "chunked" or "eof"), letting them pile up before reading."""
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    if framing == "length":
        conn.send_head(headers={"Content-Length": str(size)})
        sender = Sender(conn, size)
    elif framing == "chunked":
        conn.send_head(headers={"Transfer-Encoding": "chunked"})
        sender = Sender(conn, size, lambda p: b"%x\r\n%s\r\n" % (len(p), p), after=b"0\r\n\r\n")
    else:
        conn.send_head(headers={"Connection": "close"})
        sender = Sender(conn, size)
    assert client.read_response_head().status == 200
    sender.wait_held_back()
    got = 0
    if framing == "length":
        while got < size:
            got += len(client.read_exact(min(MB, size - got)))
    else:
        if framing == "eof":
            threading.Thread(target=lambda: (sender.join(), conn.close()), daemon=True).start()
        while chunk := client.read_chunk():
            got += len(chunk)
    assert got == size
