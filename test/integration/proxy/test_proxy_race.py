"""New connections to upstreams of several addresses, some of them dead, slow or wrong (RFC 8305)."""
import contextlib
import math
import re
import socket
import statistics
import threading
import time

import pytest

from tg import ports
from tg.gateway import SANITIZED
from tg.names import Names
from tg.ports import black_hole, free_port
from tg.problems import assert_problem
from tg.upstream import requests_of
from tg.wait import eventually

GOOD = "127.0.0.1"
DEAD = ["127.0.0.7", "127.0.0.8", "127.0.0.9"]
EVERY = ["DNS:two.test", *(f"IP:{address}" for address in [GOOD, *DEAD])]
MARK_S = 10
UPSTREAM_MS = re.compile(r"\(upstream +(\d+)ms\)")

by_name = pytest.mark.skipif(bool(SANITIZED), reason="a sanitizer must be loaded first")
both = pytest.mark.parametrize("how", [pytest.param("name", marks=by_name), "urls"])


def once(conn):
    """An upstream that wants a new connection for each request."""
    for _ in requests_of(conn):
        conn.respond(headers={"Connection": "close"}, body=conn.upstream.host.encode())
        return


class Listener:
    """Takes TCP connections and says nothing; counts them, and what came on them."""

    def __init__(self, host, port, close=False):
        self.listener = socket.create_server((host, port), backlog=64)
        self.conns, self._close = [], close
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.conns.append(sock)
                if self._close:
                    sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for sock in [self.listener, *self.conns]:
            sock.close()


@pytest.fixture
def reach(gateways, tmp_path, authority):
    """reach(how, addresses, port): a gateway whose upstream has them, as one name or as URLs."""

    def make(how, addresses, port, tls=False, **settings):
        scheme = "https" if tls else "http"
        route = {"name": "test", "path": "/api/test", "scope": "test",
                 "upstream": f"{scheme}://two.test:{port}" if how == "name"
                 else [f"{scheme}://{address}:{port}" for address in addresses]}
        if tls:
            route["tls"] = {"ca_file": authority.file}
        gateway = gateways(routes=[route], start=False, **settings)
        if how == "name":
            names = Names(tmp_path)
            names.set("two.test", *addresses)
            gateway.env = names.env
        return gateway.start()

    return make


def timed(gateway):
    """Seconds from connecting to the upstream's answer, by the access log. Not the caller's: the
    thread sanitizer holds up whole threads while it looks up what a suppressed report is of."""
    seen = len(UPSTREAM_MS.findall(gateway.log()))
    answer = gateway.call("GET", "/api/test/x")
    assert answer.status == 200, (answer.status, answer.body)
    eventually(lambda: len(UPSTREAM_MS.findall(gateway.log())) > seen, "the call's access line")
    return int(UPSTREAM_MS.findall(gateway.log())[-1]) / 1000


@pytest.mark.sanitizer
@both
@pytest.mark.parametrize("dead", [1, 3])
def test_dead_addresses_cost_a_quarter_of_a_second_once(reach, upstreams, how, dead):
    good = upstreams(once, host=GOOD)
    with contextlib.ExitStack() as stack:
        for address in DEAD[:dead]:
            stack.enter_context(black_hole(address, good.port))
        gateway = reach(how, [*DEAD[:dead], GOOD], good.port, workers=2)
        began = time.monotonic()
        first = timed(gateway)
        assert 0.25 * dead <= first < 0.25 * dead + 0.4
        # Whichever worker, whichever URL's turn it is: nobody waits for them. They are not even tried, but by a
        # probe each ten seconds.
        with contextlib.ExitStack() as watches:
            tried = [watches.enter_context(ports.attempts(address, good.port)) for address in DEAD[:dead]]
            took = [timed(gateway) for _ in range(20)]
        assert statistics.median(took) < 0.2
        assert max(len(of_one) for of_one in tried) <= (time.monotonic() - began) // MARK_S, tried


@pytest.mark.sanitizer
@both
def test_tls_that_stalls_costs_the_same(reach, upstreams, authority, how):
    good = upstreams(once, host=GOOD, tls=authority.server_context(EVERY))
    with Listener(DEAD[0], good.port) as stalled:
        gateway = reach(how, [DEAD[0], GOOD], good.port, tls=True)
        assert 0.25 <= timed(gateway) < 0.65
        assert statistics.median(timed(gateway) for _ in range(10)) < 0.2
        assert len(stalled.conns) == 1  # nobody went there again


@both
def test_after_an_error_the_next_begins_at_once(reach, upstreams, how):
    good = upstreams(once, host=GOOD)
    gateway = reach(how, [*DEAD, GOOD], good.port)
    assert timed(gateway) < 0.2


@by_name
def test_families_take_turns(reach, upstreams):
    """Three dead addresses of one family cost the time of one."""
    try:
        good = upstreams(once, host="::1")
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with contextlib.ExitStack() as stack:
        for address in DEAD:
            stack.enter_context(black_hole(address, good.port))
        gateway = reach("name", [*DEAD, "::1"], good.port)
        assert 0.25 <= timed(gateway) < 0.65


