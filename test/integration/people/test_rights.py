"""Who may see and change what of people: the database's functions, asked as each role."""
import psycopg2
import pytest

from tg.api import make_people


@pytest.fixture(scope="module")
def shared(cluster, template):
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database(template[0])
    yield make_people(database)
    database.drop()


@pytest.fixture
def people(shared):
    """The people of tg.api, as new: what a test does is undone."""
    shared.database.query("BEGIN")
    yield shared
    shared.database.query("ROLLBACK")


def by(person):
    return {"user_id": person.id, "name": person.name, "address": "192.0.2.1", "request_id": "r"}


def refused(people, code, field, function, *arguments):
    people.database.query("SAVEPOINT before")
    with pytest.raises(psycopg2.Error) as caught:
        people.ask(function, *arguments)
    people.database.query("ROLLBACK TO before")
    assert (caught.value.pgcode, caught.value.diag.column_name or "") == (code, field), caught.value
    return caught.value.diag.message_primary


def names(page):
    return [item["name"] for item in page["items"]]


@pytest.mark.parametrize("who", [{}, {"name": "x"}, {"user_id": None}, {"user_id": "1"},
                                 {"user_id": True}])
def test_an_actor_without_an_id_may_nothing(people, who):
    one, bob = people.teams["one"], people.viewer.id
    for function, *arguments in (
            ("people_user_add", {"name": "x"}), ("people_user_change", bob, {"name": "x"}),
            ("people_user_remove", bob), ("people_team_add", {"name": "x"}),
            ("people_team_change", one, {"name": "x"}), ("people_team_remove", one),
            ("people_member_set", one, bob, "viewer"), ("people_key_add", bob, {"hash": "a" * 64}),
            ("people_key_revoke", bob, 1), ("people_session_end", bob, None),
            ("people_session_start", bob, "a" * 64, 60, ""), ("people_code_make", bob, "a" * 64, 60),
            ("people_identity_add", bob, "i", "s"), ("people_identity_remove", bob, 1),
            ("people_access_grant", 1, {}), ("people_access_refuse", 1)):
        assert "not known" in refused(people, "TG403", "", function, who, *arguments)
    for function in ("people_users", "people_audit", "people_access_requests"):
        refused(people, "TG403", "", function, who, {})
    assert names(people.ask("people_teams", who, {})) == []
    refused(people, "TG404", "", "people_team_read", who, one)
    refused(people, "TG404", "", "people_user_read", who, bob)


def test_teams_that_one_sees(people):
    for person, teams in ((people.admin, ["one", "two"]), (people.manager, ["one"]),
                          (people.viewer, ["one"]), (people.other, ["two"]),
                          (people.stranger, []), (people.service, ["one"])):
        assert names(people.ask("people_teams", by(person), {})) == teams
        for name, team in people.teams.items():
            if name in teams:
                assert people.ask("people_team_read", by(person), team)["name"] == name
            else:
                refused(people, "TG404", "", "people_team_read", by(person), team)
    assert names(people.ask("people_teams", None, {})) == ["one", "two"]
    team = people.ask("people_team_read", by(people.viewer), people.teams["one"])
    assert [(m["name"], m["role"]) for m in team["members"]] == [
        ("manager", "manager"), ("service", "manager"), ("viewer", "viewer")]
    assert (team["tokens"], team["state"], team["above_ceiling"]) == (2, "active", [])
    assert team["created_at"].endswith("Z")


def test_users_that_one_sees(people):
    everyone = [p.name for p in people.all()]
    assert sorted(names(people.ask("people_users", by(people.admin), {}))) == sorted(everyone)
    seen = people.ask("people_users", by(people.manager), {})["items"]
    assert sorted(u["name"] for u in seen) == sorted(everyone)
    assert all(set(u) == {"id", "name", "kind", "teams"} for u in seen if u["name"] != "manager")
    assert {u["name"]: [t["name"] for t in u["teams"]] for u in seen} == {
        "admin": [], "manager": ["one"], "viewer": ["one"], "other": [], "stranger": [],
        "service": ["one"]}
    for person in (people.viewer, people.stranger):
        refused(people, "TG403", "", "people_users", by(person), {})
        assert people.ask("people_user_read", by(person), person.id)["state"] == "active"
        refused(people, "TG404", "", "people_user_read", by(person), people.admin.id)
    people.ask("people_user_remove", None, people.viewer.id)
    refused(people, "TG404", "", "people_user_read", by(people.manager), people.viewer.id)
    assert people.ask("people_user_read", by(people.admin), people.viewer.id)["state"] == "removed"
    refused(people, "TG404", "", "people_user_read", by(people.viewer), people.viewer.id)
    assert names(people.ask("people_users", by(people.admin), {"state": "removed"})) == ["viewer"]
    assert "viewer" not in names(people.ask("people_users", by(people.manager), {"state": "removed"}))


