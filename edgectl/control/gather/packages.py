"""Packages of Debian's taken into a bundle: those that stores want, and what these need of what is at hand.

Owns that a version is its bytes for ever: another file of the same version is refused. Must not know where apt is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.control.debian.closure import closure
from edgectl.control.debian.control import ALL, Control
from edgectl.control.debian.known import control_of
from edgectl.control.gather.need import Brought
from edgectl.control.gather.shopping import Shopping
from edgectl.control.inventory.store import Store
from edgectl.control.payload.packages import KIND, Wish, chosen, lacking, place_of, wish_of
from edgectl.wire.errors import InvalidInput

_HINT = "edgectl bundle packages downloads it, and --from names the folder"


@dataclass(slots=True)
class _Hand:
    """What is at hand: in the bundle that is filled, and in the sources, the first of them first."""

    own: dict[Control, Brought] = field(default_factory=dict)
    others: dict[Control, list[Brought]] = field(default_factory=dict)

    def of(self, arch: str) -> list[Control]:
        """Return all for one architecture."""
        return [one for one in {**self.own, **self.others} if one.arch in (arch, ALL)]


def take_packages(stores: Sequence[Store], shopping: Shopping) -> None:
    """Put all that stores want into the bundle; what cannot be is noted with its line."""
    asked = [(store, node, wish) for store in stores for node in store.nodes if (wish := wish_of(node)) is not None]
    if not asked:
        return
    try:
        hand = _at_hand(shopping)
    except InvalidInput as error:
        shopping.lack(asked[0][0].bundle_at, error.message)
        return
    needed: dict[Control, Store] = {}
    met: dict[Wish, tuple[tuple[str, str, str], ...]] = {}
    for store, node, wish in asked:
        if wish not in met:
            wanted, met[wish] = _wanted(wish, hand.of(wish.arch))
            for one in closure(wanted, hand.of(wish.arch)):
                needed.setdefault(one, store)
        for part, name, sentence in met[wish]:
            shopping.lack(place_of(store, node, part, name), sentence)
    for one, store in needed.items():
        if sentence := _take(one, hand.own.get(one), hand.others.get(one, []), shopping):
            shopping.lack(store.bundle_at, f"package {one.name} {one.version}: {sentence}")


def _at_hand(shopping: Shopping) -> _Hand:
    hand = _Hand()
    for artifact in shopping.bundle.all(KIND):
        with suppress(InvalidInput):  # lost or damaged: taken anew where a source has it; the end says where none has
            path = shopping.bundle.blob(artifact)
            one = control_of(artifact, path)
            hand.own[one] = Brought(one, path, artifact.digest)
    for source in shopping.sources:
        for brought in source.packages():
            hand.others.setdefault(brought.control, []).append(brought)
    return hand


def _wanted(wish: Wish, hand: Collection[Control]) -> tuple[list[Control], tuple[tuple[str, str, str], ...]]:
    """Return the packages that are meant, and (part, name, sentence) for those that are not at hand."""
    found, missing = [], []
    for part, name, version in wish.each():
        one = chosen(name, version, hand)
        if one is not None:
            found.append(one)
        else:
            said = lacking(name, version, hand, "the bundle, nor in any --from")
            missing.append((part, name, f"{said}: {_HINT}"))
    return found, tuple(missing)


def _take(one: Control, own: Brought | None, others: Iterable[Brought], shopping: Shopping) -> str:
    """Take one package in; returns what stands against it."""
    whole = own is not None and _digest(own.path) == own.digest
    for brought in others:
        digest = _digest(brought.path)
        if brought.digest not in ("", digest):
            return f"{brought.path} is damaged: its digest is {digest}"
        if own is not None and whole and digest != own.digest:
            return (
                f"{brought.path} has other bytes than the bundle has of this version: a version never changes, give "
                "this one another"
            )
        if not whole:
            added = shopping.bundle.add(
                brought.path, kind=KIND, name=one.name, version=one.version, arch=one.bundle_arch
            )
            shopping.fetched[added.digest] = added.size
            shopping.say(f"package {one.name} {one.version} ({one.arch})  {added.digest[7:19]}")
            return ""
    if not whole:
        return f"the bundle {shopping.bundle.root} has it damaged, and no --from has it"
    shopping.kept += 1
    return ""


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
