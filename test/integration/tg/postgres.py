"""A PostgreSQL cluster of the test session's own, in a temporary folder, and its databases."""
import glob
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile

import psycopg2
import psycopg2.extras

from tg.ports import free_port
from tg.wait import eventually

# Of pg_stat_activity: a session that has been set up. One that is only connected bears its name
# already; the gateway takes its end for a server that has no session to give, and tries the next.
SET_UP = "(query <> '' AND (state = 'idle' OR query NOT LIKE '%%pg_backend_pid()%%')) "

# A test's database may be lost with the machine: no fsync, everything else as in production.
SETTINGS = {
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
    "shared_buffers": "32MB", "max_connections": "60", "timezone": "Asia/Kolkata",
    "log_min_messages": "warning", "listen_addresses": "127.0.0.1", "autovacuum": "off",
}


# Of rows in a database that is used again, in bytes: some hundred calls.
RENEWED_MAX = 256 << 10

# What must be free in memory for the clusters of a run: each has up to 1 GB of log.
MEMORY, MEMORY_FREE = "/dev/shm", 8 << 30


def memory():
    """A folder in memory, for clusters that make and remove more files than they write to them; None
    where there is not enough of it, and they are where temporary files are."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return None
    return MEMORY if found.f_bavail * found.f_frsize >= MEMORY_FREE else None


def program(name):
    found = shutil.which(name)
    versions = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"),
                      key=lambda p: int(p.split("/")[4]))
    if versions:
        return versions[-1]
    if not found:
        raise AssertionError(f"PostgreSQL's {name} is not installed")
    return found


class Cluster:
    """initdb, start, stop. As root everything runs as the user `postgres`."""

    place = None  # the folder that each has its own in; None: that of temporary files

    def __init__(self, **settings):
        self._begin(free_port())
        self._run(program("initdb"), "-D", self.data, "-U", "postgres", "-A", "trust",
                  "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a", encoding="utf-8") as f:
            f.writelines(f"{k} = '{v}'\n" for k, v in {**SETTINGS, **settings}.items())
            f.write(f"port = {self.port}\nunix_socket_directories = '{self.folder}'\n")
        self.start()
        connection = self._connect()
        self.version = connection.server_version
        connection.close()

    def _begin(self, port):
        self.port = port
        self.folder = tempfile.mkdtemp(prefix="tollgate-pg-", dir=self.place)
        self.data = os.path.join(self.folder, "data")
        self._names = itertools.count(1)
        self.touched = set()
        self.stops = 0
        self._own = None  # (connection, stops when it was made)
        self._user = {}
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def _run(self, *command):
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}, **self._user)
        if done.returncode:
            raise AssertionError(f"{command[0]}: {done.stdout}{done.stderr}")

    def start(self):
        # The server must not inherit pipes: capture_output would wait for it to close them.
        self._run("/bin/sh", "-c", '"$@" >/dev/null 2>&1', "sh", program("pg_ctl"), "start",
                  "-w", "-D", self.data, "-l", os.path.join(self.folder, "log"))

    def stop(self, mode="fast"):
        self.stops += 1
        self._run(program("pg_ctl"), "stop", "-w", "-D", self.data, "-m", mode)

    def kill(self):
        """kill -9 of the server and of all its processes."""
        self.stops += 1
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as f:
            postmaster = int(f.readline())
        family = [postmaster] + [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                                 if self._parent(pid) == postmaster]
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        eventually(lambda: not any(map(self._parent, family)), "the server's processes are gone")
        # What is left of a process until its parent asks for it still counts as running.
        for name in ["data/postmaster.pid", f".s.PGSQL.{self.port}.lock"]:
            os.unlink(os.path.join(self.folder, name))

    @staticmethod
    def _parent(pid):
        """0: there is no such process, or only what is left of it."""
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                state, parent = f.read().rsplit(")", 1)[1].split()[:2]
        except OSError:
            return 0
        return 0 if state == "Z" else int(parent)

    def is_running(self):
        return os.path.exists(os.path.join(self.data, "postmaster.pid"))

    def remove(self):
        if self.is_running():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database, user="postgres"):
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def connect(self, database="postgres"):
        """A connection of the test's own; what it does to a database is not looked after."""
        self.touched.add(database)
        return self._connect(database)

    def _connect(self, database="postgres"):
        # What a test has done is there after the server was killed, too.
        connection = psycopg2.connect(self.url(database), options="-c synchronous_commit=on")
        connection.autocommit = True
        return connection

    def execute(self, statement):
        """By a connection that stays: a session costs more than most of what it is asked."""
        if self._own is not None and not self._is_whole(self._own):
            self._own[0].close()
            self._own = None
        if self._own is None:
            # After a session was killed the server takes no others for a moment.
            self._own = eventually(self._try_connect, "the server takes sessions"), self.stops
        self._own[0].cursor().execute(statement)

    def _is_whole(self, own):
        """A test may have killed the session, or one of another's: then the server ended all of them."""
        try:
            own[0].cursor().execute("SELECT")
            return own[1] == self.stops
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            return False

    def _try_connect(self):
        try:
            return self._connect()
        except psycopg2.OperationalError:
            return None

    def create_database(self, template="template0"):
        name = f"t{next(self._names)}"
        # PostgreSQL 15's own way, each page through the log, costs twice as much.
        how = "STRATEGY file_copy" if self.version >= 150000 else ""
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8' {how}")
        return Database(self, name)


