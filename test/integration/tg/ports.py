"""Free ports below the ephemeral range, so that no outgoing connection can take one first."""
import itertools
import os
import socket

_FIRST, _COUNT = 12000, 18000
_next = itertools.count((os.getpid() * 61) % _COUNT)


def free_port():
    for offset in _next:
        port = _FIRST + offset % _COUNT
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("unreachable")
