"""Every operation with wrong and hostile input: refused for what it is, never 500, nothing of it in the log."""
import copy
import json
import re
from typing import NamedTuple
from urllib.parse import quote

import pytest

from tg.api import make_key
from tg.api_samples import Samples
from tg.openapi import CheckedApi, document, read_table

ROWS = read_table()
DOCUMENT = document()
CHANGES = [row for row in ROWS if row.method != "GET"]
WITH_BODY = [row for row in ROWS if row.body == "JSON"]
# Rows that are asked who calls, by key or cookie.
SIGNED_IN = [row for row in ROWS if row.may not in ("ANYONE", "INGEST", "HOLDER")]
NAMED = [row for row in ROWS if row.path.startswith("/api/") and row.may != "INGEST"]
# Providers send what they like along; its own faults are in sign_in/test_by_provider.py.
STRICT = [row for row in NAMED if row.id != "finish_sign_in"]
# Whoever brings nothing that is right is not let in there.
REFUSES = {"finish_sign_in": (401, 429)}

IDS = ["x", "0", "-1", "1.0", "1e3", "0x1", " 1", "9223372036854775807", "9223372036854775808", "1" * 200, "1;DROP TABLE tokens",
       "1' OR '1'='1", "\x00", "1\x00", "..", "%2e%2e", "\u202e", "٣"]
TEXTS = ["'; DROP TABLE tokens; --", "' OR '1'='1", "$1", "\\", '"', "{}", "%s%n%x", "a\nERROR forged line", "a\r\nSet-Cookie: x=y",
         "\x1b[31mred", "\x00", "\u202eright to left", "\ud800", "x" * 5000, "", " ", "null", "1e999", "-0", "~", "../../etc/passwd"]
VALUES = [*TEXTS, "x" * 10240, None, True, 0, -1, 1.5, 2**53 + 1, 2**63, 10**30, [], {}, [[]], ["x"] * 2000, {"a": {"a": {}}}]


@pytest.fixture(scope="module")
def api(managed):
    return CheckedApi(managed.gateway)


@pytest.fixture(scope="module")
def samples(managed):
    return Samples(managed)


@pytest.fixture(scope="module", autouse=True)
def judge(managed):
    yield
    log = managed.gateway.log()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", log), "a raw control character in the log"
    assert not re.search(r"^ERROR forged", log, re.M)
    assert not re.search(r"tgu_[0-9A-Za-z]{38}", log)
    tables = managed.database.query("SELECT to_regclass('public.tokens') AS t, to_regclass('public.tollgate_users') AS u")
    assert all(tables[0].values())


def ids(row):
    return getattr(row, "id", None)


def key_of(managed, row):
    return managed.people.tokens["one"][0].key if row.may == "HOLDER" else managed.people.admin.key


def sent(managed, api, row, request, **how):
    """The answer, checked against the document; a text has no JSON."""
    how = {"key": key_of(managed, row), "json": request.json, **how}
    if row.id == "finish_sign_in":  # what fails there counts, for none of the others
        how["headers"] = [("X-Forwarded-For", "192.0.2.1")]
    call = api.exchange if row.path == "/" else api.call
    answer = call(request.method, how.pop("path", request.path), how.pop("key"), how.pop("json"), **how)
    assert answer.status != 500
    return answer


def pointers(answer):
    return [e["pointer"] for e in answer.json["errors"]]


def is_told(answer, name):
    """Whether the member of the body, or something in it, is named."""
    return any(p == f"#/{name}" or p.startswith(f"#/{name}/") for p in pointers(answer))


# --- the gate ---

@pytest.mark.parametrize("row", NAMED, ids=ids)
def test_another_name_of_this_address_is_refused(managed, api, samples, row):
    """DNS rebinding: a page's name that now leads here."""
    request = samples.request(row)  # which changes nothing while it is refused
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1:8000"):
        answer = sent(managed, api, row, request, host=host)
        assert (answer.status, answer.json["code"]) == (403, "forbidden"), host


