"""tollgate check: exit status, where its output goes, overlays, .env files, the dump."""
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

import pytest

from tg.gateway import BINARY, ROOT, environment, run_cli

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
        "write ${TG_DB:-postgresql://user:password@host:5432/name}\n"
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
    assert check("--help").stdout.startswith("usage: tollgate check [options]")
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


# --- files that cannot be read ---


@pytest.fixture
def public():
    """A folder that anybody may enter, unlike pytest's own, with the program in it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-check-"))
    folder.chmod(0o755)
    shutil.copy(BINARY, folder / "tollgate")
    yield folder
    shutil.rmtree(folder)


def as_nobody(public, config):
    """check by a user that owns nothing."""
    return subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", public / "tollgate",
         "check", "--config", config],
        capture_output=True, text=True, env=environment(), check=False)


def follow_until_it_passes(public, config, steps):
    """Runs the command of each message; returns the messages."""
    messages = []
    for _ in range(steps):
        done = as_nobody(public, config)
        if done.returncode == 0:
            break
        messages.append(done.stderr)
        command = re.search(r"run `([^`]*)`", done.stderr).group(1)
        subprocess.run(["sh", "-ec", command], check=True)
    assert as_nobody(public, config).returncode == 0, messages
    return messages


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user")
def test_a_file_that_nobody_may_read(public):
    config = public / "tollgate.json"
    config.write_text('{"database": "dbname=x", "routes": []}')
    config.chmod(0o600)
    messages = follow_until_it_passes(public, config, 1)
    assert messages == [f"{config}: error: cannot be read: Permission denied; user nobody may not "
                        f"read it: run `chgrp nogroup {config} && chmod g+r {config}`\n"]
    assert stat.S_IMODE(config.stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user")
def test_a_folder_that_nobody_may_enter(public):
    (public / "a" / "b").mkdir(parents=True)
    config = public / "a" / "b" / "tollgate.json"
    config.write_text('{"database": {"file": "secret"}, "routes": []}')
    (public / "a" / "b" / "secret").write_text("dbname=x")
    for path in (public / "a", public / "a" / "b", config, public / "a" / "b" / "secret"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    messages = follow_until_it_passes(public, config, 4)
    assert len(messages) == 4
    assert f"may not enter {public}/a: run `chmod o+x {public}/a`" in messages[0]
    assert f"may not enter {public}/a/b: run `chmod o+x {public}/a/b`" in messages[1]
    assert "the file " + str(config.parent / "secret") + " cannot be used: Permission denied; " \
        "user nobody may not read it: run " in messages[3]


def test_a_folder_as_the_file(config):
    done = check("--config", config.parent)
    assert done.stderr == (f"{config.parent}: error: cannot be read: it is a folder; name a file, "
                           f"as {config}\n")
    named = done.stderr.rsplit("as ", 1)[1].strip()
    assert check("--config", named, TG_DB="dbname=x", TG_SECRET="s").returncode == 0


def test_a_relative_path_says_where_it_begins():
    done = check("--config", "none.json")
    assert done.stderr == ("none.json: error: cannot be read: No such file or directory; give the "
                           "path of a file that is there; a relative one begins at "
                           f"{os.getcwd()}\n")


@pytest.mark.parametrize("content", ["", "\n\n", "// soon\n"])
def test_an_empty_file(config, content):
    """The message holds a file that passes."""
    config.write_text(content)
    done = check("--config", config)
    assert done.returncode == 1
    start = f"{config}: error: the file is empty; write "
    assert done.stderr.startswith(start)
    config.write_text(done.stderr[len(start):])
    assert check("--config", config).returncode == 0


def test_other_encodings_and_no_file(config):
    config.write_bytes('{"routes": []}'.encode("utf-16"))
    assert "1:1: error: the file is UTF-16; save it as UTF-8\n" in check(
        "--config", config).stderr
    assert "it is not a regular file; save its content as a file, and name that\n" in check(
        "--config", "/dev/null").stderr


# --- what `dev` takes ---


@pytest.mark.parametrize("more, fine", [
    ({}, True),
    ({"database": "postgresql://u:p@x@h/d"}, True),
    ({"database": "${UNSET}"}, True),
    ({"database": {"file": "none"}}, True),
    ({"database": 5}, False),
    ({"env": {"staging": {"node": "s"}}}, True),
    ({"node": "${UNSET}"}, False),
    ({"listen": "nope"}, False),
    ({"routes": [{"name": "a", "path": "/a", "upstream": "https://a.example",
                  "set_headers": {"X": "${UNSET}", "Y": {"file": "none"}}}]}, True),
])
def test_env_dev_takes_what_dev_takes(config, more, fine):
    """`dev` with a database that cannot be reached ends behind its configuration's check."""
    config.write_text(json.dumps({"listen": "127.0.0.1:0", "manager": {"listen": "127.0.0.1:0"},
                                  "routes": [], **more}))
    done = check("--config", config, "--env", "dev")
    assert (done.returncode == 0) == fine, done.stderr
    run = run_cli("dev", "--config", config, "--state", config.parent / "state", "--database",
                  "host=127.0.0.1 port=1 dbname=x", check=False)
    assert run.returncode == 1
    assert ("tables cannot be brought up to date" in run.stderr) == fine, run.stderr
