"""The operator's hand on the line: start and stop its process, set its conditions, read its counters.

Must not know what the proxy does with them.
"""

from __future__ import annotations

import json
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgectl.sandbox.link.conditions import Conditions, Counters, Fault
from edgectl.sandbox.link.place import control_address
from edgectl.sandbox.machine.process import Process, detach, record, recorded
from edgectl.wire.document import from_json
from edgectl.wire.errors import NotReady, StepFailed

_ANSWER_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Link:
    """One store's line. `folder` holds its process record, control socket and log."""

    folder: Path

    @property
    def process(self) -> Process | None:
        """The proxy; None when it does not run."""
        return recorded(self.folder / "proxy.json")

    def start(self, netns: Path, routes: dict[int, tuple[str, int]]) -> None:
        """Start the proxy; returns when it listens. `routes`: local port -> address and port inside."""
        if self.process is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "control.sock").unlink(missing_ok=True)
        log = self.folder / "proxy.log"
        words = [f"{port}={address}:{target}" for port, (address, target) in routes.items()]
        process = detach("edgectl.sandbox.link.proxy", [str(self.folder), str(netns), *words], log)
        record(self.folder / "proxy.json", process)
        deadline = time.monotonic() + 20
        while not self._answers():
            if not process.alive:
                raise StepFailed(
                    "The link's proxy ended at once.", details=tuple(log.read_text(errors="replace").splitlines()[-8:])
                )
            if time.monotonic() > deadline:
                raise NotReady("The link's proxy does not answer after 20 s.", hint=f"Its log is {log}.")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the proxy; its connections are reset."""
        if (process := self.process) is not None:
            process.signal(signal.SIGTERM)
            if not process.gone_within(5):
                process.signal(signal.SIGKILL)
                process.gone_within(5)
        (self.folder / "proxy.json").unlink(missing_ok=True)
        (self.folder / "control.sock").unlink(missing_ok=True)

    def conditions(self) -> Conditions:
        """Return how the line is now."""
        doc = self._ask({})["conditions"]
        return Conditions(float(doc["rtt_ms"]), int(doc["rate_bits"]), Fault(doc["fault"]))

    def stats(self) -> Counters:
        """Return what it has carried since it started."""
        return from_json(Counters, self._ask({})["counters"])

    def set(self, *, rtt_ms: float | None = None, rate_bits: int | None = None) -> None:
        """Change round-trip time (ms) or rate (bit/s in each direction, 0: none); what is not given stays."""
        wanted = {"rtt_ms": rtt_ms, "rate_bits": rate_bits}
        self._ask({name: value for name, value in wanted.items() if value is not None})

    def cut(self) -> None:
        """Reset all connections and refuse new ones."""
        self._ask({"fault": Fault.CUT.value})

    def black_hole(self) -> None:
        """Let nothing arrive any more, in either direction, without telling anybody."""
        self._ask({"fault": Fault.HOLE.value})

    def heal(self) -> None:
        """Take a cut or hole away; delay and rate stay."""
        self._ask({"fault": Fault.NONE.value})

    def restore(self) -> None:
        """Make the line perfect again: no fault, no delay, no limit."""
        self._ask({"rtt_ms": 0.0, "rate_bits": 0, "fault": Fault.NONE.value})

    def _answers(self) -> bool:
        try:
            self._ask({})
        except StepFailed:
            return False
        return True

    def _ask(self, wanted: dict[str, Any]) -> dict[str, Any]:
        try:
            with control_address(self.folder) as address, socket.socket(socket.AF_UNIX) as line:
                line.settimeout(_ANSWER_SECONDS)
                line.connect(address)
                line.sendall(json.dumps(wanted).encode() + b"\n")
                answer: dict[str, Any] = json.loads(line.makefile().readline())
        except (OSError, ValueError) as error:
            raise StepFailed(
                f"The link's proxy does not answer: {error}.", hint=f"Its log is {self.folder / 'proxy.log'}."
            ) from error
        if "error" in answer:
            raise StepFailed(f"The link refused {wanted}: {answer['error']}.")
        return answer
