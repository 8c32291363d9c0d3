"""Upstreams, callers and a database that misbehave at random, from one seed."""
import random
import socket
import struct
import threading
import time

from tg.upstream import requests_of
from tg.wire import Client, WireError

REFUSED = (OSError, WireError, AssertionError, ValueError)


def chaotic_upstream(conn):
    """Does what the request's path says: /api/test/ACTION/..."""
    for request in requests_of(conn):
        action = request.target.split("/")[3]
        if action == "silent-close":
            return
        if action == "reset":
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conn.sock.close()
            return
        if action == "half-head":
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Le")
            return
        if action == "garbage":
            conn.send(b"\x00\x01\x02 this is not HTTP\r\n\r\n")
            return
        if action == "short-body":
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
            return
        if action == "bad-chunk":
            conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")
            return
        if action == "chunks":
            conn.send_head(headers={"Transfer-Encoding": "chunked"})
            for _ in range(20):
                conn.send_chunk(b"c" * 3000)
            conn.send(b"0\r\n\r\n")
        elif action == "big":
            conn.respond(body=b"b" * 400000)
        elif action == "until-eof":
            conn.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"e" * 50000)
            return
        elif action == "early":
            conn.respond("413 Content Too Large", headers={"Connection": "close"})
            return
        elif action == "upgrade":
            conn.send_head("101 Switching Protocols", {"Connection": "Upgrade",
                                                       "Upgrade": "websocket"})
            conn.send(b"w" * 1000)
            return
        else:
            conn.respond(headers={"X-Bytes": str(len(request.body))})


ACTIONS = ["ok"] * 6 + ["chunks", "big", "until-eof", "silent-close", "reset", "half-head",
                        "garbage", "short-body", "bad-chunk", "early", "upgrade"]


class Caller(threading.Thread):
    """Calls until told to stop; notes the request ids of the answers it had in full."""

    def __init__(self, port, key, seed):
        super().__init__(daemon=True)
        self.port, self.key, self.seed = port, key, seed
        self.random = random.Random(seed)
        self.completed, self.calls = [], 0
        self.stop = threading.Event()

    def run(self):
        while not self.stop.is_set():
            try:
                with Client("127.0.0.1", self.port, self.key) as client:
                    while not self.stop.is_set() and self._call(client):
                        pass
            except REFUSED:
                continue

    def _call(self, client):
        """True: the connection may be used again."""
        self.calls += 1
        rnd, action = self.random, self.random.choice(ACTIONS)
        target = f"/api/test/{action}/{self.seed}/{self.calls}"
        way = rnd.randrange(12)
        if way == 0:  # garbage, or a head that never ends
            client.send(rnd.choice([b"\xff\x00\r\n\r\n", b"GET /api/test/ok HTTP/1.1\r\nHost"]))
            return False
        if action == "upgrade":
            client.send_request("GET", target, {"Connection": "Upgrade",
                                                "Upgrade": "websocket"})
        elif way <= 3:
            client.send_request("POST", target, body=b"p" * rnd.choice([0, 10, 100000]))
        elif way == 4:
            client.send_head("POST", target, {"Transfer-Encoding": "chunked"})
            for _ in range(rnd.randrange(5)):
                client.send_chunk(b"k" * rnd.randrange(1, 5000))
            client.send(b"0\r\n\r\n")
        elif way == 5:  # a body that breaks off
            client.send_head("POST", target, {"Content-Length": "50000"})
            client.send(b"x" * rnd.randrange(40000))
            self._leave(client)
            return False
        else:
            client.send_request(rnd.choice(["GET", "GET", "DELETE", "OPTIONS"]), target)
        if way == 6:
            self._leave(client)
            return False
        return self._read(client, action, leave=way == 7)

    def _leave(self, client):
        self.random.choice([client.reset, client.close])()

    def _read(self, client, action, leave):
        if leave:
            client.sock.recv(100)
            self._leave(client)
            return False
        if action == "upgrade":
            client.read_to_eof()
            return False
        answer = client.read_response()
        self.completed.append(answer.get("Tollgate-Request-Id"))
        return answer.get("Connection") != "close"


class DatabaseKiller(threading.Thread):
    """Kills and restarts PostgreSQL at random moments."""

    def __init__(self, cluster, seed):
        super().__init__(daemon=True)
        self.cluster, self.random = cluster, random.Random(seed)
        self.stop, self.kills = threading.Event(), 0

    def run(self):
        while not self.stop.wait(self.random.uniform(0.5, 3)):
            self.cluster.stop("immediate")
            self.kills += 1
            time.sleep(self.random.uniform(0, 1))
            self.cluster.start()
