"""/api/tokens and /api/lookup: what each role may, what is refused, and what changes at the gateway."""
import itertools
import re
import threading
from json import loads
from urllib.parse import quote, urlencode

import pytest

from tg.api import key_hash, make_key
from tg.gateway import run_cli
from tg.upstream import echo
from tg.wait import eventually

MANAGED = {"upstream": echo}

KEY = re.compile(r"ntk_[0-9A-Za-z]{38}\Z")
NAMES = itertools.count(1)
HOSTILE = ["'; DROP TABLE tokens; --", "$1", "%s%n\\", "\"}{", "a'b\\'c", "名前 ☃", "<script>", "..%2f.."]


@pytest.fixture
def call(managed):
    """call(person, method, path, body): the answer's JSON; of `status`, or of 200 and 201."""
    def ask(person, method, path, json=None, status=None, **how):
        answer = managed.api.call(method, path, person.key, json, **how)
        assert answer.status in ([status] if status else [200, 201]), answer.json
        return answer.json
    return ask


@pytest.fixture
def make(managed, call):
    """make(person, **fields): a new token, with its key."""
    def create(person=None, **fields):
        person = person or managed.people.admin
        if person is not managed.people.admin:
            fields.setdefault("team_id", managed.people.teams["one"])
        fields.setdefault("scopes", ["test"])
        return call(person, "POST", "/api/tokens", {"name": f"made {next(NAMES)}", **fields})
    return create


def faults(problem):
    return [e.get("pointer", e.get("parameter")) for e in problem["errors"]]


def refused(call, person, method, path, json=None, status=400, code="invalid_field"):
    problem = call(person, method, path, json, status=status)
    assert problem["code"] == code, problem
    return problem


def status_of(managed, key):
    return managed.gateway.call("GET", "/api/test/x", key=key).status


def gets(managed, key, status):
    eventually(lambda: status_of(managed, key) == status, f"{status} for the key")


# --- create, read ---

def test_a_new_token(managed, call, make):
    people = managed.people
    made = make(people.manager, name="n8n flow", scopes=["test", "x", "test"], description="line\nline",
                expires_at="2999-01-01T01:00:00+01:00", address_ranges=["127.0.0.0/8", "::1"])
    assert KEY.match(made.pop("key")) and made["key_start"].startswith("ntk_")
    assert made["team"] == {"id": people.teams["one"], "name": "one", "disabled": False}
    assert (made["scopes"], made["state"], made["expires_at"], made["last_used_at"]) == (
        ["test", "x"], "active", "2999-01-01T00:00:00Z", None)
    assert made["address_ranges"] == ["127.0.0.0/8", "::1/128"]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z", made["created_at"])
    for person in (people.admin, people.manager, people.viewer, people.service):
        assert call(person, "GET", f"/api/tokens/{made['id']}") == made
    for person in (people.other,):
        refused(call, person, "GET", f"/api/tokens/{made['id']}", status=404, code="not_found")
    line = managed.database.query("SELECT * FROM tollgate_audit WHERE target = 'token' AND target_id = %s",
                                  (str(made["id"]),))
    assert [(r["action"], r["user_id"]) for r in line] == [("token.created", people.manager.id)]


def test_the_key_opens_what_it_may(managed, make):
    key = make()["key"]
    gets(managed, key, 200)
    stored = managed.database.value("SELECT string_agg(t::text, '') FROM tokens t")
    assert key not in stored and key not in managed.gateway.log()


def test_a_key_made_elsewhere(managed, call, make):
    people, key = managed.people, make_key("ntk_")
    brought = {"token_hash": key_hash(key).upper(), "key_start": key[:8]}
    made = make(**brought)
    assert made["key"] is None and made["key_start"] == key[:8]
    gets(managed, key, 200)
    fields = {"name": "mine", "team_id": people.teams["one"]}
    refused(call, people.manager, "POST", "/api/tokens", {**fields, **brought}, 403, "role_missing")
    again = refused(call, people.admin, "POST", "/api/tokens", {**fields, **brought}, 409, "conflict")
    assert made["name"] not in str(again) and faults(again) == ["#/token_hash"]
    call(people.admin, "POST", f"/api/tokens/{made['id']}/rotate", {"grace_s": 0})
    call(people.admin, "DELETE", f"/api/tokens/{made['id']}", status=204)
    refused(call, people.admin, "POST", "/api/tokens", {**fields, **brought}, 409, "conflict")
    assert faults(refused(call, people.admin, "POST", "/api/tokens", {
        **fields, "token_hash": "g" * 64})) == ["#/token_hash"]


