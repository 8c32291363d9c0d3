"""Commands without --config take the service's files, /etc/tollgate/tollgate.json and tollgate.env, where they are."""
import json
import os
import subprocess

import pytest

from tg.gateway import BINARY, REPORT, environment

CONFIG = """{"database": "${DATABASE_URL}", "listen": "127.0.0.1:1", "node": "${TG_NODE:-none}", "routes":
 [{"name": "a", "path": "/a", "upstream": "http://127.0.0.1:1", "set_headers": {"X-S": "${TG_SECRET}"}}]}"""

# An /etc of its own over the machine's.
FRAME = """
mount -t tmpfs none "$1" && mkdir "$1/upper" "$1/work" &&
mount -t overlay none -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc || exit 77
[ -z "$2" ] || cp -r "$2" /etc/tollgate
chmod 755 /etc/tollgate; chmod 600 /etc/tollgate/tollgate.env 2>/dev/null
shift 2
exec "$@"
"""


@pytest.fixture
def etc(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("takes root")
    folder = tmp_path / "files"
    folder.mkdir(mode=0o755)
    (tmp_path / "layers").mkdir()
    return folder


def run(etc, *command, user=None, **env):
    as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", FRAME, "frame", str(etc.parent / "layers"), str(etc), *as_user, BINARY,
         *command], capture_output=True, text=True, env=environment(**env), timeout=60, check=False)
    if done.returncode == 77:
        pytest.skip("no overlay may be mounted")
    assert not REPORT.search(done.stderr), done.stderr
    return done


def write(etc, database, **more):
    (etc / "tollgate.json").write_text(CONFIG)
    values = {"DATABASE_URL": database, "TG_SECRET": "s3cr3t", **more}
    (etc / "tollgate.env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def test_both_files_are_taken(etc, database):
    write(etc, database.url, TG_NODE="service")
    checked = run(etc, "check", "--dump")
    assert checked.returncode == 0 and json.loads(checked.stdout)["node"] == "service", checked.stderr
    listed = run(etc, "token", "list", "--json")
    assert [token["name"] for token in json.loads(listed.stdout)] == ["all", "test"], listed.stderr
    assert run(etc, "migrate").returncode == 0
    asked = run(etc, "usage", "ask", "totals")
    assert asked.returncode == 0 and json.loads(asked.stdout), asked.stderr


def test_whatever_is_named_wins(etc, database, tmp_path):
    write(etc, "postgresql://u@127.0.0.1:1/nobody-is-there", TG_NODE="service")
    other = tmp_path / "other.env"
    other.write_text(f"DATABASE_URL={database.url}\nTG_NODE=other\nTG_SECRET=x\n")
    for command, env in ((["token", "list", "--database", database.url], {}), (["token", "list"],
                         {"DATABASE_URL": database.url}), (["token", "list", "--env-file", str(other)], {})):
        done = run(etc, *command, **env)
        assert done.returncode == 0, done.stderr
    # The file itself with other variables.
    assert json.loads(run(etc, "check", "--dump", "--env-file", str(other)).stdout)["node"] == "other"
    named = tmp_path / "named.json"
    named.write_text(CONFIG)
    done = run(etc, "check", "--config", str(named), "--dump")
    assert done.returncode == 1 and "TG_SECRET is not set" in done.stderr, "its variables are not another's"


def test_made_up_usage_takes_none(etc, database):
    """A load never goes into the service's database because nothing was said."""
    write(etc, database.url)
    done = run(etc, "usage", "generate")
    assert done.returncode == 1 and "which database?" in done.stderr


def test_without_them_it_is_as_before(etc):
    done = run(etc, "check")
    assert done.returncode == 2 and "usage: tollgate check" in done.stderr
    done = run(etc, "token", "list")
    assert done.returncode == 1 and "which database?" in done.stderr
    (etc / "tollgate.json").write_text(CONFIG)  # without tollgate.env
    done = run(etc, "check")
    assert done.returncode == 1 and "DATABASE_URL is not set" in done.stderr


@pytest.mark.parametrize("command", [["check"], ["token", "list"], ["serve"]])
def test_who_may_not_read_them_is_told(etc, database, command):
    if subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "test", "-x", BINARY],
                      check=False).returncode != 0:
        pytest.skip("another user cannot run the program under test")
    write(etc, database.url)
    done = run(etc, *command, user=65534)
    assert done.returncode == 1
    assert "/etc/tollgate/tollgate.env is the service's: run this as its user (sudo -u tollgate)" in done.stderr
