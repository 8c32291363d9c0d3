"""`tollgate usage generate`: what it makes up, and that nothing of it stays."""
import os
import pty
import subprocess

import pytest

from tg.gateway import BINARY, ROOT, environment, run_cli

ROWS = ("SELECT count(*) AS rows, count(DISTINCT token_id) AS tokens, "
        "count(DISTINCT route_path) AS routes, count(*) FILTER (WHERE tags ? 'generated') "
        "AS marked FROM token_usage_logs")


def generate(database, *arguments, **how):
    database.cluster.touched.add(database.name)
    return run_cli("usage", "generate", "--yes", "--database", database.url, *arguments, **how)


def cells(database):
    """Calls by (token, route) as the statistics have them, and as the rows are."""
    everything = ("ARRAY[date_trunc('day', now() AT TIME ZONE 'UTC' - interval '400 days'), "
                  "date_trunc('day', now() AT TIME ZONE 'UTC' + interval '2 days')]")
    kept = database.query(
        "SELECT s.token_id AS token, r.route_path AS route, s.calls, "
        "s.errors_ours + s.errors_upstream + s.errors_client AS errors, s.time_sum::bigint "
        f"FROM usage_sums({everything}, by_token => true, by_route => true) AS s "
        "LEFT JOIN usage_routes AS r USING (route_id) ORDER BY 1, 2")
    counted = database.query(
        "SELECT coalesce(token_id, 0) AS token, route_path AS route, count(*) AS calls, "
        "count(*) FILTER (WHERE response_status >= 400 OR outcome <> 'complete') AS errors, "
        "coalesce(sum(response_time_ms), 0)::bigint AS time_sum "
        "FROM token_usage_logs GROUP BY 1, 2 ORDER BY 1, 2")
    return kept, counted


def is_clean(database):
    assert database.query(ROWS)[0]["rows"] == 0
    assert cells(database) == ([], [])
    for table in ("usage_generated", "usage_dirty", "usage_deltas", "usage_open", "usage_15min",
                  "usage_hour", "usage_6hours", "usage_day", "usage_8days", "usage_64days"):
        assert database.value(f"SELECT count(*) FROM {table}") == 0, table
    assert database.value("SELECT count(*) FROM tokens WHERE key_start = 'generated'") == 0
    assert database.value("SELECT count(*) FROM usage_routes WHERE route_path LIKE "
                          "'/generated/%%'") == 0
    assert database.value("SELECT raw_since = '-infinity' FROM usage_rollup_state")
    return True


def test_a_sample_of_what_is_there(database):
    done = generate(database)
    assert done.stdout == "100 calls of 2 tokens on 3 routes, one an hour back from now\n"
    assert database.query(ROWS) == [{"rows": 100, "tokens": 2, "routes": 3, "marked": 100}]
    assert database.value("SELECT count(DISTINCT date_trunc('hour', used_at)) "
                          "FROM token_usage_logs") == 100
    assert database.value("SELECT now() - max(used_at) AT TIME ZONE 'UTC' BETWEEN interval '0' "
                          "AND interval '1 minute' FROM token_usage_logs")
    statuses = database.query("SELECT DISTINCT response_status AS s FROM token_usage_logs "
                              "ORDER BY 1")
    assert [r["s"] for r in statuses] == [200, 400, 500]
    kept, counted = cells(database)
    assert kept == counted and len(kept) == 6
    assert generate(database, "--remove").stdout == "taken away: 100 calls, 0 tokens\n"
    assert is_clean(database)
    assert database.value("SELECT count(*) FROM tokens") == 2


def test_the_old_scripts_name_and_the_configurations_routes(gateways, upstream, database):
    gateway = gateways(upstream, routes=[
        {"name": n, "path": f"/api/{n}", "upstream": upstream.url} for n in ("a", "b")])
    script = os.path.join(ROOT, "test", "generate_test_usage_data.sh")
    done = subprocess.run([script, "--config", gateway.config_file], capture_output=True,
                          text=True, check=True, env=environment(TOLLGATE_BIN=BINARY))
    assert "2 tokens on 2 routes" in done.stdout
    database.cluster.touched.add(database.name)
    with gateway.manager() as client:
        rows = client.call("GET", "/api/usage/test-data", host="127.0.0.1").json()["rows"]
    assert len(rows) == 20 and {r["route_path"] for r in rows} == {"/api/a", "/api/b"}
    assert rows[0]["tags"] == {"generated": True} and rows[0]["token_name"] in ("all", "test")


def test_a_database_without_tokens_gets_three(cluster, template):
    database = cluster.create_database(template[0])
    try:
        database.query("DELETE FROM tokens")
        assert "of 3 tokens" in generate(database).stdout
        assert database.value("SELECT count(*) FROM token_lookup WHERE scopes = ''") == 3
        assert generate(database, "--remove").stdout == "taken away: 100 calls, 3 tokens\n"
        assert is_clean(database)
    finally:
        database.drop()