def test_lists_have_pages_and_filters(people):
    page = people.ask("people_users", None, {"limit": 4})
    assert len(page["items"]) == 4 and page["next"] == page["items"][-1]["id"]
    rest = people.ask("people_users", None, {"limit": "4", "after": str(page["next"])})
    assert len(rest["items"]) == 2 and rest["next"] is None
    linked = people.ask("people_users", None, {"limit": 1, "link": "/api/users?limit=1&after="})
    assert linked["next"] == f"/api/users?limit=1&after={linked['items'][0]['id']}"
    assert names(people.ask("people_users", None, {"kind": "service"})) == ["service"]
    assert names(people.ask("people_users", None, {"q": "IEW"})) == ["viewer"]
    assert names(people.ask("people_teams", None, {"q": "tW"})) == ["two"]
    people.ask("people_team_change", None, people.teams["two"], {"disabled": True})
    assert names(people.ask("people_teams", None, {"state": "disabled"})) == ["two"]
    assert names(people.ask("people_teams", None, {"state": "active"})) == ["one"]
    for field, value in (("limit", 0), ("limit", 201), ("limit", "x"), ("limit", "1e2"), ("limit", -1),
                         ("after", "9" * 19), ("after", "' OR 1"), ("state", "gone"), ("kind", "cat")):
        refused(people, "TG400", field, "people_users", None, {field: value})


def test_changes_by_each_role(people):
    one, two, bob = people.teams["one"], people.teams["two"], people.stranger.id
    for person, in_one, in_two in ((people.manager, None, "TG404"), (people.service, None, "TG404"),
                                   (people.viewer, "TG403", "TG404"), (people.other, "TG404", None),
                                   (people.stranger, "TG404", "TG404")):
        for team, code in ((one, in_one), (two, in_two)):
            for role in ("viewer", "manager", None):
                if code:
                    refused(people, code, "", "people_member_set", by(person), team, bob, role)
                else:
                    people.ask("people_member_set", by(person), team, bob, role)
        for function, *arguments in (
                ("people_user_add", {"name": "x", "is_admin": True}),
                ("people_user_change", person.id, {"is_admin": True}), ("people_user_remove", bob),
                ("people_team_add", {"name": "x"}), ("people_team_change", one, {"scopes_most": None}),
                ("people_team_remove", two), ("people_identity_add", person.id, "i", "s"),
                ("people_access_grant", 1, {}), ("people_access_refuse", 1)):
            refused(people, "TG403", "", function, by(person), *arguments)
    assert "no such user" in refused(people, "TG404", "", "people_member_set", by(people.manager),
                                     one, 999, "viewer")
    refused(people, "TG400", "role", "people_member_set", by(people.manager), one, bob, "admin")
    people.ask("people_user_change", None, people.manager.id, {"disabled": True})
    refused(people, "TG404", "", "people_member_set", by(people.manager), one, bob, "viewer")


