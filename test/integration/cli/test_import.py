"""`tollgate import kv`: the tokens of an edge Worker's key-value store, all of them or none."""
import hashlib
import json

import pytest

from tg.gateway import run_cli


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def database(cluster, template):
    """For all tests here: each has keys and names of its own."""
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database(template[0])
    yield database
    database.drop()


def import_kv(database, dump, *arguments, status=0, config=None):
    text = dump if isinstance(dump, str) else json.dumps(dump)
    where = ("--config", config) if config else ("--database", database.url)
    done = run_cli("import", "kv", "-", *arguments, *where, stdin=text, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout) if "--json" in arguments else done


def entries(word, count=3, **more):
    return {sha256(f"{word} {i}"): {"name": f"{word}-{i}", "scopes": ["openai", "test"], **more} for i in range(count)}


def rows(database, word):
    return database.query("SELECT *, tollgate_disabled_at IS NOT NULL AS disabled FROM tokens WHERE name LIKE %s "
                          "ORDER BY name", (word + "-%",))


def test_what_is_taken_opens_as_before(database, tmp_path):
    dump = entries("first")
    config = tmp_path / "tollgate.json"
    config.write_text(json.dumps({"database": database.url, "routes": [
        {"name": "a", "path": "/api/a", "upstream": "http://127.0.0.1:9", "scope": "openai"}]}))
    generation = database.generation()
    done = import_kv(database, dump, config=config)
    assert done.stdout.split() == ["3", "imported"]
    assert done.stderr.count("asks for the scope 'test'") == 1 and "'openai'" not in done.stderr
    assert {r["token_hash"]: {"name": r["name"], "scopes": r["scopes"]} for r in rows(database, "first")} == dump
    assert database.generation() > generation
    assert database.value("SELECT count(*) FROM tollgate_audit WHERE action = 'token.created' AND "
                          "after ->> 'name' LIKE 'first-%%'") == 3
    again = import_kv(database, dump, "--json")
    assert (again["made"], again["there"], again["kept"]) == (0, 3, True)
    assert len(rows(database, "first")) == 3


def test_a_dry_run_tells_and_changes_nothing(database):
    before = database.value("SELECT count(*) FROM tokens"), database.generation()
    told = import_kv(database, entries("dry"), "--dry-run", "--json")
    assert (told["made"], told["kept"], told["dry_run"]) == (3, False, True)
    done = import_kv(database, entries("dry"), "--dry-run")
    assert "nothing was changed" in done.stderr and done.stdout.split() == ["3", "imported"]
    assert (database.value("SELECT count(*) FROM tokens"), database.generation()) == before


def test_one_bad_entry_keeps_all_out_unless_told(database):
    bad = {"ntk_secret": {"name": "x", "scopes": []}, sha256("bad s"): {"name": "bad-s", "scopes": ["a b"]},
           sha256("bad n"): {"name": "bad-0", "scopes": []}, sha256("bad 5"): {"name": "5", "scopes": []},
           sha256("bad t"): {"name": "bad-t", "scopes": [], "expires_at": "tomorrow"}}
    dump = json.dumps({**entries("bad"), **bad}, indent=0)
    done = import_kv(database, dump, status=1)
    assert "nothing was imported, since 5 of 8 entries cannot be taken" in done.stderr
    assert f"line {dump[:dump.index(sha256('bad s'))].count(chr(10)) + 1}, {sha256('bad s')[:12]}: 'a b' is not a scope" \
        in done.stderr
    assert "a key itself stands here" in done.stderr and "secret" not in done.stderr
    assert not rows(database, "bad")
    told = import_kv(database, dump, "--skip-bad", "--json")
    assert (told["made"], told["kept"]) == (3, True)
    faults = {b["token_hash"]: b["fault"] for b in told["bad"]}
    assert set(faults) == {None} | set(bad) - {"ntk_secret"}
    assert "has the name 'bad-0' already" in faults[sha256("bad n")]
    assert "takes a time like" in faults[sha256("bad t")] and "could be a token's id" in faults[sha256("bad 5")]
    assert [r["name"] for r in rows(database, "bad")] == ["bad-0", "bad-1", "bad-2"]


