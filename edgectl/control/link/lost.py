"""The errors of a link that a caller treats differently: lost (come back), and another host key (do not)."""

from __future__ import annotations

from edgectl.wire.errors import Unreachable


class LinkLost(Unreachable):
    """The connection broke, or the peer went silent, after it had been up."""


class WrongHostKey(Unreachable):
    """Somebody else answers, or the node was replaced: trying again is of no use, and a person must look."""
