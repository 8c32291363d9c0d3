"""The outside conformance suite, where CONFORMANCE_DIR names one: nothing that a smuggler can use."""
import os
import re
import subprocess

import pytest

from tg.ports import free_port

FOLDER = os.environ.get("CONFORMANCE_DIR")


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.skipif(not FOLDER, reason="CONFORMANCE_DIR is not set")
def test_no_security_relevant_failure(gateways, keys):
    port = free_port()
    gateway = gateways(route={"upstream": f"http://127.0.0.1:{port}"}, workers=2)
    gateway.expect_error(".")
    done = subprocess.run(
        [os.path.join(FOLDER, "run-conformance.sh"), "127.0.0.1", str(gateway.port), "/api/test",
         keys["all"]], capture_output=True, text=True, check=False,
        env={**os.environ, "UPSTREAM_PORT": str(port)})
    print(done.stdout)
    m = re.search(r"security-relevant failures: (\d+)", done.stdout)
    assert m and int(m.group(1)) == 0, done.stdout
