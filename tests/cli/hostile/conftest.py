"""A node with real keys, and mirrors that lie."""

from tests.hostile import keys, mirrors, node

__all__ = ["keys", "mirrors", "node"]
