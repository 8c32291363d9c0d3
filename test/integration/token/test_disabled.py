"""Keys that exist and are refused: disabled, of a disabled team, from an address that is not theirs."""
import hashlib

import pytest

from tg.problems import assert_problem
from tg.wait import eventually

AWAY = "postgresql://127.0.0.1:1/away"


def insert(database, name, team=None, ranges=None):
    """A token; its key is its name with `-key`."""
    return database.value(
        "INSERT INTO tokens (name, token_hash, scopes, tollgate_team_id, tollgate_address_ranges) "
        "VALUES (%s, %s, '{test}', %s, %s::cidr[]) RETURNING id",
        (name, hashlib.sha256(f"{name}-key".encode()).hexdigest(), team, ranges))


def call(gateway, name, client=None):
    headers = [("X-Forwarded-For", client)] if client else []
    return gateway.call("GET", "/api/test/x", headers, key=f"{name}-key")


def becomes(gateway, name, status, client=None):
    eventually(lambda: call(gateway, name, client).status == status, f"{name} gets {status}")
    return call(gateway, name, client)


def assert_refused(answer, status, code, detail):
    assert_problem(answer, status, code)
    assert detail in answer.json()["detail"]


def disable_and_enable(gateway, database):
    insert(database, "off")
    becomes(gateway, "off", 200)
    database.query("UPDATE tokens SET tollgate_disabled_at = now() WHERE name = 'off'")
    assert_refused(becomes(gateway, "off", 401), 401, "disabled_key", "the key is disabled")
    database.query("UPDATE tokens SET tollgate_disabled_at = NULL WHERE name = 'off'")
    becomes(gateway, "off", 200)
    database.query("UPDATE tokens SET tollgate_disabled_at = now() WHERE name = 'off'")


def disable_a_team(gateway, database):
    team = database.value("INSERT INTO tollgate_teams (name) VALUES ('ops') RETURNING id")
    for name in ("member", "moved"):
        insert(database, name, team)
        becomes(gateway, name, 200)
    before = database.generation()
    database.query("UPDATE tollgate_teams SET name = 'Ops'")
    assert database.generation() == before
    database.query("UPDATE tollgate_teams SET disabled_at = now()")
    assert_refused(becomes(gateway, "member", 401), 401, "disabled_key", "the key's team is disabled")
    database.query("UPDATE tokens SET tollgate_team_id = NULL WHERE name = 'moved'")
    becomes(gateway, "moved", 200)
    database.query("UPDATE tollgate_teams SET disabled_at = NULL")
    becomes(gateway, "member", 200)
    database.query("UPDATE tollgate_teams SET disabled_at = now()")
    becomes(gateway, "member", 401)
    # Already so: nothing to tell anyone.
    before = database.generation()
    database.query("UPDATE tollgate_teams SET disabled_at = now()")
    assert database.generation() == before


def disable_a_large_team(gateway, database):
    team = database.value("INSERT INTO tollgate_teams (name) VALUES ('many') RETURNING id")
    database.query("INSERT INTO tokens (name, token_hash, scopes, tollgate_team_id) SELECT 'n' || n, "
                   "encode(sha256(convert_to('n' || n || '-key', 'UTF8')), 'hex'), '{test}', %s "
                   "FROM generate_series(1, 1200) AS n", (team,))
    becomes(gateway, "n1200", 200)
    database.query("UPDATE tollgate_teams SET disabled_at = now() WHERE id = %s", (team,))
    assert [r["token_id"] for r in database.query(
        "SELECT token_id FROM token_changes "
        "WHERE generation = (SELECT generation FROM token_generation)")] == [0]
    for name in ("n1", "n1200"):
        becomes(gateway, name, 401)


def bind_to_addresses(gateway, database):
    insert(database, "bound", ranges="{203.0.113.0/24,2001:db8::/32}")
    insert(database, "mapped", ranges="{::ffff:198.51.100.0/120}")
    insert(database, "nowhere", ranges="{}")
    for client in ("203.0.113.9", "::ffff:203.0.113.9", "2001:db8:1::2", "203.0.114.1, 203.0.113.9"):
        becomes(gateway, "bound", 200, client)
    for client in ("203.0.114.1", "2001:db9::1", "203.0.113.9, 203.0.114.1"):
        assert_refused(becomes(gateway, "bound", 403, client), 403, "address_forbidden",
                       "the key may not be used from " + client.split()[-1])
    assert_refused(call(gateway, "bound"), 403, "address_forbidden", "127.0.0.1")
    becomes(gateway, "mapped", 200, "198.51.100.3")
    becomes(gateway, "mapped", 403, "198.51.101.3")
    becomes(gateway, "nowhere", 403)
    database.query("UPDATE tokens SET tollgate_address_ranges = '{127.0.0.0/8}' WHERE name = 'nowhere'")
    becomes(gateway, "nowhere", 200)
    database.query("UPDATE tokens SET tollgate_address_ranges = NULL WHERE name = 'mapped'")
    becomes(gateway, "mapped", 200)


def rotate_with_a_grace(gateway, database):
    """The old key goes on, as long as it was given."""
    for name, grace in (("turned", 3600), ("ended", 0)):
        of = insert(database, name)
        becomes(gateway, name, 200)
        database.query("SELECT token_rotate(NULL, %s, %s)", (
            of, f'{{"token_hash": "{hashlib.sha256(f"new-{name}-key".encode()).hexdigest()}", "grace_s": {grace}}}'))
        becomes(gateway, "new-" + name, 200)
    assert call(gateway, "turned").status == 200
    assert_refused(becomes(gateway, "ended", 401), 401, "expired_key", "replaced")


def judge_without_the_database(gateway):
    gateway.terminate()
    assert gateway.wait_exit() == 0
    gateway.settings["database"] = AWAY
    gateway.write_config()
    gateway.expect_error(".")
    gateway.start(wait=False)
    eventually(lambda: gateway.get_status("/health") == 200, "it runs without PostgreSQL")
    gateway.fds_at_start = gateway.open_fds()
    assert_refused(call(gateway, "off"), 401, "disabled_key", "the key is disabled")
    assert_refused(call(gateway, "member"), 401, "disabled_key", "team is disabled")
    assert_refused(call(gateway, "bound"), 403, "address_forbidden", "127.0.0.1")
    assert call(gateway, "bound", "2001:db8::1").status == 200
    for name, status in (("turned", 200), ("new-turned", 200), ("ended", 401), ("new-ended", 200)):
        assert call(gateway, name).status == status


@pytest.mark.sanitizer
def test_what_is_set_holds(gateways, echo_upstream, database):
    """By whomever, from the next call on, and by the snapshot while the database is away."""
    gateway = gateways(echo_upstream, state_dir="state", trusted_proxies=["127.0.0.1/32"])
    disable_and_enable(gateway, database)
    rotate_with_a_grace(gateway, database)
    disable_a_team(gateway, database)
    disable_a_large_team(gateway, database)
    bind_to_addresses(gateway, database)
    judge_without_the_database(gateway)
    assert database.value("SELECT count(*) FROM token_usage_logs WHERE response_status > 200") == 0
    counted = {r["reason"] for r in database.query("SELECT DISTINCT reason FROM usage_strangers")}
    assert counted >= {"disabled_key", "address_forbidden"}
