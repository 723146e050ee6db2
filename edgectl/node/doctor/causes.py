"""From symptoms to causes: what lies below explains what lies above, and is blamed alone. Pure.

Owns: the rule. A symptom is a cause unless something that it rests on is one and can explain it; what has evidence
of its own is explained by nothing but a suspect. What could not be looked at is a consequence where something below is
wrong, and else unknown: never fine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from edgectl.node.doctor.parts import Graph, kind_of, rank_of, title_of
from edgectl.node.doctor.symptom import FINE, NOTE, SUSPECT, UNSEEN, Symptom
from edgectl.wire.diagnosis import Cause, Diagnosis, Unseen
from edgectl.wire.runbook import page_of

_SAME = {"E-MOD-02": "E-MOD-01"}  # a later look at the same thing: where a part has both, the second one is told
_ALL = {"pods": "pods", "release": "releases"}


def diagnose(name: str, symptoms: Sequence[Symptom], graph: Graph) -> Diagnosis:
    """Return what is wrong by itself, what follows from it, what is not known, what is fine."""
    ordered = sorted(_voices(symptoms), key=lambda one: (len(graph.below(one.part)), rank_of(one.part)))  # below first
    suspects = [one for one in ordered if one.status == SUSPECT]
    causes: list[Symptom] = []
    explained: dict[int, list[str]] = {}
    stopping: set[int] = set()  # of causes that lack, and because of which something stops
    unseen: list[Symptom] = []
    roots: list[tuple[Symptom, Symptom]] = []  # what is wrong -> the cause that it is put down to: itself, or below it
    for one in (one for one in ordered if one.wrong or one.status == UNSEEN):
        below = graph.below(one.part)
        known = next((root for odd, root in roots if odd.part in below and odd.can_explain(one)), None)
        if known is None:
            known = next((odd for odd in suspects if odd.part in below and odd.can_explain(one)), None)
            if known is not None and known not in causes:
                causes.append(known)
                roots.append((known, known))
        if known is not None:
            explained.setdefault(id(known), []).append(one.part)
            if one.wrong and one.stops:
                stopping.add(id(known))
            if one.wrong:
                roots.append((one, known))
        elif one.wrong:
            causes.append(one)
            roots.append((one, one))
        else:
            unseen.append(one)
    causes.sort(key=lambda one: (not (one.stops or id(one) in stopping), rank_of(one.part)))
    ordered.sort(key=lambda one: rank_of(one.part))
    not_fine = {one.part for one in (*causes, *ordered) if one.wrong or one.status == UNSEEN or one in causes}
    fine = [one.part for one in ordered if one.status == FINE and one.part not in not_fine]
    notes = [one.says for one in ordered if one.status == NOTE]
    return Diagnosis(
        name,
        tuple(
            _cause(replace(one, stops=one.stops or id(one) in stopping), _so(one, explained.get(id(one), ())))
            for one in causes
        ),
        tuple(Unseen(title_of(one.part), one.says) for one in unseen),
        tuple(dict.fromkeys(_titles(fine, not_fine))),
        tuple(dict.fromkeys(notes)),
        looked=len({one.part for one in ordered if one.status != NOTE}),
    )


def _titles(fine: Iterable[str], not_fine: Iterable[str]) -> Iterator[str]:
    """Yield what is fine by name; many of one kind, all of them fine, in one word."""
    mixed = {kind_of(part) for part in not_fine}
    for part in fine:
        kind = kind_of(part)
        yield _ALL[kind] if kind in _ALL and kind != part and kind not in mixed else title_of(part)


def _voices(symptoms: Iterable[Symptom]) -> list[Symptom]:
    """Return one voice a part and code that is wrong, the first that speaks; all else as it is.

    Of one part, what has evidence of its own stands alone; of the others the first speaks for all.
    """
    found: list[Symptom] = []
    by_part: dict[str, int] = {}
    own: set[tuple[str, str]] = set()
    for one in symptoms:
        if one.wrong and one.own:
            if (one.part, one.code) not in own:
                own.add((one.part, one.code))
                found.append(one)
        elif one.wrong:
            if one.part in by_part:
                had = found[by_part[one.part]]
                found[by_part[one.part]] = replace(
                    had, stops=had.stops or one.stops, reaches=had.reaches or one.reaches, yet=had.yet and one.yet
                )
            else:
                by_part[one.part] = len(found)
                found.append(one)
        else:
            found.append(one)
    spoken = {part for part, _ in own}
    found = [one for one in found if not (one.own and (one.part, _SAME.get(one.code, "")) in own)]
    return [one for one in found if not (one.part in spoken and (one.status == UNSEEN or (one.wrong and not one.own)))]


def _so(one: Symptom, parts: Sequence[str]) -> tuple[str, ...]:
    """Return the titles of what follows from a cause, many of one kind in one word, in the order of the parts."""
    follows = sorted({part for part in parts if part != one.part}, key=rank_of)
    count = Counter(map(kind_of, follows))
    said = (
        _ALL[kind_of(part)] if count[kind_of(part)] > 1 and kind_of(part) in _ALL else title_of(part)
        for part in follows
    )
    return tuple(dict.fromkeys(title for title in said if title != title_of(one.part)))


def _cause(one: Symptom, so: tuple[str, ...]) -> Cause:
    page = page_of(one.code)
    head = page.title if page else title_of(one.part)
    says = f"{head}: {one.says}" if one.says else head
    return Cause(one.code, one.part, says, one.evidence, one.hint or (page.do if page else ""), one.stops, so)
