"""tokens.last_used: kept up to date beside the rows, which never wait for it."""
import datetime

import pytest

from tg.wait import eventually

LAST = "SELECT last_used AT TIME ZONE 'UTC' FROM tokens WHERE name = %s"


def calls(gateway, count, key=None):
    with gateway.connect() as client:
        for _ in range(count):
            assert client.call("GET", "/api/test/x", {"X-API-Key": key} if key else {}).status == 200


def is_latest(database, name="all"):
    last = max(r["used_at"] for r in database.usage())
    return eventually(lambda: database.value(LAST, [name]) == last, "last_used is the last call's")


def test_it_only_moves_forward(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    calls(gateway, 3)
    database.wait_usage(3)
    is_latest(database)
    database.query("UPDATE tokens SET last_used = '2999-01-01 00:00Z' WHERE name = 'all'")
    calls(gateway, 3)
    database.wait_usage(6)
    gateway.terminate()
    assert gateway.wait_exit() == 0
    assert database.value(LAST, ["all"]) == datetime.datetime(2999, 1, 1)


@pytest.mark.sanitizer
@pytest.mark.parametrize("lock", [
    "SELECT FROM tokens WHERE name = 'all' FOR UPDATE",
    "SELECT FROM tokens WHERE name = 'all' FOR NO KEY UPDATE",
    "UPDATE tokens SET name = name WHERE name = 'all'",
    "DELETE FROM tokens WHERE name = 'all'",
    "LOCK TABLE tokens IN SHARE MODE",
    "LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE",
], ids=["row", "weak", "update", "delete", "table", "whole"])
def test_rows_do_not_wait_for_it(gateways, echo_upstream, cluster, database, lock):
    """Whatever someone holds of tokens; once it is free, last_used is set without another call."""
    gateway = gateways(echo_upstream)
    other = cluster.connect(database.name)
    other.autocommit = False
    try:
        other.cursor().execute(lock)
        for n in (3, 6):
            calls(gateway, 3)
            database.wait_usage(n)
        assert database.value("SELECT count(*) FROM pg_locks WHERE relation = 'tokens'::regclass "
                              "AND pid = %s", [other.get_backend_pid()]) > 0
    finally:
        other.rollback()
        other.close()
    is_latest(database)


def test_a_held_token_holds_up_no_other(gateways, echo_upstream, cluster, database):
    gateway = gateways(echo_upstream)
    other = cluster.connect(database.name)
    other.autocommit = False
    try:
        other.cursor().execute("INSERT INTO tokens (name, token_hash) VALUES ('x', 'x')")
        other.commit()
        other.cursor().execute("SELECT FROM tokens WHERE name <> 'all' FOR UPDATE")
        calls(gateway, 3)
        database.wait_usage(3)
        is_latest(database)
    finally:
        other.close()


@pytest.mark.parametrize("refusal", [
    "REVOKE UPDATE ON tokens FROM tollgate",
    "ALTER TABLE tokens ADD CHECK (last_used IS NULL)",
    """CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE 'not that one'; END $$;
       CREATE TRIGGER refuse BEFORE UPDATE ON tokens FOR EACH ROW EXECUTE FUNCTION no()""",
], ids=["privilege", "check", "trigger"])
def test_rows_are_stored_where_it_is_refused(gateways, echo_upstream, cluster, database, refusal):
    database.query(refusal)
    cluster.execute("DO $$ BEGIN CREATE ROLE uses_writer LOGIN IN ROLE tollgate; "
                    "EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    gateway = gateways(echo_upstream, start=False)
    gateway.settings["database"] = cluster.url(database.name, "uses_writer")
    gateway.write_config()
    gateway.start()
    for n in (3, 6):
        calls(gateway, 3)
        database.wait_usage(n)
    eventually(lambda: "last_used is not kept up to date" in gateway.log(), "the log tells")
    assert database.value("SELECT count(*) FROM usage_bad_rows") == 0
    assert database.value(LAST, ["all"]) is None
