"""The gateway's own answers: each has an id, and names what the caller got wrong."""
import re

import pytest

from tg.problems import assert_problem

pytestmark = pytest.mark.standing

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
PREFLIGHT = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}


def id_of(answer):
    assert UUID.match(answer.get("tollgate-request-id")), answer.head.raw
    return answer.get("tollgate-request-id")


@pytest.mark.sanitizer
def test_every_answer_has_an_id_of_its_own(gateways, upstream):
    gateway = gateways(upstream, {"cors": {"origins": ["https://app.example"]}})
    client = gateway.connect(key="")
    ids = [id_of(client.call(*call)) for call in (
        ("GET", "/health"), ("HEAD", "/health"), ("OPTIONS", "/health"), ("GET", "/ready"),
        ("OPTIONS", "*"), ("GET", "/api/test/x"), ("HEAD", "/api/test/x"), ("GET", "/nowhere"),
        ("OPTIONS", "/api/test/x", PREFLIGHT))]
    ids += [id_of(gateway.call(*call)) for call in (
        ("GET", "/nowhere"), ("BREW", "/api/test/x"),
        ("OPTIONS", "/api/test/x", {"Max-Forwards": "0"}))]
    ids += [id_of(gateway.manager().call(*call, host="127.0.0.1")) for call in (
        ("GET", "/health"), ("GET", "/ready"), ("GET", "/nowhere"), ("DELETE", "/health"),
        ("GET", "/api/usage/test-data"), ("POST", "/api/usage-log", {}, b"{}"),
        ("POST", "/api/usage-log", {"Content-Type": "application/json"}, b"{}"))]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("sent", [
    b"\x01\x02\x03\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 150 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", b"GET / HTTP/1.1\r\nHo"],
    ids=["binary", "version", "no-host", "long", "fields", "expect", "timeout"])
def test_refusals_before_parsing_have_one_too(gateways, upstream, sent):
    gateway = gateways(upstream, timeouts={"head_s": 0.5})
    for connect in (lambda: gateway.connect(key=""), gateway.manager):
        answer = connect().send(sent).read_response()
        assert answer.status >= 400
        assert id_of(answer) in answer.json()["instance"]
    first = gateway.connect(key="").send(sent).read_response()
    gateway.terminate()
    gateway.wait_exit()
    assert id_of(first) in gateway.log()


def test_keys_that_count_no_more_make_no_rows(gateways, upstream, database):
    """Their holders can call as often as strangers, and are counted as such."""
    gateway = gateways(upstream, start=False)
    keys = [gateway.create_token(name, ["test"])["key"] for name in ("old", "gone")]
    database.query("UPDATE tokens SET expires_at = now() - interval '1 hour' WHERE name = 'old'")
    database.query("UPDATE tokens SET revoked_at = now() WHERE name = 'gone'")
    gateway.start()
    for _ in range(3):
        assert_problem(gateway.call("GET", "/api/test/x", key=keys[0]), 401, "expired_key")
        assert_problem(gateway.call("GET", "/api/test/x", key=keys[1]), 401, "revoked_key")
    gateway.terminate()
    gateway.wait_exit()
    assert database.usage() == []
    counted = database.query("SELECT reason, sum(requests) AS calls FROM usage_strangers GROUP BY 1")
    assert {r["reason"]: int(r["calls"]) for r in counted} == {"expired_key": 3, "revoked_key": 3}


@pytest.mark.parametrize("field, word", [
    (lambda k: ("Authorization", "Bearer ={{ $json.key }}"), "expression"),
    (lambda k: ("Authorization", f"Bearer Bearer {k}"), "twice"),
    (lambda k: ("Authorization", f'Bearer "{k}"'), "quotes"),
    (lambda k: ("Authorization", f"Bearer '{k}'"), "quotes"),
    (lambda k: ("X-API-Key", f'"{k}"'), "quotes"),
    (lambda k: ("X-API-Key", "\xe2\x80\x8b" + k), "invisible"),
    (lambda k: ("Authorization", f"Bearer {k}\xe2\x80\x8b"), "invisible"),
    (lambda k: ("Authorization", k), "scheme"),
    (lambda k: ("X-API-Key", f"Bearer {k}"), "Bearer"),
    (lambda k: ("X-API-Key", ""), "empty"),
], ids=["expression", "twice", "quotes", "single", "quotes-2", "zero-width", "zero-width-2",
        "no-scheme", "bearer-2", "empty"])
def test_mistakes_are_named_and_keys_are_not(gateway, upstream, keys, field, word):
    name, value = field(keys["all"])
    client = gateway.connect(key="")
    client.send(f"GET /api/test/x HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\n\r\n".encode("latin-1"))
    answer = client.read_response()
    assert answer.status == 401
    assert word in answer.json()["detail"]
    assert keys["all"] not in answer.body.decode()
    upstream.expect_no_connection()


def test_a_preflight_to_a_route_without_cors(gateway):
    answer = gateway.call("OPTIONS", "/api/test/x", PREFLIGHT, key="")
    assert "CORS" in assert_problem(answer, 401, "missing_key")["detail"]
