"""`tollgate usage ask`: every answer equals a recount of the rows."""
import datetime
import json

import pytest

from tg.gateway import run_cli
from tg.usage_data import (DAYS, QUARTER, ROUTES, UTC, UsageData, bucket_of, days_of, error_of,
                           same, statuses, steps_of, summary, to_local)

ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]


@pytest.fixture(scope="module", params=[1, 2, pytest.param(3, marks=pytest.mark.full),
                                        pytest.param(4, marks=pytest.mark.full)])
def data(request, cluster, template):
    database = cluster.create_database(template[0])
    yield UsageData(database, request.param)
    database.drop()


class Busy:
    def __init__(self, database):
        self.database = database


@pytest.fixture(scope="module")
def busy(cluster, template):
    database = cluster.create_database(template[0])
    run_cli("usage", "generate", "--database", database.url, "--calls", "30k", "--days", "1",
            "--tokens", "1", "--routes", "2")
    yield Busy(database)
    database.drop()


def ask(data, question, *arguments, check=True, **options):
    given = [x for k, v in options.items() if v is not None for x in (f"--{k.replace('_', '-')}", v)]
    done = run_cli("usage", "ask", question, "--database", data.database.url, *arguments, *given,
                   check=check)
    return json.loads(done.stdout) if check else done


def utc(text):
    """A time of an answer, as UTC without zone."""
    return datetime.datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def ranges(data, count):
    """Ranges over the days that there are, in all their positions to quarters and days."""
    days = [datetime.datetime.fromisoformat(d) for d in DAYS]
    days.append(datetime.datetime.now(UTC).replace(tzinfo=None, hour=0, minute=0, second=0,
                                                   microsecond=0))
    for n in range(count):
        low, high = sorted(data.rng.choice(days) + data.rng.randrange(96) * QUARTER
                           for _ in range(2))
        if n == 0:
            low, high = days[0], days[-1] + datetime.timedelta(days=2)
        yield low, high + QUARTER


def sets(data):
    """Whole, a team of 50, one token, one that there is none of."""
    ids = [t[0] for t in data.tokens]
    return [None, ids[5:55], ids[:1], [10 ** 9]]


def cases(data, count):
    for n, (low, high) in enumerate(ranges(data, count)):
        tokens = sets(data)[n % 4]
        yield low, high, ZONES[n % len(ZONES)], tokens, {
            "from": f"{low}Z", "to": f"{high}Z", "zone": ZONES[n % len(ZONES)],
            "tokens": ",".join(map(str, tokens)) if tokens else None}


def test_totals(data):
    for low, high, zone, tokens, options in cases(data, 12):
        answer = ask(data, "totals", **options)
        assert answer["now"]["zone"] == zone
        for part in answer.values():
            begin, end = utc(part["from"]), utc(part["to"])
            rows = data.select(begin, end, tokens)
            assert same(part["totals"], rows)
            assert part["totals"]["statuses"] == statuses(rows)
        assert (utc(answer["now"]["from"]), utc(answer["now"]["to"])) == (low, high)
        # The period before ends where this one begins, and is as long on the zone's clock.
        assert answer["before"]["to"] == answer["now"]["from"]
        length = to_local(high, zone).replace(tzinfo=None) - to_local(low, zone).replace(tzinfo=None)
        before = to_local(utc(answer["before"]["from"]), zone).replace(tzinfo=None)
        assert abs(to_local(low, zone).replace(tzinfo=None) - before - length) <= 4 * QUARTER


def test_series(data):
    for n, (low, high, zone, tokens, options) in enumerate(cases(data, 12)):
        if high - low > datetime.timedelta(days=9):
            step, bounds = "1d", days_of(low, high, zone)
        else:
            step, minutes = [("15m", 15), ("1h", 60), ("6h", 360), ("45m", 45)][n % 4]
            bounds = steps_of(low, high, zone, minutes)
        points = ask(data, "series", *["--percentiles"][:n % 2], step=step, **options)["points"]
        assert [utc(p["at"]) for p in points] == bounds[:-1]
        for point, begin, end in zip(points, bounds, bounds[1:]):
            assert same(point, data.select(begin, end, tokens))
            assert ("p95_ms" in point) == (n % 2 == 1)
        assert sum(p["calls"] for p in points) == len(data.select(low, high, tokens))


def local_days(data, zone, first, last):
    answer = ask(data, "series", step="1d", zone=zone, **{"from": first, "to": last})
    return [p["at"] for p in answer["points"]], [
        (utc(b["at"]) - utc(a["at"])) / datetime.timedelta(hours=1)
        for a, b in zip(answer["points"], answer["points"][1:])]