def test_keys_and_sessions_are_ones_own(people):
    bob, mine = people.viewer, {"hash": "a" * 64, "name": "laptop", "lifetime_s": 60}
    made = people.ask("people_key_add", by(bob), bob.id, mine)
    assert (made["name"], made["state"], made["user_id"]) == ("laptop", "active", bob.id)
    assert made["expires_at"].endswith("Z") and "hash" not in str(made)
    people.ask("people_session_start", by(bob), bob.id, "c" * 64, 60, "agent")
    refused(people, "TG403", "", "people_session_start", by(bob), people.admin.id, "d" * 64, 60, "x")
    for person, code in ((people.manager, "TG403"), (people.other, "TG403"), (people.stranger, "TG404")):
        for function, *arguments in (("people_keys", bob.id, {}), ("people_sessions", bob.id, {}),
                                     ("people_identities", bob.id, {}),
                                     ("people_key_add", bob.id, {"hash": "b" * 64}),
                                     ("people_key_revoke", bob.id, made["id"]),
                                     ("people_session_end", bob.id, None)):
            refused(people, code, "", function, by(person), *arguments)
    for person in (bob, people.admin):
        assert names(people.ask("people_keys", by(person), bob.id, {})) == ["test", "laptop"]
        session, = people.ask("people_sessions", by(person), bob.id, {})["items"]
        assert set(session) == {"id", "user_id", "created_at", "expires_at", "address", "user_agent"}
        assert (session["address"], session["user_agent"]) == ("192.0.2.1", "agent")
    # Another's key is not found by its id beside one's own.
    refused(people, "TG404", "", "people_key_revoke", by(bob), bob.id, people.admin.key_id)
    refused(people, "TG404", "", "people_session_end", by(people.admin), people.admin.id, session["id"])
    people.ask("people_session_start", by(bob), bob.id, "d" * 64, 60, "agent", made["id"])
    assert people.ask("people_key_revoke", by(bob), bob.id, made["id"])["state"] == "revoked"
    assert [s["id"] for s in people.ask("people_sessions", by(bob), bob.id, {})["items"]] == [session["id"]]
    assert names(people.ask("people_keys", by(bob), bob.id, {})) == ["test"]
    assert people.ask("people_key_revoke", by(bob), bob.id, made["id"])["state"] == "revoked"


def test_keys_that_are_not_made(people):
    bob = people.viewer
    refused(people, "TG403", "", "people_key_add", {**by(bob), "acting": "support"}, bob.id,
            {"hash": "a" * 64})
    for value in ("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "now",
                  "2026-01-01", "infinity"):
        refused(people, "TG400", "expires_at", "people_key_add", by(bob), bob.id,
                {"hash": "a" * 64, "expires_at": value})
    refused(people, "TG400", "name", "people_key_add", by(bob), bob.id, {"hash": "a" * 64, "name": "a\nb"})
    made = people.ask("people_key_add", None, people.service.id, {"hash": "a" * 64})
    assert made["expires_at"] is not None
    assert people.ask("people_key_add", None, bob.id, {"hash": "b" * 64})["expires_at"] is None
    people.database.query(
        "INSERT INTO tollgate_user_keys (user_id, key_hash) SELECT %s, encode(sha256(n::text::bytea), 'hex') "
        "FROM generate_series(1, 98) AS n", (bob.id,))
    refused(people, "TG409", "", "people_key_add", by(bob), bob.id, {"hash": "c" * 64})


def test_identities(people):
    bob, admin = people.viewer, by(people.admin)
    made = people.ask("people_identity_add", admin, bob.id, "https://i.example", "sub")
    assert made["issuer"] == "https://i.example" and made["user_id"] == bob.id
    refused(people, "TG409", "subject", "people_identity_add", admin, people.other.id, "https://i.example",
            "sub")
    refused(people, "TG409", "", "people_identity_add", admin, people.service.id, "i", "s")
    refused(people, "TG404", "", "people_identity_add", admin, 999, "i", "s")
    assert people.ask("people_identities", by(bob), bob.id, {})["items"] == [made]
    refused(people, "TG404", "", "people_identity_remove", admin, people.other.id, made["id"])
    people.ask("people_user_change", None, bob.id, {"disabled": True})
    assert "keeps them out" in refused(people, "TG409", "", "people_identity_remove", admin, bob.id,
                                       made["id"])
    people.ask("people_user_change", None, bob.id, {"disabled": False})
    assert people.ask("people_identity_remove", admin, bob.id, made["id"])["id"] == made["id"]
    assert people.ask("people_identities", by(bob), bob.id, {})["items"] == []


def test_an_admin_by_a_provider_is_one_who_can_sign_in(people):
    made = people.ask("people_identity_add", None, people.admin.id, "i", "s")
    people.ask("people_key_revoke", None, people.admin.id, people.admin.key_id)
    assert "no admin" in refused(people, "TG409", "", "people_identity_remove", None, people.admin.id,
                                 made["id"])


def test_a_service_user_is_no_admin_who_signs_in(people):
    people.ask("people_user_change", by(people.admin), people.service.id, {"is_admin": True})
    assert people.ask("people_user_read", None, people.service.id)["is_admin"]
    for function, *arguments in (("people_key_revoke", people.admin.id, people.admin.key_id),
                                 ("people_user_remove", people.admin.id),
                                 ("people_user_change", people.admin.id, {"disabled": True})):
        assert "no admin" in refused(people, "TG409", "", function, None, *arguments)


