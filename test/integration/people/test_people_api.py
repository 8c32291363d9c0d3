"""The manager's calls about people: teams, members, users, what they sign in with, the audit."""
import re
import threading

import pytest

from tg.api import Api
from tg.wait import eventually

KEY = re.compile(r"tgu_[0-9A-Za-z]{38}\Z")
# PostgreSQL leaves out zeros at the end.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z")


@pytest.fixture
def api(managed):
    return managed.api


@pytest.fixture
def people(managed):
    return managed.people


def good(answer, status=200):
    assert answer.status == status, answer
    return answer.json


def bad(answer, status, code, **errors):
    """errors: where the faults are, in order, by pointer or parameter."""
    assert (answer.status, answer.json["code"]) == (status, code), answer
    told = [next(v for k, v in e.items() if k != "detail") for e in answer.json.get("errors", [])]
    if errors:
        assert sorted(told) == sorted(errors["at"]), answer.json
    return answer.json


def names(page):
    return [item["name"] for item in page["items"]]


# --- /api/me ---

def test_me(api, people):
    me = good(api.get("/api/me", people.manager.key))
    assert me["user"] == {"id": people.manager.id, "name": "manager", "email": None, "kind": "person"}
    assert (me["signed_in"]["by"], me["signed_in"]["key_id"]) == ("key", people.manager.key_id)
    assert (me["role"], me["advice"], me["sees_all"]) == ("manager", None, False)
    assert me["teams"] == [{"id": people.teams["one"], "name": "one", "role": "manager"}]
    assert me["may"] == {"view": True, "manage": True, "administer": False}
    assert good(api.get("/api/me", people.admin.key))["may"]["administer"] is True
    assert good(api.get("/api/me", people.service.key))["user"]["kind"] == "service"
    viewer = good(api.get("/api/me", people.viewer.key))
    assert (viewer["role"], viewer["may"]["manage"]) == ("viewer", False)


def test_me_without_rights(api, people):
    me = good(api.get("/api/me", people.stranger.key))
    assert (me["role"], me["teams"], set(me["may"].values())) == ("none", [], {False})
    assert f"tollgate team member TEAM {people.stranger.id}" in me["advice"]
    bad(api.get("/api/teams", people.stranger.key), 403, "no_role")
    assert api.get("/api/me").status == 401


# --- teams ---

def test_teams(api, people):
    admin = people.admin.key
    made = good(api.post("/api/teams", admin, {
        "name": "third", "scopes_most": ["openai"], "lifetime_most_s": 86400,
        "address_ranges_most": ["10.0.0.0/8", "2001:db8::/32"]}), 201)
    assert (made["name"], made["scopes_most"], made["lifetime_most_s"], made["tokens"], made["state"]) == (
        "third", ["openai"], 86400, 0, "active")
    assert made["address_ranges_most"] == ["10.0.0.0/8", "2001:db8::/32"]
    assert TIME.match(made["created_at"])
    path = f"/api/teams/{made['id']}"
    assert good(api.get(path, admin)) == made
    changed = good(api.patch(path, admin, {"name": "3rd", "scopes_most": None, "disabled": True}))
    assert (changed["name"], changed["scopes_most"], changed["lifetime_most_s"], changed["state"]) == (
        "3rd", None, 86400, "disabled")
    assert good(api.patch(path, admin, {"disabled": False}))["disabled_at"] is None
    assert good(api.patch(path, admin, {}))["name"] == "3rd"
    assert names(good(api.get("/api/teams?q=3R", admin))) == ["3rd"]
    bad(api.post("/api/teams", admin, {"name": "3RD"}), 409, "conflict", at=["#/name"])
    bad(api.patch(f"/api/teams/{people.teams['one']}", admin, {"name": "3rd"}), 409, "conflict")
    assert api.delete(path, admin).status == 204
    bad(api.delete(path, admin), 404, "not_found")
    bad(api.get(path, admin), 404, "not_found")


