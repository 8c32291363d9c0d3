"""Waiting on readiness: the only way in which these tests spend time."""
import contextlib
import os
import time

PATIENCE_S = 20


def eventually(check, what, patience_s=PATIENCE_S):
    """Calls check() until it returns something true; returns that. Fails after patience_s.

    The longer it has waited, the seldomer it looks: later by a fiftieth of that, by 50 ms at most."""
    began = time.monotonic()
    while True:
        result = check()
        if result:
            return result
        waited = time.monotonic() - began
        if waited > patience_s:
            raise AssertionError(f"never happened: {what} (last: {result!r})")
        time.sleep(min(max(0.005, waited / 50), 0.05))


class Output:
    """What a process or a terminal writes to a descriptor, as far as it is there: read() never waits."""

    def __init__(self, descriptor):
        self.descriptor, self.bytes = descriptor, b""
        os.set_blocking(descriptor, False)

    def read(self):
        """All of it since the beginning."""
        with contextlib.suppress(BlockingIOError):
            while more := os.read(self.descriptor, 65536):
                self.bytes += more
        return self.bytes

    def lines(self):
        """The whole ones."""
        return self.read().split(b"\n")[:-1]
