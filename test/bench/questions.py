"""How long questions about usage take, of a small and of a large load, and of the rows themselves.

BENCH_CALLS (10M) is the large load's size, BENCH_RAW_DAYS (7) how many of its 90 days have rows
as well; 100M takes some 15 minutes to make and 20 GB. BENCH_DATABASES=SMALL_URL,LARGE_URL asks
loads that were made before, by `tollgate usage generate` as below. Before it begins, cells are in
PostgreSQL's memory, and rows have been read once.
"""
import collections
import concurrent.futures
import contextlib
import datetime
import json
import os
import random
import statistics
import subprocess
import time

import psycopg2

from bench import save
from tg.gateway import BINARY, run_cli
from tg.postgres import Cluster

CALLS = os.environ.get("BENCH_CALLS", "10M")
RAW_DAYS = int(os.environ.get("BENCH_RAW_DAYS", "7"))
RANGES = int(os.environ.get("BENCH_RANGES", "20"))
PAGES = 100
DAYS, TOKENS, ROUTES, TEAM = 90, 1000, 20, 50
QUARTER = datetime.timedelta(minutes=15)
BAR_MS, BAR_GROWTH = 50, 1.5
WHOLE_BAR_MS, REFRESHED_BAR_MS = 150, 300
READERS, REFRESH_S, REFRESHES = 8, 5, 7
# As PostgreSQL's manual recommends (20.4.1): a quarter of the memory.
SETTINGS = {"shared_buffers": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 22}MB",
            "autovacuum": "on", "max_wal_size": "8GB"}

# The same of rows, for the ratio: {where} is the range and the team, {by} the ranking.
ERROR = "(response_status >= 400 OR outcome <> 'complete')"
COUNTS = f"count(*), count(*) FILTER (WHERE {ERROR}), avg(response_time_ms)"
PERCENTILES = ("percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY "
               "response_time_ms)")
RAW = {
    "totals": f"SELECT {COUNTS}, {PERCENTILES}, max(response_time_ms), sum(bytes_in), "
              "sum(bytes_out) FROM token_usage_logs {where}",
    "series": f"SELECT date_trunc('day', used_at), {COUNTS} FROM token_usage_logs {{where}} "
              "GROUP BY 1",
    "top-tokens": f"SELECT token_id, {COUNTS} FROM token_usage_logs {{where}} GROUP BY 1 "
                  "ORDER BY 2 DESC LIMIT 10",
    "top-routes": f"SELECT route_path, {COUNTS} FROM token_usage_logs {{where}} GROUP BY 1 "
                  "ORDER BY 2 DESC LIMIT 10",
    "slow-routes": f"SELECT route_path, {PERCENTILES} FROM token_usage_logs {{where}} GROUP BY 1",
    "slow-calls": "SELECT * FROM token_usage_logs {where} AND response_time_ms IS NOT NULL "
                  "ORDER BY response_time_ms DESC LIMIT 10",
    "distribution": "SELECT width_bucket(response_time_ms, usage_bounds()), count(*) "
                    "FROM token_usage_logs {where} GROUP BY 1",
    "statuses": "SELECT response_status / 100, count(*) FROM token_usage_logs {where} GROUP BY 1",
    "cost": "SELECT route_path, count(*) FROM token_usage_logs {where} GROUP BY 1",
    "token": f"SELECT route_path, {COUNTS} FROM token_usage_logs {{where}} AND token_id = {{id}} "
             "GROUP BY 1",
    "route": f"SELECT token_id, {COUNTS} FROM token_usage_logs {{where}} AND "
             "route_path = '{route}' GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
}


# Calls without rows, some each hour: the generator makes none.
GAPS = """
INSERT INTO usage_gaps (lane_group, lane, serial, minute, token_id, route_path, dropped)
SELECT gen_random_uuid(), 0, n, m, 1 + n % 1000, '/generated/001', n
FROM generate_series(1, 4320) AS n, LATERAL (SELECT date_trunc('minute', now() AT TIME ZONE 'UTC')
    - n * interval '30 minutes') AS t (m);
INSERT INTO usage_strangers (lane_group, lane, serial, minute, route_path, reason, network, requests)
SELECT gen_random_uuid(), 0, n, m, '/generated/001', 'key_unknown',
    set_masklen('10.0.0.0'::cidr + n % 300 * 256, 24), n
FROM generate_series(1, 21600) AS n, LATERAL (SELECT date_trunc('minute', now() AT TIME ZONE 'UTC')
    - n * interval '6 minutes') AS t (m)
"""


