"""Signing in at a provider: the way there and back, by a real one; and whatever may go wrong, by one that lies."""
import json
import os
import threading

import pytest

from tg.api import key_hash
from tg.gateway import MANAGER_KEEPS, Gateway
from tg.openapi import CheckedApi
from tg.openid import LIAR_SECRET, REAL_SECRET, Browser, Liar, RealProvider, challenge_of, query_of
from tg.ports import free_port
from tg.wait import eventually
from tg.wire import Client

HOME = "https://tollgate.example"
CALLBACK = HOME + "/api/sign-in/callback"
SESSION, FLOW = "__Host-tollgate_session", "__Host-tollgate_sign_in"
PARTS = iter(range(1, 1 << 16))
PEOPLE = {
    "anna": {"name": "Anna Ång", "email": "anna@example.com", "groups": ["gateway"]},
    "boss": {"name": "Boss", "groups": ["gateway-admins"]},
    "nobody": {"name": "No Body"},
    "banned": {"name": "Ban Ned", "groups": ["gateway"]},
}

# Of the liar's: what a discovery document says, and what is told of it.
LIES = {
    "another-issuer": ({"issuer": "http://127.0.0.1:1"}, "of another issuer"),
    "issuer-with-slash": ({"issuer": "SLASH"}, "of another issuer"),
    "no-token-endpoint": ({"token_endpoint": None}, "no token_endpoint"),
    "http-elsewhere": ({"authorization_endpoint": "http://idp.example/auth"}, "authorization_endpoint of its discovery"),
    "other-scheme": ({"authorization_endpoint": "javascript:alert(1)"}, "is no https URL"),
    "file-keys": ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri of its discovery document is no https"),
    "long": ({"token_endpoint": "https://a/" + "x" * 2048}, "longer than 2048"),
    "huge": (lambda liar: (200, {}, b'{"issuer": "' + b"x" * 70000 + b'"}'), "more than 65536 bytes"),
    "no-json": (lambda liar: (200, {}, b"<html>"), "line 1"),
    "array": (lambda liar: (200, {}, b"[]"), "no JSON object"),
    "redirect": (lambda liar: (302, {"Location": liar.issuer("liar")}, b""), "redirects are not followed"),
    "no-keys": ({"jwks_uri": "KEYS"}, "no key in it"),
}


@pytest.fixture(scope="module")
def real():
    provider = RealProvider(HOME, PEOPLE)
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def liar(tmp_path_factory):
    documents = {"liar": {}, "keyless": lambda liar: (200, {}, {"keys": []})}
    liar = Liar(str(tmp_path_factory.mktemp("liar")), documents)
    for name, (lie, _) in LIES.items():
        if isinstance(lie, dict):
            lie = {k: {"SLASH": liar.issuer(name) + "/", "KEYS": liar.issuer("keyless")}.get(v, v) for k, v in lie.items()}
        documents[name] = lie
    yield liar
    liar.close()


def settings(real, liar):
    def of(name, issuer, secret, **more):
        return {"name": name, "issuer": issuer, "client_id": "tollgate", "client_secret": secret, **more}

    rules = [{"issuer": real.issuer, "claim": "groups", "value": "gateway", "team": "one", "role": "manager"},
             {"issuer": real.issuer, "claim": "groups", "value": "gateway-admins", "role": "admin"},
             {"issuer": liar.issuer("liar"), "claim": "groups", "value": "a", "team": "one", "role": "viewer"},
             {"issuer": liar.issuer("liar"), "claim": "groups", "value": "b", "team": "two", "role": "viewer"}]
    return {"manager": {"public_url": HOME}, "sign_in": {
        "providers": [
            of("real", real.issuer, "${REAL_SECRET}", label="The real one"),
            of("liar", liar.issuer("liar"), "${LIAR_SECRET}", client_auth="client_secret_post"),
            of("gone", f"http://127.0.0.1:{free_port()}", "x"),
            *[of(name, liar.issuer(name), "x") for name in LIES]],
        "rules": rules}}


