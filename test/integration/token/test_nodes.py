"""What nodes report to the database: that they are alive, and which change of tokens they have applied."""

import pytest

from tg.asker import Asker
from tg.gateway import run_cli
from tg.wait import eventually

WORKERS = 3


def nodes(database):
    return database.value("SELECT nodes_list()")["items"]


def progress(database):
    return {r["name"]: r for r in database.query("SELECT * FROM nodes_progress()")}


def applied(database, generation, *names):
    rows = progress(database)
    return all(name in rows and rows[name]["generation"] >= generation for name in names)


@pytest.fixture
def two(gateways, echo_upstream):
    return [gateways(echo_upstream, workers=WORKERS, node=name) for name in ("a", "b")]


@pytest.mark.sanitizer
def test_a_node_comes_and_goes(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream, node="n:1")
    node, = eventually(lambda: nodes(database), "it has reported")
    assert node["name"] == "n:1" and node["state"] == "live" and node["version"] in run_cli("--version").stdout
    assert node["tokens"]["generation"] == node["tokens"]["newest"] == database.generation()
    assert node["tokens"]["is_newest"] is True and node["tokens"]["age_ms"] >= 0
    assert node["usage"] == {"waiting_bytes": 0, "oldest_at": None, "dropped": 0}
    for field in ("started_at", "reported_at"):
        assert node[field].endswith("Z") and node[field][:19] >= "2020-01-01T00:00:00"
    eventually(lambda: nodes(database)[0]["reported_at"] > node["reported_at"], "it reports again")
    assert nodes(database)[0]["tokens"]["applied_at"] == node["tokens"]["applied_at"]
    gateway.terminate()
    gateway.wait_exit()
    assert nodes(database) == []


@pytest.mark.sanitizer
def test_what_is_applied_is_reported_at_once(two, database, keys):
    eventually(lambda: applied(database, database.generation(), "a", "b"), "both have reported")
    for n in range(10):
        key = f"key-{n}"
        database.query("INSERT INTO tokens (name, token_hash, scopes) VALUES ('x', "
                       "encode(sha256(convert_to(%s, 'UTF8')), 'hex'), '{test}')", (key,))
        eventually(lambda: applied(database, database.generation(), "a", "b"), "both have it")
        assert [g.call("GET", "/api/test/x", key=key).status for g in two] == [200, 200]
        database.query("UPDATE tokens SET revoked_at = now() WHERE name = 'x'")
        generation = database.generation()
        eventually(lambda: applied(database, generation, "a", "b"), "both have applied it")
        # From here on no worker of either takes it: each connection is some worker's.
        assert {g.call("GET", "/api/test/x", key=key).status for g in two for _ in range(4 * WORKERS)} == {401}


def test_a_node_that_stands_still_falls_behind(two, database):
    eventually(lambda: applied(database, database.generation(), "a", "b"), "both have reported")
    two[1].stand_still()
    try:
        database.query("UPDATE tokens SET scopes = '{x}'")
        eventually(lambda: applied(database, database.generation(), "a"), "one has applied it")
        assert not applied(database, database.generation(), "b")
        # As if it had been so for a while.
        database.query("UPDATE tollgate_nodes SET reported_at = reported_at - interval '13 s' WHERE name = 'b'")
        assert [n["state"] for n in nodes(database)] == ["live", "silent"]
        assert [n["tokens"]["is_newest"] for n in nodes(database)] == [True, False]
    finally:
        two[1].go_on()
    eventually(lambda: applied(database, database.generation(), "b"), "it has caught up")
    eventually(lambda: [n["state"] for n in nodes(database)] == ["live", "live"], "it is heard of")


def parts(answer):
    """Nodes that have applied it, and since when others are silent."""
    outcome, nodes_said = answer
    assert outcome == "confirmed"
    fields = nodes_said.split()
    return [f.split("=")[0] for f in fields if "=" in f], dict(f.split("@") for f in fields if "@" in f)


