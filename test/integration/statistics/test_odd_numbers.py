"""Statistics of what is odd: days that begin twice, sums past a bigint, intervals that can't be
counted or are not yet; and percentiles beside their maximum."""
import bisect
import datetime
import json
import zoneinfo

import pytest

from tg.gateway import run_cli

UTC = datetime.timezone.utc
MOST = 2 ** 63 - 1
DAY = "2024-10-27"


def ask(database, question, **options):
    given = [x for k, v in options.items() for x in (f"--{k}", v)]
    return json.loads(run_cli("usage", "ask", question, "--database", database.url, *given).stdout)


def insert(database, *rows):
    """(used_at, response_time_ms, bytes_in), as the older backend does."""
    days = {r[0][:10] for r in rows}
    database.query("CREATE TEMP TABLE IF NOT EXISTS touched (x int); "
                   "SELECT usage_ensure_partition(d::date) FROM unnest(%s) AS d", (list(days),))
    for used_at, ms, bytes_in in rows:
        database.query("INSERT INTO token_usage_logs (token_hash, route_path, used_at, "
                       "response_status, response_time_ms, bytes_in, bytes_out) "
                       "VALUES ('x', '/r', %s, 200, %s, %s, %s)", (used_at, ms, bytes_in, bytes_in))


def recount(database):
    while database.value("SELECT usage_recount_dirty(32)") > 0:
        pass


def pack(database):
    while database.value("SELECT usage_pack()") > 0:
        pass


def verify(database, *options):
    return run_cli("usage", "verify", "--database", database.url, *options, check=False)


# --- percentiles ---

