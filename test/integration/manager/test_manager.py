"""The manager: health, readiness, the usage log's contract, the latest rows."""
import hashlib
import json
import socket
import time

import pytest

from tg.api import make_people
from tg.gateway import MANAGER_KEEPS
from tg.wait import eventually
from tg.wire import Wire, head_bytes

JSON = {"Content-Type": "application/json"}
LOCAL = "127.0.0.1"


@pytest.fixture
def manager(gateways, upstream):
    """The gateway with what these tests need beside it."""
    gateway = gateways(upstream)
    gateway.token_hash = hashlib.sha256(gateway.key.encode()).hexdigest()
    return gateway


def get(gateway, path, headers=(), host=LOCAL, method="GET"):
    with gateway.manager() as client:
        return client.call(method, path, headers, host=host)


def post(gateway, body, headers=JSON, path="/api/usage-log"):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    with gateway.manager() as client:
        return client.call("POST", path, headers, body, host=LOCAL)


def event(gateway, **fields):
    return {"token_hash": gateway.token_hash, "route": "/api/openai",
            "timestamp": int(time.time() * 1000), **fields}


def problem(answer, status, code):
    assert answer.status == status
    assert answer.get("content-type") == "application/json"
    body = answer.json()
    assert body["status"] == status and body["code"] == code
    return body["detail"]


def latest(gateway):
    answer = get(gateway, "/api/usage/test-data")
    assert answer.status == 200
    assert answer.get("content-type") == "application/json"
    body = answer.json()
    assert body["count"] == len(body["rows"])
    return body["rows"]


# --- the process ---

def test_health(manager):
    answer = get(manager, "/health", host="anything.example")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})
    head = get(manager, "/health", method="HEAD")
    assert head.status == 200 and head.get("content-length") == str(len(answer.body))


def test_ready_tells_what_is_behind(manager):
    answer = get(manager, "/ready")
    assert answer.status == 200
    body = answer.json()
    assert body["status"] == "ready" and body["tokens"] == "fresh"


def test_index(manager):
    answer = get(manager, "/")
    assert answer.status == 200 and b"/api/usage-log" in answer.body


def test_unknown_paths_and_methods(manager):
    problem(get(manager, "/nope"), 404, "no_route")
    problem(get(manager, "/health/"), 404, "no_route")
    answer = get(manager, "/api/usage-log")
    problem(answer, 405, "method_not_allowed")
    assert answer.get("allow") == "POST"
    answer = post(manager, b"{}", path="/health")
    problem(answer, 405, "method_not_allowed")
    assert answer.get("allow") == "GET, HEAD"


# --- POST /api/usage-log ---

@pytest.mark.sanitizer
def test_an_event_of_the_older_worker(manager, database):
    sent = event(manager, response_status=429, response_time_ms=812, ip_address="2001:db8::7",
                 user_agent="n8n", request_method="POST", error_message="Too Many Requests")
    answer = post(manager, sent)
    assert (answer.status, answer.json()) == (200, {"status": "logged"})
    row, = database.wait_usage(1)
    for column in ("token_hash", "response_status", "response_time_ms", "ip_address",
                   "user_agent", "request_method", "error_message"):
        assert row[column] == sent[column]
    assert row["route_path"] == "/api/openai"
    epoch = database.value("SELECT (extract(epoch FROM used_at) * 1000)::bigint "
                           "FROM token_usage_logs")
    assert epoch == sent["timestamp"]
    assert row["token_id"] == database.value("SELECT id FROM tokens WHERE name = 'all'")
    eventually(lambda: database.value("SELECT last_used AT TIME ZONE 'UTC' = (SELECT used_at FROM "
                                      "token_usage_logs) FROM tokens WHERE name = 'all'"), "its token's last use")
    for column in ("request_id", "outcome", "total_ms", "bytes_out", "tags"):
        assert row[column] is None


def test_only_three_fields_are_needed(manager, database):
    assert post(manager, event(manager)).json() == {"status": "logged"}
    row, = database.wait_usage(1)
    assert row["response_status"] is None and row["ip_address"] is None


def test_timestamp_in_seconds(manager, database):
    seconds = int(time.time()) - 3600
    assert post(manager, event(manager, timestamp=seconds)).status == 200
    database.wait_usage(1)
    assert database.value("SELECT extract(epoch FROM used_at)::bigint "
                          "FROM token_usage_logs") == seconds


def test_implausible_time_is_replaced_and_marked(manager, database):
    before = time.time()
    assert post(manager, event(manager, timestamp=123)).json() == {"status": "logged"}
    row, = database.wait_usage(1)
    assert row["tags"] == {"time_replaced": True, "timestamp": 123}
    used_at = float(database.value("SELECT extract(epoch FROM used_at) FROM token_usage_logs"))
    assert before - 1 <= used_at <= time.time() + 1


