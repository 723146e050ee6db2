"""A node, and what is brought to it, by stick or from a mirror: refused for a cause, or converged."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgectl.wire.payload import Payload
from edgectl.wire.trust import kept_text
from tests import hostile
from tests.hostile import V2, Keys, Rack, Said, SignedStick, unharmed
from tests.stick import ENGINE, tar_of


class Field:
    """A node, and what is brought to it: by stick, or from a mirror."""

    def __init__(self, node: Rack, keys: Keys, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.node = node
        self.keys = keys
        self._folder = folder
        self._capsys = capsys
        self.publish: Callable[[Path], str] = str
        self._sticks = 0

    def stick(self) -> SignedStick:
        """Return an empty one."""
        self._sticks += 1
        root = self._folder / f"usb{self._sticks}"
        root.mkdir()
        return SignedStick(root, tar_of(ENGINE), self.keys)

    def load(self, stick: SignedStick | str) -> Said:
        """Load it, the way that this test goes."""
        return self.node.command(stick if isinstance(stick, str) else self.publish(stick.root), self._capsys)

    def refused(self, stick: SignedStick | str, says: str, code: int = 11) -> None:
        """Load what must be refused, for this cause."""
        with unharmed(self.node):
            said = self.load(stick)
        assert (said.code, bool(re.search(says, said.err))) == (code, True), said

    def converges(self, made: Payload = V2, **fields: Any) -> None:
        """Load a good stick."""
        stick = self.stick()
        offer = stick.give(made, **fields)
        said = self.load(stick)
        assert (said.code, self.node.serves) == (0, offer.payload.digest), said

    def trusts(self, **fields: Any) -> None:
        """Let a deploy have brought another trust."""
        trust = hostile.trust_of(self.keys, **fields)
        (self.node.places.trust / "trust.json").write_text(kept_text(trust))
