"""What the process tells of itself: to the service manager (sd_notify(3)), and in the log's lines of start, reload
and stop."""
import os
import re
import socket
import time

import pytest

from tg.gateway import ROOT
from tg.ports import free_port
from tg.wait import eventually


class ServiceManager:
    """Listens where NOTIFY_SOCKET says."""

    def __init__(self, name):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("\0" + name[1:] if name[0] == "@" else name)
        self.env = {"NOTIFY_SOCKET": name}

    def next(self, timeout=20):
        """The next message, as a dictionary of its lines."""
        self.sock.settimeout(timeout)
        text = self.sock.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def wait_for(self, name, value="1"):
        """The next message with that line."""
        while True:
            message = self.next()
            if message.get(name) == value:
                return message

    def has_more(self):
        try:
            self.next(0.05)
            return True
        except socket.timeout:
            return False


@pytest.fixture(params=["path", "abstract"])
def service(request, tmp_path):
    name = str(tmp_path / "notify") if request.param == "path" else f"@tollgate-test-{os.getpid()}-{free_port()}"
    service = ServiceManager(name)
    yield service
    service.sock.close()


@pytest.fixture
def path_service(tmp_path):
    service = ServiceManager(str(tmp_path / "notify"))
    yield service
    service.sock.close()


def start(gateways, upstream, service, **settings):
    gateway = gateways(upstream, start=False, env=service.env, **settings)
    gateway.start(wait=False)
    return gateway


def finish_start(gateway):
    eventually(gateway.is_ready, "the gateway is ready")
    gateway.fds_at_start = gateway.open_fds()


@pytest.mark.sanitizer
def test_ready_reload_and_stop_are_told(gateways, upstream, service):
    gateway = start(gateways, upstream, service)
    message = service.next()
    assert message == {"READY": "1", "STATUS": "1 route, 2 keys"}
    assert gateway.get_status("/ready") == 200, "who is told that it is ready can call it"
    finish_start(gateway)
    gateway.settings["routes"].append({"name": "b", "path": "/b", "upstream": upstream.url})
    gateway.write_config()
    before = time.monotonic() * 1e6
    gateway.reload()
    message = service.next()
    assert message["RELOADING"] == "1"
    assert before <= int(message["MONOTONIC_USEC"]) <= time.monotonic() * 1e6
    assert service.next() == {"READY": "1", "STATUS": "2 routes, 2 keys"}
    gateway.terminate()
    message = service.next()
    assert message["STOPPING"] == "1" and message["STATUS"].startswith("Stopping: no call runs")
    assert gateway.wait_exit() == 0
    assert not service.has_more()


def test_a_bad_file_ends_the_reload_and_is_told(gateways, upstream, path_service):
    gateway = start(gateways, upstream, path_service)
    path_service.wait_for("READY")
    finish_start(gateway)
    gateway.expect_error("the configuration has errors")
    gateway.settings["no_such_key"] = 1
    gateway.write_config()
    gateway.reload()
    assert path_service.next()["RELOADING"] == "1"
    message = path_service.next()
    assert message["READY"] == "1" and "the configuration has errors" in message["STATUS"]
    del gateway.settings["no_such_key"]
    gateway.write_config()
    gateway.reload()
    assert path_service.next()["RELOADING"] == "1"
    assert path_service.next() == {"READY": "1", "STATUS": "1 route, 2 keys"}


def test_ready_does_not_wait_for_a_database_that_is_down(gateways, cluster, upstream, path_service):
    cluster.stop("immediate")
    began = time.monotonic()
    gateway = start(gateways, upstream, path_service)
    message = path_service.next()
    assert time.monotonic() - began < 1.5
    assert message["READY"] == "1" and "no keys yet" in message["STATUS"]
    assert gateway.get_status("/health") == 200 and gateway.get_status("/ready") == 503
    eventually(lambda: "callers get 503 until they are loaded" in gateway.log(), "it is told")
    cluster.start()
    assert path_service.next()["STATUS"] == "1 route, 2 keys"
    finish_start(gateway)


def test_ready_does_not_wait_for_a_database_that_is_silent(gateways, upstream, path_service):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        gateway = gateways(upstream, start=False, env=path_service.env)
        gateway.settings["database"] = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d"
        gateway.write_config()
        began = time.monotonic()
        gateway.start(wait=False)
        assert path_service.next()["READY"] == "1"
        assert time.monotonic() - began < 4
        gateway.fds_at_start = gateway.open_fds() + 2
        gateway.expect_error(".")
        gateway.terminate()
        assert gateway.wait_exit() == 0


