"""The stage `make check-conformance`: both runners of the outside suite that CONFORMANCE_DIR names.

All of that stage is in this file; in the other stages it is skipped. The suite stays outside: its
cases are examples of rules, and ours are in test/conformance.
"""
import os
import re
import subprocess

import pytest

from tg.ports import free_port

FOLDER = os.environ.get("CONFORMANCE_DIR")
LIMIT_S = 10  # what the robustness run takes all time limits to be

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.environ.get("TOLLGATE_TEST_OUTSIDE") != "1" or not FOLDER,
                       reason="only in make check-conformance"),
]


@pytest.fixture
def run(gateways, keys):
    """run(script, *arguments(gateway)): the script's output."""
    def run(script, arguments=lambda gateway: []):
        port = free_port()
        route = {"strip_prefix": False, "forward_credentials": True}
        gateway = gateways(
            workers=2, trusted_proxies=["127.0.0.1/32"],
            routes=[{"name": "up", "path": "/up", "upstream": f"http://127.0.0.1:{port}", **route},
                    {"name": "dead", "path": "/dead",
                     "upstream": f"http://127.0.0.1:{free_port()}", **route}],
            timeouts={"head_s": LIMIT_S, "body_s": LIMIT_S, "first_byte_s": LIMIT_S,
                      "idle_s": LIMIT_S, "keep_alive_s": LIMIT_S})
        gateway.expect_error(".")
        command = [os.path.join(FOLDER, script), "127.0.0.1", str(gateway.port), "/up",
                   keys["all"], *arguments(gateway)]
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env={**os.environ, "UPSTREAM_PORT": str(port)})
        print(done.stdout, done.stderr)
        return done.stdout

    return run


def passed(output):
    return int(re.search(r"^(\d+) passed, \d+ failed", output, re.M).group(1))


def test_conformance(run):
    output = run("run-conformance.sh")
    assert int(re.search(r"security-relevant failures: (\d+)", output).group(1)) == 0
    assert passed(output) >= 400


def test_robustness(run):
    output = run("run-robustness.sh", lambda gateway: [
        "--pid", str(gateway.pid), "--dead", "/dead", "--limit", str(LIMIT_S)])
    assert passed(output) >= 42
