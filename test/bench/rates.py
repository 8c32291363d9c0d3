"""How fast the recorder stores what waits in the journal, beside plain COPY of the same rows; and
what a row costs PostgreSQL, beside the older backend's INSERT and UPDATE of each call.

PostgreSQL with fsync, as it comes. BENCH_EVENTS (400000) is how many rows, BENCH_RATE_ROUNDS (3)
how many rounds, the two in turn.
"""
import contextlib
import hashlib
import os
import re
import secrets
import shutil
import statistics
import subprocess
import time

from bench import HERE, save
from processes import CpuTime
from tg.build import build
from tg.gateway import Gateway, run_cli
from tg.postgres import Cluster
from tg.wait import eventually

EVENTS = int(os.environ.get("BENCH_EVENTS", "400000"))
ROUNDS = int(os.environ.get("BENCH_RATE_ROUNDS", "3"))
OLDER_CALLS = 4000
LIVE_RATE, LIVE_SECONDS = 500, 10
KEYS, ROUTES = 1000, 20
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on",
           "autovacuum": "on", "shared_buffers": "1GB", "max_wal_size": "8GB"}
COLUMNS = ("token_hash, token_id, route_path, used_at, response_status, response_time_ms, "
           "ip_address, user_agent, request_method, error_message, request_id, outcome, "
           "upstream_status, total_ms, ttfb_ms, client_wait_ms, bytes_in, bytes_out, node, "
           "trace_id, tags")

OLDER_COLUMNS = ("token_hash, route_path, used_at, response_status, response_time_ms, ip_address, "
                 "user_agent, request_method, error_message")
OLDER_TABLES = """
DROP SCHEMA IF EXISTS older CASCADE;
CREATE SCHEMA older;
CREATE TABLE older.tokens (id serial PRIMARY KEY, name text, token_hash varchar(64) UNIQUE,
    last_used timestamp);
INSERT INTO older.tokens (name, token_hash) SELECT name, token_hash FROM public.tokens;
CREATE TABLE older.token_usage_logs (id serial PRIMARY KEY, token_hash varchar(64) NOT NULL,
    route_path varchar(255), used_at timestamp NOT NULL, response_status integer,
    response_time_ms integer, ip_address varchar(45), user_agent text, request_method varchar(10),
    error_message text);
CREATE INDEX ON older.token_usage_logs (token_hash);
CREATE INDEX ON older.token_usage_logs (used_at DESC);
CREATE INDEX ON older.token_usage_logs (route_path);
CREATE INDEX ON older.token_usage_logs (token_hash, used_at DESC);
"""


