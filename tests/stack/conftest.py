"""What tests of the stack's services stand on: a real bus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.broker import Broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Give a Mosquitto of this test's own."""
    running = Broker(tmp_path)
    yield running
    running.stop()
