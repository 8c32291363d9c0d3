"""A site for the pages' tests, one for all scripts of a process."""
import pytest

from tg.site import Site


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
