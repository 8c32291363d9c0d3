"""The demo upstreams, asked directly: every endpoint of `tollgate demo`."""
import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import time

import pytest

from tg.gateway import BINARY, REPORT, environment
from tg.wait import eventually
from tg.wire import Client

pytestmark = pytest.mark.sanitizer


class Demo:
    def __init__(self, folder, *arguments):
        self.log_file = os.path.join(folder, "demo.log")
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen([BINARY, "demo", *arguments], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=environment())
        found = eventually(self._addresses, "the demo tells its addresses")
        self.port, self.mock_port = int(found[1]), int(found[2])

    def log(self):
        with open(self.log_file, encoding="utf-8") as f:
            return f.read()

    def _addresses(self):
        assert self.process.poll() is None, self.log()
        return re.search(r"demo http://127\.0\.0\.1:(\d+)\nmock http://127\.0\.0\.1:(\d+)\n",
                         self.log())

    def call(self, method, target, headers=(), body=None, **how):
        with Client("127.0.0.1", self.port) as client:
            return client.call(method, target, headers, body, **how)

    def mock(self, method, target, body=None):
        with Client("127.0.0.1", self.mock_port) as client:
            return client.call(method, target, (), body and json.dumps(body).encode())

    def memory_kb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0, self.log()
        assert not REPORT.search(self.log()), self.log()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    demo = Demo(str(tmp_path_factory.mktemp("demo")))
    yield demo
    demo.stop()


@pytest.mark.parametrize("prefix", ["", "/api/test"])
def test_echo(demo, prefix):
    answer = demo.call("POST", prefix + "/any/path?x=1", [("X-A", "1"), ("x-a", 'b"c\\')], b"hello")
    assert answer.status == 200
    got = answer.json()
    assert (got["method"], got["path"], got["query"]) == ("POST", prefix + "/any/path", "x=1")
    assert got["headers"]["x-a"] == '1, b"c\\'
    assert ["x-a", 'b"c\\'] in got["raw_headers"]
    assert got["body_bytes"] == 5


def test_echo_is_json_whatever_the_bytes(demo):
    answer = demo.call("GET", "/x", [("X-Bytes", "caf\xe9\t!")])
    assert answer.json()["headers"]["x-bytes"] == "caf\xe9\t!"


def test_keep_alive_and_pipelining(demo):
    with Client("127.0.0.1", demo.port) as client:
        client.send_request("POST", "/one", body=b"x" * 100).send_request("GET", "/two")
        assert client.read_response().json()["body_bytes"] == 100
        assert client.read_response().json()["path"] == "/two"
        client.send_request("GET", "/three", {"Connection": "close"})
        assert client.read_response().get("connection") == "close"
        client.expect_eof()


@pytest.mark.parametrize("status", [200, 204, 304, 418, 503, 599])
def test_status(demo, status):
    with Client("127.0.0.1", demo.port) as client:
        for _ in range(2):
            assert client.call("GET", f"/status/{status}").status == status


@pytest.mark.parametrize("status", ["0", "101", "199", "600", "99999999999"])
def test_status_out_of_range(demo, status):
    assert demo.call("GET", f"/status/{status}").status == 400


def test_delay(demo):
    started = time.monotonic()
    assert demo.call("GET", "/delay/120").json() == {"delayed_ms": 120}
    assert time.monotonic() - started >= 0.12


def test_stream_sends_each_event_when_it_says(demo):
    with Client("127.0.0.1", demo.port) as client:
        client.send_request("GET", "/stream?events=5&interval_ms=40")
        head = client.read_response_head()
        assert head.get("content-type") == "text/event-stream"
        sent = []
        for n in range(1, 6):
            text = client.read_chunk().decode()
            number, data = re.fullmatch(r"id: (\d+)\ndata: (.*)\n\n", text).groups()
            event = json.loads(data)
            assert int(number) == event["n"] == n
            assert abs(time.time() * 1e6 - event["sent_us"]) < 2e6
            assert event["sent_ms"] == event["sent_us"] // 1000
            sent.append(event["sent_us"])
        assert client.read_chunk() == b""
        assert sent[4] - sent[0] >= 159_000
        assert client.call("GET", "/x").status == 200