class Load:
    """A database with made-up usage, and a configuration with prices for its routes."""

    def __init__(self, bench, name, calls, raw_days, made):
        self.name = name
        self.url = made or bench.questions_cluster.create_database().url
        self.config = os.path.join(bench.folder, name + ".json")
        with open(self.config, "w", encoding="utf-8") as f:
            json.dump({"database": self.url, "routes": [
                {"name": f"r{n}", "path": f"/generated/{n:03}", "upstream": "http://127.0.0.1:1",
                 "price_per_call": 0.001 * n} for n in range(1, ROUTES + 1)]}, f)
        if not made:
            run_cli("migrate", "--config", self.config)
            command = ["usage", "generate", "--yes", "--config", self.config, "--calls", calls, "--days",
                       str(DAYS), "--tokens", str(TOKENS), "--routes", str(ROUTES)]
            command += ["--raw-days", str(raw_days)] if raw_days else []
            print("tollgate", *command[:2], *command[4:], flush=True)
            subprocess.run([BINARY, *command], check=True, stdout=subprocess.DEVNULL)
            with contextlib.closing(psycopg2.connect(self.url)) as connection, connection:
                connection.cursor().execute(GAPS)
        self.connection = psycopg2.connect(self.url)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.cursor.execute("VACUUM (ANALYZE)")
        self.cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        self.all("SELECT sum(pg_prewarm(oid)) FROM pg_class WHERE relname ~ '^usage_' "
                 "AND relkind IN ('r', 'i')")
        self.ids = dict(self.all("SELECT substr(name, 11)::int, id FROM tokens "
                                 "WHERE name LIKE 'generated %'"))
        self.calls = self.one("SELECT sum(calls)::bigint FROM usage_sums("
                              "ARRAY['2000-01-01', '2100-01-01']::timestamp[])")
        self.rows = self.one("SELECT sum(reltuples)::bigint FROM pg_class "
                             "WHERE relname ~ '^token_usage_logs_p\\d+$'")
        self.end = self.one("SELECT max(since) + interval '15 minutes' FROM (SELECT since FROM "
                            "usage_15min UNION ALL SELECT since FROM usage_open) AS cells")

    def all(self, statement):
        self.cursor.execute(statement)
        return self.cursor.fetchall()

    def one(self, statement):
        return self.all(statement)[0][0]

    def statement(self, arguments):
        """What `tollgate usage ask` would send; tokens are told by their number in the load."""
        kind, options = arguments
        command = [BINARY, "usage", "ask", kind, "--sql", "--config", self.config]
        for option, value in options.items():
            if option == "tokens":
                value = ",".join(str(self.ids[n]) for n in value)
            command += [f"--{option}"] + ([] if value is True else [str(value)])
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def ms(self, statement):
        at = time.perf_counter()
        self.cursor.execute(statement)
        self.cursor.fetchall()
        return (time.perf_counter() - at) * 1000


# --- what is asked ---

