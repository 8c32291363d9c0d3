"""Usage rows of every kind for the statistics' tests, and a recount of them in plain Python."""
import collections
import datetime
import random
import zoneinfo

import psycopg2.extras

UTC = datetime.timezone.utc
QUARTER = datetime.timedelta(minutes=15)
ROUTES = ["/api/openai", "/api/perplexity", "/api/test", "/a,b", "/it's \"odd\" \\ {x}", None]
OUTCOMES = [None] * 3 + ["complete"] * 8 + ["client_abort", "connection_refused", "shutdown",
                                            "http_request_denied"]
CLIENT = {"client_abort", "revoked", "http_request_denied", "http_request_error"}
OURS = {"shutdown", "proxy_internal_error", "connection_limit_reached", "proxy_loop_detected"}
# Days on which clocks change: New York, Lord Howe (by half an hour); and the latest ones.
DAYS = ["2026-03-07", "2026-03-08", "2026-04-04", "2026-04-05", "2026-10-03", "2026-10-04",
        "2026-10-31", "2026-11-01", "2026-11-02"]
COLUMNS = ("token_hash", "token_id", "route_path", "used_at", "response_status",
           "response_time_ms", "total_ms", "bytes_in", "bytes_out", "outcome", "request_method")


def random_rows(rng, count, tokens, days):
    """Rows in a few quarters of an hour of these days, some at their very borders."""
    slots = [datetime.datetime.fromisoformat(rng.choice(days)) + rng.randrange(96) * QUARTER
             for _ in range(25 + count // 20)]
    rows = []
    for _ in range(count):
        inside = rng.choice([0, 899_999_999, rng.randrange(900_000_000)])
        token = rng.choice(tokens)
        if rng.random() < 0.5:  # a few are much busier
            token = tokens[0]
        ms = None if rng.random() < 0.1 else int(rng.lognormvariate(4, 2)) % 700_000
        rows.append((token[1], token[0], rng.choice(ROUTES),
                     rng.choice(slots) + datetime.timedelta(microseconds=inside),
                     rng.choice([None, 101, 200, 200, 200, 204, 302, 404, 429, 500, 503, 799]),
                     ms, None if rng.random() < 0.2 else (ms or 0) + rng.randrange(50),
                     rng.choice([None, 0, rng.randrange(10 ** 10)]),
                     rng.choice([None, rng.randrange(5000)]), rng.choice(OUTCOMES),
                     rng.choice(["GET", "POST", "DELETE"])))
    return rows


class UsageData:
    """A database whose cells stand in every place where they can: whole days, open ones, deltas."""

    def __init__(self, database, seed, count=1200):
        self.database = database
        rng = self.rng = random.Random(seed)
        database.query("INSERT INTO tokens (name, token_hash) SELECT 'token ' || n, "
                       "encode(sha256(n::text::bytea), 'hex') FROM generate_series(1, 60) AS n")
        self.tokens = [(r["id"], r["token_hash"]) for r in database.query(
            "SELECT id, token_hash FROM tokens WHERE name LIKE 'token %%' ORDER BY id")]
        today = datetime.datetime.now(UTC).date()
        recent = [str(today), str(today - datetime.timedelta(days=1))]
        database.query("SELECT usage_ensure_partition(d) FROM unnest(%s::date[]) AS d",
                       (DAYS + recent,))
        self.insert(random_rows(rng, count, self.tokens, DAYS + recent))
        self.recount()
        while database.value("SELECT usage_pack()") > 0:
            pass
        # Late ones: their days are opened again.
        self.insert(random_rows(rng, 60, self.tokens, DAYS[-2:] + recent))
        self.recount()
        self.deltas(random_rows(rng, 40, self.tokens, DAYS[3:5] + recent))
        self.rows = database.query("SELECT * FROM token_usage_logs ORDER BY id")

    def insert(self, rows, table="token_usage_logs"):
        self.database.query("SELECT 1")
        with self.database._connection.cursor() as cursor:
            psycopg2.extras.execute_values(
                cursor, f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES %s", rows)

    def recount(self):
        while self.database.value("SELECT usage_recount_dirty(100)") > 0:
            pass

    def deltas(self, rows):
        """As the recorder does it: into the day's partition, and what they sum up to beside."""
        by_day = collections.defaultdict(list)
        for row in rows:
            by_day[f"{row[3]:%Y%m%d}"].append(row)
        for day, of_day in by_day.items():
            last = self.database.value("SELECT max(id) FROM token_usage_logs")
            self.insert(of_day, f"token_usage_logs_p{day}")
            statement = self.database.value(
                "SELECT usage_sql('INSERT INTO usage_deltas (since, token_id, route_path, "
                "{columns}) SELECT usage_floor(used_at, 900), token_id, route_path, {count} FROM ("
                f"SELECT {{row}} FROM token_usage_logs_p{day} WHERE id > {last}) AS r "
                "GROUP BY 1, 2, 3')")
            self.database.query(statement.replace("%", "%%"))

    def select(self, low, high, tokens=None, routes=None):
        return [r for r in self.rows if low <= r["used_at"] < high
                and (tokens is None or r["token_id"] in tokens)
                and (routes is None or r["route_path"] in routes)]


# --- the recount ---

def error_of(row):
    if (row["response_status"] or 0) < 400 and row["outcome"] in (None, "complete"):
        return None
    return "client" if row["outcome"] in CLIENT else "ours" if row["outcome"] in OURS \
        else "upstream"


def bucket_of(ms):
    """The histogram's bucket, as [low, high)."""
    if ms < 16:
        return ms, ms + 1
    if ms >= 524288:
        return 524288, 1 << 40
    width = 1 << (ms.bit_length() - 4)
    return ms // width * width, ms // width * width + width


def nearest_rank(times, share):
    times = sorted(times)
    return times[max(1, -(-round(share * 100) * len(times) // 100)) - 1] if times else None


def summary(rows):
    """What every answer tells of some rows."""
    errors = collections.Counter(error_of(r) for r in rows)
    times = [r["response_time_ms"] for r in rows if r["response_time_ms"] is not None]
    wrong = len(rows) - errors[None]
    return {
        "calls": len(rows), "errors": wrong,
        "errors_by": {k: errors[k] for k in ("ours", "upstream", "client")},
        "error_rate": round(wrong / len(rows), 6) if rows else None,
        "success_rate": round(1 - wrong / len(rows), 6) if rows else None,
        "mean_ms": sum(times) / len(times) if times else None,
        "times": times, "time_ms": sum(times), "max_ms": max(times, default=None),
        "bytes_in": sum(r["bytes_in"] or 0 for r in rows),
        "bytes_out": sum(r["bytes_out"] or 0 for r in rows),
    }


def statuses(rows):
    classes = collections.Counter((r["response_status"] or 0) // 100 for r in rows)
    named = {f"{c}xx": classes[c] for c in range(1, 6)}
    return {**named, "none": len(rows) - sum(named.values())}


def same(answer, rows):
    """Whether what an answer tells is what the rows are; percentiles to their bucket."""
    want = summary(rows)
    for key, value in answer.items():
        if key in ("p50_ms", "p95_ms", "p99_ms"):
            exact = nearest_rank(want["times"], int(key[1:3]) / 100)
            if exact is None:
                assert value is None
            else:
                low, high = bucket_of(exact)
                assert low <= value < high, (key, value, exact)
        elif key in ("mean_ms", "error_rate", "success_rate"):
            assert (value is None) == (want[key] is None), (key, value, want[key])
            assert value is None or abs(value - want[key]) <= (0.0501 if key == "mean_ms" else 2e-6)
        elif key in want:
            assert value == want[key], (key, value, want[key])
    return True


# --- clocks ---

def to_utc(local, zone):
    """A local time without zone, as UTC without zone; the earlier one where it is there twice is
    not asked for by these tests."""
    return local.replace(tzinfo=zoneinfo.ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def to_local(utc, zone):
    return utc.replace(tzinfo=UTC).astimezone(zoneinfo.ZoneInfo(zone))


def days_of(low, high, zone):
    """The range (UTC) cut at the zone's midnights."""
    bounds = [low]
    day = to_local(low, zone).date()
    while True:
        day += datetime.timedelta(days=1)
        at = to_utc(datetime.datetime.combine(day, datetime.time()), zone)
        if at >= high:
            return bounds + [high]
        bounds.append(at)


def steps_of(low, high, zone, minutes):
    """The range cut into steps that count from each of the zone's midnights."""
    bounds = {low, high}
    start = to_utc(datetime.datetime.combine(to_local(low, zone).date(), datetime.time()), zone)
    for begin, end in zip([start] + days_of(low, high, zone)[1:-1],
                          days_of(low, high, zone)[1:-1] + [high]):
        at = begin
        while at < end:
            bounds.add(max(at, low))
            at += datetime.timedelta(minutes=minutes)
    return sorted(bounds)
