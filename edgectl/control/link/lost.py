"""The error for a link that was there and is gone: the node goes on by itself, the same command re-attaches."""

from __future__ import annotations

from edgectl.wire.errors import Unreachable


class LinkLost(Unreachable):
    """The connection broke, or the peer went silent, after it had been up."""
