"""A caller's key goes nowhere: not upstream in any field, not into a row, not into a log."""
import base64
import hashlib
import json
import os
import time
from urllib.parse import quote, unquote

import pytest

from tg.api import make_key
from tg.gateway import ROOT, run_cli
from tg.problems import assert_problem
from tg.upstream import requests_of
from tg.wait import eventually

pytestmark = pytest.mark.standing

ADOPTED = "Old/Style+key=of;1999,two"
EVERYTHING = {"forward_credentials": True, "forward_client_info": True}
REALTIME = "realtime, openai-insecure-api-key.{}, openai-beta.realtime-v1"


def encoded(key):
    """Each character percent-encoded, in alternating case."""
    return "".join(f"%{ord(c):02{'xX'[i % 2]}}" for i, c in enumerate(key))


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


# Fields, as (name, value), that hold the key k somehow.
LEAKS = {
    "api-key": lambda k: ("Api-Key", k),
    "any-name": lambda k: ("X-Auth-Token", k),
    "inside": lambda k: ("X-Debug", f"a={k};b"),
    "upper": lambda k: ("X-Debug", k.upper()),
    "referer": lambda k: ("Referer", f"https://app.example/x?k={quote(k, '')}&y"),
    "encoded": lambda k: ("Referer", f"https://app.example/x?k={encoded(k)}"),
    "encoded-prefix": lambda k: ("X-Debug", encoded(k[:4]) + k[4:]),
    "encoded-twice": lambda k: ("X-Debug", quote(encoded(k), "")),
    "encoded-inside": lambda k: ("X-Debug", k[:6] + encoded(k[6:9]) + k[9:]),
    "user-agent": lambda k: ("User-Agent", f"curl/8 {k}"),
    "cookie": lambda k: ("Cookie", f"session={quote(k, '')}"),
    "basic": lambda k: ("Authorization", basic(f"user:{k}")),
    "basic-user": lambda k: ("Authorization", basic(f"{k}:").rstrip("=")),
    "proxy-authorization": lambda k: ("Proxy-Authorization", basic(f"{k}:")),
    "goog": lambda k: ("X-Goog-Api-Key", k),
    "forwarded": lambda k: ("Forwarded", f"for=1.1.1.1;by={k}"),
    "forwarded-host": lambda k: ("X-Forwarded-Host", quote(k, "")),
    "forwarded-for": lambda k: ("X-Forwarded-For", quote(k, "")),
    "real-ip": lambda k: ("X-Real-IP", k),
    "via": lambda k: ("Via", f"1.1 {quote(k, '')}"),
    "tracestate": lambda k: ("tracestate", f"a={quote(k, '')}"),
    "baggage": lambda k: ("baggage", f"key={quote(k, '')}"),
    "subprotocol": lambda k: ("Sec-WebSocket-Protocol", REALTIME.format(quote(k, ""))),
    "request-id": lambda k: ("X-Request-Id", quote(k, "").replace("%", "")),
    "twice": lambda k: ("X-Api-Key2", f"{k} {k}"),
}
LIST = ["cookie", "forwarded-for", "via", "tracestate", "baggage", "subprotocol"]


def assert_no_key(text, *keys):
    for _ in range(3):
        for key in keys:
            assert key.lower() not in text.lower()
        text = unquote(text)


def adopt(gateway, key):
    run_cli("token", "import", "--config", gateway.config_file, "--name", "legacy",
            "--scope", "test", stdin=key + "\n")
    eventually(lambda: gateway.call("GET", "/api/test/x", key=key).status == 200,
               "the imported key works")


def sent_on(gateway, fields, key):
    """The fields of a good call, as the upstream got them."""
    fields = [("X-API-Key", key), *fields, ("X-Last", "1")]
    answer = gateway.call("GET", "/api/test/x", fields)
    assert answer.status == 200, answer.body
    headers = answer.json()["headers"]
    assert ["X-Last", "1"] in headers
    return headers


@pytest.mark.sanitizer
def test_no_field_brings_it_upstream(gateways, echo_upstream, keys):
    """Also another one's, and one that nobody has."""
    gateway = gateways(echo_upstream, EVERYTHING)
    for name, leak in LEAKS.items():
        for key in (keys["all"], keys["test"], "ntk_" + "0" * 38, "ntk_abcdefgh"):
            field = leak(key)
            if key != keys["all"] and name in ("goog", "subprotocol", "api-key"):
                continue  # that is a second key
            headers = sent_on(gateway, [field], keys["all"])
            assert_no_key(str(headers), key)
            assert not any("authorization" in n.lower() for n, _ in headers), name
    name = keys["all"]
    assert_no_key(str(sent_on(gateway, [(name, "x"), (name.title(), "x")], keys["all"])), name)


