"""`workers: "auto"` under a real CPU quota and an affinity, and what messages about sizes say of it."""
import json
import os
import re
import subprocess

import pytest

from tg.gateway import BINARY, environment, run_cli

ROUTES = [{"name": "a", "path": "/a", "upstream": "http://127.0.0.1:1"}]


@pytest.fixture
def config(tmp_path):
    def write(**settings):
        path = tmp_path / "tollgate.json"
        path.write_text(json.dumps({"database": "dbname=x", "routes": ROUTES, **settings}))
        return str(path)
    return write


def workers(*command):
    done = subprocess.run([*command, BINARY, "check", "--dump", "--config", workers.config], capture_output=True,
                          text=True, env=environment(), check=True)
    return json.loads(done.stdout)["workers"]


@pytest.fixture
def group():
    """group(cpus): a control group with that quota, as a folder."""
    made = []

    def make(cpus):
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            mounts = [line.split() for line in f if re.search(r" - cgroup2? .*", line)]
        for fields in mounts:
            folder = os.path.join(fields[4], f"tollgate-test-{os.getpid()}-{len(made)}")
            try:
                os.mkdir(folder)
                made.append(folder)
                if os.path.exists(folder + "/cpu.max"):
                    put(folder + "/cpu.max", f"{int(cpus * 100000)} 100000")
                    return folder
                if os.path.exists(folder + "/cpu.cfs_quota_us"):
                    put(folder + "/cpu.cfs_period_us", "100000")
                    put(folder + "/cpu.cfs_quota_us", str(int(cpus * 100000)))
                    return folder
            except OSError:
                continue
        pytest.skip("no group with a CPU quota may be made here")
        return None

    def put(path, text):
        with open(path, "w", encoding="ascii") as f:
            f.write(text)

    yield make
    for folder in reversed(made):
        os.rmdir(folder)


def test_auto_follows_a_quota_and_the_affinity(config, group):
    workers.config = config()
    free = workers()
    assert free == min(256, len(os.sched_getaffinity(0)))
    assert workers("taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))) == 1
    inside = ["bash", "-c", 'echo $$ >"$0/cgroup.procs"; exec "$@"']
    assert workers(*inside, group(0.5)) == 1
    assert workers(*inside, group(1)) == 1
    assert workers(*inside, group(1.1)) == min(2, free)
    assert workers(*inside, group(1000)) == free
    workers.config = config(workers=3)
    assert workers(*inside, group(1)) == 3


def test_sizes_name_auto_and_the_count(config):
    workers.config = config()
    count = workers()
    small = {"usage": {"journal_bytes": 1 << 20, "ring_bytes": 1 << 26}}
    done = run_cli("check", "--config", config(workers="auto", **small), check=False)
    assert done.returncode == 1
    assert f'the files of {count} workers ("auto" on this machine) and the manager alone take' in done.stderr
    assert "lower usage.ring_bytes, or write a number for workers" in done.stderr
    done = run_cli("check", "--config", config(workers=7, **small), check=False)
    assert "the files of 7 workers and the manager alone take" in done.stderr and '"auto"' not in done.stderr
    for wrong in (0, 257, -1, 1e9):
        done = run_cli("check", "--config", config(workers=wrong), check=False)
        assert 'is out of range; give 1 to 256 threads, or "auto"' in done.stderr
