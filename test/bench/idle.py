"""What connections cost that have made a request and now wait: the gateway's own memory."""
import errno
import resource

from tg.counts import request_bytes
from tg.wait import eventually
from tg.wire import Client

CONNECTIONS = 10_000
SPARE_FILES = 500


def _raise_file_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + SPARE_FILES
    if soft < wanted:
        assert hard == resource.RLIM_INFINITY or hard >= wanted, f"ulimit -n is {hard} at most"
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _open(gateway, request):
    clients = []
    try:
        for _ in range(CONNECTIONS):
            client = Client("127.0.0.1", gateway.port)
            clients.append(client)
            client.send(request)
            assert client.read_response().status == 200
    except OSError as e:
        assert e.errno != errno.EMFILE, "too few descriptors"
        raise
    return clients


def idle_memory(bench):
    """Bytes of resident memory for each of 10,000 idle connections, after a request on each."""
    _raise_file_limit()
    settings = {"limits": {"connections": CONNECTIONS + 100},
                "timeouts": {"keep_alive_s": 600}}
    with bench.gateway(bench.demo, **settings) as gateway:
        gateway.call("GET", "/api/test/bytes/100")
        fds, before = gateway.open_fds(), gateway.memory_kb("VmRSS")
        clients = _open(gateway, request_bytes(gateway.key, b"GET /api/test/bytes/100"))
        assert gateway.open_fds() >= fds + CONNECTIONS
        grown = gateway.memory_kb("VmRSS") - before
        assert gateway.call("GET", "/api/test/bytes/100").status == 200
        for client in clients:
            client.close()
        eventually(lambda: gateway.open_fds() <= gateway.fds_at_start, "connections end")
    return {"10,000 idle connections, memory of each": (grown / CONNECTIONS, "KB", 4)}
