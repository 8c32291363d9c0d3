"""GET /api/nodes."""

from tg.wait import eventually


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
