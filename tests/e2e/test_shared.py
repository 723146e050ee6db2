"""A real node ends every step of the shared history as the simulated store does (tests/sim/test_shared.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.conftest import Shop
from tests.sim.shared import Ended, go_through, name_of

pytestmark = pytest.mark.e2e

NOTE = "/etc/edgectl-e2e.conf"
_BASE = {"B'": "2", "bad'": "2"}
_ENV = {
    "A": None,
    "B": {"APP": "two"},
    "B'": {"APP": "two"},
    "bad": {"PYTHONHOME": "/nowhere"},
    "bad'": {"PYTHONHOME": "/nowhere"},
}
_SHARED = {"release-vision-stack": "release-vision", "release-nvidia-device-plugin": "release-plugin"}


@dataclass
class Real:
    """A store of the sandbox."""

    shop: Shop
    names: dict[str, str] = field(default_factory=dict)

    def deploy(self, name: str) -> Ended:
        """Change the inventory and press."""

        def change(doc: dict[str, Any]) -> None:
            release = doc["defaults"]["releases"]["vision-stack"]
            if name in _BASE:
                doc["defaults"]["host"]["files"] = [{"path": NOTE, "text": _BASE[name]}]
            if env := _ENV[name]:
                release["values"]["inference"]["env"] = env
            if name.startswith("bad"):
                release["timeout_seconds"] = 8

        code = 5 if name.startswith("bad") else 0
        operator = self.shop.operator.with_(change=change)
        return self._pressed(operator.run("deploy", "-o", "json", code=code).document, name)

    def rollback(self) -> Ended:
        """Press."""
        return self._pressed(self.shop.operator.run("rollback", "-o", "json").document)

    def heal(self) -> Ended:
        """Let the timer's run come."""
        verdict = self.shop.node.heal()
        return self._ended(verdict["exit"], verdict["changed"], None)

    def harm(self, what: str) -> None:
        """Change something by hand."""
        if what == "base":
            self.shop.node.sh(f"echo by hand > {NOTE}")
        else:
            self.shop.node.kubectl("scale", "-n", "vision", "deployment/inference", "--replicas=0")

    def _pressed(self, document: dict[str, Any], name: str = "") -> Ended:
        if name:
            self.names[document["payload"]] = name
        verdict = document["verdict"]
        return self._ended(verdict["exit"], document["changed"], verdict.get("returned"))

    def _ended(self, code: int, changed: list[str], returned: dict[str, Any] | None) -> Ended:
        rows = self.shop.operator.run("history", "-o", "json").document["slots"]
        payloads = {row["sequence"]: row["payload"] for row in rows}
        (current,) = [row for row in rows if row["state"] == "current"]
        runs = name_of(self.names, current["payload"], payloads[current["apps"]])
        return Ended(
            code, tuple(_SHARED.get(step, step) for step in changed), runs, str((returned or {}).get("word", ""))
        )


@pytest.mark.long  # what each step shows is in CI too, by test_history, test_heal and test_bad_update
def test_it_goes_through_the_history(settled: Shop) -> None:
    """Exit codes, changes, what runs and how going back went: step by step as declared."""
    real = Real(settled)
    assert real.deploy("A").runs == "A"
    go_through(real)
