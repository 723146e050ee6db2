"""A fake node for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.node.fake import FakeNode


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    """Return a bare node that lies in a folder of its own."""
    return FakeNode(tmp_path)
