"""CORS per route: preflights without a key, and answers that pages may read."""
import pytest

from tg.upstream import echo

pytestmark = pytest.mark.standing

APP = "https://app.example"
OTHER = "https://other.example"
CORS = {"origins": [APP, "http://localhost:5173"], "expose_headers": ["X-Total", "Retry-After"]}


def preflight(gateway, origin=APP, path="/api/test/x", method="POST", **more):
    headers = [("Origin", origin), ("Access-Control-Request-Method", method), *more.items()]
    return gateway.call("OPTIONS", path, headers, key="")


def access_control(answer):
    """The fields that a browser looks at, without the common part of their names."""
    prefix = "access-control-"
    return {n.lower()[len(prefix):]: v for n, v in answer.fields if n.lower().startswith(prefix)}


@pytest.fixture
def browser_gateway(gateways, upstream):
    return gateways(upstream, route={"cors": CORS, "methods": ["GET", "POST", "DELETE"]})


@pytest.mark.sanitizer
def test_a_preflight_is_answered_without_a_key_or_an_upstream(browser_gateway, upstream, database):
    headers = {"Access-Control-Request-Headers": "x-api-key,content-type"}
    answer = preflight(browser_gateway, **headers)
    assert answer.status == 204
    assert access_control(answer) == {
        "allow-origin": APP, "allow-methods": "GET, POST, DELETE",
        "allow-headers": "x-api-key, content-type", "max-age": "600"}
    assert answer.get("vary") == "Origin"
    assert answer.get("content-length") is None and answer.get("content-type") is None
    assert answer.get("date")

    assert access_control(preflight(browser_gateway, OTHER, **headers)) == {}
    assert preflight(browser_gateway, OTHER).get("vary") == "Origin"
    upstream.expect_no_connection()
    browser_gateway.terminate()
    assert browser_gateway.wait_exit() == 0
    assert database.query("SELECT count(*) FROM token_usage_logs") == [{"count": 0}]
    assert " 204 OPTIONS " in browser_gateway.log()


def test_a_preflight_leaves_the_connection_open(browser_gateway, upstream):
    client = browser_gateway.connect("")
    fields = {"Origin": APP, "Access-Control-Request-Method": "GET"}
    for _ in range(3):
        assert client.call("OPTIONS", "/api/test/x", fields).status == 204
    client.send_request("GET", "/api/test/x", {"X-API-Key": browser_gateway.key})
    upstream.accept().respond()
    assert client.read_response().status == 200


def test_what_is_no_preflight_takes_a_key(browser_gateway, keys):
    for headers in ({"Origin": APP}, {"Access-Control-Request-Method": "GET"}, {}):
        answer = browser_gateway.call("OPTIONS", "/api/test/x", headers, key="")
        assert answer.status == 401, headers
    assert preflight(browser_gateway, path="/none").status == 401
    assert preflight(browser_gateway, path="/api/test/../x").status == 401
    # With a key it is a call like any other, and the route does not take OPTIONS.
    answer = browser_gateway.call("OPTIONS", "/api/test/x", {"Origin": APP})
    assert answer.status == 405
    assert access_control(answer)["allow-origin"] == APP


@pytest.mark.sanitizer
def test_an_answer_carries_the_routes_cors_not_the_upstreams(browser_gateway, upstream):
    def call(origin):
        client = browser_gateway.connect()
        client.send_request("GET", "/api/test/x", {"Origin": origin} if origin else {})
        conn = upstream.accept()
        assert conn.read_request().get("origin") == origin
        conn.respond(headers=[("Access-Control-Allow-Origin", "https://upstream.example"),
                              ("Access-Control-Allow-Credentials", "true"),
                              ("Access-Control-Expose-Headers", "X-Secret"),
                              ("Vary", "Accept-Encoding"), ("X-Total", "7"),
                              ("Connection", "close")])
        conn.close()
        return client.read_response()

    answer = call(APP)
    assert access_control(answer) == {"allow-origin": APP, "expose-headers": "X-Total, Retry-After"}
    assert answer.all("vary") == ["Accept-Encoding", "Origin"]
    assert answer.get("x-total") == "7"
    for origin in (OTHER, APP + ".evil.example", "null", None):
        answer = call(origin)
        assert access_control(answer) == {}, origin
        assert answer.all("vary") == ["Accept-Encoding", "Origin"]


def test_the_gateways_own_answers_can_be_read_too(browser_gateway, upstream, keys):
    upstream.close()
    fields = {"Origin": APP}
    answers = {
        401: browser_gateway.call("GET", "/api/test/x", fields, key=""),
        405: browser_gateway.call("PUT", "/api/test/x", fields),
        502: browser_gateway.call("GET", "/api/test/x", fields),
    }
    for status, answer in answers.items():
        assert answer.status == status
        assert access_control(answer)["allow-origin"] == APP
        assert answer.get("vary") == "Origin"
        assert answer.json()["status"] == status
    answer = browser_gateway.call("GET", "/api/test/x", {"Origin": OTHER}, key="")
    assert (answer.status, access_control(answer)) == (401, {})
    answer = browser_gateway.call("GET", "/none", fields)
    assert (answer.status, access_control(answer)) == (404, {})


def test_every_page_may_call(gateways, upstreams):
    gateway = gateways(upstreams(echo), route={"cors": {
        "origins": ["*"], "methods": ["GET"], "headers": ["X-API-Key"], "max_age_s": 5}})
    assert access_control(preflight(gateway, "null")) == {
        "allow-origin": "*", "allow-methods": "GET", "allow-headers": "X-API-Key", "max-age": "5"}
    for fields in ({"Origin": OTHER}, {}):
        answer = gateway.call("GET", "/api/test/x", fields)
        assert access_control(answer) == {"allow-origin": "*"}
        assert answer.get("vary") is None


def test_credentials(gateways, upstreams):
    gateway = gateways(upstreams(echo), route={"cors": {"origins": [APP], "credentials": True}})
    assert access_control(preflight(gateway))["allow-credentials"] == "true"
    answer = gateway.call("GET", "/api/test/x", {"Origin": APP})
    assert access_control(answer) == {"allow-origin": APP, "allow-credentials": "true"}


def test_without_cors_it_is_the_upstreams_affair(gateway, upstream):
    assert preflight(gateway).status == 401
    client = gateway.connect()
    client.send_request("OPTIONS", "/api/test/x", {
        "Origin": OTHER, "Access-Control-Request-Method": "GET"})
    conn = upstream.accept()
    conn.read_request()
    conn.respond(headers={"Access-Control-Allow-Origin": "*"})
    answer = client.read_response()
    assert access_control(answer) == {"allow-origin": "*"}
    assert answer.get("vary") is None
