"""The usage journal's promises: an append costs next to nothing, and what goes wrong behind it does
not reach callers.

BENCH_OUTAGE_SECONDS (10; 60 is the full size) is how long PostgreSQL is stopped, or the disk kept
busy, in each of BENCH_PAIRS (5) pairs of windows. BENCH_BACKLOG_MB (256; 1024 is the full size) is
what waits on disk at a start.
"""
import contextlib
import json
import os
import signal
import statistics
import subprocess
import threading
import time

from bench import program, save
from machine import describe
from tg.counts import summary_of
from tg.wait import eventually
from tg.wire import Client
from usage_stage import PATH, RATE, Stage

SECONDS = int(os.environ.get("BENCH_OUTAGE_SECONDS", "10"))
PAIRS = int(os.environ.get("BENCH_PAIRS", "5"))
BACKLOG_MB = int(os.environ.get("BENCH_BACKLOG_MB", "256"))
TIGHT, PACED, PACED_RATE = 1_000_000, 20_000, 2000
HOGS = 10
RATIO = 1.25


# --- an append ---

def append(bench):
    """What an append costs the worker: time, system calls."""
    log = os.path.join(bench.folder, "append.strace")
    tight = _append(bench, "tight", TIGHT, trace_to=log)
    paced = _append(bench, "paced", PACED, PACED_RATE)
    assert tight["appended"] == TIGHT and paced["appended"] == PACED, "events were dropped"
    calls = summary_of(log)
    # One call of its own tells that calls are seen at all.
    assert calls.pop("getppid", 0) == 1, calls
    title = f"append of {tight['bytes']} bytes"
    print(f"{title}: system calls of {TIGHT} appends: {calls}")
    return {f"{title}, {TIGHT:,} in a loop, mean": (tight["mean_us"], "µs", 1),
            f"{title}, {TIGHT:,} in a loop, system calls": (sum(calls.values()), "", 0),
            f"{title}, {PACED_RATE:,} a second, mean": (paced["mean_us"], "µs", None),
            f"{title}, {PACED_RATE:,} a second, p99.9": (paced["p999_us"], "µs", None),
            f"{title}, {PACED_RATE:,} a second, max": (paced["max_us"], "µs", None)}


