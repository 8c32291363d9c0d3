"""GET /api/live: who sees which calls as they end, and how a stream ends."""
import statistics
import time
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
    return gateway.open_connections(gateway.manager_port)


@pytest.fixture
def readers(managed):
    """readers(who, query): one that reads."""
    made = []

    def make(who=None, query="", key=None, **how):
        made.append(LiveReader(managed, key or who.key, query, **how))
        return made[-1]

    yield make
    for one in made:
        if one.sock.fileno() >= 0:
            one.reset()
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


def logged(managed, token, request_id):
    rows = managed.api.get(f"/api/usage/logs?token={token.id}", managed.people.admin.key).json["items"]
    return next((row for row in rows if row["request_id"] == request_id), None)


def test_a_call_is_as_the_usage_log_has_it(managed, admin, tokens):
    for path, method, body in (("/api/test/a?x", "POST", b"abc"), ("/api/test", "GET", None)):
        request_id = call(managed, tokens["one"], path, method, headers={"User-Agent": 'a "b" \\ \xc3\xa9'}, body=body)
        live = find(admin, request_id).data
        stored = eventually(lambda: logged(managed, tokens["one"], request_id), "it is stored")
        assert live.pop("id") is None and stored.pop("id") > 0
        assert live == stored
        assert live["token_name"] == tokens["one"].name


@pytest.mark.sanitizer
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


@pytest.fixture(scope="module")
def denied(managed):
    """Of team "one", without the scope."""
    token = managed.people.add_token("denied", "one", ["none"])

    def is_known():
        with managed.gateway.connect(token.key) as client:
            return client.call("GET", "/api/test").status == 403
    eventually(is_known, "the gateway knows the token")
    return token


@pytest.mark.parametrize("query,seen", [
    ("token={one}", "GP---"), ("token={one}&token={two}", "GP-2-"), ("team={team}", "GPn--"),
    ("route=/api/other", "----o"), ("status=200", "GP-2o"), ("class=2xx", "GP-2o"), ("status=403", "--n--"),
    ("class=4xx", "--n--"), ("method=POST", "-P---"), ("method=POST&token={two}", "-----"),
    ("outcome=complete", "GP-2o"), ("outcome=http_request_denied", "--n--"), ("address=127.0.0.1", "GPn2o"),
    ("address=127.0.0.9/8", "GPn2o"), ("address=10.0.0.0/8", "-----"), ("min_ms=600000", "-----")])
def test_filters(managed, readers, tokens, denied, query, seen):
    ids = {"one": tokens["one"].id, "two": tokens["two"].id, "team": managed.people.teams["one"]}
    both = "&".join("filter=" + quote(q.format(**ids), safe="") for q in (query, FENCE))
    reader = readers(managed.people.admin, both)
    assert reader.answer.status == 200, reader.answer.head.raw
    calls = [call(managed, tokens["one"]), call(managed, tokens["one"], method="POST", body=b""),
             call(managed, denied), call(managed, tokens["two"]), call(managed, tokens[None], "/api/other")]
    got = fenced(managed, reader, tokens["one"], calls, path="/api/other", method="PUT")
    assert "".join(name if one else "-" for name, one in zip("GPn2o", got)) == seen


def test_rows_say_which_filters_they_fit(managed, readers, tokens):
    reader = readers(managed.people.admin, "filter=&filter=method%3DPUT&filter=class%3D2xx")
    assert find(reader, call(managed, tokens["one"])).data["filters"] == [0, 2]
    assert find(reader, call(managed, tokens["one"], method="PUT")).data["filters"] == [0, 1, 2]


@pytest.mark.parametrize("query,parameter", [
    ("token=x", "token"), ("class=2", "class"), ("status=99", "status"), ("outcome=fine", "outcome"),
    ("address=here", "address"), ("limit=3", "limit"), ("filter=limit%3D3", "limit"), ("filter=&token=3", "filter"),
    ("&".join(17 * ["filter="]), "filter"), ("team={two}", "team"), ("filter=team%3D{two}", "team")])
def test_what_cannot_be(managed, query, parameter):
    query = query.format(two=managed.people.teams["two"])
    answer = managed.api.get(f"/api/live?{query}", managed.people.viewer.key)
    assert (answer.status, answer.json["code"]) == (400, "invalid_field")
    assert {e["parameter"] for e in answer.json["errors"]} == {parameter}


def test_head_has_no_stream(managed):
    answer = managed.api.exchange("HEAD", "/api/live", managed.people.admin.key)
    assert answer.status == 200 and answer.get("content-type") == "text/event-stream"
    old = managed.api.exchange("GET", "/api/live")
    assert old.status == 401


# --- rights that go ---

def test_a_key_that_is_taken(managed, readers):
    person = managed.people.add("leaver", is_admin=True)
    reader = readers(person)
    assert reader.answer.status == 200
    managed.people.ask("people_key_revoke", None, person.id, person.key_id)
    assert reader.end() == "signed_out"


def test_the_last_team(managed, readers, tokens):
    person = managed.people.add("mover", one="viewer", two="viewer")
    reader = readers(person)
    assert find(reader, call(managed, tokens["two"]))
    managed.people.ask("people_member_set", None, managed.people.teams["two"], person.id, None)
    eventually(lambda: fenced(managed, reader, tokens["one"], [call(managed, tokens["two"])]) == [False],
               "the other team's calls come no more")
    managed.people.ask("people_member_set", None, managed.people.teams["one"], person.id, None)
    assert reader.end() == "no_role"


