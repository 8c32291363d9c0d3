"""What the database makes of people whom a provider vouches for, and of sessions."""
import json

import psycopg2
import pytest

from tg.api import key_hash, make_key, make_people

ISSUER = "https://clerk.example.com"


@pytest.fixture(scope="module")
def shared(cluster, template):
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database(template[0])
    yield database
    database.drop()


@pytest.fixture
def people(shared):
    shared.query("UPDATE tokens SET tollgate_team_id = NULL; TRUNCATE tollgate_users CASCADE; DELETE FROM tokens "
                 "WHERE tollgate_team_id IS NOT NULL OR name ~ '-' OR name = 'none'; "
                 "DELETE FROM tollgate_teams; TRUNCATE tollgate_audit; TRUNCATE tollgate_access_requests")
    return make_people(shared)


def seen(people, subject="user_1", token="", **more):
    return people.ask("people_identity_seen", {"issuer": ISSUER, "subject": subject, **more}, token)


def known(people, token="", **more):
    return people.ask("people_identity_known", {"issuer": ISSUER, "subject": "user_1", **more}, token)


def one(role="viewer", team="one"):
    return [{"team": team, "role": role}]


def written(people):
    """How much was written so far."""
    return people.database.value("SELECT count(*) FROM tollgate_audit")


def test_who_has_no_rights_asks_for_access(people):
    assert seen(people, name="Eve", email="e@x") == {"state": "unknown"}
    assert seen(people, teams=one(team="nowhere")) == {"state": "unknown"}
    asked = people.ask("people_access_requests", None, {})["items"]
    assert [(r["subject"], r["name"], r["email"]) for r in asked] == [("user_1", "Eve", "e@x")]
    assert people.database.value("SELECT count(*) FROM tollgate_identities") == 0
    # With rights the request goes.
    assert seen(people, name="Eve", teams=one())["name"] == "Eve"
    assert people.ask("people_access_requests", None, {})["items"] == []


def test_requests_for_access_are_bounded(people):
    people.database.query(
        "INSERT INTO tollgate_access_requests (issuer, subject, last_at) "
        "SELECT 'i', 's' || n, now() - n * interval '1 s' FROM generate_series(1, 1000) AS n")
    seen(people, subject="last")
    held = people.database.query("SELECT subject FROM tollgate_access_requests ORDER BY last_at")
    assert len(held) == 1000
    assert held[-1]["subject"] == "last" and "s1000" not in {r["subject"] for r in held}


def test_rules_make_members_and_take_them_away(people):
    who = seen(people, name="Ann", teams=one() + one("manager"))
    assert [(t["name"], t["role"]) for t in who["teams"]] == [("one", "manager")]
    assert who["issuers"] == [ISSUER] and who["state"] == "active"
    before = written(people)
    assert seen(people, name="Ann", teams=one("manager")) == who
    assert written(people) == before
    assert seen(people, teams=one(team="TWO"))["teams"][0]["name"] == "two"
    assert seen(people)["teams"] == []
    admin = seen(people, admin=True)
    assert admin["is_admin"] and admin["admin_by_rule"]
    assert not seen(people)["is_admin"]
    assert {r["actor"] for r in people.database.query(
        "SELECT actor FROM tollgate_audit WHERE target = 'member' AND target_id = %s", [str(who["id"])])} == {
            f"rules for {ISSUER}"}


def test_what_was_made_by_hand_stays(people):
    who = seen(people, sees_all=True)
    people.ask("people_member_set", None, people.teams["one"], who["id"], "viewer")
    people.ask("people_user_change", None, who["id"], {"is_admin": True})
    after = seen(people, teams=one("manager"))
    assert after["teams"][0]["role"] == "viewer"
    after = seen(people)
    assert after["teams"][0]["role"] == "viewer" and after["is_admin"]
    # By hand, a membership of a rule becomes one that stays.
    seen(people, teams=one(team="two"))
    people.ask("people_member_set", None, people.teams["two"], who["id"], "manager")
    assert {t["role"] for t in seen(people)["teams"]} == {"viewer", "manager"}


def teams_of(who):
    return [(t["name"], t["role"]) for t in who["teams"]]


