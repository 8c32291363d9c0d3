"""A million tokens: how long pages of lists and searches take over HTTP, how dear a new token is, and how soon all nodes
have a change.

BENCH_TOKENS (1000000) is how many there are. A third have no team, a sixth are one large team's; a fifth was never used,
others in the last day or up to a year ago; made over three years, in the order of their ids.
Each question is asked by pages: the first, those behind it, and on both nodes in turn.
"""
import contextlib
import json
import os
import random
import statistics
import time
from urllib.parse import quote, urlencode

from bench import make_database
from tg.api import People, key_hash, make_key
from tg.gateway import Gateway
from tg.postgres import Cluster
from tg.wire import Client

COUNT = int(os.environ.get("BENCH_TOKENS", "1000000"))
PAGES, ROUNDS, CHANGES, CREATED = 3, 3, 50, 100
PAGE_BAR_MS, CHANGE_BAR_MS = 50, 100
# As PostgreSQL's manual recommends (20.4.1): a quarter of the memory.
SETTINGS = {"shared_buffers": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 22}MB",
            "autovacuum": "on", "max_wal_size": "8GB"}
SORTS = ["name", "created_at", "expires_at", "last_used_at"]

# Words of names: of one in four, of one in forty, and of few.
LOAD = """
INSERT INTO tokens (name, token_hash, key_start, scopes, expires_at, revoked_at, created_at, last_used, tollgate_team_id,
	tollgate_disabled_at, tollgate_deleted_at)
SELECT name, encode(sha256(convert_to('bench ' || n, 'UTF8')), 'hex'), 'ntk_' || substr(md5(n::text), 1, 4),
	CASE n %% 7 WHEN 0 THEN '{openai,test}' WHEN 1 THEN '{*}' WHEN 2 THEN ARRAY['s' || n %% 300] ELSE '{test}' END::text[],
	CASE WHEN r[1] < 0.5 THEN NULL ELSE now() + (r[2] * 700 - 30) * interval '1 day' END,
	CASE WHEN r[3] < 0.05 THEN now() - r[4] * interval '100 days' END, made,
	CASE WHEN r[5] < 0.2 THEN NULL WHEN r[5] < 0.45 THEN greatest(made, now() - r[6] * interval '1 day')
		ELSE greatest(made, now() - r[6] * interval '365 days') END,
	CASE WHEN r[7] < 0.33 THEN NULL WHEN r[7] < 0.5 THEN %(large)s WHEN r[7] < 0.51 THEN %(middle)s
		ELSE %(small)s + n %% 2000 END,
	CASE WHEN r[8] < 0.02 THEN now() - interval '3 days' END,
	CASE WHEN r[3] < 0.01 THEN now() - interval '1 day' END
FROM (SELECT n, r, now() - ((1 - n::float8 / %(count)s) * 1095) * interval '1 day' AS made,
		(ARRAY['worker','flow','import','report'])[1 + n %% 4] || ' ' ||
		(ARRAY['billing','search','mail','crm','orders','stock','ledger','fleet','claims','payroll'])[1 + (r[9] * 10)::int %% 10]
		|| '-' || (r[10] * 4000)::int || CASE WHEN n %% 9973 = 0 THEN ' zebra' ELSE '' END || ' ' || n AS name
	FROM (SELECT n, ARRAY(SELECT random() FROM generate_series(1, 10) WHERE n > 0) AS r
		FROM generate_series(1, %(count)s) AS n OFFSET 0) AS a) AS b
"""


