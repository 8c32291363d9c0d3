"""The program without pages: what a build says where there is no Node, and what it holds instead."""
import os
import subprocess
import sys

from tg.gateway import ROOT

PROGRAMS = ["bash", "realpath", "dirname", "rm"]


def make(folder, out, **env):
    """dashboard/make.sh, where no other programs are."""
    os.makedirs(folder, exist_ok=True)
    for name in PROGRAMS:
        where = next(f"{p}/{name}" for p in ("/usr/bin", "/bin") if os.path.exists(f"{p}/{name}"))
        if not os.path.lexists(folder / name):
            os.symlink(where, folder / name)
    return subprocess.run([os.path.join(ROOT, "dashboard", "make.sh"), str(out)], capture_output=True, text=True,
                          env={"PATH": str(folder), **env}, check=True, timeout=30).stdout


def test_what_the_build_says(tmp_path):
    out = tmp_path / "out"
    out.mkdir()  # of a build that had Node
    assert "apt install nodejs npm" in make(tmp_path / "bin", out)
    assert not out.exists()
    assert "PAGES=no" in make(tmp_path / "bin", out, PAGES="no")


def test_what_it_holds(tmp_path):
    done = subprocess.run([sys.executable, "gateway/pages/embed.py", str(tmp_path / "nothing")], cwd=ROOT, check=True,
                          capture_output=True, text=True)
    assert '.incbin \\"gateway/pages/absent.html\\"' in done.stdout
    assert "{&index_file, assets, 0, true}" in done.stdout
    with open(os.path.join(ROOT, "gateway", "pages", "absent.html"), encoding="utf-8") as f:
        page = f.read()
    assert "apt install nodejs npm\nmake" in page
    # The policy would stop it.
    assert "style" not in page and "<script" not in page


def test_the_pages_are_in_what_is_tested():
    assert os.path.exists(os.path.join(ROOT, "build", "dashboard", "index.html"))
