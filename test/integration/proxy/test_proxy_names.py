"""Upstreams by name: name servers that are silent, names that move, clocks that are set back."""
import signal
import struct
import time

import pytest

from tg.build import build
from tg.gateway import SANITIZED
from tg.names import Names
from tg.upstream import echo
from tg.wait import eventually

HOUR_NS = 3600 * 10 ** 9

pytestmark = pytest.mark.skipif(bool(SANITIZED), reason="a sanitizer must be loaded first")


@pytest.fixture
def names(tmp_path):
    return Names(tmp_path)


def route(name, url):
    return {"name": name, "path": f"/api/{name}", "scope": "test", "upstream": url}


def start(gateways, names, routes, env=(), **settings):
    gateway = gateways(routes=routes, start=False, **settings)
    gateway.env = {**names.env, **dict(env)}
    return gateway.start()


def test_names_that_hang_hold_up_no_other(gateways, names, echo_upstream):
    slow = ["slow1.test", "slow2.test", "slow3.test"]
    names.hang(*slow)
    names.set("good.test", "127.0.0.1")
    gateway = start(gateways, names, [
        *[route(name.split(".", maxsplit=1)[0], f"http://{name}:{echo_upstream.port}") for name in slow],
        route("good", f"http://good.test:{echo_upstream.port}")])
    began = time.monotonic()
    assert gateway.call("GET", "/api/good/x").status == 200
    assert time.monotonic() - began < 1
    names.set("slow2.test", "127.0.0.1")  # it has answered at last
    assert gateway.call("GET", "/api/slow2/x").status == 200
    assert [names.calls(name) for name in slow] == [1, 1, 1]
    # The end waits for none of them.
    began = time.monotonic()
    gateway.terminate()
    assert gateway.wait_exit() == 0
    assert time.monotonic() - began < 3


def test_a_name_that_fails_is_told_once(gateways, names, echo_upstream):
    names.set("moved.test")
    gateway = start(gateways, names, [route("test", f"http://moved.test:{echo_upstream.port}")])
    answer = gateway.call("GET", "/api/test/x")
    assert (answer.status, answer.json()["code"]) == (502, "dns_error")
    eventually(lambda: names.calls("moved.test") >= 3, "it is looked up again")
    names.set("moved.test", "127.0.0.1")
    eventually(lambda: gateway.call("GET", "/api/test/x").status == 200, "the name is found")
    eventually(lambda: "resolver: moved.test: found" in gateway.log(), "it is told")
    lines = [line.split(" ", 1)[1] for line in gateway.log().splitlines()
             if "resolver: moved.test" in line]
    assert len(lines) == 2, lines
    assert lines[0].startswith("WARN resolver: moved.test: ")
    assert lines[1].startswith("INFO resolver: moved.test: found, after ")


def test_wall_clock_set_back(gateways, names, echo_upstream, tmp_path):
    names.set("moved.test")
    clock = tmp_path / "clock"
    clock.write_bytes(struct.pack("q", 0))
    faults = build("preload/faults.c", shared=True)
    gateway = start(gateways, names, [route("test", f"http://moved.test:{echo_upstream.port}")],
                    env={"LD_PRELOAD": f"{names.env['LD_PRELOAD']}:{faults}",
                         "TOLLGATE_TEST_CLOCK": str(clock)})
    eventually(lambda: names.calls("moved.test") >= 1, "it has been looked up")
    with open(clock, "r+b") as f:
        f.write(struct.pack("q", -2 * HOUR_NS))
    names.set("moved.test", "127.0.0.1")
    eventually(lambda: gateway.call("GET", "/api/test/x").status == 200, "the name is found", 8)


def test_no_thread_for_a_look_up(gateways, names, echo_upstream):
    """The process goes on, says why, and finds the name once it may."""
    names.set("good.test", "127.0.0.1")
    gateway = start(gateways, names, [route("test", echo_upstream.url)])
    names.forbid_threads()
    gateway.settings["routes"] = [route("test", f"http://good.test:{echo_upstream.port}")]
    gateway.write_config()
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "resolver: good.test: no thread" in gateway.log(), "the log says it")
    assert gateway.call("GET", "/api/test/x").json()["code"] == "dns_error"
    names.forbid_threads(False)
    eventually(lambda: gateway.call("GET", "/api/test/x").status == 200, "the name is found")


def test_no_thread_at_the_start(gateways, names, echo_upstream):
    gateway = gateways(routes=[route("test", echo_upstream.url)], start=False, access_log=False)
    gateway.env = names.env
    names.forbid_threads()
    gateway.start(wait=False)
    assert gateway.wait_exit() == 1
    assert "ERROR" in gateway.log() and "thread" in gateway.log()
    gateway.process = None


@pytest.mark.full
@pytest.mark.timeout(240)
def test_kept_connections_follow_the_name(gateways, names, upstreams):
    """90 s after an address was last in an answer its connections are given up."""
    old = upstreams(echo, host="127.0.0.2")
    new = upstreams(echo, host="127.0.0.3", port=old.port)
    names.set("moved.test", "127.0.0.2")
    gateway = start(gateways, names, [route("test", f"http://moved.test:{old.port}")],
                    pools={"max_requests": 0})
    client = gateway.connect()
    assert client.call("GET", "/api/test/x").status == 200
    names.set("moved.test", "127.0.0.3")
    began = time.monotonic()

    def is_moved():
        assert client.call("GET", "/api/test/x").status == 200
        return new.requests

    eventually(is_moved, "the kept connection is given up", 150)
    assert time.monotonic() - began > 55
    assert len(old.conns) == 1
