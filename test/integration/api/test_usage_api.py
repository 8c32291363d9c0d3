"""/api/usage/...: answers equal a recount of the rows that whoever calls may see."""
import concurrent.futures
import contextlib
import datetime
import random
from urllib.parse import quote, urlencode

import pytest

from tg.usage_data import (QUARTER, UTC, UsageData, days_of, same, statuses, steps_of, summary)
from tg.wait import eventually

MANAGED = {"routes": [
    {"name": "openai", "path": "/api/openai", "scope": "openai", "price_per_call": 0.0025,
     "set_headers": {"Authorization": "Bearer hunter2"}, "methods": ["GET", "POST"]},
    {"name": "quiet", "path": "/api/quiet"}]}
LOW, HIGH = datetime.datetime(2026, 3, 6), datetime.datetime(2026, 11, 4)
EVER = {"from": "2026-03-01T00:00Z", "to": "2026-12-01T00:00Z"}


@pytest.fixture(scope="module")
def data(managed):
    data = UsageData(managed.database, 11)
    ids = [t[0] for t in data.tokens]
    data.of = {"one": ids[:20], "two": ids[20:25]}
    for team, tokens in data.of.items():
        managed.database.query("UPDATE tokens SET tollgate_team_id = %s WHERE id = ANY (%s)",
                               (managed.people.teams[team], tokens))
    eventually(lambda: managed.database.value("SELECT count(*) FROM usage_dirty") == 0,
               "all is counted")
    return data


@pytest.fixture(scope="module")
def get(managed, data):
    """get(path, person, **parameters): the answer's JSON; of 200, or of `status`."""
    def ask(path, person, status=200, /, **parameters):
        pairs = [(k.rstrip("_"), v) for k, values in parameters.items()
                 for v in (values if isinstance(values, list) else [values])]
        answer = managed.api.get(path + ("?" if pairs else "") + urlencode(pairs), person.key)
        assert answer.status == status, answer
        return answer.json
    return ask


def utc(text):
    return datetime.datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def parameters_of(problem):
    assert problem["code"] == "invalid_field"
    return [e["parameter"] for e in problem["errors"]]


# --- who ---

@pytest.mark.parametrize("role, team", [("admin", None), ("manager", "one"), ("viewer", "one"),
                                        ("service", "one"), ("other", "two")])
def test_totals_are_the_teams(managed, data, get, role, team):
    tokens = team and data.of[team]
    answer = get("/api/usage/stats", getattr(managed.people, role), **EVER)
    rows = data.select(utc(answer["from"]), utc(answer["to"]), tokens)
    assert same(answer["totals"], rows) and answer["totals"]["statuses"] == statuses(rows)
    assert (answer["total_calls"], answer["errors"]) == (len(rows), summary(rows)["errors"])
    assert sum(p["calls"] for p in answer["points"]) == len(rows)
    for kind in ("tokens", "routes"):
        others = answer[f"other_{kind}"]
        pie = answer[f"top_{kind}"] + ([others] if others else [])
        assert sum(r["calls"] for r in pie) == len(rows)
    if team is not None:
        assert {t["id"] for t in answer["top_tokens"]} <= set(tokens)
        assert {c["token_id"] for c in answer["slow_calls"]} <= set(tokens)


PATHS = ["/api/usage/stats", "/api/usage/series", "/api/usage/top", "/api/usage/cost",
         "/api/usage/logs", "/api/usage/token/1", "/api/usage/route?path=/api/openai",
         "/api/usage/logs/019a3d5e-7c00-7c55-9d0e-3a7be1c2f605", "/api/routes", "/api/scopes"]


@pytest.mark.parametrize("path", PATHS)
def test_strangers_see_nothing(managed, path):
    answer = managed.api.get(path, managed.people.stranger.key)
    assert (answer.status, answer.json["code"]) == (403, "no_role")
    answer = managed.api.get(path)
    assert (answer.status, answer.json["code"]) == (401, "not_signed_in")
    answer = managed.api.get(path, managed.people.tokens["one"][0].key)
    assert answer.status == 401


