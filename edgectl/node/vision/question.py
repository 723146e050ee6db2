"""The known question: which one proves the version of a model that runs, and what an answer to it is worth.

Owns: that choice (what `current` names brings its own, reference.json; else the declared one), that an answer of the
version beside what runs is never judged, and the comparison. Must not ask anybody.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from edgectl.node.converge.protocol import LookFailed, Observation, Status
from edgectl.node.io.look import Look
from edgectl.node.models.registry import CURRENT, Registry
from edgectl.wire.payload import Inference
from edgectl.wire.safename import is_safe

_REFERENCE = "reference.json"


def known(read: Look, declared: Inference) -> tuple[Inference, str]:
    """Return the question and its answer for the version that runs, and that version; "" where no registry keeps it.

    LookFailed when the registry cannot be read.
    """
    if not is_safe(declared.model):
        return declared, ""
    registry = Registry(read.places)
    try:
        folder = registry.linked(declared.model, CURRENT)
        note = registry.note(declared.model, folder) if folder else None
    except OSError as error:
        raise LookFailed(f"{declared.model} cannot be looked at: {error.strerror} ({error.filename})") from error
    if note is None:
        return declared, ""
    try:
        doc = json.loads(read.text(registry.at(declared.model, folder) / _REFERENCE) or "{}")
        answer = tuple(float(number) for number in _flat(doc["answer"]))
        tolerance = float(doc.get("tolerance", declared.tolerance))
        own = replace(declared, request=dict(doc["request"]), answer=answer, tolerance=tolerance)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return declared, note.version  # it brings none of its own
    return (own if answer else declared), note.version


def path(want: Inference) -> str:
    """Return where it is asked."""
    return f"/v2/models/{want.model}/infer"


def body(want: Inference) -> bytes:
    """Return it as it is sent."""
    return json.dumps(want.request).encode()


def is_beside(text: str) -> bool:
    """Tell whether the version beside what runs has answered, which the known answer says nothing about."""
    return _said(text).get("candidate") is True


def _said(text: str) -> dict[str, Any]:
    """Return what an answer says of itself, beside its numbers."""
    try:
        found = json.loads(text)["parameters"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def judge(text: str, want: Inference, version: str = "") -> Observation:
    """Compare an answer's first output with the known one, number by number; `version` should have given it."""
    has = _said(text).get("version")
    if version and isinstance(has, str) and has and has != version:
        return Observation(Status.IN_PROGRESS, f"{want.model} {has} answers, {version} is not loaded yet")
    try:
        doc = json.loads(text)
        data = [float(number) for number in _flat(doc["outputs"][0]["data"])]
    except (ValueError, KeyError, IndexError, TypeError, OverflowError, RecursionError):
        return Observation(Status.FAILED, "the answer is not of the Open Inference Protocol", evidence=(text[:500],))
    if len(data) != len(want.answer) or not data:
        return Observation(Status.FAILED, f"the answer has {len(data)} numbers, {len(want.answer)} are known")
    off = [abs(have - known) for have, known in zip(data, want.answer, strict=True)]
    if not all(distance <= want.tolerance for distance in off):  # one by one: max() may pass over a NaN
        worst = next(filter(math.isnan, off), max(off))
        differences = (("largest difference", f"{worst:.6f}", f"<= {want.tolerance}"),)
        reason = f"{want.model} gives another answer than the model that was declared"
        return Observation(Status.FAILED, reason, differences=differences)
    return Observation(Status.CURRENT, f"{want.model} answers as known (within {want.tolerance})")


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in _flat(item)]
    return [value]