def test_a_team_with_tokens_stays(api, people):
    one = f"/api/teams/{people.teams['one']}"
    assert "has tokens (2" in bad(api.delete(one, people.admin.key), 409, "conflict")["detail"]
    lowered = good(api.patch(one, people.admin.key, {"scopes_most": ["nothing"]}))
    assert names({"items": lowered["above_ceiling"]}) == ["one-a", "one-b"]
    assert good(api.get(one, people.viewer.key))["above_ceiling"] == lowered["above_ceiling"]
    assert good(api.patch(one, people.admin.key, {"scopes_most": None}))["above_ceiling"] == []


def test_teams_that_one_sees(api, people):
    for person, seen in ((people.manager, ["one"]), (people.viewer, ["one"]), (people.other, ["two"])):
        assert names(good(api.get("/api/teams", person.key))) == seen
    unseen, never = (bad(api.get(f"/api/teams/{team}", people.other.key), 404, "not_found")
                     for team in (people.teams["one"], 999999))
    assert unseen["detail"] == never["detail"] and unseen.get("errors") == never.get("errors")
    for key in (people.manager.key, people.viewer.key):
        bad(api.post("/api/teams", key, {"name": "mine"}), 403, "role_missing")
        bad(api.patch(f"/api/teams/{people.teams['one']}", key, {"name": "mine"}), 403, "role_missing")
        bad(api.delete(f"/api/teams/{people.teams['one']}", key), 403, "role_missing")


@pytest.mark.parametrize("body, at", [
    ({}, ["#/name"]), ({"name": None}, ["#/name"]), ({"name": ""}, ["#/name"]),
    ({"name": "12"}, ["#/name"]), ({"name": "a\u0007"}, ["#/name"]), ({"name": 1}, ["#/name"]),
    ({"name": "x" * 101, "tokens": 1}, ["#/name", "#/tokens"]),
    ({"name": "x", "scopes_most": "openai"}, ["#/scopes_most"]),
    ({"name": "x", "scopes_most": ["a", 1]}, ["#/scopes_most/1"]),
    ({"name": "x", "scopes_most": ["a b"]}, ["#/scopes_most"]),
    ({"name": "x", "lifetime_most_s": 0}, ["#/lifetime_most_s"]),
    ({"name": "x", "lifetime_most_s": 1.5}, ["#/lifetime_most_s"]),
    ({"name": "x", "lifetime_most_s": 10 ** 30}, ["#/lifetime_most_s"]),
    ({"name": "x", "address_ranges_most": []}, ["#/address_ranges_most"]),
    ({"name": "x", "address_ranges_most": ["10.0.0.1/8"]}, ["#/address_ranges_most"]),
])
def test_a_team_that_is_not_made(api, people, body, at):
    bad(api.post("/api/teams", people.admin.key, body), 400, "invalid_field", at=at)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"name": "a", "name": "b"}', b'{"name": "\\ud800"}',
                                  b'{"name": "\\u0000"}', b"\xff", b'{"name": 01}', b"{}{}"])
def test_bodies_that_are_none(api, people, body):
    bad(api.post("/api/teams", people.admin.key, body=body), 400, "invalid_field")


@pytest.mark.parametrize("name", ["x'; DROP TABLE tollgate_teams; --", "<script>", "\u202eevil", "日本語", "%s%n",
                                  "a\\b", 'a"b', "${jndi:ldap://x}"])
def test_names_are_kept_as_they_are(api, people, name):
    made = good(api.post("/api/teams", people.admin.key, {"name": name}), 201)
    assert good(api.get(f"/api/teams/{made['id']}", people.admin.key))["name"] == name
    assert api.delete(f"/api/teams/{made['id']}", people.admin.key).status == 204


@pytest.mark.parametrize("path", ["/api/teams/one", "/api/teams/-1", "/api/teams/0", "/api/teams/1e3",
                                  "/api/teams/9223372036854775808", "/api/teams/1%20", "/api/users/x/keys",
                                  "/api/users/%27%20OR%201", "/api/users/99999999999999999999999/sessions"])
def test_ids_that_are_none(api, people, path):
    bad(api.get(path, people.admin.key), 404, "not_found")


# --- lists ---

def test_pages(api, people):
    first = good(api.get("/api/users?limit=2&state=active", people.admin.key))
    assert len(first["items"]) == 2 and first["next"].startswith("/api/users?limit=2&state=active&after=")
    everyone = api.pages("/api/users?limit=2&state=active", people.admin.key)
    assert [u["id"] for u in everyone] == sorted({p.id for p in people.all()})
    found = good(api.get("/api/users?limit=1&q=%26e%3D%C3%A9%2B+", people.admin.key))
    assert found == {"items": [], "next": None}


