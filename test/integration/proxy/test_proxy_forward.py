"""What goes upstream and what comes back: methods, bytes of path and query, header rules."""
import datetime
import hashlib
import re

import pytest

from tg.problems import assert_problem
from tg.wait import eventually

pytestmark = pytest.mark.standing

UTC_NOW = "SELECT clock_timestamp() AT TIME ZONE 'UTC'"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]\Z")


def exchange(gateway, upstream, method="GET", target="/api/test/x", headers=(), body=None,
             answer=(), answer_body=b"ok", status="200 OK"):
    """One request through the gateway: (what the upstream saw, what the caller got)."""
    with gateway.connect() as client:
        client.send_request(method, target, headers, body)
        conn, request = upstream.next_request()
        if method == "HEAD":
            conn.send_head(status, list(answer) + [("Content-Length", "2")])
        else:
            conn.respond(status, answer, answer_body)
        return request, client.read_response(method)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods(gateway, upstream, database, method):
    body = b"some body" if method in ("POST", "PUT", "PATCH", "DELETE") else None
    request, answer = exchange(gateway, upstream, method, body=body)
    assert (request.method, request.target, request.version) == (method, "/x", "HTTP/1.1")
    assert request.body == (body or b"")
    assert answer.status == 200
    assert answer.body == (b"" if method == "HEAD" else b"ok")
    row, = database.wait_usage(1)
    assert row["request_method"] == method
    assert row["bytes_in"] == len(body or b"")
    assert row["bytes_out"] == len(answer.body)


def test_methods_of_a_route(gateways, upstream):
    gateway = gateways(upstream, route={"methods": ["GET", "POST"]})
    answer = gateway.call("DELETE", "/api/test/x")
    assert answer.status == 405
    assert {m.strip() for m in answer.get("allow").split(",")} >= {"GET", "POST"}
    upstream.expect_no_connection()


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "BREW", "get"])
def test_methods_that_are_none(gateway, upstream, method):
    assert gateway.call(method, "/api/test/x").status in (405, 501)
    upstream.expect_no_connection()


@pytest.mark.parametrize("rest", [
    "", "/", "/a", "//a//b/", "/%7Ea/b;c=d/x%2Fy", "/%E4%BD%A0/~!$&'()*+,;=:@", "/a%20b?", "?",
    "?q=%20+&&=;?/", "/x?a=b?c#".rstrip("#"), "/x?redirect=http://h/../y", "?%FF%00"])
def test_path_and_query_bytes_are_untouched(gateway, upstream, rest):
    request, answer = exchange(gateway, upstream, target="/api/test" + rest)
    assert request.target == (rest if rest.startswith("/") else "/" + rest)
    assert answer.status == 200


@pytest.mark.parametrize("raw, sent", [
    ("/get?city=München", "/get?city=M%C3%BCnchen"), ("/München/€😀", "/M%C3%BCnchen/%E2%82%AC%F0%9F%98%80"),
    ("/%c3%bc/ü%", "/%c3%bc/%C3%BC%"), ("?\u0080\u2028\ufeff\U0010ffff", "/?%C2%80%E2%80%A8%EF%BB%BF%F4%8F%BF%BF")])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_utf8_in_the_target_is_percent_encoded(gateway, upstream, raw, sent, version):
    with gateway.connect() as client:
        client.send(f"GET /api/test{raw} HTTP/{version}\r\nHost: h\r\nX-API-Key: {gateway.key}\r\n\r\n".encode())
        conn, request = upstream.next_request()
        conn.respond()
        assert (request.target, client.read_response().status) == (sent, 200)
    eventually(lambda: f" /api/test{sent.split('?')[0].rstrip('/')}" in gateway.log(), "the access log has it")


