"""`tollgate usage generate --remove`: takes away what was made up, and nothing of anyone else's."""
import subprocess
import threading
import time

import pytest

from test_generate import cells, equal_to_recount, generate, load
from tg.gateway import BINARY, environment, run_cli
from tg.wait import eventually

UTC_NOW = "(now() AT TIME ZONE 'UTC')"
TODAY = f"{UTC_NOW}::date"


def settle(database):
    eventually(lambda: database.value(
        "SELECT usage_merge() = 0 AND usage_recount_dirty(96) = 0 AND usage_pack(10000) = 0"),
        "all is merged, recounted and packed")


def calls(database):
    return sum(r["calls"] for r in cells(database)[0])


def real_calls(database, days_ago, count):
    """Calls as the older backend writes them."""
    database.query(f"SELECT usage_ensure_partition({TODAY} - %s)", (days_ago,))
    database.query(
        "INSERT INTO token_usage_logs (token_hash, route_path, used_at, response_status, "
        f"response_time_ms) SELECT (SELECT min(token_hash) FROM tokens), '/real', {TODAY} - %s "
        "+ interval '3 hours' + n * interval '1 minute', 200, 5 FROM generate_series(1, %s) AS n",
        (days_ago, count))
    settle(database)


def drop(database, days_ago):
    """As a gateway's retention does: until it succeeds."""
    def dropped():
        settle(database)
        return database.value(f"SELECT usage_drop_day({TODAY} - {days_ago}, {days_ago - 1})")
    eventually(dropped, f"the day {days_ago} days ago is dropped")


def start(database, *arguments):
    database.cluster.touched.add(database.name)
    return subprocess.Popen([BINARY, "usage", "generate", "--yes", "--database", database.url, *arguments],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment())


def ends_well(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def waits_for_a_lock(database):
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                          "AND datname = current_database()") > 0


@pytest.mark.parametrize("commits", ["while it waits", "long after"])
def test_a_batch_in_flight_stays(database, commits):
    """What the recorder commits while made-up rows of the same day are removed."""
    generate(database)
    part = database.value(f"SELECT 'token_usage_logs_p' || to_char({UTC_NOW}, 'YYYYMMDD')")
    batch = database.cluster.connect(database.name)
    try:
        batch.autocommit = False
        batch.cursor().execute(
            f"INSERT INTO {part} (token_hash, token_id, route_path, used_at, response_status, "
            f"response_time_ms) SELECT token_hash, id, '/api/test', {UTC_NOW}, 200, 5 "
            "FROM tokens ORDER BY id LIMIT 1; "
            "INSERT INTO usage_deltas (since, token_id, route_path, calls, status_2xx, time_count, "
            f"time_sum, time_max, h6) SELECT usage_floor({UTC_NOW}, 900), id, '/api/test', 1, 1, "
            "1, 5, 5, 1 FROM tokens ORDER BY id LIMIT 1")
        removal = start(database, "--remove")
        if commits == "while it waits":
            eventually(lambda: waits_for_a_lock(database) or removal.poll() is not None,
                       "the removal waits for the batch, or need not")
            batch.commit()
            told = ends_well(removal)
        else:
            told = ends_well(removal)
            batch.commit()
    finally:
        batch.close()
    assert told == "taken away: 100 calls, 0 tokens\n"
    assert [(r["route_path"], r["tags"]) for r in database.usage()] == [("/api/test", None)]
    assert calls(database) == 1
    settle(database)
    assert calls(database) == 1 and equal_to_recount(database)


def test_a_sample_keeps_off_days_that_retention_dropped(database):
    real_calls(database, 3, 200)
    drop(database, 3)
    assert database.usage() == [] and calls(database) == 200
    told = generate(database).stdout
    assert told.startswith("100 calls of 2 tokens on 3 routes, since ") and "rows are kept" in told
    assert database.value(f"SELECT min(used_at) >= {TODAY} - 2 FROM token_usage_logs")
    assert database.query("SELECT count(*) AS n FROM token_usage_logs")[0]["n"] == 100
    settle(database)
    assert calls(database) == 300 and equal_to_recount(database)
    assert generate(database, "--remove").stdout == "taken away: 100 calls, 0 tokens\n"
    settle(database)
    assert calls(database) == 200 and equal_to_recount(database)


def test_a_day_that_is_dropped_takes_its_sample_along(database):
    real_calls(database, 3, 200)
    generate(database)
    settle(database)
    assert calls(database) == 300
    drop(database, 3)
    left = database.value("SELECT count(*) FROM token_usage_logs")
    assert 40 < left < 80  # of the last two days and today
    assert calls(database) == 200 + left
    told = generate(database, "--remove").stdout
    assert told == f"taken away: {left} calls, 0 tokens\n"
    settle(database)
    assert calls(database) == 200 and equal_to_recount(database)
    route = cells(database)[0][0]
    assert (route["route"], route["time_sum"]) == ("/real", 1000)


