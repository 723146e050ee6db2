"""Numbers that follow from a name alone, on any machine, whatever version of any library runs there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_CHUNK = 256  # numbers hashed at once by a Stream

T = TypeVar("T")


def noise(name: str, count: int) -> NDArray[np.uint8]:
    """Return bytes, all values equally likely."""
    return np.frombuffer(_digest(name, count), dtype=np.uint8)


def uniform(name: str, count: int) -> NDArray[np.float64]:
    """Return numbers in [0, 1)."""
    return np.frombuffer(_digest(name, 4 * count), dtype="<u4").astype(np.float64) / 2**32


class Stream:
    """One number after the other."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._chunk = 0
        self._numbers: list[float] = []

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return a number in [low, high)."""
        if not self._numbers:
            self._numbers = uniform(f"{self._name} {self._chunk}", _CHUNK)[::-1].tolist()
            self._chunk += 1
        return low + (high - low) * self._numbers.pop()

    def index(self, count: int) -> int:
        """Return one of 0 to count - 1."""
        return int(self.number() * count)

    def choice(self, items: Sequence[T]) -> T:
        """Return one of these."""
        return items[self.index(len(items))]


def _digest(name: str, count: int) -> bytes:
    return hashlib.shake_256(f"edgectl detector {name}".encode()).digest(count)
