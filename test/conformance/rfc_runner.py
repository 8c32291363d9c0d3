"""Runs conformance cases: bytes in at one end, bytes compared at both, then a fresh client.

One gateway and one upstream serve all cases, one after the other. After each case a request on
a connection of its own (and, where the case left it open, on the case's connection) must get
its own answer: nothing of a case may stay behind and be taken for another's.
"""
import itertools
import json
import re
import socket

from tg.wire import Client, Head, Response, WireError

PATIENCE_S = 6
PROBE = "/t/probe-"
OK = (b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nok")

# The gateway's own fields, whose values change from call to call.
OWN_UP = re.compile(rb"(?:X-Request-Id: [\x21-\x7e]+|traceparent: [0-9a-f-]{55})\r\n")
OWN_DOWN = re.compile(rb"(?:Tollgate-Request-Id: [\x21-\x7e]+|X-Request-Id: [0-9a-f-]{36}|"
                      rb"Server-Timing: tollgate;[^\r\n]*)\r\n")
# RFC 9209 2: a list of one item, with parameters.
PROXY_STATUS = re.compile(r"tollgate; error=[a-z_]+; details=\"[a-z_]+\"\Z")


class Mismatch(AssertionError):
    """A case did not go as it says."""


class Tap:
    """A socket that keeps what it has received."""

    def __init__(self, sock):
        self._sock = sock
        self.received = b""

    def recv(self, n):
        data = self._sock.recv(n)
        self.received += data
        return data

    def __getattr__(self, name):
        return getattr(self._sock, name)


def tap(wire):
    wire.sock = Tap(wire.sock)
    wire.sock.settimeout(PATIENCE_S)
    return wire


def consumed(wire):
    """How many of the received bytes have been read by the test."""
    return len(wire.sock.received) - len(wire.buffer)


def body_of(wire, head):
    kind, length = wire.framing(head)
    if kind == "chunked":
        return b"".join(wire.read_chunks())
    return wire.read_exact(length) if kind == "length" else b""


def compare(what, got, want):
    if got != want:
        raise Mismatch(f"{what}\n  is:        {got!r}\n  should be: {want!r}")


class Scripted:
    """The upstream's side: answers as the case says, keeps what arrived."""

    def __init__(self):
        self.case, self.seen, self.broken, self.faults = None, [], [], []
        self.texts = lambda text: text.encode("latin-1")

    def begin(self, case):
        self.case, self.seen, self.broken = case, [], []

    def __call__(self, conn):
        try:
            self.serve(conn)
        except OSError:
            pass  # the gateway left
        except Exception as e:  # a fault of the test itself must not look like a bad upstream
            self.faults.append(e)
            raise

    def serve(self, conn):
        tap(conn).sock.settimeout(None)
        while conn.buffer or conn._fill():
            try:
                head = conn.read_head()
                body = body_of(conn, head)
            except (WireError, OSError) as e:
                self.broken.append(e)
                return
            target = head.start.split(" ")[1]
            if target.startswith(PROBE):
                conn.respond(body=target.encode("latin-1"))
            elif not self.answer(conn, head, body):
                return

    def answer(self, conn, head, body):
        """False: the connection is over."""
        n = len(self.seen)
        self.seen.append((head, body))
        replies = self.case.reply
        if not replies:
            data = OK[:-2] if head.start.startswith("HEAD ") else OK
            conn.send(data)
            return True
        text, end = replies[min(n, len(replies) - 1)], True
        for mark in ("<eof>", "<tunnel>"):
            if text.endswith(mark):
                text, end = text[:-len(mark)], False
        conn.send(self.texts(text))
        if replies[-1].endswith("<tunnel>"):
            self.echo(conn)
        return end

    @staticmethod
    def echo(conn):
        while conn.buffer or conn._fill():
            data, conn.buffer = conn.buffer, b""
            conn.send(data)


class Runner:
    def __init__(self, gateway, upstream, scripted):
        self.gateway, self.upstream, self.scripted = gateway, upstream, scripted
        self.numbers = itertools.count()
        scripted.texts = self.texts

    def texts(self, text):
        marks = {"<key>": self.gateway.key, "<up>": self.upstream.authority}
        for mark, meaning in marks.items():
            text = text.replace(mark, meaning)
        return text.encode("latin-1")

    def connect(self):
        return tap(Client("127.0.0.1", self.gateway.port, self.gateway.key))

    def run(self, case):
        self.scripted.begin(case)
        with self.connect() as client:
            self.send(client, case.send)
            self.judge(case, client)
        if self.scripted.faults:
            raise self.scripted.faults[0]
        before = len(self.scripted.seen)
        with self.connect() as client:
            self.probe(client)
        if len(self.scripted.seen) != before:
            raise Mismatch(f"a request arrived late: {self.scripted.seen[before:]}")

    def probe(self, client):
        target = f"{PROBE}{next(self.numbers)}"
        response = client.call("GET", target)
        compare("a request of its own got", (response.status, response.body),
                (200, target.encode()))

    def send(self, client, text):
        for piece in re.split(r"(<shut>|<100>)", text):
            if piece == "<shut>":
                client.sock.shutdown(socket.SHUT_WR)
            elif piece == "<100>":
                compare("interim answer", client.read_response_head().status, 100)
            elif piece:
                client.sock.sendall(self.texts(piece))

    # --- verdicts ---

    def judge(self, case, client):
        getattr(self, "judge_" + case.verdict.replace("-", "_"))(case, client)

    def saw(self, count):
        targets = [h.start for h, _ in self.scripted.seen]
        if len(targets) != count:
            raise Mismatch(f"the upstream saw {targets}, not {count} requests")

    def own_answer(self, client, statuses):
        """One of the gateway's own answers: a problem that Proxy-Status explains."""
        response = client.read_response()
        if response.status not in statuses:
            raise Mismatch(f"answered {response.status}, not {statuses}: {response.body!r}")
        if not PROXY_STATUS.match(response.get("proxy-status", "")):
            raise Mismatch(f"Proxy-Status is {response.get('proxy-status')!r}")
        compare("problem's status", json.loads(response.body)["status"], response.status)
        return response

    def judge_refuse(self, case, client):
        """An error answer, then the end of the connection; nothing was passed on."""
        response = self.own_answer(client, case.statuses)
        compare("Connection", (response.get("connection") or "").lower(), "close")
        client.expect_eof()
        self.saw(0)

    def judge_answer(self, case, client):
        """Answered by the gateway; the connection goes on."""
        response = client.read_response()
        if response.status not in case.statuses:
            raise Mismatch(f"answered {response.status}, not {case.statuses}")
        self.saw(0)
        self.follow_up(client, response)

    def judge_break(self, case, client):
        """The fault came after the head: an error answer or the end, never a whole request."""
        data = client.expect_closed()
        if data:
            status = Response(Head(data[:data.index(b"\r\n\r\n") + 4])).status
            if status not in case.statuses:
                raise Mismatch(f"answered {status}, not {case.statuses}")
        self.saw(0)

    def judge_closed(self, _case, client):
        data = client.expect_closed()
        if data and not re.match(rb"HTTP/1\.1 4\d\d ", data):
            raise Mismatch(f"answered {data!r}")
        self.saw(0)

    def judge_any(self, _case, client):
        """Refused or passed on; but as one request, whose answer is its own."""
        response = client.read_response()
        self.saw(0 if response.status != 200 else 1)
        if self.scripted.broken:
            raise Mismatch(f"malformed at the upstream: {self.scripted.broken}")
        self.follow_up(client, response)

    def judge_bad_gateway(self, case, client):
        self.own_answer(client, case.statuses or (502,))
        self.probe(client)

    def judge_cut(self, _case, client):
        """The answer breaks off: a 502 if nothing of it was sent yet, else it looks incomplete."""
        head = client.read_response_head()
        try:
            body = body_of(client, head)
            if client.framing(head) == (None, None):
                client.read_to_eof()
        except (WireError, OSError):
            return
        if head.status != 502 or not PROXY_STATUS.match(head.get("proxy-status", "")):
            raise Mismatch(f"{head.head.start} with {body!r} looks complete")

    def judge_forward(self, case, client):
        count = max(1, len(case.sees))
        method = case.send.split(" ")[0]
        for _ in range(count):
            response = self.final_answer(client, method)
            compare("status", response.status, case.statuses[0] if case.statuses else 200)
        self.compare_seen(case)
        self.follow_up(client, response)

    def judge_relay(self, case, client):
        method, last = case.send.split(" ")[0], (case.reply or [""])[-1]
        for want in case.gets:
            raw, response = self.raw_answer(client, method)
            compare("the client got", raw, self.texts(want))
        if last.endswith("<tunnel>"):
            self.use_tunnel(client)
        elif not last.endswith("<eof>") or response.get("connection") != "close":
            self.follow_up(client, response)
        self.compare_seen(case)

    # --- details ---

    def final_answer(self, client, method):
        while True:
            response = client.read_response(method)
            if response.status >= 200 or response.status == 101:
                return response

    def raw_answer(self, client, method):
        """(head without the gateway's changing fields + decoded body, response)."""
        start = consumed(client)
        head = client.read_head()
        end = consumed(client)
        response = Response(head)
        if not (method == "HEAD" or response.status in (204, 304) or response.status < 200):
            response.body = body_of(client, head)
            if client.framing(head) == (None, None):
                response.body = client.read_to_eof()
        raw = client.sock.received[start:end]
        return OWN_DOWN.sub(b"", raw) + response.body, response

    def compare_seen(self, case):
        self.saw(max(1, len(case.sees)))
        for (head, body), want in zip(self.scripted.seen, case.sees):
            if len(OWN_UP.findall(head.raw)) != 2:
                raise Mismatch(f"X-Request-Id or traceparent is missing: {head.raw!r}")
            compare("the upstream saw", OWN_UP.sub(b"", head.raw) + body, self.texts(want))

    def follow_up(self, client, response):
        """The connection goes on where the answer does not say otherwise."""
        if (response.get("connection") or "").lower() == "close":
            client.expect_eof()
        else:
            self.probe(client)

    @staticmethod
    def use_tunnel(client):
        data = bytes(range(256))
        client.sock.sendall(data)
        compare("through the tunnel", client.read_exact(len(data)), data)
        client.sock.shutdown(socket.SHUT_WR)
        client.expect_eof()