@pytest.mark.sanitizer
def test_waiting_for_all_nodes(two, database):
    eventually(lambda: applied(database, database.generation(), "a", "b"), "both have reported")
    asker = Asker(database.url)
    assert parts(asker.answer(asker.wait(database.generation(), 1000000))) == (["a", "b"], {})
    several = [asker.wait(database.generation() + n, 1000000) for n in (0, 2, 1)]
    for scope in "xy":
        database.query("UPDATE tokens SET scopes = %s", ([scope],))
    assert [parts(asker.answer(n)) for n in several] == 3 * [(["a", "b"], {})]
    two[1].stand_still()
    try:
        database.query("UPDATE tokens SET scopes = '{z}'")
        since = [n["reported_at"] for n in nodes(database)]
        assert parts(asker.answer(asker.wait(database.generation(), 1000))) == (["a"], {"b": since[1]})
        long = asker.wait(database.generation(), 1000000)
        # Once it counts as silent nobody waits for it any more.
        database.query("UPDATE tollgate_nodes SET reported_at = reported_at - interval '13 s' WHERE name = 'b'")
        assert parts(asker.answer(long)) == (["a"], {"b": nodes(database)[1]["reported_at"]})
    finally:
        two[1].go_on()
    eventually(lambda: applied(database, database.generation(), "b"), "it has caught up")
    asker.wait(database.generation() + 1, 1000000)
    assert parts(asker.answer(asker.wait(database.generation(), 1000000))) == (["a", "b"], {})
    # Who waits at the end hears what is known.
    assert "confirmed" in asker.close()


def test_waiting_without_a_database(cluster):
    asker = Asker(cluster.url("none_such"))
    assert asker.answer(asker.wait(1, 300)) == ("unknown", "")
    asker.close()


def test_who_was_killed(gateways, echo_upstream, database):
    """Silent until it comes back by its name, or for a day."""
    killed = [gateways(echo_upstream, node=name) for name in ("a", "b")]
    eventually(lambda: len(nodes(database)) == 2, "both have reported")
    for gateway in killed:
        gateway.kill()
        gateway.process = None
    database.query("UPDATE tollgate_nodes SET reported_at = now() - interval '13 s'")
    assert {n["state"] for n in nodes(database)} == {"silent"}
    gateways(echo_upstream, node="a")
    eventually(lambda: [(n["name"], n["state"]) for n in nodes(database)] == [("a", "live"), ("b", "silent")],
               "one has come back")
    database.query("UPDATE tollgate_nodes SET reported_at = now() - interval '25 h' WHERE name = 'b'")
    database.query("UPDATE tokens SET scopes = '{x}'")  # reported at once
    eventually(lambda: [n["name"] for n in nodes(database)] == ["a"], "the other is forgotten")


def test_keys_do_not_wait_for_reports(gateways, echo_upstream, database, keys):
    """Nor are they held up where the database has no place for them."""
    gateway = gateways(echo_upstream)
    eventually(lambda: nodes(database), "it has reported")
    with database.cluster.connect(database.name) as blocker:
        blocker.autocommit = False
        blocker.cursor().execute("LOCK TABLE tollgate_nodes IN ACCESS EXCLUSIVE MODE")
        database.query("UPDATE tokens SET revoked_at = now() WHERE name = 'test'")
        eventually(lambda: gateway.call("GET", "/api/test/x", key=keys["test"]).status == 401, "it is revoked")
        blocker.rollback()
    eventually(lambda: applied(database, database.generation(), nodes(database)[0]["name"]), "it reports again")
    database.query("DROP FUNCTION node_report(jsonb)")
    database.query("UPDATE tokens SET revoked_at = NULL WHERE name = 'test'")
    eventually(lambda: gateway.call("GET", "/api/test/x", key=keys["test"]).status == 200, "it is back")
    database.query("UPDATE tokens SET revoked_at = now() WHERE name = 'test'")
    eventually(lambda: gateway.call("GET", "/api/test/x", key=keys["test"]).status == 401, "it is revoked")