def test_a_snapshot_decides_as_well(gateways, cluster, upstream, path_service):
    """Known keys are served as soon as the process is ready, whatever the database does."""
    gateway = start(gateways, upstream, path_service, state_dir="state",
                    tokens={"max_stale_s": 3600})
    path_service.wait_for("READY")
    eventually(lambda: os.path.exists(os.path.join(gateway.folder, "state", "tokens.snapshot")),
               "a snapshot of the keys")
    gateway.terminate()
    assert gateway.wait_exit() == 0
    path_service.wait_for("STOPPING")
    cluster.stop("immediate")
    gateway.start(wait=False)
    message = path_service.wait_for("READY")
    assert message["STATUS"] == "1 route, 2 keys, stale: known ones are served, others get 503"
    eventually(lambda: "those of the snapshot are served" in gateway.log(), "it is told")
    finish_start(gateway)
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    conn.respond()
    assert client.read_response().status == 200


def test_keys_that_go_stale_and_come_back_are_told(gateways, cluster, upstream, path_service):
    gateway = start(gateways, upstream, path_service, tokens={"poll_s": 0.2})
    path_service.wait_for("READY")
    finish_start(gateway)
    cluster.stop("immediate")
    assert "stale" in path_service.next()["STATUS"]
    cluster.start()
    assert path_service.next()["STATUS"] == "1 route, 2 keys"


# --- the log ---

def lines(gateway, word):
    return [line for line in gateway.log().splitlines() if word in line]


def test_the_start_line(gateways, upstream, database):
    gateway = gateways(upstream, start=False, node="node-7",
                       env={"EMPTY": ""})
    gateway.settings["env"] = {"blue": {}}
    gateway.settings["routes"].append({"name": "b", "path": "/b", "upstream": upstream.url})
    gateway.write_config()
    gateway.start()
    line, = lines(gateway, "INFO ready")
    assert re.search(r"ready: tollgate \d+\.\d+\.\d+, ", line)
    assert f"configuration {os.path.realpath(gateway.config_file)}, environment none; " in line
    assert "2 routes; 2 keys; node node-7; " in line
    assert re.search(rf"database [^ ;]*:{database.cluster.port}/{database.name}, schema \d{{4}}$", line)
    newest = max(n for n in os.listdir(f"{ROOT}/migrations") if n.endswith(".sql"))[:4]
    assert line.endswith(f"schema {newest}")


def test_a_reload_says_what_changed(gateways, upstream):
    gateway = gateways(upstream, route={"set_headers": {"X-A": "a-secret-of-old"}})

    def reload(times):
        gateway.write_config()
        gateway.reload()
        return eventually(lambda: (lines(gateway, "reloaded: ")[times - 1:] or [None])[0],
                          "the reload is told")

    assert reload(1).endswith(" reloaded: nothing has changed")
    gateway.settings["limits"] = {"headers": 50}
    gateway.settings["routes"][0]["set_headers"]["X-A"] = "a-new-secret"
    gateway.settings["routes"].append({"name": "b", "path": "/b", "upstream": upstream.url})
    assert reload(2).endswith(" reloaded: limits.headers; route test: set_headers; route b added")
    gateway.settings["routes"][1]["name"] = "c"
    assert reload(3).endswith(" reloaded: route c added; route b removed")
    assert "secret" not in "".join(lines(gateway, "reloaded: ")).replace("secrets reloaded", "")


def test_the_end_says_what_waits(gateways, upstream, database):
    gateway = gateways(upstream, timeouts={"drain_s": 12})
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    gateway.terminate()
    eventually(lambda: lines(gateway, "INFO stopping (SIGTERM): 1 call runs and may finish within 12 s"),
               "what runs is told")
    eventually(lambda: lines(gateway, "stopping: 1 call runs yet"), "it is told again", 10)
    conn.respond()
    assert client.read_response().status == 200
    assert gateway.wait_exit() == 0
    assert re.search(r"INFO stopped after \d+\.\d s: every usage row is stored$", gateway.log().strip())
    assert len(database.usage()) == 1


def test_priorities_where_stderr_is_the_journal(gateways, upstream):
    gateway = gateways(upstream, start=False)
    with open(gateway.log_file, "w", encoding="ascii"):
        st = os.stat(gateway.log_file)
    gateway.env = {"JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"}
    gateway.start()
    gateway.expect_error("the configuration has errors")
    gateway.settings["no_such_key"] = 1
    gateway.write_config()
    gateway.reload()
    eventually(lambda: lines(gateway, "the configuration has errors"), "the reload")
    log = gateway.log()
    assert re.search(r"^<6>\S+Z INFO ready", log, re.M)
    assert re.search(r"^<3>\S+Z ERROR reload: ", log, re.M)
    assert re.search(r"^<3>\S+tollgate\.json:\d+:\d+: error: ", log, re.M)
    assert all(line[0] == "<" for line in log.splitlines())


def test_no_priorities_elsewhere(gateways, upstream):
    """The variable is inherited by whoever redirects stderr as well."""
    gateway = gateways(upstream, env={"JOURNAL_STREAM": "1:2"})
    assert not re.search(r"^<\d>", gateway.log(), re.M)