@pytest.fixture(scope="module")
def here(request, real, liar):
    os.environ.update(TOLLGATE_TEST_REAL=REAL_SECRET, TOLLGATE_TEST_LIAR=LIAR_SECRET)
    request.module.MANAGED = json.loads(json.dumps(settings(real, liar)).replace(
        "REAL_SECRET", "TOLLGATE_TEST_REAL").replace("LIAR_SECRET", "TOLLGATE_TEST_LIAR"))
    managed = request.getfixturevalue("managed")
    for name in ("real", "liar"):
        eventually(lambda n=name: Browser(HOME, managed.api, "10.9.9.9").get(
            f"{HOME}/api/sign-in/{n}").status == 302, f"{name} is there")
    return managed


@pytest.fixture
def browser(here):
    return new_browser(here)


def new_browser(here):
    n = next(PARTS)
    return Browser(HOME, here.api, f"10.2.{n // 256}.{n % 256}")


def session_of(browser):
    said = browser.get(HOME + "/api/session")
    assert said.status == 200, said.body
    return json.loads(said.body)


def assert_signed_in(browser, said, to="/"):
    assert (said.status, said.get("location")) == (302, to), said.body
    assert FLOW not in browser.cookies and browser.cookies[SESSION].startswith("tgs_")
    return session_of(browser)


def assert_refused(browser, said, why, status=401, code="bad_sign_in"):
    problem = json.loads(said.body)
    assert (said.status, problem["code"]) == (status, code), problem
    assert why in problem["detail"], problem["detail"]
    assert SESSION not in browser.cookies


def come_back(browser, code, where=None, **more):
    """From the liar, with what it was asked for; more: of the query, None: it is left out."""
    asked = query_of(where or browser.start("liar"))
    query = {"state": asked["state"], "code": code(asked["nonce"]) if callable(code) else code, **more}
    return browser.get(CALLBACK + "?" + "&".join(f"{k}={v}" for k, v in query.items() if v is not None))


# --- as it should be ---

@pytest.mark.sanitizer
def test_the_way_there_and_back(here, browser, real):
    where = browser.start("real", return_to="/tokens?sort=name#top")
    assert where.startswith(real.issuer + "/auth?")
    asked = query_of(where)
    assert asked["redirect_uri"] == CALLBACK and asked["scope"] == "openid profile email"
    assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", "tollgate", "S256")
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) == 43
    session = assert_signed_in(browser, browser.get(browser.sign_in_there(where, "as=anna")), "/tokens?sort=name#top")
    assert session["signed_in"]["by"] == "session" and session["signed_in"]["issuer"] == real.issuer
    assert session["user"]["name"] == "Anna Ång" and session["user"]["email"] == "anna@example.com"
    assert [(t["name"], t["role"]) for t in session["user"]["teams"]] == [("one", "manager")]
    assert session["expires_at"].endswith("Z")
    # Who someone is is the issuer's subject: the same user again, in another browser, with another session.
    other = new_browser(here)
    again = assert_signed_in(other, other.sign_in("real", "as=anna"))
    assert again["user"]["id"] == session["user"]["id"]
    assert again["signed_in"]["session_id"] != session["signed_in"]["session_id"]
    assert here.database.value("SELECT count(*) FROM tollgate_identities WHERE issuer = %s AND subject = 'anna'",
                               [real.issuer]) == 1


def test_its_cookies(here, browser):
    said = browser.get(HOME + "/api/sign-in/real")
    [line] = said.head.all("set-cookie")
    pair, *attributes = line.split("; ")
    assert pair.startswith(FLOW + "=")
    assert sorted(attributes) == ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"]
    assert said.get("cache-control") == "no-store" and said.get("referrer-policy") == "no-referrer"
    # Nobody reads in it what was asked for.
    asked = query_of(said.get("location"))
    assert not any(asked[name] in line for name in ("state", "nonce", "code_challenge"))


def test_an_admin_by_the_rules(browser):
    assert assert_signed_in(browser, browser.sign_in("real", "as=boss"))["user"]["is_admin"]


def test_the_ways_there_are(here, real):
    ways = here.api.get("/api/sign-in").json
    assert ways["providers"][0] == {"name": "real", "label": "The real one", "href": "/api/sign-in/real"}
    assert ways["providers"][1]["label"] == "liar"
    assert "client" not in json.dumps(ways)


