"""HTTP/1.1 on a raw socket, byte-exact in both directions, and strict in what it accepts."""
import re
import socket
import struct

TIMEOUT_S = 20
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")
HEAD_MAX = 1 << 17


class WireError(AssertionError):
    """The peer sent something that RFC 9112 does not allow, or ended too early."""


class Head:
    """A start line and fields. Field names compare without case; order and bytes are kept."""

    def __init__(self, raw):
        self.raw = raw
        lines = raw[:-4].split(b"\r\n")
        self.start = lines[0].decode("latin-1")
        self.fields = [self._field(line) for line in lines[1:]]

    @staticmethod
    def _field(line):
        name, colon, value = line.partition(b":")
        value = value.strip(b" \t")
        if not colon or not TOKEN.match(name) or not VALUE.match(value):
            raise WireError(f"not a field line: {line!r}")
        return name.decode("latin-1"), value.decode("latin-1")

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        if len(values) > 1:
            raise WireError(f"{name} stands {len(values)} times: {values}")
        return values[0] if values else default

    def names(self):
        return [n.lower() for n, _ in self.fields]


class Message:
    """A head with its decoded body; chunks holds the chunk sizes where it came chunked."""

    def __init__(self, head, body, chunks=None):
        self.head, self.body, self.chunks = head, body, chunks
        self.fields = head.fields
        self.all, self.get, self.names = head.all, head.get, head.names

    def json(self):
        import json
        return json.loads(self.body)


class Request(Message):
    def __init__(self, head, body, chunks=None):
        super().__init__(head, body, chunks)
        self.method, self.target, self.version = head.start.split(" ")


class Response(Message):
    def __init__(self, head, body=b"", chunks=None):
        super().__init__(head, body, chunks)
        m = re.match(r"HTTP/(1\.[01]) ([1-5]\d\d) ([^\x00-\x08\x0a-\x1f\x7f]*)\Z", head.start)
        if not m:
            raise WireError(f"not a status line: {head.start!r}")
        self.version, self.status, self.reason = m.group(1), int(m.group(2)), m.group(3)


