"""Every operation while the database is away: what is remembered is enough to read; nobody becomes somebody else."""
import pytest

from tg.api import make_key
from tg.api_samples import Samples
from tg.openapi import read_table
from tg.wait import eventually

ROWS = read_table()
# What needs no database, of those who are asked who calls too.
WITHOUT = {"get_index", "get_health", "get_openapi", "log_usage", "list_ways", "get_session", "get_me", "list_routes", "list_scopes",
           "explain_request", "get_live"}

# A provider, so that signing in there gets as far as the database.
MANAGED = {"manager": {"public_url": "http://tollgate.example"}, "sign_in": {"providers": [
    {"name": "away", "issuer": "http://127.0.0.1:9", "client_id": "tollgate", "client_secret": "x"}]}}


@pytest.fixture(scope="module")
def away(managed, cluster):
    """(a request for each row, a session's cookie), all of whose callers were here before it went away."""
    people, api = managed.people, managed.api
    samples = Samples(managed)
    requests = {row.id: samples.request(row) for row in ROWS}
    begun = api.exchange("POST", "/api/session", json={"key": people.manager.key})
    cookie = begun.get("set-cookie").split(";")[0]
    for person in people.all():
        assert api.get("/api/me", person.key).status == 200
    assert api.get("/api/me", headers={"Cookie": cookie}).json["signed_in"]["by"] == "session"
    left = who_left(managed)
    managed.gateway.expect_error("")
    cluster.stop("fast")
    yield requests, cookie, left
    cluster.start()


def who_left(managed):
    """Fields of callers who were here, and from whom this node has taken it since: {what was taken: fields}."""
    people, api = managed.people, managed.api
    own, admin = {"Sec-Fetch-Site": "same-origin"}, people.admin.key
    users = {what: people.add(what, one="viewer") for what in ("user", "disabled", "key", "session", "sessions", "own", "member")}
    fields = {what: {"Authorization": f"Bearer {user.key}"} for what, user in users.items()}
    for what in ("session", "sessions", "own"):
        begun = api.exchange("POST", "/api/session", json={"key": users[what].key})
        fields[what] = {"Cookie": begun.get("set-cookie").split(";")[0]}
    for what, brings in fields.items():
        assert api.get("/api/routes", headers=brings).status == 200, what
    ids = {what: user.id for what, user in users.items()}
    session = api.get(f"/api/users/{ids['session']}/sessions", admin).json["items"][0]["id"]
    taken = [api.delete(f"/api/users/{ids['user']}", admin),
             api.patch(f"/api/users/{ids['disabled']}", admin, json={"disabled": True}),
             api.delete(f"/api/users/{ids['key']}/keys/{users['key'].key_id}", admin),
             api.delete(f"/api/users/{ids['session']}/sessions/{session}", admin),
             api.delete(f"/api/users/{ids['sessions']}/sessions", admin),
             api.delete("/api/session", headers={**fields["own"], **own}),
             api.delete(f"/api/teams/{people.teams['one']}/members/{ids['member']}", admin)]
    assert [answer.status // 100 for answer in taken] == 7 * [2], taken
    return fields


def called(managed, request, **how):
    call = managed.api.exchange if request.path == "/" else managed.api.call
    answer = call(request.method, request.path, json=request.json, **how)
    return answer.status, answer.json["code"] if answer.status >= 400 and request.path != "/" else None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_who_was_here_may_read_what_needs_no_database(managed, away, row):
    requests, cookie, _ = away
    request = requests[row.id]
    if row.id == "get_ready":
        assert called(managed, request)[0] == 200
        return
    if row.id == "end_session":
        assert called(managed, request, headers={"Cookie": cookie, "Origin": f"http://{managed.api.host}"}) \
            == (503, "database_unavailable")
        return
    key = managed.people.tokens["one"][0].key if row.may == "HOLDER" else managed.people.admin.key
    got = called(managed, request, key=key)
    assert got == ((200, None) if row.id in WITHOUT else (503, "database_unavailable"))
    if row.may == "VIEW" and row.method == "GET":
        assert called(managed, request, headers={"Cookie": cookie}) == got


def test_nobody_gains_or_loses_by_it(managed, away):
    requests, _, left = away
    people = managed.people
    assert called(managed, requests["list_routes"]) == (401, "not_signed_in")
    assert called(managed, requests["list_routes"], key=people.stranger.key) == (403, "no_role")
    assert called(managed, requests["create_team"], key=people.viewer.key) == (403, "role_missing")
    assert called(managed, requests["list_routes"], key=make_key()) == (503, "database_unavailable")
    for what, fields in left.items():
        assert called(managed, requests["list_routes"], headers=fields) == (503, "database_unavailable"), what
    # After the few seconds for which anybody is remembered anyway.
    eventually(lambda: managed.api.get("/api/me", people.admin.key).json["is_stale"], "the admin is remembered only")
    assert called(managed, requests["create_team"], key=people.admin.key) == (503, "database_unavailable")
    assert called(managed, requests["list_routes"], key=people.admin.key) == (200, None)
