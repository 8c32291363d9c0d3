"""The manager's connections: what stands in whose way, what is asked once, who is waited for."""
import pytest

from tg.asker import Asker
from tg.pooler import Pooler
from tg.wait import eventually

CHANGES, LOOKUPS, QUESTIONS = "tollgate manager changes", "tollgate manager sign-in", "tollgate manager"


@pytest.fixture
def asker(database):
    database.cluster.touched.add(database.name)
    it = Asker(database.url)
    yield it
    it.close()


@pytest.fixture
def lock(database):
    """Holds what the statement `locked` needs; release() lets it go on."""
    with_lock = database.cluster.connect(database.name)
    with_lock.autocommit = False
    with_lock.cursor().execute("LOCK TABLE tollgate_teams IN ACCESS EXCLUSIVE MODE")
    yield with_lock
    with_lock.close()


def waiting(database, application=QUESTIONS):
    """Statements that wait for the lock; behind a pooler they have any name."""
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                          "application_name LIKE %s AND state = 'active' AND wait_event_type = 'Lock'",
                          (application,))


def sessions(database, application=QUESTIONS):
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                          "AND application_name = %s", (application,))


@pytest.mark.sanitizer
def test_answers(asker, database):
    assert sessions(database) == sessions(database, CHANGES) == 0
    assert asker.now("ping") == ("ok", "pong")
    assert asker.now("echo", "it's $1") == ("ok", "it's $1")
    assert asker.now("fail") == ("error", "22012")
    assert (sessions(database), sessions(database, CHANGES)) == (1, 0)
    assert asker.now("write", "a team", pool="changes") == ("ok", "a team")
    assert (sessions(database), sessions(database, CHANGES)) == (1, 1)


def test_time_limits(asker, database):
    def limit(pool):
        return asker.now("limit", pool=pool)

    asker.say("sql", "limit", "SELECT current_setting('statement_timeout')")
    assert limit("questions") == ("ok", "10s")
    assert limit("changes") == ("ok", "5s")


@pytest.mark.sanitizer
def test_slow_questions_stand_in_no_change_s_way(asker, database, lock):
    slow = [asker.ask("locked", str(n)) for n in range(6)]
    eventually(lambda: waiting(database) == 4, "four questions run")
    asker.say("sql", "free", "SELECT set_config('tollgate.x', $1, false)")
    assert asker.now("free", "changed", pool="changes") == ("ok", "changed")
    assert sessions(database) == 4
    lock.rollback()
    assert [asker.answer(n) for n in slow] == [("ok", f"0{n}") for n in range(6)]


@pytest.mark.sanitizer
def test_a_change_that_waits_stands_in_no_look_up_s_way(asker, database, lock):
    change = asker.ask("write", "a team", pool="changes")
    eventually(lambda: waiting(database, CHANGES) == 1, "it waits")
    slow = asker.ask("locked", "x", pool="lookups")
    eventually(lambda: waiting(database, LOOKUPS) == 1, "one look-up waits as well")
    assert asker.now("ping", pool="lookups") == ("ok", "pong")
    asker.say("leave", str(change))
    lock.rollback()
    assert asker.answer(slow)[0] == "ok"
    assert sessions(database, LOOKUPS) == 2


def test_a_slow_database_is_not_away(asker, database, lock):
    """Neither is one that too much waits for."""
    asked = [asker.ask("locked", str(n), pool="lookups") for n in range(2)]
    eventually(lambda: waiting(database, LOOKUPS) == 2, "both run")
    more = [asker.ask("locked", str(n), pool="lookups") for n in range(2, 131)]
    assert asker.answer(more.pop()) == ("refused",)
    assert not asker.is_away()
    lock.rollback()
    assert {asker.answer(n)[0] for n in asked + more} == {"ok"}
    database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [LOOKUPS])
    eventually(lambda: asker.now("ping", pool="lookups") == ("ok", "pong"), "it is asked again")
    assert not asker.is_away()


@pytest.mark.sanitizer
def test_equal_questions_are_asked_once(asker, database, lock):
    first = asker.ask("locked", "x")
    eventually(lambda: waiting(database) == 1, "it runs")
    others = [asker.ask("locked", "x") for _ in range(5)] + [asker.ask("locked", "y")]
    eventually(lambda: waiting(database) == 2, "another runs that is not equal")
    assert asker.now("ping") == ("ok", "pong")
    assert sessions(database) == 3
    lock.rollback()
    assert [asker.answer(n) for n in (first, *others)] == 6 * [("ok", "0x")] + [("ok", "0y")]


def test_what_comes_after_a_change_sees_it(asker, database, lock):
    """An equal question that runs already may have begun before the change."""
    first = asker.ask("locked", "x")
    eventually(lambda: waiting(database) == 1, "it runs")
    asker.say("sql", "change", "SELECT pg_advisory_xact_lock(7)")
    assert asker.now("change", pool="changes") == ("ok", "")
    second = asker.ask("locked", "x")
    eventually(lambda: waiting(database) == 2, "the second runs by itself")
    lock.rollback()
    assert [asker.answer(n) for n in (first, second)] == 2 * [("ok", "0x")]