def test_no_percentile_is_above_the_maximum(database):
    """Wherever a time is in its bucket, the last one without an end included; with the maximum at
    hand, and without."""
    bounds = database.value("SELECT usage_bounds()")
    longest = {b + d for b in bounds[::9] + bounds[-2:] for d in (0, 1, 100)} | {2 ** 31 - 1}
    for ms in longest:
        histogram = [0] * len(bounds)
        for t in (0, ms // 2, ms, ms):
            histogram[bisect.bisect_right(bounds, t) - 1] += 1
        for most in (ms, None):
            p = database.value("SELECT usage_percentiles(%s::bigint[], %s, 0.2, 0.5, 0.95, 0.99, 1)",
                               (histogram, most))
            assert p == sorted(p) and p[-1] <= ms, (ms, most, p)
            assert bisect.bisect_right(bounds, p[-1]) == bisect.bisect_right(bounds, ms), (ms, p)


@pytest.mark.parametrize("ms", [16, 1000, 524288, 600000])
def test_of_one_call_all_are_what_it_took(database, ms):
    insert(database, (f"{DAY} 12:00", ms, None))
    recount(database)
    about = {"from": DAY, "to": "2024-10-28"}
    totals = ask(database, "totals", **about)["now"]["totals"]
    assert {totals[k] for k in ("p50_ms", "p95_ms", "p99_ms", "max_ms")} <= set(range(ms + 1))
    assert ask(database, "slow-routes", **about)["routes"][0]["p99_ms"] <= ms
    point = ask(database, "series", step="1d", **{**about, "from": "2024-10-26"})
    assert all(p.get("p99_ms") is None or p["p99_ms"] <= ms for p in point["points"])


# --- days that begin twice ---

ZONES = ["Atlantic/Azores", "America/Havana", "America/Scoresbysund", "Asia/Beirut",
         "America/Asuncion", "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia",
         "America/Sao_Paulo", "Antarctica/Troll", "Europe/Berlin", "Asia/Kolkata"]


def test_the_earlier_instant_begins_a_day(database):
    """Each midnight of some years, in zones whose clocks change then; as zoneinfo with fold=0."""
    told = database.query("""SELECT z AS zone, d, usage_instant(d, z) AS at FROM unnest(%s) AS z,
        generate_series(timestamp '2014-01-01', '2024-12-31', '1 day') AS d""", (ZONES,))
    for row in told:
        want = row["d"].replace(tzinfo=zoneinfo.ZoneInfo(row["zone"]))
        assert row["at"] == want.astimezone(UTC).replace(tzinfo=None), row


@pytest.mark.parametrize("zone,day,step", [
    ("Atlantic/Azores", "2024-10-27", "1d"), ("America/Havana", "2020-11-01", "1d"),
    ("America/Havana", "2020-11-01", "1mo"), ("Atlantic/Azores", "2024-10-27", "1h"),
])
def test_a_day_that_begins_twice(database, zone, day, step):
    """In steps, ranges, and as the end of what was before."""
    there = zoneinfo.ZoneInfo(zone)
    first = datetime.datetime.fromisoformat(day).replace(tzinfo=there).astimezone(UTC)
    minutes = [-30, 15, 45, 75, 105]
    insert(database, *((str((first + datetime.timedelta(minutes=m)).replace(tzinfo=None)), 5, 1)
                       for m in minutes))
    recount(database)
    after = (first + datetime.timedelta(days=1)).date()
    begin = first.astimezone(there).isoformat().replace("+00:00", "Z")
    totals = ask(database, "totals", zone=zone, **{"from": day, "to": str(after)})
    assert totals["now"]["from"] == begin == totals["before"]["to"]
    assert totals["now"]["totals"]["calls"] == 4 and totals["before"]["totals"]["calls"] == 1
    before = ask(database, "totals", zone=zone,
                 **{"from": str((first - datetime.timedelta(days=3)).date()), "to": day})
    assert before["now"]["to"] == begin and before["now"]["totals"]["calls"] == 1
    later = ask(database, "totals", zone=zone, **{"from": str(after), "to": str(
        after + datetime.timedelta(days=1))})
    assert later["before"]["from"] == begin and later["before"]["totals"]["calls"] == 4
    points = {p["at"]: p["calls"] for p in ask(
        database, "series", zone=zone, step=step,
        **{"from": str((first - datetime.timedelta(days=2)).date()), "to": str(after)})["points"]}
    assert points[begin] == (2 if step == "1h" else 4)
    again = (first + datetime.timedelta(hours=1)).astimezone(there).isoformat().replace("+00:00", "Z")
    assert points.get(again) == (2 if step == "1h" else None)


def test_before_a_range_between_the_two_midnights(database):
    """By the clock it has no length; it is an hour long all the same."""
    answer = ask(database, "totals", zone="Atlantic/Azores",
                 **{"from": f"{DAY}T00:30Z", "to": f"{DAY}T01:30Z"})
    assert answer["before"]["to"] == answer["now"]["from"] != answer["before"]["from"]


# --- sums past a bigint ---

def test_sums_past_all_bounds(database):
    """Two rows of the most bytes that a row can tell: the sum stays at that, in every place."""
    insert(database, (f"{DAY} 12:00", 5, MOST), (f"{DAY} 12:01", 5, MOST), (f"{DAY} 12:16", 5, 7),
           (f"{DAY} 18:00", 5, MOST), ("2024-10-25 10:00", 5, MOST))
    recount(database)
    assert database.value("SELECT count(*) FROM usage_dirty") == 0
    about = {"from": "2024-10-20", "to": "2024-11-03"}
    for step in (lambda: None, lambda: pack(database), lambda: insert(
            database, (f"{DAY} 12:02", 5, MOST)), lambda: recount(database), lambda: pack(database)):
        step()
        totals = ask(database, "totals", **about)["now"]["totals"]
        assert totals["bytes_in"] == totals["bytes_out"] == MOST
        ask(database, "series", step="1d", **about)
        ask(database, "top-routes", **about)
    done = verify(database)
    assert done.returncode == 0 and " 0 differences" in done.stdout, done.stdout + done.stderr


def test_merging_past_all_bounds(database):
    database.query("INSERT INTO usage_deltas (since, token_id, route_path, calls, bytes_in) "
                   f"SELECT '{DAY} 12:00', 1, NULL, 1, {MOST} FROM generate_series(1, 3)")
    for n in range(2):
        assert database.value("SELECT usage_merge(2)") == 2 - n
    assert database.value("SELECT max(bytes_in) FROM usage_open") == MOST
    assert database.value("SELECT max(calls) FROM usage_open") == 3


# --- intervals that wait ---

def test_how_many_intervals_wait_is_told(database):
    """Also where nothing at all is counted yet, and of the range only."""
    insert(database, (f"{DAY} 12:00", 5, 1), (f"{DAY} 12:01", 5, 1), (f"{DAY} 12:16", 5, 1),
           ("2024-10-20 10:00", 5, 1))
    about = {"from": DAY, "to": "2024-10-28"}
    for question in ("series", "top-tokens", "top-routes", "slow-routes", "slow-calls",
                     "distribution", "statuses", "cost", "gaps"):
        options = {"step": "1d"} if question == "series" else {}
        assert ask(database, question, **about, **options)["waiting"] == 2, question
    totals = ask(database, "totals", **about)
    assert totals["now"]["waiting"] == 2 and totals["before"]["waiting"] == 0
    assert totals["now"]["totals"]["calls"] == 0
    assert "3 intervals of 15 minutes have rows that no statistics show yet" in run_cli(
        "migrate", "--database", database.url).stdout
    recount(database)
    totals = ask(database, "totals", **about)
    assert totals["now"]["waiting"] == 0 and totals["now"]["totals"]["calls"] == 3
    assert "no statistics show" not in run_cli("migrate", "--database", database.url).stdout


@pytest.mark.parametrize("bad", ["12:00", "12:45", "13:30"], ids=["first", "middle", "last"])
def test_an_interval_that_cannot_be_counted_blocks_no_other(database, bad):
    at = [f"{DAY} {h}:{m:02}" for h in (12, 13) for m in (0, 15, 30, 45)]
    insert(database, *((t, 5, 1) for t in at))
    database.query("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                   "RAISE 'not this one'; END $$; CREATE TRIGGER no BEFORE INSERT ON usage_open "
                   f"FOR EACH ROW WHEN (NEW.since = '{DAY} {bad}') EXECUTE FUNCTION refuse()")
    recount(database)
    left = database.query("SELECT DISTINCT since::text FROM usage_dirty")
    assert left == [{"since": f"{DAY} {bad}:00"}]
    answer = ask(database, "totals", **{"from": DAY, "to": "2024-10-28"})["now"]
    assert answer["totals"]["calls"] == 7 and answer["waiting"] == 1
    assert "1 intervals of 15 minutes wait" in verify(database).stdout
    # Asked to mend, it says what it can't, and ends.
    database.query("UPDATE usage_open SET calls = calls + 1 WHERE since = (SELECT since "
                   f"FROM usage_open WHERE since <> '{DAY} {bad}' ORDER BY since LIMIT 1)")
    done = verify(database, "--repair")
    assert done.returncode != 0 and "not this one" in done.stderr, done.stderr
    database.query("DROP TRIGGER no ON usage_open; UPDATE usage_recounted SET rests_until = now()")
    recount(database)
    assert verify(database).returncode == 0
    assert ask(database, "totals", **{"from": DAY, "to": "2024-10-28"})["now"]["totals"]["calls"] == 8
