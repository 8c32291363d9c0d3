"""Health checks: answered without a key, and without a trace."""
import pytest

from tg.wait import eventually

pytestmark = pytest.mark.standing

HAPROXY = b"OPTIONS / HTTP/1.0\r\n\r\n"


def ask(gateway, head):
    with gateway.connect() as client:
        client.send(head)
        return client.read_response(head.split(b" ")[0].decode())


def leaves_no_trace(gateway, database):
    """A stranger behind the checks is counted; whatever they left would be there by then."""
    assert gateway.call("GET", "/api/test/trace", key="").status == 401
    eventually(lambda: database.value("SELECT count(*) FROM usage_strangers") > 0, "the stranger is counted")
    assert database.value("SELECT coalesce(sum(requests), 0) FROM usage_strangers") == 1
    assert database.value("SELECT count(*) FROM token_usage_logs") == 0
    eventually(lambda: "/api/test/trace" in gateway.log(), "the access log has it")
    assert [line for line in gateway.log().splitlines() if "OPTIONS" in line or "/health" in line or "/ready" in line] == []
    assert gateway.log().count(" 200 ") == 0


@pytest.mark.alone
def test_checks_and_what_they_leave(gateway, upstream, database):
    rows = [(f"{method} {path} HTTP/{version}\r\n{host}\r\n".encode(), method)
            for method in ("GET", "HEAD", "OPTIONS") for path in ("/health", "/ready", "/health?x=1")
            for version, host in (("1.0", ""), ("1.1", "Host: h\r\n"), ("1.1", "Host: h\r\nX-API-Key: unknown\r\n"))]
    rows += [(HAPROXY, "OPTIONS"), (b"OPTIONS * HTTP/1.0\r\n\r\n", "OPTIONS"),
             (b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS"),
             (b"OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS"),
             (b"OPTIONS http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS"),
             (b"OPTIONS /?x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "OPTIONS")]
    for head, method in rows:
        answer = ask(gateway, head)
        assert answer.status == 200, head
        assert {"GET", "HEAD", "OPTIONS"} <= {m.strip() for m in answer.get("allow").split(",")}
        assert int(answer.get("content-length")) > 0 and (method == "HEAD") == (answer.body == b"")
    upstream.expect_no_connection()
    leaves_no_trace(gateway, database)


def test_many_on_one_connection(gateway):
    with gateway.connect(key="") as client:
        for _ in range(3):
            for method, path in (("OPTIONS", "*"), ("OPTIONS", "/"), ("HEAD", "/health"), ("OPTIONS", "/ready")):
                assert client.call(method, path).status == 200


@pytest.mark.parametrize("head", [b"POST /health", b"OPTIONS /x", b"OPTIONS /health/", b"GET /", b"DELETE /ready",
                                  b"OPTIONS /api/test/x"])
def test_others_need_a_key(gateway, head):
    assert ask(gateway, head + b" HTTP/1.1\r\nHost: h\r\n\r\n").status == 401


def test_a_route_at_the_root_has_its_own_options(gateways, upstream):
    gateway = gateways(upstream, route={"path": "/"})
    assert ask(gateway, HAPROXY).status == 401
    for head in (b"OPTIONS * HTTP/1.0\r\n\r\n", b"OPTIONS /health HTTP/1.0\r\n\r\n"):
        assert ask(gateway, head).status == 200
    with gateway.connect() as client:
        client.send_request("OPTIONS", "/")
        conn, request = upstream.next_request()
        conn.respond("204 No Content", body=b"")
        assert (request.method, request.target, client.read_response().status) == ("OPTIONS", "/", 204)


def test_the_managers_too(gateway):
    client = gateway.manager()
    for path in ("*", "/", "/health"):
        answer = client.call("OPTIONS", path)
        assert (answer.status, answer.json()) == (200, {"status": "ok"})
        assert "OPTIONS" in answer.get("allow")
    assert client.call("OPTIONS", "/api/usage-log").status == 405
