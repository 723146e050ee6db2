"""What `adopt` proposes is read by the inventory as it was found on the node."""

from __future__ import annotations

import pytest

from edgectl.control.kubeyaml import load_all
from edgectl.report.adopted import proposed
from tests.strings import SHORT


@pytest.mark.parametrize("name", SHORT)
def test_what_is_proposed_means_what_was_found(name: str) -> None:
    """Law: a text stays one in the inventory's own YAML. Seeded: PyYAML's writer, which leaves `1e3` bare."""
    patch = {"host": {"files": [{"path": "/a", "text": SHORT[name], "mode": "0644"}]}}
    (doc,) = load_all(proposed("store-042", patch, []))
    assert doc == {"stores": {"store-042": patch}}
