"""--env-file: who wins, that a reload reads it again, every command that takes it; files of
variables that are not read are named, and stay out of git and images."""
import fnmatch
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

from tg.gateway import ROOT, run_cli
from tg.wait import eventually

CONFIG = """{
  "database": "${TG_DB}", "node": "${TG_NODE:-none}",
  "routes": [{"name": "a", "path": "/a", "upstream": "http://127.0.0.1:1",
              "set_headers": {"Authorization": "Bearer ${TG_SECRET:-x}"}}],
  "env": {"dev": {}}
}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "etc" / "tollgate.json"
    path.parent.mkdir()
    path.write_text(CONFIG)
    return path


def write(path, **values):
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return path


def node_of(config, *more, **env):
    done = run_cli("check", "--config", config, "--dump", *more, env=env)
    return json.loads(done.stdout)["node"], done.stderr


# --- who wins ---


def test_the_later_file_wins_and_the_environment_over_all(config, tmp_path):
    one = write(tmp_path / "one.env", TG_DB="dbname=one", TG_NODE="one")
    two = write(tmp_path / "two.env", TG_NODE="'two'")
    assert node_of(config, "--env-file", one) == ("one", "")
    assert node_of(config, "--env-file", one, "--env-file", two) == ("two", "")
    assert node_of(config, "--env-file", two, "--env-file", one) == ("one", "")
    node, report = node_of(config, "--env-file", one, "--env-file", two, TG_NODE="real")
    assert node == "real"
    assert report == "".join(
        f"{file}: warning: the environment has another TG_NODE, which wins; unset it there to use "
        "this file's\n" for file in (one, two))
    # The same value twice hides nothing; an empty one does not win.
    assert node_of(config, "--env-file", one, TG_NODE="one") == ("one", "")
    assert node_of(config, "--env-file", one, TG_NODE="") == ("one", "")


def test_dev_reads_it_over_its_own_files(config, tmp_path):
    write(config.parent / ".env", TG_DB="dbname=x", TG_NODE="env")
    write(config.parent / ".dev.vars", TG_NODE="vars")
    named = write(tmp_path / "named.env", TG_NODE="named")
    assert node_of(config, "--env", "dev") == ("vars", "")
    assert node_of(config, "--env", "dev", "--env-file", named) == ("named", "")


def test_a_file_that_is_not_there_or_wrong(config, tmp_path):
    for command in ("check", "serve", "migrate"):
        done = run_cli(command, "--config", config, "--env-file", tmp_path / "none.env",
                       check=False)
        assert done.returncode == 1
        assert (f"{tmp_path}/none.env: error: cannot be read: No such file or directory; give the "
                "path of a file that is there") in done.stderr
    bad = tmp_path / "bad.env"
    bad.write_text("TG_DB=dbname=x\nTG_SECRET='hunter2\n")
    done = run_cli("check", "--config", config, "--env-file", bad, check=False)
    assert done.returncode == 1 and f"{bad}:2: error: the quote is not closed" in done.stderr
    assert "hunter2" not in done.stderr
    done = run_cli("check", "--config", config, *["--env-file", bad] * 17, check=False)
    assert done.returncode == 1 and "more than 16 files of variables" in done.stderr


# --- serve ---


def authorization(gateway, upstream):
    with gateway.connect() as client:
        client.send_request("GET", "/api/test/x")
        conn = upstream.accept()
        found = conn.read_request().head.get("Authorization")
        conn.respond(headers=[("Connection", "close")])
        client.read_response()
    return found


@pytest.mark.sanitizer
def test_a_reload_reads_it_again(gateways, upstream, tmp_path, database):
    variables = write(tmp_path / "tollgate.env", TG_SECRET="one", TG_DB=f'"{database.url}"')
    gateway = gateways(upstream, start=False, arguments=["--env-file", variables],
                       route={"set_headers": {"Authorization": "Bearer ${TG_SECRET}"}})
    gateway.settings["database"] = "${TG_DB}"
    gateway.write_config()
    gateway.start()
    assert authorization(gateway, upstream) == "Bearer one"
    write(variables, TG_SECRET="two", TG_DB=f'"{database.url}"')
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "reloaded: route test: set_headers" in gateway.log(), "the reload")
    assert authorization(gateway, upstream) == "Bearer two"
    # A file that cannot be read changes nothing.
    gateway.expect_error("the configuration has errors")
    gateway.expect_error("the quote is not closed")
    gateway.expect_error("No such file")
    variables.write_text("TG_SECRET='three\n")
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "the quote is not closed" in gateway.log(), "it is told")
    variables.unlink()
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: gateway.log().count("the configuration has errors") == 2, "it is told")
    assert authorization(gateway, upstream) == "Bearer two"
    # What takes a restart is named also where the file changed it.
    write(variables, TG_SECRET="four", TG_DB=f'"{database.url}?connect_timeout=3"')
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "a change of database takes a restart" in gateway.log(), "it is told")
    eventually(lambda: gateway.log().count("secrets reloaded: ") == 2, "the reload")
    assert authorization(gateway, upstream) == "Bearer four"
    for secret in ("one", "two", "three", "four"):
        assert f"Bearer {secret}" not in gateway.log()


def test_without_a_file_the_reload_says_what_stays(gateways, upstream):
    gateway = gateways(upstream, env={"TG_SECRET": "one"},
                       route={"set_headers": {"Authorization": "Bearer ${TG_SECRET}"}})
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "reload: variables stay as they were at the start" in gateway.log(),
               "the reload")
    eventually(lambda: "reloaded: nothing has changed" in gateway.log(), "the reload")


# --- the other commands ---


def test_every_command_takes_it(config, tmp_path, cluster):
    database = cluster.create_database()
    variables = write(tmp_path / "tollgate.env", TG_DB=f"'{database.url}'",
                      DATABASE_URL=f"'{database.url}'")
    with_config = ["--config", config, "--env-file", variables]
    alone = ["--env-file", variables]
    assert "database" in run_cli("migrate", *alone).stdout
    run_cli("migrate", *with_config)
    made = run_cli("token", "create", *with_config, "--name", "n", "--scope", "*", "--json")
    assert json.loads(made.stdout)["name"] == "n"
    for command in (["token", "list"], ["usage", "ask", "totals"], ["usage", "verify"]):
        run_cli(*command, *with_config)
        run_cli(*command, *alone)
        for name in ("TG_DB", "DATABASE_URL"):  # the environment wins
            which = with_config if name == "TG_DB" else alone
            done = run_cli(*command, *which, check=False,
                           env={name: "host=127.0.0.1 port=1 dbname=x"})
            assert done.returncode != 0 and "refused" in done.stderr
    database.drop()


def test_messages_about_options_show_no_value():
    for command in (["check"], ["serve"], ["dev"], ["demo"], ["migrate"], ["token", "list"],
                    ["token", "create"], ["usage", "ask"], ["usage", "verify"],
                    ["usage", "generate"], ["journal", "inspect"]):
        done = run_cli(*command, "--databse=postgresql://u:hunter2@h/d", check=False)
        assert done.returncode == 2 and "hunter2" not in done.stdout + done.stderr
        assert "there is no option --databse here" in done.stderr
        done = run_cli(*command, "--help=hunter2", check=False)
        assert "hunter2" not in done.stdout + done.stderr
        assert "--help takes no value" in done.stderr
    done = run_cli("check", "--config", check=False)
    assert (done.returncode, "--config needs a value" in done.stderr) == (2, True)
    for arguments in (["dev", "postgresql://u:hunter2@h/d"], ["postgresql://u:hunter2@h/d"],
                      ["usage", "postgresql://u:hunter2@h/d"],
                      ["usage", "ask", "postgresql://u:hunter2@h/d"],
                      ["demo", "postgresql://u:hunter2@h/d"],
                      ["check", "--config", "postgresql://u:hunter2@h/d"],
                      ["migrate", "--env-file", "postgresql://u:hunter2@h/d"]):
        done = run_cli(*arguments, check=False)
        assert done.returncode in (1, 2) and done.stderr != ""
        assert "hunter2" not in done.stdout + done.stderr


# --- files that are not read ---


@pytest.mark.parametrize("name", [".env", ".dev.vars"])
def test_one_at_the_root_is_named(tmp_path, config, name):
    """The root of a repository, or where the command is run."""
    write(config.parent / ".env", TG_DB="dbname=x")
    other = write(tmp_path / name, TG_NODE="root")
    note = (f"{other}: note: is not read, since it is not beside {config}; give --env-file {other} "
            "to read it\n")
    assert node_of(config, "--env", "dev") == ("none", "")  # no repository
    (tmp_path / ".git").mkdir()
    assert node_of(config, "--env", "dev") == ("none", note)
    advised = re.search(r"give (--env-file \S+)", note).group(1).split()
    assert node_of(config, "--env", "dev", *advised) == ("root", "")
    run = run_cli("dev", "--config", config, "--state", tmp_path / "state", "--database",
                  "host=127.0.0.1 port=1 dbname=x", check=False)
    assert note in run.stderr
    # Beside the configuration itself it is read, and no note is due.
    (tmp_path / "tollgate.json").write_text(CONFIG)
    write(other, TG_NODE="root", TG_DB="dbname=x")
    assert node_of(tmp_path / "tollgate.json", "--env", "dev") == ("root", "")


def test_git_and_docker_leave_them_out(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text((pathlib.Path(ROOT) / ".gitignore").read_text())
    files = [f"{folder}{name}" for folder in ("", "config/", "gateway/proxy/", "a/b/")
             for name in (".env", ".dev.vars", ".env.local", ".dev.vars.staging", "tollgate.env")]
    done = subprocess.run(["git", "-C", tmp_path, "check-ignore", *files], capture_output=True,
                          text=True, check=True)
    assert done.stdout.split() == files
    done = subprocess.run(["git", "-C", tmp_path, "check-ignore", ".env.example", "Makefile"],
                          capture_output=True, text=True, check=False)
    assert done.stdout == ""
    for file in files:
        assert is_left_out(file), file
    for file in ("Makefile", "config/tollgate.json", "gateway/proxy/route.c"):
        assert not is_left_out(file), file


def is_left_out(path):
    """Whether .dockerignore leaves a file out: the last pattern that fits it or a folder of it."""
    out = False
    with open(os.path.join(ROOT, ".dockerignore"), encoding="utf-8") as f:
        patterns = [line.strip() for line in f if line.strip() and not line.startswith("#")]
    folders = [path[:i] for i, c in enumerate(path) if c == "/"] + [path]
    for pattern in patterns:
        keep, pattern = pattern.startswith("!"), pattern.lstrip("!")
        anywhere = pattern.startswith("**/")
        for part in folders:
            name = part.rsplit("/", 1)[-1] if anywhere else part
            if fnmatch.fnmatch(name, pattern.removeprefix("**/")):
                out = not keep
    return out


def test_the_unit_reads_it_itself():
    """Also where a reload is checked first."""
    with open(os.path.join(ROOT, "config", "tollgate.service"), encoding="utf-8") as f:
        unit = f.read()
    assert not re.search(r"^EnvironmentFile=", unit, re.M)
    commands = re.findall(r"^Exec\w+=\S+ (check|serve) (.*)$", unit, re.M)
    assert [command for command, _ in commands] == ["check", "serve", "check"]
    assert {rest for _, rest in commands} == {
        "--config /etc/tollgate/tollgate.json --env-file /etc/tollgate/tollgate.env"}
