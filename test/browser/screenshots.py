"""Pictures of the pages, with three months of made-up calls: build/screenshots/NAME-THEME-LANGUAGE.png.

Usage: screenshots.py [NAME...]: of the pages of these names in screenshots.mjs; all without.
"""
import contextlib
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

from tg import browser, shown  # noqa: E402
from tg.gateway import run_cli  # noqa: E402
from tg.names import Names  # noqa: E402
from tg.postgres import Cluster, memory  # noqa: E402
from tg.site import Site  # noqa: E402

CALLS, DAYS = int(os.environ.get("SHOWN_CALLS", "150000")), int(os.environ.get("SHOWN_DAYS", "90"))

# Nobody is called "admin" in a picture.
PEOPLE = {"admin": "Mei-Ling Chen", "manager": "Jonas Weber", "viewer": "Priya Nair", "other": "林志豪", "stranger": "Sam Okafor",
          "service": "nightly-reports"}
TEAMS = {"one": "Support", "two": "Finance"}
CALLERS = {"caller": "n8n: invoices to ERP", "orders only": "warehouse-scanner"}


def template_of(cluster, folder):
    """A migrated database without tokens."""
    database = cluster.create_database()
    config = os.path.join(folder, "template.json")
    with open(config, "w", encoding="utf-8") as f:
        f.write('{"database": "%s", "routes": [{"name": "test", "path": "/api/test", "upstream": "http://127.0.0.1:1"}]}'
                % database.url)
    run_cli("migrate", "--config", config)
    return database.name, {"all": None}


def name_people(site):
    """As they might be called; the scripts go on calling them by their roles."""
    query = site.managed.database.query
    for role, name in PEOPLE.items():
        query("UPDATE tollgate_users SET name = %s WHERE id = %s RETURNING id",
              (name, getattr(site.managed.people, role).id))
    for team, name in TEAMS.items():
        query("UPDATE tollgate_teams SET name = %s WHERE id = %s RETURNING id", (name, site.managed.people.teams[team]))
    for caller, name in CALLERS.items():
        query("UPDATE tokens SET name = %s WHERE id = %s RETURNING id", (name, site.callers[caller][0]))
    query("DELETE FROM tokens WHERE name IN ('one-a', 'one-b', 'two-a', 'two-b', 'none') RETURNING id")


def main(names):
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tollgate-shown-"))
        Cluster.place = memory()
        cluster = Cluster()
        stack.callback(cluster.remove)
        hosts = Names(folder)
        for host in shown.HOSTS:
            hosts.set(host, "127.0.0.1")
        print(f"Making up {CALLS} calls of {DAYS} days", flush=True)
        site = Site(cluster, template_of(cluster, folder), folder, CALLS, DAYS, shown.routes_as_named, hosts.env)
        stack.callback(site.kill)
        name_people(site)
        done = browser.node(os.path.join(HERE, "screenshots.mjs"), site.env(), stdout=None,
                            TOLLGATE_TEST_SHOTS=" ".join(names))
        sys.exit(done.returncode)


main(sys.argv[1:])
