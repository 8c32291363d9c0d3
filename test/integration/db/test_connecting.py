"""How PostgreSQL is reached: several hosts and addresses, names, roles, files that block."""
import contextlib
import os
import shutil
import time

import psycopg2
import pytest

from tg.gateway import SANITIZED, run_cli
from tg.names import Names
from tg.ports import attempts, black_hole
from tg.postgres import SET_UP, Cluster
from tg.standby import Standby
from tg.tls import Authority
from tg.wait import eventually

preloads = pytest.mark.skipif(bool(SANITIZED), reason="a sanitizer must be loaded first")


def url(database, hosts, parameters=""):
    return f"postgresql://postgres@{hosts}/{database.name}{parameters}"


def sessions(database, like="%"):
    """Names of the gateway's sessions with a database."""
    return {r["application_name"] for r in database.query(
        "SELECT application_name FROM pg_stat_activity WHERE datname = %s AND " + SET_UP +
        "AND application_name LIKE 'tollgate%%' AND application_name LIKE %s", (database.name, like))}


def all_sessions(database):
    """Their names, once sync, recorder and upkeep have one."""
    eventually(lambda: len(sessions(database)) >= 3, "all sessions are there")
    return sessions(database)


def start(gateways, address, env=(), wait=True):
    gateway = gateways(routes=[{"name": "test", "path": "/api/test", "scope": "test",
                                "upstream": "http://127.0.0.1:1"}], start=False)
    gateway.env = dict(env)
    gateway.settings["database"] = address
    gateway.write_config()
    gateway.start(wait=wait)
    return gateway


@contextlib.contextmanager
def tried_once(port, by):
    """Each of them has waited for it once, for two seconds: it may be seen late, not for longer."""
    with attempts("127.0.0.9", port) as took:
        yield
    assert len(took) == by and max(took) < 3, took


@pytest.mark.sanitizer
def test_first_host_silent(gateways, database, cluster):
    with black_hole("127.0.0.9") as hole:
        address = url(database, f"127.0.0.9:{hole},127.0.0.1:{cluster.port}")
        with tried_once(hole, by=3):
            gateway = start(gateways, address)
            known = all_sessions(database)
        # The next session goes to the server that took the last one.
        ended = [r["pid"] for r in database.query(
            "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'tollgate%%'")]
        left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY (%s)"
        with attempts("127.0.0.9", hole) as again:
            eventually(lambda: database.value(left, (ended,)) == 0 and sessions(database) == known, "all are back")
        assert again == []
        with tried_once(hole, by=1):
            assert "all" in run_cli("token", "list", "--config", gateway.config_file).stdout


@preloads
def test_first_address_of_a_name_silent(gateways, database, cluster, tmp_path):
    names = Names(tmp_path)
    names.set("db.test", "127.0.0.9", "127.0.0.1")
    with black_hole("127.0.0.9", cluster.port), tried_once(cluster.port, by=3):
        start(gateways, url(database, f"db.test:{cluster.port}"), names.env)
        all_sessions(database)


@preloads
def test_dead_name_server(gateways, database, cluster, tmp_path):
    names = Names(tmp_path)
    names.hang("db.test")
    gateway = start(gateways, url(database, f"db.test:{cluster.port}"), names.env, wait=False)

    def answers():
        return gateway.get_status("/health", gateway.manager_port) == 200

    eventually(answers, "the manager answers")
    for _ in range(20):
        began = time.monotonic()
        assert answers() and time.monotonic() - began < 4
    eventually(lambda: "tollgate sync: no database: db.test: no name server" in gateway.log(),
               "the log tells")
    names.set("db.test", "127.0.0.1")
    eventually(gateway.is_ready, "the gateway is ready")
    gateway.fds_at_start = gateway.open_fds()
    # It dies again; the end does not wait for new sessions.
    names.hang("db.test")
    calls = names.calls("db.test")

    def is_looked_up():
        database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE application_name LIKE 'tollgate%%'")
        return names.calls("db.test") > calls

    eventually(is_looked_up, "the name is looked up")
    began = time.monotonic()
    gateway.terminate()
    assert gateway.wait_exit() == 0
    assert time.monotonic() - began < 3


