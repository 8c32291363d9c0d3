"""pgbouncer in between: other clients of the pool find its sessions as they were."""
import pytest

from tg.gateway import run_cli
from tg.ledger import verify
from tg.pooler import Pooler
from tg.wait import eventually

SHORT = {"idle_s": 0.2}
# What a session may be left with.
STATE = ("SELECT current_user::text, current_setting('role'), current_setting('search_path'), "
         "current_setting('TimeZone'), current_setting('DateStyle'), "
         "current_setting('statement_timeout'), current_setting('lock_timeout'), "
         "current_setting('idle_in_transaction_session_timeout'), "
         "current_setting('idle_session_timeout'), current_setting('synchronous_commit'), "
         "current_setting('client_min_messages'), current_setting('tcp_user_timeout'), "
         "current_setting('client_connection_check_interval'), "
         "current_setting('standard_conforming_strings'), "
         "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), "
         "(SELECT count(*) FROM pg_cursors), (SELECT count(*) FROM pg_prepared_statements)")


@pytest.fixture(params=["transaction", "session"])
def pooler(request, cluster, database):
    pooler = Pooler(cluster, request.param, size=8 if request.param == "session" else 3)
    pooler.mode = request.param
    pooler.database = database
    yield pooler
    pooler.close()


def state_of(pooler, database):
    return pooler.ask(database.name, STATE)


def check_others(pooler, database, expected):
    """20 of 20 times, whichever of the pool's sessions it is."""
    assert [state_of(pooler, database) for _ in range(20)] == [expected] * 20


def test_commands(pooler, cluster):
    database = cluster.create_database()
    try:
        expected = state_of(pooler, database)
        url = pooler.url(database.name)
        for _ in range(2):
            run_cli("migrate", "--database", url)
            check_others(pooler, database, expected)
        made = run_cli("token", "create", "--database", url, "--name", "a", "--scope", "*").stdout
        assert made.startswith("ntk_")
        assert " a " in run_cli("token", "list", "--database", url).stdout
        run_cli("token", "revoke", "a", "--database", url)
        check_others(pooler, database, expected)
        run_cli("usage", "generate", "--yes", "--database", url)
        run_cli("usage", "verify", "--database", url)
        run_cli("usage", "generate", "--remove", "--database", url)
        check_others(pooler, database, expected)
    finally:
        database.drop()


def test_serve(pooler, gateways, echo_upstream, cluster, database):
    expected = state_of(pooler, database)
    gateway = gateways(echo_upstream, pools=SHORT, start=False, tokens={"poll_s": 1})
    gateway.expect_error("PostgreSQL refuses|no database")
    gateway.settings["database"] = pooler.url(database.name)
    gateway.write_config()
    gateway.start()
    with gateway.connect() as client:
        for n in range(60):
            assert client.call("GET", f"/api/test/{n}").status == 200
            if n % 3 == 0:
                assert state_of(pooler, database) == expected
    database.wait_usage(60)
    check_others(pooler, database, expected)
    eventually(lambda: database.value("SELECT count(*) FROM tokens WHERE last_used IS NOT NULL") == 1,
               "last_used has moved")
    token = gateway.create_token("b", ["*"])
    assert gateway.log().count("WARN tollgate sync: a pooler stands before PostgreSQL") == 1
    statuses = []

    def status():
        statuses.append(gateway.call("GET", "/api/test/x", key=token["key"]).status)
        return statuses[-1]

    eventually(lambda: status() == 200, "a new key is known")
    run_cli("token", "revoke", token["id"], "--database", database.url)
    eventually(lambda: status() == 401, "a revoked one as well")
    before = len(database.wait_usage(60 + statuses.count(200)))
    eventually(lambda: database.value("SELECT count(*) FROM usage_deltas") == 0, "deltas are merged")
    verify(gateway)
    cluster.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                    f"datname = '{database.name}' AND application_name ~ 'tollgate|another'")
    eventually(lambda: gateway.get_status("/ready") == 200, "it is ready")
    for n in range(5):
        assert gateway.call("GET", f"/api/test/{n}").status == 200
    database.wait_usage(before + 5)
    check_others(pooler, database, expected)
