"""The database's tables and the program, compared at each connect, and what commands say."""
import json

import pytest

from tg.gateway import run_cli
from tg.wait import eventually

ADVICE = "run `tollgate migrate`"


def recording(gateway):
    with gateway.manager() as manager:
        return json.loads(manager.call("GET", "/ready").body)["recording"]


def connect_anew(database):
    database.query("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = "
                   "current_database() AND application_name LIKE 'tollgate recorder%%'")


def test_a_database_that_is_behind_gets_no_rows(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    gateway.expect_error(ADVICE)
    changes = [
        ("UPDATE tollgate_functions SET schema = schema - 1", "are older",
         "UPDATE tollgate_functions SET schema = schema + 1"),
        ("UPDATE tollgate_schema SET sha256 = 'x' || sha256 WHERE name = '0002_usage.sql'",
         "0002_usage.sql of another build", "UPDATE tollgate_schema SET sha256 = substr(sha256, 2) "
         "WHERE name = '0002_usage.sql'"),
        ("UPDATE tollgate_schema SET name = 'x' || name WHERE name = '0004_people.sql'",
         "lacks migration 0004_people.sql",
         "UPDATE tollgate_schema SET name = substr(name, 2) WHERE name LIKE 'x%%'"),
    ]
    calls = 0
    for change, what, back in changes:
        database.query(change)
        connect_anew(database)
        eventually(lambda what=what: what in recording(gateway).get("why", ""), f"recording stands: {what}")
        assert ADVICE in recording(gateway)["why"]
        assert gateway.call("GET", "/api/test/x").status == 200
        calls += 1
        eventually(lambda: recording(gateway)["oldest_waits_s"] is not None, "the event waits")
        assert database.value("SELECT count(*) FROM token_usage_logs") == calls - 1
        database.query(back)
        database.wait_usage(calls)  # without a new session
    eventually(lambda: ADVICE in gateway.log(), "it is told")


@pytest.mark.parametrize("change, what", [
    ("INSERT INTO tollgate_schema (name, sha256) VALUES ('9999_later.sql', 'x')",
     "a newer tollgate has applied 9999_later.sql"),
    ("UPDATE tollgate_functions SET schema = schema + 1", "functions are of a newer tollgate"),
    ("UPDATE tollgate_functions SET sha256 = repeat('0', 64)", "functions are of another build"),
])
def test_a_database_that_is_ahead_is_warned_of(gateways, echo_upstream, database, change, what):
    database.query(change)
    gateway = gateways(echo_upstream)
    assert gateway.call("GET", "/api/test/x").status == 200
    database.wait_usage(1)
    eventually(lambda: any("WARN" in line and what in line for line in gateway.log().splitlines()),
               "the log warns")


@pytest.fixture
def bare(cluster):
    bare = cluster.create_database()
    yield bare
    bare.drop()


def test_never_migrated(gateways, echo_upstream, bare):
    gateway = gateways(echo_upstream, start=False)
    gateway.settings["database"] = bare.url
    gateway.write_config()
    gateway.expect_error(ADVICE)
    gateway.start(wait=False)
    eventually(lambda: gateway.get_status("/ready", gateway.manager_port) == 503, "no keys")
    eventually(lambda: "no tables of Tollgate" in recording(gateway).get("why", ""), "/ready says why")
    assert ADVICE in recording(gateway)["why"]
    for command in (["token", "list"], ["token", "create", "--name", "a", "--scope", "x"], ["usage", "ask", "totals"],
                    ["usage", "verify"], ["usage", "generate", "--yes"]):
        done = run_cli(*command, "--database", bare.url, check=False)
        assert done.returncode != 0 and ADVICE in done.stderr, (command, done.stderr)
    run_cli("migrate", "--database", bare.url)
    eventually(lambda: gateway.get_status("/ready") == 200, "keys are read without a restart")
    eventually(lambda: recording(gateway)["state"] == "goes_on", "recording goes on")
    gateway.fds_at_start = gateway.open_fds()


def test_commands_warn_of_a_database_that_is_behind(database):
    database.query("UPDATE tollgate_functions SET schema = 0")
    done = run_cli("token", "list", "--database", database.url)
    assert "warning: the database's functions are older" in done.stderr and ADVICE in done.stderr
    assert "all" in done.stdout