def test_what_is_not_ones_own_is_not_there(managed, data, get):
    people, mine, theirs = managed.people, data.of["one"][0], data.of["two"][0]
    for path in (f"/api/usage/token/{theirs}", "/api/usage/token/999999999", "/api/usage/token/0",
                 "/api/usage/token/x", "/api/usage/token/99999999999999999999"):
        assert get(path, people.viewer, 404)["code"] == "not_found"
    assert get(f"/api/usage/token/{theirs}", people.admin)["token"]["id"] == theirs
    assert get(f"/api/usage/token/{mine}", people.viewer)["token"]["id"] == mine
    for path in ("/api/usage/stats", "/api/usage/series", "/api/usage/top", "/api/usage/cost",
                 "/api/usage/logs"):
        for name, value in (("token", theirs), ("token", 999999999),
                            ("team", people.teams["two"]), ("team", 999999999)):
            assert parameters_of(get(path, people.viewer, 400, **{name: value})) == [name]
        for name, value in (("token", 999999999), ("team", 999999999)):
            assert parameters_of(get(path, people.admin, 400, **{name: value})) == [name]
        get(path, people.admin, token=theirs, team=people.teams["two"])


# --- what ---

SPAN = {"from": "2026-10-31T04:00:00Z", "to": "2026-11-03T05:00:00Z"}


@pytest.mark.parametrize("zone, span", [
    ("America/New_York", SPAN),
    ("America/New_York", {"from": "2026-10-31T00:00", "to": "2026-11-03T00:00"}),
    ("Australia/Lord_Howe", {"from": "2026-10-03", "to": "2026-10-05T12:00:00+11:00"}),
    ("UTC", SPAN)])
@pytest.mark.parametrize("compare", ["previous", "week_before", "none"])
def test_ranges_in_zones(managed, data, get, zone, span, compare):
    answer = get("/api/usage/stats", managed.people.manager, zone=zone, compare=compare, step="1h",
                 **span)
    low, high = utc(answer["from"]), utc(answer["to"])
    bounds = steps_of(low, high, zone, 60)
    assert [utc(p["at"]) for p in answer["points"]] == bounds[:-1]
    for point, begin, end in zip(answer["points"], bounds, bounds[1:]):
        assert same(point, data.select(begin, end, data.of["one"]))
    before = answer["before"]
    assert (before is None) == (compare == "none")
    if before is not None:
        assert same(before["totals"], data.select(utc(before["from"]), utc(before["to"]),
                                                  data.of["one"]))
        assert len(before["points"]) == len(answer["points"])


def test_a_token(managed, data, get):
    token = data.tokens[0][0]
    answer = get(f"/api/usage/token/{token}", managed.people.viewer, limit=2, by="errors", **EVER)
    rows = data.select(LOW, HIGH + datetime.timedelta(days=30), [token])
    assert same(answer["totals"], rows)
    assert answer["token"]["name"] == "token 1"
    assert answer["token"]["team"] == {"id": managed.people.teams["one"], "name": "one", "disabled": False}
    assert len(answer["top_routes"]) == 2 and "top_tokens" not in answer
    answer = get(f"/api/usage/token/{token}", managed.people.viewer, route=["/api/openai", "/a,b"],
                 **EVER)
    assert same(answer["totals"], [r for r in rows if r["route_path"] in ("/api/openai", "/a,b")])


def test_a_route(managed, data, get):
    """With its configuration, without secrets; or one that is configured no longer."""
    people, whole = managed.people, (LOW, HIGH + datetime.timedelta(days=30))
    answer = get("/api/usage/route", people.viewer, path="/api/openai", **EVER)
    assert same(answer["totals"], data.select(*whole, data.of["one"], ["/api/openai"]))
    assert answer["configured"] is True and answer["route"] == "/api/openai"
    facts = answer["configuration"]
    assert (facts["name"], facts["scope"], facts["methods"]) == ("openai", "openai", ["GET", "POST"])
    assert facts["upstreams"] == [managed.upstream.url] and facts["price_per_call"] == 0.0025
    assert "hunter2" not in str(answer)
    odd = "/it's \"odd\" \\ {x}"
    answer = get("/api/usage/route", people.admin, path=odd, **EVER)
    assert (answer["configured"], answer["configuration"], answer["route"]) == (False, None, odd)
    assert same(answer["totals"], data.select(*whole, None, [odd]))
    # Configured, if without a call; and neither.
    answer = get("/api/usage/route", people.viewer, path="/api/quiet")
    assert (answer["configured"], answer["total_calls"]) == (True, 0)
    assert get("/api/usage/route", people.admin, 404, path="/api/unheard-of")["code"] == "not_found"
    for path in ([], ["x"], [""]):
        assert parameters_of(get("/api/usage/route", people.admin, 400, path=path)) == ["path"]


