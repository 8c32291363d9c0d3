"""`tollgate health`, which containers ask with."""
import os
import socket
import threading

import pytest

from tg.gateway import ROOT, run_cli
from tg.ports import free_port
from tg.wait import eventually


def health(*arguments):
    done = run_cli("health", *arguments, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_gateway_that_is_ready(gateways, upstream, tmp_path):
    path = tmp_path / "socket"
    gateway = gateways(upstream, start=False)
    gateway.settings["listen"] = [f"*:{gateway.port}", f"unix:{path}"]
    gateway.write_config()
    gateway.start()
    status, text = health("--config", gateway.config_file)
    assert status == 0 and text.startswith("200 ") and '"ready"' in text
    assert health("--config", gateway.config_file, "--alive")[0] == 0
    for address in (f"127.0.0.1:{gateway.port}", f"[::1]:{gateway.port}", f"*:{gateway.port}", f"unix:{path}",
                    f"0.0.0.0:{gateway.port}", f"[::]:{gateway.port}"):
        assert health("--address", address)[0] == 0, address
    # The first address that answers: of those in the file not all need to be there.
    gateway.settings["listen"] = [f"127.0.0.1:{free_port()}", f"unix:{tmp_path}/none", f"unix:{path}"]
    gateway.write_config()
    assert health("--config", gateway.config_file)[0] == 0


def test_a_gateway_without_keys_is_alive_but_not_ready(gateways, cluster, upstream):
    cluster.stop("immediate")
    gateway = gateways(upstream, start=False)
    gateway.start(wait=False)
    eventually(lambda: health("--config", gateway.config_file, "--alive")[0] == 0, "the process answers")
    status, text = health("--config", gateway.config_file)
    assert status == 1 and text.startswith("503 ")
    gateway.fds_at_start = gateway.open_fds() + 8
    cluster.start()


def test_nobody_is_there(tmp_path):
    port = free_port()
    status, text = health("--address", f"127.0.0.1:{port}")
    assert status == 1 and f"127.0.0.1:{port}: Connection refused" in text
    assert health("--address", f"unix:{tmp_path}/none")[0] == 1
    assert health("--address", "nonsense")[0] == 2
    assert health()[0] in (1, 2) and health("--address", "127.0.0.1:1", "--config", "x")[0] == 2
    assert health("--config", tmp_path / "none.json")[0] == 1


@pytest.mark.parametrize("answer", [None, b"", b"nonsense", b"HTTP/1.1 2", b"HTTP/1.1 500 No\r\n\r\n", b"x" * 20000,
                                    b"HTTP/1.1 abc\r\n\r\n"])
def test_who_answers_otherwise_is_not_healthy(answer):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve():
            conn = listener.accept()[0]
            with conn:
                conn.recv(1000)
                if answer is None:
                    conn.recv(1000)  # says nothing
                conn.sendall(answer or b"")

        threading.Thread(target=serve, daemon=True).start()
        assert health("--address", f"127.0.0.1:{listener.getsockname()[1]}")[0] == 1


def test_compose_and_image_ask_it():
    def read(name):
        with open(os.path.join(ROOT, name), encoding="utf-8") as f:
            return f.read()

    compose = read("compose.yaml")
    gateway = compose.split("\n  gateway:\n")[1]
    assert 'test: ["CMD", "tollgate", "health"]' in gateway
    assert "postgresql://tollgate:${TOLLGATE_PASSWORD}@" in gateway and "tollgate_admin" not in gateway
    assert "./config/compose.json:/etc/tollgate/tollgate.json:ro" in gateway
    assert 'CMD ["tollgate", "health"]' in read("Dockerfile")
