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


# The beginnings of names stand together in their order, wherever the page before ended: words of which one begins the other, the
# same twice, more than are looked for by their beginnings.
@pytest.mark.parametrize("q", ["fleet flow", "w worker", "work work", "import 1 mail", "fleet 5 flow report", "ntk_3 1"])
@pytest.mark.parametrize("sort", ["name", "-name"])
def test_pages_of_several_words_follow_each_other(many, q, sort):
    found, past, seen = many.found(q), None, []
    wanted = [id for id in many.orders[sort] if id in found and many.has({}, many.tokens[id])]
    while True:
        ids, past, _ = many.page({"q": q}, sort, past)
        seen += ids
        if len(ids) < LIMIT or len(seen) > 30 * LIMIT:
            break
    assert seen == wanted[:len(seen)] and (len(ids) == LIMIT or len(seen) == len(wanted)), q


# Digits are the beginning of a word, or an id: which the index of a rare state must not be left for.
@pytest.mark.parametrize("sort", ["created_at", "-name", "-last_used_at"])
def test_an_id_in_a_rare_state(many, sort):
    disabled = [id for id, t in many.tokens.items() if t["state"] == "disabled"][::20]
    looks = []
    for id in disabled:
        found = many.found(str(id))
        ids, _, looked = many.page({"q": str(id), "state": ["disabled"]}, sort, None)
        assert ids == [id for id in many.orders[sort] if id in found and many.tokens[id]["state"] == "disabled"][:LIMIT]
        assert id in ids
        looks.append(looked)
    assert sum(looks) / len(looks) < MOST * 2 / 3
    other = next(id for id, t in many.tokens.items() if t["state"] == "active")
    assert other not in many.page({"q": str(other), "state": ["disabled"]}, sort, None)[0]
    at = many.page({"q": str(disabled[0]), "state": ["disabled"]}, sort, None)[1]
    assert disabled[0] not in many.page({"q": str(disabled[0]), "state": ["disabled"]}, sort, at)[0]


# Walked through by its own index, not by that of all tokens, whose rows of other teams would be passed over one by one.
@pytest.mark.parametrize("sort", SORTS)
def test_a_team_is_walked_by_its_own_index(many, sort):
    past, team = None, {"team": ["small"]}
    for n in range(3):
        ids, past, looked = many.page(team, sort, past)
        assert len(ids) == LIMIT and looked <= 4 * LIMIT, (n, looked)


def test_keys_of_an_order_that_many_have(many):
    """As an older table may have them: PostgreSQL knows that, and takes what is behind such a key for nothing at all."""
    q = {"q": "fleet flow"}
    with many.database.cluster.connect(many.database.name) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; UPDATE tokens SET created_at = NULL, expires_at = CASE WHEN id % 50 = 0 THEN expires_at END; ANALYZE tokens")
        for sort in ("created_at", "-created_at", "expires_at", "-expires_at"):
            cursor.execute(f"SELECT id FROM tokens ORDER BY {KEYS[sort.lstrip('-')]} {'DESC' if sort[0] == '-' else ''}, "
                           f"id {'DESC' if sort[0] == '-' else ''}")
            found, past, seen = many.found(q["q"]), None, []
            wanted = [id for id, in cursor.fetchall() if id in found and many.has(q, many.tokens[id])]
            cursor.execute(LOOKED)
            before, = cursor.fetchone()
            while len(seen) < len(wanted):
                cursor.execute("SELECT id, here FROM token_page(NULL, %s, %s, %s, %s)",
                               (json.dumps(q), sort, past and json.dumps(past), LIMIT))
                rows = cursor.fetchall()
                seen, past = seen + [id for id, _ in rows], rows[-1][1]
            assert seen == wanted
            cursor.execute(LOOKED)
            assert cursor.fetchone()[0] - before <= MOST / 2 * -(-len(wanted) // LIMIT), sort
        cursor.execute("ROLLBACK")


def test_no_word_is_sought(many):
    for sort in SORTS:
        assert many.page({"q": "- _"}, sort, None)[0] == []


def test_what_no_index_has(many):
    """Nobody's tokens in a state that no index knows by itself: they may be far, and the sample has no index to choose."""
    for sort in ("created_at", "-expires_at"):
        found = many.found("late")
        wanted = [id for id in many.orders[sort] if id in found and many.tokens[id]["team"] is None
                  and many.has({}, many.tokens[id])][:LIMIT]
        assert many.page({"team": ["none"], "q": "late"}, sort, None)[0] == wanted
    many.database.query("BEGIN; UPDATE tokens SET tollgate_team_id = %s", (many.teams["small"],))
    try:
        assert many.database.query("SELECT id FROM token_page(NULL, %s, 'name', NULL, 20)", (json.dumps({"team": ["none"]}),)) == []
    finally:
        many.database.query("ROLLBACK")
