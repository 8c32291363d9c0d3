"""Faults under load: PostgreSQL that is gone, answers no more, or not in time."""
import os
import re
import time

from tg.ledger import Ledger, all_stored
from tg.pg_proxy import PgProxy
from tg.wait import eventually

SHORT = {"idle_s": 0.2}
GIVEN_UP = re.compile(r"tollgate recorder \w+: no database")


def test_rests_while_postgres_is_away(gateways, echo_upstream, cluster):
    """What is due waits for the connection without taking a core, which callers would feel."""
    gateway = gateways(echo_upstream)
    gateway.expect_error(".")

    def cpu_s():
        with open(f"/proc/{gateway.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    cluster.stop()
    # After the pauses between attempts have grown, and every task of the upkeep is due.
    at = time.monotonic()
    eventually(lambda: time.monotonic() > at + 5, "five seconds", patience_s=6)
    before = cpu_s()
    eventually(lambda: time.monotonic() > at + 8, "three more", patience_s=4)
    used = cpu_s() - before
    cluster.start()
    assert used < 0.3, f"{used} s of CPU time in 3 s"


def test_black_hole(gateways, echo_upstream, cluster, database):
    """What was under way arrives after the recorder has given up, and is stored once."""
    proxy = PgProxy(cluster)
    try:
        gateway = gateways(echo_upstream, pools=SHORT, start=False,
                           tokens={"max_stale_s": 3600})
        gateway.settings["database"] = proxy.url(database)
        gateway.write_config()
        gateway.expect_error(".")
        gateway.start()
        ledger = Ledger(gateway)
        ledger.wait_more(100)
        proxy.black_hole()
        eventually(lambda: GIVEN_UP.search(gateway.log()), "the recorder gives up")
        ledger.wait_more(50, "calls go through")
        proxy.mend()
        assert not ledger.stop().settle(database)
        all_stored(gateway)
        gateway.kill()
        gateway.process = None
    finally:
        proxy.close()


def test_statement_timeout(gateways, echo_upstream, cluster, database):
    """A batch that takes longer than a statement may is made smaller, until it passes."""
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error("57014")
    database.query("CREATE FUNCTION too_slow() RETURNS trigger LANGUAGE plpgsql AS "
                   "$$ BEGIN IF (SELECT count(*) > 100 FROM added) THEN PERFORM pg_sleep(60); "
                   "END IF; RETURN NULL; END $$")
    for partition in database.query("SELECT inhrelid::regclass::text AS name FROM pg_inherits "
                                    "WHERE inhparent = 'token_usage_logs'::regclass"):
        database.query(f"CREATE TRIGGER slow AFTER INSERT ON {partition['name']} REFERENCING "
                       "NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION too_slow()")
    ledger = Ledger(gateway)
    # So that many rows wait for one batch.
    other = cluster.connect(database.name)
    other.autocommit = False
    other.cursor().execute("LOCK TABLE usage_cursors IN ACCESS EXCLUSIVE MODE")
    ledger.wait_more(190)
    other.rollback()
    other.close()
    ledger.stop()
    eventually(lambda: "57014" in gateway.log(), "a statement was cancelled")
    assert not ledger.settle(database)
