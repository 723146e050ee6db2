"""Gate: inference answers a known question with its known answer (Open Inference Protocol v2, over HTTP).

A service that is up with another model, or with none, is not ready. Where the node keeps the model, the question is
that of the version that runs (its reference.json): what is held, or has another beside it, has its own answer.
"""

from __future__ import annotations

import http.client

from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.io.look import Look
from edgectl.node.vision.question import body, is_beside, judge, known, path
from edgectl.wire.payload import Inference

OK = 200
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
        address = address_of(read, want)
        if not address:
            return Observation(Status.IN_PROGRESS, f"the service {want.service} does not exist yet")
        for _ in range(_ASKS):
            status, text = ask(address, want)
            if status != OK:
                said = f"HTTP {status}: {text.strip()[:200]}" if status else text
                return Observation(Status.IN_PROGRESS, f"{want.service} {'answers ' if status else ''}{said}")
            if not is_beside(text):
                return judge(text, want, version)
        return Observation(Status.IN_PROGRESS, f"{want.service}: only the version beside what runs answers")


def address_of(read: Look, want: Inference) -> str:
    """Return its Service's address in the cluster; "" where there is none yet. LookFailed: it cannot be told."""
    service = read.api.get(f"/api/v1/namespaces/{want.namespace}/services/{want.service}")
    address = str((service or {}).get("spec", {}).get("clusterIP", ""))
    return "" if address == "None" else address


def ask(address: str, want: Inference, *, seconds: float = 5.0) -> tuple[int, str]:
    """Return the HTTP status and what was said; 0 and why where there is no answer, `seconds` long."""
    connection = http.client.HTTPConnection(address, want.port, timeout=seconds)
    try:
        connection.request("POST", path(want), body(want))
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, f"does not answer: {type(error).__name__} {error}"
    finally:
        connection.close()