def test_rights_are_looked_at_again(here, liar):
    teams, users = [], set()
    for groups in (["a"], ["b"], ["a", "b"]):
        browser = new_browser(here)
        said = come_back(browser, lambda nonce, g=groups: liar.code(liar.tokens(nonce, sub="again", groups=g)))
        user = assert_signed_in(browser, said)["user"]
        teams.append([t["name"] for t in user["teams"]])
        users.add(user["id"])
    assert teams == [["one"], ["two"], ["one", "two"]] and len(users) == 1


def test_what_the_provider_is_asked(here, browser, liar):
    where = browser.start("liar")
    asked = query_of(where)
    assert where.startswith(liar.issuer("liar") + "/auth?tenant=1&response_type=code&")
    code = liar.code(liar.tokens(asked["nonce"], sub="asked", groups=["a"]))
    assert_signed_in(browser, come_back(browser, code, where, scope="openid", session_state="x", iss=liar.issuer("liar")))
    form, headers = liar.asked[-1]
    assert challenge_of(form.pop("code_verifier")) == asked["code_challenge"]
    assert form == {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
                    "client_id": "tollgate", "client_secret": LIAR_SECRET}
    assert headers["Content-Type"] == "application/x-www-form-urlencoded" and "Authorization" not in headers


def test_the_name_that_is_called_changes_nothing(here, real):
    """The address to come back to is public_url's, whatever Host says."""
    with Client("127.0.0.1", here.gateway.manager_port) as client:
        said = client.call("GET", "/api/sign-in/real", host=f"localhost:{here.gateway.manager_port}")
    assert query_of(said.get("location"))["redirect_uri"] == CALLBACK
    with Client("127.0.0.1", here.gateway.manager_port) as client:
        assert client.call("GET", "/api/sign-in/real", host="evil.example").status == 403


def test_a_large_id_token(here, browser, liar):
    """Of people in hundreds of groups."""
    groups = [f"{n:036}" for n in range(300)] + ["a"]
    assert_signed_in(browser, come_back(browser, lambda nonce: liar.code(
        liar.tokens(nonce, sub="grouped", groups=groups))))


def test_several_audiences(here, browser, liar):
    assert_signed_in(browser, come_back(browser, lambda nonce: liar.code(
        liar.tokens(nonce, sub="several", groups=["a"], aud=["other", "tollgate"], azp="tollgate"))))


# --- signing out ---

def sign_out(browser, query="", origin=HOME):
    said = browser.get(HOME + "/api/session" + query, method="DELETE", headers=[("Origin", origin)])
    return said.status, json.loads(said.body) if said.body else None


def test_signing_out_here_and_there(here, browser, real):
    assert_signed_in(browser, browser.sign_in("real", "as=anna"))
    status, answer = sign_out(browser)
    assert status == 200 and SESSION not in browser.cookies
    where = answer["sign_out_url"]
    assert where.startswith(real.issuer + "/session/end?")
    assert query_of(where) == {"client_id": "tollgate", "post_logout_redirect_uri": HOME + "/"}
    there = browser.get(where)
    assert there.status == 200 and b"invalid" not in there.body.lower(), there.body
    assert browser.get(HOME + "/api/session").status == 401


def test_signing_out_everywhere(here, browser):
    browsers = [browser, new_browser(here)]
    for one in browsers:
        assert_signed_in(one, one.sign_in("real", "as=anna"))
    assert sign_out(browser, "?everywhere=true")[0] == 200
    assert [b.get(HOME + "/api/session").status for b in browsers] == [401, 401]


def test_signing_out_where_the_provider_ends_nothing(here, browser, liar):
    assert_signed_in(browser, come_back(browser, lambda nonce: liar.code(liar.tokens(nonce, sub="ends", groups=["a"]))))
    assert sign_out(browser) == (204, None)


# --- who is not let in ---

def test_without_a_role(here, browser, real):
    assert_refused(browser, browser.sign_in("real", "as=nobody"), "ask an admin", 403, "no_role")
    assert here.database.value("SELECT name FROM tollgate_access_requests WHERE issuer = %s AND subject = 'nobody'",
                               [real.issuer]) == "No Body"


