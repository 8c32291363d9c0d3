"""What people see on a terminal, and that programs on a pipe see what they did before."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unicodedata

import pytest

from tg.gateway import BINARY, REPORT, environment, run_cli

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(*arguments, columns=200, status=0, **env):
    """What a command writes to a terminal as wide as that."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([BINARY, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                          env=environment(**{"TERM": "xterm", **env})) as process:
        os.close(theirs)
        pieces = []
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # EIO: nobody has the other end any more
                break
            if not piece:
                break
            pieces.append(piece)
    os.close(ours)
    text = b"".join(pieces).decode().replace("\r\n", "\n")
    assert process.returncode == status and not REPORT.search(text), text
    return text


def width(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@pytest.fixture(scope="module")
def tokens(cluster, template):
    """A database with tokens of odd names, some of which only an older system could make."""
    database = cluster.create_database(template[0])
    for name, age, expires in (("plain", "4 minutes 30 seconds", None), ("中文金鑰", "3 days 1 hour", "5 days 1 hour"),
                               ("e\u0301te\u0301", None, None), ("\x1b[2J\x1b]0;own\x07", None, None),
                               ("\u202egnp.exe", None, None), ("a\nb", None, None), ("\x9b31m", None, "-1 hour")):
        database.query("INSERT INTO tokens (name, token_hash, last_used, expires_at, scopes) VALUES (%s, "
                       "encode(sha256(%s::bytea), 'hex'), now() - %s::interval, now() + %s::interval, '{x,y}')",
                       (name, name.encode(), age, expires))
    yield database
    database.drop()


def test_a_table_is_aligned_by_width(tokens):
    lines = on_terminal("token", "list", "--database", tokens.url, NO_COLOR="1").splitlines()
    assert len(lines) == 1 + tokens.value("SELECT count(*) FROM tokens")
    states = [width(re.split(r"active|expired|STATE", line)[0]) for line in lines]
    assert len(set(states)) == 1, lines
    rows = {tuple(line.split()[1:2]): line for line in lines}
    assert "4 min ago" in rows[("plain",)]
    assert "3 days ago" in rows[("中文金鑰",)] and "in 5 days" in rows[("中文金鑰",)]
    assert COLOUR.search("".join(lines)) is None


def test_names_never_command_the_terminal(tokens):
    for arguments in (["token", "list"], ["token", "list", "--json"], ["token", "revoke", "\x1b[2J"],
                      ["team", "add", "\x1b[2J"], ["user", "key", "\x9b31m\u202e"], ["\x1b[2J"],
                      ["usage", "ask", "\x1b[2J"], ["audit", "--\x1b[2J"]):
        more = ["--database", tokens.url] if arguments[0] not in ("\x1b[2J", "audit") else []
        text = on_terminal(*arguments, *more, NO_COLOR="1",
                           status=0 if "list" in arguments else 2 if not more or "ask" in arguments else 1)
        for c in text:
            assert c == "\n" or unicodedata.category(c) not in ("Cc", "Cf"), (arguments, text)
    listed = json.loads(on_terminal("token", "list", "--json", "--database", tokens.url))
    assert {"\x1b[2J\x1b]0;own\x07", "\x9b31m", "\u202egnp.exe"} <= {token["name"] for token in listed}


def test_colours(tokens):
    arguments = ("token", "list", "--database", tokens.url)
    assert COLOUR.search(on_terminal(*arguments))
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
        assert COLOUR.search(on_terminal(*arguments, **env)) is None
    assert COLOUR.search(on_terminal(*arguments, NO_COLOR=""))  # not set, says no-color.org
    assert COLOUR.search(run_cli(*arguments).stdout) is None


def test_a_narrow_terminal(tokens):
    tokens.query("INSERT INTO tokens (name, token_hash, scopes) VALUES (%s, repeat('0', 64), '{x}')", ("n" * 100,))
    arguments = ("token", "list", "--database", tokens.url)
    lines = on_terminal(*arguments, columns=80, NO_COLOR="1").splitlines()
    assert max(map(width, lines)) <= 80 and "n…  " in "".join(lines)
    assert "n" * 100 in on_terminal(*arguments, columns=300)
    assert "n~" in on_terminal(*arguments, columns=80, NO_COLOR="1", LC_ALL="C")


def test_a_pipe_has_the_columns_that_it_had(database):
    run_cli("token", "create", "--name", "one", "--scope", "x,y", "--database", database.url)
    database.query("UPDATE tokens SET key_start = 'ntk_abcd'")
    run_cli("token", "create", "--name", "中", "--scope", "*", "--expires", "1y", "--database", database.url)
    database.query("UPDATE tokens SET key_start = NULL, expires_at = '2030-01-02 03:04:05Z' WHERE name = '中'")
    # Widths count bytes, as ever.
    lines = run_cli("token", "list", "--database", database.url).stdout.split("\n")
    one, two = database.value("SELECT min(id) FROM tokens WHERE name = 'one'"), database.value("SELECT max(id) FROM tokens")
    assert [lines[0], *lines[-3:]] == [
        "ID     NAME                     KEY        STATE    SCOPES                   EXPIRES",
        f"{one:<6} one                      ntk_abcd   active   x y                      ",
        f"{two:<6} 中                      -          active   *                        2030-01-02T03:04:05Z",
        ""]


def test_people_and_the_audit(database):
    of = ("--database", database.url)
    run_cli("team", "add", "研究", *of)
    run_cli("user", "add", "--name", "ada", "--role", "admin", *of)
    run_cli("user", "add", "--name", "bob", "--role", "viewer", "--team", "研究", *of)
    users = on_terminal("user", "list", *of, NO_COLOR="1").splitlines()
    assert re.fullmatch(r"ID +NAME +KIND +STATE +MAY +SINCE", users[0])
    assert re.fullmatch(r"1 +ada +person +active +admin +(now|\d+ s ago)", users[1].strip())
    assert "研究:viewer" in users[2]
    teams = on_terminal("team", "list", *of, NO_COLOR="1").splitlines()
    assert re.fullmatch(r"1 +研究 +active +0 +bob:viewer", teams[1].strip())
    audit = on_terminal("audit", *of, NO_COLOR="1").splitlines()
    assert re.match(r"AT +BY +WHAT +ID +NAME +FROM", audit[0])
    assert any("team.created" in line and "研究" in line for line in audit)
    created = run_cli("audit", "--action", "team.created", *of).stdout.splitlines()
    assert len(created) == 2 and re.match(r"\d{4}-\d\d-\d\dT", created[1])
    assert len(json.loads(run_cli("audit", "--team", "研究", "--json", *of).stdout)["items"]) > 1


# The list, what it says where it is empty, and a filter that lets none through.
EMPTY = [
    ("token list", "no tokens yet: tollgate token create --name NAME --scope SCOPE", "--search=x"),
    ("token list --by calls", "none matches these filters", "--state=expired"),
    ("token list --sort name --limit 5", "no tokens yet: tollgate token create --name NAME --scope SCOPE", "--team=none"),
    ("token addresses a", "not used in the last 24 hours", None),
    ("team list", "no teams yet: tollgate team add NAME", "--state=disabled"),
    ("user list", "no users yet: tollgate user add --name NAME --role admin", "--kind=service"),
    ("user keys ada", "no keys yet: tollgate user key USER", None),
    ("user sessions ada", "no sessions: signed in by no browser", None),
    ("user identities ada", "no identities yet: tollgate user identify USER ISSUER SUBJECT", None),
    ("user requests", "nobody waits to be let in", "--state=refused"),
    ("audit", "nothing has been changed yet", "--last=1h"),
    ("audit --full", "nothing has been changed yet", "--action=user.removed"),
    ("nodes", "no gateways yet: tollgate serve --config FILE", None),
    ("usage top tokens", "no calls in the last 24 hours", "--by=errors"),
    ("usage top routes", "no calls in the last 24 hours", "--last=7d"),
    ("usage logs", "no calls in the last 24 hours", "--status=5xx"),
    ("usage ask rows", "no calls in the last 24 hours", "--method=GET"),
]


@pytest.fixture(scope="module")
def bare(cluster, template):
    """A database with nothing in it."""
    database = cluster.create_database(template[0])
    database.query("DELETE FROM tokens; TRUNCATE tollgate_audit")
    yield database
    database.drop()


@pytest.mark.parametrize("words, none, filter_", EMPTY)
def test_an_empty_list_says_so(bare, words, none, filter_):
    made = {"a": "INSERT INTO tokens (name, token_hash, scopes) VALUES ('a', repeat('a', 64), '{x}')",
            "ada": "INSERT INTO tollgate_users (name) VALUES ('ada')"}.get(words.split()[-1])
    words = [*words.split(), "--database", bare.url]
    if made:
        bare.query(made)
    # Above a ranking stands what time it is of.
    assert re.sub(r"(?m)^[0-9-]+ .* to .*, UTC\n", "", on_terminal(*words)) == none + "\n"
    if filter_:
        assert re.sub(r"(?m)^[0-9-]+ .* to .*, UTC\n", "", on_terminal(*words, filter_)) == "none matches these filters\n"
    piped, listed = run_cli(*words).stdout, json.loads(run_cli(*words, "--json").stdout)
    assert none not in piped and piped.count("\n") <= 1
    assert listed == [] or [value for value in listed.values() if value == []], listed
    if made:
        bare.query("DELETE FROM tokens; DELETE FROM tollgate_users; TRUNCATE tollgate_audit")


def test_one_thing_tells_how_long_ago(database):
    of = ("--database", database.url)
    run_cli("team", "add", "ago", *of)
    run_cli("user", "add", "--name", "ago", "--role", "admin", *of)
    for words in (("team", "show", "ago"), ("user", "show", "ago")):
        ago = r"(?m)^created_at +[0-9-]{10}T\S+Z \((now|\d+ (s|min) ago)\)$"
        assert re.search(ago, on_terminal(*words, *of))
        assert re.search(r"(?m)^created_at +[0-9-]{10}T\S+Z$", run_cli(*words, *of).stdout)


def test_nodes(database):
    of = ("--database", database.url)
    assert json.loads(run_cli("nodes", "--json", *of).stdout) == {"items": [], "next": None}
    assert run_cli("nodes", *of).stdout.split() == [
        "NODE", "STATE", "KEYS", "WAITING", "BYTES", "DROPPED", "VERSION", "STARTED", "HEARD", "OF"]


def test_what_program_it_is():
    lines = run_cli("--version").stdout.splitlines()
    assert re.fullmatch(r"tollgate \d+\.\d+\.\d+( \([0-9a-f]{7,40}(-dirty)?\))?", lines[0])
    assert [line.split()[0] for line in lines[1:]] == ["libevent", "OpenSSL", "libpq", "cJSON", "libcurl", "libcjose"]
    assert all(re.search(r" \d+\.\d+", line) for line in lines)


def test_help_is_on_standard_output_and_mistakes_are_not():
    helps = [run_cli(*words).stdout for words in (("token", "create", "-h"), ("token", "create", "--help"),
                                                  ("help", "token", "create"), ("token", "help", "create"))]
    assert len(set(helps)) == 1 and helps[0].startswith("usage: tollgate token create --name NAME --scope SCOPE [options]")
    assert helps[0].count("\n  tollgate token create ") == 2 and "exit status:" in helps[0]
    for words in ((), ("token",), ("tokne",), ("token", "create"), ("token", "list", "--name", "x")):
        done = run_cli(*words, check=False)
        assert (done.returncode, done.stdout) == (2, "") and "usage: tollgate" in done.stderr
