"""CPU per request of Tollgate and of its peers doing the same job, side by side on loopback.

All run at once; each is loaded in turn by wrk, round after round, so that what else the machine
does meets all alike. build/bench/peers.json has every round. BENCH_ROUNDS, BENCH_SECONDS and
BENCH_CONNECTIONS change the size.
"""
import contextlib
import hashlib
import os
import re
import secrets
import statistics
import subprocess
import sys

from bench import HERE, save
from machine import describe
from processes import CpuTime, cores, start, tree
from tg.gateway import Gateway
from tg.ports import free_port
from tg.wait import eventually
from tg.wire import Client

KEYS = 1000
FIELDS = {"User-Agent": "workflow/1.80", "Accept": "application/json",
          "Accept-Encoding": "gzip, br", "Content-Type": "application/json"}
TARGET = "/api/test/orders/17"
MODES = {"keep-alive": [], "close": ["-H", "Connection: close"]}
# What a request through Tollgate may cost, in what it costs through the peer.
BARS = {("keep-alive", "nginx"): 1.25, ("keep-alive", "nginx-lua"): 0.75,
        ("keep-alive", "haproxy"): 0.85, ("close", "nginx-lua"): 0.85}


class Peer:
    """A proxy under measurement. recorded() tells how many requests its log has by now."""

    def __init__(self, name, title, process, port, recorded=None):
        self.name, self.title, self.process, self.port = name, title, process, port
        self.recorded = recorded or (lambda: None)

    def is_up(self, key):
        assert self.process.poll() is None, f"{self.name} ended"
        try:
            with Client("127.0.0.1", self.port, key) as client:
                return client.call("GET", TARGET).status == 200
        except ConnectionRefusedError:
            return False


