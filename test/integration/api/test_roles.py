"""Who may what: every operation of the table, by everyone there is.

A row that has no line here fails, and so does a line without a row.
"""
import pytest

from tg.api_samples import Samples
from tg.openapi import CheckedApi, read_table

ROWS = read_table()

# What each gets: nobody (no sign-in, through a proxy), one on the same machine, one who is signed in without any right, a viewer
# and a manager of the team whose things are asked for, another team's manager, an admin, a service that manages the team, a
# browser's session of that manager, the same from a page of another site, a gateway's key.
WHO = ("nobody", "local", "stranger", "viewer", "manager", "other", "admin", "service", "session", "foreign", "gateway_key")
CELLS = """
get_index               200 200 200 200 200 200 200 200 200 200 200
get_health              200 200 200 200 200 200 200 200 200 200 200
get_ready               200 200 200 200 200 200 200 200 200 200 200
get_openapi             200 200 200 200 200 200 200 200 200 200 200
log_usage               403 200 403 403 403 403 403 403 403 403 403
get_test_data           401 200 403 200 200 200 200 200 200 200 401
get_usage_stats         401 401 403 200 200 200 200 200 200 200 401
get_token_usage         401 401 403 200 200 404 200 200 200 200 401
get_route_usage         401 401 403 200 200 200 200 200 200 200 401
get_usage_series        401 401 403 200 200 200 200 200 200 200 401
get_usage_top           401 401 403 200 200 200 200 200 200 200 401
get_usage_cost          401 401 403 200 200 200 200 200 200 200 401
list_usage_logs         401 401 403 200 200 200 200 200 200 200 401
get_usage_log           401 401 403 200 200 404 200 200 200 200 401
get_self                401 401 401 401 401 401 401 401 401 401 200
list_routes             401 401 403 200 200 200 200 200 200 200 401
list_scopes             401 401 403 200 200 200 200 200 200 200 401
list_nodes              401 401 403 200 200 200 200 200 200 200 401
list_ways               200 200 200 200 200 200 200 200 200 200 200
create_session          201 201 201 201 201 201 201 201 201 403 201
get_session             401 401 200 200 200 200 200 200 200 200 401
end_session             401 401 409 409 409 409 409 409 204 403 401
get_me                  401 401 200 200 200 200 200 200 200 200 401
list_teams              401 401 403 200 200 200 200 200 200 200 401
create_team             401 401 403 403 403 403 201 403 403 403 401
get_team                401 401 403 200 200 404 200 200 200 200 401
change_team             401 401 403 403 403 403 200 403 403 403 401
delete_team             401 401 403 403 403 403 204 403 403 403 401
put_member              401 401 403 403 200 404 200 200 200 403 401
delete_member           401 401 403 403 204 404 204 204 204 403 401
list_users              401 401 403 403 200 200 200 200 200 200 401
create_user             401 401 403 403 403 403 201 403 403 403 401
get_user                401 401 403 404 200 200 200 200 200 200 401
change_user             401 401 403 403 403 403 200 403 403 403 401
delete_user             401 401 403 403 403 403 204 403 403 403 401
list_user_keys          401 401 403 404 403 403 200 403 403 403 401
create_user_key         401 401 403 404 403 403 201 403 403 403 401
delete_user_key         401 401 403 404 403 403 204 403 403 403 401
list_user_sessions      401 401 403 404 403 403 200 403 403 403 401
delete_user_sessions    401 401 403 404 403 403 204 403 403 403 401
delete_user_session     401 401 403 404 403 403 204 403 403 403 401
list_user_identities    401 401 403 404 403 403 200 403 403 403 401
create_user_identity    401 401 403 403 403 403 201 403 403 403 401
delete_user_identity    401 401 403 403 403 403 204 403 403 403 401
list_access_requests    401 401 403 403 403 403 200 403 403 403 401
grant_access_request    401 401 403 403 403 403 200 403 403 403 401
refuse_access_request   401 401 403 403 403 403 200 403 403 403 401
list_audit              401 401 403 403 200 200 200 200 200 200 401
list_tokens             401 401 403 200 200 200 200 200 200 200 401
create_token            401 401 403 403 201 400 201 201 201 403 401
get_token               401 401 403 200 200 404 200 200 200 200 401
change_token            401 401 403 403 200 404 200 200 200 403 401
delete_token            401 401 403 403 204 404 204 204 204 403 401
disable_token           401 401 403 403 200 404 200 200 200 403 401
enable_token            401 401 403 403 200 404 200 200 200 403 401
revoke_token            401 401 403 403 200 404 200 200 200 403 401
rotate_token            401 401 403 403 201 404 201 201 201 403 401
list_token_addresses    401 401 403 200 200 404 200 200 200 200 401
look_up_token           401 401 403 200 200 404 200 200 200 403 401
"""
EXPECTED = {line.split()[0]: dict(zip(WHO, map(int, line.split()[1:]), strict=True))
            for line in CELLS.strip().splitlines()}

# nginx says so; the manager of these tests trusts no proxy, and counts nobody behind one as local.
BEHIND_A_PROXY = [("X-Forwarded-For", "192.0.2.1")]
ELSEWHERE = "https://elsewhere.example"


def test_every_row_has_a_line():
    assert sorted(EXPECTED) == sorted(row.id for row in ROWS)


@pytest.fixture(scope="module")
def samples(managed):
    return Samples(managed)


@pytest.fixture(scope="module")
def api(managed):
    return CheckedApi(managed.gateway)


class Callers:
    """How each of WHO shows who they are: (key, fields)."""

    def __init__(self, managed, api):
        people = managed.people
        self.keys = {p.name: p.key for p in people.all()}
        self.keys["gateway_key"] = people.tokens["one"][0].key
        self.origin = f"http://{api.host}"
        self.people, self.api = people, api

    def cookie(self):
        """A new session of the team's manager: signing out ends one."""
        answer = self.api.exchange("POST", "/api/session", json={"key": self.people.manager.key},
                                   headers=[("Origin", self.origin)])
        assert answer.status in (200, 201), answer.body
        return answer.get("set-cookie").split(";")[0]

    def show(self, who):
        if who == "local":
            return None, []
        if who in ("session", "foreign"):
            origin = self.origin if who == "session" else ELSEWHERE
            return None, [("Cookie", self.cookie()), ("Origin", origin), *BEHIND_A_PROXY]
        return self.keys.get(who), BEHIND_A_PROXY


@pytest.fixture(scope="module")
def callers(managed, api):
    return Callers(managed, api)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_role_matrix(api, samples, callers, row):
    got = {}
    for who in WHO:
        key, fields = callers.show(who)
        request = samples.request(row)
        answer = api.exchange(request.method, request.path, key, request.json, headers=fields) \
            if row.path == "/" else api.call(request.method, request.path, key, request.json, headers=fields)
        got[who] = answer.status
    assert got == EXPECTED[row.id]
