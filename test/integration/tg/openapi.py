"""docs/openapi.yaml and the table of operations, as tests compare answers with them."""
import functools
import json
import os
import re
import subprocess
import sys
from typing import NamedTuple
from urllib.parse import urlsplit

import jsonschema

from tg.api import STREAM, Api
from tg.gateway import ROOT

METHODS = ("get", "put", "post", "delete", "patch")
TABLE = os.path.join(ROOT, "gateway", "api", "operations.def")
ROW = re.compile(r'^\s*OPERATION\(\s*(\w+),\s*(\w+),\s*"([^"]*)",\s*(\w+),\s*(\w+)\s*\)', re.M)
LISTED = re.compile(r'^\s*X\(\w+,\s*"(\w+)",\s*(\d+)', re.M)


class Row(NamedTuple):
    """A line of operations.def."""
    id: str
    method: str
    path: str
    may: str
    body: str

    @property
    def operation_id(self):
        first, *rest = self.id.split("_")
        return first + "".join(word.capitalize() for word in rest)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def read_table():
    text = read(TABLE)
    rows = [Row(*found) for found in ROW.findall(text)]
    assert len(rows) == len(re.findall(r"^\s*OPERATION\(", text, re.M))
    return rows


def read_problems():
    """{code: status} of all that the gateway answers itself (gateway/http/problem.h)."""
    text = read(os.path.join(ROOT, "gateway", "http", "problem.h")).replace("\\\n", "\n")
    return {code: int(status) for code, status in LISTED.findall(text)}


PROBLEMS = read_problems()


@functools.lru_cache(None)
def pattern_of(path):
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))


class Operation(NamedTuple):
    id: str
    method: str
    path: str
    spec: dict

    def fits(self, path):
        """Whether it is what a request's path means; a fixed segment goes before a parameter."""
        return pattern_of(self.path).fullmatch(path) is not None


# Beside properties and allOf, what may name members of an object.
NAMING = {"patternProperties", "additionalProperties", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas",
          "$dynamicRef"}


def names_of(schema, schemas):
    """Members that an object of the schema may have, those of its parts as well; None: not so easily told."""
    if NAMING & set(schema):
        return None
    parts = [names_of(part, schemas) for part in schema.get("allOf", ())]
    if "$ref" in schema:
        parts.append(names_of(schemas[schema["$ref"].removeprefix("#/components/schemas/")], schemas))
    return None if None in parts else set(schema.get("properties", ())).union(*parts)


