"""Who calls the manager: keys, sessions and a provider's JWTs; and what does not get in."""
import hashlib
import hmac
import select
import threading
import time

import pytest

from tg.api import key_hash, make_key
from tg.provider import Provider, b64
from tg.upstream import requests_of
from tg.wait import eventually

CLERK, OIDC = "https://clerk.example.com", "https://idp.example"
APP = "https://app.example"
PARTS = iter(range(1, 1 << 16))


@pytest.fixture(scope="module")
def providers(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("providers")
    clerk = Provider(str(folder / "clerk"), CLERK)
    oidc = Provider(str(folder / "oidc"), OIDC, "ES256", "RS256")
    request.module.MANAGED = {"timeouts": {"body_s": 1}, "manager": {"hosts": ["tollgate.internal"], "cors_origins": [APP]}, "sign_in": {
        "issuers": [
            {"issuer": CLERK, "kind": "clerk", "parties": [APP], "jwks_file": clerk.jwks_file},
            {"issuer": OIDC, "kind": "oidc", "audiences": ["tollgate"], "algorithms": ["RS256", "ES256"],
             "jwks_file": oidc.jwks_file}],
        "rules": [
            {"issuer": CLERK, "claim": "org_id", "value": "org_1", "team": "one", "role": "manager"},
            {"issuer": CLERK, "claim": "org_id", "value": "org_2", "team": "two", "role": "viewer"},
            {"issuer": OIDC, "claim": "realm_access.roles", "value": "boss", "role": "admin"}]}}
    return clerk, oidc


@pytest.fixture(scope="module")
def here(providers, managed):
    eventually(lambda: ask(managed, clerk_token(providers[0])).status == 200, "the keys are there")
    return managed


@pytest.fixture
def clerk(providers, here):
    return providers[0]


@pytest.fixture
def oidc(providers, here):
    return providers[1]


def clerk_token(clerk, **more):
    return clerk.token(**{"sid": "sess_1", "azp": APP, **more})


def oidc_token(oidc, **more):
    return oidc.token(**{"aud": "tollgate", "sub": "anna", **more})


def elsewhere():
    """An address of its own, whose failures count for nobody else."""
    n = next(PARTS)
    return ("X-Forwarded-For", f"10.1.{n // 256}.{n % 256}")


def ask(here, token=None, path="/api/session", headers=(), **how):
    return here.api.get(path, token, headers=[elsewhere(), *headers], **how)


def who(here, token):
    answer = ask(here, token)
    assert answer.status == 200, answer.json
    return answer.json


def assert_bad(here, token, why=""):
    answer = ask(here, token)
    assert (answer.status, answer.json["code"]) == (401, "bad_sign_in"), answer.json
    assert why in answer.json["detail"], answer.json["detail"]
    assert answer.headers.get("www-authenticate")


def assert_problem(answer, status, code):
    assert (answer.status, answer.json["code"]) == (status, code), answer.json


# --- keys ---

def test_a_personal_key(here):
    session = who(here, here.people.manager.key)
    assert session["signed_in"]["by"] == "key" and session["has_role"] and session["expires_at"] is None
    assert session["user"]["id"] == here.people.manager.id
    assert [(t["name"], t["role"]) for t in session["user"]["teams"]] == [("one", "manager")]
    eventually(lambda: here.database.value("SELECT last_used FROM tollgate_user_keys WHERE id = %s",
                                           [here.people.manager.key_id]), "its use is known")


@pytest.mark.parametrize("fields, why", [
    ([("Authorization", "Bearer " + make_key("tgu_"))], "unknown, revoked or expired"),
    ([("Authorization", "Bearer tgu_short")], "mistyped"),
    ([("Authorization", "Bearer " + make_key("ntk_"))], "a key of the gateway"),
    ([("Authorization", "Bearer x")], "neither"),
    ([("Authorization", "Basic dTpw")], "must be Bearer"),
    ([("Authorization", "Bearer a.b.c"), ("Authorization", "Bearer a.b.c")], "more than one Authorization"),
    ([("Cookie", "tollgate_session=x")], "none of ours"),
    ([("Cookie", "tollgate_session=" + make_key("tgs_"))], "the session has ended"),
])
def test_what_is_none(here, fields, why):
    answer = ask(here, headers=fields)
    assert_problem(answer, 401, "bad_sign_in")
    assert why in answer.json["detail"]


def test_nobody(here):
    answer = ask(here)
    assert_problem(answer, 401, "not_signed_in")
    assert "tollgate user add" in answer.json["detail"]


def test_a_removed_user_is_out(here):
    person = here.people.add("leaver", one="viewer")
    assert who(here, person.key)["has_role"]
    here.people.ask("people_user_remove", None, person.id)
    eventually(lambda: ask(here, person.key).status == 401, "the key has ended")


# --- JWTs ---

def test_a_clerk_like_token(clerk, here):
    session = who(here, clerk_token(clerk, sub="member", org_id="org_1", name="Mem Ber", email="m@x"))
    assert session["signed_in"]["by"] == "jwt" and session["has_role"] and session["expires_at"].endswith("Z")
    assert session["user"]["name"] == "Mem Ber" and session["user"]["email"] == "m@x"
    assert [(t["name"], t["role"]) for t in session["user"]["teams"]] == [("one", "manager")]
    # The rules are looked at anew, in version 2 of the tokens as well; the user stays.
    again = who(here, clerk_token(clerk, sub="member", v=2, o={"id": "org_2", "rol": "admin"}))
    assert again["user"]["id"] == session["user"]["id"]
    assert [(t["name"], t["role"]) for t in again["user"]["teams"]] == [("two", "viewer")]
    assert ask(here, clerk_token(clerk, sub="member", org_id="org_1"), "/api/scopes").status == 200


def test_the_older_calls(clerk, here):
    """By the JWTs that the older pages sent: members see their teams' tokens, strangers nothing."""
    mine, theirs = here.people.tokens["one"][0], here.people.tokens["two"][0]
    for token, calls in ((mine, 3), (theirs, 2)):
        for _ in range(calls):
            event = {"token_hash": key_hash(token.key), "route": "/api/test", "timestamp": int(time.time() * 1000),
                     "response_status": 200, "response_time_ms": 5}
            assert here.api.post("/api/usage-log", json=event).json == {"status": "logged"}
    member = clerk_token(clerk, sub="older", org_id="org_1")
    counted = ("SELECT count(*) FROM token_usage_logs AS l JOIN tokens AS t ON t.id = l.token_id "
               "WHERE t.tollgate_team_id = %s")

    def total(path, token=member):
        answer = ask(here, token, path)
        assert answer.status == 200, answer.json
        return answer.json["total_calls"]

    eventually(lambda: total(f"/api/usage/token/{mine.id}") >= 3, "the calls are counted")
    rows = here.database.value(counted, [here.people.teams["one"]])
    assert total("/api/usage/stats") == rows == total("/api/usage/route?path=/api/test")
    assert_problem(ask(here, member, f"/api/usage/token/{theirs.id}"), 404, "not_found")
    eventually(lambda: total("/api/usage/stats", here.people.admin.key) >= rows + 2, "an admin sees all")
    for path in ("/api/usage/stats", f"/api/usage/token/{mine.id}", "/api/usage/route?path=/api/test"):
        assert_problem(ask(here, clerk_token(clerk, sub="nobody's"), path), 403, "no_role")
        assert_problem(ask(here, None, path), 401, "not_signed_in")


def test_an_access_token_of_any_provider(oidc, here):
    assert not who(here, oidc_token(oidc))["has_role"]
    for typ in ("at+jwt", "application/AT+JWT", "jwt", None):
        assert who(here, oidc_token(oidc, header={"typ": typ}))["signed_in"]["by"] == "jwt"
    boss = who(here, oidc_token(oidc, key=oidc.keys[1], aud=["other", "tollgate"],
                                realm_access={"roles": ["user", "boss"]}))
    assert boss["user"]["is_admin"]
    assert not who(here, oidc_token(oidc))["user"]["is_admin"]


def test_an_older_token_has_the_rights_of_the_newest(clerk, here):
    """Two of one person, shown in turns: their memberships do not change with each call."""
    older = clerk_token(clerk, sub="twice", org_id="org_1")
    newer = clerk_token(clerk, sub="twice", org_id="org_2")
    counted = "SELECT count(*) FROM tollgate_audit WHERE target = 'member'"
    assert [t["name"] for t in who(here, older)["user"]["teams"]] == ["one"]
    assert [t["name"] for t in who(here, newer)["user"]["teams"]] == ["two"]
    told = here.database.value(counted)
    reload(here, access_log=here.gateway.settings.get("access_log", True))
    for token in (older, newer):
        assert [t["name"] for t in who(here, token)["user"]["teams"]] == ["two"]
    assert here.database.value(counted) == told


def test_who_acts_for_another_is_in_the_audit(clerk, here):
    who(here, clerk_token(clerk, sub="impersonated", org_id="org_1", act={"sub": "support_7"}))
    assert here.database.value("SELECT acting FROM tollgate_audit WHERE action = 'member.created' "
                               "ORDER BY id DESC LIMIT 1") == "support_7"


def test_who_has_no_role(clerk, here):
    token = clerk_token(clerk, sub="stranger_1", name="Str Anger")
    session = who(here, token)
    assert session["user"]["id"] is None and not session["has_role"]
    answer = ask(here, token, "/api/scopes")
    assert_problem(answer, 403, "no_role")
    assert here.database.value("SELECT name FROM tollgate_access_requests WHERE subject = 'stranger_1'") == "Str Anger"


def test_who_was_disabled_stays_out(clerk, here):
    token = clerk_token(clerk, sub="banned", org_id="org_1")
    user = who(here, token)["user"]["id"]
    here.people.ask("people_user_change", None, user, {"disabled": True})
    eventually(lambda: ask(here, token).status == 401, "the token has ended")
    assert_bad(here, clerk_token(clerk, sub="banned", org_id="org_1"), "disabled or removed")


def huge(size):
    return {"x": "y" * size}


NOW = int(time.time())
CLERK_ATTACKS = {
    "none": (lambda c: c.token(header={"alg": "none"}, signature=b"", sid="s", azp=APP), "no JWT"),
    "none-signed": (lambda c: clerk_token(c, header={"alg": "none"}), "not signed with RS256"),
    "hs256-public-key": (lambda c: hs256(c, c.keys[0].public_pem), "not signed with RS256"),
    "rs512": (lambda c: clerk_token(c, header={"alg": "RS512"}), "not signed with RS256"),
    "es256-not-set-up": (lambda c: clerk_token(c, header={"alg": "ES256"}), "not set up for the algorithm"),
    "stranger": (lambda c: clerk_token(c, key=c.stranger, header={"kid": c.keys[0].kid}), "signature"),
    "unknown-kid": (lambda c: clerk_token(c, key=c.stranger), "no key of its kid"),
    "changed": (lambda c: changed(clerk_token(c)), "refused"),
    "cut": (lambda c: clerk_token(c, signature=b"x" * 255), "signature"),
    "two-parts": (lambda c: ".".join(clerk_token(c).split(".")[:2]), "no JWT"),
    "expired": (lambda c: clerk_token(c, exp=NOW - 1), "expired"),
    "no-exp": (lambda c: clerk_token(c, exp=None), "no exp"),
    "exp-text": (lambda c: clerk_token(c, exp="9999999999"), "no time"),
    "not-yet": (lambda c: clerk_token(c, nbf=NOW + 7200, exp=NOW + 9999), "not valid yet"),
    "issued-later": (lambda c: clerk_token(c, iat=NOW + 7200, exp=NOW + 9999), "not valid yet"),
    "wrong-issuer": (lambda c: clerk_token(c, iss=CLERK + "/"), "no issuer that is set up"),
    "other-issuer": (lambda c: clerk_token(c, iss=OIDC), "signature"),
    "no-issuer": (lambda c: clerk_token(c, iss=None), "no issuer"),
    "no-subject": (lambda c: clerk_token(c, sub=None), "sub"),
    "no-sid": (lambda c: clerk_token(c, sid=None), "no sid"),
    "no-azp": (lambda c: clerk_token(c, azp=None), "no azp"),
    "other-azp": (lambda c: clerk_token(c, azp="https://evil.example"), "none of the parties"),
    "pending": (lambda c: clerk_token(c, sts="pending"), "pending"),
    "template": (lambda c: clerk_token(c, header={"cat": "cl_B7d4PD222AAA"}), "cat or typ"),
    "any-class": (lambda c: clerk_token(c, header={"cat": "cl_I7d4PD111III"}), "cat or typ"),
    "class-no-text": (lambda c: clerk_token(c, header={"cat": 1}), "cat or typ"),
    "typ-no-text": (lambda c: clerk_token(c, header={"typ": 1}), "cat or typ"),
    "events": (lambda c: clerk_token(c, events={}), "events"),
    "m2m": (lambda c: clerk_token(c, header={"cat": "cl_B7d4PD333AAA"}), "cat or typ"),
    "oauth": (lambda c: clerk_token(c, header={"typ": "at+jwt"}), "cat or typ"),
    "id-token": (lambda c: c.token(aud="client", sub="u"), "no sid"),
    "crit": (lambda c: clerk_token(c, header={"crit": ["x"], "x": 1}), "crit"),
    "twice": (lambda c: c.token(raw_claims='{"iss":"%s","iss":"%s"}' % (CLERK, CLERK)), "twice"),
    "twice-header": (lambda c: clerk_token(c, raw_header='{"alg":"RS256","alg":"none"}'), "twice"),
    "nested": (lambda c: c.token(raw_claims="[" * 2000 + "]" * 2000), "no JSON object"),
    "huge": (lambda c: clerk_token(c, **huge(9000)), "8 KB"),
    "embedded": (lambda c: clerk_token(c, key=c.stranger, header={"jwk": c.stranger.jwk(), "kid": "stranger"}),
                 "no key of its kid"),
    "jku": (lambda c: clerk_token(c, key=c.stranger, header={"jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/"}),
            "no key of its kid"),
}


def hs256(provider, secret):
    text = ".".join((b64({"alg": "HS256", "kid": provider.keys[0].kid}),
                     b64({"iss": CLERK, "sub": "u", "sid": "s", "azp": APP, "exp": NOW + 300})))
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def changed(token):
    header, claims, signature = token.split(".")
    return f"{header}.{claims[:-4]}{'AAAA' if claims[-4:] != 'AAAA' else 'BBBB'}.{signature}"


def test_forged_tokens(clerk, here):
    for name, (make, why) in CLERK_ATTACKS.items():
        token = make(clerk)
        answer = ask(here, token)
        assert answer.status == 401, (name, answer.json)
        assert answer.json["code"] == "bad_sign_in", (name, answer.json)
        assert why in answer.json["detail"], (name, answer.json["detail"])
    assert here.gateway.log().count("eyJ") == 0


OIDC_ATTACKS = {
    "other-audience": (lambda o: oidc_token(o, aud="another"), "none of the audiences"),
    "no-audience": (lambda o: oidc_token(o, aud=None), "none of the audiences"),
    "audiences": (lambda o: oidc_token(o, aud=["another", 7]), "none of the audiences"),
    "id-token": (lambda o: oidc_token(o, nonce="n"), "ID token"),
    "id-token-typ": (lambda o: oidc_token(o, typ="ID"), "ID token"),
    "logout": (lambda o: oidc_token(o, header={"typ": "logout+jwt"}), "no access token"),
    "logout-events": (lambda o: oidc_token(o, events={"http://schemas.openid.net/event/backchannel-logout": {}}), "events"),
    "client-assertion": (lambda o: oidc_token(o, header={"typ": "application/client-authentication+jwt"}), "no access token"),
    "typ-no-text": (lambda o: oidc_token(o, header={"typ": ["JWT"]}), "no access token"),
    "typ-empty": (lambda o: oidc_token(o, header={"typ": ""}), "no access token"),
    "key-of-another-algorithm": (lambda o: oidc_token(o, key=o.keys[1], header={"kid": o.keys[0].kid}), "signature"),
    "der-signature": (lambda o: oidc_token(o, signature=b"0" * 70), "signature"),
}


def test_other_providers_forged_tokens(oidc, here):
    for name, (make, why) in OIDC_ATTACKS.items():
        answer = ask(here, make(oidc))
        assert answer.status == 401 and why in answer.json["detail"], (name, answer.json)


def test_too_many_failures(here):
    """Of one address; what was good before, and others, go on."""
    place = elsewhere()
    assert here.api.get("/api/session", here.people.viewer.key, headers=[place]).status == 200
    answers = [here.api.get("/api/session", make_key(), headers=[place]) for _ in range(40)]
    codes = [a.json["code"] for a in answers]
    assert codes[0] == "bad_sign_in" and codes[-1] == "sign_in_busy"
    assert answers[-1].status == 429 and int(answers[-1].headers.get("retry-after")) > 0
    assert here.api.get("/api/session", here.people.viewer.key, headers=[place]).status == 200
    # Before a byte of the body is looked at.
    for body in (b'{"key": "%s"}' % make_key().encode(), b"{", b'{"name": 1}'):
        assert_problem(here.api.post("/api/session", body=body, headers=[place]), 429, "sign_in_busy")
    assert ask(here, here.people.other.key).status == 200
    told = "SELECT count(*) FROM tollgate_audit WHERE action = 'sign_in.refused'"
    assert 1 <= eventually(lambda: here.database.value(told), "some are in the audit") <= 20


def tried(here):
    return here.api.get("/ready").json["sign_in"]


@pytest.mark.parametrize("by", ["key", "session", "code", "jwt"])
def test_each_failure_counts(clerk, here, by):
    """However somebody tries; what was right, or is nothing, does not."""
    before = tried(here)
    assert ask(here, here.people.viewer.key).status == 200
    assert ask(here, clerk_token(clerk)).status == 200
    assert ask(here).status == 401
    assert tried(here) == before
    fail = {"key": lambda: ask(here, make_key()),
            "session": lambda: ask(here, headers=[("Cookie", "tollgate_session=" + make_key("tgs_"))]),
            "code": lambda: begin(here, code=make_key()),
            "jwt": lambda: ask(here, clerk_token(clerk, key=clerk.stranger))}[by]
    assert_problem(fail(), 401, "bad_sign_in")
    assert tried(here) == {**before, "failed": before["failed"] + 1}


def test_failures_of_one_person(here):
    """From whatever address they come."""
    key, before = make_key(), tried(here)
    answers = [here.api.post("/api/session", json={"key": key}, headers=[elsewhere()]) for _ in range(40)]
    assert [a.status for a in answers[:30]] == [401] * 30
    assert_problem(answers[-1], 429, "sign_in_busy")
    statuses, after = [a.status for a in answers], tried(here)
    assert after["failed"] == before["failed"] + statuses.count(401)
    assert after["limited"] == before["limited"] + statuses.count(429)
    assert begin(here, key=here.people.viewer.key).status == 201


def test_what_did_not_fail_does_not_count(here):
    """Bodies that are none, right keys, and those whose client does not wait for the answer."""
    place, before = elsewhere(), tried(here)
    for _ in range(35):
        assert here.api.post("/api/session", json={"name": 1}, headers=[place]).status == 400
        assert here.api.post("/api/session?x=1", json={"key": make_key()}, headers=[place]).status == 400
    body = b'{"key": "%s"}' % here.people.viewer.key.encode()
    for n in range(35):
        with here.gateway.manager() as client:
            client.send_request("POST", "/api/session", [place, ("Content-Type", "application/json")], body,
                                host=here.api.host)
            client.reset()
        eventually(lambda: here.database.value("SELECT count(*) FROM tollgate_sessions WHERE address = %s",
                                               [place[1]]) == n + 1, "it has begun one")
    # Each is one: the bucket of this address is as full as it was.
    answers = [here.api.post("/api/session", json={"key": make_key()}, headers=[place]).status for _ in range(30)]
    assert answers == [401] * 30
    assert tried(here)["failed"] == before["failed"] + 30


def test_failures_of_many_lock_nobody_out(here):
    """However many others fail: a right key from an address that has not failed gets in."""
    before = tried(here)
    for _ in range(70):
        place = elsewhere()
        assert [here.api.get("/api/session", make_key(), headers=[place]).status for _ in range(5)] == [401] * 5
    for _ in range(3):
        assert ask(here, here.people.add_key(here.people.viewer.id)[0]).status == 200
    assert begin(here, key=here.people.viewer.key).status == 201
    assert tried(here)["failed"] == before["failed"] + 350


# --- sessions ---

def begin(here, headers=(), **json_):
    return here.api.post("/api/session", json=json_, headers=[elsewhere(), *headers])


def cookie_of(answer):
    return answer.headers.get("set-cookie").split(";")[0]


def test_a_session(here):
    begun = begin(here, key=here.people.viewer.key)
    assert begun.status == 201, begun.json
    assert begun.json["user"]["name"] == "viewer" and begun.json["expires_at"].endswith("Z")
    name, *flags = begun.headers.get("set-cookie").split("; ")
    assert name.startswith("tollgate_session=tgs_")
    assert flags == ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Lax"]
    cookie = ("Cookie", cookie_of(begun))
    session = ask(here, headers=[cookie])
    assert (session.status, session.json["signed_in"]["by"]) == (200, "session")
    assert session.json["expires_at"] == begun.json["expires_at"]
    assert cookie_of(begin(here, key=here.people.viewer.key)) != cookie[1]
    # Stored hashed, and never logged.
    value = cookie[1].split("=")[1]
    assert here.database.value("SELECT count(*) FROM tollgate_sessions WHERE cookie_hash = %s", [key_hash(value)]) == 1
    assert value not in here.gateway.log()
    # It ends, with an origin, at once.
    assert_problem(here.api.delete("/api/session", headers=[elsewhere(), cookie]), 403, "forbidden")
    ended = here.api.delete("/api/session", headers=[elsewhere(), cookie, ("Sec-Fetch-Site", "same-origin")])
    assert ended.status == 204 and "Max-Age=0" in ended.headers.get("set-cookie")
    assert ask(here, headers=[cookie]).status == 401


def test_keys_have_a_bound(here):
    person = here.people.add("a hundred keys")
    here.database.query("INSERT INTO tollgate_user_keys (user_id, key_hash, key_start) SELECT %s, "
                        "encode(sha256(n::text::bytea), 'hex'), 'tgu_' FROM generate_series(2, 100) AS n", (person.id,))
    path, admin = f"/api/users/{person.id}/keys", here.people.admin.key
    assert_problem(here.api.post(path, admin, {"name": "one more"}), 409, "conflict")
    assert here.api.delete(f"{path}/{here.api.get(path, admin).json['items'][0]['id']}", admin).status == 204
    assert here.api.post(path, admin, {"name": "one more"}).status == 201


def test_an_identity_that_keeps_somebody_out(here):
    person, admin = here.people.add("kept out"), here.people.admin.key
    path = f"/api/users/{person.id}"
    made = here.api.post(f"{path}/identities", admin, {"issuer": "https://i.example", "subject": "kept out"}).json
    here.api.patch(path, admin, {"disabled": True})
    assert_problem(here.api.delete(f"{path}/identities/{made['id']}", admin), 409, "conflict")
    here.api.patch(path, admin, {"disabled": False})
    assert here.api.delete(f"{path}/identities/{made['id']}", admin).status == 204


def test_sessions_everywhere(here):
    cookies = [("Cookie", cookie_of(begin(here, key=here.people.manager.key))) for _ in range(2)]
    assert [ask(here, headers=[c]).status for c in cookies] == [200, 200]
    assert_problem(here.api.delete("/api/session?everywhere=x", here.people.manager.key), 400, "invalid_field")
    assert_problem(here.api.delete("/api/session", here.people.manager.key), 409, "conflict")
    assert here.api.delete("/api/session?everywhere=true", here.people.manager.key).status == 204
    assert [ask(here, headers=[c]).status for c in cookies] == [401, 401]


def test_a_link(here):
    code = make_key()
    here.people.ask("people_code_make", None, here.people.viewer.id, key_hash(code), 300)
    assert begin(here, code=code).status == 201
    refused = begin(here, code=code)
    assert_problem(refused, 401, "bad_sign_in")
    assert "used already" in refused.json["detail"]


@pytest.mark.parametrize("fields", [{}, {"key": "a", "code": "b"}, {"key": 7}, {"key": ""}, {"key": None}, {"name": "x"}])
def test_fields_of_a_session(here, fields):
    assert_problem(begin(here, **fields), 400, "invalid_field")


def test_a_strangers_body_is_small(here):
    """Nobody knows who they are: they wait with little, and for a short time."""
    def answer_to(size):
        return here.api.post("/api/session", headers=[elsewhere()], body=b'{"key": "%s"}' % (b"x" * (size - 11)))

    assert_problem(answer_to(4096), 400, "invalid_field")
    assert_problem(answer_to(4097), 413, "body_too_large")
    assert "4 KiB" in answer_to(4097).json["detail"]


@pytest.mark.parametrize("path, key", [("/api/session", None), ("/api/teams", "admin")])
def test_a_body_that_does_not_end(here, path, key):
    """However often a byte comes."""
    fields = {"Content-Type": "application/json", "Content-Length": "4000"}
    if key:
        fields["Authorization"] = f"Bearer {here.people.admin.key}"
    with here.gateway.manager() as client:
        client.send_head("POST", path, fields, host=here.api.host)
        while not select.select([client.sock], [], [], 0.02)[0]:
            client.send(b" ")
        answer = client.read_response()
    assert (answer.status, answer.json()["code"]) == (408, "request_timeout")


def test_wrong_ones_begin_none(here):
    for fields in ({"key": make_key()}, {"code": make_key()}, {"key": "x"}, {"key": here.people.tokens["one"][0].key}):
        assert_problem(begin(here, **fields), 401, "bad_sign_in")
    assert_problem(begin(here, key=here.people.service.key), 403, "role_missing")


def test_a_page_elsewhere_signs_nobody_in(here):
    key = here.people.viewer.key
    for field in (("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")):
        assert_problem(begin(here, [field], key=key), 403, "forbidden")
    assert begin(here, [("Origin", f"http://{here.api.host}")], key=key).status == 201
    cookie = ("Cookie", cookie_of(begin(here, key=key)))
    for field in (("Origin", "https://evil.example"), ("Origin", APP), ("Sec-Fetch-Site", "same-site"), ("X", "")):
        assert_problem(here.api.delete("/api/session", headers=[elsewhere(), cookie, field]), 403, "forbidden")
    assert ask(here, headers=[cookie]).status == 200


def test_a_listed_page_reads_every_answer(here):
    """Refusals as well, whoever makes them; other pages none."""
    admin, page, big = here.people.admin.key, ("Origin", APP), b'{"name": "%s"}' % (b"x" * (1 << 20))
    answers = {
        200: ask(here, admin, headers=[page]), 401: ask(here, headers=[page]),
        400: ask(here, admin, "/api/teams?x=1", headers=[page]), 404: ask(here, admin, "/api/nowhere", headers=[page]),
        403: ask(here, admin, headers=[page], host="evil.example"),
        405: here.api.delete("/api/me", admin, headers=[page]),
        413: here.api.post("/api/teams", admin, body=big, headers=[page]),
        415: here.api.post("/api/teams", admin, body=b"{}", headers=[page, ("Content-Type", "text/plain")])}
    for status, answer in answers.items():
        assert answer.status == status, answer.json
        assert answer.headers.all("access-control-allow-origin") == [APP], status
        assert answer.headers.get("vary") == "Origin", status
        # Nothing that there is not.
        assert answer.headers.get("access-control-expose-headers") == "Tollgate-Request-Id, Retry-After"
        assert answer.headers.get("access-control-allow-credentials") is None
    for origin in ("https://evil.example", APP + ".evil.example", "null"):
        for path in ("/api/me", "/api/nowhere"):
            assert ask(here, admin, path, headers=[("Origin", origin)]).headers.get("access-control-allow-origin") is None
    preflight = here.api.exchange("OPTIONS", "/api/tokens", headers=[page, ("Access-Control-Request-Method", "POST")])
    assert (preflight.status, preflight.get("access-control-allow-origin")) == (204, APP)
    assert preflight.get("access-control-allow-headers") == "Authorization, X-API-Key, Content-Type, Idempotency-Key"


def test_a_name_that_is_not_the_managers(here):
    """DNS rebinding: a page's own name is made to mean this machine."""
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "tollgate.internal.evil.example"):
        assert_problem(ask(here, here.people.viewer.key, host=host), 403, "forbidden")
    for host in ("localhost", "tollgate.internal:1", "[::1]:8000"):
        assert ask(here, here.people.viewer.key, host=host).status == 200


