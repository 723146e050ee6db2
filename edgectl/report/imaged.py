"""What `edgectl image` has written, in words.

Owns the sentences. Must not know files' content.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Imaged:
    """A set that was written: where, its files' names, and the inventory before and after."""

    store: str
    title: str
    to: str
    names: tuple[str, ...]
    disc: bool
    fingerprint: str
    replaced: str
    inventory: str
    before: str
    after: str
    open_to_others: bool


def lines(one: Imaged) -> Iterator[str]:
    """Yield what a person reads on stdout."""
    yield from diff(one.before, one.after, one.inventory)
    what = "a disc image labelled CIDATA" if one.disc else f"{len(one.names)} files"
    yield f"{one.title}: {what} in {one.to}"
    for name in one.names:
        yield f"  wrote     {name}"
    yield f"  host key  {one.fingerprint}, pinned in {one.inventory}"
    yield "  next      README.txt says what to do at the machine; once it is up:"
    yield f"            edgectl deploy {one.store}"


def warnings(one: Imaged) -> Iterator[str]:
    """Yield what a person must know, and do."""
    if one.replaced:
        yield f"{one.replaced} is no longer the key of {one.title}: if it runs, install it again from the new files"
    if one.open_to_others:
        yield f"{one.to} keeps no modes: whoever has it can read the private host key; wipe it once the machine is up"


def diff(before: str, after: str, name: str) -> Sequence[str]:
    """Return a change as `diff -u` shows it."""
    old, new = before.splitlines(), after.splitlines()
    return [line.rstrip() for line in difflib.unified_diff(old, new, name, name, lineterm="", n=2)]
