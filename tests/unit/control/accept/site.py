"""A lab's store that exists in no machine: it answers what it is told, and its clock goes as it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from edgectl.control.deploy.look import Seen
from edgectl.control.deploy.outcome import Outcome
from edgectl.wire.diagnosis import Diagnosis
from edgectl.wire.errors import EdgectlError, Unreachable
from edgectl.wire.finding import OK, Finding
from edgectl.wire.gpu import Card, GpuLook, Layer, Plugin, Smoke
from edgectl.wire.lab import Began, LabFacts, LabLook, Relied

GPU = "GPU-5a9dbc01-0000-4000-8000-000000000000"
REAL = LabFacts("node-1", container=False, k3s="k3s version v1.36.3+k3s1 (0a1b2c3d)", gpu_device=True)
SANDBOX = replace(REAL, container=True, virtual="systemd-nspawn", k3s="k3s version v1.36.3+k3s1 (standin)")
SECOND = 1_000_000_000


def ready(*changed: str, link_bytes: int = 12_000, sessions: int = 1, run: str = "a") -> Outcome:
    """Return a deploy that has ended well."""
    verdict = {"exit": 0, "word": "ready"}
    return Outcome(run=run, verdict=verdict, looked=33, changed=changed, link_bytes=link_bytes, sessions=sessions)


def gpu_look(**more: Any) -> GpuLook:
    """Return a node whose one GPU computes."""
    card = Card(0, uuid=GPU, name="Tesla T4", smoke=Smoke(ok=True, seconds=0.2, gb_per_s=300), word="ready")
    fine = Layer("ready")
    whole = GpuLook(
        node="node-1", boot="boot-1", count=1, required=1, resource="nvidia.com/gpu", offers=(), this_boot=True,
        marker=True, marker_ago_seconds=1.0, plugin=Plugin(), cards=(card,),
        driver=fine, uvm=fine, toolkit=fine, devices=fine, kernel=fine, health=fine, api=fine,
    )  # fmt: skip
    return replace(whole, **more)


@dataclass
class FakeSite:
    """Its knobs are its fields: what fails, who is there, and when it comes back."""

    what: LabFacts = REAL
    has_switch: bool = False
    loopback: bool = False
    comes_back: bool = True
    proof_first: bool = True
    outcomes: list[Outcome] = field(default_factory=list)  # of presses, in their order; then as `ready`
    broken: dict[str, EdgectlError] = field(default_factory=dict)  # call -> what stands against it
    cut_run: str = "a"
    now: float = 0.0
    struck: list[str] = field(default_factory=list)
    presses: list[tuple[int, bool]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    cause: Any = None

    def __post_init__(self) -> None:
        node = SimpleNamespace(name="node-1", gpu=object())
        self.store: Any = SimpleNamespace(name="store-lab", nodes=(node,), lead=node)
        self.boot, self.k3s, self.plugin, self.uvm = 1, 1, 1, True

    def say(self, sentence: str) -> None:
        """Remember it."""
        self.said.append(sentence)

    def preflight(self) -> dict[str, Any]:
        """Find nothing wrong."""
        self._may("preflight")
        return {"node-1": (Finding("disk", OK, "200 GB are free"),)}

    def press(self, *, changed: int = 0, cut: bool = False) -> Outcome:
        """End as told, else well."""
        self._may("press")
        self.presses.append((changed, cut))
        if self.outcomes:
            return self.outcomes.pop(0)
        return ready(*(("host-files",) if changed or cut else ()), sessions=2 if cut else 1)

    def status(self) -> Seen:
        """Be well, unless struck and not back."""
        self._may("status")
        well = self.comes_back or not self.struck
        return Seen(verdict={"exit": 0 if well else 5})

    def gpus(self) -> dict[str, Any]:
        """Have one that computes."""
        return {"node-1": gpu_look()}

    def doctor(self) -> Diagnosis:
        """Name what was put here."""
        self._may("doctor")
        return Diagnosis("store-lab", looked=40, causes=(self.cause,) if self.cause else ())

    def look(self) -> LabLook:
        """Show what the blows so far have left."""
        at = int(self.now * SECOND) + 1
        proof, began = (100, 200) if self.proof_first else (200, 100)
        return LabLook(
            boot=f"boot-{self.boot}",
            now=at + 1000,
            k3s=f"k3s-{self.k3s}",
            uvm=self.uvm,
            plugin=(f"plugin-{self.plugin}",),
            proofs=f"{proof} proven {GPU}\n",
            began=(Began(f"pod/inference/{self.boot}", "vision/inference", began, (GPU,)),),
        )

    def facts(self) -> LabFacts:
        """Be what was put here."""
        self._may("facts")
        return self.what

    def relied(self) -> tuple[Relied, ...]:
        """Hold one row."""
        self._may("relied")
        return (Relied("version", "it says its version", "k3s"),)

    def strike(self, kind: str) -> None:
        """Fall, and leave another boot, k3s and plugin behind."""
        self._may("strike")
        self.struck.append(kind)
        self.boot += kind in {"reboot", "power cut"}
        self.k3s += 1
        self.plugin += 1

    def switch(self) -> bool:
        """Be there, or not."""
        self.boot += self.has_switch
        return self.has_switch

    def bare_bytes(self) -> int:
        """Cost a little."""
        self._may("bare_bytes")
        return 5_000

    def is_loopback(self) -> bool:
        """Be as told."""
        return self.loopback

    def monotonic(self) -> float:
        """Tell the time that was slept."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds

    def _may(self, what: str) -> None:
        if what in self.broken:
            raise self.broken[what]


GONE = Unreachable("node-1 did not answer within 15 s")
