"""Callers that keep calling while something changes under them."""
import http.client
import threading
import time


class Load:
    """n threads, each with a keep-alive connection; a call fails on anything but a 200.

    A connection that the gateway announced to close (Connection: close) is made anew before
    the next call, as every HTTP client does.
    """

    def __init__(self, port, key, n=8, path="/api/test/x"):
        self.port, self.key, self.path = port, key, path
        self.done, self.failed = 0, []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call_on) for _ in range(n)]

    def __enter__(self):
        for t in self._threads:
            t.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for t in self._threads:
            t.join()

    def _call_on(self):
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self._stop.is_set():
            try:
                conn.request("GET", self.path, headers={"X-API-Key": self.key})
                answer = conn.getresponse()
                answer.read()
                fault = None if answer.status == 200 else f"status {answer.status}"
            except (OSError, http.client.HTTPException) as e:
                fault = repr(e)
                conn.close()
            with self._lock:
                self.done += 1
                if fault:
                    self.failed.append(fault)
        conn.close()

    def wait_for(self, more):
        """Until that many further calls are done."""
        goal, deadline = self.done + more, time.monotonic() + 60
        while self.done < goal:
            assert time.monotonic() < deadline, f"only {self.done} calls"
            time.sleep(0.01)
