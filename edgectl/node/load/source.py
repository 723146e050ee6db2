"""Where a bundle is read from: a folder or a web server, by the same few words.

Owns: what a source may be asked, and which one a person means. Nothing that a source gives is believed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from edgectl.wire.errors import UsageError

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


def source_of(text: str) -> Source:
    """Return the source that a person has named; UsageError when it is none."""
    if "://" not in text:
        from edgectl.node.load.folder import Folder

        return Folder(Path(text))
    try:
        found = urlsplit(text)
        named = bool(found.hostname) and (found.port is None or found.port > 0)
    except ValueError as error:
        raise UsageError(f"{text} is no address: {error}", hint="https://HOST/PATH") from error
    if found.scheme not in {"https", "http"} or not named or found.username or found.query or found.fragment:
        raise UsageError(
            f"{text} is no address of a bundle", hint="https://HOST/PATH (or http://), without user, ? and #"
        )
    from edgectl.node.load.web import Web

    return Web(text)
