"""POST /api/usage-log: who is let in, arrays, and the older system's script."""
import hashlib
import json
import os
import shutil
import subprocess
import threading
import time

import pytest

from tg.wait import eventually

JSON = {"Content-Type": "application/json"}
PATH = "/api/usage-log"
LOCAL = "127.0.0.1"
SECRET = "correct-horse.battery_staple~1"
HEADER = "Tollgate-Ingest-Secret"


def sha(key):
    return hashlib.sha256(key.encode()).hexdigest()


def event(gateway, **fields):
    return {"token_hash": sha(gateway.key), "route": "/api/openai",
            "timestamp": int(time.time() * 1000), **fields}


def post(gateway, body, path=PATH, host=LOCAL, **headers):
    with gateway.manager() as client:
        return client.call("POST", path, {**JSON, **headers}, json.dumps(body).encode(), host=host)


def refused(answer):
    assert answer.status == 403 and answer.json()["code"] == "forbidden"
    return answer.json()["detail"]


def counts(gateway):
    with gateway.manager() as client:
        return client.call("GET", "/ready", host=LOCAL).json()["usage_log"]


# --- who ---

@pytest.mark.sanitizer
def test_only_local_callers_without_any_setting(gateways, upstream, database):
    gateway = gateways(upstream)
    detail = refused(post(gateway, event(gateway), host="manager.example"))
    assert "set usage.ingest.secret" in detail
    detail = refused(post(gateway, event(gateway), **{"X-Forwarded-For": "192.0.2.7"}))
    assert "list 192.0.2.7 in usage.ingest.allow" in detail
    refused(post(gateway, event(gateway), path=PATH + "/" + SECRET))
    assert post(gateway, event(gateway)).json() == {"status": "logged"}
    database.wait_usage(1)
    assert counts(gateway)["forbidden"] == 3 and counts(gateway)["refused"] == 0
    warnings = eventually(lambda: [line for line in gateway.log().splitlines() if "was refused" in line], "it is told")
    assert len(warnings) == 1 and "WARN" in warnings[0]


@pytest.mark.parametrize("path", [f"{PATH}/{SECRET}{PATH}", f"{PATH}/{SECRET}/{PATH}", f"/{SECRET}{PATH}",
                                  f"/{SECRET}/{PATH}"])
def test_callers_that_add_the_path_to_an_address_with_the_secret(gateways, upstream, database, path):
    gateway = gateways(upstream, usage={"ingest": {"secret": SECRET}})
    body, host = event(gateway), "manager.example"
    assert post(gateway, body, path, host).json() == {"status": "logged"}
    refused(post(gateway, body, path.replace(SECRET, SECRET + "x"), host))
    refused(post(gateway, body, path.replace(SECRET, ""), host))
    assert gateway.call("POST", path, key="").status in (401, 404)
    database.wait_usage(1)
    eventually(lambda: "/api/usage-log/***" in gateway.log(), "the access log's line")
    assert SECRET not in gateway.log()


@pytest.mark.parametrize("path", [PATH + "/", "/" + PATH])
def test_slashes_alone_are_no_secret(gateway, path):
    detail = refused(post(gateway, event(gateway), path, "manager.example"))
    assert "usage.ingest.secret" in detail


@pytest.mark.sanitizer
def test_the_secret_opens_it_and_is_never_told(gateways, upstream, database):
    gateway = gateways(upstream, usage={"ingest": {"secret": SECRET}})
    body, host = event(gateway), "manager.example"
    assert post(gateway, body, host=host, **{HEADER: SECRET}).json() == {"status": "logged"}
    assert post(gateway, body, PATH + "/" + SECRET, host).json() == {"status": "logged"}
    assert "usage.ingest.secret" in refused(post(gateway, body, host=host))
    for path, headers in [(PATH, {HEADER: SECRET + "x"}), (PATH + "/" + SECRET[:-1], {}),
                          (PATH + "/", {}), (PATH + "/" + SECRET + "/x", {})]:
        assert "not that of" in refused(post(gateway, body, path, host, **headers))
    # Of a wrong call with the right secret nothing is shown either; nor at the wrong port.
    answers = [post(gateway, {"token_hash": 1}, PATH + "/" + SECRET)]
    with gateway.manager() as client:
        answers.append(client.call("GET", PATH + "/" + SECRET, host=LOCAL))
    answers.append(gateway.call("POST", PATH + "/" + SECRET, key=""))
    assert [a.status for a in answers] == [400, 405, 401]
    assert all(SECRET.encode() not in a.head.raw + a.body for a in answers)
    database.wait_usage(2)
    eventually(lambda: "/api/usage-log/***" in gateway.log(), "the access log's line")
    assert SECRET not in gateway.log()


