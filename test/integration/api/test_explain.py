"""POST /api/explain and `tollgate explain`: what would become of a request is what becomes of it."""
import json
import os
import re
import subprocess

import pytest

from tg.gateway import BINARY, ROOT, run_cli
from tg.ports import free_port
from tg.upstream import echo
from tg.wait import eventually

DEAD = f"http://127.0.0.1:{free_port()}"
MANAGED = {"upstream": echo, "routes": [
    {"name": "test", "path": "/api/test", "scope": "test", "methods": ["GET", "POST"],
     "set_headers": {"Authorization": "Bearer of-the-upstream"}},
    {"name": "dead", "path": "/api/dead", "upstream": DEAD},
]}
STEPS = ["request", "key", "token", "address", "url", "route", "scope", "method", "body", "loop", "upstream"]


def explain(managed, path, status=200, **asked):
    answer = managed.api.post("/api/explain", managed.people.admin.key, {"path": path, **asked})
    assert answer.status == status, answer.json
    return answer.json


def by_command(managed, path, *arguments, key=None):
    given = [] if key is None else ["--key-stdin"]
    return run_cli("explain", path, *arguments, *given, "--config", managed.gateway.config_file, stdin=key, check=False)


def results(answer):
    assert [step["step"] for step in answer["steps"]] == STEPS
    return {step["step"]: step["result"] for step in answer["steps"]}


@pytest.fixture(scope="module")
def token(managed):
    token = managed.people.tokens["one"][0]
    eventually(lambda: managed.api.get("/api/self", headers=[("X-API-Key", token.key)]).status == 200, "the key is known")
    return token


@pytest.mark.parametrize("key, method, path, code", [
    ("good", "GET", "/api/test/x", None),
    ("ntk_nobody", "GET", "/api/test", "unknown_key"),
    (None, "GET", "/api/test", "missing_key"),
    ("good", "DELETE", "/api/test", "method_not_allowed"),
    ("good", "GET", "/api/tset", "no_route"),
    ("good", "GET", "/api/test/../x", "bad_path"),
])
def test_by_api_by_command_and_by_the_gateway(managed, token, key, method, path, code):
    key = token.key if key == "good" else key
    fields = {} if key is None else {"key": key}
    said = explain(managed, path, method=method, **fields)
    assert said["code"] == code and said["outcome"] == ("passes" if code is None else "refused")
    done = by_command(managed, path, "-X", method, "--json", key=key)
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0 if code is None else 1, "")
    for name in ("outcome", "status", "code", "text", "advice", "token", "route", "nearest_route", "headers"):
        assert told[name] == said[name], name
    if code is not None:
        answer = managed.gateway.call(method, path, key=key or "")
        problem = json.loads(answer.body)
        assert (problem["status"], problem["code"], problem["detail"]) == (said["status"], code, said["text"])


def test_all_that_is_known_of_it(managed, token):
    said = explain(managed, "/api/test/x?y=1", method="POST", key=token.key, address="203.0.113.9",
                   headers=["Cookie: a=b", "Content-Type: text/plain"])
    assert results(said) == {name: "ok" for name in STEPS}
    assert said["token"] == {"id": token.id, "name": token.name, "scopes": ["test"], "expires_at": None, "old_key_until": None}
    assert (said["route"]["name"], said["route"]["timeouts"]["connect_s"]) == ("test", 5)
    assert said["headers"]["removed"] == ["Cookie", "X-API-Key"] and "Authorization" in said["headers"]["added"]
    assert "of-the-upstream" not in str(said) and token.key not in str(said)


def test_an_upstream_that_fails_is_known(managed, token):
    assert explain(managed, "/api/dead", key=token.key)["outcome"] == "passes"
    with managed.gateway.connect(token.key) as client:
        assert client.call("GET", "/api/dead").status == 502
    said = explain(managed, "/api/dead", key=token.key)
    assert (said["outcome"], said["code"], said["status"]) == ("upstream_fails", "destination_unavailable", 503)
    assert [a["fails"] for a in said["upstreams"][0]["addresses"]] == [True]