def test_no_field_brings_an_adopted_one_upstream(gateways, echo_upstream, keys):
    gateway = gateways(echo_upstream, EVERYTHING)
    adopt(gateway, ADOPTED)
    for leak in LEAKS.values():
        headers = sent_on(gateway, [leak(ADOPTED)], ADOPTED)
        assert_no_key(str(headers), ADOPTED, quote(ADOPTED, ""))


@pytest.mark.parametrize("prefix", ["tgu_", "tgs_"])
def test_what_signs_in_to_the_manager_goes_nowhere(gateways, echo_upstream, keys, prefix):
    """Personal keys and sessions' cookies, which browsers send to every port of a host."""
    other = make_key(prefix)
    gateway = gateways(echo_upstream, EVERYTHING)
    fields = [("Authorization", f"Bearer {other}"), ("Cookie", f"a=1; tollgate_session={other}; b=2"),
              ("X-Debug", other.upper()), ("Referer", f"http://h/?k={encoded(other)}")]
    headers = dict(sent_on(gateway, fields, keys["all"]))
    assert headers["Cookie"] == "a=1; b=2"
    assert other[4:].lower() not in json.dumps(headers).lower()
    answer = gateway.call("GET", f"/api/test?k={other}", key=keys["all"])
    assert answer.status == 400
    assert other not in gateway.log()
    answer = gateway.call("GET", "/api/test", key=other)
    assert_problem(answer, 401, "unknown_key")


def test_of_lists_only_the_item_goes(gateways, echo_upstream, keys):
    gateway = gateways(echo_upstream, EVERYTHING, trusted_proxies=["127.0.0.1"])
    key = keys["all"]
    fields = [("X-Forwarded-For", f"192.0.2.1, {key}, 192.0.2.2"), ("Via", f"1.1 a, 1.1 {key}"),
              ("traceparent", f"00-{'ab' * 16}-{'cd' * 8}-01"), ("tracestate", f"a=1,b={key}"),
              ("baggage", f"k={key},u=2"), ("Cookie", f"a=1; k={key}; b=2"),
              ("Sec-WebSocket-Protocol", REALTIME.format(key))]
    headers = {n.lower(): v for n, v in sent_on(gateway, fields, key)}
    assert headers["x-forwarded-for"].startswith("192.0.2.1, 192.0.2.2, 127.")
    assert (headers["tracestate"], headers["baggage"]) == ("a=1", "u=2")
    assert headers["cookie"] == "a=1; b=2"
    assert headers["sec-websocket-protocol"] == "realtime, openai-beta.realtime-v1"
    assert ["Via", "1.1 a"] in sent_on(gateway, fields, key)


def test_what_is_no_key_passes_as_it_is(gateways, echo_upstream, keys):
    gateway = gateways(echo_upstream, EVERYTHING)
    fields = [("api-key", "azure-of-the-caller"), ("X-Table", "ntk_users"), ("X-Percent", "100%25"),
              ("Cookie", "a=1;b=2"), ("Authorization", basic("user:password")),
              ("Sec-WebSocket-Protocol", "realtime,openai-insecure-api-key.sk-own"),
              ("x-goog-api-key", "google-of-the-caller")]
    headers = sent_on(gateway, fields, keys["all"])
    for field in fields:
        assert list(field) in headers


@pytest.mark.parametrize("fields", [
    lambda k: [("api-key", k)],
    lambda k: [("Api-Key", k)],
    lambda k: [("x-goog-api-key", k)],
    lambda k: [("Sec-WebSocket-Protocol", REALTIME.format(k))],
    lambda k: [("Sec-WebSocket-Protocol", "realtime"),
               ("Sec-WebSocket-Protocol", "openai-insecure-api-key." + k)],
    lambda k: [("api-key", "foreign"), ("x-goog-api-key", k)],
    lambda k: [("Authorization", "Bearer sk-foreign"), ("api-key", k)],
    lambda k: [("X-API-Key", ""), ("Authorization", f"Bearer {k}")],
    lambda k: [("X-API-Key", k), ("api-key", k), ("x-goog-api-key", k),
               ("Authorization", f"Bearer {k}")],
], ids=["api-key", "case", "goog", "subprotocol", "two-lines", "behind-foreign", "behind-bearer",
        "behind-empty", "everywhere"])
