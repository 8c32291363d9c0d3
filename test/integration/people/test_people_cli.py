"""The command line about people: what the manager's API can do, it can do as well."""
import json

import pytest

from people.test_people import call, cli, made, people, shared  # noqa: F401  (fixtures)

ISSUER = "https://id.example.org"


def seen(database, subject, **more):
    return call(database, "people_identity_seen", {"issuer": ISSUER, "subject": subject, **more})


def lines(database, *arguments):
    return [line.split() for line in cli(database, *arguments).stdout.splitlines()]


def test_a_user_is_changed(people):
    made(people, "user", "add", "--name", "ada", "--role", "admin")
    bob = made(people, "user", "add", "--name", "bob", "--role", "admin", "--email", "b@example.org")
    assert cli(people, "user", "change", "bob", "--name", "Bob B.", "--role", "none").stdout == "user 'Bob B.' is changed\n"
    shown = made(people, "user", "show", "Bob B.")
    assert (shown["id"], shown["is_admin"], shown["email"]) == (bob["id"], False, "b@example.org")
    assert made(people, "user", "change", str(bob["id"]), "--email", "")["email"] is None
    told = lines(people, "user", "show", "Bob B.")
    assert ["name", "Bob", "B."] in told and ["is_admin", "no"] in told and ["teams", "none"] in told
    assert "admin" in cli(people, "user", "change", "ada", "--role", "none", status=1).stderr
    assert "another user of this name" in cli(people, "user", "change", "ada", "--name", "bob b.", status=1).stderr


def test_lists_are_filtered(people):
    made(people, "team", "add", "research")
    made(people, "team", "add", "mail")
    made(people, "team", "set", "mail", "--disable")
    for name, *more in (("ada",), ("reports", "--service"), ("gone", "--email", "gone@example.org")):
        made(people, "user", "add", "--name", name, "--role", "viewer", "--team", "research", *more)
    cli(people, "user", "remove", "gone")

    def names(*arguments):
        return [item["name"] for item in made(people, *arguments)]
    assert names("user", "list") == ["ada", "reports"]
    assert names("user", "list", "--kind", "service") == ["reports"]
    assert names("user", "list", "--state", "removed") == ["gone"]
    assert names("user", "list", "--search", "AD") == ["ada"]
    assert names("team", "list", "--state", "disabled") == ["mail"]
    assert names("team", "list", "--search", "sear") == ["research"]
    assert "did you mean 'removed'?" in cli(people, "user", "list", "--state", "removd", status=2).stderr


def test_tokens_above_a_teams_bounds_are_listed(people):
    made(people, "team", "add", "research")
    people.query("UPDATE tokens SET tollgate_team_id = (SELECT id FROM tollgate_teams) WHERE id = (SELECT min(id) "
                 "FROM tokens)")
    name = people.value("SELECT name FROM tokens WHERE tollgate_team_id IS NOT NULL")
    assert f"'{name}' has more" in cli(people, "team", "set", "research", "--longest", "1d").stdout
    assert [t["name"] for t in made(people, "team", "show", "research")["above_ceiling"]] == [name]
    told = lines(people, "team", "show", "research")
    assert ["lifetime_most_s", "86400"] in told and ["above_ceiling", name] in told
    assert "what is to change?" in cli(people, "team", "set", "research", status=2).stderr


def test_identities(people):
    made(people, "user", "add", "--name", "ada", "--role", "admin")
    one = made(people, "user", "identify", "ada", ISSUER, "s1")
    assert (one["issuer"], one["subject"]) == (ISSUER, "s1")
    assert "has a user already" in cli(people, "user", "identify", "ada", ISSUER, "s1", status=1).stderr
    cli(people, "user", "identify", "ada", ISSUER, "s2")
    assert [i["subject"] for i in made(people, "user", "identities", "ada")] == ["s1", "s2"]
    assert lines(people, "user", "identities", "ada")[1][:3] == [str(one["id"]), ISSUER, "s1"]
    said = cli(people, "user", "forget", "ada", str(one["id"])).stdout
    assert said == f"'s1' of {ISSUER} does not sign in any more as 'ada'\n"
    assert [i["subject"] for i in made(people, "user", "identities", "ada")] == ["s2"]
    assert "no such identity" in cli(people, "user", "forget", "ada", str(one["id"]), status=1).stderr


