"""`tollgate tail`: calls as they end, from a manager and from the journal's folder, for people and for programs."""
import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import pytest

from tg.gateway import BINARY, REPORT, environment
from tg.upstream import Upstream, echo
from tg.wait import Output, eventually

MANAGED = {"upstream": echo}


@contextlib.contextmanager
def tail(*arguments, key=None, status=0, output=subprocess.PIPE, stop=signal.SIGINT, **env):
    """One that runs; ended by Ctrl-C it ends well."""
    more = {"TOLLGATE_ADMIN_KEY": key} if key else {}
    with subprocess.Popen([BINARY, "tail", *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=output,
                          stderr=subprocess.PIPE, text=True, env=environment(**more, **env)) as process:
        try:
            yield process
            process.send_signal(stop)
            process.said = process.stderr.read()
            assert process.wait() == status and not REPORT.search(process.said), process.said
        finally:
            process.kill()


@pytest.fixture(scope="module")
def token(managed):
    token = managed.people.add_token("中文金鑰", "one")
    eventually(lambda: call(managed, token) is not None, "the gateway knows the token")
    return token


def call(managed, token, method="GET"):
    """The id of a call that was let in."""
    with managed.gateway.connect(token.key) as client:
        answer = client.call(method, "/api/test")
        return answer.get("tollgate-request-id") if answer.status == 200 else None


def rows(managed, token, process):
    """A call until one of them is printed; the last row that was read."""
    ids, output = [], Output(process.stdout.fileno())

    def seen():
        ids.append(call(managed, token))
        found = [json.loads(line) for line in output.lines()]
        return next((row for row in found if row["request_id"] in ids), None)
    return eventually(seen, "a call is printed")


@pytest.fixture(params=["url", "folder"])
def source(request, managed):
    """(arguments, the key's)"""
    if request.param == "url":
        return ["--url", f"http://{managed.api.host}"], managed.people.admin.key
    return ["--config", managed.gateway.config_file], None


def test_rows_for_programs(managed, token, source):
    arguments, key = source
    with tail(*arguments, key=key) as process:
        row = rows(managed, token, process)
        assert row["token_id"] == token.id and row["route_path"] == "/api/test" and row["outcome"] == "complete"
        if key:  # of the folder it is known where the snapshot of keys is newer than the token
            assert row["token_name"] == token.name
        assert row["node"] and row["id"] is None
    assert process.said == ""


def test_filters(managed, token, source):
    arguments, key = source
    wanted = ["--token", token.id, "--route", "/api/test", "--status", "2xx", "--outcome", "complete"]
    other = managed.people.tokens["one"][0]
    with tail(*arguments, "--json", *wanted, key=key) as process:
        call(managed, other)
        assert rows(managed, token, process)["token_id"] == token.id
    for bad in (["--token", "x"], ["--status", "6x"]):
        with tail(*arguments, *bad, key=key, status=2) as process:
            process.wait()


def test_a_terminal(managed, token):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with tail("--url", f"http://{managed.api.host}", key=managed.people.admin.key, output=theirs, TERM="xterm"):
        os.close(theirs)
        output = Output(ours)

        def seen():
            call(managed, token)
            return output.lines()
        line = eventually(seen, "a line is printed")[0].decode().rstrip("\r")
    os.close(ours)
    assert re.fullmatch(r"\d\d:\d\d:\d\d \x1b\[32m200\x1b\[0m GET +\d+ ms /api/test +中文金鑰 +complete", line), line


HOSTILE = r'{"used_at":"2026-01-01T\u001b]0;x\u0007\u009b1","route_path":"\u001b[2J","token_name":"\u202e\u009b31m","request_method":"\u001bc",' \
    r'"response_status":200,"total_ms":1,"outcome":"\u001b[1m"}'


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_manager_that_lies_commands_no_terminal(form):
    upstream = Upstream()
    text = "event: request\ndata: " + HOSTILE + "\n\n" + \
        "event: request\ndata: " + HOSTILE.replace(r"\u001b", "\x1b").replace(r"\u009b", "\x9b").replace(r"\u0007", "\x07") + "\n\n" + \
        'event: end\ndata: {"reason":"\\u001b[31m","detail":"\x1b[31m"}\n\n'
    ours, theirs = pty.openpty()
    with tail("--url", upstream.url, *form, key="tgu_x", output=theirs, NO_COLOR="1", TERM="xterm") as process:
        os.close(theirs)
        conn = upstream.accept()
        conn.read_request()
        conn.respond(headers={"Content-Type": "text/event-stream", "Connection": "close"}, body=text.encode())
        conn.close()
        shown = b""
        while shown.count(b"\n") < (2 if form else 1):
            shown += os.read(ours, 65536)
        said = Output(process.stderr.fileno())
        eventually(lambda: b"again in 2 s" in said.read(), "the end is told")
        os.set_blocking(process.stderr.fileno(), True)
    os.close(ours)
    upstream.close()
    for told in (shown.decode(), said.bytes.decode()):
        assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", told), told


@pytest.mark.parametrize("key,why", [("tgu_" + 38 * "x", "it answers 401"), (None, "TOLLGATE_ADMIN_KEY")])
def test_what_cannot_be(managed, key, why):
    with tail("--url", f"http://{managed.api.host}", key=key, status=1 if key else 2) as process:
        process.wait()
    assert why in process.said


def test_it_comes_back(managed):
    """With the id that it had last, and a word of what was dropped."""
    upstream = Upstream()
    event = b'id: 5-1\nevent: request\ndata: {"request_id":"r","response_status":200}\n\n' \
            b'event: dropped\ndata: {"count":7}\n\n'
    with tail("--url", upstream.url, key=managed.people.admin.key) as process:
        first = upstream.accept()
        assert first.read_request().get("last-event-id") is None
        first.respond(headers={"Content-Type": "text/event-stream", "Connection": "close"}, body=event)
        first.close()
        second = upstream.accept()
        assert second.read_request().get("last-event-id") == "5-1"
        second.close()
        assert json.loads(process.stdout.readline())["request_id"] == "r"
    assert "dropped: 7 calls did not come" in process.said and "again in 2 s" in process.said
    upstream.close()
