"""docs/performance.md, from the JSON that the benches left in build/bench. Usage: report.py FILE."""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "bench")

INTRO = """\
# Performance

Made by `make bench bench-report`; do not edit. {machine}

Everything runs on one machine over loopback. The program under measurement has one core, one
worker process or thread; the load, the upstream and PostgreSQL have the others.
"""

PEERS = """
## Beside nginx and HAProxy

What one request costs in CPU time, of all processes and threads of the program, in user and
kernel mode. Tollgate: the key's SHA-256 looked up among {keys} keys, scope, injected credentials,
forwarding headers, and **every request recorded in PostgreSQL** before the clock is read. "Same
job": SHA-256 of the key, look-up among the same keys, scope, injected credentials, forwarding
headers, one JSON line per request (nginx: buffered to a file; HAProxy: by UDP). "Bare": nothing
but `proxy_pass` over kept connections, no log. The configurations are in `test/bench/peers`.

{connections} connections, {rounds} rounds of {seconds} s each, interleaved; medians.
PostgreSQL's own share is apart: {postgresql:.1f} µs per recorded request.
"""

QUESTIONS = """
## Questions about usage

`tollgate usage ask`, {calls:.0f} million calls of 1,000 tokens on 20 routes in 90 days ({rows:.1f} million of them with rows),
asked one after the other: any range, whole days or not; all tokens, a team of 50, and that team on the clock of
Asia/Kolkata; series in any step of 15 minutes to a week that makes less than 1,000 points. Cells are in PostgreSQL's
memory (`shared_buffers`: a quarter of the machine's). "Growth": what all of them cost, in what they cost with
{small:.0f} million calls. "Rows": how much longer the same takes from the rows of {days} days.

| | p95 | team of 50 | Kolkata | growth | rows |
|---|---|---|---|---|---|
"""

JOURNAL = """
## The usage journal, when something is wrong behind it

{rate:,} requests/s at fixed times, whatever the answers do; a call's time counts from when it was
due. Windows in pairs, one right after the other, with and without what is wrong; each ratio is of
the p99 of a pair, the figures below have their median. "Upstream" is a second caller that goes
straight to the upstream in the same windows.
"""

PAIRS = [("outage", "PostgreSQL stopped", "stopped", "running"),
         ("busy_disk", "disk kept busy", "busy", "idle")]


MANAGER = {
    "The pages": ["pages", "feed"],
    "The manager: eight people ask at once": ["readers"],
    "The manager: a million tokens": ["tokens"],
    "The manager: the live feed": ["live"],
    "The manager: a million calls as a file": ["export"],
}


def machine(m):
    versions = ", ".join(f"{name} {version}" for name, version in m["versions"].items())
    return (f"Measured on {m['cores']} cores ({m['cpu']}), {m['memory_gb']} GB, "
            f"{m['kernel']}.\n\nVersions: {versions}.")


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"


def figures_table(title, of):
    lines = [f"\n## {title}\n", "| measure | value | bar |", "|---|---|---|"]
    for name, f in of.items():
        if name.startswith("CPU per request"):  # these have tables of their own
            continue
        bar = "" if f["bar"] is None else f"<= {f['bar']:,} {f['unit']}".rstrip()
        lines.append(f"| {name} | {number(f['value'])} {f['unit']} | {bar} |")
    return "\n".join(line.replace("  |", " |") for line in lines) + "\n"


def figures_tables(figures):
    """The manager's by what they are of, and all others in one."""
    parts = []
    for title, measures in MANAGER.items():
        of = {name: f for measure in measures for name, f in figures.get(measure, {}).items()}
        parts.append(figures_table(title, of) if of else "")
    told = {measure for measures in MANAGER.values() for measure in measures}
    rest = {name: f for measure, of in figures.items() if measure not in told for name, f in of.items()}
    return "".join(parts) + figures_table("Figures", rest)


def peers_tables(peers):
    parts = [PEERS.format(**peers["options"],
                          postgresql=peers["modes"]["keep-alive"]["tollgate"]["postgresql_us"])]
    for mode, of_peer in peers["modes"].items():
        parts.append(f"\n### {mode}\n\n| | CPU per request | user | kernel | requests/s | p99 | "
                     "Tollgate's CPU is | bar |\n|---|---|---|---|---|---|---|---|\n")
        for name, m in of_peer.items():
            bar = "" if m["bar"] is None else f"<= {m['bar']}"
            parts.append(f"| {peers['titles'][name]} | {m['cpu_us']:.1f} µs | "
                         f"{m['user_us']:.1f} | {m['system_us']:.1f} | "
                         f"{m['requests_per_s']:,.0f} | {m['p99_ms']:.2f} ms | "
                         f"{m['ratio']:.2f} x | {bar} |\n".replace("|  |", "| |"))
    return "".join(parts)


def questions_table(q):
    scopes = ("everyone", "team", "team, Kolkata")
    parts = [QUESTIONS.format(calls=q["calls"] / 1e6, rows=q["rows"] / 1e6,
                              small=q["small_calls"] / 1e6, days=q["raw_days"])]
    for kind in dict.fromkeys(name.split(",")[0] for name in q["table"]):
        of = [q["table"][f"{kind}, {scope}"] for scope in scopes]
        raw = f"{q['raw'][kind]['ratio']:,.0f} x" if kind in q["raw"] else ""
        parts.append(f"| {kind} | " + " | ".join(f"{m['p95_ms']:.0f} ms" for m in of) +
                     f" | {max(m['growth'] for m in of):.2f} x | {raw} |\n".replace("|  |", "| |"))
    return "".join(parts)


def pairs_tables():
    parts = []
    for name, title, worse, well in PAIRS:
        result = load(name)
        parts.append(JOURNAL.format(**result) if not parts else "")
        parts.append(f"\n### {title}, windows of {result['seconds']} s\n\n"
                     "| p99 | p99 without | ratio | upstream | upstream without |\n"
                     "|---|---|---|---|---|\n")
        for pair in result["pairs"]:
            a, b = pair[worse], pair[well]
            parts.append(f"| {a['p99_ms']:.3f} ms | {b['p99_ms']:.3f} ms | "
                         f"{a['p99_ms'] / b['p99_ms']:.2f} x | {a['control_ms']:.3f} ms | "
                         f"{b['control_ms']:.3f} ms |\n")
    return "".join(parts)


def load(name):
    with open(os.path.join(RESULTS, name + ".json"), encoding="utf-8") as f:
        return json.load(f)


def main(path):
    figures, peers, questions = load("figures"), load("peers"), load("questions")
    with open(path, "w", encoding="utf-8") as f:
        f.write(INTRO.format(machine=machine(peers["machine"])) + peers_tables(peers)
                + questions_table(questions) + pairs_tables()
                + figures_tables(figures["figures"]))


main(sys.argv[1])
