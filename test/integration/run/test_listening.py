"""Listening on machines as they are: without IPv6, with net.ipv6.bindv6only=1, with addresses that come up later;
sockets in files and who may connect to them."""
import grp
import json
import os
import re
import signal
import socket
import stat
import subprocess

import pytest

from tg.build import build
from tg.gateway import BINARY, REPORT, ROOT, SANITIZED, environment, run_cli
from tg.ports import free_port
from tg.wait import eventually

ROUTES = [{"name": "a", "path": "/a", "upstream": "http://127.0.0.1:1"}]
# A database that is not there: the gateway starts all the same, and needs no network for it.
DATABASE = "host=/nonexistent dbname=none"


class Machine:
    """What `tollgate` runs on: a network of its own, set up by a shell command."""

    def __init__(self, set_up="", env=None):
        self.set_up, self.env = set_up, env or {}

    def wrap(self, *command):
        return ["unshare", "--net", "bash", "-c", f"ip link set lo up; {self.set_up}\nexec \"$@\"", "bash", *command]


def no_ipv6():
    return Machine(env={"LD_PRELOAD": build("preload/no_ipv6.c", shared=True)})


MACHINES = {
    "no IPv6 in the kernel": no_ipv6,
    "IPv6 switched off": lambda: Machine("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"),
    "IPv6 on lo switched off": lambda: Machine("echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6"),
    "both families": Machine,
    "bindv6only": lambda: Machine("echo 1 >/proc/sys/net/ipv6/bindv6only"),
}
WITHOUT = [name for name in MACHINES if "IPv6" in name]


@pytest.fixture
def machine(request):
    if os.geteuid() != 0 or subprocess.run(["unshare", "--net", "true"], check=False).returncode != 0:
        pytest.skip("takes root, for a network of its own")
    if SANITIZED and request.param == "no IPv6 in the kernel":
        pytest.skip("a sanitizer must be loaded first")
    return MACHINES[request.param]()


@pytest.fixture
def serve(tmp_path):
    """serve(machine, **settings): (process, its log) once it is ready; it must end well."""
    running = []

    def start(machine, ready=True, **settings):
        config, log = tmp_path / "tollgate.json", tmp_path / "log"
        config.write_text(json.dumps({"database": DATABASE, "workers": 2, "routes": ROUTES,
                                      "usage": {"journal_dir": str(tmp_path / "journal")}, **settings}))
        with open(log, "wb") as f:
            process = subprocess.Popen(machine.wrap(BINARY, "serve", "--config", str(config)), stdout=f, stderr=f,
                                       stdin=subprocess.DEVNULL, env=environment(**machine.env))
        running.append((process, log))
        if ready:
            eventually(lambda: process.poll() is not None or "INFO ready" in log.read_text(), "the start")
            assert process.poll() is None, log.read_text()
        else:
            process.wait(30)
        return process, log.read_text()

    yield start
    for process, log in running:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log.read_text()
        assert not REPORT.search(log.read_text()), log.read_text()


def answers(process, host, port=8787):
    """Whether the gateway answers there, in the process's network."""
    done = subprocess.run(["nsenter", "-t", str(process.pid), "-n", "curl", "-sg", "--noproxy", "*", "-o", "/dev/null",
                           "-w", "%{http_code}", f"http://{host}:{port}/health"], capture_output=True, text=True,
                          check=False)
    return done.stdout == "200"


def warnings(log):
    return re.findall(r"WARN (.*no IPv6.*)", log)


EXAMPLE = {"listen": ["127.0.0.1:8787", "[::1]:8787"], "manager": {"listen": ["127.0.0.1:8000", "[::1]:8000"]}}


@pytest.mark.parametrize("settings", [{}, EXAMPLE, {"listen": ["[::1]:8787", "127.0.0.1:8787"]}],
                         ids=["defaults", "the example's", "the other way round"])
@pytest.mark.parametrize("machine", WITHOUT, indirect=True)
def test_ipv6_loopback_is_left_out_with_a_warning(machine, serve, settings):
    process, log = serve(machine, **settings)
    assert warnings(log) == [f"this machine has no IPv6: [::1]:{port} is left out, callers use 127.0.0.1"
                             for port in (8787, 8000)], log
    assert answers(process, "127.0.0.1") and answers(process, "127.0.0.1", 8000)
    assert "listens on [::1]" not in log and "ERROR" not in re.sub(r".*/nonexistent.*\n", "", log)


