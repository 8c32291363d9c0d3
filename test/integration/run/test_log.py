"""The log of the whole process: a reader that does not read, losses, the end."""
import fcntl
import os
import re
import threading

import pytest

from tg.gateway import REPORT
from tg.wait import eventually

# Each is warned of, at the start and at each reload: some 8 KB in all.
WARNINGS = [f"127.0.0.{i}" for i in range(1, 60)]
LOST = re.compile(r"WARN log: (\d+) lines were lost")
DROPPED = re.compile(r"access log: (\d+) lines dropped")


class Pipe:
    """A pipe of 4096 bytes that is read only when somebody asks for it."""

    def __init__(self):
        self.read_end, self.write_end = os.pipe()
        fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, 4096)
        self.text, self.thread = b"", None

    def start_reading(self):
        os.close(self.write_end)
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        while piece := os.read(self.read_end, 65536):
            self.text += piece

    def lines(self):
        return self.text.decode().splitlines()

    def close(self):
        if self.thread is None:
            os.close(self.write_end)
        else:
            self.thread.join()
        os.close(self.read_end)


@pytest.fixture
def pipes():
    made = []

    def make():
        made.append(Pipe())
        return made[-1]

    yield make
    for pipe in made:
        pipe.close()


def start(gateways, upstream, err, out):
    gateway = gateways(upstream, start=False, usage={"ingest": {"allow": WARNINGS}})
    open(gateway.log_file, "w", encoding="ascii").close()
    gateway.start(wait=False, stderr=err.write_end, stdout=out.write_end)
    eventually(gateway.is_ready, "the gateway is ready")
    gateway.fds_at_start = gateway.open_fds()
    return gateway


def reload(gateway, upstream, number):
    name = f"r{number}"
    gateway.settings["routes"].append(
        {"name": name, "path": f"/api/{name}", "upstream": upstream.url, "scope": "test"})
    gateway.write_config()
    gateway.reload()
    eventually(lambda: gateway.call("GET", f"/api/{name}/x").status == 200, "the new route is there")


def stop(gateway):
    gateway.terminate()
    assert gateway.wait_exit() == 0


@pytest.mark.sanitizer
@pytest.mark.parametrize("one", [True, False], ids=["one pipe", "two pipes"])
def test_a_log_that_nobody_reads_stops_nothing(gateways, echo_upstream, database, pipes, one):
    err = pipes()
    gateway = start(gateways, echo_upstream, err, err if one else pipes())
    for number in range(60):
        reload(gateway, echo_upstream, number)
    with gateway.connect() as client:
        for _ in range(200):
            assert client.call("GET", "/api/test/x").status == 200
    stop(gateway)
    assert database.value("SELECT count(*) FROM token_usage_logs") >= 260


def test_what_is_lost_is_counted_and_told(gateways, echo_upstream, pipes):
    err, out = pipes(), pipes()
    gateway = start(gateways, echo_upstream, err, out)
    for number in range(60):
        reload(gateway, echo_upstream, number)
    calls = 3000
    with gateway.connect() as client:
        for _ in range(calls):
            assert client.call("GET", "/api/test/x").status == 200
    err.start_reading()
    out.start_reading()
    eventually(lambda: any(map(LOST.search, err.lines())), "the loss is told")
    eventually(lambda: any(map(DROPPED.search, out.lines())), "the loss is told")
    stop(gateway)
    err.thread.join()
    out.thread.join()
    assert not REPORT.search(err.text.decode())
    assert "stopping" in err.lines()[-1] or "stopping" in err.text.decode()
    shown = sum(" 200 GET " in line for line in out.lines())
    dropped = sum(int(m.group(1)) for m in map(DROPPED.search, out.lines()) if m)
    others = 60 + 1 + 100  # calls of the reloads' own, some of them more than once
    assert dropped > 0 and calls <= shown + dropped <= calls + others


def test_a_reader_that_left_stops_nothing(gateways, echo_upstream, pipes):
    err, out = pipes(), pipes()
    gateway = start(gateways, echo_upstream, err, out)
    for pipe in (err, out):
        pipe.start_reading()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, pipe.read_end)  # from the next read on
        os.close(null)
    for number in range(3):
        reload(gateway, echo_upstream, number)
    stop(gateway)
