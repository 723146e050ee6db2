"""A store's payload, or a deploy of it, held against its rules.

Owns verdicts, and that the same rule over the same objects is asked once for a whole fleet. What cannot be judged is
a violation: it is never taken for good. Must not read an inventory, nor know a rule.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from edgectl.control.inventory.policy_schema import Policy
from edgectl.control.policy import views
from edgectl.control.policy.cel import CelError, Expression, activation, value, visible
from edgectl.control.policy.excuse import excuse
from edgectl.control.policy.rules import Program, StoreRule, Text, Where, program, rules_of
from edgectl.wire.document import canonical, digest_of, to_json
from edgectl.wire.payload import Payload, Release

_PAYLOAD = tuple(part.name for part in fields(Payload))
Hooks = Mapping[str, tuple[dict[str, Any], ...]]
_UNJUDGED = "this rule could not be judged: "
_VERDICTS = 8192  # (rule, release, facts) kept; a fleet has few different ones


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold. `where` is a path into the inventory; `about` an object (Deployment/inference) or "".

    `excused_by` is the reason and the last day of the exception that lets it pass, "" where none does.
    """

    rule: str
    sentence: str
    severity: str
    where: Where
    about: str = ""
    excused_by: str = ""

    @property
    def refuses(self) -> bool:
        """Say whether nothing may be sent because of it."""
        return self.severity == "error" and not self.excused_by


@dataclass(frozen=True, slots=True)
class _Objects:
    """A release's objects, known by their digest."""

    digest: str
    gpus: frozenset[str]  # what GPUs are called in this store
    manifests: tuple[dict[str, Any], ...] = field(compare=False)


def judge(
    policy: Policy,
    store: Mapping[str, Any],
    payload: Payload,
    today: date,
    *,
    hooks: Hooks = MappingProxyType({}),
    only: frozenset[str] = frozenset(),
) -> tuple[Violation, ...]:
    """Return every rule over payload and objects that does not hold, excused ones, too; `only`: names of rules.

    `store` are the facts of docs/policy.md, as plain JSON; `hooks` are each release's objects that run and go.
    """
    facts = _facts(policy, store)
    gpus = frozenset(name for node in payload.nodes if node.gpu is not None for name in node.gpu.offered)
    releases = [
        (release, _objects((*release.manifests, *hooks.get(release.name, ())), gpus)) for release in payload.releases
    ]
    found: list[Violation] = []
    for rule in _asked(policy, only):
        if rule.text.over == "payload":
            sentence = _over_payload(rule, facts, payload)
            found += [_violation(rule, facts["store"], today, sentence)] if sentence is not None else []
        elif rule.text.over == "objects":
            for release, objects in releases:
                at = rule.where or ("releases", release.name, "values")
                for about, sentence in _over_objects(rule, facts, release, objects):
                    found.append(_violation(rule, facts["store"], today, sentence, at=at, about=about))
    return tuple(found)


def judge_deploy(
    policy: Policy,
    store: Mapping[str, Any],
    who: Mapping[str, str],
    now: datetime,
    *,
    only: frozenset[str] = frozenset(),
) -> tuple[Violation, ...]:
    """Return every rule over a deploy that does not hold: `who` (user, host, key) would begin it `now` (with zone)."""
    facts = {**_facts(policy, store), "who": dict(who), "now": now}
    found = []
    for rule in _asked(policy, only):
        if rule.text.over == "deploy":
            try:
                sentence = _sentence(program(rule.text), activation("deploy", facts))
            except CelError as error:
                sentence = f"{_UNJUDGED}{error}"
            if sentence is not None:
                at = rule.where or ("policy", "deploy")
                found.append(_violation(rule, facts["store"], now.date(), sentence, at=at))
    return tuple(found)


def _asked(policy: Policy, only: frozenset[str]) -> Iterator[StoreRule]:
    return (rule for rule in rules_of(policy) if not only or rule.name in only)


