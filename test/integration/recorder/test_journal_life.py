"""A journal belongs to one database and one life: copies that come back, other databases."""
import os
import re
import shutil

import pytest

from tg.gateway import make_token, run_cli
from tg.ledger import groups, verify
from tg.wait import eventually

SHORT = {"idle_s": 0.2}
ANOTHER = r"holds events of another database"


def calls(gateway, n, key=None):
    with gateway.connect(key) as client:
        return [client.call("GET", "/api/test/x").get("Tollgate-Request-Id") for _ in range(n)]


def stored(database):
    return {r["request_id"]: r["token_id"]
            for r in database.query("SELECT request_id, token_id FROM token_usage_logs")}


def count(database, table="token_usage_logs"):
    return database.value(f"SELECT count(*) FROM {table}")


def leave_a_group(gateway, cluster, n, key=None):
    """Killed with n calls that PostgreSQL does not have; (the group's name, their ids)."""
    gateway.expect_error("PostgreSQL|no room")
    cluster.stop("immediate")
    ids = calls(gateway, n, key)
    group, = groups(gateway)
    gateway.kill()
    cluster.start()
    return group, ids


def move_to(gateway, database):
    gateway.database = database
    gateway.settings["database"] = database.url
    gateway.write_config()


@pytest.fixture
def other(cluster, template, database):
    """A second database, with the same tokens under another instance."""
    other = cluster.create_database(template[0])
    other.query("UPDATE token_generation SET instance = gen_random_uuid()")
    yield other
    other.drop()


def own_of(gateway, before=()):
    name, = set(groups(gateway)) - set(before)
    return name


@pytest.mark.parametrize("copied", [pytest.param("before it is stored", marks=pytest.mark.full),
                                    "half stored"])
def test_a_folder_from_a_copy_is_not_stored_twice(copied, gateways, echo_upstream, cluster,
                                                  database, tmp_path):
    gateway = gateways(echo_upstream, pools=SHORT)
    first = calls(gateway, 5) if copied == "half stored" else []
    database.wait_usage(len(first))
    group, ids = leave_a_group(gateway, cluster, 30)
    folder = os.path.join(gateway.journal, group)
    shutil.copytree(folder, tmp_path / "copy")
    gateway.start()
    eventually(lambda: len(stored(database)) == 30 + len(first), "what waited is stored")
    eventually(lambda: group not in groups(gateway), "the group is gone")
    gateway.terminate()
    assert gateway.wait_exit() == 0
    shutil.copytree(tmp_path / "copy", folder)
    gateway.start()
    eventually(lambda: group not in groups(gateway), "the copy is gone")
    more = calls(gateway, 3)
    eventually(lambda: set(more) <= set(stored(database)), "new calls are stored")
    assert count(database) == 30 + 3 + len(first)
    assert set(stored(database)) == {*first, *ids, *more}
    verify(gateway)


def test_a_folder_of_a_process_that_ended_in_order(gateways, echo_upstream, database, tmp_path):
    """Copied while it ran, as a backup of the node does."""
    gateway = gateways(echo_upstream, pools=SHORT)
    calls(gateway, 20)
    database.wait_usage(20)
    group = own_of(gateway)
    shutil.copytree(os.path.join(gateway.journal, group), tmp_path / "copy")
    gateway.terminate()
    assert gateway.wait_exit() == 0
    assert groups(gateway) == []
    shutil.copytree(tmp_path / "copy", os.path.join(gateway.journal, group))
    gateway.start()
    eventually(lambda: group not in groups(gateway), "the copy is gone")
    assert count(database) == 20
    verify(gateway)


def test_another_database_then_handed_over(gateways, echo_upstream, cluster, database, other):
    gateway = gateways(echo_upstream, pools=SHORT)
    group, ids = leave_a_group(gateway, cluster, 20)
    # In the other database the ids of tokens stand for other keys.
    other.query("DELETE FROM tokens")
    key = make_token(gateway.config_file, "x", ["*"], "--database", other.url)["key"]
    other.query("UPDATE tokens SET id = (SELECT max(id) FROM tokens)")
    gateway.expect_error(ANOTHER)
    move_to(gateway, other)
    gateway.start()
    eventually(lambda: re.search(f"ERROR usage journal: group {group} {ANOTHER}", gateway.log()),
               "it is told")
    new = calls(gateway, 4, key)
    eventually(lambda: set(stored(other)) == set(new), "new calls are stored in the new one")
    assert group in groups(gateway) and count(other) == 4 and count(database) == 0
    assert count(other, "usage_cursors WHERE replace(lane_group::text, '-', '') = '%s'" % group) == 0
    shown = run_cli("journal", "inspect", gateway.journal).stdout
    assert re.search(f"group {group}, .* of database [0-9a-f]{{32}}\n(.*\n)?.* 20 events wait", shown)
    done = run_cli("journal", "hand-over", gateway.journal, group, "--config", gateway.config_file)
    assert done.stdout == f"group {group}: 20 events are handed over to this database\n"
    eventually(lambda: len(stored(other)) == 24, "it is stored there", patience_s=60)
    # By the hash: no token has it here.
    assert {stored(other)[i] for i in ids} == {None}
    assert count(database) == 0
    eventually(lambda: group not in groups(gateway), "it is gone")
    again = run_cli("journal", "hand-over", gateway.journal, group, "--database", other.url,
                    check=False)
    assert again.returncode == 1 and "missing" in again.stderr
    verify(gateway)


