"""The database goes in the middle of an operation: the answer says so, claims nothing, and what happened can be found out."""
import concurrent.futures
import contextlib
from typing import Any, NamedTuple

import pytest

from tg.api import key_hash, make_key
from tg.wait import eventually

MINE = "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'tollgate manager%%' "
LOCKED = "AND wait_event_type = 'Lock'"
NAMES = iter(f"midway {n}" for n in range(1000))


class Operation(NamedTuple):
    method: str
    path: str
    table: str  # whose lock it waits for
    json: Any = None
    headers: Any = ()
    key: Any = None


def token_of(here):
    return here.people.add_token(next(NAMES), "one").id


# Made anew for each test, by what they are.
OPERATIONS = {
    "a change": lambda here: Operation(
        "POST", "/api/tokens", "tokens", {"name": next(NAMES), "scopes": []}, {"Idempotency-Key": make_key()}),
    "a change of people": lambda here: Operation("POST", "/api/teams", "tollgate_teams", {"name": next(NAMES)}),
    "a deletion": lambda here: Operation("DELETE", f"/api/tokens/{token_of(here)}", "tokens"),
    "a change that waits for nodes": lambda here: Operation("POST", f"/api/tokens/{token_of(here)}/revoke?wait=5000", "tokens"),
    "beginning a session": lambda here: Operation(
        "POST", "/api/session", "tollgate_sessions", {"key": here.people.viewer.key}),
    "signing in": lambda here: Operation(
        "GET", "/api/me", "tollgate_user_keys", key=here.people.add_key(here.people.viewer.id)[0]),
    "a list": lambda here: Operation("GET", "/api/tokens", "tokens"),
    "a list of people": lambda here: Operation("GET", "/api/users", "tollgate_users"),
    "looking up": lambda here: Operation("POST", "/api/lookup", "tokens", {"token_hash": key_hash(make_key("ntk_"))}),
    "the audit": lambda here: Operation("GET", "/api/audit", "tollgate_audit"),
    "usage": lambda here: Operation("GET", "/api/usage/stats", "token_usage_logs, usage_open"),
}


@pytest.fixture(scope="module")
def here(managed):
    managed.gateway.expect_error("")  # the gateway's own sessions wait for the locks as well
    managed.api.get("/api/me", managed.people.admin.key)
    return managed


def ask(here, o):
    return here.api.call(o.method, o.path, None if o.path == "/api/session" else o.key or here.people.admin.key,
                         o.json, headers=o.headers)


def count(here, which):
    return here.database.value(f"SELECT count(*) {MINE} {which}")


@contextlib.contextmanager
def locked(here, tables):
    with contextlib.closing(here.database.cluster.connect(here.database.name)) as held:
        held.autocommit = False
        held.cursor().execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
        yield


def waits(here, threads, o, for_what):
    """Asked, as soon as the manager is connected, and not answered."""
    asked = []

    def is_waiting():
        if not asked or asked[-1].done():
            asked.append(threads.submit(ask, here, o))
        return count(here, for_what) > 0
    eventually(is_waiting, f"{o.path} waits")
    return asked[-1]


def say_so(answer, is_change):
    assert (answer.status, answer.json["code"]) == (503, "database_unavailable"), answer.json
    assert int(answer.headers.get("retry-after")) > 0
    assert ("whether the change was made is not known" in answer.json["detail"]) == is_change, answer.json["detail"]


def is_change(o):
    return o.method != "GET" and o.path != "/api/lookup"


def settles(here, o):
    """Once it is back, the same request is taken, and takes effect once."""
    statuses = {"POST": (200, 201), "GET": (200,), "DELETE": (204,)}[o.method]
    last = []
    if o.path == "/api/lookup":
        statuses = (404,)  # of a key that there is not

    def again():
        last[:] = [ask(here, o)]
        return last[0].status in statuses
    eventually(again, f"{o.path} is answered")
    return last[0]


