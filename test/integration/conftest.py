"""Fixtures: PostgreSQL per session, a migrated database per test, gateways, upstreams, a CA."""
import os
import shutil
import tempfile

import pytest

from tg.api import Managed
from tg.openapi import SEEN, CheckedApi, unseen
from tg.gateway import MANAGER_KEEPS, Gateway, make_token, run_cli
from tg.order import place_in_line
from tg.postgres import Cluster, memory
from tg.standing import Standing
from tg.tls import Authority
from tg.upstream import Upstream, echo


def is_first(config):
    """Of the processes of a run, the one that the others are begun by."""
    return not hasattr(config, "workerinput")


def pytest_configure(config):
    Cluster.place = memory()
    if is_first(config):
        os.environ[SEEN] = tempfile.mkdtemp(prefix="tollgate-seen-")


def pytest_sessionfinish(session, exitstatus):
    """A whole run has seen every answer that the API's document declares."""
    config = session.config
    if not is_first(config):
        return
    here = os.path.dirname(os.path.abspath(__file__))
    is_whole = not any((config.option.keyword, config.option.markexpr, config.option.collectonly)) and \
        [os.path.abspath(a) for a in config.args] == [here]
    missing = unseen(os.environ[SEEN]) if is_whole and exitstatus == 0 else []
    shutil.rmtree(os.environ.pop(SEEN))
    if missing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        config.pluginmanager.get_plugin("terminalreporter").write_line(
            "docs/openapi.yaml declares answers that no test has seen: "
            + ", ".join(" ".join(one) for one in missing), red=True)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: place_in_line(item.nodeid))
    if os.environ.get("TOLLGATE_TEST_FULL") == "1":
        return
    for item in items:
        if item.get_closest_marker("full"):
            item.add_marker(pytest.mark.skip(reason="only in make check-full"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.failed:
        item.has_failed = True
        managed = getattr(item, "funcargs", {}).get("managed")
        for gateway in getattr(item, "gateways", []) + ([managed.gateway] if managed else []):
            if not os.path.exists(gateway.log_file):
                continue
            report.sections.append((f"log of the gateway on :{gateway.port}",
                                    gateway.log()[-8000:]))


@pytest.fixture(scope="session")
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def template(cluster, tmp_path_factory):
    """A migrated database with two tokens, to be cloned: (name, {token name: key})."""
    database = cluster.create_database()
    config = tmp_path_factory.mktemp("template") / "tollgate.json"
    config.write_text('{"database": "%s", "routes": [{"name": "test", "path": "/api/test", '
                      '"upstream": "http://127.0.0.1:1"}]}' % database.url)
    run_cli("migrate", "--config", config)
    keys = {name: make_token(str(config), name, [scope])["key"]
            for name, scope in (("all", "*"), ("test", "test"))}
    return database.name, keys


@pytest.fixture
def keys(template):
    """{"all": a key with scope *, "test": a key with scope test}."""
    return template[1]


@pytest.fixture(scope="session")
def spare_databases():
    """Databases that earlier tests have left as good as new: [(database, generation)]."""
    return []


@pytest.fixture(scope="session")
def standing(cluster, template, tmp_path_factory):
    standing = Standing(str(tmp_path_factory.mktemp("standing")), cluster, template)
    yield standing
    standing.finish()


# A test with one of these has a gateway of its own.
OF_ITS_OWN = {"gateways", "upstreams", "cluster", "echo_upstream"}


@pytest.fixture
def standing_one(request):
    """The gateway that tests of modules marked `standing` share; None for others."""
    if not request.node.get_closest_marker("standing") or request.node.get_closest_marker("alone") \
            or OF_ITS_OWN.intersection(request.fixturenames):
        yield None
        return
    standing = request.getfixturevalue("standing").begin()
    request.node.gateways = [standing.gateway]
    yield standing
    if getattr(request.node, "has_failed", False):
        standing.discard()
    else:
        standing.end()


@pytest.fixture
def database(request, standing_one):
    """As after `tollgate migrate`, with two tokens."""
    return standing_one.database if standing_one else request.getfixturevalue("new_database")


@pytest.fixture
def new_database(cluster, template, spare_databases):
    if not cluster.is_running():
        cluster.start()
    if spare_databases:
        database, generation = spare_databases.pop()
    else:
        database = cluster.create_database(template[0])
        generation = database.generation()
    yield database
    if not cluster.is_running():
        cluster.start()
    if database.renew(generation):
        spare_databases.append((database, generation))
    else:
        database.drop()


class Upstreams(list):
    """upstreams(handler=None, **how): an upstream that ends with the test."""

    def __call__(self, handler=None, **how):
        self.append(Upstream(handler, **how))
        return self[-1]

    def close(self):
        while self:
            self.pop().close()


@pytest.fixture
def upstreams():
    made = Upstreams()
    yield made
    made.close()


@pytest.fixture
def upstream(request, standing_one):
    """One upstream that the test scripts itself: upstream.accept()."""
    return standing_one.upstream if standing_one else request.getfixturevalue("upstreams")()


@pytest.fixture
def echo_upstream(upstreams):
    return upstreams(echo)


@pytest.fixture
def gateways(request, tmp_path, database, template, upstreams):
    """gateways(upstream, route={...}, **settings): a running gateway, judged at the end.

    Without routes=[...] there is one: `test`, /api/test, scope test, to the given upstream.
    """
    made = request.node.gateways = []

    def make(upstream=None, route=None, routes=None, start=True, **settings):
        folder = tmp_path / f"gateway{len(made)}"
        folder.mkdir()
        if routes is None:
            routes = [{"name": "test", "path": "/api/test", "scope": "test",
                       **({"upstream": upstream.url} if upstream else {}), **(route or {})}]
        gateway = Gateway(str(folder), database, routes, **settings)
        gateway.key = template[1]["all"]
        made.append(gateway)
        if start:
            gateway.start()
        return gateway

    yield make
    upstreams.close()  # so that no idle connection to them counts as a leak
    try:
        for gateway in made:
            if gateway.process is not None:
                gateway.judge()
    finally:
        for gateway in made:
            gateway.close_clients()
            if gateway.process is not None and gateway.process.poll() is None:
                gateway.kill()


@pytest.fixture
def gateway(request, standing_one, upstream):
    """The ordinary case: one worker, one route, to the scripted `upstream`."""
    return standing_one.gateway if standing_one else request.getfixturevalue("gateways")(upstream)


@pytest.fixture(scope="module")
def managed(request, cluster, template, tmp_path_factory):
    """One gateway with people of each role for all tests of a module (tg/api.py: Managed), whose
    MANAGED = {"sign_in": {...}, "routes": [...]} are further settings; {"upstream": handler} is the upstream's
    (tg/upstream.py). Its manager is called by managed.api.

    What a test changes stays: it makes the tokens, teams and people that it changes.
    """
    if not cluster.is_running():
        cluster.start()
    settings = dict(getattr(request.module, "MANAGED", {}))
    upstream = Upstream(settings.pop("upstream", None))
    database = cluster.create_database(template[0])
    routes = settings.pop("routes", [{"name": "test", "path": "/api/test", "scope": "test"}])
    gateway = Gateway(str(tmp_path_factory.mktemp("managed")), database,
                      [{"upstream": upstream.url, **route} for route in routes], **settings)
    gateway.key = template[1]["all"]
    gateway.may_keep = MANAGER_KEEPS
    try:
        managed = Managed(gateway, upstream, CheckedApi(gateway))
        gateway.start()
        yield managed
        upstream.close()
        managed.judge()
    finally:
        gateway.close_clients()
        if gateway.process is not None and gateway.process.poll() is None:
            gateway.kill()
        upstream.close()
        database.drop()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("ca")))
