"""A store that is well, as the facts that a doctor reads; a fault is a change of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from edgectl.node.converge.protocol import Observation, Status
from edgectl.node.doctor import cards, ground, pods, scaled, services, standing, steps, surveyed
from edgectl.node.doctor.causes import diagnose
from edgectl.node.doctor.ground import Ground, Volume
from edgectl.node.doctor.parts import Graph
from edgectl.node.doctor.symptom import UNSEEN, Symptom
from edgectl.node.gpu.why import judged
from edgectl.wire.chainlook import ChainLook
from edgectl.wire.diagnosis import Diagnosis
from edgectl.wire.finding import OK, Finding
from edgectl.wire.gpu import GpuLook
from edgectl.wire.verdict import StepResult
from tests.unit.node.gpu.test_why import FINE
from tests.unit.node.vision.chain.store import seen as chain_seen
from tests.unit.node.vision.chain.store import well

STEPS = (
    *(
        "host",
        "machine",
        "units",
        "trust",
        "certificates",
        "blobs",
        "packages",
        "host-files",
        "modules",
        "sysctls",
        "users",
    ),
    *("services", "time", "reboot", "host-folders", "k3s-binary", "k3s-files", "image-archives", "image-files", "k3s"),
    *("k3s-serves", "images", "models", "helm-binary", "facts", "secrets", "gpu-guard", "gpu-guard-holds"),
    *(
        "release-nvidia-device-plugin",
        "gpu-driver",
        "gpu",
        "gpu-marker",
        "dead-pods",
        "release-vision-stack",
        "retired",
    ),
)
WORKLOADS = ("nvidia-device-plugin", "bus", "camera", "inference", "uplink", "sink", "drift")
SURVEYED = ("os", "disk-room", "clock-rtc", "network-address", "network-route", "network-names", "packages-half")
BEHIND = ("bus", "camera", "inference", "uplink", "sink", "drift")
NOW = 1_800_000_000.0
GPUS = judged(replace(FINE, plugin=replace(FINE.plugin, pod="p", runs=True, answers=True)))
VOLUME = Volume("/", 60 << 30, 100 << 30, 1_000_000, 2_000_000, read_only=False)
MORE = {
    "gpu-plugin": frozenset({"pods nvidia-device-plugin"}),
    **{f"pods {name}": frozenset({"release vision-stack"}) for name in WORKLOADS[1:]},
    "pods nvidia-device-plugin": frozenset({"release nvidia-device-plugin"}),
    "pods inference": frozenset({"release vision-stack", "gpu", "models"}),
    **{name: frozenset({f"pods {name}"}) for name in BEHIND},
}


@dataclass(frozen=True)
class Facts:
    """Everything that was read."""

    steps: dict[str, StepResult] = field(
        default_factory=lambda: {name: StepResult(name, name, "current", "as declared") for name in STEPS}
    )
    findings: dict[str, Finding] = field(default_factory=lambda: {name: Finding(name, OK, "well") for name in SURVEYED})
    ground: Ground = field(default_factory=lambda: Ground((VOLUME,), 9000.0, "boot", 8 << 30, NOW, NOW - 999))
    gpus: GpuLook = field(default_factory=lambda: GPUS)
    chain: ChainLook = field(default_factory=lambda: chain_seen(well()))
    pods: dict[str, tuple[Observation, tuple[str, ...]]] = field(
        default_factory=lambda: {name: (Observation(Status.CURRENT, "1 of 1"), ()) for name in WORKLOADS}
    )
    more: tuple[Symptom, ...] = ()

    def step(self, name: str, status: str, reason: str, **also: object) -> Facts:
        """Let a step say something else."""
        one = replace(self.steps[name], status=status, reason=reason, **also)  # type: ignore[arg-type]
        return replace(self, steps={**self.steps, name: one})

    def found(self, about: str, word: str, reason: str, hint: str = "") -> Facts:
        """Let the survey find something."""
        return replace(self, findings={**self.findings, about: Finding(about, word, reason, hint)})

    def pod(self, name: str, reason: str, *words: str, status: Status = Status.IN_PROGRESS) -> Facts:
        """Let a workload not run."""
        seen = Observation(status, f"Deployment/{name}: {reason}", evidence=words[:1])
        return replace(self, pods={**self.pods, name: (seen, words)})

    def gpu(self, **fields: object) -> Facts:
        """Let the look at the GPUs show something else; why.py judges it."""
        return replace(self, gpus=judged(replace(self.gpus, **fields)))  # type: ignore[arg-type]

    def without_api(self, reason: str) -> Facts:
        """Let Kubernetes not serve: what asks it is blocked, and nobody asks pods or the chain."""
        steps_ = dict(self.steps)
        asks = (
            "images",
            "facts",
            "secrets",
            "gpu",
            "gpu-marker",
            "dead-pods",
            "retired",
            "gpu-guard",
            "gpu-guard-holds",
        )
        for name in (*asks, *(one for one in STEPS if one.startswith("release-"))):
            steps_[name] = replace(steps_[name], status="blocked", reason="waits for kubernetes")
        steps_["k3s-serves"] = replace(steps_["k3s-serves"], status="in-progress", reason=reason)
        return replace(self, steps=steps_)

    @property
    def serves(self) -> bool:
        """Whether pods and chain were asked."""
        return self.steps["k3s-serves"].status == "current"

    def symptoms(self) -> Iterator[Symptom]:
        """Yield what a look would make of it."""
        yield from ground.symptoms(self.ground)
        yield from cards.symptoms(self.gpus)
        yield from steps.symptoms(self.steps.values())
        if self.serves:
            yield from (pods.judged(f"pods {name}", *seen, stops=True) for name, seen in self.pods.items())
            yield from services.symptoms(self.chain)
        else:
            yield from (Symptom(f"pods {name}", UNSEEN, stops=False) for name in WORKLOADS)
            yield from (Symptom(name, UNSEEN, stops=False) for name in ("inference", "bus", "sink"))
        yield from surveyed.symptoms(self.findings.values(), deployed=True)
        yield from self.more

    def diagnosed(self) -> Diagnosis:
        """Judge it."""
        behind = {name: more for name, more in MORE.items() if name in BEHIND}
        found = standing.once(scaled.placed(self.symptoms(), behind))
        told = diagnose("node-1", found, Graph(frozenset(one.part for one in found), MORE))
        return scaled.called(told, {"gpu-plugin": MORE["gpu-plugin"]})


def codes(facts: Facts) -> list[str]:
    """Return the codes of its causes, in order."""
    return [cause.code for cause in facts.diagnosed().causes]
