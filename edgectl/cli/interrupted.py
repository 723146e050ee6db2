"""The error for Ctrl-C: what goes on without us, and how to watch it again."""

from __future__ import annotations

from edgectl.wire.errors import EdgectlError, Exit


class Interrupted(EdgectlError):
    """A person has stopped watching. It never crosses the link: the node goes on."""

    exit = Exit.INTERRUPTED
