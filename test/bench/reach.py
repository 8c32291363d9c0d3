"""What a dead address of a name costs those who connect to the upstream."""
import statistics
import tempfile
import time

from tg.names import Names
from tg.ports import black_hole
from tg.upstream import Upstream, requests_of
from tg.wait import eventually

LATER = 50


def _once(conn):
    for _ in requests_of(conn):
        conn.respond(headers={"Connection": "close"})
        return


def dead_address(bench):
    """New connections to a name with one dead and one good address: the first, and those after it."""
    upstream = Upstream(_once)
    names = Names(tempfile.mkdtemp(dir=bench.folder))
    names.set("two.test", "127.0.0.9", "127.0.0.1")
    with black_hole("127.0.0.9", upstream.port), \
            bench.gateway(f"http://two.test:{upstream.port}", env=names.env) as gateway, \
            gateway.connect() as client:
        eventually(lambda: names.calls("two.test"), "the name is looked up")
        times = []
        for _ in range(1 + LATER):
            at = time.perf_counter()
            assert client.call("GET", "/api/test/x").status == 200
            times.append((time.perf_counter() - at) * 1000)
        assert len(upstream.conns) == 1 + LATER
    upstream.close()
    return {"one of two addresses dead, first new connection": (times[0], "ms", 400),
            "one of two addresses dead, later ones, median": (statistics.median(times[1:]), "ms", 5),
            "one of two addresses dead, later ones, max": (max(times[1:]), "ms", None)}
