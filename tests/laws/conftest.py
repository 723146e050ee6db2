"""The loop under test."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.node.converge import loop as real


@pytest.fixture
def loop() -> Any:
    """Return the loop that stores run."""
    return real