def test_ways_to_sign_in(here):
    ways = ask(here, path="/api/sign-in").json
    assert ways["key"] and ways["link"]
    assert [i["issuer"] for i in ways["issuers"]] == [CLERK, OIDC]


# --- settings, and the database away: last, since they change what the others see ---

def reload(here, **settings):
    told = len(here.gateway.log())
    here.gateway.settings.update(settings)
    here.gateway.write_config()
    here.gateway.reload()
    eventually(lambda: " reloaded" in here.gateway.log()[told:], "it is reloaded")


def holding(here, statement):
    """A session that holds what the statement locks."""
    held = here.database.cluster.connect(here.database.name)
    held.autocommit = False
    held.cursor().execute(statement)
    return held


def test_a_slow_database_is_not_away(here):
    """Who cannot be looked up in time has not the rights of before."""
    key = here.people.viewer.key
    assert ask(here, key).status == 200
    held = holding(here, "LOCK TABLE tollgate_user_keys IN ACCESS EXCLUSIVE MODE")
    try:
        # All are to be looked up again.
        reload(here, access_log=here.gateway.settings.get("access_log", True))
        answer = ask(here, key)
        assert_problem(answer, 503, "database_unavailable")
        assert int(answer.headers.get("retry-after")) > 0 and "in time" in answer.json["detail"]
    finally:
        held.close()
    assert not ask(here, key, "/api/me").json["is_stale"]