@pytest.mark.parametrize("query, at", [
    ("limit=0", ["limit"]), ("limit=201", ["limit"]), ("limit=ten", ["limit"]), ("after=x", ["after"]),
    ("limit=0&after=-1", ["after", "limit"]), ("state=gone", ["state"]), ("kind=cat", ["kind"]),
    ("colour=red", ["colour"]), ("limit=1&limit=2", ["limit"]), ("q=%ff", ["q"]),
])
def test_queries_that_are_none(api, people, query, at):
    bad(api.get(f"/api/users?{query}", people.admin.key), 400, "invalid_field", at=at)


# --- members ---

def test_members(api, people):
    one, who = f"/api/teams/{people.teams['one']}/members", people.stranger
    team = good(api.put(f"{one}/{who.id}", people.manager.key, {"role": "viewer"}))
    assert {"id": who.id, "name": "stranger", "role": "viewer"} in team["members"]
    assert good(api.get(f"/api/teams/{people.teams['one']}", people.viewer.key)) == team
    team = good(api.put(f"{one}/{who.id}", people.service.key, {"role": "manager"}))
    assert {"id": who.id, "name": "stranger", "role": "manager"} in team["members"]
    for _ in range(2):
        assert api.delete(f"{one}/{who.id}", people.manager.key).status == 204
    bad(api.put(f"{one}/{who.id}", people.viewer.key, {"role": "viewer"}), 403, "role_missing")
    bad(api.put(f"{one}/{who.id}", people.other.key, {"role": "viewer"}), 404, "not_found")
    bad(api.delete(f"{one}/{who.id}", people.other.key), 404, "not_found")
    bad(api.put(f"{one}/999999", people.manager.key, {"role": "viewer"}), 404, "not_found")
    bad(api.put(f"/api/teams/999999/members/{who.id}", people.admin.key, {"role": "viewer"}), 404, "not_found")
    for body in ({}, {"role": "admin"}, {"role": None}, {"role": "viewer", "user": 1}):
        bad(api.put(f"{one}/{who.id}", people.manager.key, body), 400, "invalid_field")


# --- users ---

def test_users(api, people):
    admin = people.admin.key
    made = good(api.post("/api/users", admin, {"name": "nina", "email": "nina@example.com"}), 201)
    assert (made["name"], made["email"], made["kind"], made["is_admin"], made["state"], made["teams"]) == (
        "nina", "nina@example.com", "person", False, "active", [])
    path = f"/api/users/{made['id']}"
    assert good(api.get(path, admin)) == made
    changed = good(api.patch(path, admin, {"name": "Nina", "email": None, "is_admin": True}))
    assert (changed["name"], changed["email"], changed["is_admin"]) == ("Nina", None, True)
    assert good(api.patch(path, admin, {"disabled": True}))["state"] == "disabled"
    assert names(good(api.get("/api/users?state=disabled", admin))) == ["Nina"]
    bad(api.post("/api/users", admin, {"name": "NINA"}), 409, "conflict", at=["#/name"])
    assert [api.delete(path, admin).status for _ in range(2)] == [204, 204]
    assert good(api.get(path, admin))["state"] == "removed"
    again = good(api.post("/api/users", admin, {"name": "nina", "kind": "service"}), 201)
    bad(api.patch(path, admin, {"disabled": False, "name": "nina"}), 409, "conflict")
    assert good(api.patch(path, admin, {"disabled": False, "name": "nina two"}))["state"] == "active"
    for some in (made, again):
        assert api.delete(f"/api/users/{some['id']}", admin).status == 204
    bad(api.delete("/api/users/999999", admin), 404, "not_found")


@pytest.mark.parametrize("body, at", [
    ({}, ["#/name"]), ({"name": "a", "email": "nowhere"}, ["#/email"]),
    ({"name": "a", "kind": "cat", "is_admin": "yes"}, ["#/is_admin", "#/kind"]),
    ({"name": "a", "key": {"hash": "0" * 64}}, ["#/key"]), ({"name": "a", "teams": []}, ["#/teams"]),
    ({"name": " a"}, ["#/name"]),
])
def test_a_user_that_is_not_made(api, people, body, at):
    bad(api.post("/api/users", people.admin.key, body), 400, "invalid_field", at=at)


