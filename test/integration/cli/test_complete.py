"""No command is forgotten: what takes --json answers with JSON, and what the API changes a command does.

That each command has help with two examples and a row in docs/command-line.md with its options is
test/unit/cli/test_commands.c's; the rows are read here.
"""
import json
import os
import re

import pytest

from tg.build import ROOT
from tg.gateway import run_cli

# In this order, on one database. {request}: that of somebody who asked for access.
JSON_COMMANDS = [
    ("team add", "research", "--scope", "x"), ("team add", "empty"), ("team list",), ("team show", "research"),
    ("user add", "--name", "ada", "--role", "admin"), ("user add", "--name", "bob", "--role", "admin"), ("user list",),
    ("user show", "ada"), ("user change", "bob", "--name", "rob"), ("team set", "research", "--longest", "90d"),
    ("team member", "research", "rob", "--role", "viewer"), ("team remove", "empty"), ("user key", "ada"),
    ("user keys", "ada"), ("user revoke", "ada", "{key}"), ("user link", "ada"), ("user sessions", "ada"),
    ("user sign-out", "ada"), ("user identify", "ada", "https://id.example.org", "s1"), ("user identities", "ada"),
    ("user forget", "ada", "{identity}"), ("user requests",), ("user refuse", "{request}"),
    ("user let-in", "{request}", "--role", "viewer", "--team", "research"), ("user disable", "rob"),
    ("user enable", "rob"), ("user remove", "rob"),
    ("token create", "--name", "a", "--scope", "x", "--team", "research", "--expires", "1d"), ("token list",),
    ("token import", "--name", "b", "--no-scopes"), ("token show", "a"), ("token addresses", "a"),
    ("token change", "a", "--description", "why"), ("token rotate", "a", "--grace", "1h"), ("token disable", "a"),
    ("token enable", "a", "--wait"), ("token lookup",), ("token revoke", "a"), ("token delete", "b"),
    ("import kv", "{dump}"), ("audit",), ("nodes",), ("routes",), ("usage stats",), ("usage top", "tokens"), ("usage series",), ("usage logs",),
    ("usage cost",), ("usage ask", "stats"), ("explain", "/health"), ("doctor",),
]

# Each operation that changes something: the command that does it, or why there is none.
CHANGES = {
    "create_token": "token create", "change_token": "token change", "delete_token": "token delete",
    "disable_token": "token disable", "enable_token": "token enable", "revoke_token": "token revoke",
    "rotate_token": "token rotate", "look_up_token": "token lookup",
    "create_team": "team add", "change_team": "team set", "delete_team": "team remove", "put_member": "team member",
    "delete_member": "team member", "create_user": "user add", "change_user": "user change",
    "delete_user": "user remove", "create_user_key": "user key", "delete_user_key": "user revoke",
    "delete_user_sessions": "user sign-out", "delete_user_session": "user sign-out",
    "create_user_identity": "user identify", "delete_user_identity": "user forget",
    "grant_access_request": "user let-in", "refuse_access_request": "user refuse", "explain_request": "explain",
}
WITHOUT_A_COMMAND = {
    "create_session": "a browser's sign-in: the command line needs none, and `user link` begins one",
    "end_session": "a browser's sign-out: `user sign-out` ends anybody's",
    "log_usage": "an older Worker reports its calls by it",
}


@pytest.fixture(scope="module")
def rows():
    """Command -> its row of the documentation."""
    with open(os.path.join(ROOT, "docs", "command-line.md"), encoding="utf-8") as file:
        found = re.findall(r"^\| `tollgate ([a-z-]+(?: [a-z-]+)?)[^`]*` (\|.*)$", file.read(), re.M)
    assert len(found) > 50
    return dict(found)


def test_every_command_that_takes_json_is_here(rows):
    assert {c[0] for c in JSON_COMMANDS} == {name for name, row in rows.items() if "`--json`" in row} - {"tail"}  # which does not end


def test_json(cluster, template, tmp_path):
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database(template[0])
    config = tmp_path / "tollgate.json"
    config.write_text(json.dumps({"database": database.url, "routes": [
        {"name": "a", "path": "/api/a", "upstream": "http://127.0.0.1:9", "scope": "x"},
        {"name": "b", "path": "/api/b", "upstream": "http://127.0.0.1:9"}]}))
    database.query("INSERT INTO tollgate_access_requests (issuer, subject) VALUES ('https://id.example.org', 's2')")
    (tmp_path / "kv.json").write_text('{"%s": {"name": "kv", "scopes": ["x"]}}' % ("a" * 64))
    known = {"request": database.value("SELECT id FROM tollgate_access_requests"), "dump": tmp_path / "kv.json"}
    answers = {}
    for name, *arguments in JSON_COMMANDS:
        done = run_cli(*name.split(), *(a.format(**known) for a in arguments), "--json", "--config", config,
                       stdin="some-old-key", check=name != "doctor")
        assert done.stderr == "", (name, done.stderr)
        answers[name] = json.loads(done.stdout)
        if name in ("user key", "user identify"):
            known[name.split()[1].replace("identify", "identity")] = answers[name]["id"]
    assert answers["token lookup"]["token"]["name"] == "b" and answers["user let-in"]["teams"][0]["role"] == "viewer"
    scopes = run_cli("routes", "--scopes", "--json", "--config", config).stdout
    assert json.loads(scopes) == [{"scope": "x", "routes": ["a"]}, {"scope": None, "routes": ["b"]}]
    lines = run_cli("routes", "--scopes", "--config", config).stdout.splitlines()
    assert [line.split() for line in lines] == [["SCOPE", "ROUTES"], ["x", "a"], ["-", "b"]]
    database.drop()


def test_every_change_has_a_command(rows):
    with open(os.path.join(ROOT, "gateway", "api", "operations.def"), encoding="utf-8") as file:
        operations = re.findall(r"^OPERATION\((\w+), (\w+),", file.read(), re.M)
    changing = {name for name, method in operations if method != "GET"}
    assert len(operations) > 50 and changing == set(CHANGES) | set(WITHOUT_A_COMMAND)
    assert not set(CHANGES) & set(WITHOUT_A_COMMAND) and set(CHANGES.values()) <= set(rows)
