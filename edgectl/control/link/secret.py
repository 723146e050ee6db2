"""A value that must not be shown: in no log, report, traceback or process list.

Owns the veil. Must not know what the value opens.
"""

from __future__ import annotations


class Secret:
    """Hold a secret text; only `reveal` gives it away, and only the place that sends it calls that."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