def test_files_that_block(gateways, database, cluster, tmp_path):
    """A service file, or a certificate, on a file server that is gone."""
    fifo = tmp_path / "service"
    os.mkfifo(fifo)
    gateway = start(gateways, f"service=tollgate dbname={database.name}",
                       {"PGSERVICEFILE": str(fifo)}, wait=False)
    eventually(lambda: gateway.get_status("/health", gateway.manager_port) == 200,
               "the manager answers")
    eventually(lambda: "no session yet, still reading its settings" in gateway.log(), "the log tells")
    began = time.monotonic()
    gateway.terminate()
    assert gateway.wait_exit() == 0
    assert time.monotonic() - began < 3
    gateway.process = None
    text = f"[tollgate]\nhost=/nowhere,127.0.0.1\nport={cluster.port}\nuser=postgres\n"
    fifo.unlink()
    fifo.write_text(text, encoding="ascii")
    gateway.start()


@pytest.fixture(scope="module")
def standby(cluster):
    if not cluster.is_running():
        cluster.start()
    standby = Standby(cluster)
    yield standby
    standby.remove()


def has_come(standby, database):
    try:
        standby.connect(database.name).close()
        return True
    except psycopg2.OperationalError:  # it is behind
        return False


def test_wanted_role(gateways, database, cluster, standby):
    replica = type(database)(standby, database.name)
    both = f"127.0.0.1:{standby.port},127.0.0.1:{cluster.port}"
    eventually(lambda: has_come(standby, database), "the standby has the database")
    gateway = start(gateways, url(database, both, "?target_session_attrs=read-write"))
    all_sessions(database)
    assert sessions(replica) == set()


def test_prefer_standby(database, cluster, standby):
    """A walk for a standby, then one for any."""
    replica = type(database)(standby, database.name)
    eventually(lambda: has_come(standby, database), "the standby has the database")

    def listed(hosts):
        run_cli("token", "list", "--database", url(database, hosts, "?target_session_attrs=prefer-standby"))

    def sessions_of(server):
        return server.value("SELECT sessions FROM pg_stat_database WHERE datname = current_database()")

    before = sessions_of(replica)
    listed(f"127.0.0.1:{cluster.port},127.0.0.1:{standby.port}")
    eventually(lambda: sessions_of(replica) == before + 1, "the standby has counted it")
    listed(f"127.0.0.1:1,127.0.0.1:{cluster.port}")  # any will do where there is none


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A cluster that wants TLS and passwords, and whose certificate names db.test."""
    folder = tmp_path_factory.mktemp("strict")
    authority = Authority(str(folder))
    certificate, key = authority.server_files(["DNS:db.test"])
    cluster = Cluster()
    for source, name in ((certificate, "server.crt"), (key, "server.key")):
        target = os.path.join(cluster.data, name)
        shutil.copy(source, target)
        if os.getuid() == 0:
            shutil.chown(target, "postgres", "postgres")
        os.chmod(target, 0o600)
    cluster.stop()
    with open(os.path.join(cluster.data, "postgresql.auto.conf"), "a", encoding="utf-8") as f:
        f.write("ssl = on\n")
    with open(os.path.join(cluster.data, "pg_hba.conf"), "r+", encoding="utf-8") as f:
        rest = f.read()
        f.seek(0)
        f.write("hostssl all asker 127.0.0.1/32 scram-sha-256\nhost all asker all reject\n" + rest)
    cluster.start()
    cluster.execute("CREATE ROLE asker LOGIN SUPERUSER PASSWORD 'Secret-1'")
    yield cluster, authority.file
    cluster.remove()


@preloads
def test_the_host_is_kept(strict, tmp_path):
    """Certificates and the password file go by the name, not by its address."""
    cluster, ca_file = strict
    names = Names(tmp_path)
    for name in ("db.test", "other.test"):
        names.set(name, "127.0.0.9", "127.0.0.1")
    passfile = tmp_path / "passwords"
    passfile.write_text(f"db.test:{cluster.port}:*:asker:Secret-1\n"
                        f"other.test:{cluster.port}:*:asker:Secret-1\n", encoding="ascii")
    passfile.chmod(0o600)

    def migrate(hosts):
        with black_hole("127.0.0.9", cluster.port):
            return run_cli("migrate", "--database", f"postgresql://asker@{hosts}/postgres?sslmode="
                           f"verify-full&sslrootcert={ca_file}&passfile={passfile}",
                           env=names.env, check=False)

    done = migrate(f"other.test:{cluster.port}")
    assert done.returncode != 0 and "does not match host name \"other.test\"" in done.stderr
    done = migrate(f"other.test:{cluster.port},db.test:{cluster.port}")
    assert done.returncode == 0, done.stderr
    assert "Secret-1" not in done.stderr + done.stdout
