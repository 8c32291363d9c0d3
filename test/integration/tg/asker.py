"""test/load/asker.c: the manager's way to the database, without a manager."""
import subprocess

from tg.build import build_with_library

# It can be held up by a lock on the table.
LOCKED = "SELECT count(*)::text || coalesce($1, '') FROM tollgate_teams"


class Asker:
    """sql: a statement's name; what is asked has a number, by which its answer comes."""

    def __init__(self, url):
        self._process = subprocess.Popen([build_with_library("load/asker.c"), url], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1)
        self._count = 0
        self._heard = {}
        for name, text in (("locked", LOCKED), ("ping", "SELECT 'pong'"), ("echo", "SELECT $1::text"),
                           ("count", "SELECT count(*) FROM tollgate_teams"), ("fail", "SELECT 1 / 0"),
                           ("write", "INSERT INTO tollgate_teams (name) VALUES ($1) RETURNING name")):
            self.say("sql", name, text)

    def say(self, *fields):
        self._process.stdin.write("\t".join(fields) + "\n")

    def ask(self, sql, *parameters, pool="questions"):
        self._count += 1
        self.say("ask", str(self._count), pool, sql, *parameters)
        return self._count

    def fill(self, sql, size, pool="questions"):
        """Asked with a parameter of so many bytes, each time another."""
        self._count += 1
        self.say("fill", str(self._count), pool, sql, str(size))
        return self._count

    def leave(self, number):
        self.say("leave", str(number))

    def answer(self, number):
        """Outcome and value, or outcome and SQLSTATE; what comes before it is kept."""
        while number not in self._heard:
            line = self._process.stdout.readline()
            assert line, "the program has ended"
            n, outcome, *rest = line.rstrip("\n").split("\t")
            self._heard[int(n)] = (outcome, *rest)
        outcome, *rest = self._heard.pop(number)
        return (outcome, rest[1]) if outcome == "ok" else (outcome, *rest[:1])

    def now(self, sql, *parameters, pool="questions"):
        return self.answer(self.ask(sql, *parameters, pool=pool))

    def is_away(self, pool="lookups"):
        self._count += 1
        self.say("away", str(self._count), pool)
        return self.answer(self._count)[0] == "away"

    def wait(self, generation, ms):
        """What a wait for all nodes comes to: nodes that have applied it, and that have not."""
        self._count += 1
        self.say("wait", str(self._count), str(generation), str(ms))
        return self._count

    def close(self):
        """What was not read yet."""
        if self._process.stdin.closed:
            return ""
        self._process.stdin.close()
        rest = self._process.stdout.read()
        assert self._process.wait(20) == 0
        return rest
