"""Which source a person has named."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from edgectl.node.load.folder import Folder
from edgectl.node.load.source import Source
from edgectl.node.load.web import Web
from edgectl.wire.errors import UsageError


def source_of(text: str) -> Source:
    """Return the source that a person has named; UsageError when it is none."""
    if "://" not in text:
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
    return Web(text)