@pytest.mark.sanitizer
@both
def test_a_slow_success_is_no_failure(reach, upstreams, authority, how):
    """TLS takes long, and nothing else answers: the next call goes there first, and waits."""

    class Slow:
        context = authority.server_context(EVERY)

        def wrap_socket(self, sock, server_side):
            time.sleep(0.7)  # what is slow here is the upstream
            return self.context.wrap_socket(sock, server_side=server_side)

    slow = upstreams(once, host=GOOD, tls=Slow())
    with black_hole(DEAD[0], slow.port):
        gateway = reach(how, [GOOD, DEAD[0]], slow.port, tls=True)
        took = sorted(timed(gateway) for _ in range(3))
        assert took[0] >= 0.7
        # Each that began at the other would take a quarter of a second more: all but the first.
        assert took[1] < 0.94, took


@pytest.mark.sanitizer
def test_a_loser_is_closed_before_its_client_hello(reach, upstreams, authority):
    """The first address answers only after the second has won: nobody speaks to it any more."""
    good = upstreams(once, host=GOOD, tls=authority.server_context(EVERY))
    with socket.socket() as late, socket.socket() as filler:
        late.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        late.bind((DEAD[0], good.port))
        late.listen(0)
        filler.connect(late.getsockname())
        gateway = reach("urls", [DEAD[0], GOOD], good.port, tls=True)
        assert timed(gateway) >= 0.25
        assert attempts(good.port) == 0
        late.accept()[0].close()
        late.settimeout(1.5)  # the kernel would have sent its SYN again after one second
        with pytest.raises(TimeoutError):
            late.accept()


@both
def test_all_attempts_share_connect_s(reach, database, how):
    port = free_port()
    with contextlib.ExitStack() as stack:
        for address in DEAD:
            stack.enter_context(black_hole(address, port))
        gateway = reach(how, DEAD, port, timeouts={"connect_s": 0.9})
        began = time.monotonic()
        answer = gateway.call("GET", "/api/test/x")
        assert 0.9 <= time.monotonic() - began < 1.6
        assert_problem(answer, 504, "connection_timeout")
        assert all(address in answer.json()["detail"] for address in DEAD)
        assert database.wait_usage(1)[0]["outcome"] == "connection_timeout"


def test_of_several_faults_the_one_that_got_furthest_is_told(reach, upstreams, authority):
    wrong = upstreams(once, host=GOOD, tls=authority.server_context(["DNS:other.example"]))
    gateway = reach("urls", [GOOD, DEAD[0]], wrong.port, tls=True)
    for _ in range(2):
        answer = gateway.call("GET", "/api/test/x")
        assert_problem(answer, 502, "tls_certificate_error")
        assert answer.json()["detail"].startswith(f"{GOOD}:{wrong.port}: certificate: ")


def attempts(port):
    """How many sockets wait for an answer of this port, on whichever address."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        rows = [line.split()[2:4] for line in f]
    return sum(remote.endswith(f":{port:04X}") and state == "02" for remote, state in rows)


class Callers:
    """Threads that call, each time on a new upstream connection: some 40 times a second each, without
    a rest once it is `eager_from`."""

    def __init__(self, gateway, n, eager_from=math.inf):
        self._stop, self.slow, self.faults = threading.Event(), 0, []
        self._eager_from = eager_from
        self._threads = [threading.Thread(target=self._run, args=[gateway]) for _ in range(n)]
        for thread in self._threads:
            thread.start()

    def _run(self, gateway):
        with gateway.connect() as client:
            while not self._stop.is_set():
                began = time.monotonic()
                status = client.call("GET", "/api/test/x").status
                self.slow += time.monotonic() - began > 0.24
                if status != 200:
                    self.faults.append(status)
                if time.monotonic() < self._eager_from:
                    self._stop.wait(0.02)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert not self.faults


@pytest.mark.sanitizer
@both
def test_one_probe_when_a_mark_runs_out(reach, upstreams, authority, how):
    """Not all callers; then the address is used again, first, as the name says."""
    good = upstreams(once, host=GOOD, tls=authority.server_context(EVERY))
    with Listener(DEAD[0], good.port, close=True) as bad:
        gateway = reach(how, [DEAD[0], GOOD], good.port, tls=True, workers=2)
        assert gateway.call("GET", "/api/test/x").body == GOOD.encode()
        began = time.monotonic()
        assert len(bad.conns) == 1
        callers = Callers(gateway, 3, eager_from=began + MARK_S - 0.3)
        eventually(lambda: len(bad.conns) > 1, "a probe", 15)
        took, seen = time.monotonic() - began, len(good.requests)
        eventually(lambda: len(good.requests) > seen + 20, "calls after the probe")
        callers.stop()
        # Where the good one was slow on a busy machine, the other was tried beside it.
        assert len(bad.conns) <= 2 + callers.slow
        assert took > MARK_S - 1 or callers.slow
    again = upstreams(once, host=DEAD[0], port=good.port, tls=authority.server_context(EVERY))
    callers = Callers(gateway, 1)
    eventually(lambda: len(again.requests) > 2, "the address is used again", 20)
    callers.stop()


@pytest.mark.sanitizer
def test_client_that_leaves_while_attempts_run(reach, database):
    port = free_port()
    with black_hole(DEAD[0], port), black_hole(DEAD[1], port):
        gateway = reach("urls", DEAD[:2], port)
        client = gateway.connect()
        client.send_request("GET", "/api/test/x")
        eventually(lambda: attempts(port) == 2, "two attempts run")
        client.close()
        assert database.wait_usage(1)[0]["response_status"] == 499
        eventually(lambda: attempts(port) == 0, "both are closed")
