"""Every operation while the database is away: what is remembered is enough to read; nobody becomes somebody else."""
import pytest

from tg.api import make_key
from tg.api_samples import Samples
from tg.openapi import read_table
from tg.wait import eventually

ROWS = read_table()
# What needs no database, of those who are asked who calls too.
WITHOUT = {"get_index", "get_health", "get_openapi", "log_usage", "list_ways", "get_session", "get_me", "list_routes", "list_scopes"}


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
    managed.gateway.expect_error("")
    cluster.stop("fast")
    yield requests, cookie
    cluster.start()


def called(managed, request, **how):
    call = managed.api.exchange if request.path == "/" else managed.api.call
    answer = call(request.method, request.path, json=request.json, **how)
    return answer.status, answer.json["code"] if answer.status >= 400 and request.path != "/" else None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_who_was_here_may_read_what_needs_no_database(managed, away, row):
    requests, cookie = away
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
    requests, _ = away
    people = managed.people
    assert called(managed, requests["list_routes"]) == (401, "not_signed_in")
    assert called(managed, requests["list_routes"], key=people.stranger.key) == (403, "no_role")
    assert called(managed, requests["create_team"], key=people.viewer.key) == (403, "role_missing")
    assert called(managed, requests["list_routes"], key=make_key()) == (503, "database_unavailable")
    # After the few seconds for which anybody is remembered anyway.
    eventually(lambda: managed.api.get("/api/me", people.admin.key).json["is_stale"], "the admin is remembered only")
    assert called(managed, requests["create_team"], key=people.admin.key) == (503, "database_unavailable")
    assert called(managed, requests["list_routes"], key=people.admin.key) == (200, None)