@pytest.mark.parametrize("raw", [b"\xe9", b"\xc0\xaf", b"a?b=\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"?\xff",
                                 b"\xc3\xbc\x7f", b"\xc3\xbc#x"])
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_other_bytes_in_the_target_are_refused(gateway, upstream, raw, version):
    with gateway.connect() as client:
        client.send(b"GET /api/test/" + raw + b" HTTP/" + version + b"\r\nHost: h\r\nX-API-Key: " +
                    gateway.key.encode() + b"\r\n\r\n")
        answer = client.read_response()
    assert (answer.status, answer.json()["code"]) == (400, "bad_request")
    assert "percent-encode" in answer.json()["detail"]
    upstream.expect_no_connection()


def test_utf8_in_a_prefix_matches_no_route(gateway, upstream):
    for path in ("/api/tést/x", "/ápi/test/x", "/api/testé", "/api/test\u2215x", "/api\uff0ftest/x"):
        with gateway.connect() as client:
            client.send(f"GET {path} HTTP/1.1\r\nHost: h\r\nX-API-Key: {gateway.key}\r\n\r\n".encode())
            assert_problem(client.read_response(), 404, "no_route")
    upstream.expect_no_connection()


def test_prefix_stays_where_the_route_says_so(gateways, upstream):
    gateway = gateways(upstream, route={"strip_prefix": False})
    request, _ = exchange(gateway, upstream, target="/api/test/x?y")
    assert request.target == "/api/test/x?y"


def test_base_path_of_the_upstream(gateways, upstream):
    gateway = gateways(upstream, route={"upstream": upstream.url + "/v1"})
    request, _ = exchange(gateway, upstream, target="/api/test/chat/completions")
    assert request.target == "/v1/chat/completions"
    assert request.get("host") == upstream.authority


def test_longest_prefix_wins(gateways, upstream):
    gateway = gateways(routes=[
        {"name": "a", "path": "/api", "upstream": upstream.url + "/a"},
        {"name": "b", "path": "/api/test", "upstream": upstream.url + "/b"}])
    request, _ = exchange(gateway, upstream, target="/api/test/x")
    assert request.target == "/b/x"
    request, _ = exchange(gateway, upstream, target="/api/testing")
    assert request.target == "/a/testing"


def test_hop_by_hop_fields_end_here(gateway, upstream):
    request, answer = exchange(
        gateway, upstream,
        headers=[("Connection", "keep-alive, X-Drop"), ("X-Drop", "1"), ("Keep-Alive", "9"),
                 ("Proxy-Connection", "keep-alive"), ("TE", "trailers"), ("X-Keep", "2"),
                 ("Upgrade", "h2c"), ("Accept", "*/*")],
        answer=[("Connection", "X-Gone"), ("X-Gone", "1"), ("Keep-Alive", "timeout=9"),
                ("Proxy-Authenticate", "Basic"), ("X-Stay", "2"), ("Content-Type", "a/b")])
    assert not {"x-drop", "keep-alive", "proxy-connection", "te", "upgrade"} & set(request.names())
    assert request.get("x-keep") == "2" and request.get("accept") == "*/*"
    assert not {"x-gone", "keep-alive", "proxy-authenticate"} & set(answer.names())
    assert answer.get("x-stay") == "2" and answer.get("content-type") == "a/b"


def test_a_connection_list_cannot_strip_what_the_gateway_adds(gateways, upstream):
    gateway = gateways(upstream, route={"set_headers": {"Authorization": "Bearer backend"}})
    request, _ = exchange(gateway, upstream,
                          headers=[("Connection", "Authorization, X-Request-Id, Host"),
                                   ("X-API-Key", gateway.key)])
    assert request.get("authorization") == "Bearer backend"
    assert request.get("x-request-id") and request.get("host") == upstream.authority


def test_credentials_of_the_caller_stay_here(gateway, upstream):
    request, _ = exchange(gateway, upstream, headers=[
        ("X-API-Key", gateway.key), ("Authorization", "Bearer dummy"), ("Cookie", "a=b"),
        ("Proxy-Authorization", "Basic eA=="), ("x-goog-api-key", "g")])
    assert not {"x-api-key", "authorization", "cookie", "proxy-authorization",
                "x-goog-api-key"} & set(request.names())