def _facts(policy: Policy, store: Mapping[str, Any]) -> dict[str, Any]:
    return {"store": to_json(dict(store)), "policy": policy.model_dump(exclude={"rules"})}


def _violation(
    rule: StoreRule, store: Mapping[str, Any], today: date, sentence: str, *, at: Where = (), about: str = ""
) -> Violation:
    found = excuse(rule.exceptions, store, today)
    ended = "" if found.by else "".join(f"; {end}" for end in found.ended)
    said = f"{about}: {sentence}{ended}" if about else f"{sentence}{ended}"
    if sentence.startswith(_UNJUDGED) and rule.said:  # the rule is what must be mended, not what it looks at
        at = (*rule.said, "check")
    return Violation(rule.name, said, rule.severity, at or rule.where, about, found.by)


def _over_payload(rule: StoreRule, facts: Mapping[str, Any], payload: Payload) -> str | None:
    try:
        compiled = program(rule.text)
        seen = compiled.sees
        keys = seen.get("payload", frozenset())
        whole = {key: to_json(getattr(payload, key)) for key in _PAYLOAD if keys is None or key in keys}
        given = {
            "payload": whole,
            "hosts": views.hosts(payload) if "hosts" in seen else [],
            **{name: visible(seen, name, facts[name]) for name in ("store", "policy")},
        }
        return _sentence(compiled, activation("payload", given))
    except CelError as error:
        return f"{_UNJUDGED}{error}"


def _over_objects(
    rule: StoreRule, facts: Mapping[str, Any], release: Release, objects: _Objects
) -> tuple[tuple[str, str], ...]:
    try:
        seen = program(rule.text).sees
    except CelError as error:
        return (("", f"{_UNJUDGED}{error}"),)
    whole = {**facts, "release": {"name": release.name, "namespace": release.namespace, "needs": list(release.needs)}}
    given = {name: visible(seen, name, whole[name]) for name in ("release", "store", "policy")}
    return _verdicts(rule.text, objects, canonical(given))


@functools.lru_cache(maxsize=_VERDICTS)
def _verdicts(text: Text, objects: _Objects, facts: bytes) -> tuple[tuple[str, str], ...]:
    """Return (object, sentence) for each that violates; a pure function of the rule, the objects and what it sees."""
    compiled, given, found = program(text), json.loads(facts), []
    for manifest in views.objects(objects.manifests):
        about = views.name_of(manifest)
        try:
            here = {
                **given,
                "object": visible(compiled.sees, "object", manifest),
                "pod": views.pod(manifest, objects.gpus) if "pod" in compiled.sees else {},
                "images": views.images(manifest) if "images" in compiled.sees else [],
            }
            sentence = _sentence(compiled, activation("objects", here))
        except CelError as error:
            sentence = f"{_UNJUDGED}{error}"
        if sentence is not None:
            found.append((about, sentence))
    return tuple(found)


def _sentence(compiled: Program, given: Any) -> str | None:
    """Return what a rule says, None where it holds or has nothing to say."""
    if compiled.when is not None and not _true(compiled.when, given):
        return None
    if _true(compiled.check, given):
        return None
    return "".join(part if isinstance(part, str) else _said(part, given) for part in compiled.message)


def _true(asked: Expression, given: Any) -> bool:
    found = value(asked, given)
    if not isinstance(found, bool):
        raise CelError(f"{asked.text} is {found!r}, and true or false is needed")
    return found


def _said(asked: Expression, given: Any) -> str:
    """Return a part of a message; one that fails must not hide the violation."""
    try:
        return _shown(value(asked, given))
    except CelError:
        return "?"


def _shown(found: Any) -> str:
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, list):
        return ", ".join(map(_shown, found))
    return str(found)


def _objects(manifests: tuple[dict[str, Any], ...], gpus: frozenset[str]) -> _Objects:
    """Name objects; no canonical form is needed, since another order of keys is only asked once more."""
    return _Objects(digest_of(json.dumps(manifests).encode()), gpus, manifests)