def test_a_far_day_gets_its_partition(manager, database):
    day = int(time.time()) // 86400 - 300
    assert post(manager, event(manager, timestamp=day * 86400000)).status == 200
    database.wait_usage(1)
    name = time.strftime("token_usage_logs_p%Y%m%d", time.gmtime(day * 86400))
    assert database.value("SELECT tableoid::regclass::text FROM token_usage_logs") == name


def test_unknown_tokens_make_no_row(manager, database):
    for unknown in ("test", "", "0" * 64):
        answer = post(manager, {"token_hash": unknown, "route": "/test", "timestamp": 123})
        assert answer.status == 200
        assert answer.json() == {"status": "logged", "stored": False,
                                 "reason": "unknown token_hash"}
    assert get(manager, "/ready").json()["usage_log"]["unknown"] == 3
    assert post(manager, event(manager)).json() == {"status": "logged"}
    database.wait_usage(1)


@pytest.mark.parametrize("body, detail", [
    (b"", "not one JSON object"),
    (b"7", "neither an object nor an array"),
    (b'{"token_hash":"x"} {}', "not one JSON object"),
    ({"route": "/r", "timestamp": 1}, "token_hash is missing"),
    ({"token_hash": "x", "timestamp": 1}, "route is missing"),
    ({"token_hash": "x", "route": "/r"}, "timestamp is missing"),
    ({"token_hash": "x", "route": "/r", "timestamp": "now"}, "timestamp must be a number"),
    ({"token_hash": "x", "route": 5, "timestamp": 1}, "route must be a string"),
])
def test_bad_bodies_are_told_apart(manager, body, detail):
    assert detail in problem(post(manager, body), 400, "bad_request")
    assert get(manager, "/ready").json()["usage_log"]["refused"] == 1


@pytest.mark.parametrize("headers", [
    {},
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "application/jsonp"},
])
def test_other_content_types_are_refused(manager, headers):
    problem(post(manager, b"{}", headers), 415, "unsupported_media_type")


def test_content_type_with_a_parameter(manager):
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert post(manager, event(manager), headers).json() == {"status": "logged"}


def test_pages_of_other_origins_are_refused(manager):
    for origin in ("https://evil.example", "null", f"http://{LOCAL}:1"):
        answer = post(manager, b"{}", {**JSON, "Origin": origin})
        problem(answer, 403, "forbidden")
    answer = post(manager, event(manager), {**JSON, "Origin": f"http://{LOCAL}"})
    assert answer.json() == {"status": "logged"}


def test_large_bodies_are_refused(manager):
    problem(post(manager, b"x" * 65537), 413, "body_too_large")
    body = json.dumps(event(manager, user_agent="u" * 60000)).encode()
    assert post(manager, body).json() == {"status": "logged"}
    client = manager.manager()
    client.send_head("POST", "/api/usage-log", {**JSON, "Transfer-Encoding": "chunked"},
                     host=LOCAL)
    for _ in range(5):
        client.send_chunk(b"y" * 16384)
    problem(client.read_response(), 413, "body_too_large")


@pytest.mark.sanitizer
def test_bodies_in_pieces_on_one_connection(manager, database):
    client = manager.manager()
    body = json.dumps(event(manager)).encode()
    client.send_head("POST", "/api/usage-log", {**JSON, "Content-Length": str(len(body))},
                     host=LOCAL)
    for byte in body:
        client.send(bytes([byte]))
    assert client.read_response().json() == {"status": "logged"}
    client.send_head("POST", "/api/usage-log", {**JSON, "Transfer-Encoding": "chunked"},
                     host=LOCAL)
    for at in range(0, len(body), 7):
        client.send_chunk(body[at:at + 7])
    client.send(b"0\r\n\r\n")
    assert client.read_response().json() == {"status": "logged"}
    database.wait_usage(2)


def test_changes_by_way_of_a_unix_socket(gateways, upstream, database, tmp_path):
    """Whoever calls there has no address. And what is over goes when a gateway starts."""
    path, people = str(tmp_path / "s"), make_people(database)
    database.query("INSERT INTO tollgate_sign_in_codes VALUES (repeat('0', 64), %s, now() - interval '1 s')",
                   (people.viewer.id,))
    gateway = gateways(upstream, start=False)
    gateway.may_keep = MANAGER_KEEPS
    gateway.settings["manager"]["listen"].append(f"unix:{path}")
    gateway.write_config()
    gateway.start()
    for where, fields in (("/api/teams", {"name": "by socket"}), ("/api/session", {"key": people.admin.key})):
        body = json.dumps(fields).encode()
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        with Wire(sock) as client:
            client.send(head_bytes(f"POST {where} HTTP/1.1", [
                ("Host", "localhost"), ("Authorization", f"Bearer {people.admin.key}"), *JSON.items(),
                ("Content-Length", len(body))]) + body)
            assert client.read_head().start.startswith("HTTP/1.1 201 ")
    lines = database.query("SELECT action, actor, address FROM tollgate_audit WHERE action IN "
                           "('team.created', 'session.created') AND actor = 'admin' ORDER BY 1")
    assert [(r["action"], r["address"]) for r in lines] == [("session.created", None), ("team.created", None)]
    eventually(lambda: database.value("SELECT count(*) FROM tollgate_sign_in_codes") == 0, "the code is gone")


