"""Statistics against a recount of the rows: whoever wrote them, whatever happened meanwhile."""
import datetime
import json
import random

import psycopg2
import pytest

from tg.gateway import run_cli
from tg.load import Load
from tg.pg_proxy import PgProxy
from tg.wait import eventually

SHORT = {"idle_s": 0.2}
LOCAL_JSON = {"Host": "localhost", "Content-Type": "application/json"}
# The older backend's own statement (it has never heard of the other columns).
OLD_INSERT = """INSERT INTO token_usage_logs (token_hash, route_path, used_at, response_status,
    response_time_ms, ip_address, user_agent, request_method, error_message)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"""


def midnight():
    """The latest: a run may go on beyond one."""
    return datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)


def verify(database, *arguments):
    return run_cli("usage", "verify", "--database", database.url, *arguments, check=False)


def assert_equal_to_recount(database):
    done = verify(database)
    assert done.returncode == 0 and " 0 differences" in done.stdout, done.stdout + done.stderr


def settle(database):
    """Everything that upkeep may do is done."""
    eventually(lambda: database.value(
        "SELECT usage_merge() = 0 AND usage_recount_dirty(96) = 0 AND usage_pack(10000) = 0"),
        "all is merged, recounted and packed")


def sums(database, low, high, **only):
    arguments = "".join(f", {name} => %s" for name in only)
    return database.query(
        f"SELECT * FROM usage_sums(ARRAY[%s, %s]::timestamp[]{arguments})",
        (low, high, *only.values()))


def old_rows(database, days=(1,), count=300, seed=1):
    """Rows as the older backend writes them, at random times of some days ago."""
    rng = random.Random(seed)
    hashes = [r["token_hash"] for r in database.query("SELECT token_hash FROM tokens ORDER BY id")]
    for day in days:
        database.query("SELECT usage_ensure_partition(%s::date)",
                       (midnight() - datetime.timedelta(day),))
        with database.cluster.connect(database.name) as connection:
            for _ in range(count):
                at = midnight() - datetime.timedelta(day) + datetime.timedelta(
                    seconds=rng.uniform(0, 86399))
                connection.cursor().execute(OLD_INSERT, (
                    rng.choice(hashes + ["0" * 64]), rng.choice(["/api/a", "/api/b", None]), at,
                    rng.choice([200, 200, 201, 302, 404, 500, 700, None]),
                    rng.choice([None, -5, 0, 15, 16, int(rng.lognormvariate(6, 2))]),
                    "127.0.0.1", "n8n", "GET", None))


@pytest.mark.sanitizer
def test_calls_are_counted_at_once_and_right(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream, pools=SHORT)
    with Load(gateway.port, gateway.key) as load:
        load.wait_for(300)
        # One snapshot, while rows come in.
        for _ in range(20):
            row = database.query(
                "SELECT (SELECT count(*) FROM token_usage_logs) AS rows, (SELECT coalesce("
                "sum(calls), 0) FROM usage_sums(ARRAY[%s, %s]::timestamp[])) AS calls",
                (midnight(), midnight() + datetime.timedelta(2)))[0]
            assert row["rows"] == row["calls"]
        assert_equal_to_recount(database)
    database.wait_usage(load.done)
    total = sums(database, midnight(), midnight() + datetime.timedelta(2), with_histogram=True)[0]
    assert (total["calls"], total["status_2xx"], total["time_count"]) == (load.done,) * 3
    assert sum(total["histogram"]) == load.done
    settle(database)
    assert_equal_to_recount(database)
    assert database.value("SELECT count(*) FROM usage_deltas") == 0


