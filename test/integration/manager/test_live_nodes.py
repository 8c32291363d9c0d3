"""The live feed over several nodes, and at a node's end."""
import types

import pytest
from tg.api import Api, make_people
from tg.live import LiveReader
from tg.wait import eventually


def call(gateway, token):
    with gateway.connect(token.key) as client:
        return client.call("GET", "/api/test").get("tollgate-request-id")


def works(gateway, token):
    with gateway.connect(token.key) as client:
        return client.call("GET", "/api/test").status == 200


@pytest.mark.sanitizer
def test_two_nodes_and_the_end_of_one(gateways, database, echo_upstream):
    people = make_people(database)
    nodes = [gateways(echo_upstream, node=name) for name in ("a", "b")]
    token = people.tokens["one"][0]
    for node in nodes:
        node.may_keep = 12
        eventually(lambda: works(node, token), "it knows the token")
    here = [types.SimpleNamespace(gateway=node, api=Api(node)) for node in nodes]
    readers = [LiveReader(one, people.viewer.key) for one in here]
    # The first look of a feed finds where it begins: calls until one comes over.
    ids = set()

    def comes_over():
        ids.add(call(nodes[1], token))
        event = readers[0].event()
        return event if event.data["request_id"] in ids else None
    readers[0].sock.settimeout(3)
    other = eventually(lambda: quietly(comes_over), "a call of the other node comes")
    assert other.data["node"] == "b" and other.data["id"] > 0 and other.data["token_name"] == token.name
    readers[0].sock.settimeout(20)
    # Each call once, whoever served it.
    mine, last = call(nodes[0], token), call(nodes[1], token)
    seen = [other.data["request_id"]]
    while last not in seen:
        seen.append(readers[0].event().data["request_id"])
    assert mine in seen and len(seen) == len(set(seen))
    nodes[0].terminate()
    assert readers[0].end() == "shutdown"
    nodes[0].judge()
    readers[1].reset()
    readers[0].close()


def quietly(what):
    try:
        return what()
    except TimeoutError:
        return None