def test_a_reload_changes_the_secret(gateways, upstream, database):
    gateway = gateways(upstream, usage={"ingest": {"secret": SECRET}})
    gateway.settings["usage"]["ingest"]["secret"] = SECRET + "-2"
    gateway.write_config()
    gateway.process.send_signal(1)
    eventually(lambda: post(gateway, event(gateway), host="m.example",
                            **{HEADER: SECRET + "-2"}).status == 200, "the new secret")
    refused(post(gateway, event(gateway), host="m.example", **{HEADER: SECRET}))
    database.wait_usage(1)


def test_listed_addresses_behind_a_proxy(gateways, upstream, database):
    gateway = gateways(upstream, usage={"ingest": {"allow": ["198.51.100.0/24"]}})
    body, host = event(gateway), "manager.example"
    assert post(gateway, body, host=host, **{"X-Forwarded-For": "198.51.100.9"}).status == 200
    refused(post(gateway, body, host=host, **{"X-Forwarded-For": "198.51.100.9, 192.0.2.1"}))
    refused(post(gateway, body, host=host))
    database.wait_usage(1)


# --- arrays ---

@pytest.mark.sanitizer
def test_an_array(gateways, upstream, database):
    gateway = gateways(upstream)
    now = int(time.time())
    answer = post(gateway, [event(gateway, request_method="A"),
                            event(gateway, token_hash="0" * 64),
                            event(gateway, timestamp=now - 60, request_method="B"),
                            event(gateway, timestamp=5, request_method="C"),
                            event(gateway, token_hash="test")])
    assert answer.status == 200
    assert answer.json() == {"status": "logged", "logged": 3, "unknown": 2, "unknown_at": [1, 4],
                             "time_replaced": 1}
    rows = database.wait_usage(3)
    assert [r["request_method"] for r in rows] == ["A", "B", "C"]
    assert rows[2]["tags"] == {"time_replaced": True, "timestamp": 5}
    assert post(gateway, []).json()["logged"] == 0


def test_a_fault_refuses_the_whole_array(gateways, upstream, database):
    gateway = gateways(upstream)
    good, bad = event(gateway), event(gateway, response_status=1000)
    answer = post(gateway, [good, bad, good, 5])
    assert answer.status == 400
    assert answer.json()["detail"] == (
        "[1].response_status must be between 100 and 999; [3] is not an object "
        "(nothing of the array was taken)")
    assert post(gateway, [good] * 300).json()["logged"] == 300
    database.wait_usage(300)
    assert counts(gateway)["refused"] == 1


# --- the older system's ---

