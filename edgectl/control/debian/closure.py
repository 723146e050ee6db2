"""Which packages some packages need, as far as they are at hand. Pure.

Owns the choice between versions: of a package that others need, the newest that suits all of them. What is not at hand
may be on the node already: only the node's apt knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from edgectl.control.debian.control import Control, Relation, order

_Named = Mapping[str, list[Control]]


def closure(wanted: Iterable[Control], hand: Iterable[Control]) -> tuple[Control, ...]:
    """Return the wanted packages and all that they need of what is at hand, of one architecture, by name and version.

    Of alternatives (`a | b`) all that are at hand: which one fits, the node's apt decides.
    """
    wanted, hand = tuple(wanted), tuple(hand)
    named = _by_name((*wanted, *hand))
    standing: dict[str, set[str]] = defaultdict(set)  # who stands for a name
    for one in hand:
        for provided in one.provides:
            standing[provided.name].add(one.name)
    meant = {one.name: [one] for one in wanted}
    settled: dict[str, list[Control]] = {}
    while True:
        chosen, asked = _walk(wanted, {**named, **settled, **meant}, standing)
        several = {name: found for name, found in _by_name(chosen).items() if len(found) > 1}
        fits = {name: [one for one in found if _fits(one, asked[name])] for name, found in several.items()}
        news = {name: found[:1] for name, found in fits.items() if found}
        if not news:
            return tuple(sorted(chosen, key=lambda one: (one.name, order(one.version), one.arch)))
        settled |= news  # what they need was met before: with fewer versions, fewer needs are left


def newest(found: Iterable[Control]) -> Control | None:
    """Return the one of the highest version."""
    return max(found, key=lambda one: order(one.version), default=None)


def _walk(
    wanted: Iterable[Control], named: _Named, standing: Mapping[str, set[str]]
) -> tuple[tuple[Control, ...], dict[str, list[Relation]]]:
    """Follow all needs; returns what was met, and what was asked of each name."""
    chosen: dict[Control, None] = {}
    asked: dict[str, list[Relation]] = defaultdict(list)
    todo = list(wanted)
    while todo:
        one = todo.pop()
        if one in chosen:
            continue
        chosen[one] = None
        for group in one.needs:
            for relation in group:
                asked[relation.name].append(relation)
                todo += _met(relation, named, standing)
    return tuple(chosen), asked


def _met(relation: Relation, named: _Named, standing: Mapping[str, set[str]]) -> Iterator[Control]:
    """Yield the package of that name, or all that stand for it where none of that name fits."""
    real = next((one for one in named.get(relation.name, ()) if relation.holds(one.version)), None)
    if real is not None:
        yield real
        return
    for name in sorted(standing.get(relation.name, ())):
        yield from [one for one in named[name] if _stands(one, relation)][:1]


def _stands(one: Control, relation: Relation) -> bool:
    """Tell whether a package stands for another: without a version it stands for no version (Policy 7.5)."""
    return any(
        provided.name == relation.name
        and (not relation.op or (provided.op == "=" and relation.holds(provided.version)))
        for provided in one.provides
    )


def _fits(one: Control, asked: Iterable[Relation]) -> bool:
    return all(relation.holds(one.version) for relation in asked)


def _by_name(found: Iterable[Control]) -> dict[str, list[Control]]:
    """Return packages by their name, the newest first."""
    named: dict[str, list[Control]] = defaultdict(list)
    for one in dict.fromkeys(found):
        named[one.name].append(one)
    for some in named.values():
        some.sort(key=lambda one: order(one.version), reverse=True)
    return named
