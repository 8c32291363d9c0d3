"""docs/openapi.yaml: well made, the same as the table of operations, and what is served."""
import json
import os
import re
import subprocess
import sys

import jsonschema
import pytest

from tg.gateway import ROOT
from tg.openapi import closed, document, read_problems, read_table

DOCUMENT = document()
ROWS = read_table()
WHO = {"ANYONE": ["anyone"], "INGEST": ["ingest"], "LOCAL": ["local", "viewer", "manager", "admin"],
       "HOLDER": ["key_holder"], "KNOWN": ["signed_in"], "VIEW": ["viewer", "manager", "admin"],
       "MANAGE": ["manager", "admin"], "ADMIN": ["admin"]}
SECURITY = {"ANYONE": [], "INGEST": [{}, {"ingestSecret": []}], "LOCAL": [{}, {"bearer": []}, {"session": []}],
            "HOLDER": [{"gatewayKey": []}, {"bearer": []}]}


def walk(thing, at=""):
    """All objects and lists in the document, with where they are."""
    yield at, thing
    items = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    for name, value in items:
        yield from walk(value, f"{at}/{name}")


def by_id():
    return {o.id: o for o in DOCUMENT.operations}


# --- well made ---

def test_references_lead_somewhere_and_components_are_used():
    used = {value["$ref"] for _, value in walk(DOCUMENT.json) if isinstance(value, dict) and "$ref" in value}
    there = {f"#/components/{kind}/{name}" for kind, things in DOCUMENT.json["components"].items() for name in things
             if kind != "securitySchemes"}
    assert used - there == set()
    assert there - used == set()


def test_schemas_are_schemas():
    whole = {"$defs": {}, "components": DOCUMENT.json["components"]}
    for name, schema in DOCUMENT.json["components"]["schemas"].items():
        try:
            jsonschema.Draft202012Validator.check_schema({**whole, **schema})
        except jsonschema.SchemaError as e:
            raise AssertionError(f"{name}: {e.message}") from e


def test_examples_are_valid():
    count = 0
    for at, thing in walk(DOCUMENT.json):
        if not isinstance(thing, dict) or "/example" in at or "/properties" in at:
            continue
        examples = [e["value"] for e in thing.get("examples", {}).values()] if "schema" in thing else []
        examples += [thing["example"]] if "example" in thing else []
        for example in examples:
            count += 1
            DOCUMENT.validate(thing.get("schema", thing), example, at)
    assert count > 5


def test_requests_are_closed():
    """A member that the server would refuse is not allowed by the document, either."""
    for operation in DOCUMENT.operations:
        body = DOCUMENT.resolve(operation.spec.get("requestBody", {}))
        if not body or operation.id == "logUsage":
            continue
        assert set(body["content"]) == {"application/json"}
        schema = DOCUMENT.resolve(body["content"]["application/json"]["schema"])
        for at, thing in walk(schema):
            if isinstance(thing, dict) and thing.get("type") == "object":
                assert thing.get("additionalProperties") is False, f"{operation.id}{at}"


