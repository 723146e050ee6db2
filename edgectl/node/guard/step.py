"""Step and gate: the guard is in the cluster as declared, and it holds: a pod without gpu-gate is denied.

Compared is what the API server would make of the declaration (a dry run of a creation under another name): its
defaults are no drift in any version of Kubernetes, and what somebody has added is.
"""

from __future__ import annotations

from typing import Any

from edgectl.node.charts.objects import Difference, compare
from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Observation, Status, Wait
from edgectl.node.guard import policy
from edgectl.node.guard.policy import COLLECTIONS, NAME
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Hands, Look
from edgectl.node.secrets.objects import MANAGED
from edgectl.wire.payload import Guard

Json = dict[str, Any]
_NOT_FOUND = 404
_NEVER = (400, 422)  # the pod that is tried is none, whoever is asked


class GuardPolicy:
    """The policy and its binding."""

    id = "gpu-guard"
    title = "gpu guard policy"
    wait = Wait(limit_seconds=15)

    def __init__(self, guard: Guard, *, needs: tuple[str, ...]) -> None:
        self.guard = guard
        self.needs = needs

    def probe(self, read: Look) -> Observation:
        """Compare both with what the API server would make of the declaration."""
        found: list[Difference] = []
        for collection, wanted in self._wanted():
            name = wanted["kind"]
            live = read.api.get(f"{collection}/{NAME}")
            if live is None:
                found.append((name, "missing", "present"))
                continue
            try:
                whole = read.api.dry_create(collection, {**wanted, "metadata": {"generateName": f"{NAME}-"}})
            except Denied as answer:
                return Observation(Status.FAILED, f"the API refuses the guard: {answer.message[:300]}")
            found += [(f"{name} {field}", have, want) for field, have, want in _differences(live, whole)]
        if found:
            fields = ", ".join(f"{field} is missing" if have == "missing" else field for field, have, _ in found[:2])
            more = " ..." if len(found) > 2 else ""  # noqa: PLR2004
            return Observation(Status.DRIFTED, f"not as declared: {fields}{more}", differences=tuple(found))
        return Observation(Status.CURRENT, f"{', '.join(self.guard.resources)}: only behind gpu-gate")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Make or replace both; labels that somebody has added stay."""
        del seen
        for collection, wanted in self._wanted():
            path = f"{collection}/{NAME}"
            try:
                live = write.api.get(path)
                if live is None:
                    write.api.create(collection, wanted)
                else:
                    write.api.replace(path, _over(wanted, live))
            except Denied as answer:
                if answer.status == _NOT_FOUND:
                    reason = "this Kubernetes has no ValidatingAdmissionPolicy: the guard needs version 1.30 or newer"
                    raise ApplyFailed(reason, evidence=(str(answer),)) from answer
                raise ApplyFailed(f"{wanted['kind']}/{NAME} could not be written: {answer.message[:300]}") from answer
            except LookFailed as failure:
                raise ApplyFailed(f"{wanted['kind']}/{NAME} could not be written: {failure.reason}") from failure

    def _wanted(self) -> tuple[tuple[str, Json], ...]:
        return tuple(zip(COLLECTIONS, policy.objects(self.guard), strict=True))


class GuardHolds:
    """Tries it: the API server takes a moment to compile a policy, and a policy that only lies there guards nothing."""

    id = "gpu-guard-holds"
    title = "gpu guard"
    needs: tuple[str, ...] = (GuardPolicy.id,)
    wait = Wait(limit_seconds=30)

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    def probe(self, read: Look) -> Observation:
        """Ask the API, without making anything, for a pod without the gate and for one behind it."""
        namespace = policy.namespace_to_try(self.guard)
        if not namespace:
            reason = "guard.exempt names all of Kubernetes' own namespaces: there is none to try the guard in"
            return Observation(Status.FAILED, reason)
        bare, why = self._try(read, namespace, gated=False)
        if bare != "ours":
            return _not_yet(bare, why or f"a pod without gpu-gate is still let into the namespace {namespace}")
        gated, why_gated = self._try(read, namespace, gated=True)
        if gated != "":
            return _not_yet(gated, f"a pod behind gpu-gate is not let into the namespace {namespace}: {why_gated}")
        return Observation(Status.CURRENT, "pods without gpu-gate are denied", evidence=(why,))

    def _try(self, read: Look, namespace: str, *, gated: bool) -> tuple[str, str]:
        """Return who denies ("" nobody, "ours", "never", "other"), and what is said."""
        try:
            read.api.dry_create(f"/api/v1/namespaces/{namespace}/pods", policy.pod(self.guard, gated=gated))
        except Denied as answer:
            if f"'{NAME}'" in answer.message:
                return "ours", answer.message
            return ("never" if answer.status in _NEVER else "other"), answer.message
        return "", ""


def present(read: Look) -> tuple[str, ...]:
    """Return the paths of what is there of a guard, in the order in which it goes."""
    paths = [f"{collection}/{NAME}" for collection in reversed(COLLECTIONS)]
    return tuple(path for path in paths if _is_ours(read.api.get(path)))


def _not_yet(who: str, reason: str) -> Observation:
    """Say so: a policy is enforced, and another one no longer, seconds after it was written."""
    return Observation(Status.FAILED if who == "never" else Status.IN_PROGRESS, reason)


def _is_ours(found: Json | None) -> bool:
    labels = ((found or {}).get("metadata") or {}).get("labels") or {}
    return all(labels.get(key) == value for key, value in MANAGED.items())


def _differences(live: Json, whole: Json) -> list[Difference]:
    found = compare(live.get("spec"), whole.get("spec"), "spec")
    return found if _is_ours(live) else [*found, ("metadata.labels", "changed", "as declared")]


def _over(wanted: Json, live: Json) -> Json:
    """Return what replaces a live object: the API takes it only over the version that was read."""
    had = live.get("metadata", {})
    labels = {**(had.get("labels") or {}), **wanted["metadata"]["labels"]}
    kept = {key: had[key] for key in ("resourceVersion", "annotations") if key in had}
    return {**wanted, "metadata": {**kept, "name": NAME, "labels": labels}}