def test_a_change_that_waits_holds_up_nobody_who_comes(clerk, here):
    """Neither by a key, nor by a token that says what the one before it said."""
    assert ask(here, clerk_token(clerk, sub="comes again", org_id="org_1")).status == 200
    waiting = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
               "AND application_name = 'tollgate manager changes'")

    def came_while_it_waited():
        key, _ = here.people.add_key(here.people.viewer.id)
        token = clerk_token(clerk, sub="comes again", org_id="org_1")
        held = holding(here, "SELECT pg_advisory_xact_lock(hashtext('tollgate: people'))")
        with held, here.gateway.manager() as slow:
            slow.send_request("POST", "/api/teams", [
                ("Authorization", f"Bearer {here.people.admin.key}"), ("Content-Type", "application/json")],
                b'{"name": "waits"}', host=here.api.host)
            eventually(lambda: here.database.value(waiting) == 1, "the change waits")
            assert ask(here, key).status == ask(here, token).status == 200
            still = here.database.value(waiting) == 1
        held.close()
        return still

    eventually(came_while_it_waited, "somebody comes while a change waits")


def test_default_role(clerk, here):
    sign_in = dict(here.gateway.settings["sign_in"])
    token = clerk_token(clerk, sub="anybody")
    assert not who(here, token)["has_role"]
    reload(here, sign_in={**sign_in, "default_role": "viewer"})
    eventually(lambda: ask(here, token, "/api/scopes").status == 200, "everybody sees")
    session = who(here, token)
    assert session["user"]["sees_all"] and session["user"]["teams"] == [] and session["user"]["id"]
    # Who was vouched for sees as much by any other way.
    link = make_key()
    here.people.ask("people_code_make", None, session["user"]["id"], key_hash(link), 300)
    assert begin(here, code=link).json["user"]["sees_all"]
    assert not who(here, here.people.stranger.key)["has_role"]
    reload(here, sign_in=sign_in)
    eventually(lambda: ask(here, token, "/api/scopes").status == 403, "nobody else sees")


