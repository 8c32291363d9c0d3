"""The harness itself: the parser is strict, an upstream does what it is told."""
import os
import socket

import pytest

from tg.api import key_hash, make_key, strict_json
from tg.order import LONGEST_FIRST, place_in_line
from tg.problems import assert_problem
from tg.sockets import descriptors, listed, tcp_sockets
from tg.upstream import Upstream, echo
from tg.wire import Client, Wire, WireError


def wire_with(data):
    """A Wire whose peer has sent data and closed."""
    ours, theirs = socket.socketpair()
    theirs.sendall(data)
    theirs.close()
    return Wire(ours)


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 200 OK\nA: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: b",
])
def test_bad_heads_are_refused(head):
    with pytest.raises(WireError):
        wire_with(head).read_head()


@pytest.mark.parametrize("body", [b"5\nhello\r\n", b"0x5\r\nhello\r\n", b"5\r\nhelloXX", b"5 \r\nhello\r\n"])
def test_bad_chunks_are_refused(body):
    with pytest.raises(WireError):
        wire_with(body).read_chunk()


def test_client_and_upstream_talk():
    upstream = Upstream(echo)
    with Client("127.0.0.1", upstream.port) as client:
        for n in (0, 1, 100_000):
            answer = client.call("POST", "/x?y", body=b"z" * n)
            assert answer.status == 200
            assert answer.json()["bytes"] == n
            assert answer.json()["target"] == "/x?y"
    upstream.close()
    assert not upstream.faults


def test_cluster_stops_and_starts(cluster):
    database = cluster.create_database()
    assert database.value("SELECT 1") == 1
    cluster.stop("immediate")
    cluster.start()
    database = cluster.create_database()
    assert database.value("SELECT 1") == 1
    database.drop()


def test_authority_makes_certificates(authority):
    assert authority.server_context(["DNS:localhost", "IP:127.0.0.1"])
    assert authority.server_context(["DNS:localhost"], expired=True)


def test_keys_are_as_the_gateway_makes_them(managed):
    assert_problem(managed.gateway.call("GET", "/api/test", key=make_key("ntk_")), 401, "unknown_key")
    key = make_key("ntk_")
    mistyped = key[:-1] + ("0" if key[-1] != "0" else "1")
    assert_problem(managed.gateway.call("GET", "/api/test", key=mistyped), 401, "malformed_key")


def test_there_are_people_of_each_role(managed):
    people = managed.people
    seen = {who.name: people.ask("people_by_key", key_hash(who.key)) for who in people.all()}
    assert {name: (who["kind"], who["is_admin"], [(t["name"], t["role"]) for t in who["teams"]])
            for name, who in seen.items()} == {
        "admin": ("person", True, []), "manager": ("person", False, [("one", "manager")]),
        "viewer": ("person", False, [("one", "viewer")]), "other": ("person", False, [("two", "manager")]),
        "stranger": ("person", False, []), "service": ("service", False, [("one", "manager")])}
    assert [seen[who.name]["id"] for who in people.all()] == [who.id for who in people.all()]


@pytest.mark.parametrize("text", [b'{"a": 1, "a": 2}', b'{"a": NaN}', b'{"a": "\xff"}', b"", b"[1,]"])
def test_bad_json_of_an_answer_is_refused(text):
    with pytest.raises((AssertionError, ValueError)):
        strict_json(text)


def test_sockets_of_a_process_as_asked_and_as_listed():
    with socket.create_server(("127.0.0.1", 0)) as listener, Client("127.0.0.1", listener.getsockname()[1]) as client:
        theirs, (_, port) = listener.accept()
        with theirs, socket.socketpair()[0], socket.socket(socket.AF_INET, socket.SOCK_DGRAM):
            here = listener.getsockname()[1]
            expected = {listener.fileno(): (here, None), theirs.fileno(): (here, port),
                        client.sock.fileno(): (port, here)}
            for found in (tcp_sockets(os.getpid()), listed(os.getpid(), descriptors(os.getpid()))):
                assert {fd: found.get(fd) for fd in expected} == expected


def test_modules_that_stand_in_line_are_there():
    missing = [name for name in LONGEST_FIRST if not os.path.exists(os.path.join(os.path.dirname(__file__), name + ".py"))]
    assert not missing
    assert place_in_line(LONGEST_FIRST[1] + ".py::test_x[a/b.py::c]") == 1
    assert place_in_line("other.py::test_x") == len(LONGEST_FIRST)
