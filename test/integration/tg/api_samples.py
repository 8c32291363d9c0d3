"""A request for each row of operations.def that an admin may make, on things made for it."""
import copy
import itertools
import re
import secrets
from typing import Any, NamedTuple

from tg.openapi import document


class Request(NamedTuple):
    method: str
    path: str
    json: Any  # None: no body


class Samples:
    """request(row): what it does is done to things of team "one" that nothing else uses."""

    def __init__(self, managed):
        self.managed, self.people = managed, managed.people
        self.document = document()
        self._numbers = itertools.count(1)
        self._call = None

    def unique(self, word):
        return f"{word}-{next(self._numbers)}"

    # --- what paths name ---

    def things(self, method, path):
        """Values of the path's parameters: things of their own, of team "one" where they have a team."""
        people = self.people
        if path.startswith(("/api/tokens/{id}", "/api/usage/token/{id}")):
            return {"id": people.add_token(self.unique("token"), "one").id}
        if path.startswith("/api/teams/{id}/members"):
            return {"id": people.teams["one"], "user_id": people.add(self.unique("member"), one="viewer").id}
        if path.startswith("/api/teams/{id}"):
            return {"id": people.teams["one"] if method == "GET" else self.team()}
        if path.startswith("/api/users/{id}"):
            user = people.add(self.unique("user"), one="viewer")
            return {"id": user.id, "key_id": user.key_id,
                    "session_id": self.session_of(user) if "{session_id}" in path else None,
                    "identity_id": self.identity_of(user) if "{identity_id}" in path else None}
        if path.startswith("/api/access-requests/{id}"):
            return {"id": self.access_request()}
        if "{provider}" in path:
            return {"provider": "away"}
        return {"request_id": self.logged_call()}

    def team(self):
        """One without tokens, which nobody is in."""
        return self.people.ask("people_team_add", None, {"name": self.unique("team")})["id"]

    def session_of(self, user):
        self.people.ask("people_session_start", None, user.id, secrets.token_hex(32), 3600, "a browser")
        return self.managed.database.value("SELECT max(id) FROM tollgate_sessions WHERE user_id = %s", (user.id,))

    def identity_of(self, user):
        return self.people.ask("people_identity_add", None, user.id, "https://issuer.example", self.unique("subject"))["id"]

    def access_request(self):
        return self.managed.database.value(
            "INSERT INTO tollgate_access_requests (issuer, subject, name) VALUES ('https://issuer.example', %s, %s) "
            "RETURNING id", (self.unique("subject"), self.unique("asker")))

    def logged_call(self):
        """The id of a call of team "one"."""
        if self._call is None:
            managed = self.managed
            with managed.gateway.connect(self.people.tokens["one"][0].key) as client:
                client.send_request("GET", "/api/test")
                upstream = managed.upstream.accept()
                upstream.read_request()
                upstream.respond(headers={"Connection": "close"})
                self._call = client.read_response().get("tollgate-request-id")
            managed.database.wait_usage(1)
        return self._call

    def fill(self, row):
        things, path = self.things(row.method, row.path), row.path
        return re.sub(r"{(\w+)}", lambda m: str(things[m.group(1)]), path)

    # --- the rest, by the document's examples ---

    def body(self, operation):
        body = self.document.resolve(operation.spec.get("requestBody"))
        if body is None:
            return None
        content = body["content"]["application/json"]
        example = content["example"] if "example" in content else next(iter(content["examples"].values()))["value"]
        example = copy.deepcopy(example)
        if "name" in example:
            example["name"] = self.unique("sample")
        if "subject" in example:
            example["subject"] = self.unique("subject")
        if operation.id == "createToken":
            example["team_id"] = self.people.teams["one"]
        if operation.id == "lookUpToken":
            example = {"key": self.people.tokens["one"][0].key}
        if operation.id == "createSession":
            example = {"key": self.people.manager.key}
        return example

    def query(self, operation):
        """Parameters that have to be there."""
        parameters = [self.document.resolve(p) for p in operation.spec.get("parameters", ())]
        values = {"path": "/api/test"}
        return "&".join(f"{p['name']}={values[p['name']]}" for p in parameters
                        if p["in"] == "query" and p.get("required"))

    def operation(self, row):
        return next(o for o in self.document.operations if o.id == row.operation_id)

    def body_of(self, row):
        return self.body(self.operation(row))

    def request(self, row):
        operation = self.operation(row)
        query = self.query(operation)
        return Request(row.method, self.fill(row) + ("?" + query if query else ""), self.body(operation))