@pytest.mark.parametrize("fields, wrong", [
    ({"name": ""}, ["#/name"]), ({"name": " a"}, ["#/name"]), ({"name": "12"}, ["#/name"]),
    ({"name": "n" * 101}, ["#/name"]), ({"name": "\u00e9" * 60}, ["#/name"]), ({"name": None}, ["#/name"]),
    ({"scopes": ["a", "b c"]}, ["#/scopes/1"]), ({"scopes": "test"}, ["#/scopes"]),
    ({"scopes": ["a';--"]}, ["#/scopes/0"]), ({"scopes": ["s" * 65]}, ["#/scopes/0"]),
    ({"expires_at": "2020-01-01T00:00:00Z"}, ["#/expires_at"]), ({"expires_at": "tomorrow"}, ["#/expires_at"]),
    ({"expires_at": 5}, ["#/expires_at"]), ({"team_id": 0}, ["#/team_id"]), ({"team_id": 9 ** 18}, ["#/team_id"]),
    ({"address_ranges": ["10.0.0.0/8", "10.1.1.1/8"]}, ["#/address_ranges/1"]),
    ({"address_ranges": ["10"]}, ["#/address_ranges/0"]), ({"address_ranges": ["::1/129"]}, ["#/address_ranges/0"]),
    ({"token_hash": "abc"}, ["#/token_hash"]), ({"key_start": "ntk_"}, ["#/key_start"]),
    ({"token_hash": "a" * 64, "key_start": "generated"}, ["#/key_start"]),
    ({"expires_at": "2099-02-30T00:00:00Z"}, ["#/expires_at"]),
    ({"more": 1, "scopes": 1, "name": 1}, ["#/more", "#/name", "#/scopes"]),
])
def test_what_cannot_be_taken(managed, call, fields, wrong):
    before = managed.database.value("SELECT count(*) FROM tokens")
    problem = refused(call, managed.people.admin, "POST", "/api/tokens", {"name": "wrong", **fields})
    assert sorted(faults(problem)) == wrong
    assert managed.database.value("SELECT count(*) FROM tokens") == before


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names(managed, call, make, text):
    name = f"{text} {next(NAMES)}"
    made = make(name=name, description=text)
    assert (made["name"], made["description"]) == (name, text)
    found = call(managed.people.admin, "GET", "/api/tokens?limit=200&q=" + quote(name))
    assert made["id"] in [t["id"] for t in found["items"]]
    for parameter in ("team", "after"):
        refused(call, managed.people.admin, "GET", f"/api/tokens?{parameter}={quote(text)}")
    call(managed.people.admin, "GET", f"/api/tokens?scope={quote(text)}")
    refused(call, managed.people.admin, "GET", f"/api/tokens/{quote(text, safe='')}", status=404, code="not_found")


def test_teams_and_who_may(managed, call, make):
    people = managed.people
    one, two = people.teams["one"], people.teams["two"]
    made = make(people.manager)
    path = f"/api/tokens/{made['id']}"
    # A manager makes none without a team, and none for others.
    assert faults(refused(call, people.manager, "POST", "/api/tokens", {"name": "x"})) == ["#/team_id"]
    refused(call, people.manager, "POST", "/api/tokens", {"name": "x", "team_id": two})
    refused(call, people.manager, "PATCH", path, {"team_id": two})
    refused(call, people.manager, "PATCH", path, {"team_id": None})
    refused(call, people.other, "PATCH", path, {"name": "x"}, 404, "not_found")
    refused(call, people.viewer, "PATCH", path, {"name": "x"}, 403, "role_missing")
    # One who sees a team and manages another may not move its tokens.
    both = people.add(f"both {made['id']}", one="viewer", two="manager")
    refused(call, both, "PATCH", path, {"name": "x"}, 403, "role_missing")
    mine = make(both, team_id=two)
    refused(call, both, "PATCH", f"/api/tokens/{mine['id']}", {"team_id": one}, 403, "role_missing")
    people.ask("people_member_set", None, one, both.id, "manager")
    eventually(lambda: managed.api.patch(f"/api/tokens/{mine['id']}", both.key, {"team_id": one}).status == 200,
               "a manager of both moves it")
    assert call(people.admin, "PATCH", path, {"team_id": None})["team"] is None
    refused(call, people.manager, "GET", path, status=404, code="not_found")
    no_team = people.tokens[None][0].id
    refused(call, people.manager, "GET", f"/api/tokens/{no_team}", status=404, code="not_found")
    call(people.admin, "GET", f"/api/tokens/{no_team}")