def test_who_was_disabled_stays_out(here, browser):
    user = assert_signed_in(browser, browser.sign_in("real", "as=banned"))["user"]["id"]
    here.people.ask("people_user_change", None, user, {"disabled": True})
    other = new_browser(here)
    assert_refused(other, other.sign_in("real", "as=banned"), "disabled or removed")


def test_the_person_breaks_off(here, browser):
    assert_refused(browser, browser.sign_in("real", "refuse"), "access_denied")


# --- what is swapped and replayed ---

def test_the_state_of_another_browser(here, browser):
    """A victim is sent to the attacker's answer: with a sign-in of its own under way, and without one."""
    attacker = new_browser(here)
    url = attacker.sign_in_there(attacker.start("real"), "as=anna")
    assert_refused(browser, browser.get(url), "no sign-in under way")
    browser.start("real")
    assert_refused(browser, browser.get(url), "another sign-in")
    assert FLOW in browser.cookies  # its own goes on
    assert_signed_in(attacker, attacker.get(url))


def test_a_state_is_good_once(here, browser, real):
    url = browser.sign_in_there(browser.start("real"), "as=anna")
    cookies = dict(browser.cookies)
    assert_signed_in(browser, browser.get(url))
    browser.jar[HOME] = dict(cookies)
    assert_refused(browser, browser.get(url), "used before")