def test_series(managed, data, get):
    span = {"from": "2026-10-31T04:00Z", "to": "2026-11-04T04:00Z"}
    answer = get("/api/usage/series", managed.people.viewer, step="1d", zone="America/New_York",
                 percentiles="true", route="/api/test", **span)
    bounds = days_of(utc(answer["from"]), utc(answer["to"]), "America/New_York")
    assert [utc(p["at"]) for p in answer["points"]] == bounds[:-1]
    for point, begin, end in zip(answer["points"], bounds, bounds[1:]):
        assert "p95_ms" in point
        assert same(point, data.select(begin, end, data.of["one"], ["/api/test"]))
    answer = get("/api/usage/series", managed.people.viewer, **span)
    assert "p95_ms" not in answer["points"][0] and answer["step"] == "1h"


@pytest.mark.parametrize("of, key", [("tokens", "token_id"), ("routes", "route_path")])
@pytest.mark.parametrize("by", ["calls", "errors", "time", "cost"])
def test_rankings(managed, data, get, of, key, by):
    answer = get("/api/usage/top", managed.people.viewer, of=of, by=by, limit=3, **EVER)
    rows = data.select(LOW, HIGH + datetime.timedelta(days=30), data.of["one"])
    worth = {"calls": lambda rs: len(rs), "errors": lambda rs: summary(rs)["errors"],
             "time": lambda rs: summary(rs)["time_ms"],
             "cost": lambda rs: sum(r["route_path"] == "/api/openai" for r in rs) * 2500}[by]
    groups = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    best = sorted(map(worth, groups.values()), reverse=True)[:3]
    name = "id" if of == "tokens" else "route"
    assert [worth(groups[r[name]]) for r in answer[of]] == best
    everything = answer[of] + ([answer["others"]] if answer["others"] else [])
    assert sum(r["calls"] for r in everything) == len(rows)


def test_cost(managed, data, get):
    answer = get("/api/usage/cost", managed.people.other, **EVER)
    calls = len(data.select(LOW, HIGH + datetime.timedelta(days=30), data.of["two"], ["/api/openai"]))
    assert round(answer["cost"] * 1e4) == 25 * calls
    assert [r["route"] for r in answer["routes"]] == ["/api/openai"]


def test_how_far_it_is_recorded(managed, get):
    """To the moment when the node reported last, or when what waits there came; who is silent is named."""
    database, viewer = managed.database, managed.people.viewer
    eventually(lambda: get("/api/usage/stats", viewer)["as_of"], "the node has reported")
    assert get("/api/usage/stats", viewer)["silent_nodes"] == []
    database.query("INSERT INTO tollgate_nodes SELECT gen_random_uuid(), 'slow', version, started_at, "
                   "instance, generation, applied_at, right_at, 9, now() - interval '2 hours', 0, "
                   "now() + interval '1 hour' FROM tollgate_nodes LIMIT 1")
    database.query("INSERT INTO tollgate_nodes SELECT gen_random_uuid(), 'gone', version, started_at, "
                   "instance, generation, applied_at, right_at, 9, now() - interval '3 hours', 0, "
                   "now() - interval '1 minute' FROM tollgate_nodes LIMIT 1")
    try:
        for path in ("/api/usage/stats", "/api/usage/series", "/api/usage/top", "/api/usage/cost",
                     "/api/usage/route?path=/api/quiet"):
            answer = get(path, viewer)
            age = datetime.datetime.now(UTC).replace(tzinfo=None) - utc(answer["as_of"])
            assert datetime.timedelta(hours=2) <= age < datetime.timedelta(hours=3)
            assert [n["name"] for n in answer["silent_nodes"]] == ["gone"]
    finally:
        database.query("DELETE FROM tollgate_nodes WHERE name IN ('slow', 'gone')")


# --- single calls ---

def pages(managed, get, person, **parameters):
    page = get("/api/usage/logs", person, **parameters)
    items = page["items"]
    while page["next"] is not None:
        answer = managed.api.get(page["next"], person.key)
        assert answer.status == 200, answer
        page = answer.json
        items += page["items"]
    return items


@pytest.mark.parametrize("filters, keep", [
    ({}, lambda r: True),
    ({"limit": 7}, lambda r: True),
    ({"class_": "5xx"}, lambda r: 500 <= (r["response_status"] or 0) < 600),
    ({"status": 404}, lambda r: r["response_status"] == 404),
    ({"route": ["/a,b", "/it's \"odd\" \\ {x}"], "limit": 5},
     lambda r: r["route_path"] in ("/a,b", "/it's \"odd\" \\ {x}")),
    ({"outcome": "client_abort", "method": "POST"},
     lambda r: r["outcome"] == "client_abort" and r["request_method"] == "POST"),
    ({"min_ms": 1000, "limit": 200}, lambda r: (r["response_time_ms"] or 0) >= 1000),
])
@pytest.mark.parametrize("role, team", [("admin", None), ("other", "two")])
def test_pages_of_logs(managed, data, get, filters, keep, role, team):
    """By `next` to the end: each row once, latest first."""
    span = {"from": "2026-10-31T00:00Z", "to": "2026-11-03T00:00Z"}
    got = pages(managed, get, getattr(managed.people, role), **span, **filters)
    rows = data.select(datetime.datetime(2026, 10, 31), datetime.datetime(2026, 11, 3),
                       team and data.of[team])
    want = sorted((r for r in rows if keep(r)), key=lambda r: (r["used_at"], r["id"]), reverse=True)
    assert [r["id"] for r in got] == [r["id"] for r in want]


