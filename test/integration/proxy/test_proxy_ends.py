"""Answers that break off: what had come arrives, the end shows that it is not all, the row holds what the client took."""
import re
import socket
import ssl
import threading
import time

import pytest

from tg.ports import free_port
from tg.sender import MB, Sender
from tg.wait import eventually
from tg.wire import Client, Wire

pytestmark = pytest.mark.standing

SIZE = 300_000
BODY = b"x" * SIZE


def take_all(client, sender=None):
    """All bytes until the connection ends, and how it did.

    The kernel tells of a reset once: who sends meanwhile may be the one who is told."""
    parts, end = [client.buffer], "fin"
    client.buffer = b""
    try:
        while data := client.sock.recv(1 << 16):
            parts.append(data)
    except ConnectionResetError:
        end = "reset"
    if sender is not None:
        sender.join()
        if isinstance(sender.fault, ConnectionResetError):
            end = "reset"
    return b"".join(parts), end


def chunks_of(raw):
    """The body of chunks that break off between two of them."""
    body = b""
    while raw:
        line, _, raw = raw.partition(b"\r\n")
        size = int(line, 16)
        assert size > 0, "a last chunk"
        assert raw[size:size + 2] == b"\r\n"
        body, raw = body + raw[:size], raw[size + 2:]
    return body


HEADS = {
    "length": {"Content-Length": "400000"},
    "chunked": {"Transfer-Encoding": "chunked"},
}
framings = pytest.mark.parametrize("framing", HEADS)
ENDS = {"length": "reset", "chunked": "fin"}