def test_credentials_pass_where_the_route_forwards_them(gateways, upstream):
    gateway = gateways(upstream, route={"forward_credentials": True})
    request, _ = exchange(gateway, upstream, headers=[
        ("X-API-Key", gateway.key), ("Authorization", "Bearer theirs"), ("Cookie", "a=b")])
    assert request.get("authorization") == "Bearer theirs" and request.get("cookie") == "a=b"
    assert request.get("x-api-key") is None


def test_headers_of_the_route(gateways, upstream):
    gateway = gateways(
        upstream, env={"BACKEND_KEY": "s3cret"},
        route={"set_headers": {"Authorization": "Bearer ${BACKEND_KEY}", "X-New": "n"},
               "remove_headers": ["X-Unwanted"],
               "response_headers": {"set": {"X-Shown": "yes"}, "remove": ["X-Hidden"]}})
    request, answer = exchange(
        gateway, upstream,
        headers=[("X-API-Key", gateway.key), ("authorization", "Bearer mine"),
                 ("X-new", "old"), ("x-unwanted", "1")],
        answer=[("X-Hidden", "1"), ("x-shown", "no")])
    assert request.get("authorization") == "Bearer s3cret"
    assert request.get("x-new") == "n" and request.get("x-unwanted") is None
    assert answer.get("x-hidden") is None and answer.get("x-shown") == "yes"
    assert "s3cret" not in gateway.log()


def test_repeated_fields_and_odd_bytes_pass(gateway, upstream):
    request, answer = exchange(
        gateway, upstream, headers=[("X-A", "1"), ("X-A", "2"), ("X-Empty", ""), ("X-B", "\xe4\t;")],
        answer=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-L", "\xff")])
    assert request.all("x-a") == ["1", "2"] and request.get("x-b") == "\xe4\t;"
    assert request.get("x-empty") == ""
    assert answer.all("set-cookie") == ["a=1", "b=2"] and answer.get("x-l") == "\xff"


def test_request_id_is_made_or_kept(gateway, upstream, database):
    made, answer = exchange(gateway, upstream)
    assert UUID.match(made.get("x-request-id"))
    assert answer.get("x-request-id") == answer.get("tollgate-request-id") == \
        made.get("x-request-id")
    kept, _ = exchange(gateway, upstream, headers={"X-Request-Id": "job-7/retry:2"})
    assert kept.get("x-request-id") == "job-7/retry:2"
    for insane in ("a b", "x" * 129, '"quoted"', ""):
        request, _ = exchange(gateway, upstream, headers={"X-Request-Id": insane})
        assert UUID.match(request.get("x-request-id"))
    own, answer = exchange(gateway, upstream, answer={("X-Request-Id", "theirs")})
    assert answer.get("x-request-id") == "theirs"
    assert answer.get("tollgate-request-id") == own.get("x-request-id")
    rows = database.wait_usage(7)
    assert rows[0]["request_id"] == made.get("x-request-id")
    assert rows[1]["request_id"] == "job-7/retry:2"


def test_traceparent_is_kept_or_started(gateway, upstream, database):
    valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    request, _ = exchange(gateway, upstream, headers={"traceparent": valid, "tracestate": "a=b"})
    assert TRACEPARENT.match(request.get("traceparent")).group(1) == valid[3:35]
    assert request.get("tracestate") == "a=b"
    for bad in ("00-" + "0" * 32 + "-b7ad6b7169203331-01", "ff" + valid[2:], "nonsense"):
        request, _ = exchange(gateway, upstream,
                              headers={"traceparent": bad, "tracestate": "a=b"})
        assert TRACEPARENT.match(request.get("traceparent")).group(1) != "0" * 32
        assert request.get("tracestate") is None
    assert database.wait_usage(4)[0]["trace_id"] == valid[3:35]


FORGED = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"),
          ("X-Forwarded-Host", "forged.example"), ("X-Forwarded-Port", "1"),
          ("Forwarded", "for=203.0.113.9"), ("X-Real-IP", "203.0.113.9"),
          ("CF-Connecting-IP", "203.0.113.9")]


