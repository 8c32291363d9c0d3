"""`--format csv` and `ndjson`: whole lists as lines, as the manager gives them as files."""
import csv
import io
import json

import pytest

from tg.api import make_people
from tg.gateway import run_cli


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
