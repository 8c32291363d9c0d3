"""An older usage log taken over while a gateway serves and records, and over kill -9."""
import json
import subprocess
import threading

import pytest

from test_database import OLDER_INSERT, OLDER_TOKENS, OLDER_USAGE, migrate
from tg.gateway import BINARY, Gateway, environment, make_token, run_cli
from tg.load import Load
from tg.wait import eventually

ZONE = "Asia/Taipei"
DAYS, A_DAY = 12, 1500


@pytest.fixture
def older(cluster):
    """An older system's database: its tokens, and some days of usage in its own time."""
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database()
    database.query(OLDER_TOKENS + ";" + OLDER_USAGE)
    database.query("INSERT INTO tokens (name, token_hash) SELECT 'older ' || n, "
                   "encode(sha256(n::text::bytea), 'hex') FROM generate_series(1, 3) AS n")
    database.query(
        "INSERT INTO token_usage_logs (token_hash, route_path, used_at, response_status, "
        "response_time_ms) SELECT encode(sha256((1 + n %% 4)::text::bytea), 'hex'), "
        "'/api/' || n %% 5, now() AT TIME ZONE %s - interval '1 hour' - n * interval '1 day' / %s,"
        " 200 + n %% 4 * 100, n %% 3000 FROM generate_series(0, %s) AS n",
        (ZONE, A_DAY, DAYS * A_DAY - 1))
    yield database
    database.drop()


