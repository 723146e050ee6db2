"""Where a bundle is read from: a folder or a web server, by the same few words.

Owns: what a source may be asked. Nothing that a source gives is believed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

CHUNK = 1024 * 1024


class Source(Protocol):
    """A bundle somewhere. Failures to read are EdgectlErrors that say what to do; what has come stays."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def kind(self) -> str:
        """`stick` or `pull`."""

    def small(self, path: str, most: int) -> bytes | None:
        """Return a whole small file, None when there is none; Refused when it is longer than `most` bytes."""

    def read(self, path: str, *, size: int, offset: int) -> Iterator[bytes]:
        """Yield the bytes of a file from an offset up to `size`, never more; Refused when there is none."""
