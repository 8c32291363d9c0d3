"""Teams of an older system: its tables stay, its INSERTs go on, its column becomes teams."""
import pytest

from tg.gateway import run_cli

OLDER = """
CREATE TABLE users (id SERIAL PRIMARY KEY, email TEXT);
CREATE TABLE teams (id {type} PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE team_members (team_id {type} REFERENCES teams, user_id INTEGER REFERENCES users);
CREATE TABLE audit_logs (id SERIAL PRIMARY KEY, what TEXT);
CREATE TABLE tokens (id SERIAL PRIMARY KEY, name VARCHAR(100) NOT NULL,
    token_hash VARCHAR(64) UNIQUE NOT NULL, last_used TIMESTAMP, team_id {type} REFERENCES teams);
INSERT INTO users (email) VALUES ('a@example.com')"""
INSERT = "INSERT INTO tokens (name, token_hash, team_id) VALUES (%s, encode(sha256(%s), 'hex'), %s)"


def migrate(database, *more):
    return run_cli("migrate", "--database", database.url, *more)


def teams_of(database):
    return {r["token"]: r["team"] for r in database.query(
        "SELECT k.name AS token, t.name AS team FROM tokens k "
        "LEFT JOIN tollgate_teams t ON t.id = k.tollgate_team_id")}


@pytest.mark.parametrize("kind, a, b", [
    ("INTEGER", 5, 6),
    ("UUID", "019a9b3c-7f12-7c55-9d0e-3a7be1c2f605", "019a9b3c-7f12-7c55-9d0e-3a7be1c2f606"),
    ("TEXT", "red", "blue"),
])
def test_teams_of_each_type(cluster, kind, a, b):
    if not cluster.is_running():
        cluster.start()
    older = cluster.create_database()
    older.query(OLDER.format(type=kind))
    older.query("INSERT INTO teams VALUES (%s, 'Research'), (%s, '42')", (a, b))
    for name, team in (("one", a), ("two", b), ("three", None)):
        older.query(INSERT, (name, name.encode(), team))
    assert "tokens.team_id may tell the older system's teams (2" in migrate(older).stdout
    assert "gave 2 tokens" in migrate(older, "--adopt-teams", "team_id").stdout
    assert teams_of(older) == {"one": "Research", "two": f"team {b}", "three": None}
    older.query(INSERT, ("four", b"four", a))
    # Of a value that is new as well: no team, until the next run.
    new = {"INTEGER": 7, "UUID": "019a9b3c-7f12-7c55-9d0e-3a7be1c2f607", "TEXT": "green"}[kind]
    older.query("INSERT INTO teams VALUES (%s, 'Research')", (new,))
    older.query(INSERT, ("five", b"five", new))
    assert older.value("SELECT count(*) FROM tokens WHERE tollgate_team_id IS NULL") == 3
    older.query("UPDATE tollgate_teams SET name = 'Laboratory' WHERE name = 'Research'")
    older.query("INSERT INTO team_members VALUES (%s, 1)", (a,))
    older.query("INSERT INTO audit_logs (what) VALUES ('still written')")
    assert "gave 2 tokens" in migrate(older, "--adopt-teams", "team_id").stdout
    assert teams_of(older) == {"one": "Laboratory", "two": f"team {b}", "three": None, "four": "Laboratory",
                               "five": "Research"}
    assert "gave 0 tokens" in migrate(older, "--adopt-teams", "team_id").stdout
    assert older.value("SELECT count(*) FROM tollgate_teams") == 3
    done = run_cli("migrate", "--database", older.url, "--adopt-teams", "nothing", check=False)
    assert done.returncode == 1 and "no column nothing" in done.stderr
    older.drop()


@pytest.fixture(scope="module")
def shared(cluster, template):
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database(template[0])
    database.query("ALTER TABLE tokens ADD COLUMN team text, ADD COLUMN org_id bigint")
    yield database
    database.drop()


LONG = "x" * 100


@pytest.mark.parametrize("values, names", [
    ([LONG, LONG + "a", LONG + "b"], [LONG, "x" * 98 + " 2", "x" * 98 + " 3"]),
    ([LONG.upper() + "a", LONG + "b"], [LONG.upper(), "x" * 98 + " 2"]),
    ([LONG + str(n) for n in range(12)], [LONG] + ["x" * (98 if n < 10 else 97) + f" {n}" for n in range(2, 13)]),
    (["Red", "red", "RED", "Red 2"], ["RED", "Red 2", "Red 2 2", "red 3"]),
    (["42", "team 42"], ["team 42 (42)", "team 42 2"]),
    (["a\tb", "a b", " a b ", "a\n\nb"], ["a b", "a b 2", "a b 3", "a b 4"]),
    (["", "  ", "\t", None], [None] * 4),
    (["there"], ["there 2"]),
    (["y" * 5000, "y" * 4999], ["y" * 100, "y" * 98 + " 2"]),
    (["'; DROP TABLE tokens --", "%I", "$1"], ["$1", "%I", "'; DROP TABLE tokens --"]),
])
def test_no_two_values_are_one_team(shared, values, names):
    shared.query("DELETE FROM tokens; DELETE FROM tollgate_teams; INSERT INTO tollgate_teams (name) VALUES ('there')")
    for n, value in enumerate(values):
        shared.query("INSERT INTO tokens (name, token_hash, team) VALUES (%s, encode(sha256(%s), 'hex'), %s)",
                     (str(n), str(n).encode(), value))
    given = len([n for n in names if n is not None])
    assert shared.value("SELECT tollgate_adopt_teams('team')") == given
    assert sorted(teams_of(shared).values(), key=str) == sorted(names, key=str)
    # Again nothing, and under another name the same team.
    assert shared.value("SELECT tollgate_adopt_teams('team')") == 0
    before = teams_of(shared)
    shared.query("UPDATE tokens SET tollgate_team_id = NULL")
    assert shared.value("SELECT tollgate_adopt_teams('team')") == given
    assert teams_of(shared) == before
    assert shared.value("SELECT count(*) FROM tollgate_teams") == given + 1


def test_two_columns_are_not_mixed(shared):
    shared.query("DELETE FROM tokens; DELETE FROM tollgate_teams; INSERT INTO tokens (name, token_hash, team, org_id) "
                 "SELECT n, encode(sha256(n::bytea), 'hex'), CASE n WHEN 'a' THEN '5' END, 5 FROM unnest('{a,b}'::text[]) n")
    for column in ("team", "org_id"):
        assert shared.value("SELECT tollgate_adopt_teams(%s)", (column,)) == 1
    assert teams_of(shared) == {"a": "team 5", "b": "team 5 2"}