def test_a_replaced_key_and_a_bound_one(managed):
    made = managed.people.add_token("replaced", "one")
    managed.database.query("UPDATE tokens SET tollgate_address_ranges = '{10.0.0.0/8}' WHERE id = %s", (made.id,))
    managed.database.query("UPDATE token_keys SET valid_until = now() + interval '1 hour' WHERE token_id = %s", (made.id,))
    eventually(lambda: "replaced" in explain(managed, "/api/test", key=made.key)["steps"][2]["text"], "the change is known")
    said = explain(managed, "/api/test", key=made.key, address="192.0.2.1")
    assert said["code"] == "address_forbidden" and results(said)["token"] == "ok" and said["token"]["old_key_until"]
    assert explain(managed, "/api/test", key=made.key, address="10.1.1.1")["outcome"] == "passes"
    assert results(explain(managed, "/api/test", key=made.key))["address"] == "unknown"


def test_nothing_is_made_of_it(managed):
    made = managed.people.add_token("seen once", "one")
    eventually(lambda: explain(managed, "/api/test", key=made.key)["outcome"] == "passes", "the key is known")
    explain(managed, "/api/test", method="PUT", headers=["Via: " + made.key, "Authorization: Bearer " + made.key])
    explain(managed, "/api/test?k=" + made.key, key=made.key)
    managed.gateway.call("DELETE", "/api/test", key=made.key)
    rows = "SELECT request_method FROM token_usage_logs WHERE token_id = %s"
    eventually(lambda: managed.database.query(rows, (made.id,)), "the call that was made is recorded")
    assert managed.database.value("SELECT count(*) FROM token_usage_logs WHERE token_id = %s", (made.id,)) == 1
    assert made.key not in managed.gateway.log()


@pytest.mark.parametrize("asked, pointer", [
    ({"path": "x"}, "#/path"), ({}, "#/path"), ({"path": "/", "method": "BREW"}, "#/method"),
    ({"path": "/", "headers": ["no colon"]}, "#/headers/0"), ({"path": "/", "headers": ["a b: c"]}, "#/headers/0"),
    ({"path": "/", "address": "here"}, "#/address"), ({"path": "/", "kye": "a"}, "#/kye"),
])
def test_what_is_wrong_is_named(managed, asked, pointer):
    answer = managed.api.post("/api/explain", managed.people.admin.key, asked)
    assert (answer.status, [e["pointer"] for e in answer.json["errors"]]) == (400, [pointer])


def test_lines_for_people(managed, token):
    done = by_command(managed, "/api/test", "-X", "PUT", "-H", "Accept: text/plain", key=token.key)
    assert done.returncode == 1 and token.key not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "it would be refused: 405 method_not_allowed"
    assert lines[2] == "what to do: use one that `Allow` names"
    assert [line.split()[1] for line in lines[4:15]] == STEPS
    assert "headers removed: X-API-Key" in done.stdout and "time limits: body_s 30" in done.stdout


@pytest.mark.parametrize("arguments, why", [
    (("here",), "is neither a path"), (("01a226fb-2479-7832-8b9a-d718ed8c3d73", "-XPUT"), "goes with a path"), (("/", "--header", "x"), "the 1. is not"),
    (("/", "--address", "x"), "is no IP address"), (("/", "-Xput"), "is not GET, HEAD"),
    (("/", "-X", "BREW"), "is not GET, HEAD"),
])
def test_wrong_use(managed, arguments, why):
    done = by_command(managed, *arguments)
    assert done.returncode == 2 and why in done.stderr


# --- calls that were ---

def recorded(managed, method, path, **how):
    request_id = managed.gateway.call(method, path, **how).get("tollgate-request-id")
    eventually(lambda: managed.database.query("SELECT 1 FROM token_usage_logs WHERE request_id = %s", (request_id,)),
               "the call is recorded")
    return request_id


@pytest.mark.parametrize("method, path, code, fault", [
    ("DELETE", "/api/test", "method_not_allowed", "client"), ("GET", "/api/nowhere", "no_route", "client"),
    ("GET", "/api/dead", "connection_refused", "upstream"),
])
def test_what_became_of_a_call(managed, token, method, path, code, fault):
    request_id = recorded(managed, method, path, key=token.key)
    said = managed.api.get(f"/api/usage/logs/{request_id}", managed.people.admin.key).json
    why = said["explanation"]
    assert (why["code"], why["fault"]) == (code, fault) and why["advice"] and why["text"]
    assert sum(why["time"].values()) == said["total_ms"]
    config = managed.gateway.config_file
    assert json.loads(run_cli("explain", request_id, "--json", "--config", config).stdout) == said
    lines = run_cli("explain", request_id.upper(), "--config", config).stdout.splitlines()
    assert lines[0] == f"{code}: {why['text']}" and lines[2] == f"what to do: {why['advice']}"


