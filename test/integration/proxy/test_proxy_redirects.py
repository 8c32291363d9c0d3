"""Redirects: what names the upstream leads back to the route, so that keys stay inside."""
import subprocess

import pytest

pytestmark = pytest.mark.standing


def location(gateway, upstream, value, status="302 Found", name="Location", target="/api/test/a"):
    with gateway.connect() as client:
        client.send_request("GET", target)
        conn, _ = upstream.next_request()
        conn.respond(status, [(name, value)], b"")
        return client.read_response().get(name)


@pytest.mark.parametrize("status", ["201 Created", "301 Moved Permanently", "307 Temporary Redirect",
                                    "200 OK"])
@pytest.mark.parametrize("name", ["Location", "content-location"])
def test_what_names_the_upstream_leads_back(gateway, upstream, status, name):
    here = f"http://127.0.0.1:{upstream.port}"
    for value in (f"{here}/x?q#f", f"{here.upper()}/x?q#f", f"//127.0.0.1:{upstream.port}/x?q#f", "/x?q#f",
                  f"https://127.0.0.1:{upstream.port}/y/../x?q#f"):
        assert location(gateway, upstream, value, status, name) == "/api/test/x?q#f"


@pytest.mark.parametrize("value", [
    "http://evil.example/x", "//evil.example/x", "http://127.0.0.1:1/x", "x", "../x", "?q", "",
    "http://127.0.0.1:{port}@evil.example/", "http:/x", "\\\\evil.example/x"])
def test_all_others_stay(gateway, upstream, value):
    value = value.replace("{port}", str(upstream.port))
    assert location(gateway, upstream, value) == value


def test_fields_that_are_not_touched(gateway, upstream):
    here = f"http://127.0.0.1:{upstream.port}/x"
    for name, value in (("Link", f"<{here}>; rel=next"), ("Refresh", f"0; url={here}"),
                        ("Set-Cookie", "a=b; Path=/x"), ("X-Location", here)):
        assert location(gateway, upstream, value, name=name) == value


def test_path_and_host_of_the_route(gateways, upstream):
    gateway = gateways(upstream, start=False)
    route = gateway.settings["routes"][0]
    here = route["upstream"]
    gateway.settings["routes"] = [
        {**route, "name": "based", "path": "/b", "upstream": here + "/v1"},
        {**route, "name": "whole", "path": "/w", "strip_prefix": False},
        {**route, "name": "hosted", "path": "/h", "set_headers": {"host": "app.example:81"}},
        {**route, "name": "several", "path": "/s", "upstream": ["http://127.0.0.1:1", here]},
        {**route, "name": "off", "path": "/o", "rewrite_location": False},
        {**route, "name": "set", "path": "/e", "response_headers": {"set": {"Location": here + "/set"}}},
        {**route, "name": "root", "path": "/", "upstream": here + "/v1"}]
    gateway.write_config()
    gateway.start()
    rows = [("/b/", "/v1/x", "/b/x"), ("/b/", "/v1", "/b"), ("/b/", "/x", None), ("/b/", "/v1x", None),
            ("/b/", here + "/v1?q", "/b?q"), ("/b/", here + "/v1/../x", None),
            ("/w/", "/w/x", "/w/x"), ("/w/", here + "/w/x", "/w/x"), ("/w/", here + "/login", None),
            ("/h/", "http://app.example:81/x", "/h/x"), ("/h/", here + "/x", "/h/x"),
            ("/h/", "http://app.example/x", None),
            ("/s/", "http://127.0.0.1:1/x", "/s/x"), ("/s/", here + "/x", "/s/x"),
            ("/o/", here + "/x", None), ("/o/", "/x", None), ("/e/", "/x", here + "/set"),
            ("/", "/v1//evil.example/x", "/.//evil.example/x"), ("/", "/v1", "/")]
    for target, value, expected in rows:
        assert location(gateway, upstream, value, target=target) == (expected or value), (target, value)


def test_a_client_that_follows_stays_inside(gateway, upstream):
    """curl -L once took the key to the upstream's own address."""
    curl = subprocess.Popen(["curl", "-sS", "-L", "-m", "20", "-w", " %{url_effective}", "-H",
                             f"X-API-Key: {gateway.key}", f"http://127.0.0.1:{gateway.port}/api/test/a?b"],
                            stdout=subprocess.PIPE, text=True)
    conn, _ = upstream.next_request()
    conn.respond("301 Moved Permanently", [("Location", f"http://127.0.0.1:{upstream.port}/c?d")], b"")
    conn, request = upstream.next_request()
    conn.respond(body=b"there")
    assert curl.communicate(timeout=20)[0] == f"there http://127.0.0.1:{gateway.port}/api/test/c?d"
    assert request.target == "/c?d"
    assert gateway.key.encode() not in request.head.raw
