"""Lists as files: all of them, while their readers take them, and never less than they say."""
import csv
import io
import json

import pytest

from tg.gateway import SANITIZED
from tg.wait import eventually
from tg.wire import Client, WireError

ROWS = 12_000
BIG = "/api/usage/logs?from=2026-11-01&to=2026-11-03&format="
RUNNING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tollgate manager exports' AND state = 'active'"


@pytest.fixture(scope="module")
def logs(managed):
    """Rows enough that they do not fit between the gateway and a reader who does not read."""
    one, two = managed.people.tokens["one"][0], managed.people.tokens["two"][0]
    managed.database.query("SELECT usage_ensure_partition(d) FROM unnest('{2026-11-01,2026-11-02}'::date[]) AS d")
    managed.database.query(
        "INSERT INTO token_usage_logs (token_hash, token_id, route_path, used_at, response_status, user_agent, error_message) "
        "SELECT 'h', CASE WHEN n %% 3 = 0 THEN %s ELSE %s END, '/api/test', "
        "timestamp '2026-11-01' + n * interval '10 s', 200 + n %% 2 * 300, repeat('u', 500), 'e ' || n "
        "FROM generate_series(0, %s) AS n", (two.id, one.id, ROWS - 1))
    while managed.database.value("SELECT usage_recount_dirty(100)") > 0:
        pass
    return managed


def export(managed, path, key=None):
    said = managed.api.exchange("GET", path, key or managed.people.admin.key)
    assert said.status == 200, said.body
    return said