@pytest.mark.parametrize("schema, value, extra", [
    ({"properties": {"a": {}}}, {"a": 1}, {"b": 1}),
    ({"properties": {"a": {"items": {"properties": {"b": {}}}}}}, {"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 1}]}),
    ({"allOf": [{"$ref": "#/components/schemas/Part"}], "properties": {"b": {}}}, {"p": 1, "q": 1, "b": 1}, {"c": 1}),
    ({"properties": {"b": {}}, "patternProperties": {"^x": {}}}, {"b": 1, "xy": 1}, {"y": 1}),
    ({"properties": {"b": {}}, "oneOf": [{"properties": {"c": {}}, "required": ["c"]},
                                         {"properties": {"d": {}}, "required": ["d"]}]}, None, {"b": 1, "c": 1, "e": 1}),
])
def test_answers_may_have_no_members_that_are_not_told(schema, value, extra):
    part = {"x-part": True, "allOf": [{"properties": {"p": {}}}], "properties": {"q": {}}}
    schema = {"components": {"schemas": {"Part": part}}, **closed(schema, {"Part": part})}
    validator = jsonschema.Draft202012Validator(schema)
    assert value is None or validator.is_valid(value)
    assert not validator.is_valid({**(value or {}), **extra})


def test_bodies_have_examples():
    for operation in DOCUMENT.operations:
        body = DOCUMENT.resolve(operation.spec.get("requestBody", {}))
        for content in body.get("content", {}).values():
            assert "example" in content or "examples" in content, operation.id


def test_problems_are_the_gateways():
    known = read_problems()
    own = set().union(*DOCUMENT.json["x-problems"].values())
    assert own <= set(known)
    for operation in DOCUMENT.operations:
        codes = operation.spec.get("x-problems", [])
        assert set(codes) <= set(known), operation.id
        assert len(codes) == len(set(codes)), operation.id
        statuses = {int(s) for s in operation.spec["responses"] if s.isdigit() and int(s) >= 400}
        told = {known[code] for code in codes}
        assert told - statuses == set(), f"{operation.id}: x-problems without an answer"
        extra = {s for s in statuses - told if "Problem" in str(operation.spec["responses"][str(s)])}
        assert extra == set(), f"{operation.id}: answers without x-problems"


def test_operations_tell_what_they_need_to():
    tags = {t["name"] for t in DOCUMENT.json["tags"]}
    for o in DOCUMENT.operations:
        assert set(o.spec["tags"]) <= tags, o.id
        assert o.spec["summary"][-1] != ".", o.id
        assert any(s.startswith(("2", "302")) for s in o.spec["responses"]), o.id
        assert o.spec["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, o.id
        parameters = [DOCUMENT.resolve(p) for p in o.spec.get("parameters", [])]
        assert {p["name"] for p in parameters if p["in"] == "path"} == set(re.findall(r"{(\w+)}", o.path)), o.id
        names = [(p["in"], p["name"]) for p in parameters]
        assert len(names) == len(set(names)), o.id


# --- the same as the table ---

def test_the_table_and_the_document_have_the_same_operations():
    table = {(row.method, row.path): row.operation_id for row in ROWS}
    told = {(o.method, o.path): o.id for o in DOCUMENT.operations}
    assert {k: v for k, v in table.items() if told.get(k) != v} == {}, "not in docs/openapi.yaml"
    assert {k: v for k, v in told.items() if table.get(k) != v} == {}, "not in operations.def"
    assert len(set(told.values())) == len(told)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_who_may_and_bodies_are_as_the_table_says(row):
    operation = by_id()[row.operation_id]
    assert operation.spec["x-roles"] == WHO[row.may]
    assert operation.spec.get("security") == SECURITY.get(row.may)
    assert ("requestBody" in operation.spec) == (row.body != "NONE")


# --- made and served ---

def test_the_gateway_serves_the_document(managed):
    status, headers, served = managed.api.get("/api/openapi.json")
    assert (status, headers.get("content-type")) == (200, "application/json")
    assert served == DOCUMENT.json


def test_the_index(managed):
    assert managed.api.exchange("GET", "/").status == 200
    assert managed.api.get("/", headers={"Accept": "text/html"}).headers.get("location") == "/dashboard"


@pytest.mark.parametrize("text, why", [
    ("a: 1\na: 2\n", "'a' stands twice"),
    ("a: no\n", "'no' needs quotes"),
    ("a: 2026-11-28\n", "'2026-11-28' needs quotes"),
    ("a: 2026-11-28 12:00:00\n", "needs quotes"),
    ("200: x\n", "is no text"),
    ("a: 010\n", "'010' needs quotes"),
    ("a: [\n", "expected"),
])
def test_yaml_that_reads_in_two_ways_is_refused(tmp_path, text, why):
    (tmp_path / "x.yaml").write_text(text)
    done = subprocess.run([sys.executable, os.path.join(ROOT, "common", "yaml_to_json.py"), str(tmp_path / "x.yaml")],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert why in done.stderr and "line 1" in done.stderr or why == "expected"


def test_yaml_becomes_json(tmp_path):
    (tmp_path / "x.yaml").write_text("a: {b: true, c: null, d: -12, e: 1.5, f: 200 or so, '200': \"1\"}\ng: >-\n  x\n  y\n")
    done = subprocess.run([sys.executable, os.path.join(ROOT, "common", "yaml_to_json.py"), str(tmp_path / "x.yaml")],
                          capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "a": {"b": True, "c": None, "d": -12, "e": 1.5, "f": "200 or so", "200": "1"}, "g": "x y"}
