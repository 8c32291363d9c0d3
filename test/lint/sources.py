"""What the lint scripts share: the list of files, and C text without comments and strings."""
import re
import subprocess
import sys


def files(*patterns):
    """Tracked and new files that match git patterns, without what .gitignore names."""
    out = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "--", *patterns],
        check=True, capture_output=True, text=True).stdout
    return sorted(set(out.splitlines()))


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as f:
        return f.read()


_NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text, keep_includes=False):
    """C source with comments and literals blanked; line numbers stay."""
    def blank(m):
        before = text.rfind("\n", 0, m.start()) + 1
        if keep_includes and text[before:m.start()].strip() == "#include":
            return m.group()
        return re.sub(r"[^\n]", " ", m.group())
    return _NOISE.sub(blank, text)


class Report:
    """Collects faults as path:line: text; finish() prints them and sets the exit status."""

    def __init__(self, name):
        self.name = name
        self.faults = []

    def add(self, path, line, text):
        self.faults.append(f"{path}:{line}: {text}")

    def finish(self, done):
        for fault in self.faults:
            print(fault)
        if self.faults:
            sys.exit(f"{self.name}: {len(self.faults)} faults")
        print(f"{self.name}: {done}")