def test_every_kind_of_row_counts_as_in_sql(gateways, echo_upstream, database):
    """The recorder's sums are made in C, a recount's in SQL."""
    gateway = gateways(echo_upstream, pools=SHORT)
    token_hash = database.value("SELECT min(token_hash) FROM tokens")
    rng = random.Random(7)
    now = int(midnight().replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
    body = [{"token_hash": token_hash, "route": rng.choice(["/a", "/b's", "/c\\\t", "/ü"]),
             "timestamp": now - rng.randrange(3 * 86400000),
             "response_status": rng.choice([100, 200, 301, 404, 500, 600, None]),
             "response_time_ms": rng.choice([None, 0, 16, int(rng.lognormvariate(6, 3))])}
            for _ in range(300)]
    answer = gateway.manager().call("POST", "/api/usage-log",
                                    LOCAL_JSON,
                                    json.dumps(body).encode())
    assert answer.status == 200, answer.body
    database.wait_usage(300)
    assert_equal_to_recount(database)
    settle(database)
    assert_equal_to_recount(database)


@pytest.mark.sanitizer
def test_the_older_backends_rows_are_counted_under_load(gateways, echo_upstream, database):
    gateway = gateways(echo_upstream, pools=SHORT)
    token = database.query("SELECT id, token_hash FROM tokens WHERE name = 'all'")[0]
    with Load(gateway.port, gateway.key) as load:
        load.wait_for(100)
        with database.cluster.connect(database.name) as connection:
            for _ in range(50):
                connection.cursor().execute(OLD_INSERT, (
                    token["token_hash"], "/api/old", datetime.datetime.now(
                        datetime.timezone.utc).replace(tzinfo=None), 500, 77, None, None,
                    "POST", "broken"))
        load.wait_for(100)

    def counted():
        found = database.query(
            "SELECT s.* FROM usage_routes, usage_sums(ARRAY[%s, %s]::timestamp[], "
            "tokens => ARRAY[%s], routes => ARRAY[route_id::integer]) AS s "
            "WHERE route_path = '/api/old'",
            (midnight(), midnight() + datetime.timedelta(2), token["id"]))
        return found and found[0]["calls"] == 50 and found[0]["errors_upstream"] == 50

    eventually(counted, "50 rows of the older backend are counted", patience_s=60)
    database.wait_usage(load.done + 50)
    settle(database)
    assert_equal_to_recount(database)
    # From now on they say whose they are.
    database.query("UPDATE tokens SET token_hash = %s WHERE id = %s", ("1" * 64, token["id"]))
    assert_equal_to_recount(database)


def test_changes_by_hand_are_counted(database):
    old_rows(database, days=(1, 2))
    settle(database)
    low, high = midnight() - datetime.timedelta(2), midnight()
    assert sums(database, low, high)[0]["calls"] == 600
    slowest = sums(database, low, high)[0]["time_max"]
    database.query("DELETE FROM token_usage_logs WHERE response_time_ms = %s", (slowest,))
    database.query("UPDATE token_usage_logs SET response_status = 503, used_at = used_at "
                   "+ interval '1 hour' WHERE route_path = '/api/a' AND used_at::time < '22:00'")
    assert_equal_to_recount(database)  # marked intervals are left out
    settle(database)
    assert sums(database, low, high)[0]["time_max"] < slowest
    assert_equal_to_recount(database)
    database.query("TRUNCATE token_usage_logs")
    settle(database)
    assert sums(database, low, high) == []
    assert_equal_to_recount(database)


def test_late_rows_join_a_day_that_is_laid_down(gateways, echo_upstream, database):
    old_rows(database)
    settle(database)
    assert database.value("SELECT count(*) FROM usage_open") == 0
    gateway = gateways(echo_upstream, pools=SHORT)
    token = database.query("SELECT id, token_hash FROM tokens LIMIT 1")[0]
    at = (midnight() - datetime.timedelta(hours=3)).replace(tzinfo=datetime.timezone.utc)
    body = [{"token_hash": token["token_hash"], "route": "/late", "response_time_ms": 5,
             "timestamp": int(at.timestamp() * 1000) + n} for n in range(40)]
    gateway.manager().call("POST", "/api/usage-log", LOCAL_JSON,
                           json.dumps(body).encode())
    database.wait_usage(340)
    low = midnight() - datetime.timedelta(1)
    for _ in range(2):
        assert sums(database, low, midnight())[0]["calls"] == 340
        assert sums(database, low, midnight(), tokens=[token["id"]])[0]["calls"] >= 40
        assert_equal_to_recount(database)
        settle(database)
    assert database.value("SELECT count(*) FROM usage_open") == 0


@pytest.mark.parametrize("zone,around", [
    ("Asia/Kolkata", "2026-11-20"), ("Asia/Kathmandu", "2026-11-20"),
    ("America/New_York", "2026-11-01"), ("Europe/London", "2026-10-25"), ("UTC", "2026-11-20")])
def test_series_in_any_zone(database, zone, around):
    """Against a recount, over a change of clocks too; packed days, open ones and deltas."""
    database.query("SELECT usage_ensure_partition(timestamp %s ::date + n) "
                   "FROM generate_series(-3, 3) AS n", (around,))
    database.query(
        "INSERT INTO token_usage_logs (token_hash, token_id, route_path, used_at, "
        "response_status, response_time_ms, bytes_out) SELECT md5(i::text), i %% 5, "
        "'/r' || i %% 3, timestamp %s + (random() * 6 - 3) * interval '1 day', "
        "200 + i %% 4 * 100, i, i FROM generate_series(1, 2000) AS i", (around,))
    eventually(lambda: database.value("SELECT usage_recount_dirty(96)") == 0, "all is counted")
    database.query("SELECT usage_pack(10000, %s::timestamp + interval '1 day')", (around,))
    database.query("SELECT usage_pack(10000, %s::timestamp + interval '1 day')", (around,))
    for step in ("15 minutes", "1 hour", "6 hours", "1 day", "1 day 45 minutes"):
        for tokens, by_route in ((None, False), ([1, 3], True)):
            wrong = database.query(
                "WITH b AS (SELECT ARRAY(SELECT t AT TIME ZONE 'UTC' FROM generate_series("
                "(%(at)s::timestamp - interval '2 days') AT TIME ZONE %(zone)s, "
                "(%(at)s::timestamp + interval '2 days 3 hours') AT TIME ZONE %(zone)s, "
                "%(step)s::interval) AS t) AS bounds), "
                "told AS (SELECT s.point, r.route_path, s.calls, s.errors_upstream, s.time_sum, "
                "s.bytes_out, (SELECT sum(n) FROM unnest(s.histogram) AS n) AS timed "
                "FROM b, usage_sums(bounds, tokens => %(tokens)s, by_route => %(by)s, "
                "with_histogram => true) AS s LEFT JOIN usage_routes AS r USING (route_id)), "
                "counted AS (SELECT width_bucket(used_at, bounds) AS point, CASE WHEN %(by)s "
                "THEN route_path END AS route_path, count(*), count(*) FILTER (WHERE "
                "response_status >= 400), sum(response_time_ms), sum(bytes_out), "
                "count(response_time_ms) FROM b, token_usage_logs WHERE used_at >= bounds[1] "
                "AND used_at < bounds[cardinality(bounds)] AND (%(tokens)s::bigint[] IS NULL "
                "OR token_id = ANY (%(tokens)s)) GROUP BY 1, 2) "
                "(SELECT * FROM told EXCEPT SELECT * FROM counted) UNION ALL "
                "(SELECT * FROM counted EXCEPT SELECT * FROM told)",
                {"at": around, "zone": zone, "step": step, "tokens": tokens, "by": by_route})
            assert wrong == [], (step, tokens)
    assert_equal_to_recount(database)


def test_totals_of_any_range(database):
    old_rows(database, days=(1, 2, 3), count=400)
    settle(database)
    rng = random.Random(3)
    for _ in range(40):
        low, high = sorted(rng.sample(range(4 * 96), 2))
        low, high = (midnight() - datetime.timedelta(3) + datetime.timedelta(minutes=15 * n)
                     for n in (low, high))
        counted = database.query(
            "SELECT count(*) AS calls, coalesce(sum(greatest(response_time_ms, 0)), 0) AS "
            "time_sum, max(greatest(response_time_ms, 0)) FILTER (WHERE response_time_ms "
            "IS NOT NULL) AS time_max, count(*) FILTER (WHERE (response_status BETWEEN 100 "
            "AND 599) IS NOT TRUE) AS status_none FROM token_usage_logs "
            "WHERE used_at >= %s AND used_at < %s", (low, high))[0]
        told = sums(database, low, high)
        assert {k: told[0][k] for k in counted} == counted if told else counted["calls"] == 0


@pytest.mark.parametrize("bounds", [
    "{}", "{2026-11-24}", "{2026-11-24,2026-11-24}", "{2026-11-24,2026-11-23}",
    "{2026-11-24 00:07,2026-11-25}", "{2026-11-24,NULL}", "{-infinity,2026-11-24}", None])
def test_bounds_that_are_none(database, bounds):
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match="whole quarter of an hour"):
        database.query("SELECT * FROM usage_sums(%s::timestamp[])", (bounds,))


