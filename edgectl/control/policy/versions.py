"""Ranges of versions as people write them: `>=1.34,<1.38`.

Owns what lies in a range: that of PEP 440, which reads k3s's versions, too. Must not know whose version it is.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import edgectl

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


@functools.lru_cache(maxsize=1024)
def within(version: str, asked: str) -> bool:
    """Say whether a version (v1.36.3+k3s1, 570.86.15) lies in a range; what is no version lies in none.

    A pre-release lies in no range that does not name one. ValueError when the range cannot be read.
    """
    from packaging.version import InvalidVersion, Version

    found = asked_range(asked)
    try:
        return found.contains(Version(version), prereleases=bool(found.prereleases))
    except InvalidVersion:
        return False


def meant_for(asked: str) -> bool:
    """Say whether this edgectl lies in a range, a pre-release of it too; ValueError when the range cannot be read."""
    return asked_range(asked).contains(edgectl.__version__, prereleases=True)


def asked_range(text: str) -> SpecifierSet:
    """Read a range; ValueError when it is none."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(text)
    except InvalidSpecifier as error:
        raise ValueError(f'a range of versions is needed, like ">=1.34,<1.38", not "{text}"') from error
