"""GET /api/self: what the holder of a gateway key may know of it."""
import datetime

import pytest

from tg.api import key_hash, make_key
from tg.usage_data import UTC
from tg.wait import eventually


def own(managed, key, status=200, field="X-API-Key"):
    value = f"Bearer {key}" if field == "Authorization" else key
    answer = managed.api.get("/api/self", headers=[(field, value)])
    assert answer.status == status, answer
    if status == 401:
        assert answer.headers.all("www-authenticate")
    return answer.json


@pytest.fixture
def token(managed):
    """One that the gateway knows."""
    made = managed.people.add_token(f"self {make_key()[-6:]}", "one", ("openai", "test"))
    eventually(lambda: managed.api.get("/api/self", headers=[("X-API-Key", made.key)]).status == 200,
               "the key is known")
    return made


@pytest.mark.parametrize("field", ["X-API-Key", "Authorization"])
def test_what_it_is(managed, token, field):
    answer = own(managed, token.key, field=field)
    assert (answer["id"], answer["name"], answer["state"]) == (token.id, token.name, "active")
    assert answer["scopes"] == ["openai", "test"]
    assert (answer["expires_at"], answer["secret_expires_at"], answer["address_ranges"]) == (None,) * 3
    assert answer["use"]["last_24h"]["calls"] == answer["use"]["last_30d"]["calls"] == 0
    assert answer["use"]["last_24h"]["success_rate"] is None
    assert token.key not in str(answer) and key_hash(token.key) not in str(answer)


def test_its_own_use(managed, token):
    now = datetime.datetime.now(UTC).replace(tzinfo=None)
    rows = [(1, 200, 100), (2, 500, 300), (30, 200, 50), (24 * 29, 404, 10), (24 * 40, 200, 1)]
    for hours, status, ms in rows:
        at = now - datetime.timedelta(hours=hours)
        managed.database.query("SELECT usage_ensure_partition(%s::date)", (at.date(),))
        managed.database.query(
            "INSERT INTO token_usage_logs (token_hash, token_id, route_path, used_at, "
            "response_status, response_time_ms) VALUES (%s, %s, '/api/test', %s, %s, %s)",
            (key_hash(token.key), token.id, at, status, ms))
    eventually(lambda: managed.database.value("SELECT count(*) FROM usage_dirty") == 0,
               "all is counted")
    use = own(managed, token.key)["use"]
    day, month = use["last_24h"], use["last_30d"]
    assert (day["calls"], day["errors"], day["success_rate"], day["mean_ms"]) == (2, 1, 0.5, 200)
    assert (month["calls"], month["errors"], month["success_rate"]) == (4, 2, 0.5)


def test_no_key_or_a_wrong_one(managed):
    good = managed.people.tokens["one"][0].key
    mistyped = good[:10] + ("x" if good[10] != "x" else "y") + good[11:]
    assert managed.api.get("/api/self").json["code"] == "missing_key"
    assert own(managed, make_key("ntk_"), 401)["code"] == "unknown_key"
    assert own(managed, mistyped, 401)["code"] == "malformed_key"
    assert own(managed, managed.people.admin.key, 401)["code"] == "unknown_key"
    assert own(managed, managed.people.admin.key, 401, "Authorization")["code"] == "missing_key"
    for fields in ([("X-API-Key", good)] * 2, [("X-API-Key", good), ("Authorization",
                                                                     f"Bearer {make_key('ntk_')}")]):
        answer = managed.api.get("/api/self", headers=fields)
        assert (answer.status, answer.json["code"]) == (401, "ambiguous_key")
    answer = managed.api.get(f"/api/self?key={good}")
    assert answer.status == 400 and good not in str(answer)


@pytest.mark.parametrize("change, status, code", [
    ("revoked_at = now()", 401, "revoked_key"),
    ("expires_at = now() - interval '1 s'", 401, "expired_key"),
    ("tollgate_disabled_at = now()", 401, "disabled_key"),
    ("tollgate_address_ranges = '{192.0.2.0/24}'", 403, "address_forbidden")])
def test_a_key_that_does_not_count(managed, token, change, status, code):
    """As the gateway says it."""
    managed.database.query(f"UPDATE tokens SET {change} WHERE id = {token.id}")
    field = [("X-API-Key", token.key)]
    eventually(lambda: managed.api.get("/api/self", headers=field).status == status,
               "the change is known")
    assert managed.api.get("/api/self", headers=field).json["code"] == code
    if status == 403:
        answer = managed.api.get("/api/self", headers=field + [("X-Forwarded-For", "192.0.2.7")])
        assert answer.json["address_ranges"] == ["192.0.2.0/24"]


def test_a_replaced_key(managed, token):
    """It tells how long it still works."""
    managed.database.query("UPDATE token_keys SET valid_until = now() + interval '1 hour' "
                           f"WHERE token_id = {token.id}")
    answer = own(managed, token.key)
    left = datetime.datetime.fromisoformat(answer["secret_expires_at"]) - datetime.datetime.now(UTC)
    assert datetime.timedelta(minutes=50) < left <= datetime.timedelta(hours=1)
