"""The calls of docs/api.md, as they stand there."""
import os
import re
import shutil
import subprocess

import pytest

from tg.api import strict_json
from tg.gateway import ROOT
from tg.openapi import read

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
REFUSED = ["limit=0&zone=x"]  # shown for the problem


def commands():
    text = read(os.path.join(ROOT, "docs", "api.md"))
    lines = "".join(BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("curl ")]


def run(command, folder, **variables):
    """(status, the answer's JSON)"""
    done = subprocess.run(["bash", "-euc", f"{command} -sS -w '\\n%{{http_code}}'"], cwd=folder, text=True,
                          capture_output=True, check=False, env={**os.environ, **variables})
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return int(status), strict_json(body.encode()) if body else None


def test_each_call(managed, tmp_path):
    """One after the other, as somebody who pastes them: the token that is made is the next ones' $ID."""
    here = {"KEY": managed.people.admin.key, "ID": "", "TOKEN_KEY": ""}
    found = commands()
    assert len(found) >= 15
    for command in found:
        # The origin is the manager's name, and its port the one that it has here.
        local = re.sub(r"\blocalhost:8000\b", f"localhost:{managed.gateway.manager_port}", command)
        local = local.replace("ntk_...", managed.people.tokens["one"][0].key)
        status, answer = run(local, tmp_path, **here)
        expected = (400,) if any(part in command for part in REFUSED) else (200, 201, 204)
        assert status in expected, (command, answer)
        if command.endswith("/api/tokens"):
            here.update(ID=str(answer["id"]), TOKEN_KEY=answer["key"])
        elif "/rotate" in command:
            here["TOKEN_KEY"] = answer["key"]
        elif "q=orders" in command:
            assert [str(item["id"]) for item in answer["items"]] == [here["ID"]]
        elif "/api/lookup" in command:
            assert str(answer["token"]["id"]) == here["ID"], answer
        elif "wait=" in command:
            assert answer["state"] == "revoked" and answer["confirmed"], answer
