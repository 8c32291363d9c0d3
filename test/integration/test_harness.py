"""The harness itself: the parser is strict, an upstream does what it is told."""
import socket

import pytest

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