SCRIPT = r"""
set -eu
now=$(date +%s)
routes=(/api/openai /api/perplexity /api/cloudconvert)
statuses=(200 200 200 400 500)
for i in $(seq 0 99); do
    curl -sS --max-time 5 -X POST "$URL/api/usage-log" -H "Content-Type: application/json" -d "{
        \"token_hash\": \"${HASHES[$((i % 2))]}\",
        \"route\": \"${routes[$((i % 3))]}\",
        \"timestamp\": $((now - i * 3600)),
        \"response_status\": ${statuses[$((i % 5))]},
        \"response_time_ms\": $((100 + i)),
        \"ip_address\": \"192.168.1.$((i % 255))\",
        \"user_agent\": \"test\",
        \"request_method\": \"POST\"
    }"
    echo
done
echo "now $now"
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_known_script_makes_its_100_rows(gateways, upstream, database, keys):
    gateway = gateways(upstream)
    hashes = f"HASHES=({sha(keys['all'])} {sha(keys['test'])})\n"
    done = subprocess.run(["bash", "-c", hashes + SCRIPT], capture_output=True, text=True,
                          timeout=60, check=True, env={
                              "PATH": os.environ["PATH"],
                              "URL": f"http://localhost:{gateway.manager_port}"})
    lines = done.stdout.split("\n")
    assert lines[:100] == ['{"status":"logged"}'] * 100
    now = int(lines[100].split()[1])
    rows = database.wait_usage(100)
    assert {r["token_hash"] for r in rows} == {sha(keys["all"]), sha(keys["test"])}
    times = database.query("SELECT response_time_ms - 100 AS i, "
                           "extract(epoch FROM used_at)::bigint AS at FROM token_usage_logs")
    assert {r["i"]: r["at"] for r in times} == {i: now - i * 3600 for i in range(100)}
    assert sorted({r["response_status"] for r in rows}) == [200, 400, 500]


# --- once ---

def once(database, names):
    """The rows of request_ids, and that there is one of each."""
    rows = database.wait_usage(len(names))
    assert sorted(r["request_id"] for r in rows) == sorted(names)


def test_a_request_id_counts_once(gateways, upstream, database):
    gateway = gateways(upstream)
    for _ in range(3):
        assert post(gateway, event(gateway, request_id="a")).json() == {"status": "logged"}
    assert post(gateway, [event(gateway, request_id=i) for i in "abcb"]).json()["logged"] == 4
    once(database, "abc")
    # Another batch, and one in which everything is known.
    assert post(gateway, event(gateway, request_id="c")).status == 200
    assert post(gateway, event(gateway)).status == 200
    eventually(lambda: database.value("SELECT count(*) FROM token_usage_logs "
                                      "WHERE request_id IS NULL") == 1, "what has no id")
    assert post(gateway, event(gateway, request_id="b")).status == 200
    assert post(gateway, event(gateway, request_id="d")).status == 200
    eventually(lambda: database.value("SELECT count(*) FROM token_usage_logs "
                                      "WHERE request_id = 'd'") == 1, "the last one")
    gateway.judge()
    assert database.value("SELECT count(*) FROM token_usage_logs") == 5
    assert database.value("SELECT count(*) FROM usage_ingest_ids") == 4


def test_ids_are_a_tokens_own(gateways, upstream, database, keys):
    gateway = gateways(upstream)
    assert post(gateway, [event(gateway, request_id="1"),
                          event(gateway, request_id="1", token_hash=sha(keys["test"]))]
                ).json()["logged"] == 2
    assert len({r["token_hash"] for r in database.wait_usage(2)}) == 2


def test_after_a_day_an_id_is_free_again(gateways, upstream, database):
    gateway = gateways(upstream)
    assert post(gateway, event(gateway, request_id="a")).status == 200
    database.wait_usage(1)
    database.query("UPDATE usage_ingest_ids SET seen_at = seen_at - interval '23 hours 59 minutes'")
    database.query("INSERT INTO usage_ingest_ids SELECT gen_random_uuid(), "
                   "now() - interval '49 hours' FROM generate_series(1, 10)")
    assert post(gateway, [event(gateway, request_id="a"), event(gateway, request_id="b")]).status \
        == 200
    database.wait_usage(2)
    assert database.value("SELECT count(*) FROM usage_ingest_ids") == 2  # the old ones went
    database.query("UPDATE usage_ingest_ids SET seen_at = seen_at - interval '1 minute'")
    assert post(gateway, event(gateway, request_id="a")).status == 200
    database.wait_usage(3)


@pytest.mark.sanitizer
def test_repeats_at_two_nodes_and_over_a_restart(gateways, upstream, database):
    nodes = [gateways(upstream, node=f"node-{i}") for i in range(2)]
    names = [f"r{i}" for i in range(400)]

    def send(node, ids, errors):
        try:
            with node.manager() as client:
                for at in range(0, len(ids), 8):
                    body = json.dumps([event(node, request_id=i) for i in ids[at:at + 8]])
                    answer = client.call("POST", PATH, JSON, body.encode(), host=LOCAL)
                    assert answer.status == 200
        except AssertionError as e:
            errors.append(e)

    errors = []
    threads = [threading.Thread(target=send, args=(nodes[i % 2], names[::1 - 2 * (i // 2)],
                                                   errors)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for node in nodes:
        node.judge()  # ends it: all is written
    once(database, names)
    nodes[0].start()
    send(nodes[0], names, errors)
    nodes[0].judge()
    assert not errors
    once(database, names)


@pytest.mark.sanitizer
def test_a_bad_row_beside_repeats(gateways, upstream, database):
    """Halving the batch takes back its claims with it."""
    gateway = gateways(upstream)
    gateway.expect_error("a row was refused")
    database.query("ALTER TABLE token_usage_logs ADD CONSTRAINT odd CHECK "
                   "(request_method <> 'BAD')")
    assert post(gateway, event(gateway, request_id="a")).status == 200
    database.wait_usage(1)
    assert post(gateway, [event(gateway, request_id="b"),
                          event(gateway, request_id="a"),
                          event(gateway, request_id="c", request_method="BAD"),
                          event(gateway, request_id="d"),
                          event(gateway, request_id="b")]).json()["logged"] == 5
    once(database, "abd")
    eventually(lambda: database.value("SELECT count(*) FROM usage_bad_rows") == 1, "the bad one")
    gateway.judge()
    once(database, "abd")


@pytest.mark.sanitizer
def test_ids_over_a_kill(gateways, upstream, cluster, database):
    """Taken while PostgreSQL is away, killed, sent again to the next process: one row each."""
    gateway = gateways(upstream, state_dir="state", tokens={"max_stale_s": 3600})
    gateway.expect_error(".")
    names = [f"k{i}" for i in range(40)]
    assert post(gateway, [event(gateway, request_id=i) for i in names[:20]]).json()["logged"] == 20
    once(database, names[:20])
    eventually(lambda: os.path.exists(os.path.join(gateway.folder, "state", "tokens.snapshot")),
               "a snapshot of the keys")
    cluster.stop("immediate")
    assert post(gateway, [event(gateway, request_id=i) for i in names]).json()["logged"] == 40
    gateway.kill()
    cluster.start()
    gateway.start()
    assert post(gateway, [event(gateway, request_id=i) for i in names]).json()["logged"] == 40
    once(database, names)
    gateway.judge()
    once(database, names)


def test_what_else_an_event_does(gateways, upstream, database):
    """Its token was used; an unknown hash is counted, by its caller's own network."""
    gateway = gateways(upstream, trusted_proxies=["127.0.0.1"],
                       usage={"ingest": {"secret": SECRET}})
    before = database.query("SELECT last_used FROM tokens WHERE token_hash = %s",
                            (sha(gateway.key),))
    assert before == [{"last_used": None}]
    forwarded = {HEADER: SECRET, "X-Forwarded-For": "203.0.113.77"}
    assert post(gateway, event(gateway), **forwarded).json() == {"status": "logged"}
    answer = post(gateway, [event(gateway, token_hash="a" * 64, route=f"/r{i}")
                            for i in range(3)], **forwarded)
    assert answer.json()["unknown_at"] == [0, 1, 2]
    database.wait_usage(1)
    eventually(lambda: database.value("SELECT last_used FROM tokens WHERE token_hash = %s",
                                      (sha(gateway.key),)) is not None, "last_used is set")
    gateway.judge()  # ends it: counters are stored
    assert database.query("SELECT route_path, reason, network, requests::integer "
                          "FROM usage_strangers") == [
        {"route_path": None, "reason": "unknown_token_hash", "network": "203.0.113.0/24",
         "requests": 3}]