def test_no_such_call(managed):
    done = run_cli("explain", "01a226fb-2479-7832-8b9a-d718ed8c3d73", "--config", managed.gateway.config_file, check=False)
    assert done.returncode == 1 and "there is no such call" in done.stderr
    assert managed.api.get("/api/usage/logs/01a226fb-2479-7832-8b9a-d718ed8c3d73", managed.people.admin.key).status == 404


def test_calls_that_the_database_has_not_got_yet(managed, token, cluster):
    """They are found in the journal, also while it is away, and told of as they are from then on."""
    asked = [("DELETE", "/api/test", "method_not_allowed", "client"), ("GET", "/api/nowhere", "no_route", "client"),
             ("GET", "/api/dead", "connection_refused", "upstream"), ("GET", "/api/test", None, "none")]
    config, waiting = managed.gateway.config_file, {}
    managed.gateway.expect_error("")
    eventually(lambda: managed.gateway.call("GET", "/api/test", key=token.key).status == 200, "the gateway knows the token")
    cluster.stop("fast")
    try:
        for method, path, code, fault in asked:
            request_id = managed.gateway.call(method, path, key=token.key).get("tollgate-request-id")
            found = run_cli("explain", request_id, "--json", "--config", config)
            assert f"it waits in {managed.gateway.journal} for the database" in found.stderr
            waiting[request_id] = said = json.loads(found.stdout)
            assert (said["explanation"]["code"], said["explanation"]["fault"]) == (code, fault)
            route = None if code == "no_route" else path
            assert (said["request_id"], said["token_id"], said["route_path"]) == (request_id, token.id, route)
            assert "token_hash" not in said
            lines = run_cli("explain", request_id, "--config", config).stdout.splitlines()
            assert lines[0] == (f"{code}: " if code else "") + said["explanation"]["text"]
        missing = run_cli("explain", "01a226fb-2479-7832-8b9a-d718ed8c3d73", "--config", config, check=False)
        assert missing.returncode == 1 and f"it does not wait in {managed.gateway.journal}" in missing.stderr
        assert "refused" in missing.stderr or "No such file" in missing.stderr  # why the database did not say
    finally:
        cluster.start()
    for request_id, said in waiting.items():
        eventually(lambda request_id=request_id: managed.database.query(
            "SELECT 1 FROM token_usage_logs WHERE request_id = %s", (request_id,)), "it is stored")
        stored = run_cli("explain", request_id, "--json", "--config", config)
        now = json.loads(stored.stdout)
        assert stored.stderr == "" and now.keys() == said.keys()
        # The database alone gives it a number, and knows the token's name.
        assert {**now, "id": None, "token_name": None} == {**said, "id": None, "token_name": None}


# --- the pages that say so ---

def shown(page):
    """The commands of a page, as they stand there."""
    with open(os.path.join(ROOT, "docs", page), encoding="utf-8") as file:
        blocks = re.findall(r"^ *```sh\n(.*?)^ *```", file.read(), re.M | re.S)
    return [line.strip() for line in "".join(blocks).splitlines()]


def test_commands_of_the_pages(managed, token):
    folder, port = managed.gateway.folder, managed.gateway.manager_port
    with open(os.path.join(folder, "key.txt"), "w", encoding="utf-8") as file:
        file.write(token.key)
    variables = {**os.environ, "KEY": managed.people.admin.key, "ID": recorded(managed, "DELETE", "/api/test", key=token.key)}
    lines = shown("troubleshooting.md") + shown("n8n.md")
    assert len(lines) > 20
    for line in lines:
        local = re.sub("^tollgate ", f"{os.path.abspath(BINARY)} ", line).replace("localhost:8000", f"localhost:{port}")
        local = local.replace("state/usage", managed.gateway.journal)
        done = subprocess.run(["bash", "-euc", local.replace("curl ", "curl -fsS ")], cwd=folder, env=variables, capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL)
        # The dead upstream is what doctor finds.
        assert done.returncode == (1 if " doctor " in line else 0), (line, done.stdout, done.stderr)
