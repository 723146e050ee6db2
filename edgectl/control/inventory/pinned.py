"""Whether this edgectl is one of those that an inventory is meant for.

Owns that comparison. Imports what reads ranges only where one is said: its import is felt.
"""

from __future__ import annotations

import edgectl


def fits(versions: str) -> bool:
    """Tell whether this version lies in a range like >=0.1,<0.3; ValueError when it is no range."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(versions).contains(edgectl.__version__, prereleases=True)