def test_what_a_full_lane_refuses_is_counted_once(gateways, upstream, cluster, database):
    """Events with a request_id are expected again; the others are lost, all of the array."""
    gateway = gateways(upstream, usage={"journal_bytes": 2 << 20, "ring_bytes": 65536},
                       tokens={"max_stale_s": 3600})
    gateway.expect_error(".")
    cluster.stop("immediate")
    while post(gateway, event(gateway, user_agent="u" * 500)).status == 200:
        pass
    answer = post(gateway, [event(gateway, request_id=f"again-{i}") for i in range(7)])
    assert answer.status == 503
    answer = post(gateway, [event(gateway, route="/api/lost") for _ in range(5)])
    assert answer.status == 503 and answer.json()["code"] == "queue_full"
    cluster.start()
    eventually(lambda: post(gateway, event(gateway, request_id="again-0")).status == 200,
               "there is room again")
    gateway.judge()
    assert database.query(
        "SELECT route_path, sum(dropped)::integer AS dropped, min(t.token_hash) AS token_hash "
        "FROM usage_gaps AS g JOIN tokens AS t ON t.id = g.token_id GROUP BY 1 ORDER BY 1") == [
        {"route_path": "/api/lost", "dropped": 5, "token_hash": sha(gateway.key)},
        {"route_path": "/api/openai", "dropped": 1, "token_hash": sha(gateway.key)}]
    assert database.value("SELECT count(*) FROM token_usage_logs "
                          "WHERE request_id = 'again-0'") == 1