def test_other_rows_stay(database):
    database.query("SELECT usage_ensure_partition(current_date - n) FROM generate_series(0, 6) n")
    database.query(
        "INSERT INTO token_usage_logs (token_hash, token_id, route_path, used_at, "
        "response_status, response_time_ms, tags) SELECT repeat('a', 64), 1, '/api/openai', "
        "now() AT TIME ZONE 'UTC' - n * interval '31 hours', 200 + n, n, "
        "CASE n WHEN 2 THEN '{\"a\": 1}'::jsonb END FROM generate_series(0, 3) AS n")
    before = database.query("SELECT * FROM token_usage_logs ORDER BY id")
    generate(database)
    generate(database)
    assert database.query(ROWS)[0]["marked"] == 200
    kept, counted = cells(database)
    assert kept == counted
    assert generate(database, "--remove").stdout == "taken away: 200 calls, 0 tokens\n"
    assert database.query("SELECT * FROM token_usage_logs ORDER BY id") == before
    kept, counted = cells(database)
    assert kept == counted and sum(r["calls"] for r in kept) == 4


# --- loads ---

def load(database, calls=3000, days=3, tokens=20, routes=4, **more):
    options = {"calls": calls, "days": days, "tokens": tokens, "routes": routes, **more}
    return generate(database, *[x for k, v in options.items()
                                for x in ("--" + k.replace("_", "-"), v)]).stdout


def equal_to_recount(database):
    done = run_cli("usage", "verify", "--database", database.url, check=False)
    assert done.returncode == 0 and " 0 differences" in done.stdout, done.stdout + done.stderr
    return True


def test_a_load_with_all_its_rows(database):
    told = load(database).splitlines()
    assert told[0].startswith("3000 calls of 20 tokens on 4 routes in 3 days; rows of the last 3")
    assert told[-1] == "done: 3000 calls, 3000 rows"
    found = database.query(ROWS)[0]
    assert (found["rows"], found["marked"], found["routes"]) == (3000, 3000, 4)
    assert 15 <= found["tokens"] <= 20
    assert database.value(
        "SELECT now() AT TIME ZONE 'UTC' - min(used_at) BETWEEN interval '2 days' AND interval "
        "'3 days 15 minutes' AND max(used_at) <= now() AT TIME ZONE 'UTC' FROM token_usage_logs")
    # Known routes first, made-up ones after them.
    assert {r["route_path"] for r in database.usage()} == {
        "/api/openai", "/api/perplexity", "/api/cloudconvert", "/generated/001"}
    kept, counted = cells(database)
    assert kept == counted
    assert equal_to_recount(database)
    assert generate(database, "--remove").stdout == "taken away: 3000 calls, 20 tokens\n"
    assert is_clean(database)


@pytest.mark.parametrize("raw_days", [0, 2])
def test_a_load_with_rows_of_the_last_days_only(database, raw_days):
    told = load(database, calls=5000, days=6, raw_days=raw_days)
    rows = database.query(ROWS)[0]["rows"]
    assert f"done: 5000 calls, {rows} rows" in told
    of_those_days = database.value(
        "SELECT coalesce(sum(calls), 0) FROM usage_sums(ARRAY[date_trunc('day', now() AT TIME ZONE "
        "'UTC' - interval '1 day'), date_trunc('day', now() AT TIME ZONE 'UTC' + interval '2 days')])")
    assert rows == (0 if raw_days == 0 else of_those_days) and 0 < of_those_days < 5000
    assert database.value(
        "SELECT count(*) FROM token_usage_logs WHERE used_at < (now() AT TIME ZONE 'UTC')::date "
        "- 1") == 0
    assert sum(r["calls"] for r in cells(database)[0]) == 5000
    assert equal_to_recount(database)
    # What still comes for a day without rows is counted once, and stays.
    day = database.value("SELECT (now() AT TIME ZONE 'UTC')::date - 4")
    database.query("SELECT usage_ensure_partition(%s)", (day,))
    database.query("INSERT INTO token_usage_logs (token_hash, route_path, used_at) "
                   "SELECT token_hash, '/late', %s + interval '1 hour' FROM tokens LIMIT 1", (day,))
    database.query("SELECT usage_recount_dirty(10)")
    assert sum(r["calls"] for r in cells(database)[0]) == 5001
    assert equal_to_recount(database)
    generate(database, "--remove")
    assert [(r["calls"], r["route"]) for r in cells(database)[0]] == [(1, "/late")]
    assert database.query(ROWS)[0]["rows"] == 1


def calls_made(database):
    return database.query(
        "SELECT t.name, l.used_at, l.route_path, l.response_status, l.outcome, "
        "l.response_time_ms, l.bytes_out FROM token_usage_logs AS l "
        "JOIN tokens AS t ON t.id = l.token_id ORDER BY l.id")


def test_a_seed_makes_the_same_again(database):
    def quarter():
        return database.value("SELECT usage_floor(now() AT TIME ZONE 'UTC', 900)")

    while True:
        began, made = quarter(), []
        for seed in (5, 5, 6):
            load(database, calls=500, days=2, seed=seed)
            made.append(calls_made(database))
            generate(database, "--remove")
        if quarter() == began:  # they end with the latest whole quarter of an hour
            break
    assert len(made[0]) == 500 and made[0] == made[1] and made[0] != made[2]


