"""What the journal's benches share: PostgreSQL set up as in production, an upstream, callers.

The gateway has one core and comes before whatever strays there; callers and the upstream have the
next one, or, where there are but two, the gateway's as well; PostgreSQL and a program that keeps the
disk busy have the rest, and so has what the kernel does later on their behalf. For neither must
delay who measures: a kernel at work for one process holds up all others of its core. What they
leave of their cores is spent in a loop, so that how busy those are makes no difference in itself:
two cores may be two threads of one. Callers and upstream come first where they are (SCHED_FIFO).
All this as far as this user may say so.

A second caller goes straight to the upstream in the same windows; what it sees is no doing of the
gateway's, or, on one core, of more than its use of that.
"""
import contextlib
import datetime
import json
import os
import subprocess
import tempfile
import time

from bench import HERE, RESULTS, make_database
from processes import cores, start
from tg.build import build
from tg.gateway import Gateway
from tg.ports import free_port
from tg.postgres import Cluster
from tg.wait import eventually
from tg.wire import Client

RATE, CONTROL_RATE = 2000, 500
PATIENCE_S = 60
UNBOUND_WORK = "/sys/devices/virtual/workqueue/cpumask"
PATH = "/api/test/orders/17"
PRODUCTION = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on",
              "autovacuum": "on", "shared_buffers": "128MB", "max_wal_size": "4GB"}


def first_in_line(pid):
    """False: this user may not."""
    try:
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(10))
    except PermissionError:
        return False
    return True


def before_strangers(pid, nice):
    """How a process that leads a session, with all its threads, stands against those of other
    sessions (sched(7), autogroup); among its own threads nothing changes. False: cannot be said."""
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as f:
            f.write(str(nice))
        return True
    except (FileNotFoundError, PermissionError):
        return False


@contextlib.contextmanager
def kernel_works_on(cores_):
    """What the kernel does later on others' behalf (it writes back what PostgreSQL or a busy disk's
    writers have left in memory) is done where they run, if this user may say so."""
    old = None
    try:
        with open(UNBOUND_WORK, "r+", encoding="ascii") as f:
            old = f.read()
            f.write(f"{sum(1 << core for core in cores_):x}")
    except (FileNotFoundError, PermissionError):
        print("the kernel may write back on the gateway's core")
    try:
        yield
    finally:
        if old is not None:
            with open(UNBOUND_WORK, "w", encoding="ascii") as f:
                f.write(old)


