"""The series of migrations: from any earlier state to the same end, and what is refused."""
import glob
import hashlib
import re

import pytest

from tg.gateway import ROOT, run_cli

from test_database import empty, fails, migrate  # noqa: F401 (a fixture)

CATALOG = """
SELECT 'function' AS kind, p.oid::regprocedure::text AS name,
    pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '') AS text
FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'public'
UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'column', attrelid::regclass || '.' || attname,
    format_type(atttypid, atttypmod) || attnotnull::text || coalesce(pg_get_expr(adbin, adrelid), '')
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND attnum > 0
UNION ALL SELECT 'relation', oid::regclass::text, relkind::text || coalesce(relacl::text, '')
    || coalesce(pg_get_viewdef(CASE WHEN relkind = 'v' THEN oid END), '')
    || coalesce(pg_get_indexdef(CASE WHEN relkind IN ('i', 'I') THEN oid END), '')
FROM pg_class WHERE relnamespace = 'public'::regnamespace
ORDER BY 1, 2"""


def catalog(database):
    return {(row["kind"], row["name"]): row["text"] for row in database.query(CATALOG)}


def files():
    return sorted(glob.glob(f"{ROOT}/migrations/0*.sql"))


@pytest.fixture(scope="module")
def whole(cluster):
    """What a new database holds."""
    database = cluster.create_database()
    migrate(database)
    yield catalog(database)
    database.drop()


def changed_since(empty, whole):
    """Migrates, and tells what is not as in a new database."""
    migrate(empty)
    now = catalog(empty)
    return {key for key in whole.keys() | now.keys() if whole.get(key) != now.get(key)}


@pytest.mark.parametrize("applied", range(1, len(files())))
def test_from_each_earlier_state(empty, whole, applied):
    """As if a program with fewer migrations, and without functions, had been there."""
    migrate(empty)
    empty.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public; "
                "GRANT CREATE ON SCHEMA public TO tollgate_owner; "
                "GRANT USAGE ON SCHEMA public TO PUBLIC")
    empty.query("SET ROLE tollgate_owner; CREATE TABLE tollgate_schema (name text PRIMARY KEY, "
                "sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()); "
                "GRANT SELECT ON tollgate_schema TO tollgate")
    for path in files()[:applied]:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        # Doubled for the driver, to which % begins a parameter.
        empty.query("SET ROLE tollgate_owner;" + text.replace("%", "%%"), ())
        empty.query("INSERT INTO tollgate_schema (name, sha256) VALUES (%s, %s)",
                    (path.rpartition("/")[2], hashlib.sha256(text.encode()).hexdigest()))
    assert changed_since(empty, whole) == set()


@pytest.mark.parametrize("damage", [
    "DROP FUNCTION usage_sums, usage_rows",
    "DROP TRIGGER tollgate_updated ON tokens",
    "DROP TRIGGER tollgate_inserted ON token_usage_logs",
    "CREATE OR REPLACE FUNCTION usage_floor(t timestamp, width integer) RETURNS timestamp "
    "LANGUAGE sql IMMUTABLE AS 'SELECT t'",
    "GRANT EXECUTE ON FUNCTION token_changed(bigint[]) TO PUBLIC",
    "REVOKE EXECUTE ON FUNCTION usage_merge(integer) FROM tollgate",
    "DROP VIEW token_lookup",
])
def test_functions_of_another_build_are_made_anew(empty, whole, damage):
    migrate(empty)
    empty.query(damage)
    empty.query("UPDATE tollgate_functions SET sha256 = repeat('0', 64)")
    assert changed_since(empty, whole) == set()
    assert "was up to date" in migrate(empty).stdout


def test_a_newer_programs_functions_stay(empty):
    migrate(empty)
    empty.query("CREATE OR REPLACE FUNCTION usage_upkeep_lock() RETURNS boolean "
                "LANGUAGE sql VOLATILE AS 'SELECT false'")
    empty.query("UPDATE tollgate_functions SET sha256 = repeat('0', 64), schema = schema + 1")
    assert re.search(r"warning: the functions are of a newer tollgate \(schema \d+, this one's "
                     r"is \d+\)", migrate(empty).stdout)
    assert empty.value("SELECT usage_upkeep_lock()") is False


def test_triggers_are_left_alone_where_they_are_right(empty):
    migrate(empty)
    triggers = "SELECT array_agg(oid ORDER BY oid) FROM pg_trigger WHERE NOT tgisinternal"
    before = empty.value(triggers)
    empty.query("UPDATE tollgate_functions SET sha256 = repeat('0', 64)")
    migrate(empty)
    assert empty.value(triggers) == before


def test_a_database_before_the_first_release_is_refused(empty):
    empty.query("CREATE TABLE tollgate_migrations (name text PRIMARY KEY, sha256 text)")
    empty.query("INSERT INTO tollgate_migrations VALUES ('0004_rollups.sql', 'x')")
    before = catalog(empty)
    assert ("made by a build before 0.1.0, which was never released: make a new one; nothing was "
            "changed") in fails(empty)
    assert catalog(empty) == before


def test_outcomes_are_the_same_in_sql_and_c(database):
    """Each word that the program can record, and whose fault it says it is."""
    with open(f"{ROOT}/gateway/journal/outcomes.def", encoding="utf-8") as f:
        declared = dict(re.findall(r'^OUTCOME\("(\w+)", (\w+)\)', f.read(), re.M))
    stored = {r["outcome"]: r["fault"].upper() for r in
              database.query("SELECT * FROM usage_outcomes()")}
    assert stored == declared
    with open(f"{ROOT}/gateway/http/problem.h", encoding="utf-8") as f:
        problems = set(re.findall(r'X\(\w+,\s*"\w+",\s*\d+,\s*\\?\s*"(\w+)"', f.read()))
    assert len(problems) > 10 and problems <= declared.keys()


def test_the_tables_have_the_sums_that_are_declared(database):
    declared = {r["name"] for r in database.query("SELECT name FROM usage_cell_sums()")}
    for table in ["usage_deltas", "usage_open"] + [
            r["name"] for r in database.query("SELECT name FROM usage_widths()")]:
        columns = {r["attname"] for r in database.query(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
            (table,))}
        assert columns - {f"h{n}" for n in range(1, 138)} == declared | {
            "since", "token_id", "calls", "time_max",
            "route_path" if table == "usage_deltas" else "route_id"}
