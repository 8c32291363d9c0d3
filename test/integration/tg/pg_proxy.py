"""A TCP relay before PostgreSQL that breaks the recorder's connection at its COMMIT, or all of them
as a network does that loses every packet."""
import socket
import threading

from tg.wire import TIMEOUT_S

WAYS = ("answer lost", "commit lost", "commit late")


class PgProxy:
    """Relays every connection; the recorder's first COMMIT is broken in one of WAYS:

    answer lost  the server commits, the answer never arrives
    commit lost  both ends are closed, the server never sees it
    commit late  the recorder is cut off first; the server sees COMMIT once the recorder has
                 connected anew and said something
    """

    def __init__(self, cluster, way=None):
        assert way is None or way in WAYS
        self.target, self.way = ("127.0.0.1", cluster.port), way
        self.broken = threading.Event()
        self._again = threading.Event()
        self._passes = threading.Event()
        self._passes.set()
        self._threads = []
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    def url(self, database):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database.name}"

    def black_hole(self):
        """From now on nothing arrives, in either direction, and nobody is told."""
        self._passes.clear()

    def mend(self):
        """What was on its way arrives after all, as far as its connection is still open."""
        self._passes.set()

    def close(self):
        self.mend()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._again.set()
        for s in list(self._sockets):
            self._cut(s)
        for thread in self._threads:
            thread.join(TIMEOUT_S)
        for s in self._sockets:
            s.close()

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._passes.wait()
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            self._sockets += [client, server]
            self._start(self._relay, server, client)
            self._start(self._relay_client, client, server)

    @staticmethod
    def _cut(s):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _relay(self, source, sink):
        try:
            while data := source.recv(1 << 16):
                self._passes.wait()
                sink.sendall(data)
        except OSError:
            pass
        self._cut(source)
        self._cut(sink)

    def _relay_client(self, client, server):
        recorder = False
        try:
            while data := client.recv(1 << 16):
                self._passes.wait()
                recorder = recorder or b"tollgate recorder" in data
                if recorder and self.broken.is_set():
                    self._again.set()
                if (self.way and recorder and b" COMMIT\0" in data
                        and not self.broken.is_set()):
                    self._break(data, client, server)
                else:
                    server.sendall(data)
        except OSError:
            pass
        self._cut(client)
        self._cut(server)

    def _break(self, data, client, server):
        self.broken.set()
        if self.way == "answer lost":
            # The relay of the other direction has nowhere to send to: half is shut first.
            client.shutdown(socket.SHUT_WR)
            server.sendall(data)
            return
        self._cut(client)
        if self.way == "commit late":
            self._again.wait(TIMEOUT_S)
            server.sendall(data)
