"""The conformance suite: RFC 9110, 9112, 9209 and 6455, byte by byte (test/conformance)."""
import os
import sys

import pytest

from tg.gateway import ROOT, SANITIZED, Gateway
from tg.upstream import Upstream

sys.path.insert(0, os.path.join(ROOT, "test", "conformance"))

from rfc_cases import CaseError, load, parse  # noqa: E402
from rfc_runner import Runner, Scripted  # noqa: E402

if SANITIZED == "tsan":
    pytest.skip("one call at a time: nothing can race", allow_module_level=True)

CASES = load()
pytestmark = pytest.mark.sanitizer


@pytest.fixture(scope="module")
def runner(cluster, template, tmp_path_factory):
    """One gateway and one upstream for all cases; both are judged at the end."""
    database = cluster.create_database(template[0])
    scripted = Scripted()
    upstream = Upstream(scripted)
    route = {"upstream": upstream.url, "strip_prefix": False}
    gateway = Gateway(str(tmp_path_factory.mktemp("rfc")), database, [
        {"name": "t", "path": "/t", "forward_client_info": False,
         "upgrade_protocols": ["websocket", "IRC/2.0"], **route},
        {"name": "v", "path": "/v", "forward_client_info": True, **route}],
        trusted_proxies=[])
    gateway.key = template[1]["all"]
    gateway.start()
    yield Runner(gateway, upstream, scripted)
    upstream.close()
    try:
        gateway.judge()
    finally:
        if gateway.process.poll() is None:
            gateway.kill()
    database.drop()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(runner, case, request):
    request.node.gateways = [runner.gateway]
    runner.run(case)


def test_there_are_enough_cases():
    assert len(CASES) >= 250
    assert {c.verdict for c in CASES} >= {"refuse", "forward", "relay", "bad-gateway", "cut"}


@pytest.mark.parametrize("text", [
    "send x",
    "group g\nrule R\nwant forward\n",
    "group g\nrule R\nwant maybe\n- a",
    "group g\nwant forward\n- a",
    "group g\nrule R\nwant forward\nsent x\n- a",
    "group g\nrule R\nwant forward\nsend {1}\n- a",
    "group g\nrule R\nwant forward\nsend \\q\n- a",
    "group g\nrule R\nwant forward\n- a\n- a",
    "group g\nrule R\nwant forward\n- a\nsend x",
])
def test_a_malformed_file_of_cases_is_refused(text):
    with pytest.raises(CaseError):
        parse(text.split("\n"), "x")