@pytest.mark.sanitizer
def test_a_state_is_good_once_at_one_moment(here, browser, liar):
    where = browser.start("liar")
    code = liar.code(liar.tokens(query_of(where)["nonce"], sub="twice", groups=["a"]))
    url = f"{CALLBACK}?state={query_of(where)['state']}&code={code}"
    browsers = [new_browser(here) for _ in range(8)]
    said = [None] * len(browsers)

    def go(i):
        browsers[i].jar[HOME] = dict(browser.cookies)
        said[i] = browsers[i].get(url)

    threads = [threading.Thread(target=go, args=(i,)) for i in range(len(browsers))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(s.status for s in said) == [302] + [401] * 7


def test_a_code_is_good_once(here, browser):
    url = browser.sign_in_there(browser.start("real"), "as=anna")
    assert_signed_in(browser, browser.get(url))
    other = new_browser(here)
    state = query_of(other.start("real"))["state"]
    replayed = url.replace(query_of(url)["state"], state)
    assert_refused(other, other.get(replayed), "refused the code: invalid_grant")


def test_a_code_of_another_client(here, browser, real):
    attacker = new_browser(here)
    where = browser.start("real")
    theirs = attacker.sign_in_there(where.replace("client_id=tollgate", "client_id=other"), "as=anna")
    assert_refused(browser, browser.get(theirs), "refused the code: invalid_grant")


def test_a_code_of_another_sign_in(here, browser):
    """PKCE: whoever gets hold of a code does not have what it was asked for with."""
    stolen = query_of(browser.sign_in_there(browser.start("real"), "as=anna"))["code"]
    thief = new_browser(here)
    url = thief.sign_in_there(thief.start("real"), "as=boss")
    assert_refused(thief, thief.get(url.replace(query_of(url)["code"], stolen)), "refused the code: invalid_grant")


def test_a_mix_up(here, browser, real, liar):
    """RFC 9207: the answer of one provider, as that of another."""
    url = browser.sign_in_there(browser.start("real"), "as=anna")
    for wrong in (liar.issuer("liar"), real.issuer + "/", ""):
        state = query_of(browser.start("real"))["state"]
        changed = url.replace(query_of(url)["state"], state).split("&iss=")[0]
        assert_refused(browser, browser.get(f"{changed}&iss={wrong}"), "not this provider's")
    state = query_of(browser.start("real"))["state"]
    without = url.replace(query_of(url)["state"], state).split("&iss=")[0]
    assert_refused(browser, browser.get(without), "not this provider's")
    before = len(liar.asked)
    assert_refused(browser, come_back(browser, query_of(url)["code"], iss=real.issuer), "not this provider's")
    assert len(liar.asked) == before


@pytest.mark.parametrize("change", [
    lambda v: v[:-1] + ("A" if v[-1] != "A" else "B"), lambda v: "A" + v[1:], lambda v: v[:40], lambda v: "", lambda v: "x" * 4000,
    lambda v: "!" + v[1:]])
def test_a_cookie_that_is_none_of_ours(here, browser, change):
    where = browser.start("liar")
    browser.cookies[FLOW] = change(browser.cookies[FLOW])
    assert_refused(browser, come_back(browser, "x", where), "no sign-in under way")


def test_two_cookies(here, browser):
    where = browser.start("liar")
    said = browser.get(f"{CALLBACK}?state={query_of(where)['state']}&code=x", headers=[("Cookie", FLOW + "=AAAA")])
    assert_refused(browser, said, "no sign-in under way")


def test_what_comes_back_is_incomplete(here, browser):
    assert_refused(browser, come_back(browser, None), "neither a code nor an error")
    assert_refused(browser, come_back(browser, ""), "neither a code nor an error")
    assert_refused(browser, come_back(browser, "x", state="y" * 43), "another sign-in")
    assert_refused(browser, come_back(browser, "x", state=None), "another sign-in")
    assert_refused(browser, come_back(browser, None, error="server_error"), "refused the sign-in: server_error")
    assert_refused(browser, come_back(browser, None, error="%3Cscript%3E"), "refused the sign-in: ?")
    assert_refused(browser, browser.get(CALLBACK), "another sign-in" if FLOW in browser.cookies else "no sign-in")
    said = browser.get(f"{CALLBACK}?state=a&state=b")
    assert said.status == 400 and json.loads(said.body)["code"] == "invalid_field"


@pytest.mark.parametrize("to", ids=lambda to: ascii(to)[:30], argvalues=[
    "//evil.example", "/\\evil.example", "\\evil", "https://evil.example", "https:evil.example", "javascript:alert(1)", "evil",
    "", "/%2Fevil\n", "/a%0d%0aSet-Cookie:%20a=b", "/a\x00b", "/a b", "/\t/evil.example", "/é", "/" + "a" * 1024])
def test_open_redirects(here, browser, to):
    said = browser.get(f"{HOME}/api/sign-in/real?return_to=" + "".join(
        c if c.isalnum() and c.isascii() or c == "%" else "".join(f"%{b:02X}" for b in c.encode()) for c in to))
    assert said.status == 400 and said.get("location") is None, said.body
    assert FLOW not in browser.cookies
    assert json.loads(said.body)["errors"][0]["parameter"] == "return_to"


# --- a provider that lies ---

def of(**claims):
    return lambda liar: lambda nonce: liar.tokens(nonce, groups=["a"], **claims)


def with_key(liar, nonce, **how):
    return 200, {}, {"id_token": liar.token(nonce, **how)}


TOKENS = {
    "another-nonce": (lambda l: lambda nonce: l.tokens("x" * 43), "nonce is not that of this sign-in"),
    "no-nonce": (lambda l: lambda nonce: l.tokens(None), "nonce is not that of this sign-in"),
    "nonce-no-text": (lambda l: lambda nonce: l.tokens([nonce]), "nonce is not that of this sign-in"),
    "another-audience": (of(aud="other"), "aud is not the client_id"),
    "no-audience": (of(aud=None), "aud is not the client_id"),
    "audiences-without-azp": (of(aud=["tollgate", "other"]), "azp is not the client_id"),
    "another-azp": (of(azp="other"), "azp is not the client_id"),
    "azp-no-text": (of(azp=["tollgate"]), "azp is not the client_id"),
    "another-issuer": (of(iss="https://idp.example"), "iss is not the issuer's"),
    "no-issuer": (of(iss=None), "iss is not the issuer's"),
    "expired": (of(exp=1), "expired"),
    "no-exp": (of(exp=None), "no exp"),
    "not-yet": (of(nbf=1 << 33, exp=1 << 34), "not valid yet"),
    "no-iat": (of(iat=None), "no iat"),
    "no-subject": (of(sub=None), "sub"),
    "access-token": (of(header={"typ": "at+jwt"}), "no ID token"),
    "logout-token": (of(events={}), "events"),
    "crit": (of(header={"crit": ["x"]}), "crit"),
    "unsigned": (lambda l: lambda nonce: with_key(l, nonce, header={"alg": "none"}, signature=b""), "no JWT"),
    "none": (lambda l: lambda nonce: with_key(l, nonce, header={"alg": "none"}), "not signed with RS256"),
    "hs256": (lambda l: lambda nonce: with_key(l, nonce, header={"alg": "HS256"}), "not signed with RS256"),
    "es256": (lambda l: lambda nonce: with_key(l, nonce, header={"alg": "ES256"}), "not set up for the algorithm"),
    "keys-swapped": (lambda l: lambda nonce: with_key(
        l, nonce, key=l.keys.stranger, header={"kid": l.keys.keys[0].kid}), "signature is not its issuer's"),
    "unknown-key": (lambda l: lambda nonce: with_key(l, nonce, key=l.keys.stranger), "no key of its kid"),
    "own-key": (lambda l: lambda nonce: with_key(
        l, nonce, key=l.keys.stranger, header={"jwk": l.keys.stranger.jwk()}), "no key of its kid"),
    "too-large": (of(x="y" * 40000), "more than 32 KB"),
    "no-token": (lambda l: lambda nonce: (200, {}, {"access_token": "x"}), "no ID token"),
    "token-no-text": (lambda l: lambda nonce: (200, {}, {"id_token": {}}), "no ID token"),
    "no-jwt": (lambda l: lambda nonce: (200, {}, {"id_token": "a.b"}), "no JWT"),
    "no-json": (lambda l: lambda nonce: (200, {}, b"<html>"), "no JSON object"),
    "twice": (lambda l: lambda nonce: (200, {}, b'{"id_token": "a", "id_token": "b"}'), "member twice"),
    "invalid-grant": (lambda l: lambda nonce: (400, {}, {"error": "invalid_grant"}), "refused the code: invalid_grant"),
    "invalid-client": (lambda l: lambda nonce: (401, {}, {"error": "invalid_client"}), "refused the code: invalid_client"),
    "hostile-words": (lambda l: lambda nonce: (400, {}, {"error": "a\nb<script>"}), "refused the code: ?"),
}
AWAY = {
    "server-error": ((500, {}, b""), "answers with 500"),
    "redirect": ((302, {"Location": "/elsewhere"}, b""), "answers with 302"),
    "huge": ((200, {}, b" " * 140000), "more than 131072 bytes"),
    "cut": ((200, {"Content-Length": "999999"}, b"{"), "does not answer"),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_false_token(here, browser, liar, name):
    make, why = TOKENS[name]
    assert_refused(browser, come_back(browser, lambda nonce: liar.code(make(liar)(nonce))), why)


@pytest.mark.parametrize("name", AWAY)
def test_no_token(here, browser, liar, name):
    answer, why = AWAY[name]
    failed = here.api.get("/ready").json["sign_in"]["failed"]

    said = come_back(browser, liar.code(answer))
    assert_refused(browser, said, why, 503, "provider_unavailable")
    assert int(said.get("retry-after")) > 0
    assert here.api.get("/ready").json["sign_in"]["failed"] == failed  # nobody is to blame


@pytest.mark.sanitizer
def test_a_provider_that_is_slow_holds_up_nobody(here, browser, liar):
    """It ends in time; meanwhile others sign in, by the same provider as well."""
    asked, go_on = threading.Event(), threading.Event()

    def wait(form):
        asked.set()
        go_on.wait(60)
        return 500, {}, b""

    said = []
    slow = threading.Thread(target=lambda: said.append(come_back(browser, liar.code(wait))))
    slow.start()
    assert asked.wait(60)
    other = new_browser(here)
    assert_signed_in(other, come_back(other, lambda nonce: liar.code(liar.tokens(nonce, sub="quick", groups=["a"]))))
    assert_signed_in(other, other.sign_in("real", "as=anna"))
    slow.join(60)
    go_on.set()
    assert_refused(browser, said[0], "does not answer", 503, "provider_unavailable")


@pytest.mark.parametrize("name", LIES)
def test_a_false_document(here, browser, liar, name):
    why = f"the keys of {liar.issuer(name)} cannot be had: "
    line = eventually(lambda: next((x for x in here.gateway.log().splitlines() if why in x), None), "it is told")
    assert LIES[name][1] in line, line
    assert_refused(browser, browser.get(f"{HOME}/api/sign-in/{name}"), "discovery document", 503, "provider_unavailable")


def test_a_provider_that_is_gone(here, browser):
    assert_refused(browser, browser.get(HOME + "/api/sign-in/gone"), "discovery document", 503, "provider_unavailable")


def test_no_such_provider(here, browser):
    assert_refused(browser, browser.get(HOME + "/api/sign-in/keycloak"), "no such provider", 404, "not_found")


# --- what browsers see, and what is told ---

def test_a_browser_ends_at_a_page(here, browser, liar):
    html = "text/html,application/xhtml+xml;q=0.9"

    def goes_to(url):
        said = browser.get(url, accept=html)
        assert said.status == 302, said.body
        return said.get("location")

    assert goes_to(HOME + "/api/sign-in/keycloak") == "/sign-in?problem=unknown"
    assert goes_to(HOME + "/api/sign-in/gone") == "/sign-in?problem=away"
    assert goes_to(CALLBACK + "?state=x&code=y") == "/sign-in?problem=stale"
    for query, problem in (("error=access_denied", "denied"), ("code=", "refused"), ("error=x", "refused")):
        state = query_of(browser.start("liar"))["state"]
        assert goes_to(f"{CALLBACK}?state={state}&{query}") == "/sign-in?problem=" + problem
    where = query_of(browser.start("liar"))
    code = liar.code(liar.tokens(where["nonce"], sub="page-less"))
    assert goes_to(f"{CALLBACK}?state={where['state']}&code={code}") == "/sign-in?problem=no_role"


def test_what_fails_is_limited_counted_and_told(here, liar):
    browser = new_browser(here)
    before = here.api.get("/ready").json["sign_in"]
    said = [browser.get(CALLBACK + "?state=x") for _ in range(40)]
    assert said[0].status == 401 and said[-1].status == 429 and int(said[-1].get("retry-after")) > 0
    assert browser.get(CALLBACK, accept="text/html").get("location") == "/sign-in?problem=busy"
    after = here.api.get("/ready").json["sign_in"]
    assert after["failed"] - before["failed"] >= 30 and after["limited"] > before["limited"]
    eventually(lambda: here.database.value("SELECT count(*) FROM tollgate_audit WHERE action = 'sign_in.refused' "
                                           "AND after ->> 'by' = 'provider'"), "it is in the audit")
    # Made-up answers leave no row behind.
    assert here.database.value("SELECT count(*) FROM tollgate_spent_states WHERE expires_at < now()") == 0
    # Whoever succeeds is not limited by what others fail.
    other = new_browser(here)
    assert_signed_in(other, other.sign_in("real", "as=anna"))


def test_two_nodes(here, real, liar, tmp_path):
    """Begun on one, ended on the other; what one has spent the other refuses."""
    second = Gateway(str(tmp_path), here.database, here.gateway.settings["routes"],
                     sign_in=here.gateway.settings["sign_in"], manager={"public_url": HOME})
    second.may_keep = MANAGER_KEEPS
    second.start()
    try:
        browser, there = new_browser(here), CheckedApi(second)
        browser.api = there
        eventually(lambda: browser.get(HOME + "/api/sign-in/real").status == 302, "it knows the provider")
        browser.api = here.api
        url = browser.sign_in_there(browser.start("real"), "as=anna")
        cookies = dict(browser.cookies)
        browser.api = there
        assert_signed_in(browser, browser.get(url))
        browser.api = here.api
        assert session_of(browser)["signed_in"]["issuer"] == real.issuer
        replay = new_browser(here)
        replay.jar[HOME] = cookies
        assert_refused(replay, replay.get(url), "used before")
        second.judge()
    finally:
        if second.process.poll() is None:
            second.kill()


def test_nothing_secret_is_in_the_log(here, browser, liar):
    where = browser.start("liar")
    asked = query_of(where)
    code = liar.code(liar.tokens(asked["nonce"], sub="unseen", groups=["a"]))
    flow = browser.cookies[FLOW]
    assert_signed_in(browser, come_back(browser, code, where))
    log = here.gateway.log()
    form = liar.asked[-1][0]
    for secret in (REAL_SECRET, LIAR_SECRET, code, asked["state"], asked["nonce"], form["code_verifier"], flow,
                   browser.cookies[SESSION], key_hash(browser.cookies[SESSION])):
        assert secret not in log