def test_what_others_see_of_users(api, people):
    seen = good(api.get("/api/users", people.manager.key))["items"]
    assert {u["id"] for u in seen} >= {p.id for p in people.all()}
    assert all("email" not in u for u in seen if u["id"] != people.manager.id)
    bad(api.get("/api/users", people.viewer.key), 403, "role_missing")
    assert good(api.get(f"/api/users/{people.viewer.id}", people.viewer.key))["name"] == "viewer"
    unseen, never = (bad(api.get(f"/api/users/{who}", people.viewer.key), 404, "not_found")
                     for who in (people.admin.id, 999999))
    assert unseen["detail"] == never["detail"]
    for method, path, body in (("POST", "/api/users", {"name": "x"}),
                               ("PATCH", f"/api/users/{people.manager.id}", {"is_admin": True}),
                               ("DELETE", f"/api/users/{people.viewer.id}", None)):
        for person in (people.manager, people.viewer, people.service):
            bad(api.call(method, path, person.key, body), 403, "role_missing")


# --- keys, sessions, identities ---

def test_keys(api, people):
    path = f"/api/users/{people.viewer.id}/keys"
    made = good(api.post(path, people.viewer.key, {"name": "laptop", "expires_at": "2099-01-01T08:00:00+08:00"}),
                201)
    assert KEY.match(made["key"]) and made["key_start"] == made["key"][:8]
    assert (made["name"], made["expires_at"], made["state"]) == ("laptop", "2099-01-01T00:00:00.000000Z", "active")
    assert good(api.get("/api/me", made["key"]))["signed_in"]["key_id"] == made["id"]
    listed = good(api.get(path, people.admin.key))["items"]
    assert [k["name"] for k in listed] == ["test", "laptop"] and all("key" not in k for k in listed)
    assert listed[1]["last_used_at"] is None or TIME.match(listed[1]["last_used_at"])
    unnamed = good(api.post(path, people.admin.key), 201)
    assert (unnamed["name"], unnamed["expires_at"]) == ("", None)
    for key in (made, unnamed):
        assert [api.delete(f"{path}/{key['id']}", people.viewer.key).status for _ in range(2)] == [204, 204]
        eventually(lambda k=key: api.get("/api/me", k["key"]).status == 401, "a revoked key signs nobody in")
    bad(api.delete(f"{path}/{people.admin.key_id}", people.viewer.key), 404, "not_found")
    bad(api.delete(f"/api/users/{people.admin.id}/keys/{people.admin.key_id}", people.viewer.key), 404, "not_found")
    bad(api.post(path, people.manager.key), 403, "role_missing")
    bad(api.get(path, people.other.key), 403, "role_missing")
    service = good(api.post(f"/api/users/{people.service.id}/keys", people.service.key, {"name": "next"}), 201)
    assert service["expires_at"] is not None
    assert api.delete(f"/api/users/{people.service.id}/keys/{service['id']}", people.admin.key).status == 204
    for body, at in (({"expires_at": "soon"}, ["#/expires_at"]), ({"expires_at": "2020-01-01T00:00:00Z"},
                     ["#/expires_at"]), ({"expires_at": "2099-02-30T00:00:00Z"}, ["#/expires_at"]),
                     ({"name": "x" * 101, "key": "tgu_x"}, ["#/key", "#/name"])):
        bad(api.post(path, people.viewer.key, body), 400, "invalid_field", at=at)