@pytest.mark.parametrize("what", OPERATIONS)
def test_the_session_is_ended(here, what):
    """While the statement waits: nothing was changed, and the answer does not claim to know."""
    o = OPERATIONS[what](here)
    with concurrent.futures.ThreadPoolExecutor() as threads:
        with locked(here, o.table):
            asked = waits(here, threads, o, LOCKED)
            here.database.query(f"SELECT pg_terminate_backend(pid) {MINE} {LOCKED}")
            answer = asked.result()
    say_so(answer, is_change(o))
    if what == "a change":
        assert here.database.value("SELECT count(*) FROM tokens WHERE name = %s", [o.json["name"]]) == 0
    again = settles(here, o)
    if what == "a change":
        assert again.status == 201 and again.json["key"].startswith("ntk_")
        assert here.database.value("SELECT count(*) FROM tokens WHERE name = %s", [o.json["name"]]) == 1


def test_a_change_that_was_made_all_the_same(here):
    """The session ends after the commit, before its answer: Idempotency-Key tells that it was made, and makes no other."""
    o, session = OPERATIONS["a change"](here), OPERATIONS["beginning a session"](here)
    sessions = "SELECT count(*) FROM tollgate_sessions WHERE user_id = %s"
    before = here.database.value(sessions, [here.people.viewer.id])
    for setting in ("synchronous_standby_names = 'nobody'", "synchronous_commit = 'on'"):
        here.database.query(f"ALTER SYSTEM SET {setting}")
    here.database.query("SELECT pg_reload_conf()")
    try:
        with concurrent.futures.ThreadPoolExecutor() as threads:
            for operation, function in ((o, "token_create"), (session, "people_session_by_key")):
                committed = f"AND wait_event = 'SyncRep' AND query LIKE '%%{function}%%'"
                asked = waits(here, threads, operation, committed)
                here.database.query(f"SELECT pg_terminate_backend(pid) {MINE} {committed}")
                say_so(asked.result(), is_change=True)
    finally:
        for setting in ("synchronous_standby_names = ''", "synchronous_commit = 'off'"):  # as tg.postgres has it
            here.database.query(f"ALTER SYSTEM SET {setting}")
        here.database.query("SELECT pg_reload_conf()")
    made = settles(here, o)
    assert made.json["name"] == o.json["name"] and made.json["key"] is None and "Rotate" in made.json["hint"]
    assert here.database.value("SELECT count(*) FROM tokens WHERE name = %s", [o.json["name"]]) == 1
    # Of a session nobody has the cookie: it is one that is there, and ends by itself.
    assert here.database.value(sessions, [here.people.viewer.id]) == before + 1


def test_nodes_cannot_be_asked(here):
    """What was revoked is; which nodes know of it is told as not known, when the time is over."""
    token = token_of(here)
    with locked(here, "tollgate_nodes"):
        answer = here.api.post(f"/api/tokens/{token}/revoke?wait=1000", here.people.admin.key)
    assert answer.status == 200 and answer.json["state"] == "revoked", answer.json
    assert (answer.json["complete"], answer.json["confirmed"]) == (False, []), answer.json
    assert here.database.value("SELECT revoked_at FROM tokens WHERE id = %s", [token])


def test_the_server_stops(here, cluster):
    """In the middle of all at once: those that run, and those that wait for a session."""
    operations = {what: make(here) for what, make in OPERATIONS.items() if what != "signing in"}
    tables = ", ".join(sorted({t for o in operations.values() for t in o.table.split(", ")}))
    with concurrent.futures.ThreadPoolExecutor(len(operations)) as threads:
        assert here.api.get("/api/me", here.people.admin.key).status == 200
        with locked(here, tables):
            asked = {what: threads.submit(ask, here, o) for what, o in operations.items()}
            # A change and four questions; the rest is behind them.
            eventually(lambda: count(here, LOCKED) >= 5, "they wait")
            cluster.stop("immediate")
        answers = {what: a.result() for what, a in asked.items()}
    for what, answer in answers.items():
        assert (answer.status, answer.json["code"]) == (503, "database_unavailable"), (what, answer.json)
    cluster.start()
    for o in operations.values():
        settles(here, o)
    name = operations["a change"].json["name"]
    assert here.database.value("SELECT count(*) FROM tokens WHERE name = %s", [name]) == 1