def test_nobody_makes_a_right_by_rule_their_own(people):
    one, ruled = people.teams["one"], people.manager
    value, query = people.database.value, people.database.query
    query("UPDATE tollgate_members SET by_rule = true WHERE user_id = %s", (ruled.id,))
    query("UPDATE tollgate_users SET is_admin = true, admin_by_rule = true WHERE id = %s", (people.viewer.id,))
    for who in (ruled, people.viewer):  # a token of theirs was shown that says so
        identity = people.ask("people_identity_add", None, who.id, "https://i.example", who.name)["id"]
        query("INSERT INTO tollgate_vouched (identity_id, issued_at, token_hash) VALUES (%s, 1, '')", (identity,))
    by_rule = "SELECT by_rule FROM tollgate_members WHERE user_id = %s AND team_id = %s"
    people.ask("people_member_set", by(ruled), one, ruled.id, "manager")
    assert value(by_rule, (ruled.id, one))
    people.ask("people_user_change", by(people.viewer), people.viewer.id, {"is_admin": True})
    assert value("SELECT admin_by_rule FROM tollgate_users WHERE id = %s", (people.viewer.id,))
    # Somebody else may.
    people.ask("people_member_set", by(people.admin), one, ruled.id, "manager")
    assert not value(by_rule, (ruled.id, one))
    people.ask("people_user_change", by(people.admin), people.viewer.id, {"is_admin": True})
    assert not value("SELECT admin_by_rule FROM tollgate_users WHERE id = %s", (people.viewer.id,))


def test_a_disabled_teams_tokens_stay_in_it(people):
    one, two, token = people.teams["one"], people.teams["two"], people.tokens["one"][0].id
    people.ask("people_member_set", None, two, people.manager.id, "manager")
    people.ask("people_team_change", by(people.admin), one, {"disabled": True})
    for team in (two, None):
        assert refused(people, "TG403", "team_id", "token_change", by(people.manager), token,
                       {"team_id": team})
    assert people.ask("token_change", by(people.manager), token, {"name": "still mine"})["team"]["id"] == one
    assert people.ask("token_change", by(people.admin), token, {"team_id": two})["team"]["id"] == two


def test_a_longest_life_holds_for_both_ways_to_say_it(people):
    one, token = people.teams["one"], people.tokens["one"][0].id
    people.ask("people_team_change", None, one, {"lifetime_most_s": 86400})
    for patch in ({"lifetime_s": 90000}, {"expires_at": "2099-01-01T00:00:00Z"}, {"expires_at": None}):
        assert "86400 seconds" in refused(people, "TG400", "expires_at", "token_change", by(people.manager),
                                          token, patch)
    assert people.ask("token_change", by(people.manager), token, {"lifetime_s": 3600})["expires_at"]


def ask_access(people, subject, name):
    return people.database.value("INSERT INTO tollgate_access_requests (issuer, subject, name, email) "
                                 "VALUES ('i', %s, %s, 'n@example.com') RETURNING id", (subject, name))