def test_sessions(api, people, managed):
    who = {"user_id": people.viewer.id, "name": "viewer", "address": "192.0.2.9"}
    ids = [people.ask("people_session_start", who, people.viewer.id, c * 64, 3600, "agent\"<")["session_id"]
           for c in "abc"]
    path = f"/api/users/{people.viewer.id}/sessions"
    listed = good(api.get(path, people.viewer.key))["items"]
    assert [s["id"] for s in listed] == ids and listed[0]["user_agent"] == 'agent"<'
    assert "cookie_hash" not in str(listed) and "a" * 64 not in str(listed)
    assert [s["id"] for s in api.pages(f"{path}?limit=1", people.admin.key)] == ids
    bad(api.delete(f"{path}/{ids[0]}", people.manager.key), 403, "role_missing")
    bad(api.delete(f"/api/users/{people.manager.id}/sessions/{ids[0]}", people.manager.key), 404, "not_found")
    assert api.delete(f"{path}/{ids[0]}", people.viewer.key).status == 204
    assert [s["id"] for s in good(api.get(path, people.viewer.key))["items"]] == ids[1:]
    assert api.delete(path, people.admin.key).status == 204
    assert good(api.get(path, people.viewer.key))["items"] == []


def test_identities(api, people):
    path = f"/api/users/{people.viewer.id}/identities"
    body = {"issuer": "https://issuer.example", "subject": "user_1"}
    made = good(api.post(path, people.admin.key, body), 201)
    assert (made["issuer"], made["subject"], made["user_id"]) == (*body.values(), people.viewer.id)
    assert good(api.get(path, people.viewer.key))["items"] == [made]
    bad(api.post(path, people.admin.key, body), 409, "conflict", at=["#/subject"])
    bad(api.post(path, people.admin.key, {"issuer": "", "sub": "x"}), 400, "invalid_field",
        at=["#/issuer", "#/sub", "#/subject"])
    bad(api.post(path, people.viewer.key, body), 403, "role_missing")
    bad(api.post(f"/api/users/{people.service.id}/identities", people.admin.key, {"issuer": "i", "subject": "s"}),
        409, "conflict")
    bad(api.delete(f"{path}/{made['id']}", people.viewer.key), 403, "role_missing")
    assert api.delete(f"{path}/{made['id']}", people.admin.key).status == 204
    bad(api.delete(f"{path}/{made['id']}", people.admin.key), 404, "not_found")


# --- who asks to be let in ---

def test_access_requests(api, people, managed):
    for subject, name in (("s1", "Vera"), ("s2", "Mallory"), ("s3", "X")):
        people.ask("people_identity_seen", {"issuer": "https://i.example", "subject": subject, "name": name})
    asked = good(api.get("/api/access-requests", people.admin.key))["items"]
    assert [(r["subject"], r["name"], r["state"]) for r in asked] == [
        ("s1", "Vera", "open"), ("s2", "Mallory", "open"), ("s3", "X", "open")]
    for person in (people.manager, people.viewer):
        bad(api.get("/api/access-requests", person.key), 403, "role_missing")
        bad(api.post(f"/api/access-requests/{asked[0]['id']}/grant", person.key, {}), 403, "role_missing")
    vera = good(api.post(f"/api/access-requests/{asked[0]['id']}/grant", people.admin.key,
                         {"team_id": people.teams["one"], "role": "viewer"}))
    assert (vera["name"], [t["role"] for t in vera["teams"]]) == ("Vera", ["viewer"])
    refused = good(api.post(f"/api/access-requests/{asked[1]['id']}/refuse", people.admin.key))
    assert refused["state"] == "refused"
    assert people.ask("people_identity_seen", {"issuer": "https://i.example", "subject": "s2"}
                      )["state"] == "unknown"
    third = f"/api/access-requests/{asked[2]['id']}/grant"
    bad(api.post(third, people.admin.key, {"role": "viewer"}), 400, "invalid_field", at=["#/role"])
    bad(api.post(third, people.admin.key, {"user_id": "1", "boss": True}), 400, "invalid_field",
        at=["#/boss", "#/user_id"])
    bad(api.post(third, people.admin.key, {"user_id": people.viewer.id, "name": "x"}), 400, "invalid_field")
    bad(api.post(third, people.admin.key, {"team_id": 999999, "role": "viewer"}), 404, "not_found")
    assert good(api.post(third, people.admin.key, {"user_id": people.other.id}))["id"] == people.other.id
    bad(api.post(third, people.admin.key, {}), 404, "not_found")
    assert good(api.get("/api/access-requests", people.admin.key))["items"] == []
    assert len(good(api.get("/api/access-requests?state=refused", people.admin.key))["items"]) == 1