def test_nobody_gives_more_than_the_team_has(managed, call, make):
    people = managed.people
    team = people.ask("people_team_add", None, {
        "name": f"bound {next(NAMES)}", "scopes_most": ["test"], "lifetime_most_s": 86400,
        "address_ranges_most": ["10.0.0.0/8"]})["id"]
    fits = {"scopes": ["test"], "address_ranges": ["10.1.0.0/16"],
            "expires_at": managed.database.value("SELECT token_time(now() + interval '1 hour')")}
    for wrong, pointer in [({"scopes": ["test", "x"]}, "scopes"), ({"scopes": ["*"]}, "scopes"),
                           ({"expires_at": None}, "expires_at"), ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
                           ({"address_ranges": None}, "address_ranges"),
                           ({"address_ranges": ["10.1.0.0/16", "::/0"]}, "address_ranges")]:
        problem = refused(call, people.admin, "POST", "/api/tokens", {
            "name": "too much", "team_id": team, **fits, **wrong})
        assert faults(problem) == [f"#/{pointer}"]
    made = make(team_id=team, **fits)
    path = f"/api/tokens/{made['id']}"
    people.ask("people_team_change", None, team, {"scopes_most": ["other"]})
    # What it has stays; only what is given is held against the bounds.
    assert call(people.admin, "PATCH", path, {"name": made["name"] + "!"})["scopes"] == ["test"]
    refused(call, people.admin, "PATCH", path, {"scopes": ["test"]})
    assert call(people.admin, "PATCH", path, {"scopes": []})["scopes"] == []
    free = make()
    assert faults(refused(call, people.admin, "PATCH", f"/api/tokens/{free['id']}", {"team_id": team})) == ["#/scopes"]


def test_names_are_unique_among_the_living(managed, call, make):
    people, made = managed.people, make()
    problem = refused(call, people.admin, "POST", "/api/tokens", {"name": made["name"]}, 409, "conflict")
    assert str(made["id"]) in problem["detail"] and faults(problem) == ["#/name"]
    problem = refused(call, people.manager, "POST", "/api/tokens", {
        "name": made["name"], "team_id": people.teams["one"]}, 409, "conflict")
    assert str(made["id"]) not in problem["detail"]
    call(people.admin, "POST", f"/api/tokens/{made['id']}/revoke")
    make(name=made["name"])


# What an owner may have put on the table, how it goes again, the answer, and what names it.
RULES = {
    "check": ("ADD CONSTRAINT owner_rule CHECK (tollgate_description !~ 'hidden') NOT VALID",
              "DROP CONSTRAINT owner_rule", 400, "invalid_field", '"owner_rule"'),
    "unique": ("ADD COLUMN owner_one text UNIQUE, ALTER owner_one SET DEFAULT 'hidden'",
               "DROP COLUMN owner_one", 409, "conflict", '"tokens_owner_one_key"'),
    "reference": ("ADD COLUMN owner_of bigint REFERENCES tollgate_teams (id), ALTER owner_of SET DEFAULT 99999",
                  "DROP COLUMN owner_of", 409, "conflict", '"tokens_owner_of_fkey"'),
}


@pytest.mark.parametrize("rule", RULES)
def test_rules_of_the_owners_own(managed, call, make, rule):
    """Told as what they are, by their names, without a value of any row."""
    add, drop, status, code, name = RULES[rule]
    managed.database.query(f"ALTER TABLE tokens {add}")
    try:
        if rule == "unique":
            make()
        problem = refused(call, managed.people.admin, "POST", "/api/tokens",
                          {"name": f"made {next(NAMES)}", "scopes": [], "description": "hidden"}, status, code)
        assert name in problem["detail"] and "hidden" not in str(problem) and "99999" not in str(problem)
    finally:
        managed.database.query(f"ALTER TABLE tokens {drop}")
    make()


def test_a_value_that_the_owner_demands(managed, call):
    managed.database.query("ALTER TABLE tollgate_teams ADD owner_must text NOT NULL DEFAULT 'x'; "
                           "ALTER TABLE tollgate_teams ALTER owner_must DROP DEFAULT")
    problem = refused(call, managed.people.admin, "POST", "/api/teams", {"name": "hidden"})
    assert '"owner_must"' in problem["detail"] and "hidden" not in str(problem)
    managed.database.query("ALTER TABLE tollgate_teams DROP owner_must")


