"""Who may what: every operation of the table, by everyone there is.

A row that has no line here fails, and so does a line without a row.
"""
import time

import pytest

from tg.api_samples import Samples
from tg.openapi import CheckedApi, read_table
from tg.provider import Provider
from tg.wait import eventually

ROWS = read_table()
CLERK, APP = "https://clerk.example.com", "https://app.example"

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
get_live                401 401 403 200 200 200 200 200 200 200 401
list_usage_logs         401 401 403 200 200 200 200 200 200 200 401
get_usage_log           401 401 403 200 200 404 200 200 200 200 401
get_self                401 401 401 401 401 401 401 401 401 401 200
list_routes             401 401 403 200 200 200 200 200 200 200 401
list_scopes             401 401 403 200 200 200 200 200 200 200 401
list_nodes              401 401 403 200 200 200 200 200 200 200 401
list_ways               200 200 200 200 200 200 200 200 200 200 200
start_sign_in           404 404 404 404 404 404 404 404 404 404 404
finish_sign_in          401 401 401 401 401 401 401 401 401 401 401
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
explain_request         401 401 403 403 403 403 200 403 403 403 401
"""
EXPECTED = {line.split()[0]: dict(zip(WHO, map(int, line.split()[1:]), strict=True))
            for line in CELLS.strip().splitlines()}


# Who gets what another one does: by a provider's token and a rule a manager of the team; by such a token without any right
# (an admin refused it, against default_role); a session whose browser tells the site, not the origin; who is out, whatever
# they had before, as if they brought nothing.
OUT = ("disabled", "removed", "disabled_by_token", "removed_by_token")
LIKE = {"by_rule": "manager", "refused": "stranger", "fetching": "session", **dict.fromkeys(OUT, "nobody")}


def by_default(row):
    """By sign_in.default_role: statistics and routes of all, and nothing that is a team's."""
    if row.may in ("MANAGE", "ADMIN"):
        return 403
    if row.may == "LOCAL":
        return 200
    if row.may == "VIEW":
        return 404 if "{" in row.path or row.body != "NONE" else 200
    return EXPECTED[row.id]["stranger"]


def unsaid(row):
    """A session's cookie, and not a word of which page sends it: enough to read."""
    return EXPECTED[row.id]["session"] if row.method == "GET" else 403


BY_ROW = {"by_default": by_default, "unsaid": unsaid}
EVERYONE = (*WHO, *LIKE, *BY_ROW)
BRING_NOTHING = ("nobody", "local")
WITHOUT_RIGHTS = ("stranger", "refused")


def status_of(row, who):
    return BY_ROW[who](row) if who in BY_ROW else EXPECTED[row.id][LIKE.get(who, who)]


def code_of(row, who):
    """Of a 401 or 403 for who calls; None: of no more than its status."""
    status = status_of(row, who)
    if row.may == "HOLDER" or (row.may == "ANYONE" and status == 401) or status not in (401, 403):
        return None
    if status == 401:
        return "not_signed_in" if who in BRING_NOTHING else "bad_sign_in"
    if row.may == "INGEST" or (who in ("foreign", "unsaid") and row.method != "GET"):
        return "forbidden"
    return "no_role" if who in WITHOUT_RIGHTS else "role_missing"


@pytest.mark.parametrize("who", WITHOUT_RIGHTS)
def test_without_rights_only_what_is_open_answers(who):
    """What the lines say of them is what the table's rows do."""
    opened = {row.id for row in ROWS if code_of(row, who) != "no_role"}
    assert opened == {row.id for row in ROWS if row.may in ("ANYONE", "INGEST", "HOLDER", "KNOWN")}


def test_every_row_has_a_line():
    assert sorted(EXPECTED) == sorted(row.id for row in ROWS)