def test_a_load_goes_from_days_that_retention_dropped(database):
    """Its cells only: those of real calls are all that is left of them."""
    real_calls(database, 4, 500)
    load(database, calls=3000, days=9, raw_days=6)
    settle(database)
    assert calls(database) == 3500
    for days_ago in (5, 4):
        drop(database, days_ago)
    assert calls(database) == 3500
    assert generate(database, "--remove").stdout == "taken away: 3000 calls, 20 tokens\n"
    settle(database)
    assert calls(database) == 500 and equal_to_recount(database)
    assert database.value(f"SELECT raw_since = {TODAY} - 3 FROM usage_rollup_state")
    # What comes late is added, and nothing counted anew.
    database.query(f"SELECT usage_ensure_partition({TODAY} - 4)")
    database.query("INSERT INTO token_usage_logs (token_hash, route_path, used_at) SELECT "
                   f"token_hash, '/real', {TODAY} - 4 + interval '3 hours 2 seconds' FROM tokens "
                   "LIMIT 1")
    settle(database)
    done = run_cli("usage", "verify", "--repair", "--database", database.url)
    assert " 0 differences" in done.stdout
    assert calls(database) == 501


def test_no_rows_of_days_that_were_dropped(database):
    real_calls(database, 3, 5)
    drop(database, 3)
    before = database.query("SELECT * FROM usage_rollup_state")
    done = generate(database, "--calls", "100", "--days", "9", check=False)
    assert done.returncode == 1 and "rows are kept since" in done.stderr
    assert "--days" in done.stderr
    # Nor may cells alone be mixed with what is left of those days.
    done = generate(database, "--calls", "100", "--days", "9", "--raw-days", "1", check=False)
    assert done.returncode == 1 and "there is usage before" in done.stderr
    assert database.query("SELECT * FROM usage_rollup_state") == before
    assert database.value("SELECT count(*) FROM usage_generated") == 0
    assert database.value("SELECT count(*) FROM tokens") == 2
    load(database, calls=100, days=1)
    assert calls(database) == 105 and equal_to_recount(database)
    generate(database, "--remove")
    settle(database)
    assert calls(database) == 5 and equal_to_recount(database)


def kill_when(process, condition):
    """SIGKILL at that moment; False if it was done before."""
    while process.poll() is None and not condition():
        time.sleep(0.002)
    killed = process.poll() is None
    process.kill()
    process.communicate()
    return killed


def is_alone(database):
    """The server has noticed that nobody listens to it any more."""
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = "
                          "current_database() AND pid <> pg_backend_pid()") == 0


def marked_rows(database):
    return database.value("SELECT count(*) FROM token_usage_logs WHERE tags ? 'generated'")


def test_killed_half_way_and_taken_away(database):
    """kill -9 of a load and of its removal, among real calls: run again, all is as before."""
    for days_ago in (5, 2):
        real_calls(database, days_ago, 60)
    before = database.query("SELECT * FROM token_usage_logs ORDER BY id")
    sizes = ("--calls", "30k", "--days", "8", "--tokens", "10")
    assert kill_when(start(database, *sizes), lambda: marked_rows(database) > 0)
    eventually(lambda: is_alone(database), "its session is over")
    settle(database)
    part = marked_rows(database)
    assert 0 < part < 30000 and equal_to_recount(database)
    assert calls(database) == 120 + part
    generate(database, *sizes)
    assert marked_rows(database) == part + 30000
    assert kill_when(start(database, "--remove"),
                     lambda: marked_rows(database) < part + 30000)
    eventually(lambda: is_alone(database), "its session is over")
    settle(database)
    left = marked_rows(database)
    assert 0 < left < part + 30000 and calls(database) == 120 + left
    assert equal_to_recount(database)
    # It tells what there was, not what was meant to be.
    assert generate(database, "--remove").stdout == f"taken away: {left} calls, 10 tokens\n"
    assert database.query("SELECT * FROM token_usage_logs ORDER BY id") == before
    settle(database)
    assert calls(database) == 120 and equal_to_recount(database)
    assert database.value("SELECT count(*) FROM tokens") == 2
    assert generate(database, "--remove").stdout == "taken away: 0 calls, 0 tokens\n"


def test_two_at_once(database):
    for days_ago in range(4):
        real_calls(database, days_ago, 20)
    load(database, calls=6000, days=4)
    removals = [start(database, "--remove") for _ in range(2)]
    told = sorted(ends_well(p).splitlines()[-1] for p in removals)
    assert told == ["taken away: 0 calls, 0 tokens", "taken away: 6000 calls, 20 tokens"]
    assert database.value("SELECT count(*) FROM usage_dirty") == 0
    assert calls(database) == 80 and equal_to_recount(database)


def test_it_waits_for_upkeep(database):
    """Gateways' upkeep has the lock most of the time: marks are counted again nevertheless."""
    real_calls(database, 1, 50)
    generate(database)
    done = threading.Event()

    def upkeep():
        connection = database.cluster.connect(database.name)
        connection.autocommit = False
        while not done.wait(0.005):
            connection.cursor().execute(
                "SELECT pg_advisory_xact_lock(hashtext('tollgate: usage rollups')), "
                "pg_sleep(0.05)")
            connection.commit()
        connection.close()

    gateways = threading.Thread(target=upkeep)
    gateways.start()
    try:
        told = generate(database, "--remove").stdout
    finally:
        done.set()
        gateways.join()
    assert told == "taken away: 100 calls, 0 tokens\n"
    assert database.value("SELECT count(*) FROM usage_dirty") == 0
    assert calls(database) == 50 and equal_to_recount(database)