# --- how many ---

@pytest.mark.sanitizer
def test_four_of_a_person_and_the_dead_one_gives_way(managed, readers, tokens):
    person = managed.people.add("watcher", is_admin=True)
    four = [readers(person) for _ in range(3)] + [readers(person, receive_buffer=4096)]
    assert [r.answer.status for r in four] == 4 * [200]
    answer = managed.api.get("/api/live", person.key)
    assert (answer.status, answer.json["code"]) == (429, "too_many_streams")
    assert answer.headers.get("retry-after") == "5"
    assert managed.api.exchange("GET", "/api/live", managed.people.admin.key).status == 200
    four[2].close()  # its end is seen at once
    assert eventually(lambda: opened(readers, person), "one that was closed gives way")
    flood(managed, tokens["one"], 40)  # the last of the four reads nothing: this waits for it
    assert eventually(lambda: opened(readers, person), "one that reads nothing gives way")
    assert b"0\r\n\r\n" not in four[3].expect_closed()
    for reader in four[:2]:
        find(reader, call(managed, tokens["one"]))


def opened(readers, person):
    reader = readers(person)
    return reader if reader.answer.status == 200 else None


def flood(managed, token, n):
    with managed.gateway.connect(token.key) as client:
        for _ in range(n):
            client.call("GET", "/api/test", headers={"User-Agent": 500 * "x"})


def settled_flood(managed, token, n):
    """Until all of them are stored, or told of as dropped."""
    told = ("SELECT (SELECT count(*) FROM token_usage_logs WHERE token_id = %s) + "
            "(SELECT coalesce(sum(dropped), 0) FROM usage_gaps WHERE token_id = %s)")
    before = managed.database.value(told, (token.id, token.id))
    flood(managed, token, n)
    eventually(lambda: managed.database.value(told, (token.id, token.id)) >= before + n, "all are told of")


@pytest.mark.sanitizer
def test_a_hundred_of_a_node(managed, readers):
    people = [managed.people.add(f"crowd{n}", one="viewer") for n in range(26)]
    crowd = [readers(person) for person in people[:25] for _ in range(4)]
    assert {r.answer.status for r in crowd} == {200}
    answer = managed.api.get("/api/live", people[25].key)
    assert (answer.status, answer.json["code"], answer.headers.get("retry-after")) == (503, "busy", "5")
    crowd[0].reset()
    assert eventually(lambda: opened(readers, people[25]), "one has left")


# --- where a reader was ---

@pytest.mark.sanitizer
def test_going_on(managed, readers, tokens):
    reader = readers(managed.people.admin)
    first = find(reader, call(managed, tokens["one"]))
    missed = call(managed, tokens["one"])
    reader.reset()
    again = readers(managed.people.admin, headers=[("Last-Event-ID", first.id)])
    event = again.event()
    assert event.data["request_id"] == missed and event.id != first.id
    for unknown in ("x", "00000000-1", first.id + "000", "", 5000 * "x", "00000000--1"):
        other = readers(managed.people.admin, headers=[("Last-Event-ID", unknown)])
        assert (lambda e: (e.name, e.data))(other.event()) == ("dropped", {"count": None})
        other.reset()


# --- slow readers, many calls ---

def test_a_slow_reader_is_told_what_it_lacks(managed, readers, tokens):
    # What recording them takes, it has taken before: what comes on top is the feed's.
    settled_flood(managed, tokens[None], 6000)
    before = managed.gateway.memory_kb("VmRSS")
    slow = readers(managed.people.admin, f"token={tokens[None].id}", receive_buffer=4096)
    settled_flood(managed, tokens[None], 6000)
    assert managed.gateway.memory_kb("VmRSS") - before < 16 * 1024
    events, count = [], 0
    while count is not None and count < 6000:
        events.append(slow.event())
        more = events[-1].data["count"] if events[-1].name == "dropped" else 1
        count = count + more if more is not None else None  # so many at once that nobody counted
    assert count in (6000, None) and len(events) < 6000
    last = call(managed, tokens[None])
    while slow.event().data.get("request_id") != last:
        assert count is None, "more comes than there was"


# --- without the database, and the process's ways ---

@pytest.mark.sanitizer
def test_reload_keeps_streams(managed, admin, tokens):
    managed.gateway.reload()
    assert find(admin, call(managed, tokens["one"]))


def delay(managed, reader, token):
    """Seconds from a call's end to its event."""
    request_id = call(managed, token)
    ended = time.monotonic()
    find(reader, request_id)
    return time.monotonic() - ended


def test_without_the_database(managed, readers, tokens, cluster):
    admin, viewer = readers(managed.people.admin), readers(managed.people.viewer)
    assert find(admin, call(managed, tokens["one"])) and find(viewer, call(managed, tokens["one"]))
    managed.gateway.expect_error("")
    cluster.stop("fast")
    try:
        for _ in range(3):
            one, two = call(managed, tokens["one"]), call(managed, tokens["two"])
            assert find(admin, two) and find(viewer, one)
        # Within 0.2 s; a machine that has other things to do delays some, not most.
        assert statistics.median(delay(managed, admin, tokens["one"]) for _ in range(9)) < 1
        later = readers(managed.people.viewer)
        assert later.answer.status == 200 and find(later, call(managed, tokens["one"]))
    finally:
        cluster.start()