@pytest.mark.sanitizer
def test_two_nodes_at_once(gateways, echo_upstream, database):
    nodes = [gateways(echo_upstream, pools=SHORT, node=name) for name in ("a", "b")]
    loads = [Load(g.port, g.key, n=4) for g in nodes]
    with loads[0], loads[1]:
        for load in loads:
            load.wait_for(300)
    database.wait_usage(sum(load.done for load in loads))
    assert_equal_to_recount(database)
    settle(database)
    assert_equal_to_recount(database)


@pytest.mark.sanitizer
def test_postgresql_killed_meanwhile(gateways, echo_upstream, cluster, database):
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error("PostgreSQL")
    with Load(gateway.port, gateway.key) as load:
        for _ in range(2):
            load.wait_for(200)
            cluster.stop("immediate")
            load.wait_for(100)
            cluster.start()
        load.wait_for(200)
    eventually(lambda: database.value("SELECT count(*) FROM token_usage_logs") == load.done,
               "all rows", patience_s=40)
    assert_equal_to_recount(database)
    settle(database)
    assert_equal_to_recount(database)


def test_a_commit_in_doubt_counts_once(gateways, echo_upstream, cluster, database):
    proxy = PgProxy(cluster, "answer lost")
    try:
        gateway = gateways(echo_upstream, pools=SHORT, start=False)
        gateway.settings["database"] = proxy.url(database)
        gateway.write_config()
        gateway.start()
        with Load(gateway.port, gateway.key, n=2) as load:
            load.wait_for(50)
            eventually(proxy.broken.is_set, "COMMIT was broken")
            load.wait_for(50)
        database.wait_usage(load.done)
        assert_equal_to_recount(database)
        gateway.terminate()
        assert gateway.wait_exit() == 0
        gateway.process = None
    finally:
        proxy.close()


