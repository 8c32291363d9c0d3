"""Upkeep of the rollups beside writers: marks, retention, and proof meanwhile."""
import datetime
import json
import threading

import psycopg2
import pytest

from test_rollups import (LOCAL_JSON, OLD_INSERT, SHORT, assert_equal_to_recount, midnight,
                          old_rows, settle, sums)
from tg.load import Load
from tg.wait import eventually

QUARTER = datetime.timedelta(minutes=15)


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def quarter_of(at):
    return at - (at - datetime.datetime.min) % QUARTER


def insert(database, token_hash, at, route="/api/old"):
    """As the older backend."""
    database.query(OLD_INSERT, (token_hash, route, at, 200, 7, None, None, "POST", None))


def is_dirty(database, at):
    return database.value("SELECT EXISTS (SELECT FROM usage_dirty WHERE since = %s)",
                          (quarter_of(at),))


# --- whose turn it is ---

def test_marks_of_earlier_intervals_are_taken(database):
    """However often the current one is marked: within a few calls of one interval each."""
    now = utc_now()
    earlier = [now - datetime.timedelta(hours=1), now - datetime.timedelta(days=1)]
    for at in earlier:
        insert(database, "a" * 64, at)
    for _ in range(8):
        insert(database, "a" * 64, now)
        assert database.value("SELECT usage_recount_dirty(1)") == 1
    assert [is_dirty(database, at) for at in earlier] == [False, False]
    settle(database)
    assert_equal_to_recount(database)


def test_a_backlog_hides_neither_new_marks_nor_is_it_hidden(database):
    """Marks of many days, as an older table's rows make; the current interval is marked always."""
    now = utc_now()
    database.query("INSERT INTO usage_dirty (since, noted_at) SELECT %s::timestamp - n * interval "
                   "'15 minutes', now() - interval '1 hour' FROM generate_series(100, 1000) AS n",
                   (quarter_of(now),))
    insert(database, "a" * 64, now)
    assert database.value("SELECT usage_recount_dirty(8)") > 0
    fresh = [now - datetime.timedelta(hours=1), now - datetime.timedelta(hours=13)]
    for at in fresh:
        insert(database, "a" * 64, at)
    for _ in range(8):
        insert(database, "a" * 64, now)
        assert database.value("SELECT usage_recount_dirty(4)") > 0
    assert [is_dirty(database, at) for at in fresh] == [False, False]
    for _ in range(40):
        insert(database, "a" * 64, now)
        database.query("SELECT usage_recount_dirty(96)")
    assert database.value("SELECT count(*) FROM usage_dirty WHERE since < %s",
                          (quarter_of(now),)) == 0
    settle(database)
    assert_equal_to_recount(database)


def test_what_takes_long_rests_longer(database):
    """Else it would be counted every other time, and of the others one at a time."""
    now = utc_now()
    insert(database, "a" * 64, now)
    database.query("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
                   "$$ BEGIN PERFORM pg_sleep(3.2); RETURN NEW; END $$; "
                   "CREATE TRIGGER slow BEFORE INSERT ON usage_open FOR EACH ROW "
                   f"WHEN (NEW.since = '{quarter_of(now)}' AND NEW.token_id = -1 "
                   "AND NEW.route_id = -1) EXECUTE FUNCTION slow()")
    before = database.value("SELECT clock_timestamp()")
    assert database.value("SELECT usage_recount_dirty(1)") == 1
    after = database.value("SELECT clock_timestamp()")
    insert(database, "a" * 64, now)
    rests_until = database.value("SELECT rests_until FROM usage_recounted")
    assert before + 5 * datetime.timedelta(seconds=3.2) <= rests_until <= after + 4 * (after - before)
    others = [now - datetime.timedelta(hours=n) for n in (20, 22)]
    for at in others:
        insert(database, "a" * 64, at)
        assert database.value("SELECT usage_recount_dirty(1)") == 1
        assert not is_dirty(database, at)
    # Nobody else waits.
    assert is_dirty(database, now) and database.value("SELECT usage_recount_dirty(1)") == 1
    assert not is_dirty(database, now)


