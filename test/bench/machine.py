"""The machine's shape and the programs' versions, for a result to be read by: no names, no paths."""
import os
import platform
import re
import subprocess

PACKAGES = ("nginx", "libnginx-mod-http-lua", "haproxy", "wrk", "postgresql-15", "libevent-2.1-7",
            "libssl3", "libc6", "gcc")


def _cpu():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        found = re.search(r"^model name\s*:\s*(.*)$", f.read(), re.M)
    return found.group(1) if found else platform.machine()


def _version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True,
                          text=True, check=False)
    return done.stdout or "not installed"


def describe():
    with open("/proc/meminfo", encoding="ascii") as f:
        memory_kb = int(f.readline().split()[1])
    release = re.match(r"[\d.]+", platform.release()).group()
    return {"cores": len(os.sched_getaffinity(0)), "cpu": _cpu(),
            "memory_gb": round(memory_kb / 2 ** 20), "kernel": f"Linux {release}",
            "versions": {name: _version(name) for name in PACKAGES}}