def closed(schema, schemas, inner=False):
    """The schema without members that it does not name: answers may have none, either. What is a part
    of others (x-part) stays open: they are closed as a whole.

    By additionalProperties wherever all names are known: for unevaluatedProperties, jsonschema holds the value
    against each part twice more, at every depth anew."""
    if isinstance(schema, list):
        return [closed(one, schemas, inner) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {}
    for name, value in schema.items():
        if name in ("properties", "patternProperties", "schemas", "$defs"):
            out[name] = {key: closed(one, schemas) for key, one in value.items()}
        elif name in ("example", "examples", "enum", "const", "default"):
            out[name] = value
        else:
            out[name] = closed(value, schemas, inner=name == "allOf")
    if not inner and not schema.get("x-part") and ("properties" in out or "allOf" in out) and "additionalProperties" not in out:
        names = names_of(schema, schemas)
        if names is None:
            out["unevaluatedProperties"] = False
        else:
            out["properties"] = {**dict.fromkeys(names, True), **out.get("properties", {})}
            out["additionalProperties"] = False
    return out


class Document:
    def __init__(self):
        script = os.path.join(ROOT, "common", "yaml_to_json.py")
        done = subprocess.run([sys.executable, script, os.path.join(ROOT, "docs", "openapi.yaml")],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self.json = json.loads(done.stdout)
        self.operations = [Operation(spec["operationId"], method.upper(), path, spec)
                           for path, item in self.json["paths"].items()
                           for method, spec in item.items() if method in METHODS]
        self._checkers = {}
        self._schemas = closed({"schemas": self.json["components"]["schemas"]}, self.json["components"]["schemas"])

    def find(self, method, target):
        path = urlsplit(target).path
        fitting = [o for o in self.operations if o.method == method.replace("HEAD", "GET") and o.fits(path)]
        return min(fitting, key=lambda o: o.path.count("{"), default=None)

    def resolve(self, thing):
        while isinstance(thing, dict) and set(thing) == {"$ref"}:
            found = self.json
            for part in thing["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            thing = found
        return thing

    def validate(self, schema, value, about=""):
        text = json.dumps(schema)
        if text not in self._checkers:
            whole = {"components": self._schemas, **closed(schema, self.json["components"]["schemas"])}
            self._checkers[text] = jsonschema.Draft202012Validator(whole, format_checker=FORMATS)
        checker = self._checkers[text]
        # The deepest first: what encloses it is not as told, either.
        faults = sorted(checker.iter_errors(value), key=lambda e: -len(e.absolute_path))
        assert not faults, f"{about}: at {'/'.join(map(str, faults[0].absolute_path))}: {faults[0].message[:600]}"

    def answer_of(self, operation, status):
        answers = operation.spec["responses"]
        found = answers.get(str(status), answers.get("default") if status >= 400 else None)
        assert found is not None, f"{operation.id} does not document {status}"
        return self.resolve(found)

    def problems_of(self, operation):
        """Its own, and those that the document tells of all of its kind."""
        shared = self.json["x-problems"]
        signed_in = {"bearer": []} in operation.spec.get("security", self.json["security"])
        return {*operation.spec.get("x-problems", ()), *shared["every"],
                *(shared["signed_in"] + shared["database"] if signed_in else ()),
                *(shared["body"] if "requestBody" in operation.spec else ())}

    def check(self, operation, status, value, about=""):
        """An answer's status and JSON (None: no body) are as the document tells."""
        about = f"{operation.id} {status} {about}"
        content = self.answer_of(operation, status).get("content", {})
        if value is None:
            assert not content or status == 204 or STREAM in content, f"{about}: no body"
            return
        assert "application/json" in content, f"{about}: a body that the document does not tell: {value}"
        self.validate(content["application/json"]["schema"], value, about)
        check_times(value, about)
        if status >= 400:
            assert value["code"] in self.problems_of(operation), f"{about}: {value}"
            assert status == PROBLEMS[value["code"]], f"{about}: {value}"


FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_time(value):
    """RFC 3339, in UTC."""
    return not isinstance(value, str) or \
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", value) is not None


# Names of numbers that are times, whose unit is missing.
UNITLESS = re.compile(r"(^|_)(age|lag|ms|s|us|time|wait|life|lifetime|duration|grace|timeout|ttl|elapsed|latency|uptime)$")
UNIT = re.compile(r"\w_(ms|us|s)$")


def check_times(value, about):
    """Whatever ends in _at is RFC 3339 in UTC; numbers that are durations end in their unit."""
    if isinstance(value, list):
        for one in value:
            check_times(one, about)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name.endswith("_at") and isinstance(one, str):
                assert is_time(one), f"{about}: {name}: {one}"
            if isinstance(one, (int, float)) and not isinstance(one, bool):
                assert UNIT.search(name) or not UNITLESS.search(name), f"{about}: {name} has no unit"
            check_times(one, about)


@FORMATS.checks("int64")
def is_int64(value):
    return not isinstance(value, int) or -2**63 <= value < 2**63


@functools.lru_cache(maxsize=1)
def document():
    return Document()


# Names the folder where the processes of one run keep what they have seen.
SEEN = "TOLLGATE_TEST_SEEN"
# Declared answers that other tests see, which call the manager as a plain HTTP client.
ELSEWHERE = {("getIndex", "200"): "manager/test_manager.py: test_index",
             ("logUsage", "queue_full"): "manager/test_ingest.py: test_what_a_full_lane_refuses_is_counted_once"}


def unseen(folder):
    """What an operation is declared to answer, its own statuses and problems, and no test of a run
    has seen."""
    seen = set(ELSEWHERE)
    for name in os.listdir(folder):
        seen |= {tuple(line.split()) for line in read(os.path.join(folder, name)).splitlines()}
    declared = {(o.id, told) for o in document().operations
                for told in [*o.spec.get("x-problems", ()), *(s for s in o.spec["responses"] if s < "400")]}
    return sorted(declared - seen)


class CheckedApi(Api):
    """Each answer is held against the document, and kept for unseen()."""

    def __init__(self, gateway):
        super().__init__(gateway)
        self.document, self.seen = document(), set()

    def _keep(self, seen):
        if seen not in self.seen and SEEN in os.environ:
            with open(os.path.join(os.environ[SEEN], str(os.getpid())), "a", encoding="utf-8") as f:
                f.write(" ".join(seen) + "\n")
        self.seen.add(seen)

    def call(self, method, path, key=None, json=None, **how):
        answer = super().call(method, path, key, json, **how)
        self.check(method, path, answer.status, answer.json)
        return answer

    def check(self, method, path, status, json):
        """The same of an answer that another client had."""
        operation = self.document.find(method, path)
        if operation is not None and method != "HEAD":
            self.document.check(operation, status, json, f"{method} {path}")
            self._keep((operation.id, json["code"] if status >= 400 else str(status)))
