"""GET /api/nodes, and a key that is revoked for certain."""

import pytest

from tg.api import Api, make_people
from tg.wait import eventually

WORKERS = 2


def test_the_nodes(managed):
    api, people = managed.api, managed.people
    for who in (people.admin, people.viewer):
        status, _, page = eventually(lambda who=who: (lambda a: a if a.json["items"] else None)(
            api.get("/api/nodes", who.key)), "it has reported")
        assert status == 200 and page["next"] is None
        node, = page["items"]
        assert node["state"] == "live" and node["tokens"]["generation"] > 0
    assert api.get("/api/nodes", people.stranger.key).json["code"] == "no_role"
    assert api.get("/api/nodes").status == 401


@pytest.mark.sanitizer
def test_a_revocation_that_is_confirmed(gateways, echo_upstream, database):
    two = [gateways(echo_upstream, workers=WORKERS, node=name) for name in ("a", "b")]
    people, api = make_people(database), Api(two[0])
    tokens = [*people.tokens["one"], *people.tokens["two"]]
    eventually(lambda: [n["tokens"]["is_newest"] for n in api.get("/api/nodes", people.admin.key).json["items"]]
               == [True, True], "both have all keys")

    def answers(token):
        """Of both nodes, as many as reach each worker."""
        return {g.call("GET", "/api/test/x", key=token.key).status for g in two for _ in range(3 * WORKERS)}

    def change(token, verb, wait):
        return api.post(f"/api/tokens/{token.id}/{verb}?wait={wait}", people.admin.key)

    def confirmed(answer):
        return [n["name"] for n in answer.json["confirmed"]], answer.json["complete"]

    for verb, status in (("disable", 401), ("enable", 200), ("revoke", 401)):
        answer = change(tokens[0], verb, 10000)
        assert answer.status == 200 and answer.json["silent"] == [] and confirmed(answer) == (["a", "b"], True)
        assert all(n["after_ms"] >= 0 for n in answer.json["confirmed"]) and answer.json["id"] == tokens[0].id
        assert answers(tokens[0]) == {status}
    assert "confirmed" not in change(tokens[1], "revoke", 0).json
    for wrong in ("x", "-1", "10001", ""):
        refused = change(tokens[2], "revoke", wrong)
        assert refused.status == 400 and refused.json["errors"][0]["parameter"] == "wait"
    assert answers(tokens[2]) == {200}
    two[1].stand_still()
    try:
        answer = change(tokens[3], "revoke", 1000)
        assert confirmed(answer) == (["a"], False)
        silent, = answer.json["silent"]
        assert silent["name"] == "b" and silent["reported_at"].endswith("Z")
        assert two[0].call("GET", "/api/test/x", key=tokens[3].key).status == 401
    finally:
        two[1].go_on()
    eventually(lambda: answers(tokens[3]) == {401}, "the other has heard of it")
