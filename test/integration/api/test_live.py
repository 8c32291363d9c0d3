"""GET /api/live: who sees which calls as they end, and how a stream ends."""
from urllib.parse import quote

import pytest

from tg.live import LiveReader
from tg.upstream import echo
from tg.wait import eventually

MANAGED = {"upstream": echo, "routes": [
    {"name": "test", "path": "/api/test", "scope": "test"}, {"name": "other", "path": "/api/other", "scope": "test"}]}


def call(managed, token, path="/api/test", method="GET", **how):
    """Its request id."""
    with managed.gateway.connect(token.key) as client:
        return client.call(method, path, **how).get("tollgate-request-id")


@pytest.fixture(scope="module")
def tokens(managed):
    """Of team "one", "two" and of none; the gateway knows them all."""
    tokens = {name: managed.people.tokens[name][0] for name in ("one", "two", None)}
    for token in tokens.values():
        eventually(lambda: works(managed, token), "the gateway knows the token")
    return tokens


def works(managed, token):
    with managed.gateway.connect(token.key) as client:
        return client.call("GET", "/api/test").status == 200


def manager_connections(gateway):
    port, listening = f"{gateway.manager_port:04X}", "0A"
    with open(f"/proc/{gateway.pid}/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return sum(r[1].endswith(f":{port}") and r[3] != listening and r[9] != "0" for r in rows)


@pytest.fixture
def readers(managed):
    """readers(who, query): one that reads."""
    made = []

    def make(who=None, query="", key=None, **how):
        made.append(LiveReader(managed, key or who.key, query, **how))
        return made[-1]

    yield make
    for one in made:
        one.close()
    eventually(lambda: manager_connections(managed.gateway) == 0, "they are gone")


@pytest.fixture
def admin(managed, readers):
    return readers(managed.people.admin)


def find(reader, request_id):
    """That call, behind others."""
    return next(e for e in iter(reader.event, None) if e.name == "request" and e.data["request_id"] == request_id)


def fenced(managed, reader, token, calls, **fence):
    """Which of these calls the reader gets, before one that it gets for certain."""
    last = call(managed, token, **fence)
    got = []
    while not got or got[-1] != last:
        event = reader.event()
        assert event.name == "request"
        got.append(event.data["request_id"])
    return [c in got for c in calls]


# --- what comes ---

def test_head(admin):
    answer = admin.answer
    assert answer.status == 200
    assert answer.get("content-type") == "text/event-stream" and answer.get("transfer-encoding") == "chunked"
    assert answer.get("cache-control") == "no-store" and answer.get("x-accel-buffering") == "no"


def test_a_call_is_as_the_usage_log_has_it(managed, admin, tokens):
    for path, method, body in (("/api/test/a?x", "POST", b"abc"), ("/api/test", "GET", None)):
        request_id = call(managed, tokens["one"], path, method, headers={"User-Agent": 'a "b" \\ \xc3\xa9'}, body=body)
        live = find(admin, request_id).data
        path = f"/api/usage/logs/{request_id}"
        eventually(lambda: managed.api.get(path, managed.people.admin.key).status == 200, "it is stored")
        stored = managed.api.get(path, managed.people.admin.key).json
        assert live.pop("id") is None and stored.pop("id") > 0
        assert live == stored
        assert live["token_name"] == tokens["one"].name


def test_a_name_and_a_team_that_change(managed, readers, tokens):
    people = managed.people
    token = people.add_token("before", "one")
    eventually(lambda: works(managed, token), "the gateway knows the token")
    viewer = readers(people.viewer)
    assert find(viewer, call(managed, token)).data["token_name"] == "before"
    managed.database.query("UPDATE tokens SET name = 'after' WHERE id = %s", (token.id,))
    eventually(lambda: find(viewer, call(managed, token)).data["token_name"] == "after", "it has its new name")
    managed.database.query("UPDATE tokens SET tollgate_team_id = %s WHERE id = %s", (people.teams["two"], token.id))
    eventually(lambda: fenced(managed, viewer, tokens["one"], [call(managed, token)]) == [False], "it has left the team")


# --- rights and filters ---

@pytest.mark.parametrize("who,seen", [("admin", [True, True, True]), ("viewer", [True, False, False]),
                                      ("manager", [True, False, False]), ("service", [True, False, False])])
def test_who_sees_what(managed, readers, tokens, who, seen):
    reader = readers(getattr(managed.people, who))
    calls = [call(managed, tokens[of]) for of in ("one", "two", None)]
    assert fenced(managed, reader, tokens["one"], calls) == seen


FENCE = "token={one}&route=/api/other&method=PUT"


@pytest.mark.parametrize("query,seen", [
    ("token={one}", "GP---"), ("token={one}&token={two}", "GP-2-"), ("team={team}", "GP---"),
    ("route=/api/other", "----o"), ("status=200", "GP-2o"), ("class=2xx", "GP-2o"), ("status=404", "--n--"),
    ("class=4xx", "--n--"), ("method=POST", "-P---"), ("method=POST&token={two}", "-----"),
    ("outcome=complete", "GP-2o"), ("outcome=client_abort", "-----"), ("address=127.0.0.1", "GPn2o"),
    ("address=127.0.0.0/8", "GPn2o"), ("address=10.0.0.0/8", "-----"), ("min_ms=600000", "-----")])
def test_filters(managed, readers, tokens, query, seen):
    ids = {"one": tokens["one"].id, "two": tokens["two"].id, "team": managed.people.teams["one"]}
    both = "&".join("filter=" + quote(q.format(**ids), safe="") for q in (query, FENCE))
    reader = readers(managed.people.admin, both)
    assert reader.answer.status == 200, reader.answer.head.raw
    calls = [call(managed, tokens["one"]), call(managed, tokens["one"], method="POST", body=b""),
             call(managed, tokens["one"], "/api/test/missing"), call(managed, tokens["two"]),
             call(managed, tokens[None], "/api/other")]
    got = fenced(managed, reader, tokens["one"], calls, path="/api/other", method="PUT")
    assert "".join(name if one else "-" for name, one in zip("GPn2o", got)) == seen
