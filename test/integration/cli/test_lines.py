"""`--format csv` and `ndjson`: whole lists as lines, as the manager gives them as files."""
import csv
import io
import json
import subprocess

import pytest

from tg.api import make_people
from tg.gateway import BINARY, environment, run_cli


@pytest.fixture(scope="module")
def database(cluster, template):
    """With more tokens and calls than a page holds."""
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database(template[0])
    make_people(database)
    database.query("INSERT INTO tokens (name, token_hash, scopes) SELECT '=n ' || lpad(n::text, 4, '0'), "
                   "encode(sha256(n::text::bytea), 'hex'), '{a,b}' FROM generate_series(1, 1250) AS n")
    database.query("SELECT usage_ensure_partition('2026-11-01')")
    database.query("INSERT INTO token_usage_logs (token_hash, route_path, used_at, response_status) SELECT 'h', '/api/test', "
                   "timestamp '2026-11-01' + n * interval '30 s', 200 + n %% 2 * 300 FROM generate_series(0, 2499) AS n", ())
    while database.value("SELECT usage_recount_dirty(100)") > 0:
        pass
    yield database
    database.drop()


def lines_of(database, *command):
    """What both formats tell: (rows of CSV, items)."""
    done = {form: run_cli(*command, "--format", form, "--database", database.url) for form in ("csv", "ndjson")}
    return (list(csv.DictReader(io.StringIO(done["csv"].stdout, newline=""))),
            [json.loads(line) for line in done["ndjson"].stdout.splitlines()])


def test_tokens(database):
    rows, items = lines_of(database, "token", "list", "--scope", "a", "--sort", "name")
    assert len(items) == 1250 and [i["name"] for i in items] == [f"=n {n:04}" for n in range(1, 1251)]
    assert [r["name"] for r in rows] == ["'" + i["name"] for i in items] and {r["scopes"] for r in rows} == {"a b"}
    assert [r["id"] for r in rows] == [str(i["id"]) for i in items]


def test_calls(database):
    rows, items = lines_of(database, "usage", "logs", "--from", "2026-11-01", "--to", "2026-11-02", "--status", "5xx")
    assert len(items) == 1250 and [i["id"] for i in items] == sorted((i["id"] for i in items), reverse=True)
    assert [r["id"] for r in rows] == [str(i["id"]) for i in items] and {r["response_status"] for r in rows} == {"500"}
    assert lines_of(database, "usage", "logs") == ([], [])


@pytest.mark.parametrize("command, least", [("audit", 10), ("user list", 6), ("team list", 2)])
def test_people(database, command, least):
    rows, items = lines_of(database, *command.split())
    if command == "audit":  # which has the first of the two by then
        items = items[2:]
    assert len(rows) == len(items) >= least and [r["id"] for r in rows] == [str(i["id"]) for i in items]


@pytest.mark.parametrize("command, why", [
    ("token list --format csv --all", "leave --all out"), ("token list --format csv --json", "leave --json out"),
    ("usage logs --format ndjson --limit 5", "leave --limit out"), ("audit --format csv --full", "leave --full out"),
    ("user list --format csv --json", "leave --json out"), ("team list --format xls", "--format"),
])
def test_what_does_not_go_together(database, command, why):
    done = run_cli(*command.split(), "--database", database.url, check=False)
    assert done.returncode == 2 and why in done.stderr


def test_a_refusal_is_told(database):
    done = run_cli("audit", "--team", "nowhere", "--format", "csv", "--database", database.url, check=False)
    assert done.returncode == 1 and "nowhere" in done.stderr


def exports(database):
    """What the audit has of them, oldest first: (action, who, what)."""
    rows = database.query("SELECT action, actor, after FROM tollgate_audit WHERE action LIKE 'export.%%' ORDER BY id", ())
    return [(r["action"], r["actor"], r["after"]) for r in rows]


@pytest.mark.parametrize("command, about, filters, rows", [
    ("usage logs --from 2026-11-01 --to 2026-11-02 --status 5xx --format csv", ("logs", "csv"),
     ["from=2026-11-01", "to=2026-11-02", "status=5xx"], 1250),
    ("token list --scope a --sort=name --format ndjson", ("tokens", "ndjson"), ["scope=a", "sort=name"], 1250),
    ("user list --format=csv", ("users", "csv"), [], 6),
])
def test_they_are_in_the_audit(database, command, about, filters, rows):
    before = len(exports(database))
    run_cli(*command.split(), "--database", database.url)
    begun, ended = exports(database)[before:]
    assert begun == ("export.begun", "postgres", {"list": about[0], "format": about[1], "filters": filters})
    assert ended == ("export.ended", "postgres", {"list": about[0], "rows": rows, "ended": "whole"})


def test_the_audit_itself_is_in_the_audit(database):
    """The file has what was there before it."""
    before = len(exports(database))
    items = [json.loads(line) for line in run_cli("audit", "--format", "ndjson", "--database", database.url).stdout.splitlines()]
    assert sum(i["action"].startswith("export.") for i in items) == before
    assert [(action, what["list"]) for action, _, what in exports(database)[before:]] == [("export.begun", "audit"),
                                                                                       ("export.ended", "audit")]


def test_a_reader_who_leaves(database):
    before = len(exports(database))
    command = [BINARY, "usage", "logs", "--from", "2026-11-01", "--to", "2026-11-02", "--format", "ndjson", "--database", database.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdout.readline().startswith(b"{")
        process.stdout.close()
        assert process.wait(60) == 1
    (begun, _, _), (ended, _, what) = exports(database)[before:]
    assert (begun, ended, what["list"], what["ended"]) == ("export.begun", "export.ended", "logs", "left") and what["rows"] < 2500


def test_what_was_refused_or_shown_is_no_export(database):
    before = len(exports(database))
    run_cli("audit", "--team", "nowhere", "--format", "csv", "--database", database.url, check=False)
    for command in (["audit"], ["token", "list"], ["usage", "logs"]):
        run_cli(*command, "--database", database.url)
    assert len(exports(database)) == before


def test_where_the_audit_cannot_be_written(database):
    """On a standby, or by a role that only reads: it is told, and the list is there."""
    url = f"{database.url}?options=-cdefault_transaction_read_only%3Don"
    done = run_cli("token", "list", "--format", "ndjson", "--database", url)
    assert done.stdout.count("\n") > 1250 and "the audit has no line of this" in done.stderr
