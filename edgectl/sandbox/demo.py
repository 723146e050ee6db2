"""The demonstration: a store comes up, stays as it is, and comes back from a reboot by itself.

Owns the order of what is shown. Runs the real commands, as a person would type them, and reads their exit codes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.wire.errors import Bug, NotReady

Say = Callable[[str], None]
_BACK_SECONDS = 240.0
_COMMAND_SECONDS = 3600.0
_POLL_SECONDS = 2.0


@dataclass
class Demo:
    """One run on one store. `lines` become the timeline at the end."""

    store: str
    inventory: Path
    say: Say
    lines: list[tuple[str, float]] = field(default_factory=list)

    def run(self) -> None:
        """Go through it; raises NotReady when the store does not do what is promised."""
        self._step("bring up a bare node", "sandbox", "up", self.store)
        self._step("deploy it", "deploy", self.store)
        self._step("a frame's way, from the GPU to the sink", "chain", self.store)
        self._step("deploy it again: nothing to change", "deploy", self.store)
        self._step("reboot the node", "sandbox", "reboot", self.store)
        self._comes_back()
        self._summary()

    def _step(self, title: str, *words: str) -> None:
        self.say(f"\n$ edgectl {' '.join(words)}          # {title}")
        began = time.monotonic()
        ended = subprocess.run(self._argv(*words), env=self._env(), timeout=_COMMAND_SECONDS, check=False)
        self.lines.append((title, time.monotonic() - began))
        if ended.returncode != 0:
            raise NotReady(
                f"the demonstration stopped: edgectl {' '.join(words)} ended with {ended.returncode}",
                hint=f"what it said stands above; edgectl sandbox down {self.store} takes the store away",
            )

    def _comes_back(self) -> None:
        """Watch without touching: only `status` is asked, which changes nothing."""
        self.say("\nNobody does anything now. The store brings itself back ...")
        began = time.monotonic()
        told = ""
        while True:
            word, reason = self._status()
            waited = time.monotonic() - began
            if word == "ready":
                break
            if waited > _BACK_SECONDS:
                raise NotReady(f"{self.store} did not come back in {_BACK_SECONDS:.0f} s: {reason}")
            if reason != told:
                self.say(f"  {waited:5.1f} s  {reason}")
                told = reason
            time.sleep(_POLL_SECONDS)
        self.say(f"  {waited:5.1f} s  ready: a frame goes all the way, on the GPU proven in this boot")
        self.lines.append(("the store came back by itself", waited))

    def _status(self) -> tuple[str, str]:
        argv = self._argv("status", self.store, "-o", "json")
        ended = subprocess.run(argv, env=self._env(), timeout=120, capture_output=True, text=True, check=False)
        try:
            doc = json.loads(ended.stdout)
        except ValueError as error:
            raise Bug("status printed something else than JSON", details=(ended.stdout[-500:],)) from error
        verdict = doc.get("verdict", doc)
        return str(verdict.get("word", "")), str(verdict.get("reason") or verdict.get("message", ""))

    def _summary(self) -> None:
        self.say("\nWhere the time went:")
        for title, seconds in self.lines:
            self.say(f"  {seconds:7.1f} s  {title}")
        self.say(f"  {sum(seconds for _, seconds in self.lines):7.1f} s  in all")
        self.say(f"\nTry next (export EDGECTL_INVENTORY={self.inventory}):")
        self.say(f"  edgectl kubectl {self.store} -- get pods -A")
        self.say(f"  edgectl kubectl {self.store} -- -n vision scale deploy/inference --replicas=0   # then: deploy")
        self.say(f"  edgectl sandbox cut-power {self.store} --back-on                         # then: status")
        self.say(f"When you are done: edgectl sandbox down {self.store}")

    def _argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "edgectl", *words]

    def _env(self) -> dict[str, str]:
        return {**os.environ, "EDGECTL_INVENTORY": str(self.inventory)}