def kill_after_a_day(database):
    """`tollgate migrate`, killed as soon as it has copied a day."""
    migration = subprocess.Popen(
        [BINARY, "migrate", "--database", database.url, "--adopt-time-zone", ZONE],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment())
    for line in migration.stdout:
        if line.startswith("copied "):
            break
    migration.kill()
    assert migration.wait() == -9
    migration.stdout.close()
    eventually(lambda: database.value(
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid()"), "its session is over")
    copied = database.value("SELECT sum(copied) FROM usage_adoption")
    assert 0 < copied < DAYS * A_DAY
    assert copied == database.value("SELECT count(*) FROM token_usage_logs")


def calls_of_tokens(database):
    """{name: calls} as the statistics have them, and the sum of all."""
    answer = json.loads(run_cli("usage", "ask", "top-tokens", "--limit", "100", "--from",
                                "2026-01-01", "--database", database.url).stdout)
    return {t["name"]: t["calls"] for t in answer["tokens"]}


class OlderBackend(threading.Thread):
    """Inserts, in UTC by now, until it is told to stop."""

    def __init__(self, database):
        super().__init__()
        self.database, self.inserted, self.stop = database, 0, threading.Event()

    def run(self):
        connection = self.database.cluster.connect(self.database.name)
        while not self.stop.wait(0.01):
            cursor = connection.cursor()
            cursor.execute("SELECT now() AT TIME ZONE 'UTC', encode(sha256('1'), 'hex')")
            at, token_hash = cursor.fetchone()
            cursor.execute(OLDER_INSERT, (token_hash, "/api/old", at, 200, 9, None, None, "POST",
                                          None))
            self.inserted += 1
        connection.close()


@pytest.mark.parametrize("retention_days", [None, 5])
def test_taken_over_while_a_gateway_records(older, tmp_path, echo_upstream, retention_days):
    """Killed half-way and run again under load: each row once in the log, or dropped by
    retention, and once in the statistics."""
    kill_after_a_day(older)
    settings = {"usage": {"retention_days": retention_days}} if retention_days else {}
    gateway = Gateway(str(tmp_path), older, [
        {"name": "test", "path": "/api/test", "scope": "test", "upstream": echo_upstream.url}],
        pools={"idle_s": 0.2}, **settings)
    gateway.key = make_token(gateway.config_file, "new", ["test"])["key"]
    backend = OlderBackend(older)
    try:
        gateway.start()
        if retention_days:
            eventually(lambda: older.value("SELECT raw_since > '-infinity' "
                                           "FROM usage_rollup_state"), "a day was dropped",
                       patience_s=40)
        with Load(gateway.port, gateway.key, n=2) as load:
            backend.start()
            load.wait_for(50)
            done = migrate(older, "--adopt-time-zone", ZONE)
            load.wait_for(50)
            backend.stop.set()
            backend.join()
        assert load.failed == []
        assert f"has {DAYS * A_DAY} rows, {DAYS * A_DAY} are copied" in done.stdout
        each = DAYS * A_DAY // 4
        expected = {"older 1": each + backend.inserted, "older 2": each, "older 3": each,
                    None: each, "new": load.done}
        eventually(lambda: older.value("SELECT count(*) = 0 FROM usage_dirty")
                   and calls_of_tokens(older) == expected, f"statistics are {expected}",
                   patience_s=60)
        if not retention_days:
            assert older.value("SELECT count(*) FROM token_usage_logs") == sum(expected.values())
            assert older.value("SELECT count(DISTINCT id) FROM token_usage_logs") == \
                sum(expected.values())
        done = run_cli("usage", "verify", "--database", older.url)
        assert " 0 differences" in done.stdout, done.stdout
        gateway.terminate()
        gateway.wait_exit()
        gateway.judge()
    finally:
        backend.stop.set()
        gateway.close_clients()
        if gateway.process is not None and gateway.process.poll() is None:
            gateway.kill()


@pytest.mark.parametrize("change, told", [
    ("DROP COLUMN error_message", "column token_usage_logs.error_message is missing"),
    ("ALTER COLUMN id DROP DEFAULT, ALTER COLUMN id TYPE text", "token_usage_logs.id has type text"),
])
def test_a_table_that_cannot_be_copied_is_refused(older, change, told):
    older.query(f"ALTER TABLE token_usage_logs {change}")
    done = run_cli("migrate", "--database", older.url, "--adopt-time-zone", ZONE, check=False)
    assert done.returncode == 1 and told in done.stderr and "Nothing was changed" in done.stderr
    assert older.value("SELECT count(*) FROM token_usage_logs") == DAYS * A_DAY
    assert older.value("SELECT to_regclass('token_keys') IS NULL "
                       "AND to_regclass('token_usage_logs_legacy') IS NULL")


def test_tells_what_was_refused_and_which_tokens_have_no_scopes(older):
    older.query("ALTER TABLE token_usage_logs ALTER token_hash TYPE text, ALTER token_hash DROP "
                "NOT NULL, ALTER used_at DROP NOT NULL")
    # Further columns may have any name.
    older.query("ALTER TABLE token_usage_logs ADD COLUMN refused text DEFAULT 'x', ADD COLUMN which date, "
                "ADD COLUMN zone text, ADD COLUMN n integer, ADD COLUMN kept_since timestamp")
    older.query("INSERT INTO token_usage_logs (token_hash, used_at) VALUES ('h', 'infinity'), "
                "('h', '3000-01-01'), ('h', '1900-01-01'), ('h', NULL), (NULL, now()), "
                "(repeat('h', 65), now())")
    older.query("ALTER TABLE tokens ADD COLUMN rehashed boolean, ADD COLUMN revoked boolean NOT NULL DEFAULT false;"
                "UPDATE tokens SET revoked = true WHERE name = 'older 3'")
    done = migrate(older, "--adopt-time-zone", ZONE)
    assert f"has {DAYS * A_DAY + 6} rows, {DAYS * A_DAY} are copied; the others" in done.stdout
    refused = [line.split(" older log: ") for line in done.stdout.splitlines()
               if line.startswith("refused ")]
    assert refused == [["refused 2 rows (usage_bad_rows):",
                        "used_at is before 1970 or over 30 days ahead"]] + [
        ["refused 1 rows (usage_bad_rows):", why] for why in (
            "token_hash is null", "token_hash is too long", "used_at is infinite",
            "used_at is null")]
    assert "tokens without scopes: 2;" in done.stdout
    older.query("UPDATE tokens SET scopes = '{test}', token_hash = md5(token_hash) || md5(name)")
    done = migrate(older)
    assert "without scopes" not in done.stdout and "refused" not in done.stdout


def test_what_is_taken_over_is_analyzed(older):
    """So that the first search of many tokens finds the indexes that it has, and not only once autovacuum has come by."""
    assert migrate(older, "--adopt-time-zone", ZONE).returncode == 0
    assert older.value("SELECT reltuples FROM pg_class WHERE oid = 'tokens'::regclass") == 3
    assert older.value("SELECT most_common_elems::text FROM pg_stats WHERE tablename = 'tokens_tollgate_lexemes'") is not None
    analyzed = older.value("SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'tokens'")
    migrate(older)
    assert older.value("SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'tokens'") == analyzed


def test_rows_ahead_of_now_are_warned_of(older, tmp_path, echo_upstream):
    """Of an older backend whose local time is read as UTC; our own are not meant."""
    older.query("TRUNCATE token_usage_logs")
    migrate(older, "--adopt-time-zone", ZONE)
    gateway = Gateway(str(tmp_path), older, [
        {"name": "test", "path": "/api/test", "scope": "test", "upstream": echo_upstream.url}])
    older.query("INSERT INTO token_usage_logs (token_hash, used_at, node, outcome) "
                "SELECT 'h', now() AT TIME ZONE 'UTC' + ahead, node, outcome FROM (VALUES "
                "(interval '0', NULL, NULL), ('8 hours', NULL, NULL), ('9 hours', 'other', 'ok')"
                ") AS rows (ahead, node, outcome)")
    told = "ahead of now"
    try:
        gateway.start()
        eventually(lambda: told in gateway.log(), "it is told", patience_s=60)
        line = next(text for text in gateway.log().splitlines() if told in text)
        assert "TZ=UTC" in line and "--adopt-time-zone" in line
        assert " up to 8 h 0 min " in line or " up to 7 h 5" in line
    finally:
        gateway.kill()


def test_killed_again_and_again(older):
    """Each day is copied once, however often it is interrupted."""
    kill_after_a_day(older)
    for _ in range(3):
        before = older.value("SELECT count(*) FROM usage_adoption")
        kill_after_a_day(older)
        assert older.value("SELECT count(*) FROM usage_adoption") > before
    migrate(older, "--adopt-time-zone", ZONE)
    rows = older.query("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM token_usage_logs")
    assert rows == [{"n": DAYS * A_DAY, "ids": DAYS * A_DAY}]
    assert older.value("SELECT count(*) FROM token_usage_logs_legacy AS l JOIN token_usage_logs "
                       "AS n USING (id) WHERE n.used_at = l.used_at AT TIME ZONE %s AT TIME ZONE "
                       "'UTC'", (ZONE,)) == DAYS * A_DAY


def test_rows_of_dropped_days_are_counted_once(older):
    """Days that retention has dropped already, whose rows the older table brings again."""
    kill_after_a_day(older)

    def count():
        while older.value("SELECT usage_recount_dirty(96) > 0 OR usage_pack(10000) > 0"):
            pass

    def drop_all():
        count()
        for row in older.query("SELECT day FROM usage_days_due(3)"):
            assert older.value("SELECT usage_drop_day(%s, 3)", (row["day"],)) is True

    drop_all()
    migrate(older, "--adopt-time-zone", ZONE)
    each = DAYS * A_DAY // 4
    for _ in range(2):
        count()
        assert calls_of_tokens(older) == {"older 1": each, "older 2": each, "older 3": each,
                                          None: each}
        assert " 0 differences" in run_cli("usage", "verify", "--database", older.url).stdout
        drop_all()
    assert older.query("SELECT * FROM usage_days_due(3)") == []