def test_stream_defaults_to_20_events(demo):
    answer = demo.call("GET", "/stream?interval_ms=0")
    assert answer.body.count(b"data: ") == 20


def test_stream_to_http_1_0_ends_with_the_connection(demo):
    with Client("127.0.0.1", demo.port) as client:
        client.send_head("GET", "/stream?events=2&interval_ms=0", version="1.0")
        head = client.read_response_head()
        assert head.get("transfer-encoding") is None
        assert client.read_to_eof().count(b"data: ") == 2


@pytest.mark.parametrize("n", [0, 1, 16384, 1_000_003])
@pytest.mark.parametrize("chunked", [0, 1])
def test_bytes(demo, n, chunked):
    answer = demo.call("GET", f"/bytes/{n}?chunked={chunked}")
    assert (answer.get("transfer-encoding") == "chunked") == bool(chunked)
    assert answer.body == (b"0123456789abcdef" * (n // 16 + 1))[:n]


def test_head_has_no_body(demo):
    with Client("127.0.0.1", demo.port) as client:
        answer = client.call("HEAD", "/bytes/77")
        assert answer.get("content-length") == "77"
        assert client.call("GET", "/bytes/3").body == b"012"


@pytest.mark.parametrize("n", [0, 5, 100_000])
def test_abort(demo, n):
    with Client("127.0.0.1", demo.port) as client:
        client.send_request("GET", f"/abort/{n}")
        assert int(client.read_response_head().get("content-length")) > n
        assert len(client.read_to_eof()) == n


def test_abort_of_a_chunked_reply(demo):
    with Client("127.0.0.1", demo.port) as client:
        client.send_request("GET", "/abort/5?chunked=1")
        assert client.read_response_head().get("transfer-encoding") == "chunked"
        assert client.read_chunk() == b"01234"
        client.expect_eof()


def test_upload(demo):
    body = os.urandom(3_000_000)
    expected = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert demo.call("PUT", "/upload", body=body).json() == expected
    for sizes in ([1, 5, 2_999_994], [1_000_000] * 3):
        with Client("127.0.0.1", demo.port) as client:
            client.send_head("POST", "/upload", {"Transfer-Encoding": "chunked"})
            at = 0
            for size in sizes:
                client.send_chunk(body[at:at + size])
                at += size
            client.send(b"0\r\n\r\n")
            assert client.read_response().json() == expected
    assert demo.call("POST", "/upload").json()["bytes"] == 0


def test_upload_keeps_memory_flat(demo):
    demo.call("POST", "/upload", body=b"x" * 100_000)
    before = demo.memory_kb()
    piece = b"y" * (1 << 20)
    with Client("127.0.0.1", demo.port) as client:
        client.send_head("POST", "/upload", {"Content-Length": str(64 << 20)})
        for _ in range(64):
            client.send(piece)
        assert client.read_response().json()["bytes"] == 64 << 20
    if "asan" not in BINARY and "tsan" not in BINARY:
        assert demo.memory_kb() - before < 4096


def test_upload_rate(demo):
    started = time.monotonic()
    body = b"z" * 100_000
    assert demo.call("POST", "/upload?rate=400000", body=body).json()["bytes"] == len(body)
    assert time.monotonic() - started >= 0.2


def test_continue_and_malformed_requests(demo):
    with Client("127.0.0.1", demo.port) as client:
        client.send_head("POST", "/upload", {"Content-Length": "3", "Expect": "100-continue"})
        assert client.read_response_head().status == 100
        assert client.send(b"abc").read_response().json()["bytes"] == 3
    with Client("127.0.0.1", demo.port) as client:
        client.send_head("POST", "/upload", {"Transfer-Encoding": "chunked"})
        client.send(b"zz\r\n")
        assert client.read_response().status == 400
    with Client("127.0.0.1", demo.port) as client:
        client.send(b"not http\r\n\r\n")
        assert client.read_response().status == 400


# --- WebSocket ---

def frame(opcode, payload, fin=True, mask=b"\x11\x22\x33\x44"):
    n = len(payload)
    size = bytes([n | 0x80]) if n < 126 else b"\xfe" + n.to_bytes(2, "big") if n < 65536 \
        else b"\xff" + n.to_bytes(8, "big")
    return bytes([opcode | (0x80 if fin else 0)]) + size + mask + bytes(
        b ^ mask[i % 4] for i, b in enumerate(payload))


def read_frame(client):
    first, n = client.read_exact(2)
    if n > 125:
        n = int.from_bytes(client.read_exact(2 if n == 126 else 8), "big")
    return first & 0x0f, bool(first & 0x80), client.read_exact(n)


@pytest.fixture
def socket(demo):
    with Client("127.0.0.1", demo.port) as client:
        key = base64.b64encode(b"0123456789abcdef").decode()
        client.send_head("GET", "/ws", {"Upgrade": "websocket", "Connection": "Upgrade",
                                        "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"})
        answer = client.read_response_head()
        assert answer.status == 101
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert answer.get("sec-websocket-accept") == base64.b64encode(digest).decode()
        yield client


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 300_000])
def test_websocket_echo(socket, size):
    payload = os.urandom(size)
    socket.send(frame(2, payload))
    assert read_frame(socket) == (2, True, payload)
    socket.send(frame(1, b"text"))
    assert read_frame(socket) == (1, True, b"text")


