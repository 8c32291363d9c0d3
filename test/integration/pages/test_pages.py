"""The files of the web pages, as the manager sends them."""
import gzip
import os
import re

import pytest

from tg.gateway import ROOT

pytestmark = pytest.mark.standing
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGES = ["/dashboard", "/usage-analytics", "/token-usage/7", "/route-usage", "/tokens", "/tokens/7", "/teams", "/teams/7",
         "/users", "/users/7", "/audit", "/nodes", "/self", "/account", "/sign-in", "/tokens/"]
BUILT = os.path.join(ROOT, "build", "dashboard")
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
          "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
          "frame-ancestors 'none'")
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


def get(gateway, path, method="GET", body=None, **headers):
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    with gateway.manager() as client:
        return client.call(method, path, fields, body, host="127.0.0.1")


def built(name):
    with open(os.path.join(BUILT, name.lstrip("/")), "rb") as f:
        return f.read()


def assets():
    return sorted(f"/assets/{name}" for name in os.listdir(os.path.join(BUILT, "assets")) if not name.endswith((".gz", ".br")))


def assert_guarded(answer):
    assert answer.get("content-security-policy") == POLICY
    assert answer.get("referrer-policy") == "same-origin"
    assert answer.get("cross-origin-opener-policy") == "same-origin"


@pytest.mark.sanitizer
def test_every_page_is_the_index(gateway):
    for path in PAGES:
        answer = get(gateway, path)
        assert (answer.status, answer.body) == (200, built("index.html")), path
        assert answer.get("content-type") == "text/html; charset=utf-8"
        assert answer.get("cache-control") == "no-cache"
        assert answer.get("x-content-type-options") == "nosniff"
        assert answer.get("vary") == "Accept-Encoding"
        assert answer.get("content-encoding") is None
        assert re.fullmatch(r'"[0-9a-f]{32}"', answer.get("etag"))
        assert_guarded(answer)


@pytest.mark.sanitizer
def test_every_asset_in_all_its_forms(gateway):
    assert len(assets()) > 3
    for path in assets():
        plain = get(gateway, path)
        assert (plain.status, plain.body) == (200, built(path)), path
        assert plain.get("content-type") == TYPES[os.path.splitext(path)[1]]
        assert plain.get("cache-control") == "public, max-age=31536000, immutable"
        assert plain.get("vary") == "Accept-Encoding"
        assert_guarded(plain)
        assert gzip.decompress(built(path + ".gz")) == plain.body
        for coding, ending in (("gzip", ".gz"), ("br", ".br")):
            packed = get(gateway, path, Accept_Encoding=f"{coding}, deflate")
            if len(built(path + ending)) < len(plain.body):
                assert (packed.get("content-encoding"), packed.body) == (coding, built(path + ending))
                assert packed.get("etag") == plain.get("etag")[:-1] + "-" + ending[1:] + '"'
            else:
                assert (packed.get("content-encoding"), packed.body) == (None, plain.body)
                assert packed.get("etag") == plain.get("etag")


def test_the_script_goes_compressed(gateway):
    script = next(path for path in assets() if path.startswith("/assets/main-") and path.endswith(".js"))
    packed = get(gateway, script, Accept_Encoding="gzip")
    assert packed.get("content-encoding") == "gzip"
    assert get(gateway, script, Accept_Encoding="gzip, deflate, br, zstd").get("content-encoding") == "br"
    assert get(gateway, script, Accept_Encoding="gzip;q=0, zstd").get("content-encoding") is None


def test_what_a_page_asks_for_is_there(gateway):
    page = get(gateway, "/dashboard").body.decode()
    asked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(asked) >= 3
    for path in asked:
        assert path.startswith("/assets/") and get(gateway, path).status == 200, path
    # A policy without 'unsafe-inline' would stop it.
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=", page)


@pytest.mark.sanitizer
def test_head_has_the_same_head(gateway):
    script = next(path for path in assets() if path.endswith(".js"))
    for path in ("/dashboard", script):
        whole, head = get(gateway, path), get(gateway, path, method="HEAD")
        assert (head.status, head.body) == (200, b"")
        for name in ("content-length", "etag", "cache-control", "content-type", "content-security-policy"):
            assert head.get(name) == whole.get(name), name


@pytest.mark.sanitizer
def test_what_a_client_has_is_not_sent_again(gateway):
    for path in ("/dashboard", assets()[0]):
        first = get(gateway, path, Accept_Encoding="gzip")
        again = get(gateway, path, Accept_Encoding="gzip", If_None_Match=first.get("etag"))
        assert (again.status, again.body) == (304, b"")
        for name in ("etag", "cache-control", "vary"):
            assert again.get(name) == first.get(name), name
        assert again.get("content-length") is None and again.get("content-type") is None
        assert get(gateway, path, method="HEAD", Accept_Encoding="gzip",
                   If_None_Match=f'"x", W/{first.get("etag")}').status == 304
        assert get(gateway, path, Accept_Encoding="gzip", If_None_Match='"x"').status == 200
    assert first.get("etag").endswith('"')


def test_one_connection_for_all(gateway):
    etag = get(gateway, "/dashboard").get("etag")
    with gateway.manager() as client:
        for path, headers, status in (("/dashboard", {}, 200), ("/dashboard", {"If-None-Match": etag}, 304),
                                      (assets()[0], {}, 200), ("/health", {}, 200)):
            assert client.call("GET", path, headers, host="127.0.0.1").status == status


@pytest.mark.parametrize("path", [
    "/assets/", "/assets/main.js", "/assets/main-00000000.js", "/assets/../index.html", "/assets/%2e%2e/index.html",
    "/assets/..%2findex.html", "/assets//etc/passwd", "/assets/index.html"])
def test_no_such_asset(gateway, path):
    answer = get(gateway, path, Accept=BROWSER)
    assert answer.status in (400, 404) and answer.json()["status"] == answer.status
    assert answer.get("cache-control") == "no-store"


def test_methods(gateway):
    for path in ("/dashboard", "/tokens/7", assets()[0]):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            answer = get(gateway, path, method=method, body=b"{}" if method != "OPTIONS" else None)
            assert (answer.status, answer.get("allow")) == (405, "GET, HEAD"), (method, path)
            assert answer.json()["code"] == "method_not_allowed"


def test_home(gateway):
    browser = get(gateway, "/", Accept=BROWSER)
    assert (browser.status, browser.get("location")) == (302, "/dashboard")
    assert browser.get("vary") == "Accept" and browser.get("cache-control") == "no-store"
    other = get(gateway, "/", Accept="*/*")
    assert other.status == 200 and b"/api/openapi.json" in other.body


def test_unknown_paths(gateway):
    browser = get(gateway, "/no/such", Accept=BROWSER)
    assert (browser.status, browser.body) == (404, built("index.html"))
    assert browser.get("cache-control") == "no-store"
    assert_guarded(browser)
    for path, headers in (("/no/such", {}), ("/no/such", {"Accept": "*/*"}), ("/api/no/such", {"Accept": BROWSER})):
        answer = get(gateway, path, **headers)
        assert answer.status == 404 and answer.json()["code"] == "no_route"
    # A page that there is, of the API.
    assert get(gateway, "/api/tokens", method="PUT", Accept=BROWSER).json()["code"] == "method_not_allowed"