def load(database, people):
    """The tokens, in teams "large" (a sixth of all), "middle" (a hundredth) and small ones."""
    for name in ("large", "middle"):
        people.teams[name] = people.ask("people_team_add", None, {"name": name})["id"]
    database.query("INSERT INTO tollgate_teams (name) SELECT 'team ' || n FROM generate_series(1, 2000) AS n")
    people.teams["small"] = database.value("SELECT min(id) FROM tollgate_teams WHERE name LIKE 'team %%'")
    indexes = database.query("SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made FROM pg_index "
                             "WHERE indrelid = 'tokens'::regclass AND NOT indisunique")
    for index in indexes:
        database.query(f"DROP INDEX {index['name']}")
    database.query("ALTER TABLE tokens DISABLE TRIGGER USER; ALTER TABLE token_keys DISABLE TRIGGER USER; SELECT setseed(0.5)")
    database.query(LOAD, {
        "count": COUNT, "large": people.teams["large"], "middle": people.teams["middle"], "small": people.teams["small"]})
    database.query("INSERT INTO token_keys (token_hash, token_id) SELECT token_hash, id FROM tokens ON CONFLICT DO NOTHING")
    database.query("ALTER TABLE tokens ENABLE TRIGGER USER; ALTER TABLE token_keys ENABLE TRIGGER USER; "
                   "SELECT token_changed('{0}')")
    database.query("SET maintenance_work_mem = '1GB'; " + "; ".join(index["made"] for index in indexes))
    for table in ("tokens", "token_keys", "tollgate_teams"):
        database.query(f"VACUUM ANALYZE {table}")


# --- what is asked ---

def asked(database, people):
    """(kind, person, parameters): "list" in each order, "search" and "filter" in several."""
    admin, rng = people.admin, random.Random(4)
    sorts = SORTS + [f"-{name}" for name in SORTS]
    viewers = [admin, *(people.add(f"viewer of {name}", **{name: "viewer"}) for name in ("small", "middle", "large"))]
    for person in viewers:
        for sort in sorts:
            yield "list", person, {"sort": sort}
    start = database.value("SELECT key_start FROM tokens WHERE id = 777")
    ids = [rng.randint(1, COUNT) for _ in range(3)]
    words = ["worker", "bil", "orders-12", "zebra", "zeb", "w", "fleet flow", "nothing", f"work bill {ids[0]}", start, start[:6],
             *map(str, ids)]
    filters = [{"team": "large"}, {"team": "middle"}, {"team": "team 17"}, {"team": "none"}, {"scope": "openai"}, {"scope": "s44"},
               {"scope": "nothing"}, *({"state": state} for state in ("active", "disabled", "expired", "revoked", "deleted")),
               {"unused_days": 30}, {"unused_days": 90}, {"unused_days": 360}, {"expires_days": 7}, {"expires_days": 90},
               {"team": "large", "state": "disabled"}, {"scope": "openai", "unused_days": 90}]
    for person in viewers:
        for word in words:
            for sort in rng.sample(sorts, 2):
                yield "search", person, {"q": word, "sort": sort}
        for one in filters:
            if person is admin or "team" not in one:
                for sort in rng.sample(sorts, 3):
                    yield "filter", person, {**one, "sort": sort}


class Node:
    """A gateway's manager, on one connection."""

    def __init__(self, gateway):
        self.host = f"127.0.0.1:{gateway.manager_port}"
        self.client = Client("127.0.0.1", gateway.manager_port)

    def call(self, method, path, person, body=None, status=200):
        headers = [("Authorization", f"Bearer {person.key}")]
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        at = time.perf_counter()
        said = self.client.call(method, path, headers, body and json.dumps(body).encode(), host=self.host)
        took = (time.perf_counter() - at) * 1000
        assert said.status == status, (method, path, said.status, said.body[:500])
        return took, json.loads(said.body)


def p95(times):
    return sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]


def ask_all(nodes, questions):
    """{(kind, name of the person): [ms]}; each page counts by the median of its rounds."""
    times, slowest = {}, []
    for kind, person, parameters in questions:
        path = "/api/tokens?" + urlencode(parameters, quote_via=quote)
        for page in range(PAGES):
            said = [nodes[n % len(nodes)].call("GET", path, person) for n in range(ROUNDS)]
            took = statistics.median(ms for ms, _ in said)
            times.setdefault((kind, person.name), []).append(took)
            slowest.append((took, person.name, page, parameters))
            path = said[0][1]["next"]
            if path is None:
                break
    for took, name, page, parameters in sorted(slowest, key=lambda s: -s[0])[:int(os.environ.get("BENCH_TOLD", "12"))]:
        print(f"{took:7.1f} ms, {name}, page {page + 1}: {parameters}")
    return times


