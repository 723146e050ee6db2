"""How each event is done to a store: with its power switch, its knobs, and what a mishap on the node itself would do.

Owns: the injections and their mending. Must not know how a store comes back, and never helps it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from edgectl.sandbox.gpu.knobs import Knobs
from tests.e2e.node import Node
from tests.e2e.operator import Operator
from tests.storm import events
from tests.storm.events import Event
from tests.storm.eye import Eye
from tests.storm.prepare import step

BOOT_SECONDS = 90.0
DEPLOY_SECONDS = 300.0
REGISTER_SECONDS = 360.0  # a plugin that is killed again and again is held back for up to five minutes by the kubelet


@dataclass(frozen=True, slots=True)
class Struck:
    """An event that was done. `over`: when its delays and faults were, on the host's monotonic clock."""

    over: float
    boot: str = ""  # the new boot, where the node has booted
    ended: float = 0.0  # when the operator's deploy has; 0: nobody deployed
    note: str = ""


@dataclass(slots=True)
class Strikes:
    """Does events to one store. `operator` is only used by the event in which somebody deploys."""

    node: Node
    eye: Eye
    operator: Operator
    gate: str  # the image of the init container

    def strike(self, event: Event) -> Struck:
        """Do it, and return when all of it is over but what the store does itself."""
        doing: dict[str, Callable[[Event], Struck]] = {
            events.LATE: self._late,
            events.SICK: self._sick,
            events.DRIVER: self._driver,
            events.UVM: self._uvm,
            events.IMAGE: self._image,
            events.DEPLOY: self._deploy,
        }
        special = doing.get(event.kind)
        return special(event) if special else self._plain(event.kind)

    def knob(self, name: str, text: str = "") -> None:
        """Turn a knob of the pretend hardware; empty: its default."""
        Knobs(self.node.store, self.node.name).set(name, text)

    def mend(self) -> None:
        """Turn all knobs of events back, whatever has happened."""
        Knobs(self.node.store, self.node.name).clear()

    def _plain(self, kind: str) -> Struck:
        """Reboot, cut, kill, restart, reload."""
        if kind in events.BOOTS:
            return self._boot(hard=kind == events.CUT)
        scripts = {
            events.KILL: "kill -KILL $(pidof gpu-plugin)",
            events.RESTART: "systemctl restart k3s",
            events.RELOAD: "systemctl daemon-reload",
            events.DELETE: "k3s kubectl delete pod -n vision -l app.kubernetes.io/name=inference --wait=false",
        }
        self.node.sh(scripts[kind], seconds=120)
        return Struck(time.monotonic())

    def _boot(self, *, hard: bool) -> Struck:
        before = self.eye.look().boot
        self.node.store.reboot(hard=hard, wait_seconds=0)
        seen = self.eye.until("the node runs again", lambda one: one.boot not in {"", before}, seconds=BOOT_SECONDS)
        return Struck(seen.at, seen.boot)

    def _late(self, event: Event) -> Struck:
        """Let the plugin register late: the knob counts from each of its starts."""
        self.knob("delay", str(event.seconds))
        began = time.monotonic()
        struck = self._plain(event.by)
        self.eye.until(
            "the late plugin has registered",
            lambda one: one.registered > began,
            seconds=REGISTER_SECONDS + event.seconds,
        )
        self.knob("delay")
        return Struck(max(struck.over, began + event.seconds), struck.boot)

    def _sick(self, event: Event) -> Struck:
        self.knob("unhealthy", event.which)
        _for(event.seconds, self.eye)
        self.knob("unhealthy")
        return Struck(time.monotonic())

    def _driver(self, event: Event) -> Struck:
        self.knob("driver", str(event.seconds))
        struck = self._plain(event.by)
        _for(struck.over + event.seconds - time.monotonic(), self.eye)
        self.knob("driver")
        return Struck(struck.over + event.seconds, struck.boot)

    def _uvm(self, event: Event) -> Struck:
        """Let /dev/nvidia-uvm be missing at a boot, until it is mended."""
        self.knob("uvm", "missing")
        struck = self._plain(event.by)
        _for(event.seconds, self.eye)
        self.knob("uvm")
        return Struck(time.monotonic(), struck.boot)

    def _image(self, event: Event) -> Struck:
        """Lose the image of the gate, by its name and its digest, then need it."""
        self.node.sh(
            f"ctr -n k8s.io images ls -q 2>/dev/null | grep -F '{self.gate}' | xargs ctr -n k8s.io images rm --sync && "
            f"ctr -n k8s.io images ls 2>/dev/null | awk '$1 ~ /^sha256:{self.gate.rpartition(':')[2]}/ {{print $1}}' | "
            "xargs -r ctr -n k8s.io images rm --sync"
        )
        return self._plain(event.by)

    def _deploy(self, event: Event) -> Struck:
        """Let somebody deploy a change when the other one strikes."""
        self.operator = self.operator.with_(change=step(event.number))
        pressed = self.operator.start("deploy", "-o", "json")
        _for(event.seconds, self.eye)
        struck = self._plain(event.by)
        said = pressed.finish(seconds=DEPLOY_SECONDS)
        return replace(struck, ended=time.monotonic(), note=f"deploy ended with {said.code}")


def _for(seconds: float, eye: Eye) -> None:
    """Let real time pass, which is the point of the event, and go on looking meanwhile."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        eye.look()
        time.sleep(min(0.5, max(0.0, left)))
