"""docs/migrating.md, followed against an older system's database, in its order."""
import hashlib
import json
import os
import re
import subprocess

import pytest

from tg.gateway import BINARY, MANAGER_KEEPS, ROOT, Gateway, environment
from tg.openapi import read
from tg.upstream import Upstream, echo

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
OLDER = """
CREATE TABLE tokens (id SERIAL PRIMARY KEY, name VARCHAR(100) NOT NULL, token_hash VARCHAR(64) UNIQUE NOT NULL,
    last_used TIMESTAMP);
CREATE TABLE token_usage_logs (id SERIAL PRIMARY KEY, token_hash VARCHAR(64) NOT NULL, route_path VARCHAR(255),
    used_at TIMESTAMP NOT NULL, response_status INTEGER, response_time_ms INTEGER, ip_address VARCHAR(45),
    user_agent TEXT, request_method VARCHAR(10), error_message TEXT)"""
KEYS = {name: f"older-{name}-key" for name in ("n8n", "billing", "new")}


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def moving(cluster, tmp_path):
    """The older database, the store's entries as a file, and a gateway that is not started yet."""
    if not cluster.is_running():
        cluster.start()
    database = cluster.create_database()
    database.query(OLDER)
    for name in ("n8n", "billing"):
        database.query("INSERT INTO tokens (name, token_hash) VALUES (%s, %s)", (name, sha256(KEYS[name])))
    database.query("INSERT INTO token_usage_logs (token_hash, route_path, used_at, response_status) "
                   "VALUES (%s, '/api/test', now() AT TIME ZONE 'Asia/Taipei', 200)", (sha256(KEYS["n8n"]),))
    (tmp_path / "tokens.txt").write_text("".join(
        f"{sha256(key)}\t{json.dumps({'name': name, 'scopes': ['test'], 'is_active': True})}\n"
        for name, key in KEYS.items()))
    upstream = Upstream(echo)
    gateway = Gateway(str(tmp_path), database, [
        {"name": "test", "path": "/api/test", "scope": "test", "upstream": upstream.url}])
    yield gateway
    gateway.close_clients()
    if gateway.process is not None and gateway.process.poll() is None:
        gateway.kill()
    upstream.close()
    database.drop()


def test_each_command_works(moving, tmp_path):
    text = read(os.path.join(ROOT, "docs", "migrating.md"))
    lines = "".join(BLOCK.findall(text)).splitlines()
    assert len(lines) > 10
    os.symlink(BINARY, tmp_path / "tollgate")
    told = {}
    hash_line = ""
    for line in lines:
        if line.startswith("curl") and moving.process is None:
            moving.start()
        # As on a machine whose service has its configuration; and the manager has a port of its own here.
        local = line.replace("localhost:8000", f"localhost:{moving.manager_port}")
        if local.startswith("tollgate check") or local.startswith("tollgate routes"):
            local += f" --config {moving.config_file}"
        done = subprocess.run(["bash", "-euc", hash_line + local], cwd=tmp_path, text=True, capture_output=True,
                              check=False, timeout=60,
                              env=environment(PATH=f"{tmp_path}:{os.environ['PATH']}", DATABASE_URL=moving.database.url))
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        told[line] = done.stdout
        if line.startswith("hash="):
            hash_line = line + "\n"
    assert json.loads(next(out for line, out in told.items() if "/api/usage-log" in line)) == {"status": "logged"}
    assert moving.database.query("SELECT name, scopes FROM tokens ORDER BY name") == [
        {"name": name, "scopes": ["test"]} for name in sorted(KEYS)]
    # The copied row, and the one that was reported.
    assert len(moving.database.wait_usage(2)) == 2
    for key in KEYS.values():
        assert moving.call("GET", "/api/test/x", key=key).status == 200
    moving.may_keep = MANAGER_KEEPS
    moving.judge()
