"""What a store's chain must agree with: its releases, and dependencies with each other.

Owns the findings on `chain`. Must not look at charts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from edgectl.control.inventory import schema
from edgectl.control.inventory.chain_schema import LINKS, Dependency
from edgectl.control.inventory.check import Where
from edgectl.control.inventory.place import nearest
from edgectl.control.inventory.plaintext import looks

KINDS = ("http", "tcp", "mqtt", "exec")
_ONLY = {"expect": "http", "topic": "mqtt"}


def chain_findings(name: str, store: schema.Store, *, doubtful: bool) -> Iterator[tuple[Where, str]]:
    """Yield what does not agree: where, and a sentence. `doubtful`: the chain's own keys have findings already."""
    asked = store.chain
    if asked is None or doubtful or not asked.enabled:
        return
    releases = [one for one, release in (store.releases or {}).items() if release is not None]
    if asked.release and asked.release not in releases:
        sentence = f'chain asks release "{asked.release}", which {name} does not have.'
        yield ("chain", "release"), sentence + nearest(asked.release, releases)
    found = {one: dependency for one, dependency in asked.dependencies.items() if dependency is not None}
    for one, dependency in found.items():
        for key, sentence in _wrong(one, dependency, found):
            yield ("chain", "dependencies", one, *key), sentence
    for loop in _loops(found):
        yield ("chain", "dependencies", loop, "after"), f"chain.dependencies.{loop} rests on itself"


def _wrong(name: str, asked: Dependency, known: Mapping[str, Dependency]) -> Iterator[tuple[Where, str]]:
    what = f"chain.dependencies.{name}"
    if name in LINKS:
        yield (), f"{what}: {name} is a link of the chain itself; choose another name"
    kinds = [kind for kind in KINDS if getattr(asked, kind) is not None]
    if len(kinds) != 1:
        yield (), f"{what} needs one of http, tcp, mqtt and exec" + (f", not {' and '.join(kinds)}" if kinds else "")
    for key, kind in _ONLY.items():
        if getattr(asked, key) is not None and kinds == [other for other in kinds if other != kind]:
            yield (key,), f"{what}.{key} says something about {kind}, and this is not asked by {kind}"
    if asked.http is not None and not looks(asked.http) and (why := _no_url(asked.http)):
        yield ("http",), f"{what}.http: {why}"
    for kind in ("tcp", "mqtt"):
        text = getattr(asked, kind)
        if text is not None and not 0 < int(text.rpartition(":")[2]) <= 65535:  # noqa: PLR2004 - ports
            yield (kind,), f"{what}.{kind}: a port lies between 1 and 65535"
    if asked.after is not None and asked.after not in {*LINKS, *known}:
        yield ("after",), f'{what} rests on "{asked.after}", which is no link.{nearest(asked.after, [*LINKS, *known])}'


def _no_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    return "" if fits else f'an address is needed, like https://pos.example.com/health, not "{text}"'


def _loops(known: Mapping[str, Dependency]) -> Iterator[str]:
    for name in known:
        seen, at = {name}, known[name].after or ""
        while at in known and at not in seen:
            seen.add(at)
            at = known[at].after or ""
        if at == name:
            yield name