def _append(bench, *how, trace_to=None):
    """What the program found; the system calls of its appending thread go to a file."""
    with contextlib.ExitStack() as stack:
        run = subprocess.Popen([program("append"), os.path.join(bench.folder, how[0]),
                                bench.database.url, *map(str, how)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stack.callback(run.communicate)
        thread = run.stdout.readline().strip()
        if trace_to:
            strace = subprocess.Popen(["strace", "-c", "-o", trace_to, "-p", thread],
                                      stderr=subprocess.PIPE, text=True)
            stack.callback(strace.communicate)
            stack.callback(strace.send_signal, signal.SIGINT)
            assert "attached" in strace.stderr.readline()
        run.stdin.write("go\n")
        run.stdin.flush()
        found = json.loads(run.stdout.readline())
    assert run.returncode == 0
    return found


# --- what goes wrong behind the journal ---

def _report(name, title, pairs, worse, well):
    """The figures of pairs of windows, one with what is wrong and one without."""
    ratios = [pair[worse]["p99_ms"] / pair[well]["p99_ms"] for pair in pairs]
    controls = [pair[worse]["control_ms"] / pair[well]["control_ms"] for pair in pairs]
    for n, pair in enumerate(pairs):
        print(f"{title}, pair {n + 1}: p99 {pair[worse]['p99_ms']:.3f} ms, without "
              f"{pair[well]['p99_ms']:.3f} ms: {ratios[n]:.2f}; straight to the upstream "
              f"{pair[worse]['control_ms']:.3f} and {pair[well]['control_ms']:.3f} ms; max "
              f"{pair[worse]['max_ms']:.1f} and {pair[well]['max_ms']:.1f} ms")
    save(name, {"machine": describe(), "rate": RATE, "seconds": SECONDS, "pairs": pairs})

    def median(which):
        return statistics.median(pair[which]["p99_ms"] for pair in pairs)
    return {f"{title}, p99 against without": (statistics.median(ratios), "x", RATIO),
            f"{title}, p99": (median(worse), "ms", None),
            f"{title}, p99 without": (median(well), "ms", None),
            f"{title}, straight to the upstream, p99 against without":
                (statistics.median(controls), "x", None)}


def outage(bench):
    """PostgreSQL stopped while calls go on: their p99, and how soon the rows are there after."""
    title = f"PostgreSQL stopped for {SECONDS} s"
    pairs, delays = [], []
    with contextlib.ExitStack() as stack:
        stage = Stage(stack)
        stage.start_gateway()
        stage.window(2)
        for _ in range(PAIRS):
            pair = {"running": stage.window(SECONDS)}
            since = stage.utc_now()
            stage.cluster.stop()
            pair["stopped"] = stage.window(SECONDS)
            pairs.append(pair)
            delays.append(_recover(stage, since))
        figures = _report("outage", title, pairs, "stopped", "running")
        figures[f"{title}, all rows there after its return, max"] = (max(delays), "s", 30)
        figures.update(stage.judge_rows(title))
    return figures


def _recover(stage, since):
    """Seconds from PostgreSQL's return until it has what came while it was away; calls go on."""
    stopped = stage.id_files[-1:]
    more = stage.call(stage.gateway.port, RATE, 0, ids=True)
    stage.cluster.start()
    at = time.monotonic()
    with stage.rows_of(stopped, since) as rows:
        eventually(lambda: rows.missing() == 0, "all rows are there", 120)
    delay = time.monotonic() - at
    more.terminate()
    stage.finish(more)
    with stage.rows_of(stage.id_files[-1:], since) as rows:
        eventually(lambda: rows.missing() == 0, "the next window finds nothing left", 60)
    print(f"PostgreSQL is back: all rows after {delay:.1f} s", flush=True)
    return delay


def busy_disk(bench):
    """Another process that saturates the disk: calls' p99."""
    title = f"disk kept busy by {HOGS} processes for {SECONDS} s"
    pairs = []
    with contextlib.ExitStack() as stack:
        stage = Stage(stack)
        stage.start_gateway()
        stage.window(2)
        for n in range(PAIRS):
            pair = {}
            for which in ("idle", "busy") if n % 2 == 0 else ("busy", "idle"):
                pair[which] = _busy(stage) if which == "busy" else stage.window(SECONDS)
            pairs.append(pair)
        figures = _report("busy_disk", title, pairs, "busy", "idle")
        for what in ("busy_percent", "syncs_per_s", "mb_per_s"):
            values = [pair["busy"][what] for pair in pairs]
            print(f"{title}: {what} {', '.join(f'{v:.0f}' for v in values)}")
        # A disk that rests proves nothing.
        figures[f"{title}, idle all the same"] = (100 - statistics.median(
            pair["busy"]["busy_percent"] for pair in pairs), "%", 10)
        figures.update(stage.judge_rows(title))
    return figures


def _busy(stage):
    hog = stage.start_on(stage.other_cores, [program("disk_hog"), stage.folder, str(HOGS)],
                         stdout=subprocess.PIPE, text=True)
    assert hog.stdout.readline() == "runs\n"
    time.sleep(2)  # until what the kernel may buffer is full
    before, at = stage.disk_busy_ms(), time.monotonic()
    seen = stage.window(SECONDS)
    seconds = time.monotonic() - at
    seen["busy_percent"] = (stage.disk_busy_ms() - before) / seconds / 10
    hog.terminate()
    done = json.loads(hog.communicate()[0])
    assert hog.returncode == 0
    seen["syncs_per_s"] = done["syncs"] / (seconds + 2)
    seen["mb_per_s"] = done["bytes"] / 1e6 / (seconds + 2)
    os.sync()  # what it has left in memory is no matter of the next window
    return seen


# --- a backlog at the start ---

def backlog(bench):
    """A start with a full journal: how soon it serves, how fast that drains, what callers see."""
    title = f"{BACKLOG_MB} MB waiting at the start"
    seconds = 10 if BACKLOG_MB >= 512 else 4
    with contextlib.ExitStack() as stack:
        stage = Stage(stack)
        gateway = stage.make_gateway()
        made = _make_backlog(stage)
        serves = _first_answer(stage)
        drain = Drain(gateway.journal)
        draining = []
        while not drain.is_over():
            draining.append(stage.window(seconds))
        assert len(draining) > 1, "too small a backlog for two windows"
        draining.pop()  # it ended in this one
        after = [stage.window(seconds) for _ in range(max(len(draining), 3))]
        for name, windows in (("draining", draining), ("after", after)):
            print(f"{title}, {name}, windows of {seconds} s, p99 in ms: "
                  + ", ".join(f"{w['p99_ms']:.3f} (straight {w['control_ms']:.3f})"
                              for w in windows))
        stored = stage.database.query(
            "SELECT count(*) AS n, count(DISTINCT request_id) AS ids FROM token_usage_logs "
            "WHERE request_id LIKE 'bench-%%'")[0]
        figures = stage.judge_rows(title)
    save("backlog", {"machine": describe(), "rate": RATE, "draining": draining, "after": after,
                     **made, "drain_s": drain.seconds})

    def median(windows, what):
        return statistics.median(w[what] for w in windows)
    wrong = abs(made["events"] - stored["n"]) + abs(stored["n"] - stored["ids"])
    return {f"{title}, first answer": (serves, "s", 1),
            f"{title}, rows stored a second": (made["events"] / drain.seconds, "", None),
            f"{title}, p99 while it drains against after":
                (median(draining, "p99_ms") / median(after, "p99_ms"), "x", RATIO),
            f"{title}, p99 while it drains": (median(draining, "p99_ms"), "ms", None),
            f"{title}, p99 after": (median(after, "p99_ms"), "ms", None),
            f"{title}, straight to the upstream, p99 against after":
                (median(draining, "control_ms") / median(after, "control_ms"), "x", None),
            f"{title}, events missing or twice": (wrong, "", 0), **figures}


def _make_backlog(stage):
    journal = stage.gateway.journal
    token = stage.database.value("SELECT id FROM tokens")
    done = subprocess.run([program("backlog"), journal, str(BACKLOG_MB << 20), str(token)],
                          stdout=subprocess.PIPE, check=True)
    for folder, _, names in os.walk(journal):
        for name in names:  # the start finds it on the disk, not in memory
            with open(os.path.join(folder, name), "rb") as f:
                os.fsync(f.fileno())
                os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    made = json.loads(done.stdout)
    print(f"{made['events']} events of {made['bytes']} bytes wait", flush=True)
    return made


def _first_answer(stage):
    """Seconds from the process's start until a call is answered."""
    at = time.monotonic()
    stage.gateway.start(wait=False)

    def is_answered():
        try:
            with Client("127.0.0.1", stage.gateway.port, stage.key) as client:
                return client.call("GET", PATH).status == 200
        except OSError:
            return False
    eventually(is_answered, "the first answer")
    seconds = time.monotonic() - at
    eventually(stage.gateway.is_ready, "the gateway is ready")
    stage.gateway.fds_at_start = stage.gateway.open_fds()
    stage.pin_gateway()
    return seconds


class Drain:
    """Watches until the group that was left is gone from the journal's folder."""

    def __init__(self, journal):
        self.began, self.seconds = time.monotonic(), None
        self._journal = journal
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while len(os.listdir(self._journal)) > 1:
            time.sleep(0.1)
        self.seconds = time.monotonic() - self.began

    def is_over(self):
        return self.seconds is not None
