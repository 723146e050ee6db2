"""A dead peer, found by either side within 20 s: frozen, or behind a line that swallows everything and tells nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.far.silence import FROZEN, HOLE, while_following, while_sending, while_the_node_waits
from tests.far.store import FarStore, far_store, noise, offered
from tests.link.conftest import need_sshd

LIMIT_SECONDS = 20.0


@pytest.fixture
def far(tmp_path: Path) -> Iterator[FarStore]:
    """Bring up a store that runs something."""
    need_sshd()
    with far_store(tmp_path / "far") as store:
        store.deploy(offered({"first:1": noise(tmp_path / "first", 1000)})).run()
        yield store


@pytest.mark.long
@pytest.mark.parametrize("how", [HOLE, FROZEN])
def test_while_it_is_sent(far: FarStore, tmp_path: Path, how: str) -> None:
    """Law: 20 s after the other side has gone silent the operator knows it, and nobody is kept out of the node."""
    noticed = while_sending(far, tmp_path, how)
    assert noticed.operator is not None
    assert noticed.operator <= LIMIT_SECONDS
    assert (noticed.node or 0.0) <= LIMIT_SECONDS
    assert far.torn() == []


@pytest.mark.long
@pytest.mark.parametrize("how", [HOLE, FROZEN])
def test_while_it_is_followed(far: FarStore, how: str) -> None:
    """Law: the same for a run that is only watched."""
    noticed = while_following(far, how)
    assert noticed.operator is not None
    assert noticed.operator <= LIMIT_SECONDS


def test_a_sender_that_freezes_keeps_nobody_out(far: FarStore, tmp_path: Path) -> None:
    """Law: the node waits less than 20 s for a word of whoever sends to it; what has come is kept."""
    noticed = while_the_node_waits(far, tmp_path)
    assert noticed.node is not None
    assert 5 < noticed.node <= LIMIT_SECONDS
    assert far.staged_bytes() > 1_000_000
