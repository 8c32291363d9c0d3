"""Completion and manual pages: every command and option of the tables is in them."""
import os
import re
import shutil
import subprocess

import pytest

from tg.build import ROOT
from tg.gateway import BINARY, run_cli

SCRIPT = """
source "$1"
COMP_WORDS=(%s)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_tollgate
printf '%%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def commands():
    """{command: {its options}}: docs/command-line.md has all of them, as a unit test sees to."""
    with open(os.path.join(ROOT, "docs", "command-line.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `tollgate ([a-z-]+(?: [a-z-]+(?=[ `]))?)[^`]*` \| [^|]* \|(.*)$", file.read().replace("\\|", "/"), re.M)
    found = {name: set(re.findall(r"`--([a-z-]+)", options)) for name, options in rows}
    assert len(found) > 50 and "file" in found["token import"]
    return found


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh", "fish"):
        (folder / shell).write_text(run_cli("completion", shell).stdout)
    return folder


def complete(scripts, line, cwd=None):
    """What bash offers behind this line, of words between blanks."""
    words = " ".join("'" + word.replace("'", r"'\''") + "'" for word in line.split(" "))
    done = subprocess.run(["bash", "--norc", "-c", SCRIPT % words, "bash", str(scripts / "bash")], capture_output=True,
                          text=True, check=True, cwd=cwd)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("line, expected", [
    ("tollgate tok", {"token"}), ("tollgate token rev", {"revoke"}), ("tollgate help token cr", {"create"}),
    ("tollgate token list --sta", {"--state"}), ("tollgate usage stats --by c", {"calls", "cost"}),
    ("tollgate usage stats --by = e", {"errors"}), ("tollgate usage stats --by =", {"calls", "errors", "time", "cost"}),
    ("tollgate explain -X P", {"POST", "PUT", "PATCH"}), ("tollgate completion ", {"bash", "zsh", "fish", "--help"}),
    ("tollgate usage top to", {"tokens"}), ("tollgate token create --name ", set()), ("tollgate nothing ", None),
])
def test_bash(scripts, line, expected):
    got = complete(scripts, line)
    assert got == expected if expected is not None else "token" in got


def test_bash_completes_files(scripts, tmp_path):
    (tmp_path / "a.json").write_text("{}")
    assert complete(scripts, "tollgate check --config a", cwd=tmp_path) == {"a.json"}
    (tmp_path / "*").write_text("")
    assert "a.json" in complete(scripts, "tollgate journal inspect ", cwd=tmp_path)


def test_bash_offers_every_command_and_option(scripts, commands):
    lines = [(f"tollgate {command} --", {f"--{option}" for option in options} | {"--help"}) for command, options in commands.items()]
    script = "source \"$1\"\n" + "".join(
        f"COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _tollgate; echo \"${{COMPREPLY[@]}}\"\n" for line, _ in lines)
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", str(scripts / "bash")], capture_output=True, text=True, check=True)
    offered = [set(line.split()) for line in done.stdout.splitlines()]
    assert len(offered) == len(lines)
    assert [(line, wanted - got) for (line, wanted), got in zip(lines, offered, strict=True) if wanted - got] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_syntax(scripts, commands, shell):
    """By the shell itself where it is installed; bash always is."""
    text = (scripts / shell).read_text()
    for command, options in commands.items():
        assert f" {command}'" in text, command
        for option in options:
            assert (f"-l {option}" if shell == "fish" else f"--{option}") in text, option
    if shell == "bash" or shutil.which(shell):
        subprocess.run([shell, "-n", str(scripts / shell)], check=True, capture_output=True)


# --- manual pages ---

@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manual")
    found = {"tollgate.1": "commands", "tollgate.json.5": "configuration"}
    for name, page in found.items():
        (folder / name).write_text(run_cli("manual", page).stdout)
    return {name: str(folder / name) for name in found}


@pytest.mark.parametrize("name", ["tollgate.1", "tollgate.json.5"])
def test_pages_are_well_made(pages, name):
    checkers = [["groff", "-ww", "-man", "-Tutf8", "-z"], ["mandoc", "-T", "lint", "-W", "warning"]]
    found = [checker for checker in checkers if shutil.which(checker[0])]
    for checker in found:
        done = subprocess.run([*checker, pages[name]], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), checker
    if shutil.which("man"):
        done = subprocess.run(["man", "-l", pages[name]], capture_output=True, text=True, check=True, env={**os.environ, "MANPAGER": "cat"})
        assert "Tollgate" in done.stdout


def plain(path):
    with open(path, encoding="utf-8") as file:
        return file.read().replace("\\-", "-").replace("\\&", "").replace("\\(ga", "`")


def test_pages_have_every_command_option_and_key(pages, commands):
    text = plain(pages["tollgate.1"])
    parts = [part.partition("\n")[::2] for part in text.split('\n.SS "tollgate ')[1:]]
    assert len(parts) == len(commands)
    for command, options in commands.items():
        part = next(body for head, body in parts if re.match(rf"{command}[ \"]", head))
        for option in options:
            assert f"--{option}" in part, (command, option)
    with open(os.path.join(ROOT, "docs", "configuration.md"), encoding="utf-8") as file:
        keys = set(re.findall(r"^\| `([a-z_.]+)` \|", file.read(), re.M))
    told = set(re.findall(r'^\.B "([a-z_.]+)"', plain(pages["tollgate.json.5"]), re.M))
    assert len(told) > 60 and keys - told == set()