def test_days_on_which_clocks_change(data):
    at, hours = local_days(data, "America/New_York", "2026-03-07", "2026-03-10")
    assert hours == [24, 23] and at[1:] == ["2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00"]
    assert local_days(data, "America/New_York", "2026-10-31", "2026-11-03")[1] == [24, 25]
    assert local_days(data, "Australia/Lord_Howe", "2026-04-04", "2026-04-07")[1] == [24, 24.5]
    assert local_days(data, "Australia/Lord_Howe", "2026-10-03", "2026-10-06")[1] == [24, 23.5]
    at, hours = local_days(data, "Asia/Kolkata", "2026-11-01", "2026-11-04")
    assert hours == [24, 24] and at[0] == "2026-11-01T00:00:00+05:30"
    points = ask(data, "series", step="1h", zone="America/New_York",
                 **{"from": "2026-11-01", "to": "2026-11-02"})["points"]
    assert len(points) == 25 and points[2]["at"] == "2026-11-01T01:00:00-05:00"
    points = ask(data, "series", step="1w", zone="America/New_York",
                 **{"from": "2026-10-28", "to": "2026-11-12"})["points"]
    assert [p["at"][:10] for p in points] == ["2026-10-28", "2026-11-02", "2026-11-09"]
    points = ask(data, "series", step="1mo", zone="America/New_York",
                 **{"from": "2026-09-15", "to": "2026-11-12"})["points"]
    assert [p["at"] for p in points] == ["2026-09-15T00:00:00-04:00", "2026-10-01T00:00:00-04:00",
                                        "2026-11-01T00:00:00-04:00"]