@pytest.mark.parametrize("first", ["by a rule", "by hand", "never"])
@pytest.mark.parametrize("by", ["admin", "manager"])
def test_who_was_taken_out_of_a_team_stays_out_of_it(people, by, first):
    both = one() + one(team="two")
    who = seen(people, sees_all=True, teams=both if first == "by a rule" else one(team="two"))["id"]
    actor = {"user_id": getattr(people, by).id, "name": by}
    if first == "by hand":
        people.ask("people_member_set", actor, people.teams["one"], who, "manager")
    people.ask("people_member_set", actor, people.teams["one"], who, None)
    before = written(people)
    for said in (both, one("manager") + both):
        assert teams_of(seen(people, sees_all=True, teams=said)) == [("two", "viewer")]
    assert written(people) == before
    # Lifted, it is not remembered: the rule takes it away and gives it again.
    people.ask("people_member_set", actor, people.teams["one"], who, "viewer")
    assert teams_of(seen(people, teams=both)) == [("one", "viewer"), ("two", "viewer")]
    people.database.query("DELETE FROM tollgate_members WHERE team_id = %s AND user_id = %s",
                          (people.teams["one"], who))
    assert teams_of(seen(people, teams=both)) == [("one", "viewer"), ("two", "viewer")]
    people.ask("people_member_set", actor, people.teams["one"], who, None)
    # Enabling again lets them in, not into that team.
    people.ask("people_user_remove", None, who)
    people.ask("people_user_change", None, who, {"disabled": False})
    assert teams_of(seen(people, teams=both)) == [("two", "viewer")]


def test_what_is_not_remembered(people):
    for who in (people.service.id, 999):
        people.ask("people_member_set", None, people.teams["two"], who, None)
    assert people.database.value("SELECT count(*) FROM tollgate_refused_members") == 0
    people.ask("people_member_set", None, people.teams["two"], people.viewer.id, None)
    people.database.query("UPDATE tokens SET tollgate_team_id = NULL")
    people.ask("people_team_remove", None, people.teams["two"])
    assert people.database.value("SELECT count(*) FROM tollgate_refused_members") == 0


def test_who_is_no_admin_any_more_by_hand_stays_so(people):
    who = seen(people, admin=True)["id"]
    people.ask("people_user_change", None, who, {"is_admin": False})
    before = written(people)
    assert not seen(people, admin=True)["is_admin"] and not seen(people)["is_admin"]
    assert written(people) == before
    people.ask("people_user_change", None, who, {"is_admin": False, "email": "a@example.com"})
    assert not seen(people, admin=True)["is_admin"]
    # By hand, and then by nobody: a rule may again.
    people.ask("people_user_change", None, who, {"is_admin": True})
    assert seen(people)["is_admin"]
    people.database.query("UPDATE tollgate_users SET is_admin = false WHERE id = %s", (who,))
    assert seen(people, admin=True)["admin_by_rule"]
    # What was never given is not taken away.
    other = seen(people, subject="user_2", sees_all=True)["id"]
    people.ask("people_user_change", None, other, {"is_admin": False})
    assert seen(people, subject="user_2", admin=True)["is_admin"]


def test_whose_request_was_refused_stays_out(people):
    seen(people, name="Eve")
    request = people.ask("people_access_requests", None, {})["items"][0]["id"]
    people.ask("people_access_refuse", None, request)
    assert seen(people, admin=True, sees_all=True, teams=one("manager")) == {"state": "unknown"}
    people.database.query(
        "INSERT INTO tollgate_access_requests (issuer, subject) SELECT 'i', 's' || n FROM generate_series(1, 1000) AS n")
    seen(people, subject="last")
    assert people.database.value("SELECT count(*) FROM tollgate_access_requests") == 1001
    assert seen(people, sees_all=True) == {"state": "unknown"}
    people.ask("people_access_grant", None, request, {})
    assert teams_of(seen(people, teams=one())) == [("one", "viewer")]


def rights(who):
    return who["is_admin"], [(t["name"], t["role"]) for t in who["teams"]]


def by_each(people, who):
    """The rights of a user by a key and by a session."""
    key = make_key()
    people.ask("people_key_add", None, who["id"], {"hash": key_hash(key)})
    by_key(people, key, cookie=key + "c")
    return [people.ask("people_by_key", key_hash(key)), session(people, key + "c")]


def last_shown(people, ago):
    people.database.query("UPDATE tollgate_vouched SET seen_at = now() - %s::interval", [ago])


def test_rights_by_rule_end_a_day_after_they_were_said(people):
    """Also by the keys and sessions that whoever had them has made meanwhile; what was given by hand stays."""
    who = seen(people, admin=True, teams=one("manager"))
    people.ask("people_member_set", None, people.teams["two"], who["id"], "viewer")
    actor = {"user_id": who["id"]}
    for ago, has in (("23 hours", (True, [("one", "manager"), ("two", "viewer")])),
                     ("24 hours", (False, [("two", "viewer")]))):
        last_shown(people, ago)
        for came in by_each(people, who):
            assert rights(came) == has and came["issuers"] == ([ISSUER] if has[0] else [])
        assert people.ask("people_is_admin", actor) == has[0]
        assert people.ask("people_teams_of", actor) == sorted(people.teams[name] for name, _ in has[1])
    # The next token says it anew.
    assert known(people, admin=True, teams=one("manager")) is None
    assert rights(seen(people, admin=True, teams=one("manager"))) == (True, [("one", "manager"), ("two", "viewer")])
    assert people.ask("people_is_admin", actor)