# --- changes ---

def create(node, person, team):
    times = []
    for n in range(CREATED):
        took, _ = node.call("POST", "/api/tokens", person, {"name": f"created {n}", "scopes": ["test"], "team_id": team}, 201)
        times.append(took)
    return times


def change(gateways, node, people):
    """From the answer of a change until a worker of each node does as it says; and what ?wait took."""
    seen, waited = [], []
    clients = [Client("127.0.0.1", gateway.port) for gateway in gateways]
    made = node.call("POST", "/api/tokens", people.admin, {"name": "changed", "scopes": ["test"]}, 201)[1]
    for n in range(CHANGES):
        act, status = (("disable", 401), ("enable", 404))[n % 2]
        at = time.perf_counter()
        node.call("POST", f"/api/tokens/{made['id']}/{act}", people.admin)
        for client in clients:
            while client.call("GET", "/api/nothing", [("X-API-Key", made["key"])]).status != status:
                pass
        seen.append((time.perf_counter() - at) * 1000)
    for n in range(CHANGES):
        took, said = node.call("POST", f"/api/tokens/{made['id']}/{('disable', 'enable')[n % 2]}?wait=5000", people.admin)
        assert said["complete"], said
        waited.append(took)
    for client in clients:
        client.close()
    return seen, waited


def add_ms(database):
    """One token by INSERT alone, its triggers included: the median of many transactions."""
    times = []
    for n in range(CREATED):
        at = time.perf_counter()
        database.query("INSERT INTO tokens (name, token_hash, tollgate_team_id) VALUES (%s, %s, (SELECT id FROM tollgate_teams "
                       "WHERE name = 'large'))", (f"added {n}", key_hash(make_key("ntk_"))))
        times.append((time.perf_counter() - at) * 1000)
    return statistics.median(times)


# --- the measurement ---

@contextlib.contextmanager
def two_nodes(bench, database):
    gateways = []
    try:
        for n in range(2):
            folder = os.path.join(bench.folder, f"tokens-{n}")
            os.mkdir(folder)
            gateways.append(Gateway(folder, database, [{"name": "test", "path": "/api/test", "upstream": bench.demo}],
                                    node=f"bench-{n}").start())
        yield gateways
    finally:
        for gateway in gateways:
            gateway.kill()


def tokens(bench):
    cluster = Cluster(**SETTINGS)
    try:
        database, _, _ = make_database(cluster, bench.folder)
        people = People(database)
        load(database, people)
        with two_nodes(bench, database) as gateways:
            nodes = [Node(gateway) for gateway in gateways]
            times = ask_all(nodes, list(asked(database, people)))
            created = create(nodes[0], people.admin, people.teams["large"])
            seen, waited = change(gateways, nodes[0], people)
        added = add_ms(database)
    finally:
        cluster.remove()
    for (kind, name), some in times.items():
        print(f"{kind:6} {name:16} median {statistics.median(some):6.1f} ms  p95 {p95(some):6.1f} ms  "
              f"max {max(some):6.1f} ms  of {len(some)} pages")
    title = f"{COUNT:,} tokens"
    figures = {f"{title}: {kind}, page, p95": (p95([ms for (k, _), some in times.items() if k == kind for ms in some]), "ms",
                                               PAGE_BAR_MS) for kind in ("list", "search", "filter")}
    every = [ms for some in times.values() for ms in some]
    return {**figures, f"{title}: any page, median": (statistics.median(every), "ms", None),
            f"{title}: any page, max": (max(every), "ms", None),
            f"{title}: a change on both nodes, p95": (p95(seen), "ms", CHANGE_BAR_MS),
            f"{title}: the same by ?wait, p95": (p95(waited), "ms", CHANGE_BAR_MS),
            f"{title}: create, median": (statistics.median(created), "ms", None),
            f"{title}: INSERT of one, median": (added, "ms", None)}
