"""`stats`, `token` and `route`: one answer with all that a page shows, equal to a recount."""
import collections
import datetime
import json

import psycopg2
import pytest

from tg.gateway import run_cli
from tg.usage_data import (DAYS, QUARTER, UTC, UsageData, days_of, error_of, same, statuses,
                           steps_of, summary, to_local)


@pytest.fixture(scope="module")
def data(cluster, template):
    database = cluster.create_database(template[0])
    data = UsageData(database, 5)
    ids = [t[0] for t in data.tokens]
    teams = database.query("INSERT INTO tollgate_teams (name) VALUES ('red'), ('blue'), ('empty') "
                           "RETURNING id")
    data.teams = [t["id"] for t in teams]
    data.members = {data.teams[0]: ids[:20], data.teams[1]: ids[20:25], data.teams[2]: []}
    for team, members in data.members.items():
        database.query("UPDATE tokens SET tollgate_team_id = %s WHERE id = ANY (%s)",
                       (team, members))
    yield data
    database.drop()


def ask(data, question, *arguments, check=True, **options):
    given = [x for k, v in options.items() if v is not None
             for x in (f"--{k.replace('_', '-')}", str(v))]
    done = run_cli("usage", "ask", question, "--database", data.database.url, *arguments, *given,
                   check=check)
    return json.loads(done.stdout) if check else done


def utc(text):
    return datetime.datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def span(low, high, **more):
    return {"from": f"{low}Z", "to": f"{high}Z", **more}


MEASURES = {"calls": len, "errors": lambda rs: sum(error_of(r) is not None for r in rs),
            "time": lambda rs: summary(rs)["time_ms"]}