def test_a_next_keeps_its_range(managed, data, get):
    """Rows that come meanwhile shift nothing, and what was `now` stays."""
    page = get("/api/usage/logs", managed.people.admin, limit=1, zone="Asia/Kolkata",
               **{"from": "2026-10-31"})
    assert page["next"].startswith("/api/usage/logs?limit=1&zone=Asia/Kolkata&from=2026-10-30T18:30:00")
    assert "&to=" in page["next"] and "&after=" in page["next"]


def test_one_call(managed, data, get):
    """By the id that its answer had, of those who may see its token."""
    people, (mine, theirs) = managed.people, (data.tokens[0], data.tokens[20])
    day = data.rng.choice(["2026-11-01"])
    ids = {}
    for name, token in (("mine", mine), ("theirs", theirs), ("nobody", (None, "0" * 64))):
        at = datetime.datetime.fromisoformat(day) + datetime.timedelta(hours=len(ids))
        ms = int(at.replace(tzinfo=UTC).timestamp() * 1000)
        ids[name] = f"{ms >> 16:08x}-{ms & 0xffff:04x}-7c55-9d0e-3a7be1c2f605"
        managed.database.query(
            "INSERT INTO token_usage_logs (token_hash, token_id, route_path, used_at, "
            "response_status, request_id) VALUES (%s, %s, '/one-call', %s, 200, %s)",
            (token[1], token[0], at, ids[name]))
    try:
        row = get(f"/api/usage/logs/{ids['mine']}", people.viewer)
        assert (row["request_id"], row["token_id"]) == (ids["mine"], mine[0])
        assert get(f"/api/usage/logs/{ids['mine'].upper()}", people.viewer) == row
        for name in ("theirs", "nobody"):
            assert get(f"/api/usage/logs/{ids[name]}", people.viewer, 404)["code"] == "not_found"
            get(f"/api/usage/logs/{ids[name]}", people.admin)
        for bad in ("x", "0" * 36, ids["mine"][:14] + "4" + ids["mine"][15:], "%27--"):
            assert get(f"/api/usage/logs/{bad}", people.admin, 404)["code"] == "not_found"
    finally:
        managed.database.query("DELETE FROM token_usage_logs WHERE route_path = '/one-call'")
        eventually(lambda: managed.database.value("SELECT count(*) FROM usage_dirty") == 0,
                   "all is counted")


# --- what is wrong ---

def test_all_faults_at_once(managed, get):
    problem = get("/api/usage/logs", managed.people.admin, 400, from_="x", to="y", zone="z", team="a",
                  token=["b", "1"], status="5", outcome="o", method="get", min_ms="-1", address="c",
                  limit="201", after="d", nope="1", step="1h")
    assert sorted(parameters_of(problem)) == sorted(
        ["from", "to", "zone", "team", "token", "status", "outcome", "method", "min_ms", "address",
         "limit", "after", "nope", "step"])
    problem = get("/api/usage/stats", managed.people.viewer, 400, by="x", compare="x", step="5m",
                  percentiles="true")
    assert sorted(parameters_of(problem)) == ["by", "compare", "percentiles", "step"]
    problem = get("/api/usage/top", managed.people.viewer, 400, of="x", limit=["1", "2"])
    assert sorted(parameters_of(problem)) == ["limit", "of"]


@pytest.mark.parametrize("parameters, field", [
    ({"zone": "Mars/Olympus"}, "zone"),
    ({"zone": "Mars/Olympus", "from": "2026-11-01", "to": "2026-11-02"}, "zone"),
    ({"from": "2026-11-02", "to": "2026-11-01"}, "from"),
    ({"from": "2026-01-01", "to": "2026-11-01", "step": "15m"}, "step"),
    ({"from": "2026-02-29"}, "from"),
    ({"from": "2026-11-01T00:00:00+00:00"}, "from"),  # not %2B
])
def test_what_only_the_database_knows(managed, get, parameters, field):
    query = "&".join(f"{k}={v}" for k, v in parameters.items())
    problem = managed.api.get(f"/api/usage/stats?{query}", managed.people.viewer.key)
    assert problem.status == 400 and parameters_of(problem.json) == [field]


