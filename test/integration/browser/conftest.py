"""A site for the pages' tests, one for all scripts of a process; what Node runs is installed."""
import os
import subprocess

import pytest

from tg.gateway import ROOT
from tg.site import Site


@pytest.fixture(scope="session", autouse=True)
def node_modules():
    subprocess.run([os.path.join(ROOT, "config", "install-node-modules.sh"), os.path.join(ROOT, "dashboard")],
                   check=True, timeout=300)


@pytest.fixture(scope="module")
def site(cluster, template, tmp_path_factory):
    if not cluster.is_running():
        cluster.start()
    site = Site(cluster, template, str(tmp_path_factory.mktemp("site")))
    try:
        yield site
        site.judge()
    finally:
        if not cluster.is_running():
            cluster.start()
        site.kill()
