"""`tollgate token list`: filters, order, rankings, and lists of any length."""
import json

import pytest

from tg.gateway import run_cli
from cli.test_terminal import on_terminal

MANY = 1250  # more than a page


@pytest.fixture(scope="module")
def many(cluster, template):
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database(template[0])
    database.query("DELETE FROM tokens")
    database.query("INSERT INTO tollgate_teams (name) VALUES ('research'), ('mail')")
    database.query("INSERT INTO tokens (name, token_hash, scopes, created_at, tollgate_team_id) "
                   "SELECT 'bulk ' || lpad(n::text, 4, '0'), encode(sha256(n::text::bytea), 'hex'), '{x}', "
                   "now() - interval '200 days' + n * interval '1 min', CASE WHEN n %% 2 = 0 THEN (SELECT id FROM "
                   "tollgate_teams WHERE name = 'research') END FROM generate_series(1, %s) AS n", (MANY,))
    database.query("UPDATE tokens SET revoked_at = now() WHERE name = 'bulk 0001'")
    database.query("UPDATE tokens SET tollgate_disabled_at = now(), scopes = '{mail,y}' WHERE name = 'bulk 0002'")
    database.query("UPDATE tokens SET expires_at = now() + interval '10 days' WHERE name = 'bulk 0003'")
    database.query("UPDATE tokens SET tollgate_deleted_at = now(), revoked_at = now() WHERE name = 'bulk 0004'")
    database.query("UPDATE tokens SET last_used = now() WHERE name <> 'bulk 0005'")
    yield database
    database.drop()


def names(database, *arguments):
    done = run_cli("token", "list", "--json", "--database", database.url, *arguments)
    return [t["name"] for t in json.loads(done.stdout)]


def bulk(*numbers):
    return [f"bulk {n:04}" for n in numbers]


@pytest.mark.parametrize("arguments, numbers", [
    (("--state", "revoked,disabled"), (1, 2)), (("--state", "deleted"), (4,)), (("--scope", "mail"), (2,)),
    (("--expires-within", "30d"), (3,)), (("--search", "bulk 0007"), (7,)), (("--unused", "90d"), (5,)),
    (("--sort", "-name", "--limit", "2"), (MANY, MANY - 1)), (("--limit", "3"), (1, 2, 3)),
    (("--team", "research", "--limit", "2"), (2, 6)), (("--team", "none", "--limit", "2"), (1, 3)),
    (("--team", "research", "--team", "none", "--limit", "2"), (1, 2)), (("--by", "calls"), ()),
])
def test_filters(many, arguments, numbers):
    assert names(many, *arguments) == bulk(*numbers)


def test_a_list_of_any_length(many):
    every = [n for n in range(1, MANY + 1) if n != 4]
    assert names(many) == names(many, "--all") == bulk(*every)
    lines = run_cli("token", "list", "--database", many.url).stdout.splitlines()
    assert len(lines) == MANY and all(line[7:11] in ("NAME", "bulk") for line in lines)


def test_how_to_go_on(many):
    done = run_cli("token", "list", "--json", "--limit", "1100", "--database", many.url)
    first = [t["name"] for t in json.loads(done.stdout)]
    assert len(first) == 1100 and "there are more: --all" in done.stderr
    after = done.stderr.split("--after ")[1].split()[0]
    done = run_cli("token", "list", "--json", "--after", after, "--database", many.url)
    rest = [t["name"] for t in json.loads(done.stdout)]
    assert first + rest == names(many) and done.stderr == ""


def test_on_a_terminal_the_latest_50(many):
    lines = on_terminal("token", "list", "--database", many.url, NO_COLOR="1").splitlines()
    assert [line.split()[2] for line in lines[1:51]] == [f"{n:04}" for n in range(MANY, MANY - 50, -1)]
    assert len(lines) == 52 and lines[51].startswith("there are more: ")
    lines = on_terminal("token", "list", "--all", "--database", many.url, NO_COLOR="1").splitlines()
    assert len(lines) == MANY
    for page in (lines[1:1001], lines[1001:1201]):
        assert len({line.find("bulk") for line in page}) == len({line.find("active") for line in page}) == 1


def test_a_ranking(many):
    many.query("INSERT INTO token_usage_logs (token_hash, token_id, used_at, route_path, response_status) SELECT "
               "token_hash, id, (now() AT TIME ZONE 'UTC') - interval '1 hour', '/a', 200 FROM tokens, "
               "generate_series(1, CASE name WHEN 'bulk 0008' THEN 4 ELSE 2 END) WHERE name IN ('bulk 0008', 'bulk 0009')")
    while many.value("SELECT usage_recount_dirty(100)") > 0:
        pass
    found = json.loads(run_cli("token", "list", "--by", "calls", "--json", "--database", many.url).stdout)
    assert [(t["name"], t["calls"]) for t in found] == [("bulk 0008", 4), ("bulk 0009", 2)]
    lines = on_terminal("token", "list", "--by", "calls", "--database", many.url, NO_COLOR="1",
                        LC_ALL="C.UTF-8").splitlines()
    assert [line.count("\u2588") for line in lines] == [0, 16, 8]


def test_ids_are_exact(many):
    many.query("INSERT INTO tokens (id, name, token_hash) VALUES (9007199254740993, 'big', repeat('b', 64))")
    done = run_cli("token", "list", "--search", "big", "--json", "--database", many.url).stdout
    assert json.loads(done)[0]["id"] == 9007199254740993
    many.query("DELETE FROM tokens WHERE name = 'big'")


@pytest.mark.parametrize("arguments, why", [
    (("--state", "revokd"), "did you mean 'revoked'?"), (("--sort", "nmae"), "did you mean 'name'?"),
    (("--by", "calls", "--sort", "name"), "order of its own"), (("--all", "--limit", "3"), "not both"),
    (("--unused", "12h"), "whole days"), (("--limit", "0"), "not a number"),
    (("--search", "ntk_" + "a" * 38), "token lookup"),
])
def test_wrong_use(arguments, why):
    done = run_cli("token", "list", *arguments, "--database", "postgresql:///none", check=False)
    assert done.returncode == 2 and why in done.stderr and "ntk_aaaa" not in done.stderr


@pytest.mark.parametrize("arguments, why", [
    (("--team", "reserch"), "there is no team 'reserch'"), (("--after", "abc"), "follow `next`"),
])
def test_refused(many, arguments, why):
    done = run_cli("token", "list", *arguments, "--database", many.url, check=False)
    assert done.returncode == 1 and why in done.stderr and "TG4" not in done.stderr