@pytest.mark.sanitizer
def test_a_reader_who_leaves_cancels(asker, database, lock):
    first, second = asker.ask("locked", "x"), asker.ask("locked", "x")
    eventually(lambda: waiting(database) == 1, "it runs")
    asker.leave(first)
    assert asker.now("ping") == ("ok", "pong")
    assert waiting(database) == 1
    asker.leave(second)
    eventually(lambda: waiting(database) == 0, "it is cancelled")
    # Whoever asks now is not told of that.
    third = asker.ask("locked", "x")
    eventually(lambda: waiting(database) == 1, "it runs again")
    lock.rollback()
    assert asker.answer(third) == ("ok", "0x")
    assert asker.close() == ""


def test_a_reader_who_leaves_the_queue(asker, database, lock):
    slow = [asker.ask("locked", str(n)) for n in range(5)]
    eventually(lambda: waiting(database) == 4, "four questions run")
    asker.leave(slow.pop())
    lock.rollback()
    assert [asker.answer(n) for n in slow] == [("ok", f"0{n}") for n in range(4)]
    assert asker.close() == ""


def test_a_change_runs_to_its_end(asker, database, lock):
    asker.leave(asker.ask("write", "a team", pool="changes"))
    eventually(lambda: waiting(database, CHANGES) == 1, "it runs")
    second = asker.ask("write", "another", pool="changes")
    asker.leave(second)
    lock.rollback()
    eventually(lambda: database.value("SELECT count(*) FROM tollgate_teams") == 2, "both are made")
    assert asker.close() == ""


@pytest.mark.sanitizer
def test_the_database_goes_in_the_middle(asker, database, lock):
    change = asker.ask("write", "a team", pool="changes")
    asked = [asker.ask("locked", str(n)) for n in range(4)]
    eventually(lambda: waiting(database) == 4 and waiting(database, CHANGES) == 1, "all run")
    database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                   "WHERE starts_with(application_name, 'tollgate manager')")
    assert [asker.answer(n)[0] for n in (change, *asked)] == 5 * ["lost"]
    lock.rollback()
    eventually(lambda: asker.now("count") == ("ok", "0"), "it is asked again")
    eventually(lambda: asker.now("write", "b", pool="changes") == ("ok", "b"), "it is changed again")


def test_no_database(database, cluster):
    it = Asker(cluster.url("none_such"))
    assert it.now("ping")[0] == "lost"
    # From then on nobody waits.
    eventually(lambda: it.now("ping") == ("refused",), "it is known to be away")
    assert it.is_away("questions") and not it.is_away("lookups")  # of which nothing was asked
    it.close()


@pytest.mark.sanitizer
def test_the_queue_is_full(asker, database, lock):
    """64 wait behind the one that runs; at the end all hear that they are lost."""
    question = asker.ask("locked", "x")
    first = asker.ask("write", "first", pool="changes")
    eventually(lambda: waiting(database, CHANGES) == 1, "the first runs")
    more = [asker.ask("write", f"team {n}", pool="changes") for n in range(65)]
    assert asker.answer(more[-1]) == ("refused",)
    assert asker.now("ping") == ("ok", "pong")
    rest = asker.close().splitlines()
    assert len(rest) == 66 and all("\tlost\t" in line for line in rest)
    assert {int(line.split("\t")[0]) for line in rest} == {question, first, *more[:-1]}


def test_parameters_that_wait_are_bounded(asker, database, lock):
    asker.say("sql", "length", "SELECT length($1)::text FROM (SELECT count(*) FROM tollgate_teams) AS t")
    running = [asker.ask("locked", str(n)) for n in range(4)]
    eventually(lambda: waiting(database) == 4, "four questions run")
    big = 1 << 20
    queued = [asker.fill("length", big) for _ in range(16)]
    assert asker.answer(queued.pop()) == ("refused",)
    lock.rollback()
    assert [asker.answer(n) for n in queued] == 15 * [("ok", str(big))]
    assert [asker.answer(n)[0] for n in running] == 4 * ["ok"]


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_behind_a_pooler(cluster, database, lock, mode):
    pooler = Pooler(cluster, mode, size=6)
    try:
        it = Asker(pooler.url(database.name))
        assert it.now("echo", "x") == ("ok", "x")
        slow = it.ask("locked", "x")
        eventually(lambda: waiting(database, "%") == 1, "it runs")
        it.leave(slow)
        eventually(lambda: waiting(database, "%") == 0, "it is cancelled")
        assert it.now("echo", "y") == ("ok", "y")
        it.close()
    finally:
        pooler.close()


@pytest.mark.sanitizer
def test_callers_who_leave(gateways, upstream, database):
    """The same by way of a manager: several ask for one page, and go one by one."""
    gateway = gateways(upstream)
    with_lock = database.cluster.connect(database.name)
    with_lock.autocommit = False
    with_lock.cursor().execute("LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE")
    callers = [gateway.manager() for _ in range(5)]
    for caller in callers:
        caller.send_request("GET", "/api/usage/test-data", host="127.0.0.1")
    eventually(lambda: waiting(database) == 1, "it is asked once")
    for caller in callers[1:]:
        caller.close()
    assert gateway.manager().call("GET", "/health").status == 200
    assert waiting(database) == 1
    callers[0].close()
    eventually(lambda: waiting(database) == 0, "it is cancelled")
    with_lock.close()