def test_secure_cookies(here):
    manager = dict(here.gateway.settings["manager"])
    plain = ("Cookie", cookie_of(begin(here, key=here.people.viewer.key)))
    reload(here, manager={**manager, "public_url": "https://tollgate.example"})
    eventually(lambda: begin(here, key=here.people.viewer.key).headers.get("set-cookie").startswith("__Host-"),
               "the address is known")
    begun = begin(here, [("Origin", "https://tollgate.example")], key=here.people.viewer.key)
    name, *flags = begun.headers.get("set-cookie").split("; ")
    assert name.startswith("__Host-tollgate_session=tgs_")
    assert flags == ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Lax", "Secure"]
    assert ask(here, headers=[("Cookie", name)], host="tollgate.example").status == 200
    assert ask(here, headers=[plain]).status == 401
    reload(here, manager=manager)
    eventually(lambda: ask(here, headers=[plain]).status == 200, "it is as before")


def assert_away(answer):
    """The keys of Clerk's issuer are not there: a sentence says whose."""
    assert_problem(answer, 503, "provider_unavailable")
    assert int(answer.headers.get("retry-after")) > 0
    assert f"the keys of {CLERK}, " in answer.json["detail"]


def test_keys_by_https(authority, upstreams, clerk, here):
    """Of the provider's own authority; never from where it points to, nor more than there may be."""
    with open(clerk.jwks_file, "rb") as f:
        keys = f.read()

    def serve(conn):
        for request in requests_of(conn):
            if request.head.start.split()[1] == "/moved":
                conn.respond("302 Found", [("Location", "/keys")])
            else:
                conn.respond(body={"/keys": keys, "/large": keys + b" " * 300000}.get(
                    request.head.start.split()[1], b'{"keys": []}'))

    server = upstreams(serve, tls=authority.server_context(["IP:127.0.0.1"]))
    sign_in = dict(here.gateway.settings["sign_in"])
    issuer = {k: v for k, v in sign_in["issuers"][0].items() if k != "jwks_file"}

    def fetch_from(path, **more):
        reload(here, sign_in={**sign_in, "issuers": [
            {**issuer, "jwks_url": server.url + path, **more}, sign_in["issuers"][1]]})

    for path, ca in (("/moved", True), ("/large", True), ("/none", True), ("/keys", False)):
        told = len(here.gateway.log())
        fetch_from(path, **({"ca_file": authority.file} if ca else {}))
        eventually(lambda: f"the keys of {CLERK} cannot be had" in here.gateway.log()[told:], f"{path} is refused")
        answer = ask(here, clerk_token(clerk))
        assert_away(answer)
    fetch_from("/keys", ca_file=authority.file)
    eventually(lambda: ask(here, clerk_token(clerk)).status == 200, "the keys are there")
    reload(here, sign_in=sign_in)
    eventually(lambda: ask(here, clerk_token(clerk)).status == 200, "they are in the file")


