"""Which key counts, what an unacceptable one is told, and that it gets no further."""
import pytest

from tg.problems import UNKNOWN_FOREIGN, assert_problem

pytestmark = pytest.mark.standing


def mistype(key):
    """The same shape with one character changed, so that the checksum is wrong."""
    at = 10
    return key[:at] + ("x" if key[at] != "x" else "y") + key[at + 1:]


@pytest.mark.sanitizer
def test_keys_that_are_refused(gateway, upstream, keys, database):
    good = keys["all"]
    cases = [
        ([], "missing_key"),
        ([("X-API-Key", UNKNOWN_FOREIGN)], "unknown_key"),
        ([("X-API-Key", mistype(good))], "malformed_key"),
        ([("X-API-Key", good[:-1])], "unknown_key"),
        # Somebody else's bearer token is no key of ours at all.
        ([("Authorization", f"Bearer {UNKNOWN_FOREIGN}")], "missing_key"),
        ([("Authorization", "Basic dXNlcjpwYXNz")], "missing_key"),
        ([("Authorization", f"Bearer {mistype(good)}")], "malformed_key"),
        ([("X-API-Key", good), ("X-API-Key", good)], "ambiguous_key"),
        ([("X-API-Key", good), ("X-Api-Key", keys["test"])], "ambiguous_key"),
        ([("X-API-Key", good), ("Authorization", f"Bearer {keys['test']}")], "ambiguous_key"),
    ]
    client = gateway.connect(key="")
    for headers, code in cases:
        answer = client.call("GET", "/api/test/x", headers)
        assert_problem(answer, 401, code)
    upstream.expect_no_connection()
    gateway.terminate()
    gateway.wait_exit()
    assert database.usage() == []


@pytest.mark.parametrize("headers", [
    lambda k: [("X-API-Key", k["all"])],
    lambda k: [("x-api-key", k["all"])],
    lambda k: [("Authorization", f"Bearer {k['all']}")],
    lambda k: [("authorization", f"bearer {k['all']}")],
    lambda k: [("X-API-Key", k["all"]), ("Authorization", "Bearer sk-dummy")],
    lambda k: [("X-API-Key", k["all"]), ("Authorization", "Basic dXNlcjpwYXNz")],
    lambda k: [("X-API-Key", k["all"]), ("Authorization", f"Bearer {k['all']}")],
], ids=["x-api-key", "lower-case", "bearer", "bearer-lower-case", "dummy-bearer",
        "basic-beside", "same-key-twice"])
def test_keys_that_count_and_never_pass_on(gateway, upstream, keys, database, headers):
    client = gateway.connect(key="")
    client.send_request("GET", "/api/test/x", headers(keys))
    conn = upstream.accept()
    request = conn.read_request()
    assert not {"x-api-key", "authorization"} & set(request.names())
    conn.respond(body=b"hello")
    assert client.read_response().body == b"hello"
    row, = database.wait_usage(1)
    assert row["response_status"] == 200


@pytest.mark.parametrize("where", ["?api_key={}", "?a=1&key={}&b=2", "/{}/x", "?k=%6E%74k_{0}"])
def test_key_in_the_url_is_refused_and_not_logged(gateway, upstream, keys, where):
    key = keys["all"]
    if "{0}" in where:
        key = key[4:]
    answer = gateway.call("GET", "/api/test" + where.format(key))
    assert_problem(answer, 400, "key_in_url")
    assert key not in answer.body.decode() + str(answer.fields)
    upstream.expect_no_connection()
    assert key not in gateway.log()


def test_wrong_scope(gateways, upstream, keys, database):
    gateway = gateways(routes=[
        {"name": "other", "path": "/api/other", "upstream": upstream.url, "scope": "other"},
        {"name": "test", "path": "/api/test", "upstream": upstream.url, "scope": "test"}])
    answer = gateway.call("GET", "/api/other/x", key=keys["test"],
                          headers={"User-Agent": "agent/1"})
    body = assert_problem(answer, 403, "scope_missing")
    assert "other" in body["detail"]
    upstream.expect_no_connection()
    row, = database.wait_usage(1)
    assert row["response_status"] == 403
    assert row["route_path"] == "/api/other"
    assert row["error_message"]
    assert row["user_agent"] == "agent/1"
    assert row["upstream_status"] is None and row["response_time_ms"] is None


def test_no_route(gateway, upstream):
    for path in ("/", "/api", "/api/testing", "/api/tes", "/API/test/x"):
        assert_problem(gateway.call("GET", path), 404, "no_route")
    upstream.expect_no_connection()


@pytest.mark.parametrize("path", [
    "/api/test/../other", "/api/test/%2e%2e/x", "/api/test/.%2E/x", "/api/test/./x",
    "/api/test/..", "/api%2ftest/x", "/api/test/a\\b", "/api/test/%00"])
def test_paths_that_could_mean_two_things(gateway, upstream, path):
    assert_problem(gateway.call("GET", path), 400, "bad_path")
    upstream.expect_no_connection()


def test_expired_and_revoked(gateways, upstream, database):
    gateway = gateways(upstream, start=False)
    expired = gateway.create_token("old", ["test"], "--expires", "30d")
    revoked = gateway.create_token("gone", ["test"])
    database.query("UPDATE tokens SET expires_at = now() - interval '1 hour' WHERE name = 'old'")
    database.query("UPDATE tokens SET revoked_at = now() WHERE name = 'gone'")
    gateway.start()
    assert_problem(gateway.call("GET", "/api/test/x", key=expired["key"]), 401, "expired_key")
    assert_problem(gateway.call("GET", "/api/test/x", key=revoked["key"]), 401, "revoked_key")
    upstream.expect_no_connection()


def test_imported_key_of_another_shape(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    from tg.gateway import run_cli
    run_cli("token", "import", "--config", gateway.config_file, "--name", "legacy",
            "--scope", "test", stdin="old-style-key-of-1999\n")
    from tg.wait import eventually
    eventually(lambda: gateway.call("GET", "/api/test/x", key="old-style-key-of-1999")
               .status == 200, "the imported key works")
    assert "old-style-key-of-1999" not in str(database.query("SELECT * FROM tokens"))


def test_problem_json_where_asked_for(gateway):
    answer = gateway.call("GET", "/api/test/x", key="",
                          headers={"Accept": "application/problem+json"})
    assert answer.get("content-type") == "application/problem+json"
    assert answer.json()["code"] == "missing_key"


def test_head_gets_the_refusal_without_body(gateway):
    client = gateway.connect(key="")
    answer = client.call("HEAD", "/api/test/x")
    assert answer.status == 401 and int(answer.get("content-length")) > 0
    assert client.call("GET", "/api/test/x").status == 401
