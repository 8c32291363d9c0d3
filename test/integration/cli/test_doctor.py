"""`tollgate doctor`: one line for each thing, with what to do."""
import json
import socket

import pytest

from tg.gateway import run_cli
from tg.ports import free_port
from tg.upstream import Upstream


@pytest.fixture(scope="module")
def place(cluster, template, tmp_path_factory):
    """(folder, database) that all tests of this module look at."""
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database(template[0])
    yield tmp_path_factory.mktemp("doctor"), database
    database.drop()


def examine(place, routes=(), env=None, **settings):
    """{check: [(result, text, fix)]}, and the exit status."""
    folder, database = place
    config = folder / "tollgate.json"
    config.write_text(json.dumps({
        "listen": [f"127.0.0.1:{free_port()}"], "manager": {"listen": [f"127.0.0.1:{free_port()}"]}, "database": database.url,
        "state_dir": str(folder / "state"), "usage": {"journal_bytes": 67108864},
        "routes": [{"name": "none", "path": "/none", "upstream": "http://127.0.0.1:1"}, *routes], **settings}))
    done = run_cli("doctor", "--config", config, "--json", check=False, env=env)
    said = json.loads(done.stdout)
    assert (done.returncode == 0) == said["ok"] and done.stderr == ""
    found = {}
    for line in said["checks"]:
        assert (line["fix"] is None) == (line["result"] == "ok"), line
        found.setdefault(line["check"], []).append((line["result"], line["text"], line["fix"]))
    return found


def test_all_that_is_there(place):
    upstream = Upstream()
    found = examine(place, [{"name": "a", "path": "/a", "upstream": upstream.url},
                            {"name": "b", "path": "/b", "upstream": upstream.url}])
    upstream.close()
    assert list(found) == ["configuration", "database", "role", "schema", "clock", "port", "upstream", "disk", "journal"]
    assert [one[0] for name in ("configuration", "database", "schema", "clock", "disk", "journal") for one in found[name]] == 6 * ["ok"]
    assert [one[0] for one in found["port"]] == ["ok", "ok"] and "is free" in found["port"][0][1]
    (dead, why, fix), (works, *_) = found["upstream"]
    assert (dead, works) == ("fail", "ok") and "connection_refused" in why and fix == "start the upstream; check the port"


def test_a_name_that_is_none_and_certificates(place, authority):
    upstream = Upstream(lambda conn: None, tls=authority.server_context(["DNS:localhost"]))
    to = {"upstream": f"https://localhost:{upstream.port}"}
    trusted = {"tls": {"ca_file": authority.file}}
    by_address = {"upstream": f"https://127.0.0.1:{upstream.port}", **trusted}
    found = examine(place, [{"name": "name", "path": "/name", "upstream": "http://nowhere.invalid"},
                            {"name": "trusted", "path": "/trusted", **to, **trusted},
                            {"name": "other", "path": "/other", **by_address}])["upstream"]
    upstream.close()
    assert "dns_error" in found[1][1] and "resolver" in found[1][2]
    assert found[2][0] in ("ok", "warn") and "its certificate has" in found[2][1]
    assert "tls_certificate_error" in found[3][1] and found[3][0] == "fail"


def test_ports_that_others_have(place):
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.listen(1)
        found = examine(place, listen=[f"127.0.0.1:{other.getsockname()[1]}", "192.0.2.1:8787"])
    assert [one[0] for one in found["port"]] == ["fail", "fail", "ok"]
    assert "another program" in found["port"][0][1] and "this machine" in found["port"][1][2]


def test_no_database(place):
    found = examine(place, database=f"postgresql://127.0.0.1:{free_port()}/x")
    assert found["database"][0][0] == "fail" and "start PostgreSQL" in found["database"][0][2] and "schema" not in found


def test_a_configuration_with_errors(place):
    found = examine(place, nonsense=1)
    assert found["configuration"][0][0] == "fail" and "tollgate check" in found["configuration"][0][2]
    assert "database" not in found


def test_lines_for_people(place, tmp_path):
    _, database = place
    done = run_cli("doctor", "--database", database.url)
    lines = done.stdout.splitlines()
    assert lines[0] == "warn  configuration  there is none, so only the database is looked at; fix: give --config FILE"
    assert [line.split()[1] for line in lines[1:]] == ["database", "role", "schema", "clock"]