def test_a_trigger_of_the_owners_own(managed, call, make):
    managed.database.query("CREATE FUNCTION owner_says() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                           "RAISE EXCEPTION 'no %% here', NEW.name; END $$; CREATE TRIGGER owner_says BEFORE UPDATE "
                           "ON tokens FOR EACH ROW WHEN (NEW.name = 'hidden') EXECUTE FUNCTION owner_says()")
    made = make()
    problem = refused(call, managed.people.admin, "PATCH", f"/api/tokens/{made['id']}", {"name": "hidden"}, 409, "conflict")
    assert "trigger" in problem["detail"] and "hidden" not in str(problem)
    managed.database.query("DROP FUNCTION owner_says CASCADE")
    assert call(managed.people.admin, "PATCH", f"/api/tokens/{made['id']}", {"name": "hidden"})["name"] == "hidden"


# --- change ---

def test_change(managed, call, make):
    admin, made = managed.people.admin, make(description="old", expires_at="2999-01-01T00:00:00Z")
    path, key = f"/api/tokens/{made['id']}", made.pop("key")
    assert call(admin, "PATCH", path, {}) == made
    changed = call(admin, "PATCH", path, {"name": made["name"] + " b", "description": None, "expires_at": None,
                                          "scopes": ["other"], "address_ranges": ["203.0.113.0/24"]})
    assert (changed["description"], changed["expires_at"], changed["scopes"]) == (None, None, ["other"])
    gets(managed, key, 403)
    call(admin, "PATCH", path, {"scopes": ["test"], "address_ranges": None})
    gets(managed, key, 200)
    assert faults(refused(call, admin, "PATCH", path, {"scopes": None, "token_hash": "0" * 64})) == [
        "#/scopes", "#/token_hash"]
    refused(call, admin, "PATCH", "/api/tokens/99999999", {"name": "x"}, 404, "not_found")
    refused(call, admin, "PATCH", "/api/tokens/99999999999999999999", {"name": "x"}, 404, "not_found")


def test_two_changes_of_one_token_at_once(managed, call, make):
    made = make()
    path = f"/api/tokens/{made['id']}"
    holder = managed.database.cluster.connect(managed.database.name)
    holder.autocommit = False
    holder.cursor().execute("SELECT token_change(NULL, %s, '{\"description\": \"by hand\"}')", (made["id"],))
    answers = []
    threads = [threading.Thread(target=lambda f=f: answers.append(managed.api.patch(path, managed.people.admin.key, f)))
               for f in ({"scopes": ["a"]}, {"name": made["name"] + " c"})]
    for thread in threads:
        thread.start()
    eventually(lambda: managed.database.value("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"),
               "a change waits")
    holder.commit()
    holder.close()
    for thread in threads:
        thread.join()
    assert [a.status for a in answers] == [200, 200]
    now = call(managed.people.admin, "GET", path)
    assert (now["scopes"], now["name"], now["description"]) == (["a"], made["name"] + " c", "by hand")


# --- switches ---

def test_disable_enable_revoke_delete(managed, call, make):
    people, made = managed.people, make(managed.people.manager)
    path, key = f"/api/tokens/{made['id']}", made["key"]
    refused(call, people.viewer, "POST", f"{path}/disable", status=403, code="role_missing")
    for _ in range(2):
        answer = call(people.manager, "POST", f"{path}/disable?wait=10000")
        assert answer["state"] == "disabled" and answer["disabled_at"] and answer["silent"] == []
        assert len(answer["confirmed"]) == 1
    assert status_of(managed, key) == 401
    assert call(people.manager, "POST", f"{path}/enable")["state"] == "active"
    gets(managed, key, 200)
    first = call(people.manager, "POST", f"{path}/revoke?wait=10000")
    assert first["state"] == "revoked" and status_of(managed, key) == 401
    assert call(people.manager, "POST", f"{path}/revoke")["revoked_at"] == first["revoked_at"]
    for act, body in (("disable", None), ("enable", None), ("rotate", {"grace_s": 0})):
        refused(call, people.manager, "POST", f"{path}/{act}", body, 409, "conflict")
    refused(call, people.manager, "POST", f"{path}/revoke?wait=x")
    assert made["id"] in listed(call, people.manager, state="revoked")
    call(people.manager, "DELETE", path, status=204)
    call(people.manager, "DELETE", path, status=204)
    assert made["id"] not in listed(call, people.manager, state="revoked")
    assert made["id"] not in listed(call, people.manager)
    assert made["id"] in listed(call, people.manager, state="deleted")
    assert call(people.manager, "GET", path)["state"] == "deleted"
    actions = [r["action"] for r in managed.database.query(
        "SELECT action FROM tollgate_audit WHERE target = 'token' AND target_id = %s ORDER BY id", (str(made["id"]),))]
    assert actions == ["token.created", "token.disabled", "token.enabled", "token.revoked", "token.deleted"]


# --- rotate ---