class Database:
    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name
        self.url = cluster.url(name)
        self._connection = None
        self._stops = 0
        self.since = "-infinity"  # of the usage that is looked at

    def query(self, statement, parameters=()):
        """Rows as dicts, or [] for a statement without any."""
        if not statement.lstrip().upper().startswith("SELECT"):
            self.cluster.touched.add(self.name)
        return self._query(statement, parameters)

    def _query(self, statement, parameters=()):
        if self._connection is None or self._connection.closed \
                or self._stops != self.cluster.stops:
            self._connection = self.cluster._connect(self.name)
            self._stops = self.cluster.stops
        try:
            with self._connection.cursor(
                    cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute(statement, parameters)
                return [dict(r) for r in cursor.fetchall()] if cursor.description else []
        except psycopg2.OperationalError:
            self._connection.close()
            raise

    def value(self, statement, parameters=()):
        return next(iter(self.query(statement, parameters)[0].values()))

    def usage(self):
        return self.query("SELECT * FROM token_usage_logs WHERE used_at >= %s ORDER BY id", (self.since,))

    def wait_usage(self, count):
        """The rows, once there are count of them; more than that is a failure."""
        rows = "SELECT count(*) FROM token_usage_logs WHERE used_at >= %s"
        eventually(lambda: self.value(rows, (self.since,)) >= count, f"{count} usage rows")
        rows = self.usage()
        assert len(rows) == count, rows
        return rows

    def generation(self):
        """What each change of tokens or keys increments."""
        return self.value("SELECT generation FROM token_generation")

    def renew(self, generation):
        """Makes a database whose test only made calls as good as new; False if it did more."""
        if self.name in self.cluster.touched or self.generation() != generation:
            return False
        # Rows that are deleted stay until a vacuum, and whoever waits for new ones reads past them.
        size = "SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree('token_usage_logs')"
        if self._query(size)[0]["sum"] > RENEWED_MAX:
            return False
        # The last statement of a gateway that has ended may still run, and locks tables.
        self._query("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()")
        # Not TRUNCATE: it makes files for each table and index anew.
        for table in ("token_usage_logs", "token_usage_logs_held", "usage_bad_rows",
                      "usage_strangers", "usage_gaps", "usage_ingest_ids", "usage_cursors", "usage_routes", "usage_dirty",
                      "usage_recounted", "usage_deltas", "usage_open", "usage_15min",
                      "usage_hour", "usage_6hours", "usage_day", "usage_8days", "usage_64days", "tollgate_nodes"):
            self._query(f"DELETE FROM {table}")
        self._query("UPDATE tokens SET last_used = NULL WHERE last_used IS NOT NULL")
        return True

    def drop(self):
        if self._connection is not None:
            self._connection.close()
        if self.cluster.is_running():
            self.cluster.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