def test_retention_drops_rows_and_keeps_statistics(gateways, echo_upstream, database):
    old_rows(database, days=(2, 3), count=100)
    low, high = midnight() - datetime.timedelta(3), midnight()
    gateway = gateways(echo_upstream, pools=SHORT, usage={"retention_days": 2})
    gone = f"{midnight() - datetime.timedelta(3):%Y-%m-%d}"
    eventually(lambda: f"dropped the rows of {gone}" in gateway.log(), "a day is dropped",
               patience_s=60)
    log = gateway.log()
    assert log.index(f"those of {gone}") < log.index(f"dropped the rows of {gone}")
    assert "and after them 0 more days" in log
    rows = database.query("SELECT min(used_at) AS first, count(*) AS n FROM token_usage_logs")[0]
    assert rows["n"] == 100 and rows["first"] >= midnight() - datetime.timedelta(2)
    assert sums(database, low, high)[0]["calls"] == 200
    # What still comes for that day is added, of the older backend too.
    old_rows(database, days=(3,), count=30, seed=5)
    settle(database)
    assert sums(database, low, high)[0]["calls"] == 230
    assert_equal_to_recount(database)


def test_retention_waits_for_marks(database):
    old_rows(database, days=(3,), count=20)
    day = (midnight() - datetime.timedelta(3)).date()
    assert database.value("SELECT usage_drop_day(%s, 1)", (day,)) is False
    settle(database)
    assert database.value("SELECT usage_drop_day(%s, 1)", (day,)) is True
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match="has no rows"):
        database.query("SELECT usage_drop_day(%s, 1)", (day,))
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match="not older than 1 days"):
        database.query("SELECT usage_drop_day(%s, 1)", (midnight().date(),))


