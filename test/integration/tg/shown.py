"""A gateway as pages like to show it: routes, tokens and teams with names that might be real, and
made-up calls of weeks."""
import hashlib
import json
import re
import secrets
import time

from tg.api import key_hash, make_key
from tg.gateway import run_cli
from tg.upstream import requests_of

# name, path, upstream, what a call costs
ROUTES = [
    ("openai", "/api/openai", "https://api.openai.com/v1", 0.004),
    ("orders", "/api/orders", "http://orders.internal:9001", 0),
    ("perplexity", "/api/perplexity", "https://api.perplexity.ai", 0.005),
    ("cloudconvert", "/api/cloudconvert", "https://api.cloudconvert.com/v2", 0.008),
    ("invoices", "/api/invoices", "http://invoices.internal:9002", 0),
    ("image-processing", "/api/image-processing", "http://images.internal:9003", 0),
    ("data-processing", "/api/data-processing", "http://data.internal:9004", 0),
    ("webhooks", "/api/webhooks", "http://hooks.internal:9005", 0),
    ("geocoding", "/api/geocoding", "https://geo.example.com", 0.0005),
    ("translate", "/api/translate", "https://translate.example.com/v3", 0.00002),
    ("search", "/api/search", "http://search.internal:9006", 0),
    ("mail", "/api/mail", "http://mail.internal:9007", 0.001),
]
TEAMS = ["Operations", "Data platform", "行銷團隊"]
# Of each team in turn; the first ones call the most.
TOKENS = [
    "n8n: orders to warehouse", "n8n: lead enrichment", "n8n: 每日報表", "support-bot", "invoice-ocr",
    "n8n: newsletter images", "etl-nightly", "translate-docs", "n8n: Slack summaries", "product-search",
    "n8n: 客服自動回覆", "price-watcher", "geo-lookup", "cms-webhooks", "image-resizer", "n8n: PDF to text",
    "mail-sender", "chat-widget", "n8n: calendar sync", "quality-checks", "returns-portal", "n8n: CRM backfill",
    "mobile-app (staging)", "n8n: review digest", "catalog-import", "ad-reports", "n8n: 庫存同步", "speech-notes",
    "partner-acme", "partner-globex", "n8n: onboarding mails", "load-test", "fraud-score", "n8n: meeting notes",
    "video-thumbnails", "terms-updater", "n8n: birthday coupons", "archive-mover", "old-website", "laptop of Mei",
]


def routes(upstream):
    """For a configuration, all of them to one upstream that is there."""
    return [{"name": name, "path": path, "scope": name, "upstream": upstream.url, "price_per_call": price}
            for name, path, _, price in ROUTES]


def routes_as_named(upstream):
    """Likewise, to where they say; http goes to the upstream, if its port is theirs and their names this machine's."""
    return [{"name": name, "path": path, "scope": name, "upstream": re.sub(r":\d+$", f":{upstream.port}", url),
             "price_per_call": price} for name, path, url, price in ROUTES]


HOSTS = sorted({url.split("/")[2].split(":")[0] for _, _, url, _ in ROUTES})


def echo_as_asked(conn):
    """An upstream's handler: `?status=503&ms=200` says how it answers."""
    for request in requests_of(conn):
        query = dict(p.partition("=")[::2] for p in request.target.partition("?")[2].split("&"))
        time.sleep(int(query.get("ms", 0)) / 1000)
        body = json.dumps({"method": request.method, "target": request.target}).encode()
        conn.respond(f"{query.get('status', 200)} As asked", {"Content-Type": "application/json"}, body)


def fill(database, config_file, calls, days, tokens=len(TOKENS)):
    """Teams, tokens, and their calls up to now. The tokens' keys are known to nobody."""
    teams = [database.value("SELECT public.people_team_add(NULL, %s)", [json.dumps({"name": name})])["id"]
             for name in TEAMS]
    names = [TOKENS[i] if i < len(TOKENS) else f"{TOKENS[i % len(TOKENS)]} ({i // len(TOKENS) + 1})"
             for i in range(tokens)]
    rows = []
    for i, name in enumerate(names):
        digest = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
        rows.append(database.value(
            "INSERT INTO tokens (name, token_hash, key_start, scopes, tollgate_team_id) "
            "VALUES (%s, %s, 'generated', token_scopes_in('{}'), %s) RETURNING id",
            (name, digest, teams[i % len(teams)] if i % 7 else None)))
    # It calls for those whose keys start like this.
    run_cli("usage", "generate", "--config", config_file, "--yes", "--calls", str(calls), "--days", str(days),
            "--tokens", str(tokens), "--routes", str(len(ROUTES)))
    for i, row in enumerate(rows):
        scopes = ["*"] if i % 5 == 0 else [ROUTES[i % len(ROUTES)][0], ROUTES[0][0]]
        database.query("UPDATE tokens SET key_start = %s, scopes = %s, created_at = clock_timestamp() AT TIME ZONE 'UTC' "
                       "- interval '1 day' * %s WHERE id = %s RETURNING id",
                       ("ntk_" + make_key("")[:4], scopes, days + 5 - i % 5, row))
    # The recorder keeps it while calls come, not for those that were made up; the last few were never used since.
    database.query("UPDATE tokens t SET last_used = l.used_at FROM (SELECT token_hash, max(used_at) AS used_at "
                   "FROM token_usage_logs GROUP BY token_hash) l WHERE l.token_hash = t.token_hash AND t.id <> ALL (%s) "
                   "RETURNING t.id", (rows[-3:],))
    return dict(zip(names, rows))


def add_token(database, name, scopes, team=None):
    """(id, key) of one that callers can use."""
    key = make_key("ntk_")
    made = database.value("INSERT INTO tokens (name, token_hash, key_start, scopes, tollgate_team_id) "
                          "VALUES (%s, %s, %s, %s, %s) RETURNING id", (name, key_hash(key), key[:8], list(scopes), team))
    return made, key