def send_part(conn, framing):
    """A head and SIZE bytes of an answer that is longer."""
    conn.read_request()
    conn.send_head(headers=HEADS[framing])
    if framing == "chunked":
        conn.send_chunk(BODY[:SIZE // 3])
        conn.send_chunk(BODY[SIZE // 3:])
    else:
        conn.send(BODY)


def body_of(framing, raw):
    return chunks_of(raw) if framing == "chunked" else raw


def hang_up(conn):
    """Returns once the gateway has it."""
    conn.finish_writing()
    conn.expect_gateway_left()


def assert_broken_off(database, outcome="http_response_incomplete", size=SIZE):
    row, = database.wait_usage(1)
    assert (row["outcome"], row["response_status"], row["bytes_out"]) == (outcome, 200, size), row
    assert row["error_message"].startswith(outcome)
    return row


# --- the upstream breaks off ---

@pytest.mark.sanitizer
@framings
def test_all_that_had_come_arrives(gateway, upstream, database, framing):
    client = gateway.connect().send_request("GET", "/api/test/x")
    conn = upstream.accept()
    send_part(conn, framing)
    conn.close()
    client.read_response_head()
    raw, end = take_all(client)
    assert (len(body_of(framing, raw)), end) == (SIZE, ENDS[framing])
    assert_broken_off(database)


@framings
def test_a_slow_reader_gets_it_too(gateway, upstream, database, framing):
    client = gateway.connect(receive_buffer=4096).send_request("GET", "/api/test/x")
    conn = upstream.accept()
    send_part(conn, framing)
    hang_up(conn)
    assert database.usage() == []
    client.read_response_head()
    raw, end = take_all(client)
    assert (len(body_of(framing, raw)), end) == (SIZE, ENDS[framing])
    row = assert_broken_off(database)
    assert row["client_wait_ms"] > 0


def test_more_than_all_buffers_hold(gateway, upstream, database):
    client = gateway.connect(receive_buffer=65536).send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    conn.send_head(headers={"Content-Length": str(20 * MB)})
    sender = Sender(conn, 12 * MB)
    sender.wait_held_back()
    threading.Thread(target=lambda: (sender.join(), conn.reset()), daemon=True).start()
    client.read_response_head()
    raw, end = take_all(client)
    assert end == "reset"
    assert_broken_off(database, size=len(raw))
    # What a reset overtakes on the upstream's side never came.
    assert len(raw) <= 12 * MB


@pytest.mark.sanitizer
def test_until_the_connection_ends(gateway, upstream, database):
    """An HTTP/1.0 client has nothing but the connection's end to go by."""
    client = gateway.connect().send_request("GET", "/api/test/x", version="1.0")
    conn = upstream.accept()
    send_part(conn, "chunked")
    conn.close()
    client.read_response_head()
    raw, end = take_all(client)
    assert (raw, end) == (BODY, "reset")
    assert_broken_off(database)


@pytest.mark.sanitizer
@pytest.mark.parametrize("rest", [b"nonsense\r\n", b"5\r\nabc\r\nnonsense\r\n", b"3\r\nabcX\r\n"])
def test_chunks_before_a_malformed_one_arrive(gateway, upstream, database, rest):
    client = gateway.connect().send_request("GET", "/api/test/x")
    conn = upstream.accept()
    send_part(conn, "chunked")
    client.read_response_head()
    conn.send(rest)
    raw, end = take_all(client)
    body = chunks_of(raw)
    assert (body[:SIZE], end) == (BODY, "fin")
    assert_broken_off(database, "http_protocol_error", len(body))


@pytest.mark.sanitizer
@framings
def test_while_the_client_still_sends(gateway, upstream, database, framing):
    """What it sends is dropped, and its unread rest turns no end into a reset."""
    client = gateway.connect()
    client.send_head("POST", "/api/test/x", {"Content-Length": str(32 * MB)})
    conn = upstream.accept()
    conn.read_request_head()
    conn.send_head(headers=HEADS[framing])
    conn.send_chunk(BODY) if framing == "chunked" else conn.send(BODY)
    client.read_response_head()
    sender = Sender(client, 8 * MB)
    sender.wait_held_back()
    conn.reset()
    raw, end = take_all(client, sender)
    assert end == ENDS[framing]
    assert len(body_of(framing, raw)) <= SIZE
    row, = database.wait_usage(1)
    assert row["bytes_out"] == len(body_of(framing, raw))


def test_a_client_that_sends_all_before_it_reads(gateway, upstream, database):
    client = gateway.connect(receive_buffer=4096)
    client.send_head("POST", "/api/test/x", {"Content-Length": str(16 * MB)})
    conn = upstream.accept()
    conn.read_request_head()
    conn.send_head(headers=HEADS["length"])
    conn.send(BODY)
    conn.sock.shutdown(socket.SHUT_WR)
    client.send(b"y" * 16 * MB)
    client.read_response_head()
    assert take_all(client) == (BODY, "reset")
    assert_broken_off(database)


def test_a_client_that_stops_reading_has_idle_s(gateways, upstream, database):
    gateway = gateways(upstream, timeouts={"idle_s": 0.5})
    client = gateway.connect(receive_buffer=4096).send_request("GET", "/api/test/x")
    conn = upstream.accept()
    send_part(conn, "length")
    conn.close()
    row, = database.wait_usage(1)
    assert row["outcome"] == "http_response_incomplete"
    assert 400 < row["total_ms"] < 5000
    head = client.read_response_head()
    raw, end = take_all(client)
    assert (end, len(raw)) == ("reset", row["bytes_out"]), head.head.raw


@framings
@pytest.mark.parametrize("leave", [lambda c: c.close(), lambda c: c.reset()], ids=["close", "reset"])
def test_a_client_that_leaves_before_it_has_all(gateway, upstream, database, framing, leave):
    client = gateway.connect(receive_buffer=4096).send_request("GET", "/api/test/x")
    conn = upstream.accept()
    send_part(conn, framing)
    hang_up(conn)
    leave(client)
    row, = database.wait_usage(1)
    assert row["outcome"] == "http_response_incomplete"
    assert row["bytes_out"] < SIZE / 2


# --- our own reasons ---

def slow_answer(gateways, upstream, framing="length", **settings):
    gateway = gateways(upstream, **settings)
    client = gateway.connect(receive_buffer=4096).send_request("GET", "/api/test/x")
    conn = upstream.accept()
    send_part(conn, framing)
    return gateway, client, conn


LIMITS = {"total_s": {"total_s": 0.4}, "idle_s": {"idle_s": 0.4}}


@pytest.mark.sanitizer
@framings
@pytest.mark.parametrize("timeouts", LIMITS.values(), ids=LIMITS)
def test_what_had_come_before_a_limit(gateways, upstream, database, framing, timeouts):
    _, client, conn = slow_answer(gateways, upstream, framing, route={"timeouts": timeouts})
    conn.expect_gateway_left()
    client.read_response_head()
    raw, end = take_all(client)
    assert (body_of(framing, raw), end) == (BODY, ENDS[framing])
    assert_broken_off(database, "http_response_timeout")


def test_a_limit_gives_five_seconds(gateways, upstream, database):
    _, client, _ = slow_answer(gateways, upstream, route={"timeouts": {"total_s": 0.4}})
    row, = database.wait_usage(1)
    assert 5000 <= row["total_ms"] < 8000
    client.read_response_head()
    raw, end = take_all(client)
    assert (len(raw), end) == (row["bytes_out"], "reset")


@framings
def test_what_had_come_before_the_stop(gateways, upstream, database, framing):
    gateway, client, conn = slow_answer(gateways, upstream, framing, timeouts={"drain_s": 0.4})
    gateway.terminate()
    conn.expect_gateway_left()
    client.read_response_head()
    raw, end = take_all(client)
    assert (body_of(framing, raw), end) == (BODY, ENDS[framing])
    gateway.wait_exit()
    assert_broken_off(database, "shutdown")


def test_the_stop_waits_a_second_for_a_client(gateways, upstream, database):
    gateway, client, _ = slow_answer(gateways, upstream, timeouts={"drain_s": 0.4})
    gateway.terminate()
    gateway.wait_exit()
    row, = database.wait_usage(1)
    assert row["outcome"] == "shutdown"
    assert row["total_ms"] < 4000
    client.read_response_head()
    raw, end = take_all(client)
    assert (len(raw), end) == (row["bytes_out"], "reset")


def unread_from(port):
    """Bytes from that port that its peer on this machine has not read, or its own system has not sent."""
    def rows():
        with open("/proc/net/tcp", encoding="ascii") as f:
            return [line.split() for line in f.readlines()[1:]]

    ending = f":{port:04X}"
    # One after the other: what is sent meanwhile is among what has not been read.
    unsent = sum(int(row[4].split(":")[0], 16) for row in rows() if row[1].endswith(ending) and row[3] == "01")
    return unsent + sum(int(row[4].split(":")[1], 16) for row in rows() if row[2].endswith(ending))


@pytest.mark.sanitizer
def test_an_answer_that_is_here_whole_stays_whole(gateways, upstream, database):
    """Over the limit while only the client is slow: in time it has all, and the row says so."""
    gateway = gateways(upstream, route={"timeouts": {"total_s": 5}})
    client = gateway.connect(receive_buffer=65536).send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    begun = time.monotonic()
    size, got = 8 * MB, 0
    conn.send_head(headers={"Content-Length": str(size)})
    sender = Sender(conn, size)
    client.read_response_head()
    while sender.sent < size or unread_from(upstream.port) > 0:
        got += len(client.read_exact(min(65536, size - got)))
    time.sleep(max(0, begun + 5.5 - time.monotonic()))  # over the limit
    assert len(client.read_exact(size - got)) == size - got
    row, = database.wait_usage(1)
    assert (row["outcome"], row["bytes_out"], row["error_message"]) == ("complete", size, None)


# --- TLS, Unix sockets ---

class TlsSocket:
    """TLS in memory, so that the socket's own end is seen beside TLS's."""

    def __init__(self, sock, context):
        self.sock, self.wire, self.out = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.wire, self.out, server_hostname="gateway.test")
        self.notified = False  # close_notify came
        self._do(self.tls.do_handshake)

    def _do(self, step, *arguments):
        while True:
            try:
                return step(*arguments)
            except ssl.SSLWantReadError:
                self._flush()
                data = self.sock.recv(1 << 16)
                if not data:
                    return b""
                self.wire.write(data)
            except ssl.SSLZeroReturnError:
                self.notified = True
                return b""
            finally:
                self._flush()

    def _flush(self):
        if self.out.pending:
            self.sock.sendall(self.out.read())

    def recv(self, n):
        return self._do(self.tls.read, n)

    def sendall(self, data):
        self._do(self.tls.write, data)

    def settimeout(self, timeout):
        self.sock.settimeout(timeout)

    def close(self):
        self.sock.close()


class TlsClient(Client):
    def __init__(self, gateway, port, context):
        Wire.__init__(self, TlsSocket(socket.create_connection(("127.0.0.1", port)), context))
        self.key = gateway.key
        gateway.keep(self)


@pytest.mark.sanitizer
@framings
def test_over_tls_nothing_says_that_it_was_all(gateways, upstream, authority, database, framing):
    certificate, key = authority.server_files(["DNS:gateway.test"])
    port = free_port()
    gateway = gateways(upstream, tls={"listen": [f"127.0.0.1:{port}"],
                                      "certificate": certificate, "key": key})
    client = TlsClient(gateway, port, ssl.create_default_context(cafile=authority.file))
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    send_part(conn, framing)
    conn.close()
    client.read_response_head()
    raw, end = take_all(client)
    assert (body_of(framing, raw), end) == (BODY, ENDS[framing])
    assert not client.sock.notified
    assert_broken_off(database)


class UnixClient(Client):
    def __init__(self, gateway, path):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        Wire.__init__(self, sock)
        self.key = gateway.key
        gateway.keep(self)


@pytest.fixture
def unix_gateway(gateways, upstream, tmp_path):
    gateway = gateways(upstream, start=False)
    gateway.socket = str(tmp_path / "s")
    gateway.settings["listen"].append(f"unix:{gateway.socket}")
    gateway.write_config()
    return gateway.start()


@pytest.mark.sanitizer
@framings
def test_on_a_unix_socket(unix_gateway, upstream, database, framing):
    client = UnixClient(unix_gateway, unix_gateway.socket)
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    send_part(conn, framing)
    conn.close()
    client.read_response_head()
    raw, end = take_all(client)
    assert (body_of(framing, raw), end) == (BODY, "fin")
    assert_broken_off(database)


# --- bytes_out of other ends ---

def test_an_abort_counts_what_the_client_took(gateway, upstream, database):
    client = gateway.connect(receive_buffer=4096).send_request("GET", "/api/test/x")
    conn = upstream.accept()
    send_part(conn, "length")
    client.read_response_head()
    client.reset()
    conn.expect_gateway_left()
    row, = database.wait_usage(1)
    assert (row["outcome"], row["bytes_out"] < SIZE / 2) == ("client_abort", True), row


@pytest.mark.parametrize("method,target,key,status", [
    ("GET", "/api/test/x", None, 502), ("HEAD", "/api/test/x", None, 502),
    ("PUT", "/api/other", None, 404)])
def test_bytes_of_our_own_answers(gateways, database, method, target, key, status):
    gateway = gateways(route={"upstream": f"http://127.0.0.1:{free_port()}"})
    answer = gateway.call(method, target, key=key)
    assert answer.status == status
    row, = database.wait_usage(1)
    assert row["bytes_out"] == len(answer.body)
    assert (len(answer.body) > 0) == (method != "HEAD")


def test_bytes_of_refusals_are_logged(gateway):
    client = gateway.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    answer = client.read_response()
    line = eventually(lambda: re.search(r"^.* 400 .*$", gateway.log(), re.M), "the access log's line")
    assert f" out   {len(answer.body)} " in line.group(), line.group()


# --- clients that shut their side down, or leave ---

@pytest.mark.sanitizer
@pytest.mark.parametrize("method,body", [("GET", None), ("POST", b"question")])
def test_a_client_of_a_unix_socket_leaves(unix_gateway, upstream, database, method, body):
    """The kernel tells that it has closed its end: nobody waits whether it still listens."""
    client = UnixClient(unix_gateway, unix_gateway.socket)
    client.send_request(method, "/api/test/x", body=body)
    conn = upstream.accept()
    conn.read_request()
    client.close()
    begun = time.monotonic()
    conn.expect_gateway_left()
    assert time.monotonic() - begun < 0.8
    row, = database.wait_usage(1)
    assert (row["outcome"], row["response_status"]) == ("client_abort", 499)


@pytest.mark.sanitizer
@pytest.mark.parametrize("answered", [False, True], ids=["before-the-answer", "inside-the-answer"])
def test_a_client_of_a_unix_socket_shuts_its_side_down(unix_gateway, upstream, database, answered):
    """However long the answer takes."""
    client = UnixClient(unix_gateway, unix_gateway.socket)
    client.send_request("POST", "/api/test/x", body=b"question")
    client.finish_writing()
    conn = upstream.accept()
    conn.read_request()
    if answered:
        conn.send_head(headers={"Content-Length": "6"}).send(b"ans")
        client.read_response_head()
    time.sleep(2.5)  # more than twice of what TCP has
    if answered:
        conn.send(b"wer")
        assert client.read_exact(6) == b"answer"
    else:
        conn.respond(body=b"answer")
        assert client.read_response().body == b"answer"
    client.expect_eof()
    row, = database.wait_usage(1)
    assert (row["outcome"], row["response_status"]) == ("complete", 200)


@pytest.mark.sanitizer
def test_a_client_of_a_unix_socket_shuts_its_side_down_then_leaves(unix_gateway, upstream, database):
    client = UnixClient(unix_gateway, unix_gateway.socket)
    client.send_request("POST", "/api/test/x", body=b"question")
    client.finish_writing()
    conn = upstream.accept()
    conn.read_request()
    time.sleep(1.5)
    client.close()
    begun = time.monotonic()
    conn.expect_gateway_left()
    assert time.monotonic() - begun < 0.8
    assert database.wait_usage(1)[0]["outcome"] == "client_abort"


@pytest.mark.sanitizer
def test_a_client_of_a_unix_socket_leaves_while_its_body_is_held_back(unix_gateway, upstream, database):
    client = UnixClient(unix_gateway, unix_gateway.socket)
    client.send_head("POST", "/api/test/x", {"Content-Length": str(64 * MB)})
    conn = upstream.accept()
    conn.read_request_head()
    sender = Sender(client, 64 * MB)
    sender.wait_held_back()
    client.sock.shutdown(socket.SHUT_RDWR)
    sender.join()
    conn.expect_gateway_left()
    assert database.wait_usage(1)[0]["outcome"] == "client_abort"


def test_on_tcp_a_second_is_what_a_silent_client_gets(gateway, upstream, database):
    """Whether it has left or only shut its side down, nothing tells before something is written."""
    client = gateway.connect().send_request("POST", "/api/test/x", body=b"question")
    client.finish_writing()
    conn = upstream.accept()
    conn.read_request()
    begun = time.monotonic()
    conn.expect_gateway_left()
    assert 0.5 < time.monotonic() - begun < 5
    row, = database.wait_usage(1)
    assert (row["outcome"], row["response_status"]) == ("client_abort", 499)