def test_rotate(managed, call, make):
    people, made = managed.people, make(managed.people.manager)
    path, old = f"/api/tokens/{made['id']}", made["key"]
    turned = call(people.manager, "POST", f"{path}/rotate", {"grace_s": 3600})
    assert turned["id"] == made["id"] and KEY.match(turned["key"]) and turned["key"] != old
    assert turned["old_secret_expires_at"] and turned["key_start"] == turned["key"][:8]
    for key in (old, turned["key"]):
        gets(managed, key, 200)
    looked = [call(people.viewer, "POST", "/api/lookup", {"key": key}) for key in (old, turned["key"])]
    assert [(l["secret"], l["token"]["id"]) for l in looked] == [("old", made["id"]), ("current", made["id"])]
    assert looked[0]["secret_expires_at"] == turned["old_secret_expires_at"]
    # From where each is used: what ending the old one would hit.
    for key in (old, old, turned["key"]):
        managed.gateway.call("GET", "/api/test/x", key=key)
    eventually(lambda: sum(a["calls"] for a in addresses(call, people.viewer, path)) >= 5, "the calls are stored")
    seen = {a["secret"]: a for a in addresses(call, people.viewer, path)}
    assert set(seen) == {"old", "current"} and {a["address"] for a in seen.values()} == {"127.0.0.1"}
    # Again: no secret before lives longer than the last grace.
    last = call(people.manager, "POST", f"{path}/rotate", {"grace_s": 0})
    gets(managed, last["key"], 200)
    for key in (old, turned["key"]):
        gets(managed, key, 401)
    assert last["old_secret_expires_at"] is None
    refused(call, people.manager, "POST", f"{path}/rotate", {}, 400)
    refused(call, people.viewer, "POST", f"{path}/rotate", {"grace_s": 1}, 403, "role_missing")


def addresses(call, person, path):
    answer = call(person, "GET", f"{path}/addresses")
    assert answer["complete"] is True and answer["next"] is None
    return answer["items"]


def test_the_grace_ends_with_the_token(managed, call, make):
    made = make(expires_at="2999-01-01T00:00:00Z")
    turned = call(managed.people.admin, "POST", f"/api/tokens/{made['id']}/rotate", {"grace_s": 31622400})
    assert turned["old_secret_expires_at"] < "2999"
    managed.database.query("UPDATE tokens SET expires_at = now() + interval '1 hour' WHERE id = %s", (made["id"],))
    turned = call(managed.people.admin, "POST", f"/api/tokens/{made['id']}/rotate", {"grace_s": 31622400})
    assert turned["old_secret_expires_at"] == turned["expires_at"]
    managed.database.query("UPDATE tokens SET expires_at = now() WHERE id = %s", (made["id"],))
    refused(call, managed.people.admin, "POST", f"/api/tokens/{made['id']}/rotate", {"grace_s": 1}, 409, "conflict")


def test_the_same_request_again(managed, call):
    people = managed.people
    body, once = {"name": f"once {next(NAMES)}", "team_id": people.teams["one"]}, {"Idempotency-Key": "a-1"}
    first = call(people.manager, "POST", "/api/tokens", body, headers=once)
    again = call(people.manager, "POST", "/api/tokens", body, headers=once)
    assert KEY.match(first.pop("key")) and again.pop("key") is None
    assert "otate" in again.pop("hint") and again == first
    refused_ = call(people.manager, "POST", "/api/tokens", {**body, "scopes": []}, headers=once, status=422)
    assert refused_["code"] == "idempotency_mismatch"
    # Another caller's key is another one.
    call(people.service, "POST", "/api/tokens", body, headers=once, status=409)
    path = f"/api/tokens/{first['id']}/rotate"
    turned = call(people.manager, "POST", path, {"grace_s": 0}, headers=once)
    again = call(people.manager, "POST", path, {"grace_s": 0}, headers=once)
    assert again["key"] is None and again["key_start"] == turned["key_start"]
    other = call(people.manager, "POST", path, {"grace_s": 1}, headers=once, status=422)
    assert other["code"] == "idempotency_mismatch"
    for wrong in ("", "a b", "x" * 256):
        call(people.manager, "POST", "/api/tokens", body, headers={"Idempotency-Key": wrong}, status=400)
    stored = managed.database.value("SELECT string_agg(r::text, '') FROM tollgate_repeats r")
    assert turned["key"] not in stored
    managed.database.query("UPDATE tollgate_repeats SET at = now() - interval '25 hours'")
    call(people.manager, "POST", "/api/tokens", body, headers=once, status=409)
    call(people.manager, "POST", "/api/tokens", {**body, "name": body["name"] + " b"}, headers=once)
    assert managed.database.value("SELECT count(*) FROM tollgate_repeats") == 1