def test_another_database_then_back_or_discarded(gateways, echo_upstream, cluster, database, other):
    gateway = gateways(echo_upstream, pools=SHORT)
    group, ids = leave_a_group(gateway, cluster, 10)
    gateway.start()
    eventually(lambda: len(stored(database)) == 10 and group not in groups(gateway), "stored, and gone")
    second, _ = leave_a_group(gateway, cluster, 7)
    gateway.expect_error(ANOTHER)
    move_to(gateway, other)
    gateway.start()
    eventually(lambda: re.search(ANOTHER, gateway.log()), "it is told")
    mine = own_of(gateway, [second])
    refused = run_cli("journal", "discard", gateway.journal, mine, check=False)
    assert refused.returncode == 1 and "uses it" in refused.stderr
    done = run_cli("journal", "discard", gateway.journal, second)
    assert done.stdout == f"group {second}: 7 events are discarded\n"
    assert groups(gateway) == [mine] and count(other) == 0
    gateway.terminate()
    assert gateway.wait_exit() == 0
    move_to(gateway, database)
    gateway.start()
    assert set(stored(database)) == set(ids)


def test_the_database_is_another_while_it_runs(gateways, echo_upstream, cluster, database):
    """As after a restore under the same name: its own group is then another's, too."""
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error(f"{ANOTHER}|PostgreSQL refuses|was set back")
    calls(gateway, 3)
    database.wait_usage(3)
    was = database.value("SELECT instance FROM token_generation")
    database.query("UPDATE token_generation SET instance = gen_random_uuid()")
    database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
                   "pg_backend_pid() AND application_name LIKE 'tollgate recorder%%'")
    eventually(lambda: re.search(ANOTHER, gateway.log()), "it is told")
    calls(gateway, 4)
    database.query("UPDATE token_generation SET instance = %s", [was])
    database.wait_usage(7)
    eventually(lambda: "is this database's now" in gateway.log(), "it is told")


def test_an_empty_group_is_any_databases(gateways, echo_upstream, cluster, database, other, tmp_path):
    """The snapshot of keys is another database's: new calls are of the one that is there."""
    state = str(tmp_path / "state")
    gateway = gateways(echo_upstream, pools=SHORT, state_dir=state)
    eventually(lambda: os.path.exists(state + "/tokens.snapshot"), "a snapshot")
    gateway.terminate()
    assert gateway.wait_exit() == 0
    move_to(gateway, other)
    gateway.start()
    ids = calls(gateway, 5)
    eventually(lambda: set(stored(other)) == set(ids), "stored")


@pytest.mark.parametrize("change", [
    "UPDATE token_keys SET token_id = (SELECT id FROM tokens WHERE name = 'test')",
    "DELETE FROM tokens",
    pytest.param("DELETE FROM token_keys", marks=pytest.mark.full),
    pytest.param("TRUNCATE tokens CASCADE", marks=pytest.mark.full),
])
def test_what_is_stored_is_judged_by_the_hash(change, gateways, echo_upstream, cluster, database):
    """The database was restored to a state in which ids and keys belong together otherwise."""
    gateway = gateways(echo_upstream, pools=SHORT)
    calls(gateway, 2)
    before = {r["token_id"] for r in database.wait_usage(2)}
    _, ids = leave_a_group(gateway, cluster, 6)
    database.query(change)
    owner = None
    if change.startswith("UPDATE"):
        owner = database.value("SELECT id FROM tokens WHERE name = 'test'")
        assert owner not in before
    gateway.start()
    eventually(lambda: len(stored(database)) == 8, "stored")
    assert {stored(database)[i] for i in ids} == {owner}
    verify(gateway)