def test_verify_finds_and_mends_damage(database):
    old_rows(database, count=60)
    settle(database)
    assert_equal_to_recount(database)
    for damage in (
            "UPDATE usage_hour SET calls = calls + 1 WHERE route_id > 0 AND token_id > 0",
            "UPDATE usage_day SET h100 = 7 WHERE token_id = -1 AND route_id = -1",
            "DELETE FROM usage_6hours WHERE token_id = -1",
            "DELETE FROM usage_8days WHERE token_id > 0",
            "UPDATE usage_64days SET time_max = 7, h3 = 1",
            "DELETE FROM usage_15min WHERE token_id > 0",
            "UPDATE usage_open SET time_max = time_max + 1 WHERE token_id = -1",
            "INSERT INTO usage_deltas (since, token_id, route_path, calls) "
            "SELECT min(since), 1, '/api/a', 1 FROM usage_open"):
        database.query(damage)
        done = verify(database)
        assert done.returncode == 1 and "differs in" in done.stdout, damage + done.stdout
        done = verify(database, "--repair")
        assert done.returncode == 0 and "counted again" in done.stdout, damage + done.stdout
    assert_equal_to_recount(database)


def test_verify_of_a_part(database):
    old_rows(database, days=(1, 2), count=60)
    settle(database)
    low = midnight() - datetime.timedelta(2)
    database.query("UPDATE usage_15min SET calls = calls + 1 WHERE since < %s "
                   "AND token_id = -1 AND route_id = -1", (low + datetime.timedelta(hours=12),))
    done = verify(database, "--from", low + datetime.timedelta(hours=12))
    assert done.returncode == 0 and "differs" not in done.stdout
    done = verify(database, "--from", low, "--to", low + datetime.timedelta(hours=12))
    assert done.returncode == 1 and "1 days compared" in done.stdout
    done = verify(database, "--from", "soon")
    assert done.returncode == 1 and 'time zone: "soon"' in done.stderr
    assert verify(database, "--frm", "x").returncode == 2
    assert verify(database, "x").returncode == 2


def test_verify_takes_offsets_and_refuses_ranges_that_are_none(database):
    old_rows(database, count=60)
    settle(database)
    noon = midnight() - datetime.timedelta(hours=12)
    database.query("UPDATE usage_15min SET calls = calls + 1 WHERE token_id = -1 AND since >= %s",
                   (noon,))
    # 17:30 in Kolkata is noon, UTC.
    kolkata = f"{noon + datetime.timedelta(hours=5, minutes=30):%Y-%m-%dT%H:%M}+05:30"
    assert verify(database, "--to", kolkata).returncode == 0
    done = verify(database, "--from", kolkata)
    assert done.returncode == 1 and f"usage_15min {noon:%Y-%m-%d} 0" not in done.stdout
    assert "differs in calls" in done.stdout
    for arguments, words in (
            (["--from", noon, "--to", midnight() - datetime.timedelta(1)],
             "--from must be before --to"),
            (["--from", noon, "--to", kolkata], "--from must be before --to"),
            (["--from", "infinity"], "--from must be a day or a time"),
            (["--to=-infinity"], "--to must be a day or a time")):
        done = verify(database, *arguments)
        assert (done.returncode, done.stdout) == (1, "") and words in done.stderr, done.stderr


def test_the_gateways_role_can_do_no_more_than_it_needs(cluster, database):
    cluster.execute("DROP ROLE IF EXISTS rollup_login")
    cluster.execute("CREATE ROLE rollup_login LOGIN IN ROLE tollgate")
    old_rows(database, count=20)
    connection = psycopg2.connect(cluster.url(database.name, "rollup_login"))
    try:
        connection.autocommit = True
        cursor = connection.cursor()
        for allowed in ("usage_recount_dirty(1000)", "usage_merge()", "usage_pack()",
                        "usage_sums('{2026-01-01,2026-01-02}')", "usage_days_due(3)",
                        "usage_differences('2026-01-01', '2026-01-02')"):
            cursor.execute(f"SELECT {allowed}")
        for denied in ("UPDATE usage_open SET calls = 0", "DELETE FROM usage_day",
                       "INSERT INTO usage_dirty VALUES (now())", "DELETE FROM usage_deltas",
                       "SELECT usage_recount('{2026-01-01}')", "TRUNCATE usage_15min",
                       "UPDATE usage_rollup_state SET raw_since = now()",
                       "DELETE FROM token_usage_logs"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(denied)
    finally:
        connection.close()
    done = run_cli("usage", "verify", "--database", cluster.url(database.name, "rollup_login"))
    assert " 0 differences" in done.stdout