@pytest.mark.parametrize("row", CHANGES, ids=ids)
def test_another_site_cannot_post(managed, api, samples, row):
    request = samples.request(row)
    for fields in ([("Origin", "https://evil.example")], [("Origin", "null")], [("Origin", f"http://{api.host}.evil.example")],
                   [("Origin", f"http://{api.host}")] * 2, [("Sec-Fetch-Site", "cross-site")]):
        answer = sent(managed, api, row, request, headers=fields)
        assert (answer.status, answer.json["code"]) == (403, "forbidden"), fields


def room(row):
    """Bytes of a body; strangers have little (gateway/manager/call.h)."""
    return 4096 if row.may == "ANYONE" else 1 << 20


@pytest.mark.parametrize("row", WITH_BODY, ids=ids)
def test_bodies_that_are_none(managed, api, samples, row):
    request = samples.request(row)
    plain = {"json": None, "body": json.dumps(request.json).encode()}
    for media in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
        answer = sent(managed, api, row, request, **plain, headers=[("Content-Type", media)])
        assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type"), media
    for text in (b"{", b"[]", b"1", b'"x"', b"null", b"{'a': 1}", b'{"a": 01}', b'{"a": "\x01"}', b"\xff", b'{"a": "\xff"}',
                 b"\x00", b"{}x", b"[" * 10000, b'{"a":' * 10000, b'{"a": NaN}'):
        answer = sent(managed, api, row, request, json=None, body=text)
        expected = (400, "invalid_field") if len(text) <= room(row) else (413, "body_too_large")
        assert (answer.status, answer.json["code"]) == expected, text[:40]


@pytest.mark.parametrize("row", WITH_BODY, ids=ids)
def test_a_body_beyond_the_bound(managed, api, samples, row):
    request = samples.request(row)
    answer = sent(managed, api, row, request, json=None, body=b'{"a": "' + b"x" * (1 << 20) + b'"}')
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("row", WITH_BODY, ids=ids)
def test_members_that_nobody_knows(managed, api, samples, row):
    request = samples.request(row)
    answer = sent(managed, api, row, request, json={**request.json, "nobody_knows": 1, "'; --": {}})
    assert (answer.status, answer.json["code"]) == (400, "invalid_field")
    assert {"#/nobody_knows", "#/'; --"} <= set(pointers(answer))


@pytest.mark.parametrize("row", WITH_BODY, ids=ids)
def test_members_that_stand_twice(managed, api, samples, row):
    request = samples.request(row)
    text = json.dumps(request.json)
    first = next(iter(request.json), None)
    if first is None:
        pytest.skip("its body has no member")
    twice = text[:-1] + f", {json.dumps(first)}: {json.dumps(request.json[first])}}}"
    answer = sent(managed, api, row, request, json=None, body=twice.encode())
    assert (answer.status, answer.json["code"]) == (400, "invalid_field")


@pytest.mark.parametrize("row", STRICT, ids=ids)
def test_parameters_that_nobody_knows(managed, api, samples, row):
    request = samples.request(row)
    more = request.path + ("&" if "?" in request.path else "?")
    for text in ("nobody_knows=1", "nobody_knows=1&nobody_knows=2", "%00=1", "%", "a=%ff", "limit=1%0aERROR forged"):
        answer = sent(managed, api, row, request, path=more + text.replace(" ", "%20"))
        assert (answer.status, answer.json["code"]) == (400, "invalid_field"), text
        assert all("parameter" in e for e in answer.json["errors"])


# --- values ---

@pytest.mark.parametrize("row", [r for r in ROWS if "{" in r.path], ids=ids)
def test_ids_that_are_none(managed, api, samples, row):
    for value in IDS:
        request = samples.request(row)
        path = re.sub(r"{\w+}", quote(value, safe="%"), row.path)
        answer = sent(managed, api, row, request, path=path)
        assert answer.status in (400, 404), value


@pytest.mark.parametrize("row", [r for r in ROWS if r.path.count("{") > 1 and "{user_id}" not in r.path],
                         ids=ids)
