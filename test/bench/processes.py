"""Processes as the peers' bench needs them: on a core of their own, their CPU time read."""
import os
import subprocess

TICKS = os.sysconf("SC_CLK_TCK")


def cores():
    """(the core of what is measured, the cores of everything else)."""
    free = sorted(os.sched_getaffinity(0))
    return {free[0]}, set(free[1:]) or {free[0]}


def start(command, on, **how):
    how = {"stdin": subprocess.DEVNULL, **how}
    return subprocess.Popen(command, preexec_fn=lambda: os.sched_setaffinity(0, on), **how)


def tree(root):
    """The process and all its descendants."""
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        fields = _stat(int(pid))
        if fields:
            children.setdefault(int(fields[1]), []).append(int(pid))
    found, at = [root], 0
    while at < len(found):
        found += children.get(found[at], [])
        at += 1
    return found


def _stat(pid):
    """Fields of /proc/PID/stat from the state on (proc(5): the third), or None."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
            return f.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


class CpuTime:
    """Seconds in user and kernel mode of a process tree, ended children included."""

    def __init__(self, root=None):
        self.user = self.system = 0.0
        for pid in tree(root) if root else []:
            fields = _stat(pid)
            if fields:
                self.user += (int(fields[11]) + int(fields[13])) / TICKS
                self.system += (int(fields[12]) + int(fields[14])) / TICKS

    def since(self, before):
        spent = CpuTime()
        spent.user, spent.system = self.user - before.user, self.system - before.system
        return spent
