"""A path of the operator's machine, as it stands in an inventory."""

from __future__ import annotations

import os


def path_error(text: str) -> str:
    """Say why a text is no path on the operator's machine."""
    if "\0" in text:
        return "no path has a NUL in it"
    if not text:
        return "the path of a file is needed, not nothing"
    if text.startswith("~") and not text.startswith("~/") and os.path.expanduser(text) == text:  # noqa: PTH111 - Path raises
        return f'there is no home "{text.partition("/")[0]}" here: your own is ~/'
    return ""
