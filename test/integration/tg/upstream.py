"""Upstreams that do exactly what a test says, byte by byte.

Without a handler the test itself accepts and answers: up.accept() gives the connection that the
gateway opened. With a handler each connection is served by a thread of its own.
"""
import hashlib
import json
import queue
import select
import socket
import ssl
import threading
import time

from tg.wire import TIMEOUT_S, Request, Wire, WireError, as_fields, head_bytes


class UpstreamConn(Wire):
    """The upstream's end of a connection from the gateway."""

    def __init__(self, sock, upstream):
        super().__init__(sock)
        self.upstream = upstream

    def read_request_head(self):
        return Request(self.read_head(), b"")

    def read_request(self):
        request = self.read_request_head()
        kind, length = self.framing(request.head)
        if kind == "chunked":
            chunks = self.read_chunks()
            request.body, request.chunks = b"".join(chunks), [len(c) for c in chunks]
        elif kind == "length":
            request.body = self.read_exact(length)
        return request

    def send_head(self, status="200 OK", headers=()):
        return self.send(head_bytes(f"HTTP/1.1 {status}", as_fields(headers)))

    def respond(self, status="200 OK", headers=(), body=b"ok"):
        fields = as_fields(headers) + [("Content-Length", str(len(body)))]
        return self.send(head_bytes(f"HTTP/1.1 {status}", fields) + body)

    def expect_gateway_left(self):
        """The gateway closed (or reset) this connection; returns the bytes before that."""
        return self.expect_closed()


class Upstream:
    def __init__(self, handler=None, tls=None, host="127.0.0.1", port=0, receive_buffer=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind((host, port))
        self.listener.listen(128)
        self.host, self.port = host, self.listener.getsockname()[1]
        self.handler, self.tls = handler, tls
        self.conns, self.requests, self.faults = [], [], []
        self.tls_errors = queue.Queue()
        self._lock = threading.Lock()
        self._threads = []
        if handler:
            self._start(self._accept_loop)

    @property
    def authority(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    def accept(self, timeout=TIMEOUT_S):
        """Waits for the gateway's next connection (and its TLS handshake)."""
        self.listener.settimeout(timeout)
        sock, _ = self.listener.accept()
        sock.settimeout(TIMEOUT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            sock = self.tls.wrap_socket(sock, server_side=True)
        conn = UpstreamConn(sock, self)
        with self._lock:
            self.conns.append(conn)
        return conn

    def next_request(self):
        """Waits for a request on an idle or a new connection: (connection, request)."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            idle = [c for c in self.conns if c.sock.fileno() >= 0]
            ready, _, _ = select.select([self.listener] + [c.sock for c in idle], [], [], 1)
            if self.listener in ready:
                self.accept()
            for conn in idle:
                if conn.buffer or conn.sock in ready:
                    if conn.buffer or conn._fill():
                        return conn, conn.read_request()
                    conn.close()
        raise WireError("no request arrived")

    def expect_no_connection(self):
        """Nobody has connected (no wait: call after a step that proves progress)."""
        self.listener.setblocking(False)
        try:
            self.listener.accept()
        except BlockingIOError:
            return
        raise AssertionError("the gateway connected to an upstream that must not be used")

    def clear(self):
        """Ends all connections, also those that nobody has accepted."""
        self.listener.setblocking(False)
        try:
            while True:
                self.listener.accept()[0].close()
        except BlockingIOError:
            pass
        for conn in self.conns:
            conn.close()
        self.conns.clear()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread
        except OSError:
            pass
        self.listener.close()
        for conn in list(self.conns):
            try:
                conn.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(TIMEOUT_S)
        for conn in self.conns:
            conn.close()

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept_loop(self):
        while True:
            try:
                conn = self.accept(timeout=None)
            except OSError as e:
                if not isinstance(e, ssl.SSLError) and not isinstance(e, ConnectionError):
                    return  # the listener is closed
                self.tls_errors.put(e)
                continue
            self._start(self._serve, conn)

    def _serve(self, conn):
        try:
            self.handler(conn)
        except (OSError, WireError) as e:
            self.faults.append(e)
        finally:
            try:
                conn.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def requests_of(conn):
    """The requests of a connection until the gateway closes it."""
    while True:
        if not conn.buffer and not conn._fill():
            return
        request = conn.read_request()
        conn.upstream.requests.append(request)
        yield request


def echo(conn):
    """Answers each request with what arrived, as JSON."""
    for request in requests_of(conn):
        conn.respond(headers={"Content-Type": "application/json"}, body=json.dumps({
            "method": request.method,
            "target": request.target,
            "headers": request.fields,
            "bytes": len(request.body),
            "sha256": hashlib.sha256(request.body).hexdigest(),
        }).encode())