@pytest.mark.parametrize("machine", ["both families", "bindv6only"], indirect=True)
def test_ipv6_loopback_is_there_where_it_can_be(machine, serve):
    process, log = serve(machine)
    assert not warnings(log)
    for host in ("127.0.0.1", "[::1]"):
        assert answers(process, host) and answers(process, host, 8000)


@pytest.mark.parametrize("machine", MACHINES, indirect=True)
def test_a_star_is_every_address(request, machine, serve):
    process, log = serve(machine, listen="*:8787", manager={"listen": ["*:8000"]})
    assert answers(process, "127.0.0.1") and answers(process, "127.0.0.1", 8000)
    name = request.node.callspec.params["machine"]
    assert answers(process, "[::1]") == ("IPv6" not in name)
    if name == "no IPv6 in the kernel":
        assert warnings(log) == ["*:8787: this machine has no IPv6, so it is 0.0.0.0:8787",
                                 "*:8000: this machine has no IPv6, so it is 0.0.0.0:8000"]


@pytest.mark.parametrize("listen", ["[::1]:8787", ["[::1]:8787", "127.0.0.1:8786"], "[2001:db8::1]:8787",
                                    ["127.0.0.1:8787", "[2001:db8::1]:8787"]])
@pytest.mark.parametrize("machine", WITHOUT[:2], indirect=True)
def test_what_was_asked_for_is_not_left_out(machine, serve, listen):
    process, log = serve(machine, ready=False, listen=listen, manager={"listen": "127.0.0.1:8000"})
    assert process.returncode == 1
    assert re.search(r"ERROR cannot listen on \[\S+\]:8787: (this machine has no IPv6; name an IPv4 address, or \* for all"
                     r"|no interface of this machine has the address, or not yet)", log), log


def test_a_port_in_use_is_no_lack_of_ipv6(tmp_path):
    """[::1] is left out for want of IPv6 alone."""
    config, port = tmp_path / "tollgate.json", free_port()
    config.write_text(json.dumps({"database": DATABASE, "routes": ROUTES, "manager": {"listen": "127.0.0.1:0"},
                                  "listen": [f"127.0.0.1:{port}", f"[::1]:{port}"],
                                  "usage": {"journal_dir": str(tmp_path / "journal")}}))
    with socket.socket(socket.AF_INET6) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::1", port))
        other.listen()
        done = run_cli("serve", "--config", config, check=False)
    assert done.returncode == 1 and f"cannot listen on [::1]:{port}: the address is in use" in done.stderr


@pytest.mark.parametrize("machine", ["both families"], indirect=True)
def test_an_address_that_comes_up_later(machine, serve, tmp_path):
    """The start ends before anything was made; the next one, with the address, is fine: the unit tries on."""
    process, log = serve(machine, ready=False, listen="172.17.0.1:8787", state_dir=str(tmp_path / "state"))
    assert process.returncode == 1
    assert "cannot listen on 172.17.0.1:8787: no interface of this machine has the address, or not yet" in log
    assert not (tmp_path / "journal").exists() and not (tmp_path / "state").exists()
    machine.set_up = "ip address add 172.17.0.1/16 dev lo"
    process, _ = serve(machine, listen="172.17.0.1:8787", state_dir=str(tmp_path / "state"))
    assert answers(process, "172.17.0.1")


def test_the_unit_tries_as_long_as_it_takes():
    with open(os.path.join(ROOT, "config", "tollgate.service"), encoding="utf-8") as f:
        unit = f.read()
    head, service = unit.split("[Service]")
    assert "\nStartLimitIntervalSec=0\n" in head  # elsewhere systemd does not know it
    for line in ("Restart=on-failure", "RestartSec=2", "RuntimeDirectory=tollgate", "RuntimeDirectoryMode=0755"):
        assert f"\n{line}\n" in service


def test_a_passed_socket_of_one_family_is_told(gateways, upstream):
    """`*` from the service manager: what is bound cannot be widened."""
    for only in (1, 0):
        gateway = gateways(upstream, start=False)
        gateway.settings["listen"] = [f"*:{gateway.port}"]
        gateway.write_config()
        with socket.socket(socket.AF_INET6) as passed:
            passed.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
            passed.bind(("::", gateway.port))
            passed.listen()
            gateway.start(wait=False, sockets=[passed])
            eventually(lambda: "INFO ready" in gateway.log(), "the start")
        told = f"the socket passed for *:{gateway.port} takes IPv6 only" in gateway.log()
        assert told == bool(only)
        gateway.fds_at_start = gateway.open_fds()


