"""Where the system gives no further thread: a message and an orderly end, never an abort."""
import os
import re
import signal
import subprocess

import pytest

from tg.build import build
from tg.gateway import BINARY, REPORT, SANITIZED, environment

REFUSED = re.compile(r"cannot start the (log's thread|thread [a-z0-9-]+): Resource temporarily unavailable; raise "
                     r"the limit of threads \(ulimit -u, TasksMax=\)")


@pytest.fixture
def limited():
    """limited(n): the environment of a process that gets n threads."""
    if SANITIZED:
        pytest.skip("a sanitizer is loaded before everything else")
    library = build("preload/threads.c", shared=True)
    return lambda n: {"LD_PRELOAD": library, "TOLLGATE_TEST_THREADS": str(n)}


THREADS = {"log's thread"} | {f"thread {name}" for name in (
    "resolver", "token-saver", "token-sync", "journal", "recorder", "manager", "worker-0", "worker-1")}


def refusals(gateway, limited, socket):
    """Which threads could not be started, with one more at each try until none is missing."""
    refused = set()
    for n in range(30):
        process = subprocess.Popen([BINARY, "serve", "--config", gateway.config_file], cwd=gateway.folder,
                                   env=environment(**limited(n)), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        log = ""
        for line in process.stderr:
            log += line
            if "INFO ready" in line:
                process.send_signal(signal.SIGTERM)
        with open(gateway.log_file, "a", encoding="utf-8") as f:
            f.write(f"--- {n} threads\n{log}")
        assert not REPORT.search(log), log
        if process.wait(20) == 0:
            return refused
        assert process.returncode == 1, log
        refused.add(REFUSED.search(log).group(1))
        assert not os.path.exists(socket)
        assert not os.path.isdir(gateway.journal) or not os.listdir(gateway.journal)
    raise AssertionError("30 threads are not enough")


def test_each_thread_that_cannot_be_started(gateways, upstream, limited, tmp_path):
    """Threads that connect to the database are counted with the others, and on a busy machine more of them were
    made by then: so one may be passed over, which another round meets."""
    gateway = gateways(upstream, start=False, workers=2, state_dir="state",
                       listen=["127.0.0.1:0", f"unix:{tmp_path / 'socket'}"])
    refused = set()
    for _ in range(16):
        refused |= refusals(gateway, limited, tmp_path / "socket")
        if refused == THREADS:
            break
    assert refused == THREADS


def test_dev_without_threads(limited, tmp_path):
    done = subprocess.run([BINARY, "dev", "--state", str(tmp_path / "state")], env=environment(**limited(0)),
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert REFUSED.search(done.stderr)
