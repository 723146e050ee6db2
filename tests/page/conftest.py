"""A browser for pages; outside CI a machine without one says so."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.browser import PROGRAMS, Browser, browser, program


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a tab of a real headless browser."""
    if not program() and not os.environ.get("CI"):
        pytest.skip(f"no browser here: {', '.join(PROGRAMS)}")
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened
