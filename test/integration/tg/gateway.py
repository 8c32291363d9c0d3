"""The program under test: its configuration, its process, and what must hold when it ends."""
import copy
import json
import collections
import contextlib
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request

from tg.ports import free_port
from tg.sockets import tcp_sockets
from tg.wait import eventually
from tg.wire import Client

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BINARY = os.path.join(ROOT, os.environ.get("TOLLGATE_BIN", "build/release/tollgate"))
SANITIZED = next((v for v in ("asan", "tsan") if f"/{v}/" in BINARY), None)
STOP_S = 30
# Of each of the manager's connections to PostgreSQL (gateway/manager/db.c), which are made when first needed, a descriptor.
MANAGER_KEEPS = 9

REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|"
                    r"CHECK failed|Assertion|LeakSanitizer")
LOGGED = re.compile(r"^\S+Z (DEBUG|INFO|WARN|ERROR) ", re.M)


def environment(**extra):
    suppressions = os.path.join(ROOT, "test", "tsan.supp")
    return {
        "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8",
        "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": f"exitcode=98:history_size=7:second_deadlock_stack=1:suppressions={suppressions}",
        **{k: v for k, v in os.environ.items() if k.startswith("TOLLGATE_TEST_")},
        **extra,
    }


def run_cli(*arguments, stdin=None, env=None, check=True):
    """Runs a subcommand; returns the finished process with text output."""
    done = subprocess.run([BINARY, *map(str, arguments)], input=stdin, capture_output=True,
                          text=True, env=environment(**(env or {})), timeout=60, check=False)
    assert not REPORT.search(done.stderr), done.stderr
    if check:
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done


def make_token(config_file, name, scopes, *more):
    command = ["token", "create", "--config", config_file, "--name", name, "--json", *more]
    for scope in scopes:
        command += ["--scope", scope]
    return json.loads(run_cli(*command).stdout)


