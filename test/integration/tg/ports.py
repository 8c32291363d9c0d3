"""Free ports below the ephemeral range, so that no outgoing connection can take one first; and
addresses that answer to nothing."""
import itertools
import os
import socket
import threading
import time
from contextlib import contextmanager

# Stages of one `make check` that run beside each other (test/check.sh) share them out.
_FIRST, _COUNT = map(int, os.environ.get("TOLLGATE_TEST_PORTS", "12000 18000").split())
# Other runs side by side start apart from each other and walk in strides.
_STRIDE = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
_SEED = os.getppid() if _STRIDE > 1 else os.getpid()
_next = itertools.count(_SEED * 64 * _STRIDE + _WORKER, _STRIDE)


def free_port():
    for offset in _next:
        port = _FIRST + offset % (_COUNT - _COUNT % _STRIDE)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("unreachable")


@contextmanager
def black_hole(host, port=0):
    """An address that answers to nothing, as one that a firewall drops packets for: its port."""
    with socket.socket() as full, socket.socket() as filler:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind((host, port))
        full.listen(0)  # one connection waits to be accepted; the kernel drops further SYNs
        filler.connect(full.getsockname())
        yield full.getsockname()[1]


def _connecting_to(remote):
    """Local ports of whoever waits for that address to answer."""
    syn_sent = "02"
    with open("/proc/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return {row[1] for row in rows if row[2] == remote and row[3] == syn_sent}


@contextmanager
def attempts(host, port):
    """How long each attempt to connect there was under way, in seconds, first to last.

    What else a start or a command takes, which a loaded machine makes long, is no part of it.
    """
    remote = "".join(f"{n:02X}" for n in reversed(socket.inet_aton(host))) + f":{port:04X}"
    seen, over, took = {}, threading.Event(), []

    def look():
        while not over.wait(0.02):
            now = time.monotonic()
            for local in _connecting_to(remote):
                seen.setdefault(local, [now, now])[1] = now

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield took
    finally:
        over.set()
        watch.join()
        took += [last - first for first, last in seen.values()]