def test_websocket_fragments_with_a_ping_between(socket):
    for byte in frame(1, b"he", fin=False) + frame(9, b"now") + frame(0, b"llo"):
        socket.send(bytes([byte]))
    assert read_frame(socket) == (1, False, b"he")
    assert read_frame(socket) == (10, True, b"now")
    assert read_frame(socket) == (0, True, b"llo")


def test_websocket_close(socket):
    socket.send(frame(8, b"\x03\xe8bye"))
    assert read_frame(socket) == (8, True, b"\x03\xe8bye")
    socket.expect_eof()


@pytest.mark.parametrize("bad", [b"\x81\x01a", frame(3, b""), frame(0, b"x"),
                                 frame(1, b"a", fin=False) + frame(1, b"b")])
def test_websocket_protocol_error(socket, bad):
    socket.send(bad)
    frames = []
    while not frames or frames[-1][0] != 8:
        frames.append(read_frame(socket))
    assert frames[-1][2] == b"\x03\xea"


def test_websocket_asks_for_an_upgrade(demo):
    answer = demo.call("GET", "/ws")
    assert answer.status == 426 and answer.get("upgrade") == "websocket"


# --- the mock ---

def events(answer):
    return [line[6:] for line in answer.body.decode().split("\n") if line.startswith("data: ")]


@pytest.mark.parametrize("prefix", ["/v1", "", "/api/openai"])
def test_mock_completion(demo, prefix):
    answer = demo.mock("POST", prefix + "/chat/completions", {
        "model": 'gpt-"4o"', "messages": [{"role": "user", "content": "hi"}]})
    got = answer.json()
    assert answer.get("content-type") == "application/json"
    assert got["object"] == "chat.completion" and got["model"] == 'gpt-"4o"'
    assert got["choices"][0]["message"]["role"] == "assistant"
    assert got["usage"]["total_tokens"] == (got["usage"]["prompt_tokens"]
                                            + got["usage"]["completion_tokens"])
    assert "citations" not in got


def test_mock_streamed_completion(demo):
    body = {"model": "gpt-4o", "stream": True, "messages": []}
    whole = demo.mock("POST", "/v1/chat/completions", {**body, "stream": False}).json()
    answer = demo.mock("POST", "/v1/chat/completions", body)
    assert answer.get("content-type") == "text/event-stream"
    data = events(answer)
    assert data[-1] == "[DONE]"
    chunks = [json.loads(d) for d in data[:-1]]
    assert {c["object"] for c in chunks} == {"chat.completion.chunk"}
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks)
    assert text == whole["choices"][0]["message"]["content"]
    usage = events(demo.mock("POST", "/v1/chat/completions",
                             {**body, "stream_options": {"include_usage": True}}))
    assert json.loads(usage[-2])["choices"] == []
    assert json.loads(usage[-2])["usage"] == whole["usage"] | {
        k: json.loads(usage[-2])["usage"][k] for k in ("prompt_tokens", "total_tokens")}