def test_forwarding_headers_of_strangers_are_dropped(gateways, upstream, database):
    gateway = gateways(upstream, trusted_proxies=[])
    request, _ = exchange(gateway, upstream, headers=FORGED)
    assert request.get("x-forwarded-for") == "127.0.0.1"
    assert request.get("x-forwarded-proto") == "http"
    assert request.get("x-forwarded-host") == "gateway.test"
    assert "1.1 tollgate" in request.get("via")
    for name in ("x-forwarded-port", "forwarded", "x-real-ip", "cf-connecting-ip"):
        assert request.get(name) is None
    assert database.wait_usage(1)[0]["ip_address"] == "127.0.0.1"


def test_forwarding_headers_of_a_trusted_proxy(gateways, upstream, database):
    gateway = gateways(upstream, trusted_proxies=["127.0.0.1/32", "10.0.0.0/8"])
    request, _ = exchange(gateway, upstream, headers={
        "X-Forwarded-For": "198.51.100.1, 203.0.113.9, 10.1.2.3", "X-Forwarded-Proto": "https"})
    assert "203.0.113.9" in request.get("x-forwarded-for")
    assert request.get("x-forwarded-proto") == "https"
    assert database.wait_usage(1)[0]["ip_address"] == "203.0.113.9"


def test_client_info_is_kept_from_an_upstream(gateways, upstream):
    gateway = gateways(upstream, route={"forward_client_info": False})
    request, _ = exchange(gateway, upstream, headers=FORGED)
    assert not {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via",
                "forwarded", "x-real-ip", "cf-connecting-ip"} & set(request.names())


def test_server_timing_comes_back(gateway, upstream):
    _, answer = exchange(gateway, upstream, answer={("Server-Timing", "db;dur=5")})
    timing = ", ".join(answer.all("server-timing"))
    assert timing.startswith("db;dur=5")
    assert re.search(r"upstream;dur=\d", timing) and re.search(r"tollgate;dur=\d", timing)


@pytest.mark.parametrize("status", ["201 Created", "299 Odd", "307 Temporary Redirect",
                                    "404 Not Found", "418 I'm a teapot", "429 Too Many Requests",
                                    "500 Internal Server Error", "599 Odd"])
def test_status_passes(gateway, upstream, database, status):
    _, answer = exchange(gateway, upstream, status=status, answer={("Location", "/y")})
    code = int(status[:3])
    assert answer.status == code
    assert answer.get("location") == "/api/test/y"
    row, = database.wait_usage(1)
    assert (row["response_status"], row["upstream_status"]) == (code, code)
    assert row["outcome"] == "complete"
    if code < 400:
        assert row["error_message"] is None
    else:  # the phrase is the registered one, not what the upstream made up
        assert row["error_message"].startswith(f"upstream: {code} ")


def test_content_type_is_never_invented(gateway, upstream):
    _, answer = exchange(gateway, upstream)
    assert answer.get("content-type") is None


def test_row_of_an_ordinary_call(gateway, upstream, database):
    before = database.value(UTC_NOW)
    _, answer = exchange(gateway, upstream, "POST", "/api/test/chat?q=1", body=b"{}" * 10,
                         headers={"User-Agent": "n8n", "Content-Type": "application/json"},
                         answer_body=b"x" * 1000)
    row, = database.wait_usage(1)
    assert row["token_hash"] == hashlib.sha256(gateway.key.encode()).hexdigest()
    assert row["token_id"] == database.value("SELECT id FROM tokens WHERE name = 'all'")
    assert row["route_path"] == "/api/test"
    assert row["user_agent"] == "n8n"
    assert row["request_method"] == "POST"
    assert row["request_id"] == answer.get("tollgate-request-id")
    assert (row["bytes_in"], row["bytes_out"]) == (20, 1000)
    assert 0 <= row["response_time_ms"] <= row["total_ms"]
    assert row["outcome"] == "complete" and row["error_message"] is None
    slack = datetime.timedelta(seconds=1)
    assert before - slack <= row["used_at"] <= database.value(UTC_NOW) + slack
