"""Gate: inference answers a known question with its known answer (Open Inference Protocol v2, over HTTP).

A service that is up with another model, or with none, is not ready. Where the node keeps the model, the question is
that of the version that runs (its reference.json): what is held, or has another beside it, has its own answer.
"""

from __future__ import annotations

import http.client
import json
import math
from dataclasses import replace
from typing import Any

from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.io.look import Look
from edgectl.node.models.registry import CURRENT, Registry
from edgectl.wire.payload import Inference
from edgectl.wire.safename import is_safe

_REFERENCE = "reference.json"
_OK = 200
_ANSWER_SECONDS = 5.0
_ASKS = 10  # until the version that runs has answered, and not the one beside it


class Answers:
    """Asks through the Service's cluster address, as a client in the store would."""

    id = "inference"
    title = "inference"

    def __init__(self, declared: Inference, *, needs: tuple[str, ...]) -> None:
        self._declared = declared
        self.needs = needs
        self.wait = Wait(limit_seconds=60, every_seconds=0.5)

    def probe(self, read: Look) -> Observation:
        """Ask once and compare; what the version beside has answered is asked again."""
        want, version = known(read, self._declared)
        service = read.api.get(f"/api/v1/namespaces/{want.namespace}/services/{want.service}")
        address = (service or {}).get("spec", {}).get("clusterIP", "")
        if not address or address == "None":
            return Observation(Status.IN_PROGRESS, f"the service {want.service} does not exist yet")
        for _ in range(_ASKS):
            status, text = _ask(address, want)
            if status != _OK:
                said = f"HTTP {status}: {text.strip()[:200]}" if status else text
                return Observation(Status.IN_PROGRESS, f"{want.service} {'answers ' if status else ''}{said}")
            if _said(text).get("candidate") is not True:
                return judge(text, want, version)
        return Observation(Status.IN_PROGRESS, f"{want.service}: only the version beside what runs answers")


def known(read: Look, declared: Inference) -> tuple[Inference, str]:
    """Return the question and its answer for the version that runs, and that version; "" where no registry keeps it."""
    if not is_safe(declared.model):
        return declared, ""
    registry = Registry(read.places)
    folder = registry.linked(declared.model, CURRENT)
    note = registry.note(declared.model, folder) if folder else None
    if note is None:
        return declared, ""
    try:
        doc = json.loads(read.text(registry.at(declared.model, folder) / _REFERENCE) or "{}")
        answer = tuple(float(number) for number in _flat(doc["answer"]))
        if not answer:
            raise ValueError("no numbers")  # noqa: TRY301 - as what cannot be read
        tolerance = float(doc.get("tolerance", declared.tolerance))
        own = replace(declared, request=dict(doc["request"]), answer=answer, tolerance=tolerance)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return declared, note.version  # it brings none of its own
    return own, note.version


def _ask(address: str, want: Inference) -> tuple[int, str]:
    """Return the HTTP status and what was said; 0 and why where there is no answer."""
    connection = http.client.HTTPConnection(address, want.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("POST", f"/v2/models/{want.model}/infer", json.dumps(want.request))
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, f"does not answer: {type(error).__name__} {error}"
    finally:
        connection.close()


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
