"""The text form of the conformance cases: groups of requests and answers, byte by byte.

A file of cases/ is a list of groups. A group is a template (its fields) and a table (its rows);
each row makes one case, named file/group/row. README.md describes the fields.
"""
import os
import re
from dataclasses import dataclass, field

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases")

VERDICTS = {"refuse", "answer", "break", "closed", "any", "forward", "relay", "bad-gateway", "cut"}
FIELDS = {"rule", "level", "want", "send", "sees", "reply", "gets"}
SEVERAL = {"sees", "reply", "gets"}  # one for each message, in order
LEVELS = {"must", "should", "ours"}

ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)")
ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "s": " ", "0": "\0", "\\": "\\"}
REPEAT = re.compile(r"<([^<>]+)\*(\d+)>")
BAR = re.compile(r" +\|(?= |$)")
COLUMN = re.compile(r"\{(\d)\}")
NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*\Z")

# What stands for bytes that cases share. <key> and <up> are known at run time only.
MACROS = {
    "<K>": r"Host: gateway.test\r\nX-API-Key: <key>\r\n",
    "<U>": r"Host: <up>\r\n",
    "<D>": r"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
}


class CaseError(Exception):
    """A file of cases is not in the form that README.md describes."""


@dataclass
class Case:
    name: str
    rule: str
    level: str
    verdict: str
    statuses: tuple
    send: str
    sees: list = field(default_factory=list)
    reply: list = field(default_factory=list)
    gets: list = field(default_factory=list)

    def __str__(self):
        return f"{self.name} ({self.rule}, {self.level})"


def unescape(text):
    """The bytes that a text of the cases stands for; marks in <> stay for the runner."""
    def one(m):
        code = m.group(1)
        if code[0] == "x" and len(code) == 3:
            return chr(int(code[1:], 16))
        if code not in ESCAPES:
            raise CaseError(f"unknown escape \\{code}")
        return ESCAPES[code]

    for macro, meaning in MACROS.items():
        text = text.replace(macro, meaning)
    text = REPEAT.sub(lambda m: m.group(1) * int(m.group(2)), text)
    return ESCAPE.sub(one, text)


def _fill(text, columns, place):
    def one(m):
        n = int(m.group(1))
        if not 1 <= n <= len(columns):
            raise CaseError(f"{place}: no column {n}")
        return columns[n - 1]

    return COLUMN.sub(one, text)


class _Group:
    def __init__(self, name, place):
        self.name, self.place = name, place
        self.fields, self.last = {}, None
        self.made = 0

    def add_field(self, key, text):
        if key == "+":
            if self.last is None:
                raise CaseError(f"{self.place}: nothing to go on with")
            self.fields[self.last][-1] += text
            return
        if key not in FIELDS:
            raise CaseError(f"{self.place}: unknown field {key}")
        if key in self.fields and key not in SEVERAL:
            raise CaseError(f"{self.place}: {key} stands twice")
        self.fields.setdefault(key, []).append(text)
        self.last = key

    def make(self, row, columns, place):
        def texts(key):
            return [_fill(t, columns, place) for t in self.fields.get(key, [])]

        def text(key, default):
            return (texts(key) or [default])[0]

        verdict, *statuses = text("want", "").split()
        if verdict not in VERDICTS or text("level", "must") not in LEVELS or not text("rule", ""):
            raise CaseError(f"{place}: want, level or rule is missing or unknown")
        self.made += 1
        return Case(f"{self.name}/{row}", text("rule", ""), text("level", "must"), verdict,
                    tuple(int(s) for s in statuses),
                    unescape(text("send", r"GET /t/x HTTP/1.1\r\n<K>\r\n")),
                    *([unescape(t) for t in texts(k)] for k in ("sees", "reply", "gets")))


def parse(lines, file):
    """The cases of one file's lines."""
    group, cases, names = None, [], set()
    topic = re.sub(r"^\d+-|\.cases$", "", file)
    for number, line in enumerate(lines, 1):
        place, line = f"{file}:{number}", line.rstrip("\n")
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("group "):
            if group and not group.made:
                raise CaseError(f"{group.place}: {group.name} has no rows")
            group = _Group(f"{topic}/{line[6:].strip()}", place)
        elif group is None:
            raise CaseError(f"{place}: a line outside a group")
        elif line.startswith("- "):
            row, *columns = [c.strip(" ") for c in BAR.split(line[2:])]
            case = group.make(row, columns, place)
            if not NAME.match(row) or case.name in names:
                raise CaseError(f"{place}: the name {row} is taken, or no name")
            names.add(case.name)
            cases.append(case)
        else:
            if group.made:
                raise CaseError(f"{place}: a field after the rows")
            key, _, rest = line.strip().partition(" ")
            group.add_field(key, rest.strip(" "))
    if group and not group.made:
        raise CaseError(f"{group.place}: {group.name} has no rows")
    return cases


def load(folder=FOLDER):
    """All cases, in the order of files and lines."""
    cases = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="ascii") as f:
            cases += parse(f, name)
    return cases
