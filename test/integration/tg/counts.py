"""What one request costs the worker, counted: system calls, instructions, allocations.

Counts do not depend on how fast or how busy the machine is, so they can be compared with limits.
"""
import contextlib
import glob
import os
import re
import signal
import subprocess

from tg.gateway import ROOT
from tg.wait import eventually

LIMITS = os.path.join(ROOT, "test", "bench", "limits.json")
WARM_UP = 30
# With it the proxied scenarios have everything on: scope, credentials, recording.
ROUTE = {"scope": "test", "set_headers": {"Authorization": "Bearer an-upstream-credential"}}
BODY = b"x" * 100_000

# With Host and X-API-Key six fields, as an HTTP client of a workflow sends them.
FIELDS = (b"User-Agent: workflow/1.80\r\nAccept: application/json\r\n"
          b"Accept-Encoding: gzip, br\r\nContent-Type: application/json\r\n")

# With Host, Authorization and Content-Length sixteen, as OpenAI's SDK for Python sends them.
SDK_FIELDS = (b"Accept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\n"
              b"Accept: application/json\r\nContent-Type: application/json\r\n"
              b"User-Agent: OpenAI/Python 1.109.1\r\nX-Stainless-Lang: python\r\n"
              b"X-Stainless-Package-Version: 1.109.1\r\nX-Stainless-OS: Linux\r\n"
              b"X-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n"
              b"X-Stainless-Runtime-Version: 3.12.3\r\nX-Stainless-Async: false\r\n"
              b"x-stainless-retry-count: 0\r\n")
CHAT = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say hello."}]}'


def request_bytes(key, start, fields=b"", body=b"", sdk=False):
    common = (b"Authorization: Bearer %s\r\n" + SDK_FIELDS if sdk
              else b"X-API-Key: %s\r\n" + FIELDS) % key.encode()
    return b"%s HTTP/1.1\r\nHost: gateway.test\r\n%s%s\r\n%s" % (start, common, fields, body)


class Scenario:
    """One kind of request, sent as one piece of bytes; status is what must come back."""

    def __init__(self, title, start, fields=b"", body=b"", status=200, bad_key=False, close=False,
                 sdk=False):
        self.title, self.start, self.fields, self.body = title, start, fields, body
        self.status, self.bad_key, self.close, self.sdk = status, bad_key, close, sdk

    def perform(self, gateway, times):
        key = "ntk_" + "0" * 38 if self.bad_key else gateway.key
        request = request_bytes(key, self.start, self.fields, self.body, self.sdk)
        client = None
        for _ in range(times):
            client = client or gateway.connect()
            client.send(request)
            assert client.read_response().status == self.status
            if self.close:
                client.expect_eof()
                client.close()
                client = None
        if client:
            client.close()


SCENARIOS = {
    "keep_alive_get": Scenario("GET, keep-alive", b"GET /api/test/bytes/100"),
    "close_get": Scenario("GET, Connection: close", b"GET /api/test/bytes/100",
                          b"Connection: close\r\n", close=True),
    "post_100kb": Scenario("POST of 100 KB", b"POST /api/test/upload",
                           b"Content-Length: %d\r\n" % len(BODY), BODY),
    "sdk_post": Scenario("POST as OpenAI's SDK sends it", b"POST /api/test/upload",
                         b"Content-Length: %d\r\n" % len(CHAT), CHAT, sdk=True),
    "unknown_key": Scenario("unknown key (401)", b"GET /api/test/bytes/100", status=401,
                            bad_key=True),
}


def worker_threads(pid):
    threads = []
    for tid in os.listdir(f"/proc/{pid}/task"):
        # Threads that connect to a database come and go.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8") as f:
            if f.read().startswith("worker"):
                threads.append(int(tid))
    return threads


# --- system calls ---

def trace(gateway, work):
    """{system call: how often} of the one worker while work() runs."""
    log = os.path.join(gateway.folder, "strace")
    tid, = worker_threads(gateway.pid)
    strace = subprocess.Popen(["strace", "-c", "-o", log, "-p", str(tid)],
                              stderr=subprocess.PIPE, text=True)
    attached = strace.stderr.readline()
    assert "attached" in attached, attached
    try:
        work()
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait()
        strace.stderr.close()
    return summary_of(log)


def summary_of(log):
    """{system call: how often}, of what `strace -c -o` has written."""
    with open(log, encoding="utf-8") as f:
        rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", f.read(), re.M)
    return {name: int(n) for n, name in rows if name != "total"}


def system_calls(gateway, scenario, requests):
    """{system call: how often per request}."""
    scenario.perform(gateway, WARM_UP)
    calls = trace(gateway, lambda: scenario.perform(gateway, requests))
    return {name: n / requests for name, n in calls.items()}


# --- instructions and allocations ---

class Profile:
    """A callgrind dump of one thread: its instructions, and calls by the called function."""

    def __init__(self, path):
        self.instructions, self.calls, self.functions = 0, {}, set()
        self._names = {}
        with open(path, encoding="utf-8", errors="replace") as f:
            for line in f:
                self._line(line.rstrip("\n"), f)

    def _name(self, text):
        number, name = re.match(r"\((\d+)\)(?: (.*))?$", text).groups()
        return self._names.setdefault(number, name)

    def _line(self, line, rest):
        if line.startswith("fn="):
            self.functions.add(self._name(line[3:]))
        elif line.startswith("cfn="):
            self._called = self._name(line[4:])
        elif line.startswith("calls="):
            n = int(line[6:].split()[0])
            self.calls[self._called] = self.calls.get(self._called, 0) + n
            next(rest)  # what the called function cost: counted where it stands itself
        elif re.match(r"[\d+*-]\S* \d", line):
            self.instructions += int(line.split()[1])

    def allocations(self):
        return sum(self.calls.get(name, 0) for name in ("malloc", "calloc", "realloc"))


# What a gateway is started with (Gateway's wrapper) that count_instructions shall look at.
UNDER_CALLGRIND = ("valgrind", "-q", "--tool=callgrind", "--separate-threads=yes",
                   "--log-file=valgrind.log", "--callgrind-out-file=callgrind")


def _control(gateway, *how):
    subprocess.run(["callgrind_control", *how, str(gateway.pid)], check=True,
                   capture_output=True, timeout=60)


def _worker_profile(gateway):
    """The newest dump that has a worker's thread in it, which alone looks at keys; the dumps are gone afterwards."""
    dumps = glob.glob(os.path.join(gateway.folder, "callgrind.*"))
    profiles = [Profile(path) for path in dumps]
    for path in dumps:
        os.unlink(path)
    return next((p for p in profiles if "key_hash" in p.functions), None)


def count_instructions(gateway, scenario, requests):
    """(instructions, allocations) per request, of the one worker of a gateway under callgrind."""
    scenario.perform(gateway, WARM_UP)
    _control(gateway, "-z")
    scenario.perform(gateway, requests)
    _control(gateway, "-d")
    profile = eventually(lambda: _worker_profile(gateway), "callgrind's dump")
    return profile.instructions / requests, profile.allocations() / requests