def test_a_provider_that_is_away_and_comes(upstreams, clerk, oidc, here):
    """Its tokens are told to come later, and count as no failures; then its keys are there. All others go on."""
    with open(clerk.jwks_file, "rb") as f:
        keys = f.read()
    comes = threading.Event()

    def serve(conn):
        for _ in requests_of(conn):
            comes.wait()
            conn.respond(body=keys)

    server = upstreams(serve)
    sign_in = dict(here.gateway.settings["sign_in"])
    by_url = {k: v for k, v in sign_in["issuers"][0].items() if k != "jwks_file"}
    reload(here, sign_in={**sign_in, "issuers": [sign_in["issuers"][1], {**by_url, "jwks_url": server.url + "/keys"}]})
    try:
        eventually(lambda: ask(here, oidc_token(oidc)).status == 200, "the other one's keys are there")
        before = tried(here)
        for path in ("/api/session", "/api/me", "/api/tokens"):
            assert_away(ask(here, clerk_token(clerk), path))
        # Nobody can tell that this one is forged.
        assert_away(ask(here, clerk_token(clerk, key=clerk.stranger)))
        assert tried(here) == before
        assert ask(here, oidc_token(oidc)).status == ask(here, here.people.viewer.key).status == 200
    finally:
        comes.set()
    # Where the first fetch was given up meanwhile, the next one is half a minute later.
    eventually(lambda: ask(here, clerk_token(clerk)).status == 200, "its keys are there", patience_s=60)
    reload(here, sign_in=sign_in)
    eventually(lambda: ask(here, clerk_token(clerk)).status == 200, "they are in the file")


