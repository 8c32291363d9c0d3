"""Waiting on readiness: the only way in which these tests spend time."""
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