def test_a_load_joins_what_is_there(database):
    database.query("SELECT usage_ensure_partition((now() AT TIME ZONE 'UTC')::date - n) "
                   "FROM generate_series(0, 3) AS n")
    database.query(
        "INSERT INTO token_usage_logs (token_hash, token_id, route_path, used_at, "
        "response_status, response_time_ms) SELECT repeat('a', 64), 1 + n %% 2, '/api/openai', "
        "now() AT TIME ZONE 'UTC' - n * interval '40 minutes', 200 + n, n "
        "FROM generate_series(0, 90) AS n")
    before = database.query("SELECT * FROM token_usage_logs ORDER BY id")
    while database.value("SELECT usage_recount_dirty(100) > 0 OR usage_pack(10000) > 0"):
        pass
    load(database, calls=700)
    load(database, calls=800, seed=2, tokens=30)
    assert database.query(ROWS)[0]["rows"] == 91 + 1500
    kept, counted = cells(database)
    assert kept == counted
    assert equal_to_recount(database)
    # Days without rows would hide what is there.
    done = generate(database, "--calls", "10", "--days", "9", "--raw-days", "1", check=False)
    assert done.returncode == 1 and "there is usage before" in done.stderr
    assert generate(database, "--remove").stdout == "taken away: 1500 calls, 30 tokens\n"
    assert database.query("SELECT * FROM token_usage_logs ORDER BY id") == before
    assert equal_to_recount(database)


REAL = {
    "a row": "INSERT INTO token_usage_logs (token_hash, token_id, route_path, used_at) "
             "VALUES (repeat('a', 64), 1, '/api/test', now() AT TIME ZONE 'UTC')",
    "a token's last use": "UPDATE tokens SET last_used = now() WHERE id = 1",
}


@pytest.mark.parametrize("real", REAL)
def test_beside_real_usage_it_is_asked_for(database, real):
    def plain(*arguments, typed=None):
        database.cluster.touched.add(database.name)
        command = [BINARY, "usage", "generate", "--database", database.url, *arguments]
        if typed is None:
            return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  env=environment(), check=False)
        ours, its = pty.openpty()
        os.write(ours, typed)
        done = subprocess.run(command, stdin=its, capture_output=True, text=True, env=environment(), check=False)
        os.close(ours), os.close(its)
        return done

    def made():
        return database.query(ROWS)[0]["marked"]

    # Where all is made up nobody is asked.
    assert plain().returncode == 0 and plain("--calls", "5").returncode == 0
    database.query(REAL[real])
    for arguments in ((), ("--calls", "10")):
        done = plain(*arguments)
        assert done.returncode == 1 and "--yes" in done.stderr and made() == 105
        assert plain(*arguments, typed=b"n\n").returncode == 1 and made() == 105
    done = plain(typed=b"y\n")
    assert done.returncode == 0 and "Go on? [y/N]" in done.stdout and made() == 205
    assert plain("--yes", "--calls", "10").returncode == 0 and made() == 215
    assert plain("--remove").returncode == 0 and made() == 0


@pytest.mark.parametrize("arguments", [[], ["--calls", "10"], ["--remove"]])
def test_who_may_make_may_remove(cluster, database, arguments):
    cluster.execute("DROP ROLE IF EXISTS small_load; CREATE ROLE small_load LOGIN IN ROLE tollgate")
    try:
        done = run_cli("usage", "generate", *arguments, "--database",
                       cluster.url(database.name, "small_load"), check=False)
        assert done.returncode == 1 and "may act as tollgate_owner" in done.stderr
    finally:
        cluster.execute("DROP ROLE small_load")
    assert is_clean(database)


@pytest.mark.parametrize("arguments, words", [
    (["usage"], "usage: tollgate usage COMMAND"),
    (["usage", "nope"], "no command 'nope'"),
    (["usage", "generate", "--nope"], "nope"),
    (["usage", "generate", "x"], "usage: tollgate usage generate"),
    (["usage", "generate", "--calls", "0"], "--calls must be 1 to 10000000000"),
    (["usage", "generate", "--calls", "12x"], "--calls must be"),
    (["usage", "generate", "--calls", "10kM"], "--calls must be"),
    (["usage", "generate", "--calls", "99G"], "--calls must be"),
    (["usage", "generate", "--calls", "1G", "--days", "1"],
     "--calls must be at most 30000000 a day, 30000000 with --days 1"),
    (["usage", "generate", "--days", "2", "--calls", "60000001"], "60000000 with --days 2"),
    (["usage", "generate", "--calls", "1", "--days", "400"], "--days must be 1 to 399"),
    (["usage", "generate", "--days", "3"], "a load needs --calls"),
    (["usage", "generate", "--remove", "--calls", "3"], "--remove takes no sizes"),
])
def test_wrong_use_is_told(arguments, words):
    done = run_cli(*arguments, check=False)
    assert done.returncode == 2 and words in done.stderr