def test_requests_for_access(people):
    people.query("DELETE FROM tollgate_access_requests")
    made(people, "user", "add", "--name", "ada", "--role", "admin")
    made(people, "team", "add", "research")
    for n in range(4):
        seen(people, f"s{n}", name=f"nora {n}", email=f"n{n}@example.org")
    asked = made(people, "user", "requests")
    assert [r["name"] for r in asked] == [f"nora {n}" for n in range(4)]
    first, second, third, fourth = (str(r["id"]) for r in asked)
    user = made(people, "user", "let-in", first, "--role", "viewer", "--team", "research", "--name", "nora")
    assert (user["name"], user["email"], user["teams"][0]["role"]) == ("nora", "n0@example.org", "viewer")
    assert cli(people, "user", "let-in", second, "--user", "ada").stdout == "user 'ada' is let in\n"
    assert [i["subject"] for i in made(people, "user", "identities", "ada")] == ["s1"]
    assert made(people, "user", "let-in", third, "--role", "admin")["is_admin"]
    assert cli(people, "user", "refuse", fourth).stdout == f"'s3' of {ISSUER} is refused\n"
    assert made(people, "user", "requests") == []
    assert [line[0] for line in lines(people, "user", "requests", "--state", "refused")] == ["ID", fourth]
    made(people, "user", "let-in", fourth, "--role", "viewer", "--team", "research")
    assert "no such request" in cli(people, "user", "refuse", first, status=1).stderr


def test_one_session_is_ended(people):
    user = made(people, "user", "add", "--name", "ada", "--role", "admin")["id"]
    for n in "ab":
        people.query("INSERT INTO tollgate_sessions (user_id, cookie_hash, expires_at) VALUES (%s, repeat(%s, 64), "
                     "now() + interval '1 hour')", (user, n))
    first, second = (s["id"] for s in made(people, "user", "sessions", "ada"))
    assert cli(people, "user", "sign-out", "ada", "--session", str(first)).stdout == "1 session of 'ada' has ended\n"
    assert [s["id"] for s in made(people, "user", "sessions", "ada")] == [second]
    assert "no such session" in cli(people, "user", "sign-out", "ada", "--session", "0", status=1).stderr


@pytest.mark.parametrize("arguments, why", [
    (("user", "let-in", "7"), "--role is missing"), (("user", "let-in", "7", "--role", "viewer"), "go together"),
    (("user", "let-in", "7", "--user", "a", "--team", "b"), "go together"), (("user", "refuse", "ada"), "is not an id"),
    (("user", "let-in", "ada", "--role", "admin"), "is not an id"), (("user", "change", "ada"), "what is to change?"),
    (("user", "forget", "ada", "x"), "is not an id"), (("user", "revoke", "ada", "x"), "is not an id"),
    (("user", "sign-out", "ada", "--session", "x"), "is not an id"),
])
def test_wrong_use(people, arguments, why):
    assert why in cli(people, *arguments, status=2).stderr


def test_the_audit_is_read(people):
    made(people, "team", "add", "research")
    made(people, "team", "set", "research", "--name", "lab", "--scope", "x,y")
    made(people, "user", "add", "--name", "ada", "--role", "admin")
    team = made(people, "team", "show", "lab")["id"]
    full = cli(people, "audit", "--full", "--action", "team.changed").stdout.splitlines()
    assert full[0].endswith(f"postgres  team.changed {team} 'lab'")
    assert sorted(full[1:]) == ["    name: research -> lab", '    scopes_most: none -> ["x","y"]']
    assert ["name: research"] == [line.strip() for line in cli(
        people, "audit", "--full", "--action", "team.created").stdout.splitlines() if "name:" in line]

    def told(*arguments):
        return [line["action"] for line in made(people, "audit", *arguments)["items"]]
    assert told("--target", "team", "--id", str(team)) == ["team.changed", "team.created"]
    assert told("--actor", "nobody") == [] and len(told("--actor", "postgres", "--last", "1h")) == 4
    people.query("UPDATE tollgate_audit SET at = at - interval '2 hours' WHERE action = 'team.created'")
    assert "team.created" not in told("--last", "1h") and "team.created" in told("--last", "3h")
    done = cli(people, "audit", "--limit", "1")
    after = done.stderr.split("--after ")[1].strip()
    assert told("--limit", "1", "--after", after) == told()[1:2]
    assert "not both" in cli(people, "audit", "--last", "1h", "--from", "2026-01-01T00:00:00Z", status=2).stderr