def test_requests_for_access(people):
    admin = by(people.admin)
    new, known, unwanted, doubled = (ask_access(people, s, n) for s, n in (
        ("a", "nina"), ("b", "viewer"), ("c", "carl"), ("d", "Viewer")))
    for person in (people.manager, people.viewer, people.stranger):
        refused(people, "TG403", "", "people_access_requests", by(person), {})
    listed = people.ask("people_access_requests", admin, {})["items"]
    assert [(r["id"], r["subject"], r["state"]) for r in listed] == [
        (new, "a", "open"), (known, "b", "open"), (unwanted, "c", "open"), (doubled, "d", "open")]
    user = people.ask("people_access_grant", admin, new, {"team": "one", "role": "viewer"})
    assert (user["name"], user["email"], user["is_admin"]) == ("nina", "n@example.com", False)
    assert [(t["name"], t["role"]) for t in user["teams"]] == [("one", "viewer")]
    identity, = people.ask("people_identities", None, user["id"], {})["items"]
    assert (identity["issuer"], identity["subject"]) == ("i", "a")
    assert people.ask("people_access_grant", admin, known, {"user_id": people.viewer.id}
                      )["id"] == people.viewer.id
    assert people.ask("people_access_refuse", admin, unwanted)["state"] == "refused"
    assert people.ask("people_access_refuse", admin, unwanted)["state"] == "refused"
    refused(people, "TG409", "name", "people_access_grant", admin, doubled, {"name": "VIEWER"})
    refused(people, "TG400", "role", "people_access_grant", admin, doubled, {"team": "one"})
    refused(people, "TG400", "user_id", "people_access_grant", admin, doubled,
            {"user_id": people.viewer.id, "name": "x"})
    refused(people, "TG404", "", "people_access_grant", admin, new, {})
    refused(people, "TG404", "", "people_access_refuse", admin, 999)
    assert [r["id"] for r in people.ask("people_access_requests", admin, {})["items"]] == [doubled]
    assert [r["id"] for r in people.ask("people_access_requests", admin, {"state": "refused"})["items"]
            ] == [unwanted]
    assert people.ask("people_access_grant", admin, doubled, {})["name"] == "Viewer 2"
    people.ask("people_access_grant", admin, unwanted, {"name": "carl the second", "is_admin": True})
    actions = [r["action"] for r in people.database.query(
        "SELECT action FROM tollgate_audit WHERE target IN ('access_request', 'identity') ORDER BY id")]
    assert actions == ["identity.created", "identity.created", "access_request.refused",
                       "identity.created", "identity.created"]


@pytest.mark.parametrize("field, value", [
    ("name", ""), ("name", " a"), ("name", "a\tb"), ("name", "12"), ("name", "x" * 101), ("name", None),
    ("scopes_most", ["a b"]), ("scopes_most", ["x" * 65]), ("scopes_most", ["'; DROP TABLE tokens"]),
    ("lifetime_most_s", 0), ("lifetime_most_s", -1), ("lifetime_most_s", 10 ** 30),
    ("address_ranges_most", ["10.0.0.1/8"]), ("address_ranges_most", ["10.0.0.0/33"]),
    ("address_ranges_most", ["nowhere"]), ("address_ranges_most", []),
])
def test_a_team_that_is_not_made(people, field, value):
    refused(people, "TG400", field, "people_team_add", None, {"name": "new", field: value})
    refused(people, "TG400", field, "people_team_change", None, people.teams["one"], {field: value})


@pytest.mark.parametrize("email", ids=range(6), argvalues=["", "a", "a@", "a b@c", "a@b\n", "a" * 251 + "@b.c"])
def test_an_address_that_is_none(people, email):
    refused(people, "TG400", "email", "people_user_add", None, {"name": "x", "email": email})
    refused(people, "TG400", "email", "people_user_change", None, people.viewer.id, {"email": email})


def test_what_managers_see_of_the_audit(people):
    one, two = people.teams["one"], people.teams["two"]
    token = people.tokens["one"][0].id
    people.database.query("TRUNCATE tollgate_audit")
    people.ask("people_member_set", by(people.manager), one, people.stranger.id, "viewer")
    people.database.query("SET LOCAL tollgate.actor = ''")
    people.database.query("UPDATE tokens SET tollgate_team_id = %s WHERE id = %s", (two, token))
    people.database.query("UPDATE tokens SET name = 'nobodys' WHERE id = %s",
                          (people.tokens[None][0].id,))
    people.ask("people_user_change", by(people.admin), people.viewer.id, {"email": "v@example.com"})

    def seen(person, **filter_):
        return [i["action"] for i in people.ask("people_audit", by(person), filter_)["items"]]

    assert seen(people.admin) == ["user.changed", "token.changed", "token.changed", "member.created"]
    assert seen(people.manager) == ["token.changed", "member.created"]
    assert seen(people.other) == ["token.changed"]
    for person in (people.viewer, people.stranger):
        refused(people, "TG403", "", "people_audit", by(person), {})
    line = people.ask("people_audit", by(people.other), {})["items"][0]
    assert (line["team_id"], line["former_team_id"], line["target_id"]) == (two, one, str(token))
    assert (line["before"]["team_id"], line["after"]["team_id"]) == (one, two)
    assert line["created_at"].endswith("Z") and not [k for k in line["after"] if k.startswith("tollgate")]
    for filter_, n in (({"user": "manager"}, 1), ({"user": str(people.admin.id)}, 1),
                       ({"team": "one"}, 2), ({"team": str(two)}, 1), ({"target": "token"}, 2),
                       ({"target": "token", "target_id": str(token)}, 1), ({"action": "member.created"}, 1),
                       ({"actor": "postgres"}, 2), ({"from": "2020-01-01T00:00:00Z"}, 4),
                       ({"to": "2020-01-01T00:00:00+08:00"}, 0), ({"target": "' OR true --"}, 0)):
        assert len(seen(people.admin, **filter_)) == n, filter_
    page = people.ask("people_audit", by(people.admin), {"limit": 3})
    assert len(page["items"]) == 3 and page["next"] == page["items"][-1]["id"]
    rest = people.ask("people_audit", by(people.admin), {"limit": 3, "after": page["next"]})
    assert len(rest["items"]) == 1 and rest["next"] is None
    for field, value in (("from", "yesterday"), ("to", "2026-13-01T00:00:00Z"), ("limit", "0")):
        refused(people, "TG400", field, "people_audit", by(people.admin), {field: value})
    refused(people, "TG404", "user", "people_audit", by(people.admin), {"user": "nobody"})


