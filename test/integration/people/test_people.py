"""People, teams and the audit: what the database keeps, and what the command line prints."""
import hashlib
import json
import re
import threading

import psycopg2
import pytest

from tg.gateway import run_cli
from tg.wait import eventually

KEY = re.compile(r"tgu_[0-9A-Za-z]{38}\Z")


def sha256(key):
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture(scope="module")
def shared(cluster, template):
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database(template[0])
    yield database
    database.drop()


@pytest.fixture
def people(shared):
    """The shared database without anyone; its two tokens belong to no team."""
    shared.query("UPDATE tokens SET tollgate_team_id = NULL; TRUNCATE tollgate_users CASCADE; "
                 "DELETE FROM tollgate_teams; TRUNCATE tollgate_audit")
    return shared


def cli(database, *arguments, status=0):
    done = run_cli(*arguments, "--database", database.url, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def made(database, *arguments):
    return json.loads(cli(database, *arguments, "--json").stdout)


def call(database, function, *arguments):
    marks = ", ".join(["%s"] * len(arguments))
    return database.value(f"SELECT public.{function}({marks})",
                          [json.dumps(a) if isinstance(a, dict) else a for a in arguments])


def refused(code, database, function, *arguments):
    with pytest.raises(psycopg2.Error) as caught:
        call(database, function, *arguments)
    assert caught.value.pgcode == code, caught.value
    return caught.value.diag


def actions(database):
    return [r["action"] for r in database.query("SELECT action FROM tollgate_audit ORDER BY id")]


def test_the_first_admin(people):
    done = cli(people, "user", "add", "--name", "ada", "--role", "admin")
    key = done.stdout.strip()
    assert KEY.match(key)
    assert key not in people.value("SELECT string_agg(k::text, '') FROM tollgate_user_keys k")
    who = call(people, "people_by_key", sha256(key))
    assert (who["name"], who["is_admin"], who["state"]) == ("ada", True, "active")
    assert "key_hash" not in json.dumps(who)
    assert call(people, "people_by_key", sha256("tgu_other")) is None
    assert "tollgate user add: there is a user 'ADA' already\n" == cli(people, "user", "add", "--name", "ADA", "--role",
                                                "admin", status=1).stderr


@pytest.mark.parametrize("arguments, why", [
    (("user", "add", "--role", "admin"), "--name is missing"),
    (("user", "add", "--name", "a"), "--role is missing"),
    (("user", "add", "--name", "a", "--role", "king"), "--role 'king' is not admin, manager or viewer"),
    (("user", "add", "--name", "a", "--role", "viewer"), "--team is missing"),
    (("user", "remove"), "USER is missing"),
    (("user", "list", "--role", "admin"), "it goes with add"),
    (("team", "member", "a", "b"), "--role is missing"),
    (("audit", "--limit", "0"), "is not a number from 1 to 200"),
])
def test_arguments(people, arguments, why):
    assert why in cli(people, *arguments, status=2).stderr


def test_members_of_a_team(people):
    team = made(people, "team", "add", "research", "--scope", "openai,test", "--longest", "90d")
    assert team["scopes_most"] == ["openai", "test"] and team["lifetime_most_s"] == 90 * 86400
    user = made(people, "user", "add", "--name", "bob", "--role", "viewer", "--team", "research")
    assert user["teams"] == [{"id": team["id"], "name": "research", "role": "viewer"}]
    assert user["is_admin"] is False
    changed = made(people, "team", "member", "research", "bob", "--role", "manager")
    assert [m["role"] for m in changed["members"]] == ["manager"]
    assert "research:manager" in cli(people, "user", "list").stdout
    assert "bob:manager" in cli(people, "team", "list").stdout
    assert made(people, "team", "member", "research", "bob", "--role", "none")["members"] == []
    assert "no team 'no'" in cli(people, "team", "member", "no", "bob", "--role", "viewer",
                                 status=1).stderr


def test_the_last_admin_stays(people):
    cli(people, "user", "add", "--name", "ada", "--role", "admin")
    ada = people.value("SELECT id FROM tollgate_users")
    key = people.value("SELECT id FROM tollgate_user_keys")
    for verb in ("disable", "remove"):
        assert "no admin" in cli(people, "user", verb, "ada", status=1).stderr
    refused("TG409", people, "people_user_change", None, ada, {"is_admin": False})
    refused("TG409", people, "people_key_revoke", None, ada, key)
    # One without a key cannot sign in, and does not count.
    people.query("INSERT INTO tollgate_users (name, is_admin) VALUES ('ghost', true)")
    refused("TG409", people, "people_user_remove", None, ada)
    cli(people, "user", "key", "ghost")
    cli(people, "user", "remove", "ada")
    assert "no admin" in cli(people, "user", "remove", "ghost", status=1).stderr


def test_two_admins_cannot_remove_each_other(people):
    for name in ("ada", "eve"):
        cli(people, "user", "add", "--name", name, "--role", "admin")
    ids = [r["id"] for r in people.query("SELECT id FROM tollgate_users ORDER BY id")]
    first = people.cluster.connect(people.name)
    first.autocommit = False
    first.cursor().execute("SELECT people_user_remove(NULL, %s)", (ids[0],))
    outcome = []

    def second():
        try:
            connection = people.cluster.connect(people.name)
            connection.cursor().execute("SELECT people_user_remove(NULL, %s)", (ids[1],))
        except psycopg2.Error as error:
            outcome.append(error.pgcode)
        connection.close()

    thread = threading.Thread(target=second)
    thread.start()
    eventually(lambda: people.value("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"),
               "the second one waits")
    first.commit()
    first.close()
    thread.join()
    assert outcome == ["TG409"]


def test_who_was_removed_stays_out(people):
    cli(people, "user", "add", "--name", "ada", "--role", "admin")
    key = cli(people, "user", "add", "--name", "bob", "--role", "admin").stdout.strip()
    bob = people.value("SELECT id FROM tollgate_users WHERE name = 'bob'")
    call(people, "people_identity_add", None, bob, "https://issuer.example", "sub-1")
    call(people, "people_session_start", {"user_id": bob, "address": "192.0.2.1"}, bob, "a" * 64,
         60, "agent")
    assert call(people, "people_by_session", "a" * 64)["name"] == "bob"
    cli(people, "user", "remove", "bob")
    assert call(people, "people_by_key", sha256(key)) is None
    assert call(people, "people_by_session", "a" * 64) is None
    assert call(people, "people_identity_seen", {"issuer": "https://issuer.example", "subject": "sub-1"}
                )["state"] == "removed"
    refused("TG409", people, "people_identity_add", None, bob, "https://issuer.example", "sub-1")
    assert call(people, "people_user_change", None, bob, {"disabled": False})["state"] == "active"
    assert call(people, "people_by_key", sha256(key)) is None


def test_a_link_is_spent_once(people):
    cli(people, "user", "add", "--name", "ada", "--role", "admin")
    code = cli(people, "user", "link", "ada").stdout.strip().removeprefix("/sign-in#")
    arguments = (None, sha256(code), "b" * 64, 3600, "agent")
    assert call(people, "people_code_spend", *arguments)["name"] == "ada"
    assert call(people, "people_code_spend", *arguments) is None
    assert {"user.linked", "session.created"} <= set(actions(people))
    cli(people, "user", "link", "ada")
    people.query("UPDATE tollgate_sign_in_codes SET expires_at = now()")
    old = people.value("SELECT code_hash FROM tollgate_sign_in_codes")
    assert call(people, "people_code_spend", None, old, "c" * 64, 3600, None) is None


def test_rights_are_those_of_the_tables(people):
    cli(people, "team", "add", "one")
    cli(people, "team", "add", "two")
    cli(people, "user", "add", "--name", "ada", "--role", "admin")
    cli(people, "user", "add", "--name", "bob", "--role", "manager", "--team", "one")
    bob, ada = (people.value("SELECT id FROM tollgate_users WHERE name = %s", (n,))
                for n in ("bob", "ada"))
    one, two = (people.value("SELECT id FROM tollgate_teams WHERE name = %s", (n,))
                for n in ("one", "two"))
    actor = {"user_id": bob, "name": "bob"}
    call(people, "people_member_set", actor, one, ada, "viewer")
    refused("TG404", people, "people_member_set", actor, two, ada, "viewer")
    refused("TG403", people, "people_user_add", actor, {"name": "x", "is_admin": True})
    refused("TG403", people, "people_team_change", actor, one, {"scopes_most": None})
    refused("TG403", people, "people_key_add", actor, ada, {"hash": "d" * 64})
    call(people, "people_key_add", actor, bob, {"hash": "d" * 64})
    cli(people, "user", "disable", "bob")
    refused("TG404", people, "people_member_set", actor, one, ada, "manager")
    assert refused("TG400", people, "people_team_add", None, {"name": "12"}).column_name == "name"


def test_a_team_with_tokens_stays_and_tokens_above_it_are_listed(people):
    team = made(people, "team", "add", "one")["id"]
    people.query("UPDATE tokens SET tollgate_team_id = %s WHERE name IN ('all', 'test')", (team,))
    assert "has tokens (2" in cli(people, "team", "remove", "one", status=1).stderr
    done = made(people, "team", "set", "one", "--scope", "test")
    assert [t["name"] for t in done["above_ceiling"]] == ["all"]
    done = made(people, "team", "set", "one", "--no-bounds", "--longest", "1d")
    assert done["scopes_most"] is None and len(done["above_ceiling"]) == 2
    people.query("UPDATE tokens SET tollgate_team_id = NULL")
    cli(people, "team", "remove", "one")


def test_the_audit_tells_who_and_what_without_secrets(people):
    cli(people, "user", "add", "--name", "ada", "--role", "admin")
    ada = people.value("SELECT id FROM tollgate_users")
    call(people, "people_team_add", {"user_id": ada, "name": "ada", "address": "192.0.2.7",
                                     "request_id": "r-1", "acting": "support"}, {"name": "one"})
    people.query("UPDATE tokens SET name = name || '!' WHERE name = 'test'; "
                 "UPDATE tokens SET name = 'test' WHERE name = 'test!'")
    people.query("UPDATE tokens SET last_used = now(); UPDATE tollgate_user_keys SET last_used = now()")
    assert actions(people) == ["user.created", "user_key.created", "team.created",
                               "token.changed", "token.changed"]
    lines = people.query("SELECT * FROM tollgate_audit ORDER BY id")
    assert [r["actor"] for r in lines] == ["postgres", "postgres", "ada", "postgres", "postgres"]
    assert (lines[2]["address"], lines[2]["request_id"], lines[2]["acting"]) == (
        "192.0.2.7", "r-1", "support")
    assert (lines[3]["before"]["name"], lines[3]["after"]["name"]) == ("test", "test!")
    told = people.value("SELECT string_agg(a::text, '') FROM tollgate_audit a")
    for secret in people.query("SELECT token_hash AS h FROM tokens UNION "
                               "SELECT key_hash FROM tollgate_user_keys"):
        assert secret["h"] not in told
    assert "team.created" in cli(people, "audit").stdout
    page = made(people, "audit", "--limit", "2")
    assert len(page["items"]) == 2 and page["next"] == page["items"][-1]["id"]


def test_changes_by_hand_and_many_at_once(people):
    people.query("INSERT INTO tokens (name, token_hash) SELECT 'many ' || n, "
                 "encode(sha256(n::text::bytea), 'hex') FROM generate_series(1, 1001) AS n")
    people.query("UPDATE tokens SET revoked_at = now(), token_hash = repeat('f', 64) "
                 "WHERE name = 'many 1'")
    people.query("DELETE FROM tokens WHERE name LIKE 'many %%'")
    assert actions(people) == ["token.many", "token.revoked", "token.many"]
    after = people.value("SELECT after FROM tollgate_audit WHERE action = 'token.revoked'")
    assert after["other_columns"] == ["token_hash"] and "f" * 64 not in json.dumps(after)


FORGED = '{"user_id": %d, "name": "ada", "acting": "x", "address": "192.0.2.9", "request_id": "r"}'


@pytest.mark.parametrize("role, how, value, is_believed", [
    ("clerk", "", FORGED, False), ("clerk", "", "", False), ("clerk", "", "garbage", False), ("clerk", "", "[1]", False),
    ("Ada's", "", FORGED, False),
    ("runs", "IN ROLE tollgate", FORGED, True), ("runs", "IN ROLE tollgate", "", False),
    ("deploys", "NOINHERIT IN ROLE tollgate_owner", FORGED, True),
])
def test_only_tollgates_own_roles_say_who_acts(people, role, how, value, is_believed):
    cli(people, "user", "add", "--name", "ada", "--role", "admin")
    ada = people.value("SELECT id FROM tollgate_users")
    if not people.value("SELECT count(*) FROM pg_roles WHERE rolname = %s", (role,)):
        people.cluster.execute(f'CREATE ROLE "{role}" LOGIN {how}')
    people.query(f'GRANT SELECT, INSERT, UPDATE, DELETE ON tokens TO "{role}"; TRUNCATE tollgate_audit')
    value = value % ada if value == FORGED else value
    connection = psycopg2.connect(host="127.0.0.1", port=people.cluster.port, dbname=people.name, user=role)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tollgate.actor', %s, false)", (value,))
        cursor.execute("UPDATE tokens SET name = name || '!'; UPDATE tokens SET name = rtrim(name, '!')")
    connection.close()
    lines = people.query("SELECT * FROM tollgate_audit")
    assert len(lines) == 4
    told = {(r["actor"], r["user_id"], r["acting"], r["address"], r["request_id"]) for r in lines}
    assert told == {("ada", ada, "x", "192.0.2.9", "r") if is_believed else (role, None, None, None, None)}


def test_the_running_role(people):
    people.query("SET ROLE tollgate")
    try:
        call(people, "people_user_add", None, {"name": "svc", "kind": "service"})
        assert people.value("SELECT count(*) FROM tollgate_audit") == 1
        for statement in ("UPDATE tollgate_audit SET actor = ''", "DELETE FROM tollgate_audit",
                          "TRUNCATE tollgate_audit"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                people.query(statement)
    finally:
        people.query("RESET ROLE")


def test_the_running_role_asks_what_the_pages_show(people):
    team = made(people, "team", "add", "one", "--scope", "x")["id"]
    people.query("UPDATE tokens SET tollgate_team_id = %s WHERE name = 'all'", (team,))
    people.query("SET ROLE tollgate")
    try:
        assert call(people, "people_team_read", None, team)["above_ceiling"]
        assert call(people, "people_teams", None, {})["items"][0]["tokens"] == 1
        refused("TG409", people, "people_team_remove", None, team)
        assert call(people, "people_users", None, {"limit": 1}) == {"items": [], "next": None}
        assert call(people, "people_audit", None, {"target": "team"})["items"]
    finally:
        people.query("RESET ROLE")


def test_keys_and_sessions_of_somebody(people):
    cli(people, "user", "add", "--name", "ada", "--role", "admin")
    key = cli(people, "user", "key", "ada", "--name", "laptop", "--expires", "90d").stdout.strip()
    laptop = made(people, "user", "keys", "ada")[1]
    assert (laptop["name"], laptop["key_start"], laptop["state"]) == ("laptop", key[:8], "active")
    assert "laptop" in cli(people, "user", "keys", "ada").stdout
    call(people, "people_session_start", None, laptop["user_id"], "a" * 64, 60, "agent", laptop["id"])
    assert "agent" in cli(people, "user", "sessions", "ada").stdout
    assert "is revoked" in cli(people, "user", "revoke", "ada", str(laptop["id"])).stdout
    assert made(people, "user", "sessions", "ada") == []
    assert len(made(people, "user", "keys", "ada")) == 1
    call(people, "people_session_start", None, laptop["user_id"], "b" * 64, 60, "agent")
    assert "1 session of 'ada' has ended" in cli(people, "user", "sign-out", "ada").stdout
    assert "no such key" in cli(people, "user", "revoke", "ada", "999", status=1).stderr
    assert "no user 'bob'" in cli(people, "user", "keys", "bob", status=1).stderr