def test_what_was_off_there_is_off_here(database):
    dump = {**entries("off", 1, is_active=False), sha256("off r"): {"name": "off-r", "scopes": [], "revoked": True},
            sha256("off e"): {"name": "off-e", "scopes": [], "expires_at": 1700000000},
            sha256("off l"): {"name": "off-l", "scopes": [], "expiresAt": 4102444800000, "rate": 5}}
    done = import_kv(database, dump)
    assert [line.split(maxsplit=1) for line in done.stdout.splitlines()] == [
        ["2", "imported"], ["1", "of these disabled, as they were there"], ["1", "left out: expired"],
        ["1", "left out: revoked or deleted there"]]
    assert "'rate' is not taken over (1 times)" in done.stderr
    found = {r["name"]: r for r in rows(database, "off")}
    assert set(found) == {"off-0", "off-l"} and found["off-0"]["disabled"] and not found["off-l"]["disabled"]
    assert found["off-l"]["expires_at"].isoformat()[:10] in ("2100-01-01",)


def test_tokens_of_an_older_table_get_their_scopes(database):
    """The older backend's table has the tokens, and the store alone their scopes."""
    dump = entries("bare")
    for one, (token_hash, facts) in enumerate(dump.items()):
        database.query("INSERT INTO tokens (name, token_hash, scopes) VALUES (%s, %s, %s)",
                       (facts["name"], token_hash, ["own"] if one == 0 else []))
    told = import_kv(database, dump, "--json")
    assert (told["made"], told["there"], told["bare"], told["filled"]) == (0, 1, 2, 0)
    assert "2 there without scopes: --fill" in import_kv(database, dump).stdout
    told = import_kv(database, dump, "--fill", "--json")
    assert (told["there"], told["bare"], told["filled"]) == (1, 0, 2)
    assert [r["scopes"] for r in rows(database, "bare")] == [["own"], ["openai", "test"], ["openai", "test"]]


def test_forms_files_and_prefixes(database, tmp_path):
    pairs = [{"key": f"token:{key}", "value": json.dumps(value), "metadata": None, "expiration": 4102444800}
             for key, value in entries("form").items()]
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps(pairs))
    done = run_cli("import", "kv", file, "--prefix", "token:", "--json", "--database", database.url)
    assert json.loads(done.stdout)["made"] == 3
    assert all(r["expires_at"].year in (2099, 2100) for r in rows(database, "form"))
    lines = "".join(json.dumps(p) + "\n" for p in pairs)
    assert import_kv(database, lines, "--prefix", "token:", "--json")["there"] == 3
    tabs = "".join(f"{key}\t{json.dumps(value)}\n" for key, value in entries("form", 4).items())
    assert import_kv(database, tabs, "--json")["made"] == 1
    twice = "".join(f"{key}\t{json.dumps(value)}\n" * 2 for key, value in entries("twice", 1).items())
    told = import_kv(database, twice, "--json")
    assert (told["made"], told["there"]) == (1, 1)


@pytest.mark.parametrize("dump, why", [
    ("", "there is nothing in it"), ("{}", "there is nothing in it"),
    ('{"a": {', "what begins here is not closed"),
    ("hello\n", "line 1: this line is neither JSON nor"),
])
def test_what_is_no_dump(database, dump, why):
    assert why in import_kv(database, dump, status=1).stderr


def test_a_file_cut_short_changes_nothing(database):
    dump = json.dumps(entries("cut", 1500))[:-40]
    assert "nothing was imported" in import_kv(database, dump, status=1).stderr
    assert not rows(database, "cut")
    assert "No such file" in run_cli("import", "kv", "/nowhere", "--database", database.url, check=False).stderr