class Store:
    """A durable PostgreSQL of its own, 1,000 tokens, and a gateway whose journal waits for it."""

    def __init__(self, stack, bench):
        self.cluster = Cluster(**DURABLE)
        stack.callback(self.cluster.remove)
        self.database = self.cluster.create_database()
        folder = os.path.join(bench.folder, "rates")
        os.mkdir(folder)
        self.keys = os.path.join(folder, "keys")
        routes = [{"name": f"r{n}", "path": f"/api/r{n}", "upstream": bench.demo}
                  for n in range(1, ROUTES + 1)]
        self.gateway = Gateway(folder, self.database, routes, access_log=False)
        run_cli("migrate", "--config", self.gateway.config_file)
        keys = ["ntk_" + secrets.token_hex(16) for _ in range(KEYS)]
        with open(self.keys, "w", encoding="ascii") as f:
            f.writelines(key + "\n" for key in keys)
        self.database.query(
            "INSERT INTO tokens (name, token_hash, scopes) SELECT 'load', h, '{*}' "
            "FROM unnest(%s) AS h", ([hashlib.sha256(k.encode()).hexdigest() for k in keys],))
        self.saved = os.path.join(folder, "saved")
        self._fill()

    def postgres(self):
        with open(os.path.join(self.cluster.data, "postmaster.pid"), encoding="ascii") as f:
            return int(f.readline())

    def _fill(self):
        """Calls while PostgreSQL is stopped, until enough wait; the journal is then put aside."""
        self.gateway.start()
        self.cluster.stop()
        events = 0
        while events < EVENTS:
            wrk = subprocess.run(
                ["wrk", "-t1", "-c32", "-d4s", "-s", os.path.join(HERE, "spread.lua"),
                 f"http://127.0.0.1:{self.gateway.port}", "--", self.keys, str(ROUTES), "1"],
                check=True, capture_output=True, text=True)
            assert "Non-2xx" not in wrk.stdout, wrk.stdout
            events += int(re.search(r"(\d+) requests in", wrk.stdout).group(1))
        self.gateway.kill()
        shutil.move(self.gateway.journal, self.saved)
        self.cluster.start()

    def empty(self):
        tables = ("usage_deltas, usage_open, usage_15min, usage_hour, usage_6hours, usage_day, "
                  "usage_8days, usage_64days")
        for part in self.database.query("SELECT inhrelid::regclass::text AS name FROM pg_inherits "
                                        "WHERE inhparent = 'token_usage_logs'::regclass"):
            self.database.query(f"TRUNCATE {part['name']}")
        self.database.query(f"TRUNCATE {tables}, usage_cursors")
        self.database.query("VACUUM (ANALYZE)")
        self.database.query("CHECKPOINT")
        time.sleep(1)

    def drain(self):
        """(rows, seconds, PostgreSQL's CPU seconds) of a gateway that finds the journal."""
        self.empty()
        shutil.rmtree(self.gateway.journal, ignore_errors=True)
        shutil.copytree(self.saved, self.gateway.journal)
        last = self.database.value("SELECT last_value FROM token_usage_logs_id_seq")
        count = "SELECT count(*) FROM token_usage_logs"
        stored = "SELECT last_value FROM token_usage_logs_id_seq"
        cpu = CpuTime(self.postgres())
        self.gateway.start(wait=False)
        eventually(lambda: self.database.value(stored) > last, "the first row", 30)
        at = time.monotonic()
        eventually(lambda: not self.backlog(), "all rows", 300)
        seconds = time.monotonic() - at
        rows = self.database.value(count)
        eventually(lambda: not self.database.value("SELECT count(*) FROM usage_deltas"),
                   "all merged", 60)
        cpu = CpuTime(self.postgres()).since(cpu)
        self.gateway.terminate()
        self.gateway.wait_exit()
        return rows, seconds, cpu.user + cpu.system

    def backlog(self):
        """Whether groups of others are left: the last thing that their last batch does."""
        return len(os.listdir(self.gateway.journal)) > 1

    def copy(self):
        """The same rows by plain COPY into the same table, like the recorder's on a session that is
        new: one that has touched all shared buffers before is a third faster."""
        part = self.database.value(
            "SELECT tableoid::regclass::text FROM token_usage_logs GROUP BY 1 "
            "ORDER BY count(*) DESC LIMIT 1")
        path = os.path.join(self.cluster.folder, "rows")
        self.database.query(f"COPY (SELECT {COLUMNS} FROM {part} ORDER BY id) TO '{path}'")
        rows = self.database.value(f"SELECT count(*) FROM {part}")
        self.empty()
        cpu = CpuTime(self.postgres())
        connection = self.cluster.connect(self.database.name)
        with contextlib.closing(connection), connection.cursor() as cursor, open(path, "rb") as f:
            at = time.monotonic()
            cursor.copy_expert(f"COPY {part} ({COLUMNS}) FROM STDIN", f)
            seconds = time.monotonic() - at
        cpu = CpuTime(self.postgres()).since(cpu)
        return rows, seconds, cpu.user + cpu.system

    def live(self):
        """PostgreSQL's CPU seconds a row while calls come in steadily: batches are small."""
        self.empty()
        self.gateway.start()
        with open(self.keys, encoding="ascii") as f:
            key = f.readline().strip()
        cpu = CpuTime(self.postgres())
        subprocess.run([build("load/caller.c"), "--port", str(self.gateway.port), "--key", key,
                        "--path", "/api/r1/bytes/100", "--rate", str(LIVE_RATE), "--seconds",
                        str(LIVE_SECONDS)], check=True, stdout=subprocess.DEVNULL)
        time.sleep(4)  # merged
        cpu = CpuTime(self.postgres()).since(cpu)
        rows = self.database.value("SELECT count(*) FROM token_usage_logs")
        self.gateway.terminate()
        self.gateway.wait_exit()
        return (cpu.user + cpu.system) / rows

    def older(self):
        """PostgreSQL's CPU seconds a call, when each call is a transaction of one UPDATE and one
        INSERT, into a table as the older backend had it."""
        rows = self.database.query(f"SELECT {OLDER_COLUMNS} FROM token_usage_logs LIMIT %s",
                                   (OLDER_CALLS,))
        connection = self.cluster.connect(self.database.name)
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(OLDER_TABLES)
            cpu = CpuTime(self.postgres())
            for r in rows:
                cursor.execute("BEGIN")
                cursor.execute("UPDATE older.tokens SET last_used = now() WHERE token_hash = %s",
                               (r["token_hash"],))
                cursor.execute(f"INSERT INTO older.token_usage_logs ({OLDER_COLUMNS}) VALUES "
                               f"(%s{', %s' * 8})", list(r.values()))
                cursor.execute("COMMIT")
            cpu = CpuTime(self.postgres()).since(cpu)
        return (cpu.user + cpu.system) / len(rows)


def rates(bench):
    with contextlib.ExitStack() as stack:
        store = Store(stack, bench)
        ours, plain, older, live = [], [], [], []
        for n in range(ROUNDS):
            for name, how, of in (("recorder", store.drain, ours), ("COPY", store.copy, plain)):
                rows, seconds, cpu = how()
                of.append({"rows": rows, "rows_per_s": rows / seconds, "cpu_us": cpu / rows * 1e6})
                print(f"round {n + 1} {name:9} {rows} rows, {rows / seconds:8.0f} rows/s, "
                      f"PostgreSQL {cpu / rows * 1e6:6.1f} us a row", flush=True)
            older.append(store.older() * 1e6)
            live.append(store.live() * 1e6)
            print(f"round {n + 1} INSERT and UPDATE: PostgreSQL {older[-1]:6.1f} us a call; "
                  f"recorder at {LIVE_RATE} calls/s: {live[-1]:6.1f} us a row", flush=True)
    save("rates", {"recorder": ours, "copy": plain, "older_us": older, "live_us": live})
    ratio = statistics.median(a["rows_per_s"] / b["rows_per_s"] for a, b in zip(ours, plain))
    cost = statistics.median(a["cpu_us"] / b for a, b in zip(ours, older))
    live_cost = statistics.median(a / b for a, b in zip(live, older))
    return {
        "plain COPY in rows/s of the recorder": (1 / ratio, "x", 1 / 0.8),
        "recorder": (statistics.median(a["rows_per_s"] for a in ours), "rows/s", None),
        "PostgreSQL's CPU per row, of that of INSERT and UPDATE": (cost, "x", 1 / 8),
        f"the same, live at {LIVE_RATE} calls/s": (live_cost, "x", 1 / 8),
    }