class Gateway:
    """One `tollgate serve`. Made by the `gateway` fixture, which also ends and judges it."""

    def __init__(self, folder, database, routes, env=None, wrapper=(), arguments=(), **settings):
        self.folder, self.database = folder, database
        self.port, self.manager_port = free_port(), free_port()
        self.config_file = os.path.join(folder, "tollgate.json")
        self.log_file = os.path.join(folder, "tollgate.log")
        self.key = None
        self.expected_errors = []
        self.process = None
        self.descriptors_at_start = collections.Counter()
        self.log_from = 0
        self.env, self.wrapper, self.arguments = env or {}, wrapper, arguments
        self._clients = []
        self.may_keep = 0
        self.settings = {
            "listen": [f"127.0.0.1:{self.port}"],
            "workers": 1,
            "database": database.url,
            "routes": copy.deepcopy(routes),
            **settings,
        }
        self.settings["manager"] = {"listen": [f"127.0.0.1:{self.manager_port}"], **settings.get("manager", {})}
        self.journal = os.path.join(folder, "journal")
        self.settings["usage"] = {"journal_dir": self.journal, **settings.get("usage", {})}
        self.write_config()

    def write_config(self):
        with open(self.config_file, "w", encoding="utf-8") as f:
            json.dump(self.settings, f, indent=2)

    # --- life ---

    def start(self, wait=True, sockets=(), stdout=None, stderr=None):
        """sockets: listening ones, passed on as a service manager does (sd_listen_fds(3)).
        stdout, stderr: descriptors in place of the log file."""
        before = len(self.log()) if os.path.exists(self.log_file) else 0
        # Sanitizer reports and the log share one file, in the order in which they came.
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                self._command(sockets), stdin=subprocess.DEVNULL, pass_fds=[
                    s.fileno() for s in sockets],
                stdout=stdout or log, stderr=stderr or log, cwd=self.folder, env=environment(**self.env))
        if wait:
            eventually(self.is_ready, "the gateway is ready")
            # The first worker answers before the last one is there.
            eventually(lambda: "INFO ready" in self.log()[before:], "all workers run")
            self.fds_at_start = self._settled_fds()
            self.descriptors_at_start = self.descriptors()
        return self

    def _settled_fds(self):
        """Once three looks agree: some of its files are opened, and closed, just after it is ready."""
        looks = []

        def agree():
            looks.append(self.open_fds())
            return len(looks) > 2 and len(set(looks[-3:])) == 1

        eventually(agree, "descriptors have settled")
        return looks[-1]

    def _command(self, sockets):
        serve = [*self.wrapper, BINARY, "serve", "--config", self.config_file, *self.arguments]
        if not sockets:
            return serve
        moves = "".join(f" {3 + i}<&{s.fileno()}" for i, s in enumerate(sockets))
        return ["bash", "-c", f"LISTEN_PID=$$ LISTEN_FDS={len(sockets)} exec \"$@\"{moves}",
                "bash", *serve]

    @property
    def pid(self):
        return self.process.pid

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"exit status {self.process.returncode}:\n{self.log()}")
        return self.get_status("/ready") == 200

    def get_status(self, path, port=None):
        url = f"http://127.0.0.1:{port or self.port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as e:
            return e.code
        except OSError:
            return None

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def wait_exit(self):
        return self.process.wait(STOP_S)

    def kill(self):
        self.process.kill()
        self.process.wait()

    # --- callers ---

    def connect(self, key=None, host="127.0.0.1", **how):
        return self.keep(Client(host, self.port, self.key if key is None else key, **how))

    def keep(self, client):
        """A client that is closed with the gateway's others."""
        self._clients.append(client)
        return client

    def call(self, method, target, headers=(), body=None, key=None, **how):
        """One request on a connection of its own."""
        with self.connect(key) as client:
            return client.call(method, target, headers, body, **how)

    def manager(self):
        self.may_keep = MANAGER_KEEPS
        client = Client("127.0.0.1", self.manager_port)
        self._clients.append(client)
        return client

    def create_token(self, name, scopes, *more):
        """A token by the command line; {"id", "key", ...}."""
        return make_token(self.config_file, name, scopes, *more)

    # --- what it looks like from outside ---

    def log(self):
        with open(self.log_file, "rb") as f:
            f.seek(self.log_from)
            return f.read().decode("utf-8", "replace")

    def open_fds(self):
        """Open descriptors without connections to PostgreSQL, which come and go by themselves."""
        # Or to what stands before it, as the configuration names it.
        postgres = {self.database.cluster.port, *map(int, re.findall(r":(\d+)(?=[,/])", str(self.settings.get("database"))))}
        # The list first: what is opened meanwhile counts neither for nor against.
        listed = os.listdir(f"/proc/{self.pid}/fd")
        sockets = tcp_sockets(self.pid)
        return sum(sockets.get(int(fd), (None, None))[1] not in postgres for fd in listed)

    def descriptors(self):
        """What they lead to, each kind counted, for who reads a failure."""
        kinds = collections.Counter()
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                kinds[re.sub(r"\[\d+\]", "", os.readlink(f"/proc/{self.pid}/fd/{fd}"))] += 1
        return kinds

    def open_connections(self, port=None):
        """Connections of clients: those of its listener on that port, the routes' without one."""
        return sum(here == (port or self.port) and peer is not None
                   for here, peer in tcp_sockets(self.pid).values())

    def stand_still(self):
        """Until go_on(): each of its threads has stopped when this returns, which SIGSTOP alone does not promise."""
        self.process.send_signal(signal.SIGSTOP)
        eventually(lambda: set(self._thread_states()) == {"T"}, "all threads have stopped")

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def _thread_states(self):
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/stat", encoding="ascii") as f:
                yield f.read().rsplit(") ", 1)[1][0]

    def memory_kb(self, field="VmHWM"):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            return int(re.search(rf"^{field}:\s+(\d+) kB", f.read(), re.M).group(1))

    def reset_memory_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as f:
            f.write("5")

    # --- the end ---

    def expect_error(self, pattern):
        """An ERROR line of the log that this test provokes."""
        self.expected_errors.append(re.compile(pattern))

    def close_clients(self):
        for client in self._clients:
            client.close()
        self._clients.clear()

    def judge(self):
        """What must hold after every test: all is given back, exit 0, a clean log."""
        if self.process.poll() is None:
            self.judge_running()
            self.terminate()
            self.wait_exit()
        else:
            self.close_clients()
        self._judge_log()
        assert self.process.returncode == 0, f"exit {self.process.returncode}\n{self.log()}"

    def judge_running(self):
        """The same of one that goes on."""
        self.close_clients()
        most = self.fds_at_start + self.may_keep
        try:
            eventually(lambda: self.open_fds() <= most, f"descriptors are back to {most}")
        except AssertionError as e:
            more = self.descriptors() - self.descriptors_at_start
            raise AssertionError(f"{e}; beside those at the start: {dict(more)}") from None
        self._judge_log()

    def _judge_log(self):
        log = self.log()
        assert not REPORT.search(log), log
        for line in log.splitlines():
            m = LOGGED.match(line)
            if m and m.group(1) == "ERROR":
                assert any(p.search(line) for p in self.expected_errors), line
