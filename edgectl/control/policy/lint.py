"""All that is wrong with many stores, each thing said once: inventory, bundle, charts, rules.

Owns how one store's errors and another's come together. Must not talk to a node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from edgectl.control.inventory.load import Inventory
from edgectl.control.inventory.place import Finding, invalid
from edgectl.control.inventory.store import Store
from edgectl.control.inventory.tree import Tree
from edgectl.control.payload.rendered import Rendered
from edgectl.control.policy.verdict import Verdict, verdicts
from edgectl.control.signing.ages import warnings
from edgectl.control.signing.trustfile import of as trust_of
from edgectl.wire.errors import InvalidInput


@dataclass(slots=True)
class Said:
    """One thing that is wrong, and the stores in which it is. `line` is `file:line:column  sentence`."""

    line: str
    severity: str
    rule: str = ""
    excused: str = ""
    stores: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Lint:
    """What was looked at, and all that was found; `off` are rules and limits that somebody has taken away."""

    looked: int = 0
    said: list[Said] = field(default_factory=list)
    off: dict[str, list[str]] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """How many things must be corrected before anything is sent."""
        return sum(one.severity == "error" and not one.excused for one in self.said)


def lint(inventory: Inventory, names: Iterable[str], rendered: Callable[[Store], Rendered] | None, today: date) -> Lint:
    """Look at stores; without `rendered` only at the inventory itself."""
    found = Lint()
    known: dict[tuple[str, str, str], Said] = {}

    def say(store: str, line: str, severity: str, rule: str = "", excused: str = "") -> None:
        one = known.get((line, severity, excused))
        if one is None:
            one = known[line, severity, excused] = Said(line, severity, rule, excused)
            found.said.append(one)
        if store not in one.stores:
            one.stores.append(store)

    for name in names:
        found.looked += 1
        try:
            store = inventory.store(name)
            ends = _of_trust(store, today, alone=rendered is None)
            if rendered is None:
                continue
            for warning in ends:
                say(name, f"{warning.place}  trust: {warning.sentence}", "warning", "trust")
            for verdict in verdicts(store, rendered(store), today, keep=False):
                say(name, _line(store, verdict), verdict.severity, verdict.rule, verdict.excused)
            for rule in _switched_off(store):
                found.off.setdefault(rule, []).append(name)
        except InvalidInput as error:
            for line in error.details or (error.message,):
                if not line.startswith(" "):  # the file's own line, or evidence, below a finding
                    say(name, line, "error")
    return found


def _of_trust(store: Store, today: date, *, alone: bool) -> tuple[Finding, ...]:
    """Return what a person should know in time; `alone`: nobody else says what is wrong there (rendering does)."""
    trust, wrong = trust_of(store)
    if wrong and alone:
        raise invalid(store.source, wrong)
    now = datetime.combine(today, time.max, UTC).timestamp()  # a key made today counts today
    return tuple(warnings(trust, store.name, now=now)) if trust else ()


def _line(store: Store, verdict: Verdict) -> str:
    return f"{store.place(*verdict.where)}  {verdict.rule}: {verdict.sentence}"


def _switched_off(store: Store) -> tuple[str, ...]:
    """Return the built-in rules that are off in a store, and the limits of lower layers that it takes away."""
    off = tuple(_taken_away(store.tree.get("policy")))
    if store.policy is None:
        return off
    from edgectl.control.policy.rules import switched_off

    return (*switched_off(store.policy), *off)


def _taken_away(policy: Tree | None) -> Iterator[str]:
    """Yield what some layer's policy says and the store has none of: null, an empty list, another map in its place."""
    below = policy.over if policy is not None else None
    said: dict[tuple[str, ...], None] = {}
    while below is not None:
        said |= {(key,): None for key in _LIMITS if (found := below.get(key)) is not None and found.value}
        said |= {("rules", name): None for name, _ in (below.get("rules") or below.holding({})).items()}
        below = below.over
    for path in said:
        here = policy.get(*path) if policy is not None else None
        if here is None or not (here.value or path[0] == "rules"):
            yield ".".join(("policy", *path))


_LIMITS = ("registries", "k3s", "driver", "residency", "deploy")