def test_rights_by_rule_end_with_their_identity(people):
    who = seen(people, admin=True, teams=one("manager"))
    identity = people.ask("people_identities", None, who["id"], {})["items"][0]["id"]
    people.ask("people_identity_remove", None, who["id"], identity)
    for came in by_each(people, who):
        assert rights(came) == (False, []) and came["issuers"] == []


def test_of_two_tokens_the_newest_counts(people):
    """Shown in turns, also of one second: nothing is written again, and whoever shows the older one has no other rights."""
    older, newer = {"issued_at": 100, "teams": one()}, {"issued_at": 101, "teams": one("manager", "two"), "admin": True}
    want = True, [("two", "manager")]
    assert rights(seen(people, token="b", **older)) == (False, [("one", "viewer")])
    assert rights(seen(people, token="a", **newer)) == want
    before = written(people)
    for _ in range(2):
        assert rights(seen(people, token="b", **older)) == want
        assert rights(seen(people, token="a", **newer)) == want
    twin = {"issued_at": 101, "teams": one()}
    assert rights(seen(people, token="0", **twin)) == want and written(people) == before
    assert rights(seen(people, token="f", **twin)) == (False, [("one", "viewer")])
    assert rights(seen(people, token="a", **newer)) == (False, [("one", "viewer")])
    # Where the rules say something else of the same token, that counts at once.
    assert rights(seen(people, token="f", issued_at=101)) == (False, [])
    # Who brings an old one when nobody else comes has what it says.
    last_shown(people, "25 hours")
    assert rights(seen(people, token="b", **older)) == (False, [("one", "viewer")])


def test_what_is_known_is_not_written(people):
    assert known(people) is None and known(people, admin=True) is None
    who = seen(people, token="a", issued_at=5, teams=one())
    before = written(people)
    assert known(people, token="a", issued_at=5, teams=one()) == {**who, "fresh": True}
    for token, at in (("b", 6), ("a", 4)):
        assert known(people, token=token, issued_at=at, teams=one())["fresh"] == (at == 4)
    last_shown(people, "11 min")
    assert known(people, token="a", issued_at=5, teams=one())["fresh"] is False
    assert known(people, token="0", issued_at=4, admin=True)["is_admin"] is False
    for new in ({"teams": one("manager")}, {"teams": one() + one(team="two")}, {"teams": []},
                {"teams": one(), "admin": True}):
        assert known(people, token="b", issued_at=6, **new) is None, new
    assert written(people) == before
    # What was taken away by hand is nothing new.
    people.ask("people_member_set", None, people.teams["one"], who["id"], None)
    assert known(people, token="b", issued_at=6, teams=one())["teams"] == []
    people.ask("people_user_change", None, who["id"], {"disabled": True})
    assert known(people, token="b", issued_at=6, admin=True)["state"] == "disabled"


@pytest.mark.parametrize("how", ["removed", "disabled"])
def test_who_is_out_stays_out(people, how):
    who = seen(people, admin=True)
    if how == "removed":
        people.ask("people_user_remove", None, who["id"])
    else:
        people.ask("people_user_change", None, who["id"], {"disabled": True})
    before = written(people)
    assert seen(people, admin=True, sees_all=True, teams=one("manager"))["state"] == how
    assert people.ask("people_access_requests", None, {})["items"] == []
    assert written(people) == before
    people.ask("people_user_change", None, who["id"], {"disabled": False})
    assert seen(people, teams=one())["state"] == "active"


@pytest.mark.parametrize("claimed, name", [
    ("admin", "admin 2"), ("ADMIN", "ADMIN 2"), (" a\n\tb ", "a b"), ("12", "user 12"), ("", "user"), (None, "user"),
    ("x" * 300, "x" * 90)])
def test_names(people, claimed, name):
    assert seen(people, name=claimed, sees_all=True)["name"] == name


# --- sessions ---

def by_key(people, key, cookie="c", lifetime=43200):
    return people.ask("people_session_by_key", {"address": "192.0.2.1"}, key_hash(key), key_hash(cookie), lifetime,
                      "a browser")


def session(people, cookie="c"):
    return people.ask("people_by_session", key_hash(cookie))