def test_places_of_a_key(gateways, upstreams, database, keys, fields):
    upstream = upstreams()
    gateway = gateways(upstream)
    client = gateway.connect(key="")
    client.send_request("GET", "/api/test/x", fields(keys["all"]))
    conn = upstream.accept()
    request = conn.read_request()
    assert_no_key(request.head.raw.decode(), keys["all"])
    conn.respond()
    assert client.read_response().status == 200
    row, = database.wait_usage(1)
    assert row["response_status"] == 200


def test_two_different_keys_are_refused(gateways, echo_upstream, keys):
    gateway = gateways(echo_upstream)
    adopt(gateway, "old-style-key-of-1999")
    good, others = keys["all"], (keys["test"], "old-style-key-of-1999", "ntk_nobodys0")
    for other in others:
        for fields in ([("X-API-Key", good), ("api-key", other)],
                       [("X-API-Key", good), ("Authorization", f"Bearer {other}")],
                       [("X-API-Key", good), ("Authorization", f"Token {other}")],
                       [("api-key", good), ("x-goog-api-key", other)],
                       [("api-key", other), ("x-goog-api-key", good)],
                       [("api-key", other), ("api-key", good)],
                       [("Authorization", f"Bearer {good}"),
                        ("Sec-WebSocket-Protocol", REALTIME.format(other))]):
            answer = gateway.call("GET", "/api/test/x", fields, key="")
            body = assert_problem(answer, 401, "ambiguous_key")
            assert_no_key(str(body), good, other)


def test_keys_that_are_none(gateway, upstream):
    for fields, code in (([("api-key", "azure")], "missing_key"),
                         ([("api-key", "ntk_" + "0" * 38)], "malformed_key"),
                         ([("x-goog-api-key", "ntk_nobodys0")], "unknown_key"),
                         ([("Sec-WebSocket-Protocol", REALTIME.format("sk-1"))], "missing_key")):
        assert_problem(gateway.call("GET", "/api/test/x", fields, key=""), 401, code)
    upstream.expect_no_connection()


def test_an_adopted_key_in_the_url(gateways, upstreams):
    upstream = upstreams(lambda conn: conn.read_request() and conn.respond())
    gateway = gateways(upstream)
    adopt(gateway, "old-style-key-of-1999")
    for target in ("/api/test/x?k=old-style-key-of-1999", "/api/test/old%2Dstyle-key-of-1999/x"):
        answer = gateway.call("GET", target, key="old-style-key-of-1999")
        assert_problem(answer, 400, "key_in_url")
    assert_no_key(gateway.log(), "old-style-key-of-1999")


@pytest.mark.sanitizer
def test_never_stored_or_logged(gateways, echo_upstream, database, keys):
    gateway = gateways(echo_upstream)
    adopt(gateway, "old-style-key-of-1999")
    seen = len(database.wait_usage(1))
    for key in (keys["all"], "old-style-key-of-1999"):
        for leak in (key, encoded(key), key[:5] + encoded(key[5:7]) + key[7:], key.upper()):
            fields = [("User-Agent", f"agent/1 ({leak}) x"), ("X-Request-Id", f"id-{leak}"[:128])]
            assert gateway.call("GET", "/api/test/x", fields, key=key).status == 200
            seen += 1
    assert gateway.call(keys["all"], "/api/test/x").status == 501
    rows = database.wait_usage(seen)
    assert [r["user_agent"] for r in rows[1:]] == ["agent/1 (***) x"] * (seen - 1)
    gateway.terminate()
    gateway.wait_exit()
    for key in (keys["all"], "old-style-key-of-1999"):
        assert_no_key(str(rows) + gateway.log(), key)


