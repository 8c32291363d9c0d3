"""Waiting on readiness: the only way in which these tests spend time."""
import time

PATIENCE_S = 20


def eventually(check, what, patience_s=PATIENCE_S):
    """Calls check() until it returns something true; returns that. Fails after patience_s."""
    deadline = time.monotonic() + patience_s
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened: {what} (last: {result!r})")
        time.sleep(0.005)
