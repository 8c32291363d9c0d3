"""`tollgate usage generate`: what it makes up, and that nothing of it stays."""
import os
import subprocess

import pytest

from tg.gateway import BINARY, ROOT, environment, run_cli

ROWS = ("SELECT count(*) AS rows, count(DISTINCT token_id) AS tokens, "
        "count(DISTINCT route_path) AS routes, count(*) FILTER (WHERE tags ? 'generated') "
        "AS marked FROM token_usage_logs")


def generate(database, *arguments, **how):
    database.cluster.touched.add(database.name)
    return run_cli("usage", "generate", "--database", database.url, *arguments, **how)


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
                  "usage_hour", "usage_6hours", "usage_day"):
        assert database.value(f"SELECT count(*) FROM {table}") == 0, table
    assert database.value("SELECT count(*) FROM tokens WHERE key_start = 'generated'") == 0
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


def test_removing_takes_the_owner(cluster, database):
    generate(database)
    cluster.execute("DROP ROLE IF EXISTS small; ")
    cluster.execute("CREATE ROLE small LOGIN IN ROLE tollgate")
    try:
        url = cluster.url(database.name, "small")
        # A login of the gateway's may make a sample ...
        run_cli("usage", "generate", "--database", url)
        # ... and not remove it.
        done = run_cli("usage", "generate", "--remove", "--database", url, check=False)
        assert done.returncode == 1 and "tollgate_owner" in done.stderr
    finally:
        cluster.execute("DROP ROLE small")
    assert database.query(ROWS)[0]["marked"] == 200
    generate(database, "--remove")
    assert is_clean(database)


@pytest.mark.parametrize("arguments, words", [
    (["usage"], "usage: tollgate usage COMMAND"),
    (["usage", "nope"], "no command 'nope'"),
    (["usage", "generate", "--nope"], "nope"),
    (["usage", "generate", "x"], "usage: tollgate usage generate"),
])
def test_wrong_use_is_told(arguments, words):
    done = run_cli(*arguments, check=False)
    assert done.returncode == 2 and words in done.stderr
