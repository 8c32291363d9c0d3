"""How changes of tokens reach a running gateway: rotation, bulk, pruned changes, a new database."""
import hashlib

import pytest

from tg.gateway import run_cli
from tg.wait import eventually


def sha256(key):
    return hashlib.sha256(key.encode()).hexdigest()


def status(gateway, key):
    return gateway.call("GET", "/api/test/x", key=key).status


def insert(database, name, key, scopes="{*}"):
    return database.value("INSERT INTO tokens (name, token_hash, scopes) VALUES (%s, %s, %s) "
                          "RETURNING id", (name, sha256(key), scopes))


@pytest.mark.sanitizer
def test_rotation_with_grace(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    token_id = insert(database, "a", "first-key")
    eventually(lambda: status(gateway, "first-key") == 200, "the first key works")
    database.query("UPDATE token_keys SET valid_until = now() + interval '1 hour' "
                   "WHERE token_id = %s", (token_id,))
    database.query("UPDATE tokens SET token_hash = %s WHERE id = %s",
                   (sha256("second-key"), token_id))
    eventually(lambda: status(gateway, "second-key") == 200, "the second key works")
    assert status(gateway, "first-key") == 200
    database.query("UPDATE token_keys SET valid_until = now() WHERE token_hash = %s",
                   (sha256("first-key"),))
    eventually(lambda: status(gateway, "first-key") == 401, "the first key's grace is over")
    assert status(gateway, "second-key") == 200


def test_a_key_expires_by_itself(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    insert(database, "a", "some-key")
    eventually(lambda: status(gateway, "some-key") == 200, "the key works")
    database.query("UPDATE tokens SET expires_at = now() + interval '1 s' WHERE name = 'a'")
    eventually(lambda: status(gateway, "some-key") == 401, "the key has expired")


@pytest.mark.sanitizer
def test_many_at_once(gateways, echo_upstream, database):
    """More than a statement's changes are kept one by one; the table grows several times."""
    gateway = gateways(echo_upstream)
    insert(database, "stays", "stays")
    database.query("INSERT INTO tokens (name, token_hash, scopes) SELECT 'n' || n, "
                   "encode(sha256(convert_to('key-' || n, 'UTF8')), 'hex'), '{test}' "
                   "FROM generate_series(1, 5000) AS n")
    for n in (1, 2500, 5000):
        eventually(lambda n=n: status(gateway, f"key-{n}") == 200, "the keys work")
    database.query("UPDATE tokens SET revoked_at = now() WHERE starts_with(name, 'n')")
    for n in (1, 2500, 5000):
        eventually(lambda n=n: status(gateway, f"key-{n}") == 401, "the keys are refused")
    assert status(gateway, "stays") == 200
    # One by one, in one transaction: a change of many tokens that is no load.
    database.query("DO $$ DECLARE i bigint; BEGIN FOR i IN SELECT id FROM tokens "
                   "WHERE starts_with(name, 'n') ORDER BY id LIMIT 300 LOOP "
                   "UPDATE tokens SET revoked_at = NULL WHERE id = i; END LOOP; END $$")
    for n in (1, 300):
        eventually(lambda n=n: status(gateway, f"key-{n}") == 200, "the keys work again")
    assert status(gateway, "key-301") == 401
    eventually(lambda: gateway.log().count("keys loaded") == 3, "the log tells of three loads")
    database.query("TRUNCATE tokens CASCADE")
    eventually(lambda: status(gateway, "stays") == 401, "no key is left")


def cut_off(database):
    """No connection of the gateway's, and none anew, until let_in."""
    database.query(f"ALTER DATABASE {database.name} CONNECTION LIMIT 0")
    database.query("ALTER ROLE runner CONNECTION LIMIT 0")
    database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                   "WHERE datname = current_database() AND usename = 'runner'")


def let_in(database):
    database.query("ALTER ROLE runner CONNECTION LIMIT -1")
    database.query(f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")


@pytest.fixture
def runner(cluster, database, gateways, echo_upstream):
    """A gateway that connects as a role with no more rights than it needs."""
    cluster.execute("CREATE ROLE runner LOGIN IN ROLE tollgate")
    owner_url = database.url
    database.url = cluster.url(database.name, "runner")
    gateway = gateways(echo_upstream)
    database.url = owner_url
    gateway.expect_error("tokens: the key table")
    yield gateway
    if gateway.process.poll() is None:
        gateway.terminate()
        gateway.wait_exit()
    cluster.execute("DROP ROLE runner")


def test_changes_missed_while_away(runner, database, keys):
    cut_off(database)
    insert(database, "a", "made-meanwhile")
    database.query("UPDATE tokens SET revoked_at = now() WHERE name = 'test'")
    let_in(database)
    eventually(lambda: status(runner, "made-meanwhile") == 200, "the new key works")
    assert status(runner, keys["test"]) == 401
    assert runner.log().count("keys loaded") == 1


@pytest.mark.parametrize("how", [
    # More changes than are kept.
    "UPDATE token_generation SET generation = generation + 20000; "
    "UPDATE tokens SET scopes = '{*,y}' WHERE name = 'a'",
    # A back-up of earlier times was restored.
    "UPDATE token_generation SET generation = 0; DELETE FROM token_changes",
    # It is another database.
    "UPDATE token_generation SET instance = gen_random_uuid()",
])
def test_all_is_loaded_where_changes_do_not_do(runner, database, keys, how):
    runner.expect_error("holds events of another database")  # with another instance
    cut_off(database)
    database.query("UPDATE tokens SET revoked_at = now() WHERE name = 'test'")
    insert(database, "a", "made-meanwhile")
    database.query(how)
    let_in(database)
    eventually(lambda: status(runner, "made-meanwhile") == 200, "the new key works")
    assert status(runner, keys["test"]) == 401
    assert status(runner, keys["all"]) == 200
    eventually(lambda: runner.log().count("keys loaded") == 2, "the log tells of two loads")


def test_a_database_that_is_not_migrated_is_told(gateways, echo_upstream, cluster, keys):
    gateway = gateways(echo_upstream, start=False)
    empty = cluster.create_database()
    try:
        gateway.settings["database"] = empty.url
        gateway.settings["tokens"] = {"poll_s": 0.2}
        gateway.write_config()
        gateway.expect_error(".")
        gateway.start(wait=False)
        eventually(lambda: "run `tollgate migrate`" in gateway.log(), "it says what to do")
        eventually(lambda: gateway.get_status("/health") == 200, "it runs")
        gateway.fds_at_start = gateway.open_fds()
        assert status(gateway, keys["all"]) == 503
        run_cli("migrate", "--database", empty.url)
        insert(empty, "a", "some-key")
        eventually(lambda: status(gateway, "some-key") == 200, "the keys are read")
        assert gateway.log().count("cannot read the keys") == 1
        gateway.terminate()
        assert gateway.wait_exit() == 0
    finally:
        empty.drop()


def test_a_database_not_yet_migrated_serves_keys(gateways, echo_upstream, database):
    """The view lacks names and what disables keys until `tollgate migrate` has run: then both count."""
    database.query("CREATE TABLE kept AS SELECT pg_get_viewdef('token_lookup'::regclass) AS text")
    text = database.value("SELECT text FROM kept")
    nameless = text.replace(",\n    t.name AS name", "").replace(",\n    t.name", "")
    assert nameless != text
    database.query("DROP TABLE kept; DROP VIEW token_lookup; "
                   f"CREATE VIEW token_lookup AS {nameless}; GRANT SELECT ON token_lookup TO tollgate")
    gateway = gateways(echo_upstream)
    assert status(gateway, gateway.key) == 200
    insert(database, "a", "later-key")
    eventually(lambda: status(gateway, "later-key") == 200, "a new key works")
    database.query(f"DROP VIEW token_lookup; CREATE VIEW token_lookup AS {text}; "
                   "GRANT SELECT ON token_lookup TO tollgate; "
                   "UPDATE tokens SET tollgate_disabled_at = now() WHERE name = 'a'")
    eventually(lambda: status(gateway, "later-key") == 401, "the key is disabled")
