"""A workload that somebody has scaled to 0: the service is named, not the release that differs because of it. Pure.

Owns: that pods and release say one word about one such change; that pods are called by the one part they are behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from edgectl.node.doctor.parts import kind_of, title_of
from edgectl.node.doctor.symptom import WRONG, Symptom
from edgectl.wire.diagnosis import Diagnosis
from edgectl.wire.verdict import StepResult

CODE = "E-POD-10"
_POD_SAYS = re.compile(r"(\w+)/([\w.-]+): spec\.replicas is 0, declared replicas (\d+)")
_FIELD = re.compile(r"^(\w+)/([\w.-]+) spec\.replicas$")
Behind = Mapping[str, frozenset[str]]  # a service's part -> the pods behind it


def of_release(result: StepResult) -> tuple[Symptom, ...]:
    """Return a symptom for each workload that a changed release has at 0; they stand for it where that is all."""
    if result.status != "drifted":
        return ()
    found = []
    for field, have, want in result.differences:
        if (named := _FIELD.match(field)) and have == "0":
            found.append(_at_zero(named[1], named[2], want, stops=False))
    return tuple(found)


def is_all(result: StepResult) -> bool:
    """Tell whether a release differs in nothing else."""
    return bool(result.differences) and len(of_release(result)) == len(result.differences)


def placed(found: Iterable[Symptom], behind: Behind) -> tuple[Symptom, ...]:
    """Return the symptoms, those of workloads at 0 once each, at the one service that they are behind."""
    symptoms = tuple(found)
    zero: dict[str, Symptom] = {}  # pods' part -> its one word
    for one in symptoms:
        if (said := _zero(one)) is not None:
            had = zero.get(one.part)
            evidence = dict.fromkeys((*(had.evidence if had else ()), *said.evidence))
            zero[one.part] = replace(
                said, stops=said.stops or (had is not None and had.stops), evidence=tuple(evidence)
            )
    where = {pods: _service(pods, behind) for pods in zero}
    kept, told = [], set()
    for one in symptoms:
        if one.part not in zero:
            kept.append(one)
        elif one.part not in told:  # its other words are about the same
            told.add(one.part)
            kept.append(replace(zero[one.part], part=where[one.part], stops=_stops(zero[one.part], where, symptoms)))
    return tuple(kept)


def called(found: Diagnosis, behind: Behind) -> Diagnosis:
    """Return the diagnosis with pods that alone are behind a part called by it: they are all that it is. Pure."""
    causes, fine = [], list(found.fine)
    for cause in found.causes:
        part = _service(cause.part, behind)
        if part != cause.part:
            title = title_of(part)
            fine = [name for name in fine if name != title]
            cause = replace(cause, part=part, so=tuple(name for name in cause.so if name != title))  # noqa: PLW2901
        causes.append(cause)
    return replace(found, causes=tuple(causes), fine=tuple(fine))


def _zero(one: Symptom) -> Symptom | None:
    if one.code != CODE or not one.wrong or kind_of(one.part) != "pods":
        return None
    if one.own:
        return one
    text = "\n".join((one.says, *one.evidence))
    said = _POD_SAYS.search(text)
    return _at_zero(said[1], said[2], said[3], stops=one.stops) if said else None


def _at_zero(kind: str, name: str, want: str, *, stops: bool) -> Symptom:
    said = f"{kind}/{name} was scaled to 0 by hand (declared replicas {want})"
    evidence = (f"{kind}/{name}: spec.replicas is 0, declared replicas {want}",)
    return Symptom(f"pods {name}", WRONG, CODE, said, evidence, stops=stops, own=True, reaches=True)


def _service(pods: str, behind: Behind) -> str:
    services: Sequence[str] = [part for part, chosen in behind.items() if pods in chosen]
    return services[0] if len(services) == 1 else pods


def _stops(one: Symptom, where: Mapping[str, str], symptoms: Iterable[Symptom]) -> bool:
    """Tell whether the store stops because of it: by its own word, or by that of its service."""
    return one.stops or any(other.wrong and other.stops and other.part == where[one.part] for other in symptoms)
