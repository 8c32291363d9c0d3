"""Pages of a list of many tokens: every search in every order behind every filter, found by looking at few rows.

10,000 tokens, of which as small a share is looked at as of a million (token_looks in migrations/functions/29_token_pages.sql).
"""
import itertools
import json
import random
import re

import pytest

COUNT, LIMIT = 10000, 20
LOOKS = "SELECT 200, 300, 40"  # walked, sorted, pages sampled
# Of which at most may be looked at: that sample of 30 a page, two walks of both pieces of an order, and eight stretches.
MOST = 40 * 30 + 2 * (200 + 25) + 8 * 301
SORTS = ["name", "created_at", "expires_at", "last_used_at"]
# Words of one in four names that end, or begin, the order; of one in forty; of few; of numbers that go with the time; ids; keys.
WORDS = ["w", "worker", "rep", "orders-12", "zeb", "flow fleet", "w 1", "nothing", "1", "17", "1234", "ntk_", "ntk_3", "late", "-early", "Émi"]
FILTERS = [{}, {"team": ["large"]}, {"team": ["small"]}, {"team": ["none"]}, {"scope": ["openai"]}, {"scope": ["s44"]}, {"state": ["active"]},
           {"state": ["disabled"]}, {"state": ["expired"]}, {"state": ["revoked", "deleted"]}, {"unused_days": 30}, {"unused_days": 300},
           {"expires_days": 30}, {"team": ["large"], "state": ["disabled"]}, {"scope": ["openai"], "unused_days": 90}]

LOAD = """
INSERT INTO tokens (name, token_hash, key_start, scopes, expires_at, revoked_at, created_at, last_used, tollgate_team_id,
	tollgate_disabled_at, tollgate_deleted_at)
SELECT name, encode(sha256(convert_to('pages ' || n, 'UTF8')), 'hex'), 'ntk_' || substr(md5(n::text), 1, 4),
	CASE n %% 7 WHEN 0 THEN '{openai,test}' WHEN 1 THEN '{*}' WHEN 2 THEN ARRAY['s' || n %% 300] ELSE '{test}' END::text[],
	CASE WHEN r[1] < 0.5 THEN NULL ELSE now() + (r[2] * 700 - 30) * interval '1 day' END,
	CASE WHEN r[3] < 0.05 THEN now() END, made,
	CASE WHEN r[5] < 0.2 THEN NULL ELSE greatest(made, now() - r[6] * interval '365 days') END,
	CASE WHEN r[7] < 0.33 THEN NULL WHEN r[7] < 0.5 THEN %(large)s ELSE %(small)s END,
	CASE WHEN r[8] < 0.02 THEN now() END, CASE WHEN r[3] < 0.01 THEN now() END
FROM (SELECT n, r, date_trunc('second', now()) - ((1 - n::float8 / %(count)s) * 1095) * interval '1 day' AS made,
		(ARRAY['worker','flow','import','Report'])[1 + n %% 4] || ' ' ||
		(ARRAY['billing','search','mail','crm','orders','stock','Émile','fleet','worker','payroll'])[1 + (r[9] * 10)::int %% 10]
		|| '-' || (r[10] * 400)::int || CASE WHEN n %% 997 = 0 THEN ' zebra' WHEN n < 800 THEN ' early' WHEN n > 8500 THEN ' late'
		ELSE '' END || ' ' || n AS name
	FROM (SELECT n, ARRAY(SELECT random() FROM generate_series(1, 10) WHERE n > 0) AS r
		FROM generate_series(1, %(count)s) AS n OFFSET 0) AS a) AS b
"""
LOOKED = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'tokens'::regclass"
STATE = "token_state(t, tollgate_team_id = ANY (token_teams_disabled())) AS state"
KEYS = {"name": "lower(name) COLLATE \"C\"", "created_at": "coalesce(created_at, '-infinity')",
        "expires_at": "coalesce(expires_at, 'infinity')", "last_used_at": "coalesce(last_used, '-infinity')"}