def test_a_recount_that_fails_holds_up_nobody(database):
    """The next turn is another's."""
    now = utc_now()
    insert(database, "a" * 64, now - datetime.timedelta(days=1))
    insert(database, "a" * 64, now)
    database.query("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                   "$$ BEGIN RAISE 'no'; END $$")
    database.query("CREATE TRIGGER refuse BEFORE INSERT ON usage_open FOR EACH ROW "
                   f"WHEN (NEW.since >= '{now.date()}') EXECUTE FUNCTION refuse()")
    for _ in range(4):
        try:
            database.query("SELECT usage_recount_dirty(1)")
        except psycopg2.errors.RaiseException:
            pass
    assert is_dirty(database, now)
    assert not is_dirty(database, now - datetime.timedelta(days=1))


def test_older_rows_are_counted_under_load(gateways, echo_upstream, database):
    """Of the previous quarter and of yesterday, within a minute, while the older backend inserts
    all the time into a quarter that takes long to count."""
    token = database.query("SELECT id, token_hash FROM tokens WHERE name = 'all'")[0]
    now = utc_now()
    database.query(
        f"INSERT INTO token_usage_logs_p{now:%Y%m%d} (token_hash, token_id, route_path, used_at, "
        "response_status, response_time_ms) SELECT %s, %s, '/api/test', %s, 200, n %% 500 "
        "FROM generate_series(1, 60000) AS n", (token["token_hash"], token["id"], now))
    insert(database, token["token_hash"], now)
    gateway = gateways(echo_upstream, pools=SHORT)
    stop, inserted = threading.Event(), [1]

    def older_backend():
        connection = database.cluster.connect(database.name)
        while not stop.wait(0.01):
            connection.cursor().execute(OLD_INSERT, (
                token["token_hash"], "/api/old", now, 200, 7, None, None, "POST", None))
            inserted[0] += 1
        connection.close()

    writer = threading.Thread(target=older_backend)
    with Load(gateway.port, gateway.key, n=2) as load:
        writer.start()
        try:
            eventually(lambda: inserted[0] > 100, "the older backend is busy")
            old = [now - QUARTER, now - datetime.timedelta(days=1)]
            for at in old:
                insert(database, token["token_hash"], at, "/api/late")
            eventually(lambda: database.value(
                "SELECT count(token_id) = 2 FROM token_usage_logs WHERE route_path = '/api/late'"),
                "both are counted", patience_s=50)
        finally:
            stop.set()
            writer.join()
    assert load.failed == []
    eventually(lambda: database.value("SELECT count(*) FROM token_usage_logs")
               == 60000 + inserted[0] + 2 + load.done, "all rows")
    settle(database)
    assert_equal_to_recount(database)


# --- retention ---

def test_retention_is_off_unless_asked_for(gateways, echo_upstream, database):
    old_rows(database, days=(40, 300), count=5)
    settle(database)
    gateway = gateways(echo_upstream, pools=SHORT)
    for _ in range(2):
        insert(database, "a" * 64, utc_now())
        eventually(lambda: database.value("SELECT count(*) = 0 FROM usage_dirty"),
                   "upkeep has had its turn")
    assert database.value("SELECT count(*) FROM token_usage_logs") == 12
    assert database.value("SELECT raw_since = '-infinity' FROM usage_rollup_state")
    assert "dropped" not in gateway.log()
    assert database.query("SELECT * FROM usage_days_due(0)") == []


def test_a_day_waits_for_marks_of_earlier_days(database):
    """Once it is dropped, nothing before it is counted again."""
    old_rows(database, days=(3,), count=20)
    settle(database)
    old_rows(database, days=(4,), count=30)
    days = [(midnight() - datetime.timedelta(n)).date() for n in (3, 4)]
    assert database.value("SELECT usage_drop_day(%s, 1)", (days[0],)) is False
    settle(database)
    assert database.value("SELECT usage_drop_day(%s, 1)", (days[1],)) is True
    assert database.value("SELECT usage_drop_day(%s, 1)", (days[0],)) is True
    assert sums(database, midnight() - datetime.timedelta(4), midnight())[0]["calls"] == 50
    assert_equal_to_recount(database)


@pytest.mark.sanitizer
def test_retention_while_the_recorder_writes_to_that_day(gateways, echo_upstream, database):
    """Each call is counted once, whether its row is still there or not."""
    gateway = gateways(echo_upstream, pools=SHORT)
    token = database.query("SELECT token_hash FROM tokens LIMIT 1")[0]
    at = midnight() - datetime.timedelta(days=3, hours=-5)
    stamp = int(at.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
    sent = dropped = 0
    database.cluster.touched.add(database.name)

    def post():
        body = [{"token_hash": token["token_hash"], "route": "/late", "response_time_ms": 5,
                 "timestamp": stamp + n} for n in range(20)]
        answer = gateway.manager().call("POST", "/api/usage-log", LOCAL_JSON,
                                        json.dumps(body).encode())
        assert answer.status == 200, answer.body
        return len(body)

    def counted():
        found = sums(database, at.date(), midnight())
        return found[0]["calls"] if found else 0

    def drop():
        database.query("SELECT usage_recount_dirty(96)")
        try:
            return database.value("SELECT usage_drop_day(%s, 1)", (at.date(),))
        except (psycopg2.errors.InvalidParameterValue, psycopg2.errors.LockNotAvailable):
            return False  # there is none just now, or it is being written to

    def is_gone():
        return drop() or database.value("SELECT usage_partition(%s) IS NULL", (at.date(),))

    while dropped < 4:
        for _ in range(3):
            sent += post()
            dropped += drop()
        eventually(lambda: counted() == sent, f"{sent} calls are counted")
        eventually(is_gone, "the day is dropped")
        dropped += 1
        assert counted() == sent
    assert database.value("SELECT count(*) FROM token_usage_logs") == 0
    settle(database)
    assert counted() == sent
    assert_equal_to_recount(database)


# --- proof meanwhile ---

@pytest.mark.parametrize("made_again", [False, True])
def test_proof_while_a_day_is_dropped(database, made_again):
    """The comparison's snapshot is from before; the day's rows are gone for it as well."""
    old_rows(database, days=(3,), count=50)
    settle(database)
    day = (midnight() - datetime.timedelta(3)).date()
    proof = database.cluster.connect(database.name)
    try:
        proof.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
        cursor = proof.cursor()
        cursor.execute("SELECT count(*) FROM usage_rollup_state")
        assert database.value("SELECT usage_drop_day(%s, 1)", (day,)) is True
        if made_again:
            old_rows(database, days=(3,), count=5, seed=2)
        cursor.execute("SELECT * FROM usage_differences(%s, %s)",
                       (day, day + datetime.timedelta(1)))
        assert cursor.fetchall() == []
        # What it compares, it holds: other days can't go meanwhile.
        cursor.execute("SELECT * FROM usage_differences(%s, %s)",
                       (midnight(), midnight() + datetime.timedelta(1)))
        assert cursor.fetchall() == []
    finally:
        proof.close()
    settle(database)
    assert sums(database, day, midnight())[0]["calls"] == 50 + 5 * made_again
    assert_equal_to_recount(database)


def test_proof_still_finds_damage_of_a_dropped_day(database):
    old_rows(database, days=(3,), count=50)
    settle(database)
    day = (midnight() - datetime.timedelta(3)).date()
    assert database.value("SELECT usage_drop_day(%s, 1)", (day,)) is True
    database.query("UPDATE usage_hour SET calls = calls + 1 WHERE token_id = -1 AND route_id = -1 "
                   "AND since = (SELECT min(since) FROM usage_hour WHERE token_id = -1)")
    found = database.query("SELECT source FROM usage_differences(%s, %s)",
                           (day, day + datetime.timedelta(1)))
    assert [r["source"] for r in found] == ["usage_hour"]