def test_ids_of_something_else(managed, api, samples, row):
    """The second of the path's things is not the first one's."""
    request = samples.request(row)
    own, foreign = samples.fill(row), samples.fill(row)
    path = "/".join(a if i < own.count("/") else b
                    for i, (a, b) in enumerate(zip(own.split("/"), foreign.split("/"))))
    answer = sent(managed, api, row, request, path=path)
    assert answer.status in (400, 404)


def operation_of(row):
    return next(o for o in DOCUMENT.operations if o.id == row.operation_id)


def query_names(row):
    return [p["name"] for p in map(DOCUMENT.resolve, operation_of(row).spec.get("parameters", ()))
            if p["in"] == "query"]


@pytest.mark.parametrize("row", [r for r in ROWS if query_names(r)], ids=ids)
def test_hostile_parameters(managed, api, samples, row):
    for name in query_names(row):
        request = samples.request(row)
        path, _, query = request.path.partition("?")
        rest = [part for part in query.split("&") if part and not part.startswith(name + "=")]
        for value in TEXTS:
            encoded = quote(value.encode("utf-8", "surrogatepass"), safe="")
            answer = sent(managed, api, row, request, path=path + "?" + "&".join([*rest, f"{name}={encoded}"]))
            assert answer.status in (200, 204, 400, 404, 409, *REFUSES.get(row.id, ())), (name, value)


def mutated(value, text):
    """Each value with one of the texts in it changed; and with each member of another type."""
    if isinstance(value, dict):
        for name in value:
            for other in mutated(value[name], text):
                yield {**value, name: other}
    elif isinstance(value, list):
        for i, one in enumerate(value):
            for other in mutated(one, text):
                yield [*value[:i], other, *value[i + 1:]]
    else:
        yield text


@pytest.mark.parametrize("row", WITH_BODY, ids=ids)
def test_hostile_members(managed, api, samples, row):
    request = samples.request(row)
    for value in VALUES:
        for body in mutated(copy.deepcopy(samples.body_of(row)), value):
            answer = sent(managed, api, row, request, json=body)
            if answer.status < 400:  # done, so the next has another thing to do it to
                request = samples.request(row)
            if len(json.dumps(body)) > room(row):
                assert answer.status == 413, body
                continue
            assert answer.status in (200, 201, 204, 400, 401, 403, 404, 409), body
            if answer.status == 400:
                assert answer.json["errors"], body


# --- as the document tells ---

class Member(NamedTuple):
    """A declared parameter or member of a body, with what is, and what is not, of its schema."""
    name: str
    schema: dict

    def is_of(self, value):
        try:
            DOCUMENT.validate(self.schema, value)
        except AssertionError:
            return False
        return True


def bodies(row):
    """What a body of the operation may have, and what it must have."""
    content = operation_of(row).spec["requestBody"]
    schema = DOCUMENT.resolve(DOCUMENT.resolve(content)["content"]["application/json"]["schema"])
    return [Member(*item) for item in schema.get("properties", {}).items()], schema.get("required", [])


def queries(row):
    parameters = map(DOCUMENT.resolve, operation_of(row).spec.get("parameters", ()))
    return [Member(p["name"], p["schema"]) for p in parameters if p["in"] == "query"]


def of_text(text):
    """What a parameter's text may mean."""
    meant = [text]
    if text in ("true", "false"):
        meant.append(text == "true")
    if re.fullmatch(r"-?[0-9]+", text):
        meant.append(int(text))
    return meant + [[one] for one in meant]


PARAMETERS = ["", "nobody's word", "true", "false", "-1", "0", "1", "1.5", "201", "1000000000", "9223372036854775808"]


@pytest.mark.parametrize("row", [r for r in ROWS if query_names(r)], ids=ids)
def test_parameters_are_as_declared(managed, api, samples, row):
    """What is not of a parameter's schema is refused by its name."""
    for member in queries(row):
        request = samples.request(row)
        path, _, query = request.path.partition("?")
        rest = [part for part in query.split("&") if part and not part.startswith(member.name + "=")]
        for text in PARAMETERS:
            if any(member.is_of(value) for value in of_text(text)):
                continue
            answer = sent(managed, api, row, request,
                          path=path + "?" + "&".join([*rest, f"{member.name}={quote(text)}"]))
            assert answer.status == 400, (member.name, text)
            assert member.name in [e.get("parameter") for e in answer.json["errors"]], (text, answer.json)