def test_a_session_by_key(people):
    begun = by_key(people, people.viewer.key)
    assert begun["id"] == people.viewer.id and 43190 <= begun["lives_s"] <= 43200
    assert session(people)["session_id"] == begun["session_id"]
    line = people.database.query("SELECT * FROM tollgate_audit WHERE action = 'session.created'")[0]
    assert (line["actor"], line["user_id"], line["address"]) == ("viewer", people.viewer.id, "192.0.2.1")
    assert "cookie_hash" not in json.dumps(line, default=str)
    assert people.database.value("SELECT last_used FROM tollgate_user_keys WHERE id = %s", [people.viewer.key_id])
    people.ask("people_key_revoke", None, people.viewer.id, people.viewer.key_id)
    assert session(people) is None
    assert by_key(people, people.viewer.key, "d") is None


def test_a_session_lives_no_longer_than_its_key(people):
    key = make_key()
    people.ask("people_key_add", None, people.viewer.id, {"hash": key_hash(key), "lifetime_s": 100})
    assert by_key(people, key)["lives_s"] <= 100


def test_sessions_of_one_person_are_bounded(people):
    """The oldest ends; of those that are over a hundred are kept. Others' stay."""
    by_key(people, people.manager.key, "another's")
    for n in range(140):
        by_key(people, people.viewer.key, f"c{n}")
    whose = "FROM tollgate_sessions WHERE user_id = %s AND ended_at IS "
    assert people.database.value("SELECT count(*) " + whose + "NULL", [people.viewer.id]) == 20
    assert people.database.value("SELECT count(*) " + whose + "NOT NULL", [people.viewer.id]) == 100
    assert session(people, "c119") is None and session(people, "c120") and session(people, "another's")
    told = people.database.query("SELECT action, count(*) AS n FROM tollgate_audit WHERE target = 'session' "
                                 "AND user_id = %s GROUP BY 1", [people.viewer.id])
    assert {r["action"]: r["n"] for r in told} == {"session.created": 140, "session.ended": 120}


def test_what_is_over_is_removed(people):
    """Sessions after a week, codes and repeated answers at once; without a word in the audit."""
    for cookie in ("ended", "expired", "lately", "live"):
        by_key(people, people.viewer.key, cookie)
    change = "UPDATE tollgate_sessions SET {} WHERE cookie_hash = %s"
    for cookie, fields in (("ended", "ended_at = now() - interval '8 days'"),
                           ("expired", "expires_at = now() - interval '8 days'"),
                           ("lately", "ended_at = now() - interval '6 days'")):
        people.database.query(change.format(fields), [key_hash(cookie)])
    for code, lifetime in (("old", -1), ("new", 300)):
        people.ask("people_code_make", None, people.viewer.id, key_hash(code), lifetime)
    people.database.query("INSERT INTO tollgate_repeats (id, body_hash, answer, at) VALUES "
                          "('old', 'x', '{}', now() - interval '25 hours'), ('new', 'x', '{}', now())")
    before = written(people)
    assert people.ask("people_prune") == 2
    assert people.ask("people_prune") == 0
    held = people.database.query("SELECT cookie_hash AS what FROM tollgate_sessions UNION ALL SELECT code_hash "
                                 "FROM tollgate_sign_in_codes UNION ALL SELECT id FROM tollgate_repeats")
    assert {r["what"] for r in held} == {key_hash("lately"), key_hash("live"), key_hash("new"), "new"}
    assert written(people) == before
    people.database.query("DELETE FROM tollgate_sessions WHERE cookie_hash = %s", [key_hash("live")])
    assert written(people) == before + 1
    people.database.query("DELETE FROM tollgate_repeats")


def test_who_signs_in_may_have_no_address(people):
    for n, actor in enumerate(({}, {"address": ""}, {"address": None})):
        begun = people.ask("people_session_by_key", actor, key_hash(people.viewer.key), key_hash(str(n)), 100, "x")
        assert begun["id"] == people.viewer.id


def test_services_have_no_sessions(people):
    with pytest.raises(psycopg2.Error) as caught:
        by_key(people, people.service.key)
    assert caught.value.pgcode == "TG403"


def test_a_code_is_spent_once(people):
    people.ask("people_code_make", None, people.viewer.id, key_hash("code"), 300)
    spent = people.ask("people_code_spend", {}, key_hash("code"), key_hash("c"), 43200, None)
    assert spent["id"] == people.viewer.id and session(people)
    assert people.ask("people_code_spend", {}, key_hash("code"), key_hash("d"), 43200, None) is None


def test_refusals_are_told(people):
    people.ask("people_sign_in_refused", {"address": "192.0.2.7", "by": "key", "why": "no", "others": 3})
    line = people.database.query("SELECT * FROM tollgate_audit WHERE action = 'sign_in.refused'")[0]
    assert (line["actor"], line["address"], line["after"]) == (
        "nobody", "192.0.2.7", {"by": "key", "why": "no", "others": 3})
