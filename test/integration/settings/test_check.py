"""tollgate check: exit status, where its output goes, overlays, .env files, the dump."""
import json
import os

import pytest

from tg.gateway import ROOT, run_cli

pytestmark = pytest.mark.sanitizer

EXAMPLE = os.path.join(ROOT, "config", "tollgate.json")
CONFIG = """{
  "database": "${TG_DB}",
  "routes": [{"name": "a", "path": "/a", "upstream": "https://a.example/v1",
              "set_headers": {"Authorization": "Bearer ${TG_SECRET}"}}],
  "env": {"dev": {"node": "dev-node"}}
}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "tollgate.json"
    path.write_text(CONFIG)
    return path


def check(*arguments, **env):
    return run_cli("check", *arguments, env=env, check=False)


def test_fine(config):
    done = check("--config", config, TG_DB="dbname=x", TG_SECRET="hunter2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{config}: fine, 1 route\n"


def test_all_faults_at_once(config):
    done = check("--config", config)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"{config}:2:15: error: database: the variable TG_DB is not set or empty; set it, or "
        "write ${TG_DB:-default}\n"
        f"{config}:4:48: error: routes.a.set_headers.Authorization: the variable TG_SECRET is "
        "not set or empty; set it, or write ${TG_SECRET:-default}\n")


def test_allow_unset(config):
    done = check("--config", config, "--allow-unset")
    assert done.returncode == 0
    assert ": warning: routes.a.set_headers.Authorization: " in done.stderr
    assert "error" not in done.stderr


def test_dump_shows_the_overlay_and_no_secret(config):
    done = check("--config", config, "--env", "dev", "--dump",
                 TG_DB="postgresql://u:hunter2@h/d", TG_SECRET="hunter2")
    assert done.returncode == 0
    dump = json.loads(done.stdout)
    assert dump["node"] == "dev-node"
    assert dump["database"] == "user=u password=*** dbname=d host=h"
    assert dump["routes"][0]["set_headers"] == {"Authorization": "***"}
    assert "hunter2" not in done.stdout + done.stderr


def test_env_files_of_dev(config):
    (config.parent / ".env").write_text("TG_SECRET=one\nTG_DB='dbname=file'\n")
    (config.parent / ".dev.vars").write_text("TG_DB=dbname=vars\n")
    done = check("--config", config, "--env", "dev", "--dump")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["database"] == "dbname=vars"
    done = check("--config", config, "--env", "dev", "--dump", TG_DB="dbname=real")
    assert json.loads(done.stdout)["database"] == "dbname=real"
    assert check("--config", config).returncode == 1  # only dev reads them


def test_fault_in_an_env_file(config):
    (config.parent / ".env").write_text("# x\nTG_SECRET='hunter2\n")
    done = check("--config", config, "--env", "dev")
    assert done.returncode == 1
    assert f"{config.parent}/.env:2: error: the quote is not closed" in done.stderr
    assert "hunter2" not in done.stderr


def test_unknown_environment(config):
    done = check("--config", config, "--env", "prod", TG_DB="dbname=x", TG_SECRET="s")
    assert done.returncode == 1
    assert 'error: env: there is no environment "prod"; the file has dev\n' in done.stderr


def test_no_such_file(tmp_path):
    done = check("--config", tmp_path / "none.json")
    assert done.returncode == 1
    assert "none.json: error: cannot be read: No such file or directory" in done.stderr


def test_usage():
    assert check("--help").returncode == 0
    assert check("--help").stdout.startswith("usage: tollgate check --config FILE")
    for arguments in ((), ("--config",), ("--bogus",), ("--config", EXAMPLE, "more")):
        done = check(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "usage: tollgate check" in done.stderr


def test_the_example_passes_for_dev_without_a_variable():
    done = check("--config", EXAMPLE, "--env", "dev")
    assert done.returncode == 0
    assert done.stdout == f"{EXAMPLE}: fine, 4 routes, environment dev\n"
    assert done.stderr.count(": warning: ") == done.stderr.count("\n") == 3


def test_the_example_passes_with_its_variables():
    done = check("--config", EXAMPLE, DATABASE_URL="postgresql://t:p@db/t", OPENAI_API_KEY="a",
                 PERPLEXITY_API_KEY="b", CLOUDCONVERT_API_KEY="c")
    assert (done.returncode, done.stderr) == (0, "")