def test_the_same_request_with_fewer_rights(managed, call):
    """What was answered is told to who may still do it, and no other."""
    people = managed.people
    team = people.ask("people_team_add", None, {"name": f"fewer {next(NAMES)}"})["id"]
    person = people.add(f"fewer {next(NAMES)}")
    once = {"Idempotency-Key": "fewer"}

    def create(status, body={"name": f"fewer {next(NAMES)}", "team_id": team}):
        return call(person, "POST", "/api/tokens", body, headers=once, status=status)

    people.ask("people_member_set", None, people.teams["one"], person.id, "manager")
    people.ask("people_member_set", None, team, person.id, "manager")
    made = create(201)
    assert create(201)["id"] == made["id"]
    call(people.admin, "PATCH", f"/api/tokens/{made['id']}", {"team_id": people.teams["two"]})
    assert create(403)["code"] == "role_missing"
    call(people.admin, "PATCH", f"/api/tokens/{made['id']}", {"team_id": team})
    people.ask("people_member_set", None, team, person.id, "viewer")
    assert create(403)["code"] == "role_missing"
    people.ask("people_member_set", None, team, person.id, None)
    gone = create(400)
    # Whether there was such a request is told after that, too.
    assert create(400, {"name": "another", "team_id": team}) | {"instance": 0} == gone | {"instance": 0}
    nowhere = create(400, {"name": "another", "team_id": team + 1000})
    assert [e["detail"].replace(str(team + 1000), str(team)) for e in nowhere["errors"]] == [e["detail"] for e in gone["errors"]]


def test_the_same_request_at_one_moment(managed):
    """The second does not wait for the first one's lock."""
    holder = managed.database.cluster.connect(managed.database.name)
    holder.autocommit = False
    once = '{"id": "f", "body": "f"}'
    holder.cursor().execute("SELECT token_create(NULL, %s, %s)",
                            (f'{{"name": "slow", "token_hash": "{key_hash("slow")}"}}', once))
    with pytest.raises(Exception) as caught:
        managed.database.query("SELECT token_create(NULL, %s, %s)",
                               (f'{{"name": "slow", "token_hash": "{key_hash("slow")}"}}', once))
    assert caught.value.pgcode == "TG409"
    holder.rollback()
    holder.close()


# --- states ---

# In the order in which gateways refuse: all that is later may be so as well.
STATES = [("deleted", "tollgate_deleted_at = now()"), ("revoked", "revoked_at = now()"), ("expired", "expires_at = now() - interval '1 s'"),
          ("disabled", "tollgate_disabled_at = now()"),
          ("team_disabled", "tollgate_team_id = (SELECT id FROM tollgate_teams WHERE name = 'off')"), ("active", "tollgate_description = ''")]


def test_one_word_for_a_state(managed, call):
    """By the API's lists and answers, the usage of a token, the holder's own call, and the command line."""
    people, database = managed.people, managed.database
    off = people.ask("people_team_add", None, {"name": "off"})["id"]
    people.ask("people_team_change", None, off, {"disabled": True})
    words = [word for word, _ in STATES]
    made = {word: people.add_token(f"state {word}", "one") for word in words}
    for i, word in enumerate(words):
        changes = ", ".join(change for _, change in (STATES[i:-1] or STATES[-1:]))
        database.query(f"UPDATE tokens SET {changes} WHERE id = %s", (made[word].id,))
    for word, token in made.items():
        assert call(people.admin, "GET", f"/api/tokens/{token.id}")["state"] == word
        assert call(people.admin, "GET", f"/api/usage/token/{token.id}")["token"]["state"] == word
        assert database.value("SELECT usage_self(%s)", (key_hash(token.key),))["state"] == word
        found = {t["id"]: t["state"] for t in managed.api.pages(f"/api/tokens?state={word}&q=state", people.admin.key)}
        assert found == {token.id: word}
    listed = loads(run_cli("token", "list", "--json", "--database", database.url).stdout)
    told = {t["name"]: t["state"] for t in listed if t["name"].startswith("state ")}
    assert told == {f"state {word}": word for word in words if word != "deleted"}


# --- lists ---

def listed(call, person, **parameters):
    ids, path = [], "/api/tokens?" + urlencode(parameters, doseq=True)
    while path:
        page = call(person, "GET", path)
        ids += [t["id"] for t in page["items"]]
        path = page["next"]
    assert len(ids) == len(set(ids))
    return ids


