"""Every list with places and filters that somebody made up: 400, by the parameter's name, and it goes on."""
import base64
import itertools
import json
from urllib.parse import quote, urlencode

import pytest

from tg.api_samples import Samples
from tg.openapi import document, read_table

DOCUMENT = document()
LISTS = [row for row in read_table() if row.method == "GET" and any(
    p["name"] == "after" for p in map(DOCUMENT.resolve, next(
        o for o in DOCUMENT.operations if o.id == row.operation_id).spec.get("parameters", ())))]
SORTS = ["name", "-name", "created_at", "-created_at", "expires_at", "-expires_at", "last_used_at", "-last_used_at"]
RANKS = ["calls", "errors"]


@pytest.fixture(scope="module")
def samples(managed):
    return Samples(managed)


def ids(row):
    return row.id


def parameters(row):
    operation = next(o for o in DOCUMENT.operations if o.id == row.operation_id)
    return [p for p in map(DOCUMENT.resolve, operation.spec["parameters"]) if p["in"] == "query"]


def place(*values):
    """As the list of tokens writes one."""
    text = json.dumps(list(values)) if not isinstance(values[0], bytes) else values[0]
    return base64.urlsafe_b64encode(text if isinstance(text, bytes) else text.encode()).decode().rstrip("=")


def refused(managed, path, parameter):
    answer = managed.api.get(path, managed.people.admin.key)
    assert (answer.status, answer.json["code"]) == (400, "invalid_field"), (path[:300], answer.json)
    assert {e["parameter"] for e in answer.json["errors"]} == {parameter}, (path[:300], answer.json["errors"])


NO_PLACES = ["x", "-1", "1.0", "1e3", "0x1", " 1", "+1", "9223372036854775807", "9" * 30, "1" * 8000, "\x00", "1\x00", "٣", "~", "=", "A",
             "2026-11-01T00:00:00/", "/1", "2026-11-01T00:00:00/-1", "2026-11-01T00:00:00/" + "9" * 19, "2026-13-01T00:00:00/1",
             "9999-11-01T00:00:00/1", "2026-11-01T00:00:00Z/1", "1'", "null", "[]", "{}"]


def test_the_lists_are_found():
    assert {"list_tokens", "list_audit", "list_teams", "list_users", "list_user_keys", "list_user_sessions",
            "list_access_requests", "list_usage_logs"} <= {row.id for row in LISTS}


@pytest.mark.parametrize("row", LISTS, ids=ids)
def test_places_that_are_none(managed, samples, row):
    path = samples.request(row).path
    for text in [*NO_PLACES, place("-created_at", "2026-11-01 00:00:00+00", "1") + "=" * 3 + "x"]:
        refused(managed, path + ("&" if "?" in path else "?") + "after=" + quote(text, safe=""), "after")


@pytest.mark.parametrize("row", LISTS, ids=ids)
def test_places_of_other_lists(managed, samples, row):
    path = samples.request(row).path
    places = {"list_tokens": place("-created_at", "2026-11-01 00:00:00+00", "1"),
              "list_usage_logs": "2026-11-01T00:00:00/1"}
    others = [text for of, text in places.items() if of != row.id]
    for text in others + (["17"] if row.id in places else []):
        refused(managed, path + "?after=" + quote(text, safe=""), "after")


def test_places_of_other_orders(managed):
    right = {"name": ["a", "1"], "last_used_at": ["-infinity", "-infinity", "1"], "calls": ["2026-11-01T00:00:00", 1, 1]}
    for sort, of in itertools.product(SORTS + RANKS, repeat=2):
        if sort == of:
            continue
        values = right.get(of.lstrip("-"), right["calls"] if of in RANKS else ["2026-11-01 00:00:00+00", "1"])
        refused(managed, "/api/tokens?" + urlencode({"by" if sort in RANKS else "sort": sort, "after": place(of, *values)}), "after")


@pytest.mark.parametrize("sort", SORTS + RANKS)
def test_places_that_were_made_up(managed, sort):
    times = ["", "x", "never", "2026-13-45", "999999-01-01", "2026-11-01 00:00:00+99", "\x00", None, True, [], {}, ["2026-11-01"], 1e300]
    numbers = ["", "x", "1.5", "1e3", "9223372036854775808", "-9223372036854775809", "9" * 400, "1; DROP TABLE tokens", "\x00", None, True,
               [], {}, 1.5, 10**30]
    if sort in RANKS:
        shape, kinds = ["2026-11-01T00:00:00", 1, 1], [times + ["infinity", "-infinity", "0001-01-01 BC", "9999-01-01"], numbers, numbers]
    elif sort.endswith("name"):
        shape, kinds = ["a", "1"], [["\x00", None, True, [], {}], numbers]
    elif sort.endswith("last_used_at"):
        shape, kinds = ["2026-11-01 00:00:00+00"] * 2 + ["1"], [times, times, numbers]
    else:
        shape, kinds = ["2026-11-01 00:00:00+00", "1"], [times, numbers]
    asked = "/api/tokens?" + urlencode({"by" if sort in RANKS else "sort": sort}) + "&after="
    answer = managed.api.get(asked + place(sort, *shape), managed.people.admin.key)
    assert answer.status == 200, answer.json
    bad = [[sort, *shape[:i], value, *shape[i + 1:]] for i, values in enumerate(kinds) for value in values]
    bad += [[sort], [sort, *shape, "1"], [sort, *shape[:-1]], [*shape], [None, *shape], [[sort], *shape]]
    for values in bad:
        refused(managed, asked + place(*values), "after")
    for text in (b"", b"null", b"1", b'"x"', b"{}", b"[", b"\xff", b"[" * 5000, b"[" * 5000 + b"]" * 900, b'["\\u0000"]', b'["\\ud800"]'):
        refused(managed, asked + (place(text) or "="), "after")


@pytest.mark.parametrize("row", LISTS, ids=ids)
def test_values_as_long_as_a_request_line(managed, samples, row):
    """Of characters that a link has to encode, each three bytes of it."""
    path = samples.request(row).path.partition("?")[0]
    for parameter in parameters(row):
        for length in (256, 4000, 8000):
            if parameter["name"] != "after" or length > 256:
                refused(managed, f"{path}?{parameter['name']}={'/' * length}", parameter["name"])
    assert managed.api.get(path, managed.people.admin.key).status == 200


@pytest.mark.parametrize("row", [r for r in LISTS if any(p["name"] == "q" for p in parameters(r))], ids=ids)
def test_the_longest_search(managed, row):
    for text in ("/" * 255, "é" * 255, "☃" * 255):
        answer = managed.api.get(f"{row.path}?q={quote(text, safe='')}", managed.people.admin.key)
        assert answer.status == 200, answer.json
    refused(managed, f"{row.path}?q={quote('☃' * 256, safe='')}", "q")
