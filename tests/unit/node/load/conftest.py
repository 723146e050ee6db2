"""A stick, and the node that it is plugged into."""

from tests.stick import rack, stick

__all__ = ["rack", "stick"]