class Stage:
    def __init__(self, stack):
        self.stack = stack
        os.makedirs(RESULTS, exist_ok=True)
        # Not in /tmp, which may be no disk.
        self.folder = stack.enter_context(tempfile.TemporaryDirectory(dir=RESULTS))
        # Neither may a caller wait for the disk.
        self.notes = stack.enter_context(tempfile.TemporaryDirectory(
            dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
        self.core, self.other_cores = cores()
        self.callers_core = self.core
        if len(self.other_cores) > 1:
            self.callers_core = {min(self.other_cores)}
            self.other_cores = self.other_cores - self.callers_core
        free = os.sched_getaffinity(0)
        stack.callback(os.sched_setaffinity, 0, free)
        os.sched_setaffinity(0, self.other_cores)
        stack.enter_context(kernel_works_on(self.other_cores))
        for core in self.other_cores:
            filler = self.start_on({core}, ["setsid", "/bin/sh", "-c", "while :; do :; done"])
            os.sched_setscheduler(filler.pid, os.SCHED_IDLE, os.sched_param(0))
            eventually(lambda pid=filler.pid: os.getsid(pid) == pid, "a session of its own")
            before_strangers(filler.pid, 19)
        self.cluster = Cluster(**PRODUCTION)
        stack.callback(self.cluster.remove)
        self.database, _, self.key = make_database(self.cluster, self.folder)
        self.upstream_port = self._upstream()
        self.caller = build("load/caller.c")
        self.id_files = []
        self.gateway = None

    def _upstream(self):
        port, path = free_port(), os.path.join(self.folder, "upstream.conf")
        with open(os.path.join(HERE, "peers", "upstream.conf"), encoding="utf-8") as f:
            text = f.read().replace("@DIR@", self.folder).replace("@UPSTREAM_PORT@", str(port))
        with open(path, "w", encoding="utf-8") as f:
            f.write(("user root;" if os.getuid() == 0 else "") + text)
        upstream = self.start_on(self.callers_core, ["/usr/sbin/nginx", "-p", self.folder, "-e", path + ".log",
                                                     "-c", path])
        eventually(lambda: _answers(port), "the upstream answers")
        if not first_in_line(upstream.pid):
            print("callers and upstream are not scheduled first: this needs privileges")
        return port

    def start_on(self, cores_, command, **how):
        """A program that is ended with the stage."""
        process = start(command, cores_, **how)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        return process

    def make_gateway(self):
        """Not started yet."""
        folder = os.path.join(self.folder, "gateway")
        os.mkdir(folder)
        route = {"name": "test", "path": "/api/test", "scope": "test",
                 "upstream": f"http://127.0.0.1:{self.upstream_port}",
                 "set_headers": {"Authorization": "Bearer an-upstream-credential"}}
        self.gateway = Gateway(folder, self.database, [route], access_log=False,
                               state_dir=os.path.join(folder, "state"), wrapper=("setsid",))
        self.gateway.key = self.key
        self.gateway.expect_error("PostgreSQL")
        self.stack.callback(self._end_gateway)
        return self.gateway

    def start_gateway(self):
        self.make_gateway().start()
        self.pin_gateway()

    def pin_gateway(self):
        for pid in os.listdir(f"/proc/{self.gateway.pid}/task"):
            os.sched_setaffinity(int(pid), self.core)
        if not before_strangers(self.gateway.pid, -20):
            print("the gateway shares its core with whatever else runs here")

    def _end_gateway(self):
        if self.gateway.process is not None and self.gateway.process.poll() is None:
            self.gateway.kill()

    def disk_busy_ms(self):
        """For how long the disk of the stage's folder has had something to do."""
        device = os.stat(self.folder).st_dev
        here = [str(os.major(device)), str(os.minor(device))]
        with open("/proc/diskstats", encoding="ascii") as f:
            found = [line.split() for line in f if line.split()[:2] == here]
        assert found, "build/bench is not on a disk"
        return int(found[0][12])

    # --- callers ---

    def call(self, port, rate, seconds, ids=False):
        """Callers at a fixed rate, started."""
        command = [self.caller, "--port", str(port), "--key", self.key, "--path", PATH,
                   "--rate", str(rate), "--seconds", str(seconds)]
        if ids:
            self.id_files.append(os.path.join(self.notes, f"ids-{len(self.id_files)}"))
            command += ["--ids", self.id_files[-1]]
        caller = self.start_on(self.callers_core, command, stdout=subprocess.PIPE, text=True)
        first_in_line(caller.pid)
        return caller

    @staticmethod
    def finish(caller):
        """What a caller saw, once it has ended."""
        seen = json.loads(caller.communicate()[0])
        assert seen["refused"] == 0 and seen["broken"] == 0 and seen["left"] == 0, seen
        return seen

    def window(self, seconds):
        """{"p99_ms", "control_ms", ...} of calls at RATE through the gateway."""
        through = self.call(self.gateway.port, RATE, seconds, ids=True)
        control = self.call(self.upstream_port, CONTROL_RATE, seconds)
        seen, straight = self.finish(through), self.finish(control)
        return {"p99_ms": seen["p99_ms"], "p999_ms": seen["p999_ms"], "max_ms": seen["max_ms"],
                "p50_ms": seen["p50_ms"], "control_ms": straight["p99_ms"]}

    # --- rows ---

    def rows_of(self, files, since=None):
        return Rows(self, files, since)

    def utc_now(self):
        return self.database.value("SELECT now() AT TIME ZONE 'UTC'")

    def judge_rows(self, title):
        """Every call that completed has exactly one row."""
        with self.rows_of(self.id_files) as rows:
            eventually(lambda: rows.missing() == 0 or rows.age_s() > PATIENCE_S, "rows", 600)
            calls, wrong = rows.calls(), rows.not_once()
        print(f"{title}: {calls} calls completed, {wrong} of them without exactly one row")
        self.gateway.judge()
        return {f"{title}, calls without exactly one row": (wrong, "", 0)}


class Rows:
    """What PostgreSQL has of the calls that are noted in files; all came at or after `since`."""

    def __init__(self, stage, files, since):
        self.since = since or datetime.datetime.min
        self.began = time.monotonic()
        self.connection = stage.cluster.connect(stage.database.name)
        self.cursor = self.connection.cursor()
        self.cursor.execute("CREATE TEMP TABLE called (call text)")
        for path in files:
            with open(path, encoding="ascii") as f:
                self.cursor.copy_expert("COPY called FROM STDIN", f)
        self.cursor.execute("ANALYZE called")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def age_s(self):
        return time.monotonic() - self.began

    def _value(self, statement, *parameters):
        self.cursor.execute(statement, parameters)
        return self.cursor.fetchone()[0]

    def calls(self):
        return self._value("SELECT count(*) FROM called")

    def missing(self):
        return self._value("SELECT count(*) FROM called WHERE NOT EXISTS (SELECT FROM "
                           "token_usage_logs WHERE request_id = call AND used_at >= %s)", self.since)

    def not_once(self):
        return self._value(
            "SELECT count(*) FROM called LEFT JOIN (SELECT request_id, count(*) AS n FROM "
            "token_usage_logs GROUP BY 1) AS r ON request_id = call WHERE n IS DISTINCT FROM 1")


def _answers(port):
    try:
        with Client("127.0.0.1", port, "none") as client:
            return client.call("GET", "/").status == 200
    except ConnectionRefusedError:
        return False

