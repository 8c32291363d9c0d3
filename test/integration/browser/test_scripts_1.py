"""The pages in Chromium, on the real manager (test/browser)."""
import pytest

from tg.browser import PATIENCE_S, run, scripts


@pytest.mark.timeout(PATIENCE_S + 60)
@scripts(0)
def test_pages(site, script):
    run(site, script)