@pytest.fixture(scope="module")
def many(managed):
    """300 tokens of a team of their own, in ways that lists tell apart: their ids, and the team's."""
    team = managed.people.ask("people_team_add", None, {"name": "many"})["id"]
    managed.database.query(
        "INSERT INTO tokens (name, token_hash, key_start, scopes, tollgate_team_id, created_at, expires_at, "
        "last_used, tollgate_disabled_at, revoked_at) SELECT (ARRAY['Zebra', 'ape', 'Émile'])[1 + n %% 3] || "
        "'-no' || n, encode(sha256(convert_to('many' || n, 'UTF8')), 'hex'), 'ntk_M' || n, CASE WHEN n %% 5 = 0 "
        "THEN '{crm}'::text[] ELSE '{test}' END, %s, now() - (n / 10) * interval '1 day', "
        "CASE WHEN n %% 4 = 0 THEN now() + (n - 150) * interval '1 day' END, "
        "CASE WHEN n %% 7 <> 0 THEN now() - (n / 3) * interval '3 min' END, CASE WHEN n %% 50 = 1 THEN now() END, "
        "CASE WHEN n %% 50 = 2 THEN now() END FROM generate_series(1, 300) AS n", (team,))
    return team


ORDERS = {"name": "lower(name) COLLATE \"C\"", "created_at": "coalesce(created_at, '-infinity')",
          "expires_at": "coalesce(expires_at, 'infinity')", "last_used_at": "coalesce(last_used, '-infinity')"}


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("way", ["", "-"])
@pytest.mark.parametrize("limit", [7, 200])
def test_orders(managed, many, call, sort, way, limit):
    down = " DESC" if way else ""
    wanted = [r["id"] for r in managed.database.query(
        f"SELECT id FROM tokens WHERE tollgate_team_id = %s ORDER BY {ORDERS[sort]}{down}, id{down}", (many,))]
    assert listed(call, managed.people.admin, team="many", sort=way + sort, limit=limit) == wanted


@pytest.mark.parametrize("parameters, condition", [
    ({"q": "zeb"}, "name LIKE 'Zebra%%'"), ({"q": "no12"}, "name LIKE '%%-no12%%'"), ({"q": "ebra"}, "false"),
    ({"q": "APE no3"}, "name LIKE 'ape-no3%%'"), ({"q": "émi"}, "name LIKE 'Émile%%'"),
    ({"q": "ntk_m25"}, "key_start LIKE 'ntk_M25%%'"), ({"q": "s"}, "false"), ({"q": " "}, "true"),
    ({"scope": "crm"}, "scopes = '{crm}'"), ({"scope": ["crm", "test"]}, "true"), ({"scope": "cr"}, "false"),
    ({"state": "disabled"}, "tollgate_disabled_at IS NOT NULL AND (expires_at IS NULL OR expires_at > now())"),
    ({"state": "revoked"}, "revoked_at IS NOT NULL"),
    ({"state": "expired"}, "revoked_at IS NULL AND expires_at <= now()"),
    ({"state": ["revoked", "expired"]}, "revoked_at IS NOT NULL OR expires_at <= now()"),
    ({"state": "active"}, "revoked_at IS NULL AND tollgate_disabled_at IS NULL AND "
                          "(expires_at IS NULL OR expires_at > now())"),
    ({"unused_days": 5}, "created_at < now() - interval '5 days' AND last_used IS NULL"),
    ({"expires_days": 30}, "revoked_at IS NULL AND expires_at > now() AND expires_at <= now() + interval '30 days'"),
    ({"q": "zebra", "state": "expired", "scope": "crm"},
     "name LIKE 'Zebra%%' AND revoked_at IS NULL AND expires_at <= now() AND scopes = '{crm}'"),
])
def test_filters(managed, many, call, parameters, condition):
    wanted = [r["id"] for r in managed.database.query(
        f"SELECT id FROM tokens WHERE tollgate_team_id = %s AND ({condition}) ORDER BY created_at DESC, id DESC",
        (many,))]
    assert listed(call, managed.people.admin, team=many, limit=20, **parameters) == wanted


def test_each_sees_their_own(managed, many, call):
    people = managed.people
    for person, team in ((people.manager, "one"), (people.viewer, "one"), (people.other, "two")):
        wanted = {r["id"] for r in managed.database.query(
            "SELECT id FROM tokens WHERE tollgate_team_id = %s AND tollgate_deleted_at IS NULL", (people.teams[team],))}
        assert set(listed(call, person)) == wanted
        refused(call, person, "GET", "/api/tokens?team=many")
        assert listed(call, person, q="zebra") == []
    refused(call, people.stranger, "GET", "/api/tokens", status=403, code="no_role")
    assert people.tokens[None][0].id in listed(call, people.admin, team="none")