@pytest.fixture(scope="module")
def many(cluster, template):
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database(template[0])
    teams = {r["name"]: r["id"] for r in database.query("INSERT INTO tollgate_teams (name) VALUES ('large'), ('small') RETURNING id, name")}
    database.query("ALTER TABLE tokens DISABLE TRIGGER USER; SELECT setseed(0.25)")
    database.query(LOAD, {"count": COUNT, **teams})
    database.query("ANALYZE tokens; CREATE OR REPLACE FUNCTION token_looks(OUT walked integer, OUT sorted integer, OUT sampled integer) "
                   f"LANGUAGE sql IMMUTABLE AS '{LOOKS}'")
    yield Many(database, teams)
    database.drop()


class Many:
    """The tokens, and which of them a list has: judged one by one, by nothing that the database's lists are made of."""

    def __init__(self, database, teams):
        self.database, self.teams = database, teams
        self.tokens = {r["id"]: r for r in database.query(
            f"SELECT id, lower(name) AS name, lower(key_start) AS key_start, scopes, tollgate_team_id AS team, {STATE}, "
            "coalesce(last_used, '-infinity') < now() - interval '30 days' AND created_at < now() - interval '30 days' AS unused_30, "
            "coalesce(last_used, '-infinity') < now() - interval '90 days' AND created_at < now() - interval '90 days' AS unused_90, "
            "coalesce(last_used, '-infinity') < now() - interval '300 days' AND created_at < now() - interval '300 days' AS unused_300, "
            "revoked_at IS NULL AND expires_at BETWEEN now() AND now() + interval '30 days' AS expires_30 FROM tokens AS t")}
        self.orders = {}
        for sort, key in KEYS.items():
            for way, down in (("", ""), ("-", " DESC")):
                self.orders[way + sort] = [r["id"] for r in database.query(f"SELECT id FROM tokens ORDER BY {key}{down}, id{down}")]

    def found(self, q):
        """Ids of the tokens that a search finds."""
        text = q.lower()
        words = [re.compile("(^|[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f])" + w)
                 for w in re.split("[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+", text) if w]
        return {id for id, t in self.tokens.items()
                if str(id) == text or (t["key_start"] or "").startswith(text) or all(w.search(t["name"]) for w in words)}

    def has(self, filter, t):
        team, scope = filter.get("team", [None])[0], filter.get("scope", [None])[0]
        return (t["state"] in filter["state"] if "state" in filter else t["state"] != "deleted") \
            and (team is None or t["team"] == self.teams.get(team)) and (scope is None or scope in t["scopes"]) \
            and ("unused_days" not in filter or t[f"unused_{filter['unused_days']}"]) \
            and ("expires_days" not in filter or t["expires_30"])

    def page(self, filter, sort, past):
        """(ids of a page, the place of the next, how many rows were looked at)"""
        self.database.query("BEGIN")
        before = self.database.value(LOOKED)
        rows = self.database.query("SELECT id, here FROM token_page(NULL, %s, %s, %s, %s)",
                                   (json.dumps(filter), sort, json.dumps(past) if past else None, LIMIT))
        looked = self.database.value(LOOKED) - before
        self.database.query("ROLLBACK")
        return [r["id"] for r in rows], rows[-1]["here"] if rows else None, looked


@pytest.mark.parametrize("q", [None, *WORDS])
def test_every_list_is_right_and_looks_at_few(many, q):
    rng = random.Random(q)
    found = many.found(q) if q else set(many.tokens)
    shares = []
    for sort in [way + sort for sort, way in itertools.product(SORTS, ("", "-"))]:
        for filter in ({}, rng.choice(FILTERS[1:])):
            wanted, past = [id for id in many.orders[sort] if id in found and many.has(filter, many.tokens[id])], None
            asked = {**filter, **({"q": q} if q else {})}
            for n in range(2):
                ids, past, looked = many.page(asked, sort, past)
                assert ids == wanted[n * LIMIT:(n + 1) * LIMIT], (asked, sort, n)
                shares.append(looked / MOST / (2 if q and "name" in sort else 1))
                if len(ids) < LIMIT:
                    break
    # Of all together: a sample is random, and one that is wrong costs time.
    assert sum(shares) <= len(shares), max(shares)
