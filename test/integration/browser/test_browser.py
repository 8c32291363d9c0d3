"""The pages in Chromium, on the real manager: each script of test/browser, by Node."""
import glob
import json
import os
import subprocess

import pytest

from tg.gateway import ROOT, environment

FOLDER = os.path.join(ROOT, "test", "browser")
SCRIPTS = sorted(glob.glob(os.path.join(FOLDER, "*.test.mjs")))
PATIENCE_S = 240


@pytest.mark.timeout(PATIENCE_S + 60)
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: os.path.basename(s).removesuffix(".test.mjs"))
def test_browser(site, script):
    node = os.environ.get("TOLLGATE_TEST_NODE", "node")
    names = os.environ.get("TOLLGATE_TEST_NAMES_OF")  # a RegExp: these tests of the script alone
    done = subprocess.run(
        [node, *(["--test-name-pattern", names] if names else []), "--test-reporter=spec", script],
        env=environment(TOLLGATE_TEST_SITE=json.dumps(site.env())), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=PATIENCE_S, check=False)
    if done.returncode != 0:
        pytest.fail(done.stdout, pytrace=False)
    print(done.stdout)
