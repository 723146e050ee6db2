"""The rules of one store: those that come with edgectl, as its inventory has changed, added or switched off.

Owns how a rule is put together, and the findings on rules that cannot be. Must not judge.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from edgectl.control.assets import templates
from edgectl.control.inventory.place import nearest
from edgectl.control.inventory.policy_schema import Exempt, Policy, Rule
from edgectl.control.kubeyaml import Loader
from edgectl.control.policy.cel import CelError, Expression, Over, expression, sees

Where = tuple[str | int, ...]
_PART = re.compile(r"\{([^{}]*)\}")
_AT: Where = ("policy", "rules")


@dataclass(frozen=True, slots=True)
class Text:
    """A rule's expressions as text: what verdicts are kept by."""

    over: Over
    when: str
    check: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """The same, compiled. `message` is texts and expressions in turn; `sees`: what a verdict can depend on."""

    when: Expression | None
    check: Expression
    message: tuple[str | Expression, ...]
    sees: Mapping[str, frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class StoreRule:
    """One rule as it holds for one store."""

    name: str
    text: Text
    severity: str
    where: Where
    exceptions: tuple[Exempt, ...]
    said: Where = ()  # where the inventory says something of it, () where it does not


@functools.cache
def built_in() -> Mapping[str, Rule]:
    """Return the rules that come with edgectl, by name."""
    with (templates() / "policy" / "rules.yaml").open(encoding="utf-8") as stream:
        return Policy.model_validate(yaml.load(stream, Loader)).rules  # type: ignore[return-value]  # noqa: S506


def rules_of(policy: Policy) -> Iterator[StoreRule]:
    """Yield the rules that hold, in the order of their names; what is incomplete is a finding, and left out."""
    own = {name: _store_rule(name, rule, (*_AT, name)) for name, rule in policy.rules.items()}
    for _, rule in sorted({**_built_in_rules(), **own}.items()):
        if rule is not None:
            yield rule


@functools.cache
def _built_in_rules() -> Mapping[str, StoreRule | None]:
    return {name: _store_rule(name, rule) for name, rule in built_in().items()}


def _store_rule(name: str, rule: Rule | None, said: Where = ()) -> StoreRule | None:
    whole = None if rule is None else _whole(name, rule)
    if whole is None or whole.over is None or whole.check is None or whole.message is None:
        return None
    text = Text(whole.over, whole.when or "", whole.check, whole.message)
    where: Where = tuple(whole.where.split(".")) if whole.where else ()
    return StoreRule(name, text, whole.severity or "error", where, tuple(whole.exceptions), said)


def switched_off(policy: Policy) -> tuple[str, ...]:
    """Return the built-in rules that an inventory has set to null: a report must name them."""
    return tuple(sorted(name for name, rule in policy.rules.items() if rule is None and name in built_in()))


@functools.lru_cache(maxsize=1024)
def program(text: Text) -> Program:
    """Compile a rule; CelError when one of its expressions is none."""
    when = expression(text.over, text.when, verdict=True) if text.when else None
    check = expression(text.over, text.check, verdict=True)
    parts = _PART.split(text.message)  # texts at even places, expressions at odd ones
    message = tuple(expression(text.over, part) if place % 2 else part for place, part in enumerate(parts))
    expressions = [part for part in (when, check, *message) if isinstance(part, Expression)]
    return Program(when, check, message, sees(expressions))


def compile_findings(policy: Policy) -> list[tuple[Where, str]]:
    """Return what is wrong with a policy's own rules: the path of each key in the inventory, and a sentence."""
    return [found for name, rule in policy.rules.items() for found in _findings(name, rule)]


def _whole(name: str, rule: Rule) -> Rule:
    """Lay what an inventory says of a rule over the built-in one of that name."""
    base = built_in().get(name)
    said = {key: getattr(rule, key) for key in rule.model_fields_set}
    return rule if base is None else base.model_copy(update=said)


def _findings(name: str, rule: Rule | None) -> Iterator[tuple[Where, str]]:
    at = (*_AT, name)
    if rule is None:
        if name not in built_in():
            yield at, f'there is no built-in rule "{name}" to switch off.{nearest(name, built_in())}'
        return
    whole = _whole(name, rule)
    for key in ("over", "check", "message"):
        if getattr(whole, key) is None:
            hint = nearest(name, built_in())
            yield at, f"rule {name} needs {key}, and no built-in rule has this name.{hint}"
    if whole.over is None:
        return
    texts = [("when", whole.when), ("check", whole.check)]
    texts += [("message", part) for part in _PART.findall(whole.message or "")]
    for key, text in texts:
        if text is not None:
            try:
                expression(whole.over, text, verdict=key != "message")
            except CelError as error:
                yield (*at, key), f"rule {name}: {key} cannot be read as CEL: {error}"
