"""All that stands against a store's payload: its rules, and the Kubernetes schemas of its objects.

Owns the one answer, and that it is found once for the same payload: later commands take it from the user's cache.
Must not know how a payload is made, nor who sends it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache as once
from importlib.metadata import version
from typing import Any

import edgectl
from edgectl.control.assets import templates
from edgectl.control.cache import cache
from edgectl.control.inventory.place import Finding
from edgectl.control.inventory.policy_schema import Policy
from edgectl.control.inventory.store import Store
from edgectl.control.payload.rendered import Rendered
from edgectl.control.policy.facts import facts
from edgectl.control.staging import staged
from edgectl.wire.document import canonical, digest_of

_FORMAT = 1
_JUDGES = ("cel-expr-python", "kubernetes-validate", "jsonschema")
Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that a rule says of a store. `excused` is the reason and the last day, "" where nothing excuses it."""

    rule: str
    sentence: str
    severity: str
    where: Where
    excused: str = ""

    @property
    def refuses(self) -> bool:
        """Say whether nothing may be sent because of it."""
        return self.severity == "error" and not self.excused

    def finding(self, store: Store) -> Finding:
        """Return it with its line in the inventory."""
        return Finding(store.place(*self.where), f"{store.name}: {self.rule}: {self.sentence}")


def verdicts(store: Store, rendered: Rendered, today: date, *, keep: bool = True) -> tuple[Verdict, ...]:
    """Return all that does not hold, warnings and what is excused, too.

    `keep`: look for the answer in the cache, and leave it there.
    """
    policy, known = store.policy or Policy(), facts(store)
    if not keep:
        return _judged(policy, known, rendered, today, store.lead.k3s.version)
    day = today.isoformat() if any(rule and rule.exceptions for rule in policy.rules.values()) else ""
    asked = [_FORMAT, _judges(), policy.model_dump(), known, rendered.payload.digest, rendered.hooks, day]
    place = cache("verdicts") / f"{digest_of(canonical(asked)).removeprefix('sha256:')}.json"
    try:
        digest, _, body = place.read_bytes().partition(b"\n")
        if digest.decode() == digest_of(body):
            return tuple(_verdict(doc) for doc in json.loads(body))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = _judged(policy, known, rendered, today, store.lead.k3s.version)
    body = canonical([asdict(one) for one in found])
    with suppress(OSError), staged(place) as stream:
        stream.write(digest_of(body).encode() + b"\n" + body)
    return found


def deploy_verdicts(store: Store, who: Mapping[str, str], now: datetime) -> tuple[Verdict, ...]:
    """Return what stands against a deploy of this store by `who` (user, host, key) `now`."""
    policy = store.policy
    if policy is None or not (policy.deploy or policy.rules):
        return ()
    from edgectl.control.policy.judge import judge_deploy  # CEL: only where somebody asks

    found = judge_deploy(policy, facts(store), who, now)
    return tuple(Verdict(one.rule, one.sentence, one.severity, one.where, one.excused_by) for one in found)


def _judged(
    policy: Policy, known: Mapping[str, Any], rendered: Rendered, today: date, k3s_version: str
) -> tuple[Verdict, ...]:
    from edgectl.control.policy.judge import judge  # CEL and the schemas of Kubernetes: not where the answer is kept
    from edgectl.control.policy.openapi import check

    found = [
        Verdict(one.rule, one.sentence, one.severity, one.where, one.excused_by)
        for one in judge(policy, known, rendered.payload, today, hooks=rendered.hooks)
    ]
    for release in rendered.payload.releases:
        where = ("releases", release.name, "values")
        checked = check((*release.manifests, *rendered.hooks.get(release.name, ())), k3s_version)
        found += [Verdict("kubernetes", sentence, "error", where) for sentence in checked.findings]
    return tuple(found)


@once
def _judges() -> list[str]:
    """Name what the answer hangs on besides the store: the rules that come with edgectl, and who judges."""
    rules = (templates() / "policy" / "rules.yaml").read_bytes()
    return [edgectl.__version__, digest_of(rules), *(version(name) for name in _JUDGES)]


def _verdict(doc: dict[str, Any]) -> Verdict:
    where = tuple(part if isinstance(part, int) else str(part) for part in doc["where"])
    return Verdict(str(doc["rule"]), str(doc["sentence"]), str(doc["severity"]), where, str(doc["excused"]))
