"""That recording stands, and since when, is told: at /ready, by `journal inspect`, in the log."""
import json
import re
import time

from tg.gateway import run_cli
from tg.wait import eventually

STANDS = re.compile(r"recording stands since (20\S+Z), (\d+) s ago: (.*)")


def recording(gateway):
    with gateway.manager() as manager:
        answer = manager.call("GET", "/ready")
    assert answer.status == 200  # keys are served all the same
    return json.loads(answer.body)["recording"]


def inspect(gateway):
    # A group of before may be half removed just now.
    return run_cli("journal", "inspect", gateway.journal, check=False).stdout


def test_recording_that_stands_is_told(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream)
    gateway.expect_error("PostgreSQL refuses .*42501")
    assert gateway.call("GET", "/api/test/x").status == 200
    database.wait_usage(1)
    eventually(lambda: recording(gateway) == {"state": "goes_on", "stands_s": None,
                                              "oldest_waits_s": None, "waiting_bytes": 0},
               "recording goes on, and nothing waits")
    assert not STANDS.search(inspect(gateway))
    # Refused for a reason of the server's, with a connection that is up.
    database.query("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                   "RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'not \"today\"'; END $$")
    database.query("CREATE TRIGGER refuse BEFORE UPDATE ON usage_cursors FOR EACH STATEMENT "
                   "EXECUTE FUNCTION refuse()")
    assert gateway.call("GET", "/api/test/x").status == 200
    began = time.time()
    shown = eventually(lambda: (r := recording(gateway))["state"] == "stands"
                       and r["oldest_waits_s"] is not None and r["oldest_waits_s"] >= 1 and r,
                       "it stands, and the event is a second old")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown["since"])
    assert 0 <= shown["stands_s"] <= time.time() - began + 2 and shown["waiting_bytes"] > 100
    assert '42501 not "today"' in shown["why"]
    public = json.loads(gateway.call("GET", "/ready").body)
    assert public["status"] == "ready" and public["recording"] == "stands"
    assert public["since"] == shown["since"] and public["oldest_waits_s"] >= 1 and "why" not in public
    line = STANDS.search(inspect(gateway))
    assert line.group(1) == shown["since"] and '42501 not "today"' in line.group(3)
    assert "1 events wait" in inspect(gateway)
    # After the fact, too.
    gateway.kill()
    assert STANDS.search(inspect(gateway)).group(1) == shown["since"]
    gateway.start()
    eventually(lambda: recording(gateway)["state"] == "stands", "it stands again")
    database.query("DROP TRIGGER refuse ON usage_cursors")
    database.wait_usage(2)
    eventually(lambda: recording(gateway)["state"] == "goes_on", "recording goes on")
    assert json.loads(gateway.call("GET", "/ready").body) == {"status": "ready", "keys": "fresh"}
    eventually(lambda: not STANDS.search(inspect(gateway)), "and the folder says so")


def test_an_outage_in_which_nothing_waits(gateways, echo_upstream, database):
    """It stands as long as there is no session, and goes on with one."""
    gateway = gateways(echo_upstream)
    assert recording(gateway)["state"] == "goes_on"
    database.query(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                   "WHERE datname = current_database() AND application_name LIKE 'tollgate recorder%%'")
    shown = eventually(lambda: (r := recording(gateway))["state"] == "stands"
                       and "read-only" in r["why"] and r, "it stands, and why")
    assert shown["oldest_waits_s"] is None
    assert gateway.call("GET", "/api/test/x").status == 200
    eventually(lambda: recording(gateway)["oldest_waits_s"] is not None, "an event waits")
    with database.cluster.connect() as other:
        other.cursor().execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = off")
    database.wait_usage(1)
    eventually(lambda: recording(gateway)["state"] == "goes_on", "recording goes on")