def a_range(rng, end, days):
    """Any range of whole quarters; each third ends now, and each fourth is of whole days."""
    span = rng.choice([1, 7, 30, days, rng.uniform(0.02, days)])
    high = end if rng.random() < 0.34 else end - rng.uniform(0, days - min(span, days)) * 96 * QUARTER
    low = high - span * 96 * QUARTER
    if rng.random() < 0.25:
        low, high = (t.replace(hour=0, minute=0) for t in (low, high))
        high = max(high, low + 96 * QUARTER)
    low, high = (t.replace(minute=t.minute // 15 * 15, second=0, microsecond=0) for t in (low, high))
    return max(low, end - days * 96 * QUARTER), max(high, low + QUARTER)


def a_step(rng, low, high):
    """Any that makes up to a thousand points."""
    return rng.choice([name for name, minutes in (
        ("15m", 15), ("30m", 30), ("1h", 60), ("3h", 180), ("6h", 360), ("1d", 1440), ("1w", 10080))
        if (high - low).total_seconds() / 60 / minutes <= 990])


def common(rng, scope, low, high):
    options = {"from": low.isoformat() + "Z", "to": high.isoformat() + "Z"}
    if scope != "everyone":
        options["tokens"] = sorted(rng.sample(range(1, TOKENS + 1), TEAM))
    if scope == "team, Kolkata":
        options["zone"] = "Asia/Kolkata"
    return options


def ask_of(rng, kind, options, low, high):
    options = dict(options)
    if kind.startswith("series"):
        options["step"] = a_step(rng, low, high)
        if kind == PERCENTILES_TOO:
            options["percentiles"] = True
        kind = "series"
    elif kind.startswith("top-"):
        options["by"] = rng.choice(["calls", "errors", "time"])
    elif kind == "token":
        options["tokens"] = [min(TOKENS, int(rng.paretovariate(0.5)))]
    elif kind == "route":
        options["routes"] = f"/generated/{rng.randint(1, ROUTES):03}"
    return kind, options


PERCENTILES_TOO = "series with percentiles"
KINDS = [*RAW, "gaps", PERCENTILES_TOO]
WHOLES = ["token", "route"]  # all that a page shows: several questions in one, as "stats" is
SCOPES = ["everyone", "team", "team, Kolkata"]


def asked(end, seed):
    """(kind, scope, arguments) of all questions: the same for both loads."""
    rng = random.Random(seed)
    for kind in KINDS:
        for scope in SCOPES:
            for _ in range(RANGES):
                low, high = a_range(rng, end, DAYS)
                yield kind, scope, ask_of(rng, kind, common(rng, scope, low, high), low, high)


def p95(times):
    return sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]


def tell_slowest(load, timed):
    for took, what in sorted(timed, reverse=True)[:5]:
        print(f"{load.name}, {took:.0f} ms: {what}")


def time_all(load, end):
    """{(kind, scope): [ms]}; each statement is asked once, in an order that favours none, after
    others of the same kinds."""
    def statements(seed):
        made = [(kind, scope, arguments, load.statement(arguments))
                for kind, scope, arguments in asked(end, seed)]
        random.Random(1).shuffle(made)
        return made

    for *_, statement in statements(6):
        load.ms(statement)
    times = collections.defaultdict(list)
    slowest = []
    for kind, scope, arguments, statement in statements(7):
        took = load.ms(statement)
        times[kind, scope].append(took)
        if kind != PERCENTILES_TOO:
            slowest.append((took, str(arguments)))
    tell_slowest(load, slowest)
    return times


def raw_ratios(load):
    """What a question costs of rows, in what it costs of cells: the days that have rows."""
    days = max(1, load.one("SELECT count(*) FROM pg_class WHERE relname ~ '^token_usage_logs_p\\d+$' "
                           "AND reltuples > 0") - 1)
    days = min(days, DAYS)
    low = load.end - days * 96 * QUARTER
    options = {"from": low.isoformat() + "Z", "to": load.end.isoformat() + "Z"}
    ratios = {}
    for kind, statement in RAW.items():
        arguments = dict(options)
        if kind == "token":
            arguments["tokens"] = [3]
        elif kind == "route":
            arguments["routes"] = "/generated/003"
        elif kind == "series":
            arguments["step"] = "1d"
        cells = load.statement((kind, arguments))
        where = f"WHERE used_at >= '{low}' AND used_at < '{load.end}'"
        raw_ms = load.ms(statement.format(where=where, id=load.ids[3], route="/generated/003"))
        cells_ms = statistics.median(load.ms(cells) for _ in range(3))
        ratios[kind] = {"raw_ms": raw_ms, "ms": cells_ms, "ratio": raw_ms / cells_ms}
    return days, ratios


def pages(load):
    """Pages of rows at any place, with any filter. """
    rng = random.Random(3)
    low = load.one("SELECT min(used_at) FROM token_usage_logs")
    times = []
    slowest = []
    for _ in range(PAGES):
        at = low + rng.random() * (load.end - low)
        options = {"from": low.isoformat() + "Z", "to": at.isoformat() + "Z",
                   "limit": rng.choice([50, 50, 500])}
        for name, value in rng.sample([
                ("tokens", sorted(rng.sample(range(1, TOKENS + 1), rng.choice([1, 1, TEAM])))),
                ("routes", f"/generated/{rng.randint(1, ROUTES):03}"),
                ("status", rng.choice(["5xx", "404", "200"])),
                ("method", rng.choice(["GET", "POST"])),
                ("min-ms", rng.choice([100, 2000, 20000]))], rng.choice([0, 1, 1, 2, 3])):
            options[name] = value
        statement = load.statement(("rows", options))
        took = load.ms(statement)
        times.append(took)
        slowest.append((took, str(options)))
    tell_slowest(load, slowest)
    return times


# --- a page's whole ---

def whole(load):
    """`stats` of all, alone: of a day, a week and all there is, each ending elsewhere."""
    times = []
    for days in (1, 7, DAYS - 3):
        for n in range(10):
            high = load.end - n * QUARTER
            options = {"from": (high - days * 96 * QUARTER).isoformat() + "Z", "to": high.isoformat() + "Z"}
            times.append(load.ms(load.statement(("stats", options))))
    return times


def refreshing(load):
    """The same of a day, by so many pages at once, each every few seconds."""
    options = {"from": (load.end - 96 * QUARTER).isoformat() + "Z", "to": load.end.isoformat() + "Z"}
    statement = load.statement(("stats", options))
    times = []

    def page(n):
        with contextlib.closing(psycopg2.connect(load.url)) as connection:
            cursor = connection.cursor()
            for turn in range(REFRESHES):
                time.sleep(max(0, began + turn * REFRESH_S + n * REFRESH_S / READERS - time.perf_counter()))
                at = time.perf_counter()
                cursor.execute(statement)
                cursor.fetchall()
                if turn > 0:  # the first one's session is new
                    times.append((time.perf_counter() - at) * 1000)

    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(READERS) as pages_at_once:
        for done in [pages_at_once.submit(page, n) for n in range(READERS)]:
            done.result()
    return times


def percentile_series(load):
    """Of a team of 50, in up to 300 points."""
    rng = random.Random(9)
    team = sorted(rng.sample(range(1, TOKENS + 1), TEAM))
    times = []
    for days, step in ((3, "15m"), (12, "1h"), (75, "6h"), (DAYS - 3, "1d")):
        for n in range(10):
            high = load.end - n * QUARTER
            times.append(load.ms(load.statement(("series", {
                "from": (high - days * 96 * QUARTER).isoformat() + "Z", "to": high.isoformat() + "Z",
                "tokens": team, "step": step, "percentiles": True}))))
    return times


# --- the measurement ---

def questions(bench):
    made = os.environ.get("BENCH_DATABASES", ",").split(",")
    with contextlib.ExitStack() as stack:
        if not all(made):
            bench.questions_cluster = Cluster(**SETTINGS)
            stack.callback(bench.questions_cluster.remove)
        return measure(Load(bench, "small", "1M", None, made[0]),
                       Load(bench, "large", CALLS, RAW_DAYS, made[1]))


def measure(small, large):
    end = large.end
    days, ratios = raw_ratios(large)
    of_small, of_large = time_all(small, end), time_all(large, end)
    paged = pages(large)
    at_once, refreshed, percentiles = whole(large), refreshing(large), percentile_series(large)
    table = {}
    for kind in KINDS:
        for scope in SCOPES:
            table[f"{kind}, {scope}"] = {
                "p95_ms": p95(of_large[kind, scope]),
                "median_ms": statistics.median(of_large[kind, scope]),
                "small_median_ms": statistics.median(of_small[kind, scope]),
                "growth": sum(of_large[kind, scope]) / sum(of_small[kind, scope])}
    for name, row in table.items():
        print(f"{name:30} p95 {row['p95_ms']:7.1f} ms  median {row['median_ms']:6.1f} ms  "
              f"of 1M {row['small_median_ms']:6.1f} ms  growth {row['growth']:.2f}")
    for kind, row in ratios.items():
        print(f"{kind:30} rows of {days} days {row['raw_ms']:8.0f} ms, cells {row['ms']:6.1f} ms, "
              f"{row['ratio']:.0f} x")
    title = f"{large.calls / 1e6:.0f} M calls, {large.rows / 1e6:.1f} M of them rows"
    save("questions", {"calls": large.calls, "rows": large.rows, "raw_days": days,
                       "small_calls": small.calls, "table": table, "raw": ratios})
    wholes = {name: row for name, row in table.items() if name.split(",")[0] in WHOLES}
    judged = {name: row for name, row in table.items() if PERCENTILES_TOO not in name and name not in wholes}
    worst = max(row["p95_ms"] for row in judged.values())
    growths = [row["growth"] for row in judged.values()]
    return {
        f"question, p95 of the slowest, {title}": (worst, "ms", BAR_MS),
        f"question, median, {title}": (statistics.median(
            row["median_ms"] for row in judged.values()), "ms", None),
        f"question, cost of {large.calls / 1e6:.0f} M in that of 1 M, worst": (
            max(growths), "x", BAR_GROWTH),
        "the same, median": (statistics.median(growths), "x", None),
        "series with percentiles, p95 of the slowest": (max(
            row["p95_ms"] for name, row in table.items() if PERCENTILES_TOO in name), "ms", None),
        "a token's or a route's page in one question, p95 of the slower": (
            max(row["p95_ms"] for row in wholes.values()), "ms", BAR_MS),
        "question of rows in that of cells, median": (statistics.median(
            row["ratio"] for row in ratios.values()), "x", None),
        "stats of all, p95": (p95(at_once), "ms", WHOLE_BAR_MS),
        f"the same, {READERS} pages each {REFRESH_S} s": (p95(refreshed), "ms", REFRESHED_BAR_MS),
        f"percentile series of {TEAM} tokens, up to 300 points, p95": (p95(percentiles), "ms", WHOLE_BAR_MS),
        "page of rows, p95": (p95(paged), "ms", None),
        "page of rows, max": (max(paged), "ms", BAR_MS),
    }