def table(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def begin(managed, path, key=None, receive_buffer=4096):
    """A reader who has read the head alone."""
    client = managed.gateway.keep(Client("127.0.0.1", managed.gateway.manager_port, receive_buffer=receive_buffer))
    client.send_request("GET", path, {"Authorization": f"Bearer {key or managed.people.admin.key}"},
                        host=managed.api.host)
    assert client.read_response_head().status == 200
    return client


def ends(managed, count):
    """The last so many ends of exports in the audit, newest first, once they are there."""
    sql = "SELECT after FROM tollgate_audit WHERE action = 'export.ended' ORDER BY id DESC"
    eventually(lambda: len(managed.database.query(sql)) >= count, "the audit has it")
    return [r["after"] for r in managed.database.query(sql)]


def n_ended(managed):
    """How many exports have ended, once all that have begun are among them: the audit has that a moment after a reader has all."""
    eventually(lambda: managed.database.value(
        "SELECT count(*) FILTER (WHERE action = 'export.begun') = count(*) FILTER (WHERE action = 'export.ended') "
        "FROM tollgate_audit"), "no export is under way")
    return managed.database.value("SELECT count(*) FROM tollgate_audit WHERE action = 'export.ended'")


def test_all_rows_go_out_once_latest_first(logs):
    before = n_ended(logs)
    said = export(logs, BIG + "csv")
    assert said.get("content-type") == "text/csv; charset=utf-8" and said.get("cache-control") == "no-store"
    assert said.get("content-disposition").startswith('attachment; filename="tollgate-logs-2')
    assert not said.body.startswith(b"\xef\xbb\xbf")
    rows = table(said.body.decode())
    assert [r["error_message"] for r in rows] == [f"e {n}" for n in range(ROWS - 1, -1, -1)]
    assert ends(logs, before + 1)[0] == {"list": "logs", "rows": ROWS, "ended": "whole"}
    begun = logs.database.query("SELECT * FROM tollgate_audit WHERE action = 'export.begun' ORDER BY id DESC LIMIT 1")[0]
    assert begun["after"] == {"list": "logs", "format": "csv", "filters": ["from=2026-11-01", "to=2026-11-03"]}
    assert begun["actor"] == logs.people.admin.name and begun["user_id"] == logs.people.admin.id


def test_lines_are_the_items_of_the_pages(logs):
    lines = export(logs, BIG + "ndjson&status=200&token=" + str(logs.people.tokens["two"][0].id)).body.decode()
    items = [json.loads(line) for line in lines.splitlines()]
    first = logs.api.get("/api/usage/logs?from=2026-11-01&to=2026-11-03&status=200&limit=200&token="
                         + str(logs.people.tokens["two"][0].id), logs.people.admin.key).json["items"]
    assert items[:200] == first and len(items) == ROWS / 6 and len({i["id"] for i in items}) == len(items)


def test_whose_rows_they_are(logs):
    rows = table(export(logs, BIG + "csv", logs.people.viewer.key).body.decode())
    assert len(rows) == ROWS * 2 // 3 and {r["token_name"] for r in rows} == {"one-a"}
    assert logs.api.get(BIG + "csv", logs.people.stranger.key).status == 403
    assert logs.api.get(BIG + "csv").status == 401
    assert logs.api.get("/api/users?format=csv", logs.people.viewer.key).status == 403


@pytest.mark.parametrize("path", ["tokens", "teams", "users", "audit", "access-requests", "users/{}/keys",
                                  "users/{}/sessions", "users/{}/identities"])
def test_each_list(logs, path):
    path = f"/api/{path.format(logs.people.admin.id)}"
    # When the key was used last is noted once, behind the first call with it.
    eventually(lambda: logs.database.value("SELECT max(last_used) FROM tollgate_user_keys WHERE user_id = %s",
                                           [logs.people.admin.id]) or logs.api.get("/api/me", logs.people.admin.key) is None,
               "its key was used")
    n_ended(logs)  # no earlier one has a line to come
    lines = [json.loads(x) for x in export(logs, path + "?format=ndjson").body.decode().splitlines()]
    pages = logs.api.pages(path, logs.people.admin.key)
    known = {i["id"] for i in lines}
    # What an export adds itself to the audit is no part of it.
    assert lines == [i for i in pages if i["id"] in known] and len(pages) - len(lines) <= (2 if "audit" in path else 0)
    rows = table(export(logs, path + "?format=csv").body.decode())
    if "audit" not in path:
        assert [r["id"] for r in rows] == [str(i["id"]) for i in lines]


def test_more_than_a_page_of_a_list(logs):
    logs.database.query("INSERT INTO tokens (name, token_hash) SELECT 'many ' || n, encode(sha256(('m' || n)::bytea), 'hex') "
                        "FROM generate_series(1, 450) AS n")
    rows = table(export(logs, "/api/tokens?format=csv&q=many&sort=name").body.decode())
    assert len(rows) == 450 and [r["name"] for r in rows] == sorted(r["name"] for r in rows)
    assert len({r["id"] for r in rows}) == 450


def test_no_cell_is_a_formula(logs):
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "a,b", 'say "hi"', "zwei\u00e4\u6f22", "'quoted"]
    for name in names:
        logs.database.query("INSERT INTO tokens (name, token_hash, tollgate_description) VALUES (%s, "
                            "encode(sha256(%s::bytea), 'hex'), 'formula')", (name, "f" + name))
    text = export(logs, "/api/tokens?format=csv&bom=true").body
    assert text.startswith(b"\xef\xbb\xbfid,name,")
    rows = [r for r in table(text[3:].decode()) if r["description"] == "formula"]
    assert {r["name"] for r in rows} == {("'" if n[0] in "=+-@" else "") + n for n in names}
    assert all(line.split(b",")[0].isdigit() for line in text.splitlines()[1:])


@pytest.mark.parametrize("query, parameter", [
    ("format=xls", "format"), ("bom=true", "bom"), ("format=ndjson&bom=true", "bom"), ("format=csv&bom=1", "bom"),
    ("format=csv&limit=5", "limit"), ("format=csv&after=5", "after"), ("format=csv&zone=x", "zone"),
])
def test_what_an_export_does_not_take(logs, query, parameter):
    status, _, problem = logs.api.get(f"/api/usage/logs?{query}", logs.people.admin.key)
    assert status == 400 and parameter in {e["parameter"] for e in problem["errors"]}


def test_a_head_alone(logs):
    before = n_ended(logs)
    said = logs.api.exchange("HEAD", BIG + "csv", logs.people.admin.key)
    assert said.status == 200 and said.get("content-disposition")
    assert ends(logs, before + 1)[0] == {"list": "logs", "rows": 0, "ended": "left"}


