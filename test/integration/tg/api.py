"""A client of the manager's API, and people of each role in a database."""
import hashlib
import secrets
from json import dumps, loads
from typing import Any, NamedTuple
from zlib import crc32

from tg.gateway import MANAGER_KEEPS
from tg.wire import Client, Head

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
START_LENGTH = 8
STREAM = "text/event-stream"


# --- keys ---

def make_key(prefix="tgu_"):
    """A new key: tgu_ for people to sign in with, ntk_ of a token (gateway/token/key.h)."""
    text = prefix + "".join(secrets.choice(BASE62) for _ in range(32))
    rest, digits = crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return text + digits


def key_hash(key):
    return hashlib.sha256(key.encode()).hexdigest()


# --- the client ---

class Answer(NamedTuple):
    status: int
    headers: Head  # .get(name), .all(name)
    json: Any      # None: the answer has no body


def _no_member_twice(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a member stands twice: {names}"
    return dict(pairs)


def _no_constant(text):
    raise AssertionError(f"{text} is no JSON")


def strict_json(text):
    """What bytes of JSON say, read as strictly as a program may (RFC 8259)."""
    return loads(text.decode("utf-8"), object_pairs_hook=_no_member_twice, parse_constant=_no_constant)


class Api:
    """Calls a gateway's manager, each on a connection of its own. `key` is sent as a bearer's."""

    def __init__(self, gateway):
        self.gateway = gateway
        gateway.may_keep = MANAGER_KEEPS
        self.host = f"127.0.0.1:{gateway.manager_port}"

    def exchange(self, method, path, key=None, json=None, headers=(), body=None, host=None):
        """The answer as tg.wire has it. json: the body's value; body: its bytes, as they are."""
        fields = list(headers.items()) if isinstance(headers, dict) else list(headers)
        names = [name.lower() for name, _ in fields]
        if key is not None:
            fields.append(("Authorization", f"Bearer {key}"))
        if json is not None:
            body = dumps(json).encode()
        if body is not None and "content-type" not in names:
            fields.append(("Content-Type", "application/json"))
        with Client("127.0.0.1", self.gateway.manager_port) as client:
            client.send_request(method, path, fields, body, host=host or self.host)
            answer = client.read_response_head()
            # A stream has no end: its head is the answer.
            return answer if answer.get("content-type") == STREAM else client.read_rest(answer, method)

    def call(self, method, path, key=None, json=None, **how):
        """An Answer; the test fails where it is no JSON, or may be stored."""
        said = self.exchange(method, path, key, json, **how)
        about = f"{method} {path}: {said.status} {said.body[:500]!r}"
        assert said.get("cache-control") == "no-store", about
        if not said.body:
            assert method == "HEAD" or said.status in (204, 302) or said.get("content-type") == STREAM, about
            return Answer(said.status, said.head, None)
        assert said.get("content-type") in ("application/json", "application/problem+json"), about
        return Answer(said.status, said.head, strict_json(said.body))

    def get(self, path, key=None, **how):
        return self.call("GET", path, key, **how)

    def post(self, path, key=None, json=None, **how):
        return self.call("POST", path, key, json, **how)

    def patch(self, path, key=None, json=None, **how):
        return self.call("PATCH", path, key, json, **how)

    def put(self, path, key=None, json=None, **how):
        return self.call("PUT", path, key, json, **how)

    def delete(self, path, key=None, **how):
        return self.call("DELETE", path, key, **how)

    def pages(self, path, key=None, most=1000):
        """The items of a list, by all of its pages."""
        items = []
        while path is not None:
            status, _, page = self.get(path, key)
            assert status == 200, page
            items += page["items"]
            assert len(items) <= most, f"more than {most} items, and still a next page"
            path = page["next"]
        return items


# --- people ---

class Person(NamedTuple):
    id: int
    name: str
    key: str
    key_id: int


class Token(NamedTuple):
    id: int
    name: str
    key: str


class People:
    """Of each role one, who all have a key:

    admin; manager and viewer of team "one"; other, manager of team "two"; stranger, without any right;
    service, a service user that manages "one". teams: their ids by name. tokens: by the team's name
    two each, and one without a team (None).
    """

    def __init__(self, database):
        self.database = database
        self.teams = {name: self.ask("people_team_add", None, {"name": name})["id"]
                      for name in ("one", "two")}
        self.admin = self.add("admin", is_admin=True)
        self.manager = self.add("manager", one="manager")
        self.viewer = self.add("viewer", one="viewer")
        self.other = self.add("other", two="manager")
        self.stranger = self.add("stranger")
        self.service = self.add("service", kind="service", one="manager")
        self.tokens = {"one": [self.add_token("one-a", "one"), self.add_token("one-b", "one")],
                       "two": [self.add_token("two-a", "two"), self.add_token("two-b", "two")],
                       None: [self.add_token("none", None)]}

    def ask(self, function, *arguments):
        """A function of migrations/functions, by the owner of the database (actor None)."""
        marks = ", ".join(["%s"] * len(arguments))
        return self.database.value(f"SELECT public.{function}({marks})",
                                   [dumps(a) if isinstance(a, dict) else a for a in arguments])

    def add(self, name, kind="person", is_admin=False, **roles):
        """A person with a key; roles: of teams by their names, one="viewer"."""
        user = self.ask("people_user_add", None, {"name": name, "kind": kind, "is_admin": is_admin})
        for team, role in roles.items():
            self.ask("people_member_set", None, self.teams[team], user["id"], role)
        return Person(user["id"], name, *self.add_key(user["id"]))

    def add_key(self, user_id, name="test"):
        """(a further key of somebody, its id)"""
        key = make_key()
        made = self.ask("people_key_add", None, user_id, {
            "name": name, "hash": key_hash(key), "start": key[:START_LENGTH]})
        return key, made["id"]

    def add_token(self, name, team, scopes=("test",)):
        """team: its name, or None."""
        key = make_key("ntk_")
        made = self.database.value(
            "INSERT INTO tokens (name, token_hash, key_start, scopes, tollgate_team_id) "
            "VALUES (%s, %s, %s, %s, %s) RETURNING id",
            (name, key_hash(key), key[:START_LENGTH], list(scopes), self.teams.get(team)))
        return Token(made, name, key)

    def all(self):
        return [self.admin, self.manager, self.viewer, self.other, self.stranger, self.service]

    def keys(self):
        """Every key that stands nowhere but with who holds it."""
        return [p.key for p in self.all()] + [t.key for some in self.tokens.values() for t in some]


def make_people(database):
    return People(database)


# --- a gateway with people, for all tests of a module ---

class Managed:
    """A running gateway whose database has people: .gateway, .database, .upstream, .api, .people."""

    def __init__(self, gateway, upstream, api):
        self.gateway, self.database, self.upstream = gateway, gateway.database, upstream
        self.people = make_people(self.database)
        self.api = api

    def judge(self):
        """At the end: all is given back, and no key stands in the log."""
        log = self.gateway.log()
        for secret in self.people.keys():
            assert secret not in log
            assert key_hash(secret) not in log
        self.gateway.judge()
