"""`tollgate token`: what it stores, what it prints, and what it refuses."""
import hashlib
import json
import re

import pytest

from tg.gateway import run_cli

KEY = re.compile(r"ntk_[0-9A-Za-z]{38}\Z")


def sha256(key):
    return hashlib.sha256(key.encode()).hexdigest()


def on(database):
    def run(*arguments, stdin=None, status=0):
        done = run_cli("token", *arguments, "--database", database.url, stdin=stdin, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done
    return run


@pytest.fixture
def token(database):
    return on(database)


@pytest.fixture(scope="module")
def shared(cluster, template):
    """A database for tests that do not mind each other's tokens."""
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database(template[0])
    yield database
    database.drop()


def test_create_prints_the_key_and_stores_its_hash(token, database):
    done = token("create", "--name", "n8n", "--scope", "openai,test", "--scope", "x", "--expires",
                 "30d")
    key = done.stdout.strip()
    assert KEY.match(key)
    row = database.query("SELECT *, expires_at - created_at AS life FROM tokens WHERE name = 'n8n'"
                         )[0]
    assert row["token_hash"] == sha256(key)
    assert row["scopes"] == ["openai", "test", "x"]
    assert row["key_start"] == key[:8]
    assert row["life"].days == 30
    stored = database.value("SELECT string_agg(t::text, '') FROM tokens t") + database.value(
        "SELECT string_agg(k::text, '') FROM token_keys k")
    assert key not in stored


def test_create_in_json(token, database):
    made = json.loads(token("create", "--name", "a", "--scope", "*", "--json").stdout)
    assert KEY.match(made["key"]) and made["scopes"] == ["*"] and made["name"] == "a"
    assert database.value("SELECT id FROM tokens WHERE name = 'a'") == made["id"]
    assert made["key"] not in token("list", "--json").stdout


def test_names_are_unique_among_the_living(token):
    token("create", "--name", "a", "--scope", "x")
    assert "has the name 'a' already" in token("create", "--name", "a", "--scope", "x",
                                               status=1).stderr
    token("revoke", "a")
    token("create", "--name", "a", "--scope", "x")


@pytest.mark.parametrize("arguments, why", [
    (("create", "--scope", "x"), "--name is missing"),
    (("create", "--name", "a"), "--scope is missing"),
    (("create", "--name", "a", "--scope", "x", "--no-scopes"), "not both"),
    (("change", "a", "--scope", "x", "--no-scopes"), "not both"),
    (("change", "a", "--address", "::/0", "--any-address"), "not both"),
    (("change", "a", "--expires", "1d", "--never-expires"), "not both"),
    (("change", "a"), "what is to change?"),
    (("disable", "a", "--wait=0"), "not a number from 1 to 10000"),
    (("create", "--name", "a", "--scope", "x", "--expires", "soon"), "--expires takes"),
    (("create", "--name", "a", "--scope", "x", "extra"), "too many arguments"),
    (("create", "--name", "a", "--scope", "x", "--hash"), "it goes with import"),
    (("list", "--name", "a"), "it goes with create"),
    (("revoke",), "one id or name"),
    (("revoke", "a", "b"), "one id or name"),
    (("revoke", "a", "--id", "1"), "one id or name"),
    (("revoke", "--name", "a", "--id", "1"), "one id or name"),
    (("revoke", "a", "--scope", "x"), "it goes with create"),
    (("list", "--id", "1"), "it goes with revoke"),
    (("create", "--name", "a", "--scope", "x", "--id", "1"), "it goes with revoke"),
    (("import", "--name", "a", "--scope", "x", "sk-secret-key"), "never an argument"),
])
def test_usage(shared, arguments, why):
    assert why in on(shared)(*arguments, status=2).stderr


@pytest.mark.parametrize("name, scope, why", [
    ("", "x", "a name is"), ("n" * 101, "x", "a name is"), ("a\nb", "x", "a name is"),
    (" a", "x", "a name is"), ("a", "b c\"d", "is not a scope"), ("a", "s" * 65, "is not a scope"),
])
def test_names_and_scopes_are_checked(shared, name, scope, why):
    before = shared.value("SELECT count(*) FROM tokens")
    assert why in on(shared)("create", "--name", name, "--scope", scope, status=1).stderr
    assert shared.value("SELECT count(*) FROM tokens") == before


def test_list_tells_the_state(token, database):
    for name in ("live", "old", "gone"):
        token("create", "--name", name, "--scope", "x")
    database.query("UPDATE tokens SET expires_at = now() - interval '1 s' WHERE name = 'old'")
    token("revoke", "gone")
    rows = {r["name"]: r for r in json.loads(token("list", "--json").stdout)}
    assert [rows[n]["state"] for n in ("live", "old", "gone")] == ["active", "expired", "revoked"]
    assert rows["live"]["scopes"] == ["x"] and rows["live"]["last_used_at"] is None
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z", rows["live"]["created_at"])
    assert "gone" in token("list").stdout


def test_revoke_by_id_and_name(token, database):
    first = json.loads(token("create", "--name", "a", "--scope", "x", "--json").stdout)["id"]
    token("revoke", str(first))
    at = database.value("SELECT revoked_at FROM tokens WHERE id = %s", (first,))
    assert json.loads(token("revoke", str(first), "--json").stdout)["id"] == first
    assert database.value("SELECT revoked_at FROM tokens WHERE id = %s", (first,)) == at
    assert "no token has" in token("revoke", "nobody", status=1).stderr
    database.query("INSERT INTO tokens (name, token_hash) VALUES ('twice', 'h2'), ('twice', 'h3')")
    assert "several tokens" in token("revoke", "twice", status=1).stderr


def test_revoking_says_the_name(token, database):
    first = json.loads(token("create", "--name", "n8n mail", "--scope", "x", "--json").stdout)["id"]
    assert token("revoke", str(first)).stdout == f"token {first}, 'n8n mail', is revoked\n"
    again = json.loads(token("revoke", "--id", str(first), "--json").stdout)
    assert again == {"id": first, "name": "n8n mail", "state": "revoked"}


def test_an_id_that_is_anothers_name(token, database):
    def living():
        return database.query("SELECT id, name FROM tokens WHERE revoked_at IS NULL AND name <> 'own' "
                              "ORDER BY id")

    first = json.loads(token("create", "--name", "a", "--scope", "x", "--json").stdout)["id"]
    number = str(first)
    # Older systems allow such names; here they cannot be made any more.
    database.query("INSERT INTO tokens (name, token_hash) VALUES (%s, 'h1'), ('own', 'h2')", (number,))
    database.query("UPDATE tokens SET name = id::text WHERE name = 'own'")
    before = living()
    refused = token("revoke", number, status=1).stderr
    assert f"--id {number} or --name '{number}'" in refused and "'a'" in refused
    assert living() == before
    token("revoke", "--name", number)
    assert [r["name"] for r in living() if r["name"] in ("a", number)] == ["a"]
    token("revoke", number)  # only one is left that is meant
    assert not [r for r in living() if r["name"] == "a"]
    # One that is named like its own id is not two.
    own = database.value("SELECT id FROM tokens WHERE name = id::text AND revoked_at IS NULL")
    token("revoke", str(own))
    assert "no token has the id 'a'" in token("revoke", "--id", "a", status=1).stderr
    assert f"no token has the name '{own}'" in token("revoke", "--name", str(own), status=1).stderr


@pytest.mark.parametrize("name", ["5", "0", "00012", "9" * 100])
def test_names_are_no_numbers(shared, name):
    refused = on(shared)("create", "--name", name, "--scope", "x", status=1).stderr
    assert f"token-{name}" in refused
    refused = on(shared)("import", "--name", name, "--scope", "x", stdin="key", status=1).stderr
    assert "could be a token's id" in refused


def test_scopes_that_no_route_asks_for(token, database, tmp_path):
    file = tmp_path / "tollgate.json"
    file.write_text(json.dumps({"database": database.url, "routes": [
        {"name": n, "path": f"/api/{n}", "upstream": "http://127.0.0.1:9", **scope}
        for n, scope in (("a", {"scope": "openai"}), ("b", {"scope": "openai"}), ("c", {"scope": "mail"}),
                         ("d", {}))]}))
    done = token("create", "--name", "a", "--scope", "openai,openia,*", "--config", str(file))
    assert KEY.match(done.stdout.strip())
    warnings = [line for line in done.stderr.splitlines() if "warning" in line]
    assert len(warnings) == 1 and "'openia'" in warnings[0]
    assert "routes' scopes: openai, mail" in warnings[0]
    done = token("import", "--name", "b", "--scope", "Mail", "--config", str(file), stdin="some-key")
    assert "'Mail'" in done.stderr
    assert "warning" not in token("create", "--name", "c", "--scope", "mail", "--config", str(file)).stderr
    assert "warning" not in token("create", "--name", "d", "--scope", "whatever").stderr


@pytest.mark.parametrize("text, why", [
    ('{"key":"ntk_abc"}', "this is JSON"), ('{\n  "key": "x"\n}\n', "this is JSON"), ('["x"]', "this is JSON"),
    ('[' + '"x",' * 400, "this is JSON"), ('"sk-abc"', "quotes around"), ("'sk-abc'\n", "quotes around"),
    ("`sk-abc`", "quotes around"), ("OPENAI_API_KEY=sk-abc", "a variable"), (" {}\n", "this is JSON"),
])
def test_what_is_no_key_is_not_imported(shared, text, why):
    before = shared.value("SELECT count(*) FROM tokens")
    assert why in on(shared)("import", "--name", "a", "--scope", "x", stdin=text, status=1).stderr
    assert shared.value("SELECT count(*) FROM tokens") == before


@pytest.mark.parametrize("key", ["QUJD==", "A=", "=A", "abc=def", '"', "{}"[1:], "x{}", "k\"k"])
def test_what_may_be_a_key_is(shared, key):
    name = sha256(key)
    on(shared)("import", "--name", name, "--scope", "x", stdin=key)
    assert shared.value("SELECT count(*) FROM tokens WHERE token_hash = %s", (sha256(key),)) == 1


@pytest.mark.parametrize("key, end", [
    ("sk-proj-AbC_123-" + "x" * 40, ""), ("short", "\n"), ("k" * 512, "\r\n"), ("k" * 23, "\n"),
])
def test_import_takes_keys_of_any_shape(shared, key, end):
    name = sha256(key)
    done = on(shared)("import", "--name", name, "--scope", "x", stdin=key + end)
    assert key not in done.stdout + done.stderr
    row = shared.query("SELECT * FROM tokens WHERE name = %s", (name,))[0]
    assert row["token_hash"] == sha256(key)
    # What is shown of a key must not be much of it.
    assert row["key_start"] == (key[:8] if len(key) >= 24 else None)


def test_import_from_a_file_and_by_hash(token, database, tmp_path):
    file = tmp_path / "key"
    file.write_text("from-a-file\n")
    token("import", "--name", "a", "--scope", "x", "--file", str(file))
    token("import", "--name", "b", "--scope", "x", "--hash", stdin=sha256("other").upper() + "\n")
    hashes = {r["name"]: r["token_hash"] for r in database.query("SELECT * FROM tokens")}
    assert hashes["a"] == sha256("from-a-file") and hashes["b"] == sha256("other")
    again = token("import", "--name", "c", "--scope", "x", stdin="other", status=1)
    assert "there already" in again.stderr and "'b'" in again.stderr
    assert "No such file" in token("import", "--name", "d", "--scope", "x", "--file",
                                   str(tmp_path / "none"), status=1).stderr


@pytest.mark.parametrize("stdin, more, why", [
    ("", (), "a key is one line"),
    ("\n", (), "a key is one line"),
    ("two\nlines", (), "a key is one line"),
    ("with space", (), "a key is one line"),
    ("k" * 513, (), "a key is one line"),
    ("ntk_" + "0" * 38, (), "checksum is wrong"),
    ("abc", ("--hash",), "64 hex digits"),
    ("g" * 64, ("--hash",), "64 hex digits"),
])
def test_import_refuses(shared, stdin, more, why):
    done = on(shared)("import", "--name", "a", "--scope", "x", *more, stdin=stdin, status=1)
    assert why in done.stderr
    assert not stdin.strip() or stdin.strip() not in done.stderr


def test_without_tables_it_says_what_to_do(cluster):
    empty = cluster.create_database()
    try:
        for arguments in (("create", "--name", "a", "--scope", "x"), ("list",), ("revoke", "a")):
            done = run_cli("token", *arguments, "--database", empty.url, check=False)
            assert done.returncode == 1 and "tollgate migrate" in done.stderr
    finally:
        empty.drop()


def test_help_needs_no_database():
    assert "import" in run_cli("token", "--help").stdout
    assert "--expires" in run_cli("token", "create", "--help").stdout
    assert run_cli("token", check=False).returncode == 2


def test_show_change_disable_enable_delete(token, database):
    database.query("INSERT INTO tollgate_teams (name) VALUES ('research')")
    made = json.loads(token("create", "--name", "a", "--scope", "x", "--json").stdout)
    shown = json.loads(token("show", "a", "--json").stdout)
    assert (shown["id"], shown["state"], shown["team"]) == (made["id"], "active", None)
    assert "is changed" in token("change", "a", "--name", "b", "--scope", "y,z", "--expires", "30d", "--team",
                                 "research", "--description", "why").stdout
    shown = json.loads(token("show", "b", "--json").stdout)
    assert (shown["scopes"], shown["team"]["name"], shown["description"]) == (["y", "z"], "research", "why")
    assert shown["expires_at"] is not None
    lines = token("show", "b").stdout.splitlines()
    assert "scopes           y, z" in lines and "team             research" in lines
    token("change", str(made["id"]), "--team", "none", "--never-expires")
    shown = json.loads(token("show", "b", "--json").stdout)
    assert (shown["team"], shown["expires_at"]) == (None, None)
    assert token("disable", "b").stdout == f"token {made['id']}, 'b', is disabled\n"
    assert [t["state"] for t in json.loads(token("list", "--json").stdout) if t["name"] == "b"] == ["disabled"]
    assert token("enable", "b").stdout == f"token {made['id']}, 'b', is enabled\n"
    token("delete", "b")
    assert made["id"] not in [t["id"] for t in json.loads(token("list", "--json").stdout)]
    assert "for good" in token("enable", str(made["id"]), status=1).stderr


@pytest.mark.parametrize("arguments, why", [
    (("show", "nobody"), "no token has"), (("change", "a", "--team", "no"), "no team 'no'"),
    (("change", "a", "--name", "12"), "could be a token's id"), (("change", "a", "--scope", "b;c"), "is not a scope"),
    (("lookup", "--hash", "0" * 64), "no such token"),
])
def test_changes_that_are_refused(token, arguments, why):
    token("create", "--name", "a", "--scope", "x")
    said = token(*arguments, status=1).stderr
    assert why in said and "TG4" not in said


def test_rotate_and_lookup(token, database):
    first = token("create", "--name", "a", "--scope", "x").stdout.strip()
    second = token("rotate", "a", "--grace", "1h").stdout.strip()
    assert KEY.match(second) and second != first
    assert token("lookup", stdin=first).stdout.startswith("the old key of token")
    assert token("lookup", "--hash", sha256(second)).stdout.startswith("the current key of token")
    third = json.loads(token("rotate", "a", "--json").stdout)["key"]
    assert [r["token_hash"] for r in database.query(
        "SELECT token_hash FROM token_keys WHERE valid_until IS NULL OR valid_until > now() ORDER BY valid_until")
        if r["token_hash"] in map(sha256, (first, second, third))] == [sha256(third)]


def shown(token, name):
    return json.loads(token("show", name, "--json").stdout)


def test_made_with_everything(token, database):
    database.query("INSERT INTO tollgate_teams (name, scopes_most, address_ranges_most) "
                   "VALUES ('research', '{x}', '{10.0.0.0/8}')")
    token("create", "--name", "a", "--scope", "x", "--team", "Research", "--description", "why", "--address",
          "10.1.0.0/16,10.2.0.1", "--address", "10.3.0.0/24")
    found = shown(token, "a")
    assert (found["team"]["name"], found["description"]) == ("research", "why")
    assert found["address_ranges"] == ["10.1.0.0/16", "10.2.0.1/32", "10.3.0.0/24"]
    token("create", "--name", "b", "--no-scopes")
    assert (shown(token, "b")["scopes"], shown(token, "b")["team"]) == ([], None)
    token("import", "--name", "c", "--no-scopes", "--description", "old", stdin="some-old-key")
    assert (shown(token, "c")["scopes"], shown(token, "c")["description"]) == ([], "old")
    for more, why in ((("--scope", "y"), "may not give 'y'"), (("--scope", "x"), "address_ranges must be within"),
                      (("--scope", "x", "--address", "::/0"), "address_ranges must be within")):
        said = token("create", "--name", "d", "--team", "research", *more, status=1).stderr
        assert why in said and "TG4" not in said
    assert "no team 'reserch'" in token("create", "--name", "d", "--scope", "x", "--team", "reserch", status=1).stderr
    assert "not a range" in token("create", "--name", "d", "--scope", "x", "--address", "10.0.0.1/8", status=1).stderr
    token("change", "b", "--address", "203.0.113.9", "--scope", "x,y", "--description", "mine")
    found = shown(token, "b")
    assert (found["address_ranges"], found["scopes"], found["description"]) == (["203.0.113.9/32"], ["x", "y"], "mine")
    token("change", "b", "--any-address", "--no-scopes", "--description", "")
    found = shown(token, "b")
    assert (found["address_ranges"], found["scopes"], found["description"]) == (None, [], None)


def test_addresses(token, database):
    token("create", "--name", "a", "--scope", "x")
    assert json.loads(token("addresses", "a", "--json").stdout)["items"] == []
    database.query("INSERT INTO token_usage_logs (token_hash, token_id, used_at, ip_address) SELECT token_hash, id, "
                   "now() AT TIME ZONE 'UTC' - n * interval '1 s', '10.0.0.' || n %% 2 FROM tokens, "
                   "generate_series(1, 5) AS n WHERE name = 'a'")
    lines = [line.split() for line in token("addresses", "a").stdout.splitlines()]
    assert [line[:3] for line in lines] == [["ADDRESS", "KEY", "CALLS"], ["10.0.0.1", "current", "3"],
                                            ["10.0.0.0", "current", "2"]]
    assert [i["calls"] for i in json.loads(token("addresses", "a", "--json").stdout)["items"]] == [3, 2]


def test_which_gateways_have_confirmed(token, database):
    """As node_report writes them: one that follows, one that does not, one that is long gone."""
    made = json.loads(token("create", "--name", "a", "--scope", "x", "--json").stdout)
    alone = json.loads(token("disable", "a", "--wait", "--json").stdout)
    assert (alone["confirmed"], alone["silent"], alone["complete"]) == ([], [], True)
    assert "no gateway runs on this database" in token("enable", "a", "--wait").stdout
    node = ("INSERT INTO tollgate_nodes (id, name, version, instance, generation, started_at, right_at, reported_at, "
            "applied_at, waiting_bytes, dropped) SELECT gen_random_uuid(), %s, '1', instance, generation + %s, now(), "
            "now(), now() - %s::interval, now(), 0, 0 FROM token_generation")
    database.query(node, ("follows", 100, "0 s"))
    database.query(node, ("gone", 0, "1 hour"))
    told = json.loads(token("disable", "a", "--wait", "--json", status=1).stdout)
    assert [n["name"] for n in told["confirmed"]] == ["follows"] and told["confirmed"][0]["after_ms"] >= 0
    assert [n["name"] for n in told["silent"]] == ["gone"] and not told["complete"] and told["state"] == "disabled"
    database.query("DELETE FROM tollgate_nodes WHERE name = 'gone'")
    done = token("enable", "a", "--wait=10000")
    assert re.search(r"'a', is enabled\n  follows has confirmed in \d+ ms\n\Z", done.stdout) and done.stderr == ""
    database.query(node, ("behind", 0, "0 s"))
    done = token("revoke", "a", "--wait=50", status=1)
    assert "behind has not confirmed; last heard of: 2" in done.stdout and "not all gateways" in done.stderr
    assert json.loads(token("revoke", str(made["id"]), "--wait=50", "--json", status=1).stdout)["state"] == "revoked"