def test_nobody_but_the_owner_changes_the_audit(people):
    assert people.database.value("SELECT count(*) FROM tollgate_audit") > 0
    people.database.query("SET ROLE tollgate")
    people.database.query("INSERT INTO tollgate_audit (actor, action, target) VALUES ('a', 'b', 'c')")
    for statement in ("UPDATE tollgate_audit SET actor = ''", "DELETE FROM tollgate_audit",
                      "TRUNCATE tollgate_audit", "SELECT * FROM tollgate_audit FOR UPDATE",
                      "ALTER TABLE tollgate_audit DISABLE TRIGGER ALL",
                      "ALTER TABLE tokens DISABLE TRIGGER tollgate_audit_update",
                      "SELECT tollgate_audit_write('a', NULL, NULL, 'b', 'c', NULL, NULL)"):
        people.database.query("SAVEPOINT before")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            people.database.query(statement)
        people.database.query("ROLLBACK TO before")
    people.database.query("UPDATE tokens SET name = 'renamed' WHERE id = %s", (people.tokens[None][0].id,))
    people.database.query("RESET ROLE")
    assert people.database.value("SELECT action FROM tollgate_audit ORDER BY id DESC LIMIT 1"
                                 ) == "token.changed"


def test_the_owner_prunes_the_audit(people):
    value = people.database.value
    people.database.query("UPDATE tollgate_audit SET at = now() - interval '2 years' WHERE id IN "
                          "(SELECT id FROM tollgate_audit ORDER BY id LIMIT 3)")
    kept = value("SELECT count(*) FROM tollgate_audit") - 3
    assert value("SELECT tollgate_audit_prune('1 year')") == 3
    assert value("SELECT count(*) FROM tollgate_audit") == kept + 1
    line = people.ask("people_audit", by(people.admin), {"limit": 1})["items"][0]
    assert line["action"] == "audit.pruned" and line["after"]["lines"] == 3
    for keep in (None, "-1 day"):
        people.database.query("SAVEPOINT before")
        with pytest.raises(psycopg2.errors.InvalidParameterValue):
            value("SELECT tollgate_audit_prune(%s)", (keep,))
        people.database.query("ROLLBACK TO before")
    people.database.query("SET ROLE tollgate")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        value("SELECT tollgate_audit_prune('1 year')")


def test_which_changes_of_tokens_are_told(people):
    token = people.tokens["one"][0].id
    people.database.query("ALTER TABLE tokens ADD COLUMN owner text")
    people.database.query("TRUNCATE tollgate_audit")
    for change in ("last_used = now()", "name = name", "owner = 'a'", "owner = 'b', last_used = clock_timestamp()",
                   "tollgate_disabled_at = now(), last_used = now()", "tollgate_disabled_at = NULL",
                   "token_hash = repeat('a', 64)", "revoked_at = now(), token_hash = repeat('b', 64)"):
        people.database.query(f"UPDATE tokens SET {change} WHERE id = %s", (token,))
    told = people.database.query("SELECT action, after -> 'other_columns' AS others FROM tollgate_audit "
                                 "ORDER BY id")
    assert [(r["action"], r["others"]) for r in told] == [
        ("token.changed", ["owner"]), ("token.disabled", None), ("token.enabled", None),
        ("token.rotated", ["token_hash"]), ("token.revoked", ["token_hash"])]