def check_ranking(answer, kind, name, rows, column, by, limit):
    """The first ones, and all others in one row: together they are everything."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    measure = MEASURES[by]
    top, others = answer[f"top_{kind}"], answer[f"other_{kind}"]
    assert [measure(groups[t[name]]) for t in top] == \
        sorted(map(measure, groups.values()), reverse=True)[:limit]
    assert all(same(t, groups[t[name]]) for t in top)
    rest = [r for r in rows if r[column] not in {t[name] for t in top}]
    if len(groups) <= limit:
        assert others is None
    else:
        assert same(others, rest) and others[kind] == len(groups) - limit
    pie = top + ([others] if others else [])
    assert sum(t["calls"] for t in pie) == len(rows)
    if rows and measure(rows):
        assert sum(t["share"] for t in pie) == pytest.approx(1, abs=1e-4)


def check_whole(data, answer, low, high, rows_of, bounds):
    rows = rows_of(low, high)
    assert (utc(answer["from"]), utc(answer["to"])) == (low, high)
    assert same(answer["totals"], rows) and answer["totals"]["statuses"] == statuses(rows)
    assert answer["total_calls"] == len(rows) and answer["errors"] == summary(rows)["errors"]
    assert answer["success_rate"] == answer["totals"]["success_rate"]
    assert [utc(p["at"]) for p in answer["points"]] == bounds[:-1]
    assert [utc(p["until"]) for p in answer["points"]] == bounds[1:]
    now = datetime.datetime.now(UTC).replace(tzinfo=None)
    for point, begin, end in zip(answer["points"], bounds, bounds[1:]):
        of_point = rows_of(begin, end)
        assert same(point, of_point) and point["statuses"] == statuses(of_point)
        assert point["complete"] == (end <= now)
    slowest = sorted((r["response_time_ms"] for r in rows if r["response_time_ms"] is not None),
                     reverse=True)[:len(answer["slow_calls"])]
    assert [c["response_time_ms"] for c in answer["slow_calls"]] == slowest
    assert (answer["waiting"], answer["uncounted"]) == (0, [])
    ever = rows_of(datetime.datetime(1970, 1, 1), datetime.datetime(2199, 1, 1))
    for key, find in (("first_call_at", min), ("last_call_at", max)):
        want = find((r["used_at"] for r in ever), default=None)
        got = answer[key] and utc(answer[key])
        assert got == (want and want.replace(microsecond=0))


def check_before(answer, low, high, zone, rows_of):
    before = answer["before"]
    begin, end = utc(before["from"]), utc(before["to"])
    assert same(before["totals"], rows_of(begin, end))
    assert len(before["points"]) == len(answer["points"])
    assert sum(p["calls"] for p in before["points"]) == len(rows_of(begin, end))
    starts = [utc(p["at"]) for p in before["points"]] + [end]
    assert starts == sorted(starts)
    for point, since, until in zip(before["points"], starts, starts[1:]):
        assert same(point, rows_of(since, until))
    return begin, end


RANGES = [
    ("2026-11-01T05:00", "2026-11-01T17:00", "America/New_York", 15),
    ("2026-10-31T04:00", "2026-11-03T05:00", "America/New_York", 60),
    ("2026-10-01T00:00", "2026-10-06T00:00", "Australia/Lord_Howe", 360),
    ("2026-03-06T18:30", "2026-04-20T18:30", "Asia/Kolkata", None),
    ("2026-08-24T00:00", "2026-11-22T00:00", "UTC", None),
]


@pytest.mark.parametrize("n", range(len(RANGES)))
@pytest.mark.parametrize("compare", ["previous", "week_before", "none"])
def test_stats(data, n, compare):
    low, high, zone, minutes = RANGES[n]
    low, high = map(datetime.datetime.fromisoformat, (low, high))
    bounds = steps_of(low, high, zone, minutes) if minutes else days_of(low, high, zone)
    team = [None, data.teams[0], data.teams[1]][n % 3]
    tokens = team and data.members[team]
    by = ("calls", "errors", "time")[n % 3]

    def rows_of(begin, end):
        return data.select(begin, end, tokens)

    answer = ask(data, "stats", zone=zone, compare=compare, by=by, limit=4, teams=team,
                 **span(low, high))
    check_whole(data, answer, low, high, rows_of, bounds)
    rows = rows_of(low, high)
    check_ranking(answer, "tokens", "id", rows, "token_id", by, 4)
    check_ranking(answer, "routes", "route", rows, "route_path", by, 4)
    percentiles = [r["p95_ms"] for r in answer["slow_routes"]]
    assert percentiles == sorted(percentiles, reverse=True)
    if compare == "none":
        assert answer["before"] is None
        return
    begin, end = check_before(answer, low, high, zone, rows_of)
    if compare == "previous":
        assert end == low
    else:
        assert to_local(begin, zone).replace(tzinfo=None) \
            == to_local(low, zone).replace(tzinfo=None) - datetime.timedelta(days=7)


def test_stats_of_a_day_by_default(data):
    answer = ask(data, "stats")
    assert answer["step"] == "1h" and 24 <= len(answer["points"]) <= 26
    assert len(answer["top_tokens"]) <= 10 and len(answer["top_routes"]) <= 10
    assert not answer["points"][-1]["complete"] or utc(answer["to"]) <= datetime.datetime.utcnow()
    last = max(r["used_at"] for r in data.rows)
    assert utc(answer["last_call_at"]) == last.replace(microsecond=0)


@pytest.mark.parametrize("step", ["15m", "45m", "2h", "24h", "1d", "3d", "2w", "1mo", "5mo", "1y", "2y"])
def test_a_step_is_told_as_it_is_asked_for(data, step):
    span = {"from": "2026-11-01", "to": "2026-11-02"}
    assert ask(data, "series", step=step, **span)["step"] == step


def test_points_are_bounded(data):
    done = ask(data, "stats", step="15m", check=False, **span("2026-11-01T00:00", "2026-11-05T00:00"))
    assert done.returncode == 1 and "more than 300 points" in done.stderr
    with pytest.raises(psycopg2.Error) as error:
        data.database.value("SELECT usage_steps('2026-11-01', '2026-11-05', 'UTC', '15 min', 300)")
    assert (error.value.pgcode, error.value.diag.column_name) == ("22023", "step")


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_compared_bounds_rise_wherever_clocks_change(data, zone):
    """Every quarter and hour around each change, shifted onto it and off it."""
    for day in DAYS:
        for shift in (0, 1, 7):
            low = datetime.datetime.fromisoformat(day) + datetime.timedelta(days=shift - 1)
            for quarters, length in ((1, 96), (1, 200), (4, 4), (1, 3)):
                bounds = [low + i * quarters * QUARTER for i in range(length)]
                for compare in ("previous", "week_before"):
                    shifted = data.database.value("SELECT usage_compared(%s::timestamp[], %s, %s)",
                                                  (bounds, zone, compare))
                    assert len(shifted) == len(bounds) and shifted == sorted(shifted)
                    assert shifted[0] < shifted[-1]
                    if compare == "previous":
                        assert shifted[-1] <= low


def test_cost_ranks(data, tmp_path):
    config = tmp_path / "tollgate.json"
    prices = {"/api/openai": 2500, "/api/test": 3000000}
    config.write_text(json.dumps({"database": data.database.url, "routes": [
        {"name": p[5:], "path": p, "upstream": "http://h", "price_per_call": m / 1e6}
        for p, m in prices.items()]}))
    low, high = datetime.datetime(2026, 3, 1), datetime.datetime(2026, 11, 20)
    answer = json.loads(run_cli("usage", "ask", "stats", "--config", config, "--by", "cost",
                                "--limit", "3", "--from", f"{low}Z", "--to", f"{high}Z").stdout)
    costs = {"token_id": collections.Counter(), "route_path": collections.Counter()}
    for row in data.select(low, high):
        for key, of_key in costs.items():
            of_key[row[key]] += prices.get(row["route_path"], 0)
    whole = sum(costs["token_id"].values())
    assert round(answer["cost"] * 1e6) == whole
    for kind, key in (("tokens", "token_id"), ("routes", "route_path")):
        top, others = answer[f"top_{kind}"], answer[f"other_{kind}"]
        assert [round((t["cost"] or 0) * 1e6) for t in top] == \
            sorted(costs[key].values(), reverse=True)[:3]
        assert round(sum(t["cost"] or 0 for t in top + [others]) * 1e6) == whole


def test_teams(data):
    """Only their tokens; an empty team has none; ids beside them restrict further."""
    red, blue, empty = data.teams
    days = span(datetime.datetime(2026, 3, 1), datetime.datetime(2026, 11, 20))
    whole = (datetime.datetime(2026, 3, 1), datetime.datetime(2026, 11, 20))
    both = data.members[red] + data.members[blue]
    answer = ask(data, "totals", teams=f"{red},{blue}", **days)["now"]
    assert same(answer["totals"], data.select(*whole, both))
    assert ask(data, "totals", teams=empty, **days)["now"]["totals"]["calls"] == 0
    assert ask(data, "stats", teams=empty, **days)["total_calls"] == 0
    assert ask(data, "stats", teams=10 ** 9, **days)["last_call_at"] is None
    mine, theirs = data.members[blue][0], data.members[red][0]
    answer = ask(data, "totals", teams=blue, tokens=f"{mine},{theirs}", **days)["now"]
    assert same(answer["totals"], data.select(*whole, [mine]))
    assert ask(data, "token", teams=blue, tokens=theirs, **days) is None
    assert ask(data, "token", teams=blue, tokens=mine, **days)["token"]["team"] == {
        "id": blue, "name": "blue", "disabled": False}
    assert ask(data, "gaps", teams=blue, **days)["refused"] == 0


@pytest.mark.parametrize("tokens, teams, teams_are_named, refused", [
    (None, None, True, None), ([0], None, True, None), ([0, 1], [0], True, None),
    ([0, 21], [0], False, "token"), ([-1], None, False, "token"), ([], [2], True, None),
    (None, [0, -1], True, "team"), (None, [0, -1], False, None)])
def test_what_is_named_is_there(data, tokens, teams, teams_are_named, refused):
    ids = tokens and [data.tokens[n][0] if n >= 0 else 10 ** 12 for n in tokens]
    teams = teams and [data.teams[n] if n >= 0 else 10 ** 12 for n in teams]
    given = (ids, teams, teams_are_named)
    if refused is None:
        data.database.value("SELECT usage_tokens_named(%s::bigint[], %s::bigint[], %s)", given)
        return
    with pytest.raises(psycopg2.Error) as error:
        data.database.value("SELECT usage_tokens_named(%s::bigint[], %s::bigint[], %s)", given)
    assert (error.value.pgcode, error.value.diag.column_name) == ("TG400", refused)


def test_one_token(data):
    low, high = datetime.datetime(2026, 8, 24), datetime.datetime(2026, 11, 22)
    token = data.tokens[0][0]
    answer = ask(data, "token", tokens=token, limit=2, **span(low, high))

    def rows_of(begin, end):
        return data.select(begin, end, [token])

    check_whole(data, answer, low, high, rows_of, days_of(low, high, "UTC"))
    check_ranking(answer, "routes", "route", rows_of(low, high), "route_path", "calls", 2)
    check_before(answer, low, high, "UTC", rows_of)
    facts = answer["token"]
    assert (facts["id"], facts["name"], facts["state"]) == (token, "token 1", "active")


@pytest.mark.parametrize("change, state", [
    ("expires_at = now() - interval '1 day'", "expired"),
    ("tollgate_disabled_at = now()", "disabled"),
    ("revoked_at = now()", "revoked"),
])
def test_states_of_tokens(data, change, state):
    token = data.tokens[40][0]
    data.database.query(f"UPDATE tokens SET {change} WHERE id = {token}")
    try:
        assert ask(data, "token", tokens=token)["token"]["state"] == state
    finally:
        data.database.query("UPDATE tokens SET expires_at = NULL, revoked_at = NULL, "
                            f"tollgate_disabled_at = NULL WHERE id = {token}")


def test_one_route(data):
    low, high = datetime.datetime(2026, 8, 24), datetime.datetime(2026, 11, 22)
    answer = ask(data, "route", routes="/api/openai", limit=5, **span(low, high))

    def rows_of(begin, end):
        return data.select(begin, end, None, ["/api/openai"])

    check_whole(data, answer, low, high, rows_of, days_of(low, high, "UTC"))
    check_ranking(answer, "tokens", "id", rows_of(low, high), "token_id", "calls", 5)
    assert answer["route"] == "/api/openai"
    answer = ask(data, "route", routes="/api/unheard-of", **span(low, high))
    assert (answer["total_calls"], answer["first_call_at"]) == (0, None)


def test_what_waits_is_told(data):
    data.database.query("INSERT INTO usage_dirty (since) VALUES ('2026-11-01 10:00'), "
                        "('2026-11-01 10:00'), ('2026-11-01 12:15')")
    try:
        answer = ask(data, "stats", step="1h", **span("2026-11-01T00:00", "2026-11-02T00:00"))
        assert answer["waiting"] == 2 and answer["uncounted"] == [
            "2026-11-01T10:00:00Z", "2026-11-01T12:15:00Z"]
        assert [i for i, p in enumerate(answer["points"]) if not p["complete"]] == [10, 12]
    finally:
        data.database.query("DELETE FROM usage_dirty")


ID = "019a3d5e-7c00-7c55-9d0e-3a7be1c2f605"


@pytest.fixture
def called(data):
    """Calls with addresses, outcomes and ids of their own, which are not counted yet."""
    at = datetime.datetime.fromtimestamp(int(ID.replace("-", "")[:12], 16) / 1000, UTC)
    at = at.replace(tzinfo=None)
    data.database.query("SELECT usage_ensure_partition(%s::date)", (at.date(),))
    for n, (address, outcome, request) in enumerate([
            ("192.0.2.7", "complete", ID), ("192.0.2.200", "dns_error", None),
            ("2001:db8::7", "complete", None), ("not an address", None, None), (None, None, None),
            ("999.1.1.1", "complete", "x-1")]):
        data.database.query(
            "INSERT INTO token_usage_logs (token_hash, token_id, route_path, used_at, "
            "response_status, ip_address, outcome, request_id) VALUES (%s, %s, '/called', %s, 200, "
            "%s, %s, %s)", (data.tokens[n][1], data.tokens[n][0],
                            at + n * datetime.timedelta(seconds=1), address, outcome, request))
    yield at
    data.database.query("DELETE FROM token_usage_logs WHERE route_path = '/called'")
    data.recount()


@pytest.mark.parametrize("options, found", [
    ({"address": "192.0.2.0/24"}, [1, 0]), ({"address": "192.0.2.7"}, [0]),
    ({"address": "2001:db8::/32"}, [2]), ({"address": "0.0.0.0/0"}, [1, 0]),
    ({"outcome": "complete"}, [5, 2, 0]), ({"outcome": "dns_error", "address": "192.0.2.0/24"}, [1]),
    ({"outcome": "it's"}, []),
])
def test_rows_by_address_and_outcome(data, called, options, found):
    ids = [t[0] for t in data.tokens]
    page = {"next": None}
    rows = []
    while not rows or page["next"]:
        page = ask(data, "rows", routes="/called", after=page["next"],
                   **span(called, called + datetime.timedelta(minutes=1)), **options)
        rows += page["rows"]
        if not page["next"]:
            break
    assert [ids.index(r["token_id"]) for r in rows] == found


def test_one_row_by_its_request(data, called):
    row = ask(data, "row", request_id=ID)
    assert (row["request_id"], row["route_path"]) == (ID, "/called")
    team = data.teams[0]
    assert ask(data, "row", request_id=ID, teams=team) == row
    assert ask(data, "row", request_id=ID, teams=data.teams[1]) is None
    assert ask(data, "row", request_id=ID, tokens=data.tokens[1][0]) is None
    assert ask(data, "row", request_id=ID[:-1] + "6") is None
    done = ask(data, "row", request_id="x-1", check=False)
    assert done.returncode == 1 and "request_id must be one that the gateway made" in done.stderr


def test_a_login_of_the_gateways_is_enough(data, cluster):
    cluster.execute("DROP ROLE IF EXISTS asks_whole")
    cluster.execute("CREATE ROLE asks_whole LOGIN IN ROLE tollgate")
    try:
        for question in (["stats"], ["token", "--tokens", str(data.tokens[0][0])],
                         ["route", "--routes", "/api/test"], ["row", "--request-id", ID],
                         ["rows", "--address", "192.0.2.0/24"]):
            run_cli("usage", "ask", *question, "--database",
                    cluster.url(data.database.name, "asks_whole"))
    finally:
        cluster.execute("DROP ROLE asks_whole")