def test_a_slow_reader_holds_it_back_and_two_are_enough(logs):
    before, memory = n_ended(logs), logs.gateway.memory_kb("VmRSS")
    readers = [begin(logs, BIG + "csv"), begin(logs, BIG + "ndjson")]
    said = [logs.api.get(BIG + "csv", logs.people.admin.key) for _ in range(10)]
    assert {a.status for a in said} == {503} and {a.json["code"] for a in said} == {"busy"}
    assert all(int(a.headers.get("retry-after")) > 0 for a in said)
    eventually(lambda: logs.database.value(RUNNING) == 0, "nothing is asked while nobody reads")
    # Sanitizers keep what was freed.
    assert SANITIZED or logs.gateway.memory_kb("VmRSS") - memory < 12 * 1024
    # Changes do not wait for them.
    token = logs.people.tokens["one"][1]
    assert logs.api.post(f"/api/tokens/{token.id}/disable", logs.people.admin.key).status == 200
    assert logs.api.post(f"/api/tokens/{token.id}/enable", logs.people.admin.key).status == 200
    bodies = [b"".join(r.read_chunks()).decode() for r in readers]
    assert len(table(bodies[0])) == ROWS and bodies[1].count("\n") == ROWS
    assert [e["ended"] for e in ends(logs, before + 2)[:2]] == ["whole", "whole"]


@pytest.mark.sanitizer
def test_who_leaves_is_asked_for_no_longer(logs):
    before = n_ended(logs)
    reader = begin(logs, BIG + "csv")
    reader.close()
    end = ends(logs, before + 1)[0]
    assert end["ended"] == "left" and end["rows"] < ROWS
    eventually(lambda: logs.database.value(RUNNING) == 0, "nothing runs any more")
    assert export(logs, BIG + "ndjson").status == 200


@pytest.mark.sanitizer
def test_one_that_breaks_is_cut_before_its_last_chunk(logs):
    before = n_ended(logs)
    reader = begin(logs, BIG + "csv")
    eventually(lambda: logs.database.value(RUNNING) == 0, "it waits for its reader")
    # The next page waits for a table, and its session ends.
    other = logs.database.cluster.connect(logs.database.name)
    other.autocommit = False
    other.cursor().execute("LOCK TABLE token_usage_logs_p20261101, token_usage_logs_p20261102")
    chunks = []
    with pytest.raises((WireError, ConnectionError)):
        while logs.database.value(RUNNING) == 0:
            chunks.append(reader.read_chunk())
        logs.database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
                            "'tollgate manager exports' AND state = 'active'")
        while True:
            chunks.append(reader.read_chunk())
            assert chunks[-1], "it ended politely"
    other.close()
    end = ends(logs, before + 1)[0]
    assert end["ended"] == "broken" and end["rows"] < ROWS
    assert b"".join(chunks).count(b"\r\n") <= end["rows"] + 1
    eventually(lambda: "an export of logs is cut behind" in logs.gateway.log(), "it is told")
    # The only session, unless another test needed a second one: until there is a new one, the answer is 503.
    eventually(lambda: logs.api.exchange("GET", "/api/teams?format=csv", logs.people.admin.key).status == 200, "exports go on")


@pytest.mark.sanitizer
def test_stopping_while_one_begins(logs):
    """The last: the gateway ends here."""
    n_ended(logs)  # no earlier one has a line to come
    other = logs.database.cluster.connect(logs.database.name)
    other.autocommit = False
    other.cursor().execute("LOCK TABLE tollgate_audit")
    client = Client("127.0.0.1", logs.gateway.manager_port)
    client.send_request("GET", BIG + "csv", {"Authorization": f"Bearer {logs.people.admin.key}"}, host=logs.api.host)
    eventually(lambda: logs.database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
                                           "application_name = 'tollgate manager changes'") == 1, "its line waits")
    client.close()
    logs.gateway.terminate()
    assert logs.gateway.wait_exit() == 0
    other.close()
