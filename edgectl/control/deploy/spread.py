"""Which blobs cross the thin line, into which node, and which nodes wait to take them from another. Pure.

Each byte crosses once a store: what one node holds, or gets first, the others take from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

MOST_AT_ONCE = 8  # as many as a node answers when it hands out; one more would take all of its content from the line


def wave(order: Sequence[str], lacks: Mapping[str, Collection[str]], held: Collection[str]) -> list[str]:
    """Return the nodes that are next: no two of them need the same blob from the line, the first always goes."""
    found: list[str] = []
    claimed: set[str] = set()
    for name in order:
        if name in lacks and len(found) < MOST_AT_ONCE:
            from_line = set(lacks[name]) - set(held)
            if not found or not from_line & claimed:
                found.append(name)
                claimed |= from_line
    return found


def over_line(lacks: Iterable[Mapping[str, int]], held: Collection[str]) -> dict[str, int]:
    """Return the blobs that cross the line, and how many bytes of each: those of the first node that lacks it."""
    found: dict[str, int] = {}
    for missing in lacks:
        for digest, count in missing.items():
            if digest not in held:
                found.setdefault(digest, count)
    return found
