"""Scripts of test/browser, by Node, on a site (tg/site.py)."""
import glob
import json
import os
import subprocess

import pytest

from tg.gateway import ROOT, environment

FOLDER = os.path.join(ROOT, "test", "browser")
PATIENCE_S = 480
# A module's tests are run by one process; so many modules have the scripts in turn, the largest first.
MODULES = 2


def scripts(module):
    """Parametrizes a test with those of this module, 0 to MODULES - 1."""
    found = sorted(glob.glob(os.path.join(FOLDER, "*.test.mjs")), key=lambda path: (-os.path.getsize(path), path))[module::MODULES]
    return pytest.mark.parametrize("script", found, ids=[os.path.basename(path).removesuffix(".test.mjs") for path in found])


def node(script, site, *arguments, stdout=subprocess.PIPE, patience_s=PATIENCE_S, **env):
    """The finished process. site: what the script is told of it."""
    return subprocess.run(
        [os.environ.get("TOLLGATE_TEST_NODE", "node"), *arguments, script],
        env=environment(TOLLGATE_TEST_SITE=json.dumps(site), **env), stdout=stdout, stderr=subprocess.STDOUT,
        text=True, timeout=patience_s, check=False)


def run(site, script):
    """The script's tests; how they failed is the failure. TOLLGATE_TEST_NAMES_OF (a RegExp): these of them alone."""
    names = os.environ.get("TOLLGATE_TEST_NAMES_OF")
    done = node(script, site.env(), *(["--test-name-pattern", names] if names else []), "--test-reporter=spec")
    if done.returncode != 0:
        pytest.fail(done.stdout, pytrace=False)
    print(done.stdout)