@pytest.mark.parametrize("adopted", [False, True])
def test_never_stored_by_ingest(gateway, database, keys, adopted):
    key = keys["all"]
    if adopted:
        key = "old-style-key-of-1999"
        run_cli("token", "import", "--config", gateway.config_file, "--name", "legacy",
                "--scope", "other", stdin=key + "\n")
        eventually(lambda: gateway.call("GET", "/api/none", key=key).status == 404,
                   "the imported key is known")
    seen = len(database.wait_usage(int(adopted)))
    texts = {"route": f"/api/x?k={key}", "user_agent": f"agent {encoded(key)}",
             "error_message": f"401: no {key}, nor {keys['test']}", "request_method": key,
             "ip_address": key}
    body = json.dumps({"token_hash": hashlib.sha256(key.encode()).hexdigest(),
                       "timestamp": int(time.time() * 1000), **texts}).encode()
    client = gateway.manager()
    answer = client.call("POST", "/api/usage-log", {"Content-Type": "application/json"}, body,
                         host="127.0.0.1")
    assert answer.json() == {"status": "logged"}
    row = database.wait_usage(seen + 1)[-1]
    assert (row["route_path"], row["user_agent"]) == ("/api/x?k=***", "agent ***")
    assert row["error_message"] == "401: no ***, nor ***"
    assert_no_key(str(row), key, keys["test"])


# --- a caller's other credentials ---

OWN = [("Authorization", "Bearer own"), ("Cookie", "sid=1"), ("X-Goog-Api-Key", "own"),
       ("Proxy-Authorization", "Basic b3duOm93bg==")]


@pytest.mark.parametrize("setting, passed", [
    (False, set()), (["cookie"], {"cookie"}),
    (["Cookie", "authorization"], {"cookie", "authorization"}),
    (["x-goog-api-key", "proxy-authorization"], {"x-goog-api-key", "proxy-authorization"}),
    (True, {"cookie", "authorization", "x-goog-api-key", "proxy-authorization"})])
def test_forward_credentials(gateways, echo_upstream, keys, setting, passed):
    gateway = gateways(echo_upstream, {"forward_credentials": setting})
    names = {n.lower() for n, _ in sent_on(gateway, OWN, keys["all"])}
    assert names & {n.lower() for n, _ in OWN} == passed


@pytest.mark.parametrize("route, told", [
    ({}, 1), ({"forward_credentials": ["authorization"]}, 1), ({"forward_credentials": True}, 0),
    ({"forward_credentials": ["cookie"]}, 0), ({"remove_headers": ["Cookie"]}, 0),
    ({"set_headers": {"Cookie": "a=b"}}, 0), ({"response_headers": {"remove": ["Set-Cookie"]}}, 0)])
def test_cookies_that_come_to_nothing_are_told_once(gateways, upstreams, route, told):
    def serve(conn):
        for _ in requests_of(conn):
            conn.respond(headers=[("Set-Cookie", "sid=1"), ("Set-Cookie", "b=2")])

    gateway = gateways(upstreams(serve), route, workers=2)
    for _ in range(6):
        assert gateway.call("GET", "/api/test/x").status == 200
    gateway.terminate()
    gateway.wait_exit()
    lines = [line for line in gateway.log().splitlines() if "sets cookies" in line]
    assert len(lines) == told
    assert all("route test:" in line and '["cookie"]' in line for line in lines)


def test_the_shipped_example_keeps_to_the_teams_account(gateways, echo_upstream, keys):
    """OpenAI's organization and project are not the caller's choice, in no place for them."""
    shipped = os.path.join(ROOT, "config", "tollgate.json")
    dump = run_cli("check", "--dump", "--config", shipped, check=False, env={
        "OPENAI_API_KEY": "sk-team", "PERPLEXITY_API_KEY": "a", "CLOUDCONVERT_API_KEY": "b",
        "DATABASE_URL": "dbname=x"}).stdout
    removed = json.loads(dump[dump.index("{"):dump.rindex("}") + 1])["routes"][0]["remove_headers"]
    gateway = gateways(echo_upstream, {"remove_headers": removed})
    items = "realtime, openai-organization.org-1, openai-project.proj_1, openai-beta.realtime-v1"
    headers = sent_on(gateway, [("OpenAI-Organization", "org-1"), ("openai-project", "proj_1"),
                                ("OpenAI_Project", "proj_1"), ("OpenAI-Beta", "realtime=v1"),
                                ("Sec-WebSocket-Protocol", items)], keys["all"])
    assert "org-1" not in str(headers) and "proj_1" not in str(headers)
    assert ["OpenAI-Beta", "realtime=v1"] in headers
    assert ["Sec-WebSocket-Protocol", "realtime, openai-beta.realtime-v1"] in headers
