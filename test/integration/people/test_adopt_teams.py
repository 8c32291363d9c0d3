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
    teams = {r["token"]: r["team"] for r in older.query(
        "SELECT k.name AS token, t.name AS team FROM tokens k "
        "LEFT JOIN tollgate_teams t ON t.id = k.tollgate_team_id")}
    assert teams == {"one": "Research", "two": f"team {b}", "three": None}
    older.query(INSERT, ("four", b"four", a))
    older.query("INSERT INTO team_members VALUES (%s, 1)", (a,))
    older.query("INSERT INTO audit_logs (what) VALUES ('still written')")
    assert "gave 1 tokens" in migrate(older, "--adopt-teams", "team_id").stdout
    assert older.value("SELECT count(*) FROM tollgate_teams") == 2
    done = run_cli("migrate", "--database", older.url, "--adopt-teams", "nothing", check=False)
    assert done.returncode == 1 and "no column nothing" in done.stderr
    older.drop()
