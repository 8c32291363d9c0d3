"""`tollgate journal inspect`: what waits on disk, beside a running gateway and after its end."""
import json
import os
import re

import pytest

from tg.gateway import run_cli
from tg.ledger import groups
from tg.wait import eventually

SHORT = {"idle_s": 0.2}
WAITING = re.compile(r"lane 0: stored to (\d+), ends at (\d+): (\d+) events wait \((\d+) bytes\)"
                     r".*\n +counters: (\d+) events dropped, (\d+) strangers")


def inspect(gateway, *options, check=True):
    return run_cli("journal", "inspect", *options, gateway.journal, check=check)


def files(gateway):
    folder = os.path.join(gateway.journal, groups(gateway)[0])
    return {name: os.stat(os.path.join(folder, name)).st_size for name in os.listdir(folder)}


@pytest.mark.sanitizer
def test_inspect(gateways, echo_upstream, cluster, database):
    gateway = gateways(echo_upstream, pools=SHORT, node="gw-1")
    gateway.expect_error(".")
    cluster.stop("immediate")
    with gateway.connect() as client:
        ids = [client.call("GET", "/api/test/x", {"User-Agent": 'a "b"\t\xe9'})
               .get("Tollgate-Request-Id") for _ in range(30)]
        assert client.call("GET", "/nowhere", {"X-API-Key": "guess"}).status == 401
    shown = inspect(gateway).stdout
    assert f"group {groups(gateway)[0]}, in use, node gw-1, started 20" in shown
    assert shown.splitlines()[-1].startswith("1 groups, files of ")
    tail, end, events, waiting, dropped, strangers = map(int, WAITING.search(shown).groups())
    assert (tail, events, waiting, dropped) == (0, 30, end, 0) and strangers >= 1
    gateway.kill()
    before = files(gateway)
    assert WAITING.search(inspect(gateway).stdout).group(3) == "30"
    dump = inspect(gateway, "--events").stdout
    lines = [json.loads(line) for line in dump.splitlines()]
    assert [line["request_id"] for line in lines] == ids
    assert gateway.key not in dump
    assert {(line["node"], line["lane"], line["route_path"], line["outcome"], line["user_agent"])
            for line in lines} == {("gw-1", 0, "/api/test", "complete", 'a "b"\t\ufffd')}
    assert all(re.fullmatch(r"[0-9a-f]{64}", line["token_hash"]) for line in lines)
    assert files(gateway) == before
    cluster.start()
    gateway.start()
    eventually(lambda: database.value("SELECT count(*) FROM token_usage_logs") == 30,
               "what was looked at is stored")


def test_inspect_what_cannot_be_read(gateways, echo_upstream):
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.kill()
    with open(os.path.join(gateway.journal, groups(gateway)[0], "group"), "r+b") as f:
        f.write(b"\0" * 8)
    done = inspect(gateway, check=False)
    assert done.returncode == 1 and "cannot be read: not a file of the usage journal" in done.stdout
    done = inspect(gateway, "--events", check=False)
    assert (done.returncode, done.stdout) == (1, "") and "cannot be read" in done.stderr
    done = run_cli("journal", "inspect", gateway.folder + "/none", check=False)
    assert done.returncode == 1 and "No such file or directory" in done.stderr
    assert run_cli("journal", check=False).returncode == 2
    gateway.process = None