def test_a_client_that_leaves_within_its_body(manager, database):
    for _ in range(10):
        client = manager.manager()
        client.send_head("POST", "/api/usage-log", {**JSON, "Content-Length": "100"}, host=LOCAL)
        client.send(b"{")
        client.reset()
    assert post(manager, event(manager)).json() == {"status": "logged"}
    database.wait_usage(1)


def test_a_full_queue_is_told(gateways, upstream, cluster, database):
    gateway = gateways(upstream, usage={"journal_bytes": 2 << 20, "ring_bytes": 65536})
    gateway.token_hash = hashlib.sha256(gateway.key.encode()).hexdigest()
    gateway.expect_error("events dropped")
    gateway.expect_error("usage journal: it is full")
    cluster.stop("immediate")
    taken = 0
    with gateway.manager() as client:
        body = json.dumps(event(gateway, user_agent="u" * 500)).encode()
        while taken < 5000:
            answer = client.call("POST", "/api/usage-log", JSON, body, host=LOCAL)
            if answer.status != 200:
                break
            assert answer.json() == {"status": "logged"}
            taken += 1
    problem(answer, 503, "queue_full")
    assert int(answer.get("retry-after")) > 0
    cluster.start()
    database.wait_usage(taken)


# --- GET /api/usage/test-data ---

def test_latest_rows(manager, database):
    assert latest(manager) == []
    start = int(time.time() * 1000)
    for n in range(25):
        assert post(manager, event(manager, timestamp=start + n,
                                   request_method="M%d" % n)).status == 200
    database.wait_usage(25)
    rows = latest(manager)
    assert [r["request_method"] for r in rows] == ["M%d" % n for n in range(24, 4, -1)]
    row = rows[0]
    assert row["token_name"] == "all" and row["token_hash"] == manager.token_hash
    assert row["used_at"].endswith("Z") and "T" in row["used_at"]
    assert row["route_path"] == "/api/openai" and row["outcome"] is None


def test_a_call_through_the_gateway_shows_up(gateways, echo_upstream):
    """The older system's smoke test."""
    gateway = gateways(echo_upstream, pools={"idle_s": 0.2})
    assert latest(gateway) == []  # the manager's session, which is made now, is no part of the second
    assert gateway.call("GET", "/api/test/hello").status == 200
    row, = eventually(lambda: latest(gateway), "the row", patience_s=1)
    assert row["route_path"] == "/api/test" and row["response_status"] == 200
    assert row["outcome"] == "complete" and row["ip_address"] == "127.0.0.1"


def test_latest_rows_by_another_name(manager):
    problem(get(manager, "/api/usage/test-data", {}, host="manager.example.com"), 403, "forbidden")


@pytest.mark.parametrize("headers", [
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Real-IP": "127.0.0.1"},
    {"Forwarded": "for=127.0.0.1"},
    {"Via": "1.1 nginx"},
])
def test_latest_rows_are_for_this_machine_or_who_is_signed_in(manager, headers):
    problem(get(manager, "/api/usage/test-data", headers), 401, "not_signed_in")


def test_sessions_with_the_database_are_made_when_needed(manager, database):
    def sessions():
        return database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                              "AND starts_with(application_name, 'tollgate manager')")

    assert sessions() == 0
    assert latest(manager) == [] and latest(manager) == []
    assert sessions() == 1


@pytest.mark.sanitizer
def test_latest_rows_without_a_database(manager, cluster):
    manager.expect_error(".")
    cluster.stop("immediate")
    answer = get(manager, "/api/usage/test-data")
    problem(answer, 503, "database_unavailable")
    assert int(answer.get("retry-after")) > 0
    assert get(manager, "/health").status == 200
    cluster.start()
    eventually(lambda: get(manager, "/api/usage/test-data").status == 200, "rows again")


@pytest.mark.sanitizer
def test_clients_that_leave_while_the_database_thinks(manager, cluster, database):
    other = cluster.connect(database.name)
    other.autocommit = False
    other.cursor().execute("LOCK TABLE token_usage_logs IN ACCESS EXCLUSIVE MODE")
    clients = [manager.manager() for _ in range(6)]
    for client in clients:
        client.send_head("GET", "/api/usage/test-data", host=LOCAL)
    eventually(lambda: database.value(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND "
        "relation = 'token_usage_logs'::regclass") >= 2, "queries wait")
    for client in clients[:4]:
        client.reset()
    assert get(manager, "/health").status == 200
    other.rollback()
    other.close()
    for client in clients[4:]:
        assert client.read_response().status == 200
