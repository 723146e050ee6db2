"""Gate: inference answers a known question with its known answer (Open Inference Protocol v2, over HTTP).

A service that is up with another model, or with none, is not ready.
"""

from __future__ import annotations

import http.client
import json
import math
from typing import Any

from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.io.look import Look
from edgectl.wire.payload import Inference

_OK = 200
_ANSWER_SECONDS = 5.0


class Answers:
    """Asks through the Service's cluster address, as a client in the store would."""

    id = "inference"
    title = "inference"

    def __init__(self, declared: Inference, *, needs: tuple[str, ...]) -> None:
        self._declared = declared
        self.needs = needs
        self.wait = Wait(limit_seconds=60, every_seconds=0.5)

    def probe(self, read: Look) -> Observation:
        """Ask once and compare."""
        want = self._declared
        service = read.api.get(f"/api/v1/namespaces/{want.namespace}/services/{want.service}")
        address = (service or {}).get("spec", {}).get("clusterIP", "")
        if not address or address == "None":
            return Observation(Status.IN_PROGRESS, f"the service {want.service} does not exist yet")
        connection = http.client.HTTPConnection(address, want.port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("POST", f"/v2/models/{want.model}/infer", json.dumps(want.request))
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return Observation(Status.IN_PROGRESS, f"{want.service} does not answer: {type(error).__name__} {error}")
        finally:
            connection.close()
        if response.status != _OK:
            return Observation(
                Status.IN_PROGRESS, f"{want.service} answers HTTP {response.status}: {text.strip()[:200]}"
            )
        return judge(text, want)


def judge(text: str, want: Inference) -> Observation:
    """Compare an answer's first output with the known one, number by number."""
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