HOSTILE = ["'", "'; DROP TABLE tokens; --", "\\", "{}", "{1,2}", "%", "$1", "\"", "A" * 4000, "\u202e",
           "総調用", "/it's \"odd\"", "1e400", "NaN", "infinity", "NULL", "${HOME}", "../../etc/passwd"]


def test_hostile_values(managed, get):
    """Refused by name, or found nowhere: never a failure."""
    names = ["from", "to", "zone", "step", "team", "token", "route", "by", "compare", "limit", "status",
             "class", "outcome", "method", "address", "min_ms", "after", "path", "of"]
    rng = random.Random(5)
    for text in HOSTILE:
        for path in ("stats", "series", "top", "cost", "logs", "route"):
            name = rng.choice(names)
            answer = managed.api.get(f"/api/usage/{path}?{quote(name)}={quote(text)}",
                                     managed.people.viewer.key)
            assert answer.status in (200, 400, 404), answer
        answer = managed.api.get(f"/api/usage/stats?route={quote(text)}", managed.people.viewer.key)
        assert answer.status == 200
        for path in ("token", "logs"):
            answer = managed.api.get(f"/api/usage/{path}/{quote(text, safe='')}",
                                     managed.people.viewer.key)
            assert answer.status in (400, 404), answer
    for query in ("%00", "route=%00", "route=%ff", "%ff=1", "route=%", "=", "&&&", "route"):
        answer = managed.api.get(f"/api/usage/stats?{query}", managed.people.viewer.key)
        assert answer.status in (200, 400), answer


SESSIONS = "FROM pg_stat_activity WHERE application_name LIKE 'tollgate manager%%' AND wait_event_type = 'Lock'"


@pytest.mark.parametrize("path", PATHS[:8])
def test_the_database_goes_while_it_is_asked(managed, data, get, path):
    """503 that says to come back; afterwards all is as before."""
    people, database = managed.people, managed.database
    with contextlib.closing(database.cluster.connect(database.name)) as held, \
            concurrent.futures.ThreadPoolExecutor() as threads:
        held.cursor().execute("BEGIN; LOCK TABLE usage_open, usage_dirty, token_usage_logs")
        asked = threads.submit(managed.api.get, path, people.admin.key)
        eventually(lambda: database.value(f"SELECT count(*) {SESSIONS}") > 0, "the question waits")
        database.query(f"SELECT pg_terminate_backend(pid) {SESSIONS}")
        answer = asked.result()
        held.rollback()
    assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
    assert answer.headers.get("retry-after") is not None
    eventually(lambda: managed.api.get(path, people.admin.key).status in (200, 404),
               "the manager is connected again")


# --- the routes that there are ---

def test_routes_and_scopes(managed, get):
    people = managed.people
    listed = get("/api/routes", people.viewer)
    assert [r["name"] for r in listed["items"]] == ["openai", "quiet"] and listed["next"] is None
    assert listed["items"][0]["upstreams"] == [managed.upstream.url]
    assert listed["items"][0]["timeouts"]["first_byte_s"] == 330
    assert "hunter2" not in str(listed)
    assert listed["gateway"] == {"ports": [managed.gateway.port], "tls_ports": []}
    assert get("/api/scopes", people.viewer)["items"] == [
        {"scope": "openai", "routes": ["openai"]}, {"scope": None, "routes": ["quiet"]}]
    assert parameters_of(get("/api/routes", people.viewer, 400, limit=1)) == ["limit"]


# --- test data ---

ELSEWHERE = {"X-Forwarded-For": "192.0.2.1"}


def test_test_data(managed, data):
    """Local callers see all; who is signed in elsewhere, their own."""
    people, path = managed.people, "/api/usage/test-data"
    everything = managed.api.get(path).json
    assert everything["count"] == len(everything["rows"]) == 20
    assert managed.api.get(path, headers=ELSEWHERE).status == 401
    assert managed.api.get(path, people.stranger.key, headers=ELSEWHERE).status == 403
    assert managed.api.get(path, people.admin.key, headers=ELSEWHERE).json == everything
    mine = managed.api.get(path, people.other.key, headers=ELSEWHERE).json
    since = datetime.datetime.now(UTC).replace(tzinfo=None) - datetime.timedelta(days=90)
    rows = sorted(data.select(since, HIGH + datetime.timedelta(days=365), data.of["two"]),
                  key=lambda r: (r["used_at"], r["id"]), reverse=True)[:20]
    assert [r["id"] for r in mine["rows"]] == [r["id"] for r in rows] and mine["count"] == len(rows)