def grouped(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


@pytest.mark.parametrize("question, key, name", [("top-tokens", "token_id", "id"),
                                                 ("top-routes", "route_path", "route")])
def test_rankings(data, question, key, name):
    for n, (low, high, _, tokens, options) in enumerate(cases(data, 9)):
        by = ("calls", "errors", "time")[n % 3]
        measure = {"calls": len, "errors": lambda rs: sum(error_of(r) is not None for r in rs),
                   "time": lambda rs: summary(rs)["time_ms"]}[by]
        routes = ROUTES[n % 4:n % 4 + 1] if n % 2 else None
        if routes and "," in routes[0]:
            continue  # the command line's separator
        answer = ask(data, question, by=by, limit="5", routes=routes and routes[0], **options)
        top = answer[question[4:]]
        rows = data.select(low, high, tokens, routes)
        groups = grouped(rows, key)
        assert [measure(groups[t[name]]) for t in top] == \
            sorted(map(measure, groups.values()), reverse=True)[:5]
        whole = sum(map(measure, groups.values()))
        for item in top:
            assert same(item, groups[item[name]])
            assert item["share"] == (pytest.approx(measure(groups[item[name]]) / whole, abs=1e-6)
                                     if whole else None)


def test_names_of_tokens(data):
    top = ask(data, "top-tokens", limit="1", **{"from": "2026-03-01"})["tokens"][0]
    assert (top["id"], top["name"]) == (data.tokens[0][0], "token 1")


def test_slow_routes(data):
    for low, high, _, tokens, options in cases(data, 6):
        answer = ask(data, "slow-routes", limit="100", **options)["routes"]
        groups = {k: v for k, v in grouped(data.select(low, high, tokens), "route_path").items()
                  if summary(v)["times"]}
        assert {r["route"] for r in answer} == set(groups)
        assert all(same(r, groups[r["route"]]) for r in answer)
        percentiles = [r["p95_ms"] for r in answer]
        assert percentiles == sorted(percentiles, reverse=True)


def test_slow_calls(data):
    for n, (low, high, _, tokens, options) in enumerate(cases(data, 16)):
        routes = ["/api/test"] if n % 3 == 2 else None
        calls = ask(data, "slow-calls", limit="7", routes=routes and routes[0], **options)["calls"]
        rows = [r for r in data.select(low, high, tokens, routes)
                if r["response_time_ms"] is not None]
        want = sorted((r["response_time_ms"] for r in rows), reverse=True)[:7]
        assert [c["response_time_ms"] for c in calls] == want
        known = {r["id"]: r for r in rows}
        assert all(known[c["id"]]["route_path"] == c["route_path"] for c in calls)


def test_distribution_and_statuses(data):
    for low, high, _, tokens, options in cases(data, 6):
        rows = data.select(low, high, tokens)
        counts = {}
        for ms in summary(rows)["times"]:
            counts[bucket_of(ms)[0]] = counts.get(bucket_of(ms)[0], 0) + 1
        answer = ask(data, "distribution", **options)["buckets"]
        assert {b["from_ms"]: b["calls"] for b in answer} == counts
        answer = ask(data, "statuses", **options)
        assert (answer["calls"], answer["statuses"]) == (len(rows), statuses(rows))


def test_gaps(data):
    """Sums of counters of several lanes, which may repeat a minute."""
    data.database.query("TRUNCATE usage_gaps, usage_strangers")
    group = "00000000-0000-0000-0000-00000000000a"
    first, second = (t[0] for t in data.tokens[:2])
    data.database.query(
        "INSERT INTO usage_gaps (lane_group, lane, serial, minute, token_id, route_path, dropped) "
        f"VALUES ('{group}', 0, 1, '2026-11-20 10:00', {first}, '/api/test', 5), "
        f"('{group}', 1, 1, '2026-11-20 10:01', {first}, '/api/test', 7), "
        f"('{group}', 1, 2, '2026-11-20 10:01', {second}, '/api/openai', 2), "
        f"('{group}', 1, 3, '2026-11-21 00:00', {second}, '/api/openai', 100)")
    data.database.query(
        "INSERT INTO usage_strangers (lane_group, lane, serial, minute, route_path, reason, network, "
        f"requests) VALUES ('{group}', 0, 1, '2026-11-20 10:00', '/api/test', 'unknown_key', "
        f"'192.0.2.0/24', 3), ('{group}', 0, 2, '2026-11-20 10:05', '/api/test', 'unknown_key', "
        f"'192.0.2.0/24', 4), ('{group}', 0, 3, '2026-11-20 10:05', NULL, NULL, NULL, 1)")
    day = {"from": "2026-11-20", "to": "2026-11-21"}
    answer = ask(data, "gaps", **day)
    assert (answer["dropped"], answer["refused"]) == (14, 8)
    assert [(g["id"], g["route"], g["dropped"], g["first_at"], g["last_at"]) for g in answer["gaps"]] == [
        (first, "/api/test", 12, "2026-11-20T10:00:00Z", "2026-11-20T10:01:00Z"),
        (second, "/api/openai", 2, "2026-11-20T10:01:00Z", "2026-11-20T10:01:00Z")]
    assert [(r["reason"], r["network"], r["requests"]) for r in answer["refusals"]] == [
        ("unknown_key", "192.0.2.0/24", 7), (None, None, 1)]
    answer = ask(data, "gaps", tokens=str(second), **day)
    assert (answer["dropped"], answer["refused"], len(answer["gaps"])) == (2, 0, 1)
    answer = ask(data, "gaps", routes="/api/test", **day)
    assert (answer["dropped"], answer["refused"]) == (12, 7)


def test_cost(data, tmp_path):
    config = tmp_path / "tollgate.json"
    config.write_text(json.dumps({"database": data.database.url, "routes": [
        {"name": "a", "path": "/api/openai", "upstream": "http://h", "price_per_call": 0.0025},
        {"name": "b", "path": "/api/test", "upstream": "http://h", "price_per_call": 3},
        {"name": "c", "path": "/api/perplexity", "upstream": "http://h"},
        {"name": "d", "path": "/api/unused", "upstream": "http://h", "price_per_call": 9}]}))
    for low, high, _, tokens, options in cases(data, 4):
        answer = json.loads(run_cli("usage", "ask", "cost", "--config", config, *[
            x for k, v in options.items() if v for x in (f"--{k}", v)]).stdout)
        calls = {p: len(data.select(low, high, tokens, [p])) for p in ("/api/openai", "/api/test")}
        want = {"/api/openai": (calls["/api/openai"] * 2500, 0.0025),
                "/api/test": (calls["/api/test"] * 3000000, 3)}
        assert {r["route"]: (round(r["cost"] * 1e6), r["price_per_call"]) for r in answer["routes"]} \
            == {p: v for p, v in want.items() if calls[p]}
        assert round(answer["cost"] * 1e6) == sum(v[0] for v in want.values())


def test_one_token_and_one_route(data):
    low, high = datetime.datetime(2026, 3, 1), datetime.datetime(2026, 11, 20)
    token = data.tokens[0][0]
    options = {"from": f"{low}Z", "to": f"{high}Z"}
    answer = ask(data, "token", tokens=str(token), **options)
    rows = data.select(low, high, [token])
    assert answer["token"]["id"] == token and answer["token"]["name"] == "token 1"
    assert answer["token"]["revoked_at"] is None
    assert same(answer["totals"], rows) and answer["totals"]["statuses"] == statuses(rows)
    groups = grouped(rows, "route_path")
    assert {r["route"] for r in answer["top_routes"]} == set(groups)
    assert all(same(r, groups[r["route"]]) for r in answer["top_routes"])
    assert ask(data, "token", tokens="999999999", **options) is None

    answer = ask(data, "route", routes="/api/openai", limit="100", **options)
    rows = data.select(low, high, None, ["/api/openai"])
    assert answer["route"] == "/api/openai" and same(answer["totals"], rows)
    groups = grouped(rows, "token_id")
    assert {t["id"] for t in answer["top_tokens"]} == set(groups)
    assert all(same(t, groups[t["id"]]) for t in answer["top_tokens"])


FILTERS = [
    ({}, lambda r: True),
    ({"status": "5xx"}, lambda r: 500 <= (r["response_status"] or 0) <= 599),
    ({"status": "404"}, lambda r: r["response_status"] == 404),
    ({"status": "799"}, lambda r: r["response_status"] == 799),
    ({"method": "DELETE"}, lambda r: r["request_method"] == "DELETE"),
    ({"min_ms": "5000"}, lambda r: (r["response_time_ms"] or 0) >= 5000),
    ({"routes": "/it's \"odd\" \\ {x}"}, lambda r: r["route_path"] == ROUTES[4]),
    ({"routes": "/api/test", "status": "2xx", "method": "GET"},
     lambda r: r["route_path"] == "/api/test" and 200 <= (r["response_status"] or 0) <= 299
     and r["request_method"] == "GET"),
]


def all_rows(data, after=None, **options):
    """Page by page: one may end early, a slow machine's after any step."""
    rows = []
    while True:
        page = ask(data, "rows", after=after, **options)
        rows += page["rows"]
        after = page["next"]
        if after is None:
            return rows


def test_rows_page_by_page(data):
    for n, (low, high, _, tokens, options) in enumerate(cases(data, 16)):
        chosen, fits = FILTERS[n % len(FILTERS)]
        want = [r["id"] for r in sorted(data.select(low, high, tokens), reverse=True,
                                        key=lambda r: (r["used_at"], r["id"])) if fits(r)]
        got = all_rows(data, limit="37" if len(want) < 300 else "300", **options, **chosen)
        assert [r["id"] for r in got] == want


@pytest.mark.parametrize("options, fits", [
    ({"tokens": True}, "true"), ({"tokens": True, "routes": "/api/openai"}, "true"),
    ({"tokens": True, "status": "4xx"}, "response_status BETWEEN 400 AND 499"),
    ({"tokens": True, "min_ms": "1500"}, "response_time_ms >= 1500"),
    ({"status": "2xx", "method": "GET"},
     "response_status BETWEEN 200 AND 299 AND request_method = 'GET'")])
def test_pages_of_more_calls_than_a_piece_holds(busy, options, fits):
    """30,000 calls of one token in a day: quarters of an hour are cut."""
    if "tokens" in options:
        options = {**options, "tokens": str(busy.database.value(
            "SELECT id FROM tokens WHERE key_start = 'generated'"))}
    route = "AND route_path = '/api/openai'" if "routes" in options else ""
    want = [r["id"] for r in busy.database.query(
        f"SELECT id FROM token_usage_logs WHERE {fits} {route} ORDER BY used_at DESC, id DESC")]
    got = all_rows(busy, limit="500", **{"from": "2026-01-01", "to": "2099-01-01"}, **options)
    assert len(want) > 50 and [r["id"] for r in got] == want


@pytest.mark.parametrize("calls, most, pieces", [
    ([], 10, []),
    ([3, 3, 3], 10, [(0, 45, 9)]),
    ([6, 5, 5], 10, [(30, 45, 6), (0, 30, 10)]),
    ([25, 1], 10, [(40, 45, None), (35, 40, None), (30, 35, None), (15, 30, 1)]),
    ([None, 10, 10], 10, [(15, 30, 10), (0, 15, 10)]),
    ([4, None, 4], 10, [(30, 45, 4), (0, 15, 4)]),
])
def test_pieces_of_quarters(busy, calls, most, pieces):
    """Latest first, from minute 45 down; None: a quarter without calls that fit."""
    begin = datetime.datetime(2026, 1, 1)
    quarters = [(begin + datetime.timedelta(minutes=30 - 15 * n), c)
                for n, c in enumerate(calls) if c is not None]
    found = busy.database.query(
        "SELECT * FROM usage_cut_pieces(%s::timestamp[], %s::bigint[], %s)",
        ([q[0] for q in quarters], [q[1] for q in quarters], most))
    assert [((r["piece_low"] - begin).seconds / 60, (r["piece_high"] - begin).seconds / 60,
             r["piece_calls"]) for r in found] == pieces


def test_a_page_that_ended_early_goes_on(data):
    """Where it says that the next begins, nothing is looked through again."""
    days = {r["used_at"].date() for r in data.rows}
    day = max(days)
    page = ask(data, "rows", after=f"{day}T00:00:00/0", limit="1",
               **{"from": "2026-01-01", "to": "2099-01-01"})
    while page["next"] is not None and not page["rows"]:
        assert page["next"] < f"{day}T00:00:00/0"
        day = page["next"][:10]
        page = ask(data, "rows", after=page["next"], limit="1",
                   **{"from": "2026-01-01", "to": "2099-01-01"})
    assert page["rows"] and page["rows"][0]["used_at"] < f"{max(days)}T"


def test_a_row_is_told_whole(data):
    row = ask(data, "rows", limit="1", **{"from": "2026-03-01", "to": "2026-11-03"})["rows"][0]
    kept = next(r for r in data.rows if r["id"] == row["id"])
    for column in ("token_id", "route_path", "response_status", "response_time_ms", "outcome",
                   "bytes_in", "request_method", "tags"):
        assert row[column] == kept[column]
    assert datetime.datetime.fromisoformat(row["used_at"].rstrip("Z")) == kept["used_at"]
    assert row["token_name"].startswith("token ")


def test_rows_of_a_key_that_is_gone(data):
    """A rotated token's former hash may be in no table any more; its rows are its own."""
    token, former = data.tokens[-1]
    rows = [r for r in data.rows if r["token_id"] == token]
    data.database.query("UPDATE tokens SET token_hash = %s WHERE id = %s", ("e" * 64, token))
    try:
        got = all_rows(data, tokens=str(token), limit="500",
                       **{"from": "2026-03-01", "to": "2027-01-01"})
        assert sorted(r["id"] for r in got) == [r["id"] for r in rows]
    finally:
        data.database.query("UPDATE tokens SET token_hash = %s WHERE id = %s", (former, token))


def test_rows_that_are_not_counted_yet(data):
    database = data.database
    database.query("INSERT INTO token_usage_logs (token_hash, token_id, route_path, used_at, "
                   "response_status) VALUES (%s, %s, '/new', '2026-11-02 03:00', 418)",
                   (data.tokens[0][1], data.tokens[0][0]))
    try:
        assert database.value("SELECT count(*) FROM usage_dirty") == 1
        for options in ({"routes": "/new"}, {"tokens": str(data.tokens[0][0]), "status": "418"}):
            assert len(all_rows(data, **{"from": "2026-03-01"}, **options)) == 1
    finally:
        database.query("DELETE FROM token_usage_logs WHERE route_path = '/new'")
        data.recount()


def test_the_statement_is_printed_instead(data):
    odd = "/it's \"odd\" \\ {x}"
    for question, options in (("totals", {"routes": odd}), ("top-tokens", {"by": "errors"}),
                              ("rows", {"status": "2xx", "method": "GET'", "limit": "3"}),
                              ("rows", {"limit": "3", "after": "2026-11-01T00:00:00/7"}),
                              ("token", {"tokens": "1000000000"})):
        options = {"from": "2026-03-01", "to": "2026-11-24", **options}
        statement = ask(data, question, "--sql", check=False, **options)
        assert statement.returncode == 0 and statement.stdout.endswith(";\n"), statement.stderr
        rows = data.database.query("SELECT * FROM (%s) AS q (a)" % statement.stdout.rstrip(
            ";\n").replace("%", "%%"))
        answers = [rows[0]["a"] if rows else None, ask(data, question, **options)]
        if question == "rows":  # a page may end early: it is the first of all that there are
            every = all_rows(data, **{**options, "limit": "500"})
            for page in answers:
                assert page["rows"] == every[:len(page["rows"])]
                assert page["next"] or len(page["rows"]) == min(3, len(every))
        else:
            assert answers[0] == answers[1]


@pytest.mark.parametrize("arguments, words", [
    (["series", "--step", "10m"], "step must be a multiple of 15 minutes"),
    (["series", "--step", "15m", "--from", "2026-01-01"], "more than 1000 points"),
    (["totals", "--from", "yesterday"], "from must be a time like"),
    (["totals", "--to", "2026-13-01"], "to must be a time like"),
    (["totals", "--from", "2026-11-02", "--to", "2026-11-01"], "the range is empty"),
    (["totals", "--zone", "Mars/Base"], "time zone \"Mars/Base\" not recognized"),
    (["totals", "--zone", "X; DROP"], "zone must be the name of a time zone"),
    (["totals", "--zone", "IST"], "zone must be the name of a time zone"),
    (["totals", "--from", "0001-01-01"], "of the years 1970 to 2199"),
    (["totals", "--status", "5xx"], "status is for the question `rows`"),
    (["rows", "--step", "1h"], "step is for the question `series`"),
    (["top-tokens", "--percentiles"], "percentiles is for the question `series`"),
    (["token"], "this question is of one token"),
    (["route"], "this question is of one route"),
    (["rows", "--limit", "501"], "limit must be 1 to 500"),
    (["rows", "--after", "x"], "after must be what `next`"),
    (["rows", "--address", "192.0.2.0/33"], "address must be one, or a network"),
    (["totals", "--outcome", "complete"], "outcome is for the question `rows`"),
    (["totals", "--compare", "none"], "compare is for the question `stats`"),
    (["row"], "request_id must be one that the gateway made"),
])
def test_faults_name_the_field(data, arguments, words):
    done = ask(data, *arguments, check=False)
    assert done.returncode == 1 and words in done.stderr and done.stdout == ""


def test_a_database_without_the_tables(cluster):
    database = cluster.create_database()
    try:
        done = run_cli("usage", "ask", "totals", "--database", database.url, check=False)
        assert done.returncode == 1 and "has `tollgate migrate` been run" in done.stderr
    finally:
        database.drop()


def test_one_route_of_a_team_and_one_token_on_some_routes(data):
    low, high = datetime.datetime(2026, 3, 1), datetime.datetime(2026, 11, 20)
    options = {"from": f"{low}Z", "to": f"{high}Z", "limit": "100"}
    team = sets(data)[1]
    answer = ask(data, "route", routes="/api/openai", tokens=",".join(map(str, team)), **options)
    rows = data.select(low, high, team, ["/api/openai"])
    assert rows and same(answer["totals"], rows)
    groups = grouped(rows, "token_id")
    assert {t["id"] for t in answer["top_tokens"]} == set(groups)
    assert all(same(t, groups[t["id"]]) for t in answer["top_tokens"])
    token = data.tokens[0][0]
    answer = ask(data, "token", routes="/api/openai,/api/test", tokens=str(token), **options)
    rows = data.select(low, high, [token], ["/api/openai", "/api/test"])
    assert rows and same(answer["totals"], rows)
    groups = grouped(rows, "route_path")
    assert {r["route"] for r in answer["top_routes"]} == set(groups)
    assert all(same(r, groups[r["route"]]) for r in answer["top_routes"])


@pytest.mark.parametrize("arguments, words", [
    (["nope"], "no question 'nope'"),
    ([], "usage: tollgate usage ask"),
    (["totals", "--last", "1h", "--from", "2026-11-24"], "not both"),
    (["totals", "--last", "soon"], "a number and a unit"),
    (["totals", "--by", "weight"], "not calls, errors, time or cost"),
    (["rows", "--status", "99"], "not 100 to 999"),
    (["rows", "--limit", "0"], "--limit '0' is not a number from 1 to 1000"),
])
def test_wrong_use_is_told(arguments, words):
    done = run_cli("usage", "ask", *arguments, "--database", "postgresql://127.0.0.1:1/x",
                   check=False)
    assert done.returncode == 2 and words in done.stderr


def test_a_login_of_the_gateways_is_enough(data, cluster):
    cluster.execute("DROP ROLE IF EXISTS asks")
    cluster.execute("CREATE ROLE asks LOGIN IN ROLE tollgate")
    try:
        for question in ("totals", "series", "top-tokens", "top-routes", "slow-routes",
                         "slow-calls", "distribution", "statuses", "rows", "cost",
                         "gaps"):
            run_cli("usage", "ask", question, "--database",
                    cluster.url(data.database.name, "asks"))
    finally:
        cluster.execute("DROP ROLE asks")