def test_mock_perplexity(demo):
    got = demo.mock("POST", "/chat/completions", {"model": "sonar-pro", "messages": []}).json()
    assert got["citations"] and got["search_results"][0]["url"]
    data = events(demo.mock("POST", "/chat/completions", {"model": "sonar", "stream": True}))
    assert json.loads(data[-2])["citations"]


def test_mock_other_calls(demo):
    assert demo.mock("GET", "/v1/models").json()["data"][0]["object"] == "model"
    got = demo.mock("POST", "/v1/embeddings", {"model": "e", "input": ["a", "b", "c"]}).json()
    assert [d["index"] for d in got["data"]] == [0, 1, 2]
    assert len(demo.mock("POST", "/v1/embeddings", {"input": "a"}).json()["data"]) == 1
    assert demo.mock("POST", "/v1/completions", {"prompt": "x"}).json()["choices"][0]["text"]
    got = demo.mock("POST", "/v1/responses", {"model": "gpt-4o", "input": "x"}).json()
    assert got["output"][0]["content"][0]["type"] == "output_text"
    created = demo.mock("POST", "/v2/jobs", {"tasks": {}})
    assert created.status == 201 and created.json()["data"]["status"] == "waiting"
    got = demo.mock("GET", "/v2/jobs/" + created.json()["data"]["id"]).json()
    assert got["data"]["status"] == "finished"
    assert demo.mock("GET", "/anything").json()["mock"] is True


def test_mock_refuses_what_openai_would(demo):
    with Client("127.0.0.1", demo.mock_port) as client:
        for body, status in ((b"{", 400), (b"[]", 400), (b'{"a"' + b" " * (4 << 20), 413)):
            answer = client.call("POST", "/v1/chat/completions", (), body)
            assert answer.status == status
            assert answer.json()["error"]["message"]
        assert client.call("GET", "/v1/chat/completions").status == 405


def test_mock_refuses_a_version_twice(demo):
    """What comes of a base URL with /v1 before a route that has it: OpenAI's own words."""
    for method, path in (("POST", "/v1/v1/chat/completions"), ("GET", "/v1/v1/models"), ("GET", "/v2/v2/jobs"),
                         ("POST", "/api/x/v1/v1/embeddings"), ("GET", "/v1/v1"), ("GET", '/v1/v1/"x"')):
        answer = demo.mock(method, path, {} if method == "POST" else None)
        assert answer.status == 404, path
        assert answer.json()["error"]["message"] == f"Invalid URL ({method} {path})"
    for path in ("/v1/models", "/v1/v2/models", "/v1/x/v1/models", "/v/v/models", "/vx/vx/models"):
        assert demo.mock("GET", path).status == 200, path


def test_mock_never_shows_credentials(demo):
    with Client("127.0.0.1", demo.mock_port) as client:
        answer = client.call("POST", "/v1/chat/completions",
                             {"Authorization": "Bearer sk-secret"}, b'{"messages": []}')
        assert b"sk-secret" not in answer.body
    assert "sk-secret" not in demo.log()


# --- the command ---

@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.0.2.1:80", "[::]:0", "nonsense"])
def test_only_loopback_addresses(address):
    done = subprocess.run([BINARY, "demo", "--listen", address], capture_output=True, text=True,
                          env=environment(), timeout=20, check=False)
    assert done.returncode == 2
    assert address in done.stderr


def test_busy_port(demo):
    done = subprocess.run([BINARY, "demo", "--listen", f"127.0.0.1:{demo.port}"],
                          capture_output=True, text=True, env=environment(), timeout=20, check=False)
    assert done.returncode == 1
    assert "in use" in done.stderr