class Wire:
    """A socket with a read buffer. Every wait has a limit; what is not as expected raises."""

    def __init__(self, sock, timeout=TIMEOUT_S):
        sock.settimeout(timeout)
        self.sock = sock
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data)
        return self

    def send_chunk(self, data):
        return self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def _fill(self):
        data = self.sock.recv(1 << 16)
        self.buffer += data
        return bool(data)

    def read_until(self, delimiter, limit=HEAD_MAX):
        while delimiter not in self.buffer:
            if len(self.buffer) > limit:
                raise WireError(f"no {delimiter!r} within {limit} bytes")
            if not self._fill():
                raise WireError(f"EOF before {delimiter!r}; got {self.buffer!r}")
        at = self.buffer.index(delimiter) + len(delimiter)
        out, self.buffer = self.buffer[:at], self.buffer[at:]
        return out

    def read_exact(self, n):
        parts = [self.buffer[:n]]
        self.buffer = self.buffer[n:]
        left = n - len(parts[0])
        while left:
            data = self.sock.recv(min(left, 1 << 20))
            if not data:
                raise WireError(f"EOF with {left} of {n} bytes missing")
            parts.append(data)
            left -= len(data)
        return b"".join(parts)

    def read_head(self):
        raw = self.read_until(b"\r\n\r\n")
        if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
            raise WireError(f"bare CR or LF in {raw!r}")
        return Head(raw)

    def read_chunk(self):
        """One chunk's data; b"" for the last chunk, whose trailer section must be empty."""
        line = self.read_until(b"\r\n", 1024)
        if not re.match(rb"[0-9A-Fa-f]{1,15}\r\n\Z", line):
            raise WireError(f"not a chunk size: {line!r}")
        data = self.read_exact(int(line, 16))
        if self.read_exact(2) != b"\r\n":
            raise WireError("no CRLF after a chunk")
        return data

    def read_chunks(self):
        chunks = []
        while True:
            chunk = self.read_chunk()
            if not chunk:
                return chunks
            chunks.append(chunk)

    def read_to_eof(self):
        while self._fill():
            pass
        out, self.buffer = self.buffer, b""
        return out

    def framing(self, head):
        """("chunked" | "length" | None, length) by the head's fields; refuses ambiguity."""
        coding, length = head.get("transfer-encoding"), head.get("content-length")
        if coding is not None and length is not None:
            raise WireError("both Transfer-Encoding and Content-Length")
        if coding is not None:
            if coding.lower() != "chunked":
                raise WireError(f"Transfer-Encoding: {coding}")
            return "chunked", None
        if length is not None:
            if not re.match(r"\d{1,18}\Z", length):
                raise WireError(f"Content-Length: {length}")
            return "length", int(length)
        return None, None

    def expect_eof(self):
        """The peer closes cleanly and sends nothing before."""
        rest = self.read_to_eof()
        if rest:
            raise WireError(f"bytes instead of EOF: {rest[:200]!r}")

    def expect_closed(self):
        """The peer ends the connection, by FIN or RST; what it sent before is returned."""
        out = b""
        try:
            while True:
                data = self.sock.recv(1 << 16)
                if not data:
                    break
                out += data
        except ConnectionResetError:
            pass
        out, self.buffer = self.buffer + out, b""
        return out

    def expect_silence(self):
        """Nothing has arrived so far (no wait: call after a step that proves progress)."""
        self.sock.setblocking(False)
        try:
            data = self.sock.recv(1 << 16)
        except BlockingIOError:
            data = None
        finally:
            self.sock.settimeout(TIMEOUT_S)
        if self.buffer or data is not None:
            raise WireError(f"unexpected bytes or EOF: {self.buffer!r} {data!r}")

    def finish_writing(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        """Ends the connection with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def head_bytes(start, fields):
    lines = [start.encode("latin-1")]
    lines += [f"{n}: {v}".encode("latin-1") for n, v in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def as_fields(headers):
    return list(headers.items()) if isinstance(headers, dict) else list(headers or [])


class Client(Wire):
    """A caller: one connection to the gateway."""

    def __init__(self, host, port, key=None, receive_buffer=None, source=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(TIMEOUT_S)
        if source:
            sock.bind((source, 0))
        sock.connect((host, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock)
        self.key = key
        self.local_port = sock.getsockname()[1]

    def send_head(self, method, target, headers=(), host="gateway.test", version="1.1"):
        fields = as_fields(headers)
        names = [n.lower() for n, _ in fields]
        first = [] if host is None or "host" in names else [("Host", host)]
        if self.key and not {"x-api-key", "authorization"} & set(names):
            first.append(("X-API-Key", self.key))
        return self.send(head_bytes(f"{method} {target} HTTP/{version}", first + fields))

    def send_request(self, method, target, headers=(), body=None, **how):
        fields = as_fields(headers)
        if body is not None:
            fields.append(("Content-Length", str(len(body))))
        self.send_head(method, target, fields, **how)
        return self.send(body) if body else self

    def read_response_head(self):
        """The next head; interim (1xx) answers are returned like any other."""
        return Response(self.read_head())

    def read_response(self, method="GET"):
        return self.read_rest(self.read_response_head(), method)

    def read_rest(self, response, method="GET"):
        """Of an answer whose head is read: the whole."""
        kind, length = self.framing(response.head)
        if method == "HEAD" or response.status in (204, 304) or response.status < 200:
            return response
        if kind == "chunked":
            chunks = self.read_chunks()
            response.body, response.chunks = b"".join(chunks), [len(c) for c in chunks]
        elif kind == "length":
            response.body = self.read_exact(length)
        else:
            response.body = self.read_to_eof()
        return response

    def call(self, method, target, headers=(), body=None, **how):
        self.send_request(method, target, headers, body, **how)
        return self.read_response(method)
