"""What the pages' tests look at: a gateway with people, calls of days and an own provider; and an empty one."""
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tg import shown
from tg.api import Managed, make_people
from tg.gateway import MANAGER_KEEPS, Gateway, run_cli
from tg.openapi import CheckedApi
from tg.openid import REAL_SECRET, RealProvider
from tg.ports import free_port
from tg.upstream import Upstream

PEOPLE_THERE = {"anna": {"name": "Anna Ång", "email": "anna@example.com", "groups": ["gateway"]},
                "nobody": {"name": "No Body"}}
# For the live feed beside them: sockets of browsers that are on their way out.
BROWSERS_KEEP = 64


class Control:
    """Scripts ask for what no API does: POST {"do": NAME, ...} at .url."""

    def __init__(self, acts):
        control = self
        self.acts = acts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = control.act(**asked)
                body = json.dumps(answer, default=str).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def act(self, do, **more):
        try:
            return 200, self.acts[do](**more)
        except Exception as e:  # the script's to tell
            return 500, f"{type(e).__name__}: {e}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Site:
    """.managed has data (tg/shown.py) and the provider "real"; .empty_gateway has an admin and nothing else, and
    stays so; .first_gateway is another of these, for who makes the first token.
    .env(): what scripts are told (test/browser/lib/site.mjs)."""

    def __init__(self, cluster, template, folder, calls=6000, days=9, routes=shown.routes, env=None):
        """template: of databases, as the fixture has it. routes(upstream): the configuration's."""
        self.cluster, self.folder, self.open = cluster, folder, []
        self.routes, self.more_env = routes, env or {}
        try:
            self._start(cluster, template, calls, days)
        except BaseException:
            self.kill()
            raise

    def _keep(self, thing, close):
        self.open.append((thing, close))
        return thing

    def _gateway(self, name, database, provider, **settings):
        folder = os.path.join(self.folder, name)
        os.makedirs(folder)
        gateway = Gateway(folder, database, self.routes(self.upstream), env={"REAL_SECRET": REAL_SECRET, **self.more_env},
                          node="gateway-1", **settings)
        gateway.settings["manager"]["public_url"] = f"http://127.0.0.1:{gateway.manager_port}"
        if provider:
            provider = self._keep(RealProvider(gateway.settings["manager"]["public_url"], PEOPLE_THERE), lambda p: p.close())
            gateway.settings["sign_in"] = {"providers": [{
                "name": "real", "label": "The real one", "issuer": provider.issuer, "client_id": "tollgate",
                "client_secret": "${REAL_SECRET}"}], "rules": [
                    {"issuer": provider.issuer, "claim": "groups", "value": "gateway", "team": "one", "role": "manager"}]}
            self.issuer = provider.issuer
        gateway.write_config()
        gateway.may_keep = MANAGER_KEEPS + BROWSERS_KEEP
        return gateway

    def _start(self, cluster, template, calls, days):
        self.upstream = self._keep(Upstream(shown.echo_as_asked), lambda u: u.close())
        database = self._keep(cluster.create_database(template[0]), lambda d: d.drop())
        gateway = self._gateway("shown", database, provider=True)
        self.shown = shown.fill(database, gateway.config_file, calls, days)
        self.managed = Managed(gateway, self.upstream, CheckedApi(gateway))
        gateway.may_keep = MANAGER_KEEPS + BROWSERS_KEEP
        empty, self.empty_gateway, self.empty_admin = self._empty("empty", cluster, template)
        self.empty = empty
        _, self.first_gateway, self.first_admin = self._empty("first", cluster, template)
        self.callers = {name: shown.add_token(database, name, scopes, self.managed.people.teams["one"])
                        for name, scopes in (("caller", ["*"]), ("orders only", ["orders"]))}
        self.control = self._keep(Control({
            "sql": lambda statement, values=(): self.managed.database.query(statement, values),
            "sql_empty": lambda statement, values=(): empty.query(statement, values),
            "cli": self._cli,
            "database": self._database,
        }), lambda c: c.close())
        gateway.start()
        self.empty_gateway.start()
        self.first_gateway.start()

    def _empty(self, name, cluster, template):
        """Database, gateway and its admin's key, and nothing else."""
        database = self._keep(cluster.create_database(template[0]), lambda d: d.drop())
        gateway = self._gateway(name, database, provider=False)
        database.query("DELETE FROM tokens RETURNING id")
        return database, gateway, self._first_admin(gateway)

    @staticmethod
    def _first_admin(gateway):
        done = run_cli("user", "add", "--config", gateway.config_file, "--name", "First", "--role", "admin", "--json")
        return json.loads(done.stdout)["key"]

    def _cli(self, arguments, empty=False):
        gateway = self.empty_gateway if empty else self.managed.gateway
        done = run_cli(*arguments, "--config", gateway.config_file, check=False)
        return {"status": done.returncode, "out": done.stdout, "err": done.stderr}

    def _database(self, away):
        for gateway in (self.managed.gateway, self.empty_gateway, self.first_gateway):
            gateway.expect_error("PostgreSQL")
        self.cluster.stop() if away else self.cluster.start()

    @staticmethod
    def _told_of(gateway, key):
        return {"url": gateway.settings["manager"]["public_url"], "gateway": f"http://127.0.0.1:{gateway.port}", "key": key}

    def env(self):
        managed, people = self.managed, self.managed.people
        return {
            "url": managed.gateway.settings["manager"]["public_url"],
            "gateway": f"http://127.0.0.1:{managed.gateway.port}",
            "people": {p.name: {"id": p.id, "key": p.key} for p in people.all()},
            "teams": people.teams,
            "tokens": {**{t.name: {"id": t.id, "key": t.key} for some in people.tokens.values() for t in some},
                       **{name: {"id": id_, "key": key} for name, (id_, key) in self.callers.items()}},
            "routes": [path for _, path, _, _ in shown.ROUTES],
            "shown": self.shown,
            "issuer": self.issuer,
            "empty": self._told_of(self.empty_gateway, self.empty_admin),
            "first": self._told_of(self.first_gateway, self.first_admin),
            "control": self.control.url,
        }

    def judge(self):
        self.upstream.close()
        self.managed.judge()
        self.empty_gateway.judge()
        self.first_gateway.judge()
        # All scripts share it.
        filled = self.empty.query("SELECT name FROM tokens UNION ALL SELECT route_path FROM token_usage_logs")
        assert filled == [], f"a script has filled what is to stay empty: {filled}; site.first is there for that"

    def kill(self):
        for gateway in (getattr(getattr(self, "managed", None), "gateway", None), getattr(self, "empty_gateway", None),
                        getattr(self, "first_gateway", None)):
            if gateway is not None and gateway.process is not None and gateway.process.poll() is None:
                gateway.kill()
        while self.open:
            thing, close = self.open.pop()
            close(thing)