def test_a_key_that_left_the_set(clerk, here):
    clerk.publish([clerk.stranger])
    reload(here, sign_in={**here.gateway.settings["sign_in"], "issuers": [
        {**here.gateway.settings["sign_in"]["issuers"][0], "algorithms": ["RS256", "ES256"]},
        here.gateway.settings["sign_in"]["issuers"][1]]})
    eventually(lambda: ask(here, clerk_token(clerk, key=clerk.stranger)).status == 200, "the new key counts")
    assert_bad(here, clerk_token(clerk), "no key of its kid")


def test_the_database_away(cluster, here):
    cookie = ("Cookie", cookie_of(begin(here, key=here.people.viewer.key)))
    own = ("Sec-Fetch-Site", "same-origin")
    assert ask(here, headers=[cookie]).status == 200
    here.gateway.expect_error("")
    cluster.stop()
    try:
        # All is to be asked for again, and nobody answers.
        reload(here, access_log=here.gateway.settings.get("access_log", True))
        eventually(lambda: here.api.get("/api/session", make_key(), headers=[elsewhere()]).status == 503,
                   "the database is away")
        session = ask(here, headers=[cookie])
        assert (session.status, session.json["user"]["name"]) == (200, "viewer")
        assert session.json["expires_at"].endswith("Z")
        assert_problem(here.api.delete("/api/session", headers=[elsewhere(), cookie, own]), 503, "database_unavailable")
        assert_problem(begin(here, key=here.people.viewer.key), 503, "database_unavailable")
        assert_problem(ask(here, make_key()), 503, "database_unavailable")
    finally:
        cluster.start()
    eventually(lambda: here.api.delete("/api/session", headers=[elsewhere(), cookie, own]).status == 204,
               "the database is there again")
    assert ask(here, headers=[cookie]).status == 401