@pytest.mark.parametrize("query, parameter", [
    ("state=lost", "state"), ("sort=id", "sort"), ("by=cost", "by"), ("by=calls&sort=name", "by"), ("limit=0", "limit"),
    ("limit=201", "limit"), ("unused_days=x", "unused_days"), ("expires_days=-1", "expires_days"), ("after=x", "after"),
    ("after=bnVsbA", "after"), ("team=nowhere", "team"), ("q=ntk_0123456789abcdefghijklmnopqrstuvwxyz", "q"),
    ("sort=name&sort=name", "sort"), ("x=1", "x"),
])
def test_questions_that_are_refused(managed, call, query, parameter):
    assert faults(refused(call, managed.people.admin, "GET", f"/api/tokens?{query}")) == [parameter]


def test_a_place_belongs_to_its_order(managed, many, call):
    page = call(managed.people.admin, "GET", "/api/tokens?team=many&sort=name&limit=3")
    place = page["next"].split("after=")[1]
    refused(call, managed.people.admin, "GET", f"/api/tokens?team=many&sort=-name&after={place}")
    refused(call, managed.people.admin, "GET", f"/api/tokens?team=many&by=calls&after={place}")


def test_rankings(managed, call, make):
    people = managed.people
    quiet, loud, wrong = (make(people.manager) for _ in range(3))
    for token, n in ((quiet, 1), (loud, 5), (wrong, 3)):
        gets(managed, token["key"], 200)
        for _ in range(n):
            assert status_of(managed, token["key"]) == 200
    ours = [t["id"] for t in (quiet, loud, wrong)]

    def ranked(by="calls", **parameters):
        items, path = [], "/api/tokens?" + urlencode({"by": by, **parameters})
        while path:
            page = call(people.viewer, "GET", path)
            items += page["items"]
            path = page["next"]
        return [t for t in items if t["id"] in ours]
    eventually(lambda: sum(t["calls"] for t in ranked()) >= 12, "the calls are counted")
    assert [t["id"] for t in ranked()] == [t["id"] for t in (loud, wrong, quiet)] == [t["id"] for t in ranked(limit=1)]
    assert ranked("errors") == []
    assert [t["id"] for t in ranked(q=loud["name"])] == [loud["id"]]


# --- by key ---

def test_lookup(managed, call, make):
    people, made = managed.people, make(managed.people.manager)
    for body in ({"key": made["key"]}, {"token_hash": key_hash(made["key"]).upper()}):
        found = call(people.viewer, "POST", "/api/lookup", body)
        assert (found["secret"], found["secret_expires_at"], found["token"]["id"]) == ("current", None, made["id"])
        refused(call, people.other, "POST", "/api/lookup", body, 404, "not_found")
    for body in ({}, {"key": "a", "token_hash": "0" * 64}):
        assert faults(refused(call, people.admin, "POST", "/api/lookup", body)) == [""]
    refused(call, people.admin, "POST", "/api/lookup", {"token_hash": "x" * 64})
    refused(call, people.admin, "POST", "/api/lookup", {"key": "never seen"}, 404, "not_found")
    assert made["key"] not in managed.gateway.log()


def test_addresses_are_bounded(managed, call, make):
    made = make(managed.people.manager)
    managed.database.query(
        "INSERT INTO token_usage_logs (token_hash, token_id, used_at, ip_address) SELECT %s, %s, "
        "now() AT TIME ZONE 'UTC' - n * interval '1 ms', '10.0.0.' || n %% 3 FROM generate_series(1, 20001) AS n",
        (key_hash(made["key"]), made["id"]))
    answer = call(managed.people.viewer, "GET", f"/api/tokens/{made['id']}/addresses")
    assert answer["complete"] is False and len(answer["items"]) == 3
    assert sum(a["calls"] for a in answer["items"]) == 20000
    refused(call, managed.people.other, "GET", f"/api/tokens/{made['id']}/addresses", status=404, code="not_found")


def test_actors_that_are_nobody(managed):
    for actor in ("{}", '{"user_id": null}', '{"user_id": 0}', "null", '"x"'):
        for question in ("token_create(%s, '{}')", "token_change(%s, 1, '{}')", "token_switch(%s, 1, 'revoke')",
                         "token_rotate(%s, 1, '{}')"):
            with pytest.raises(Exception) as caught:
                managed.database.query("SELECT " + question, (actor,))
            assert caught.value.pgcode in ("TG403", "TG404", "TG400"), question
        assert managed.database.value("SELECT token_list(%s, '{}')", (actor,))["items"] == []
        assert managed.database.value("SELECT token_get(%s, 1)", (actor,)) is None