@pytest.fixture(scope="module")
def clerk(request, tmp_path_factory):
    clerk = Provider(str(tmp_path_factory.mktemp("clerk")), CLERK)
    request.module.MANAGED = {"sign_in": {
        "issuers": [{"issuer": CLERK, "kind": "clerk", "parties": [APP], "jwks_file": clerk.jwks_file}],
        "rules": [{"issuer": CLERK, "claim": "org_id", "value": "org_1", "team": "one", "role": "manager"}],
        "default_role": "viewer"}}
    return clerk


@pytest.fixture(scope="module")
def here(clerk, managed):
    """With the provider's keys, once they are read."""
    token = clerk_token(clerk, "by_default")
    eventually(lambda: managed.api.get("/api/me", token).status == 200, "the keys are there")
    return managed


def clerk_token(clerk, subject, **more):
    return clerk.token(sid="sess_1", azp=APP, sub=subject, exp=int(time.time()) + 86400, **more)


@pytest.fixture(scope="module")
def samples(here):
    return Samples(here)


@pytest.fixture(scope="module")
def api(here):
    return CheckedApi(here.gateway)


class Callers:
    """How each of EVERYONE shows who they are: (key, fields)."""

    def __init__(self, managed, api, clerk):
        people = managed.people
        self.origin = f"http://{api.host}"
        self.people, self.api = people, api
        self.keys = {p.name: p.key for p in people.all()}
        self.keys["gateway_key"] = people.tokens["one"][0].key
        for name in ("by_default", "refused"):
            self.keys[name] = clerk_token(clerk, name)
        for name in ("by_rule", "disabled_by_token", "removed_by_token"):
            self.keys[name] = clerk_token(clerk, name, org_id="org_1")
        self.refuse("refused")
        for name in OUT:
            self.put_out(name)

    def seen(self, subject, **more):
        return self.people.ask("people_identity_seen", {"issuer": CLERK, "subject": subject, **more})

    def refuse(self, subject):
        self.seen(subject)
        asked = self.people.ask("people_access_requests", None, {})["items"]
        self.people.ask("people_access_refuse", None, next(r["id"] for r in asked if r["subject"] == subject))

    def put_out(self, name):
        """An admin, before that."""
        if name in self.keys:
            who = self.seen(name, admin=True)["id"]
        else:
            person = self.people.add(name, is_admin=True)
            who, self.keys[name] = person.id, person.key
        if name.startswith("disabled"):
            self.people.ask("people_user_change", None, who, {"disabled": True})
        else:
            self.people.ask("people_user_remove", None, who)

    def cookie(self):
        """A new session of the team's manager: signing out ends one."""
        answer = self.api.exchange("POST", "/api/session", json={"key": self.people.manager.key},
                                   headers=[("Origin", self.origin)])
        assert answer.status in (200, 201), answer.body
        return answer.get("set-cookie").split(";")[0]

    def show(self, who):
        if who == "local":
            return None, []
        # nginx says so; nobody behind one is local. To each an address: what fails counts for no other.
        fields = [("X-Forwarded-For", f"192.0.2.{1 + EVERYONE.index(who)}")]
        site = {"session": [("Origin", self.origin)], "foreign": [("Origin", "https://elsewhere.example")],
                "fetching": [("Sec-Fetch-Site", "same-origin")], "unsaid": []}
        if who in site:
            return None, [("Cookie", self.cookie()), *site[who], *fields]
        return self.keys.get(who), fields


@pytest.fixture(scope="module")
def callers(here, api, clerk):
    return Callers(here, api, clerk)


def call(api, request, key, fields):
    """(status, code)"""
    if request.path == "/":
        return api.exchange(request.method, "/", key, headers=fields).status, None
    answer = api.call(request.method, request.path, key, request.json, headers=fields)
    return answer.status, answer.json["code"] if answer.status >= 400 else None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_role_matrix(api, samples, callers, row):
    statuses, codes = {}, {}
    for who in EVERYONE:
        statuses[who], codes[who] = call(api, samples.request(row), *callers.show(who))
    assert statuses == {who: status_of(row, who) for who in EVERYONE}
    told = {who: code_of(row, who) for who in EVERYONE if code_of(row, who) is not None}
    assert {who: codes[who] for who in told} == told