class Stage:
    """The upstream, the sink of HAProxy's log, the proxies: started, and stopped at the end."""

    def __init__(self, stack, bench):
        self.stack, self.bench, self.folder = stack, bench, bench.folder
        self.core, self.other_cores = cores()
        self._keys()
        self.sink_port = self._sink()
        self.values = {"DIR": self.folder, "USER": "user root;" if os.getuid() == 0 else "",
                       "UPSTREAM_PORT": free_port(), "LOG_PORT": self.sink_port}
        self._program("upstream.conf", self.other_cores, self._nginx)
        for pid in tree(self.postgres()):
            os.sched_setaffinity(pid, self.other_cores)
        self.peers = [self._tollgate("tollgate", "Tollgate", access_log=False),
                      self._tollgate("tollgate-log", "Tollgate, access log on", access_log=True),
                      self._bare(), self._lua(), self._haproxy()]
        for peer in self.peers:
            eventually(lambda p=peer: p.is_up(bench.key), f"{peer.name} answers")

    def postgres(self):
        with open(os.path.join(self.bench.cluster.data, "postmaster.pid"), encoding="ascii") as f:
            return int(f.readline())

    def _keys(self):
        """KEYS keys: the one that is used, and others; to PostgreSQL and to a file."""
        hashes = [secrets.token_hex(32) for _ in range(KEYS - 1)]
        self.bench.database.query(
            "INSERT INTO tokens (name, token_hash, scopes) SELECT 'other', h, '{test}' "
            "FROM unnest(%s) AS h", (hashes,))
        hashes.append(hashlib.sha256(self.bench.key.encode()).hexdigest())
        with open(os.path.join(self.folder, "keys"), "w", encoding="ascii") as f:
            f.writelines(f"{h} {n} ,test,\n" for n, h in enumerate(hashes, 1))

    def _start(self, command, on, **how):
        process = start(command, on, **how)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        return process

    def _sink(self):
        sink = start([sys.executable, os.path.join(HERE, "sink.py")], self.other_cores,
                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.stack.callback(sink.communicate)
        return int(sink.stdout.readline())

    def _program(self, config, on, command):
        port = free_port()
        with open(os.path.join(HERE, "peers", config), encoding="utf-8") as f:
            text = f.read()
        for name, value in {**self.values, "PORT": port}.items():
            text = text.replace(f"@{name}@", str(value))
        path = os.path.join(self.folder, config)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return self._start(command(path), on), port

    def _nginx(self, path):
        return ["/usr/sbin/nginx", "-p", self.folder, "-e", path + ".log", "-c", path]

    def _tollgate(self, name, title, **settings):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        route = {"name": "test", "path": "/api/test", "scope": "test",
                 "upstream": f"http://127.0.0.1:{self.values['UPSTREAM_PORT']}",
                 "set_headers": {"Authorization": "Bearer an-upstream-credential"}}
        gateway = Gateway(folder, self.bench.database, [route], node=name,
                          state_dir=os.path.join(folder, "state"), **settings)
        gateway.start()
        for pid in os.listdir(f"/proc/{gateway.pid}/task"):
            os.sched_setaffinity(int(pid), self.core)
        self.stack.callback(gateway.wait_exit)
        self.stack.callback(gateway.terminate)
        rows = "SELECT count(*) FROM token_usage_logs WHERE node = %s"
        return Peer(name, title, gateway.process, gateway.port,
                    lambda: self.bench.database.value(rows, (name,)))

    def _bare(self):
        return Peer("nginx", "nginx, bare proxy_pass",
                    *self._program("nginx.conf", self.core, self._nginx))

    def _lua(self):
        def lines():
            with open(f"{self.folder}/nginx-lua-usage.log", "rb") as f:
                return f.read().count(b"\n")
        return Peer("nginx-lua", "nginx + Lua, same job",
                    *self._program("nginx-lua.conf", self.core, self._nginx), lines)

    def _haproxy(self):
        return Peer("haproxy", "HAProxy, same job", *self._program(
            "haproxy.cfg", self.core, lambda path: ["/usr/sbin/haproxy", "-q", "-f", path]))


def load(stage, peer, seconds, connections, fields):
    """(requests, requests per second, p99 in ms) of one run of wrk."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
               "-H", f"X-API-Key: {stage.bench.key}", *fields]
    for name, value in FIELDS.items():
        command += ["-H", f"{name}: {value}"]
    run = start([*command, f"http://127.0.0.1:{peer.port}{TARGET}"], stage.other_cores,
                stdout=subprocess.PIPE, text=True)
    out, _ = run.communicate()
    assert run.returncode == 0 and "Non-2xx" not in out and "Socket errors" not in out, out
    p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)\s", out).groups()
    return (int(re.search(r"(\d+) requests in", out).group(1)),
            float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
            float(p99) * {"us": 0.001, "ms": 1, "s": 1000}[unit])


def measure(stage, peer, options, mode):
    """One round of one peer: what a request cost, in microseconds of CPU."""
    before, cpu = peer.recorded(), CpuTime(peer.process.pid)
    database = CpuTime(stage.postgres())
    requests, rate, p99 = load(stage, peer, options["seconds"], options["connections"], MODES[mode])
    if before is not None:  # the log is part of the job; in flight at the end: a few more
        eventually(lambda: peer.recorded() >= before + requests, f"{peer.name} has logged all", 90)
    cpu, database = CpuTime(peer.process.pid).since(cpu), CpuTime(stage.postgres()).since(database)
    return {"user_us": cpu.user / requests * 1e6, "system_us": cpu.system / requests * 1e6,
            "cpu_us": (cpu.user + cpu.system) / requests * 1e6, "requests_per_s": rate,
            "p99_ms": p99, "requests": requests,
            "postgresql_us": (database.user + database.system) / requests * 1e6}


def run_rounds(stage, options):
    """{mode: {peer: [one measurement per round]}}."""
    rounds = {mode: {peer.name: [] for peer in stage.peers} for mode in MODES}
    for peer in stage.peers:
        load(stage, peer, 1, options["connections"], [])
    for n in range(options["rounds"]):
        for mode, of_peer in rounds.items():
            for peer in stage.peers:
                of_peer[peer.name].append(measure(stage, peer, options, mode))
                print(f"round {n + 1} {mode:10} {peer.name:12} "
                      f"{of_peer[peer.name][-1]['cpu_us']:7.2f} us", file=sys.stderr)
    return rounds


def medians(rounds):
    return {what: statistics.median(r[what] for r in rounds) for what in rounds[0]}


def print_table(result):
    for mode, of_peer in result["modes"].items():
        print(f"\n{mode:24} {'CPU us':>8} {'user':>8} {'kernel':>8} {'req/s':>8} Tollgate's")
        for name, m in of_peer.items():
            print(f"{result['titles'][name]:24} {m['cpu_us']:8.2f} {m['user_us']:8.2f} "
                  f"{m['system_us']:8.2f} {m['requests_per_s']:8.0f} {m['ratio']:9.2f}x")
    print()


def peers(bench):
    """CPU per request, as a ratio of medians: Tollgate's, recording to PostgreSQL, to a peer's."""
    options = {"rounds": int(os.environ.get("BENCH_ROUNDS", "9")),
               "seconds": int(os.environ.get("BENCH_SECONDS", "4")),
               "connections": int(os.environ.get("BENCH_CONNECTIONS", "32")), "keys": KEYS}
    with contextlib.ExitStack() as stack:
        stage = Stage(stack, bench)
        rounds = run_rounds(stage, options)
        titles = {peer.name: peer.title for peer in stage.peers}
    modes = {mode: {name: medians(of) for name, of in of_peer.items()}
             for mode, of_peer in rounds.items()}
    for mode, of_peer in modes.items():
        for name, m in of_peer.items():
            m["ratio"] = of_peer["tollgate"]["cpu_us"] / m["cpu_us"]
            m["bar"] = BARS.get((mode, name))
    result = {"machine": describe(), "options": options, "titles": titles, "modes": modes,
              "rounds": rounds}
    print_table(result)
    save("peers", result)
    return {f"CPU per request, {mode}, of {titles[name]}": (m["ratio"], "x", m["bar"])
            for mode, of_peer in modes.items() for name, m in of_peer.items() if m["bar"]}