# --- sockets in files ---

@pytest.mark.parametrize("umask,settings,mode", [(0o077, {}, 0o660), (0, {}, 0o660), (0o077, {"mode": "0666"}, 0o666),
                                                 (0o022, {"mode": "600"}, 0o600)])
def test_mode_of_a_socket_file_is_as_configured(gateways, upstream, tmp_path, umask, settings, mode):
    paths = [str(tmp_path / name) for name in ("gateway", "manager")]
    gateway = gateways(upstream, start=False, unix_sockets=settings, wrapper=["bash", "-c", f"umask {umask:o}; exec \"$@\"",
                                                                              "bash"])
    gateway.settings["listen"].append(f"unix:{paths[0]}")
    gateway.settings["manager"]["listen"].append(f"unix:{paths[1]}")
    gateway.write_config()
    gateway.start()
    assert [stat.S_IMODE(os.stat(path).st_mode) for path in paths] == [mode] * 2
    assert os.stat(paths[0]).st_gid == os.getegid()


@pytest.mark.parametrize("group", ["www-data", str(grp.getgrnam("www-data").gr_gid), "54321"])
def test_group_of_a_socket_file(gateways, upstream, tmp_path, group):
    if os.geteuid() != 0:
        pytest.skip("takes root")
    path = str(tmp_path / "gateway")
    gateway = gateways(upstream, start=False, unix_sockets={"group": group})
    gateway.settings["listen"].append(f"unix:{path}")
    gateway.write_config()
    gateway.start()
    st = os.stat(path)
    assert (st.st_gid, stat.S_IMODE(st.st_mode)) == (54321 if group == "54321" else grp.getgrnam("www-data").gr_gid, 0o660)


def test_a_group_of_which_it_is_no_member(gateways, upstream, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("takes root")
    folder = tmp_path / "run"
    folder.mkdir()
    os.chmod(folder, 0o777)
    for part in [tmp_path, *(p for p in tmp_path.parents if p.parent != p.parent.parent)]:
        os.chmod(part, os.stat(part).st_mode | 0o111)
    if subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "test", "-x", BINARY],
                      check=False).returncode != 0:
        pytest.skip("another user cannot run the program under test")
    gateway = gateways(upstream, start=False, unix_sockets={"group": "www-data"})
    gateway.settings["listen"] = [f"unix:{folder}/gateway"]
    gateway.write_config()
    for more, status in ([], 1), (["--groups=33"], None):
        how = more or ["--clear-groups"]
        with open(tmp_path / "log", "wb") as log:
            process = subprocess.Popen(["setpriv", "--reuid=65534", "--regid=65534", *how, BINARY, "serve", "--config",
                                        gateway.config_file], stdout=log, stderr=log, env=environment())
        try:
            if status is not None:
                assert process.wait(20) == status
                text = (tmp_path / "log").read_text()
                assert "cannot give the socket file to unix_sockets.group, of which this process's user must be a " \
                       "member" in text
                assert os.listdir(folder) == []
            else:
                eventually(lambda: process.poll() is not None or "gateway listens on" in (tmp_path / "log").read_text(),
                           "it listens")
                assert os.stat(f"{folder}/gateway").st_gid == 33
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("settings,told", [
    ({"mode": "0999"}, 'unix_sockets.mode: must be a mode of three octal digits; write "0660"'),
    ({"mode": "1777"}, 'unix_sockets.mode: must be a mode of three octal digits; write "0660"'),
    ({"mode": "rw"}, 'unix_sockets.mode: must be a mode of three octal digits; write "0660"'),
    ({"mode": ""}, 'unix_sockets.mode: must be a mode of three octal digits; write "0660"'),
    ({"mode": 660}, 'unix_sockets.mode: must be a string, is a number; write "0660"'),
    ({"group": "no-such-group"}, 'unix_sockets.group: there is no group "no-such-group" on this machine'),
    ({"group": ""}, 'unix_sockets.group: there is no group "" on this machine'),
    ({"group": 33}, 'unix_sockets.group: must be a string, is a number; write "'),
    ({"owner": "x"}, "unix_sockets.owner: unknown key"),
])
def test_wrong_modes_and_groups(tmp_path, settings, told):
    config = tmp_path / "tollgate.json"
    config.write_text(json.dumps({"database": DATABASE, "unix_sockets": settings, "routes": ROUTES}))
    done = run_cli("check", "--config", config, check=False)
    assert done.returncode == 1 and told in done.stderr, done.stderr