# --- the audit ---

def test_audit(api, people):
    one = people.teams["one"]
    good(api.put(f"/api/teams/{one}/members/{people.stranger.id}", people.manager.key, {"role": "viewer"}))
    said = api.exchange("DELETE", f"/api/teams/{one}/members/{people.stranger.id}", people.manager.key)
    line = good(api.get("/api/audit?limit=1", people.admin.key))["items"][0]
    assert (line["action"], line["actor"], line["user_id"], line["team_id"]) == (
        "member.deleted", "manager", people.manager.id, one)
    assert (line["target"], line["address"], line["after"]) == ("member", "127.0.0.1", None)
    assert line["request_id"] == said.head.get("tollgate-request-id") and TIME.match(line["created_at"])
    assert line["before"]["role"] == "viewer" and TIME.match(line["before"]["created_at"])
    lines = api.pages("/api/audit?limit=7", people.admin.key)
    assert [i["id"] for i in lines] == sorted({i["id"] for i in lines}, reverse=True)
    assert not [s for s in people.keys() if s in str(lines)]
    mine = api.pages("/api/audit?limit=7", people.manager.key)
    assert mine and all(one in (i["team_id"], i["former_team_id"]) for i in mine)
    assert {i["action"] for i in good(api.get("/api/audit?user=manager&action=member.created",
                                              people.admin.key))["items"]} == {"member.created"}
    assert good(api.get("/api/audit?team=two&user=manager", people.admin.key))["items"] == []
    assert good(api.get("/api/audit?to=2020-01-01T00:00:00%2B08:00", people.admin.key))["items"] == []
    bad(api.get("/api/audit", people.viewer.key), 403, "role_missing")
    bad(api.get("/api/audit?from=now", people.admin.key), 400, "invalid_field", at=["from"])
    bad(api.get("/api/audit?to=2020-01-01T00:00:00+08:00", people.admin.key), 400, "invalid_field", at=["to"])
    bad(api.get("/api/audit?user=nobody", people.admin.key), 404, "not_found", at=["user"])
    assert api.call("DELETE", "/api/audit", people.admin.key).status == 405


def test_the_audit_does_not_tell_who_else_there_is(api, managed, people):
    """What a manager may not see is answered as what is not there, in the same words."""
    removed = people.add("removed long ago")
    managed.database.query("UPDATE tollgate_users SET removed_at = now() WHERE id = %s", (removed.id,))
    for parameter, there, not_there in (("team", people.teams["two"], 999999), ("team", "two", "nine"), ("user", removed.id, 999999)):
        def told(value, parameter=parameter):
            problem = bad(api.get(f"/api/audit?{parameter}={value}", people.manager.key), 404, "not_found")
            return str({**problem, "instance": None}).replace(str(value), "VALUE")
        assert told(there) == told(not_there)
        assert api.get(f"/api/audit?{parameter}={there}", people.admin.key).status == 200


# --- two changes at once ---

def test_two_admins_cannot_lower_each_other(managed, people):
    second = people.add("second", is_admin=True)
    answers = {}

    def lower(by, whom):
        answers[whom.name] = Api(managed.gateway).patch(f"/api/users/{whom.id}", by.key, {"is_admin": False}).status

    threads = [threading.Thread(target=lower, args=pair)
               for pair in ((people.admin, second), (second, people.admin))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Whoever came second was no admin any more, or would have been the last one.
    assert sorted(answers.values())[0] == 200 and sorted(answers.values())[1] in (403, 409), answers
    assert people.database.value("SELECT count(*) FROM tollgate_users WHERE is_admin AND removed_at IS NULL") == 1
    people.ask("people_user_change", None, people.admin.id, {"is_admin": True})
    people.ask("people_user_remove", None, second.id)


def test_the_last_admin_stays(api, people):
    path = f"/api/users/{people.admin.id}"
    for change in ({"is_admin": False}, {"disabled": True}):
        assert "no admin" in bad(api.patch(path, people.admin.key, change), 409, "conflict")["detail"]
    bad(api.delete(path, people.admin.key), 409, "conflict")
    bad(api.delete(f"{path}/keys/{people.admin.key_id}", people.admin.key), 409, "conflict")
