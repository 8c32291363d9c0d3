"""`tollgate usage` and `routes`: names and ids, JSON for programs, tables for people."""
import json
import re

import pytest

from cli.test_terminal import on_terminal
from tg.gateway import run_cli
from tg.wait import eventually

CONFIG = """{"database": "%s", "routes": [
  {"name": "mail", "path": "/api/mail", "upstream": "https://u:pass@mail.example/v1", "scope": "mail",
   "price_per_call": 0.5, "set_headers": {"Authorization": "Bearer ${TG_SECRET}"}},
  {"name": "test", "path": "/api/test", "upstream": "http://127.0.0.1:1", "methods": ["GET", "POST"]}]}"""


class Made:
    def __init__(self, database, config):
        self.database, self.config = database, str(config)

    def ask(self, *arguments, status=0):
        done = run_cli("usage", *arguments, "--config", self.config, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout) if status == 0 else done.stderr

    def show(self, *arguments, **how):
        return on_terminal("usage", *arguments, "--config", self.config, NO_COLOR="1", **how)


@pytest.fixture(scope="module")
def made(cluster, template, tmp_path_factory):
    """Calls of the last day of tokens `alpha`, and of two that were called `beta`."""
    database = cluster.create_database(template[0])
    config = tmp_path_factory.mktemp("usage") / "tollgate.json"
    config.write_text((CONFIG % database.url).replace("u:pass@", ""))
    database.query("DELETE FROM tokens")
    for number, (name, revoked) in enumerate((("alpha", False), ("beta", True), ("beta", False), ("gamma", True),
                                              ("gamma", True), ("delta", False), ("delta", False), ("中文", False)), 101):
        database.query("INSERT INTO tokens (id, name, token_hash, revoked_at) VALUES (%s, %s, %s, CASE WHEN %s THEN "
                       "now() END)", (number, name, f"{number:064d}", revoked))
    run_cli("usage", "generate", "--config", config)
    run_cli("team", "add", "research", "--database", database.url)
    database.query("UPDATE tokens SET tollgate_team_id = (SELECT id FROM tollgate_teams) WHERE id = 101")
    yield Made(database, config)
    database.drop()


def test_names_and_ids(made):
    by_id = made.ask("top", "tokens", "--tokens", "101")
    assert [t["id"] for t in by_id["tokens"]] == [101] and by_id["tokens"][0]["calls"] > 0
    assert made.ask("top", "tokens", "--tokens", "alpha")["tokens"] == by_id["tokens"]
    assert made.ask("top", "tokens", "--teams", "Research")["tokens"] == by_id["tokens"]
    # Of two that had the name the living one is meant.
    assert [t["id"] for t in made.ask("ask", "top-tokens", "--tokens", "beta,alpha", "--limit", "9")["tokens"]
            ] in ([101, 103], [103, 101])
    by_path = made.ask("series", "--routes", "/api/mail")["points"]
    assert made.ask("series", "--routes", "mail")["points"] == by_path and sum(p["calls"] for p in by_path) > 0
    assert made.ask("ask", "token", "--tokens", "中文")["token"]["id"] == 108


@pytest.mark.parametrize("arguments, why", [
    (("--tokens", "delta"), "several are called 'delta': say the id (106, 107)"),
    (("--tokens", "gamma"), "several are called 'gamma': say the id (104, 105)"),
    (("--tokens", "nobody"), "there is none called 'nobody'"),
    (("--teams", "nobody"), "there is none called 'nobody'"),
    (("--routes", "mial"), "no route of the configuration is called 'mial'; did you mean 'mail'?"),
])
def test_what_is_not_one_is_refused(made, arguments, why):
    assert why in made.ask("top", "tokens", *arguments, status=1)


def test_a_routes_name_needs_a_configuration(made):
    done = run_cli("usage", "top", "routes", "--routes", "mail", "--database", made.database.url, check=False)
    assert done.returncode == 1 and "a path begins with /; names are those of a configuration" in done.stderr


def test_programs_get_what_ask_answers(made):
    for command, question in (("stats", "stats"), ("series", "series"), ("logs", "rows"), ("cost", "cost"),
                              ("top tokens", "top-tokens"), ("top routes", "top-routes")):
        options = () if question == "rows" else ("--to", "2026-01-02", "--from", "2026-01-01")
        for more in ((), ("--json",)):
            # A page of rows may end where its time does.
            eventually(lambda: made.ask(*command.split(), *options, *more) == made.ask("ask", question, *options),
                       f"{command} answers as ask does")


def test_last(made):
    whole = sum(p["calls"] for p in made.ask("series", "--last", "7d")["points"])
    assert whole > sum(p["calls"] for p in made.ask("series", "--last", "2h")["points"]) > 0
    assert made.ask("stats", "--last", "4d", "--zone", "Asia/Kolkata")["from"].endswith("+05:30")
    assert "both" in made.ask("logs", "--last", "7d", "--to", "2026-01-01", status=2)


def test_tables(made):
    top = made.show("top", "tokens").splitlines()
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d to .*, UTC", top[0])
    assert re.fullmatch(r" *ID +TOKEN +CALLS +ERRORS +ERRORS % +MEAN MS +COST", top[1])
    assert re.search(r"101 +alpha +\d+ +[█▉▊▋▌▍▎▏]+ ", "\n".join(top))
    assert "█" not in made.show("top", "tokens", LC_ALL="C") and "#" in made.show("top", "tokens", LC_ALL="C")
    stats = made.show("stats", "--last", "2d")
    for part in ("\nTokens\n", "\nRoutes\n", "\nSlow calls\n", "Calls over time\n", "CHANGE", "/api/mail"):
        assert part in stats, part
    logs = made.show("logs", "--limit", "2")
    assert re.search(r"AT +TOKEN +ROUTE +METHOD +STATUS +MS +OUTCOME +FROM", logs) and "older ones: --after" in logs
    assert "2xx" in made.show("ask", "statuses") and "cost " in made.show("cost")
    assert "alpha" in made.show("ask", "token", "--tokens", "alpha")
    assert "FROM MS" in made.show("ask", "distribution") and "BEFORE" in made.show("ask", "totals")
    assert "none" in made.show("ask", "token", "--tokens", "999")
    assert json.loads(made.show("stats", "--json"))["totals"]["calls"] > 0


def test_routes(made):
    listed = run_cli("routes", "--config", made.config, "--json").stdout
    assert [(r["name"], r["path"], r["upstreams"]) for r in json.loads(listed)] == [
        ("mail", "/api/mail", ["https://mail.example"]), ("test", "/api/test", ["http://127.0.0.1:1"])]
    plain = run_cli("routes", "--config", made.config).stdout.splitlines()
    assert plain[1].split() == ["mail", "/api/mail", "mail", "https://mail.example", "all"]
    assert "GET POST" in on_terminal("routes", "--config", made.config)
    done = run_cli("routes", "--config", made.config, "--env", "prod", check=False)
    assert done.returncode == 1 and 'there is no environment "prod"' in done.stderr