def known(answer, field, name):
    """What there is, as the refusal of a name that is not there tells."""
    detail, = [e["detail"] for e in answer.json["errors"] if e.get(field) == name]
    return set(re.fullmatch(r"there is no such (?:parameter|field); there are (.*)", detail)[1].split(", "))


@pytest.mark.parametrize("row", STRICT, ids=ids)
def test_the_parameters_are_the_declared_ones(managed, api, samples, row):
    request = samples.request(row)
    answer = sent(managed, api, row, request, path=request.path + ("&" if "?" in request.path else "?") + "nobody_knows=1")
    if query_names(row):
        assert known(answer, "parameter", "nobody_knows") == set(query_names(row))
    else:
        assert answer.json["errors"] == [{"parameter": "nobody_knows", "detail": "there are no parameters here; leave it out"}]


@pytest.mark.parametrize("row", WITH_BODY, ids=ids)
def test_the_members_are_the_declared_ones(managed, api, samples, row):
    request = samples.request(row)
    answer = sent(managed, api, row, request, json={**request.json, "nobody_knows": 1})
    assert known(answer, "pointer", "#/nobody_knows") == {member.name for member in bodies(row)[0]}


@pytest.mark.parametrize("row", WITH_BODY, ids=ids)
def test_members_are_as_declared(managed, api, samples, row):
    """What is not of a member's schema is refused by its name, and so is one that is missing."""
    members, needed = bodies(row)
    assert members
    request = samples.request(row)
    for name in needed:
        answer = sent(managed, api, row, request, json={k: v for k, v in request.json.items() if k != name})
        assert answer.status == 400 and f"#/{name}" in pointers(answer), (name, answer.json)
    for member in members:
        for value in VALUES:
            if member.is_of(value):
                continue
            body = {**request.json, member.name: value}
            answer = sent(managed, api, row, request, json=body)
            if len(json.dumps(body)) > room(row):
                assert answer.status == 413, body
                continue
            assert answer.status == 400, body
            # What no JSON of ours may have is found before there are members: told by its place.
            assert is_told(answer, member.name) or value in ("\x00", "\ud800") \
                and re.match(r"line 1, column \d+: ", answer.json["errors"][0]["detail"]), (body, answer.json)


@pytest.mark.parametrize("row", WITH_BODY, ids=ids)
def test_numbers_that_are_none(managed, api, samples, row):
    """JSON has them, no type of ours does."""
    request = samples.request(row)
    for member in bodies(row)[0]:
        for number in ("1e400", "-1e400", "1e-400", "0." + "1" * 400, "1" * 400):
            text = json.dumps({**request.json, member.name: "@"}).replace('"@"', number)
            answer = sent(managed, api, row, request, json=None, body=text.encode())
            assert answer.status == 400, (member.name, number)
            assert is_told(answer, member.name), (member.name, answer.json)


# --- who ---

@pytest.mark.parametrize("row", SIGNED_IN, ids=ids)
def test_keys_that_are_none(managed, api, samples, row):
    if row.may == "LOCAL":
        pytest.skip("those on the same machine need none")
    request = samples.request(row)
    for key in (make_key(), "tgu_" + "0" * 38, "tgu_", "x", "'; DROP TABLE tokens; --", "a.b.c", "e30.e30.", "x" * 9000):
        answer = sent(managed, api, row, request, key=key)
        assert answer.status in (401, 429), key
    for fields in ([("Authorization", "Basic YTpi")], [("Authorization", "Bearer")], [("Cookie", "tollgate_session=x")],
                   [("Cookie", "tollgate_session=" + "x" * 5000)], [("Authorization", "Bearer a"), ("Authorization", "Bearer b")]):
        answer = sent(managed, api, row, request, key=None, headers=fields)
        assert answer.status in (400, 401, 403, 429), fields
