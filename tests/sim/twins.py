"""Twins of the real recipe's steps: same id, order, needs and waits; they look at facts instead of a machine.

What a twin wants is the digest of what the real step declares, so a change of the payload changes exactly the steps
that it would change on a real node.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from edgectl.node.charts.release import Release
from edgectl.node.charts.retired import Retired
from edgectl.node.converge.protocol import ApplyFailed, Gate, LookFailed, Observation, Status, Wait, applies
from edgectl.node.gpu.driver import Driver
from edgectl.node.gpu.proven import Proven, Withdrawn
from edgectl.node.guard.step import GuardHolds, GuardPolicy
from edgectl.node.host.blobs import Blobs
from edgectl.node.host.packages.step import GpuPackages, SystemPackages
from edgectl.node.host.preflight import Preflight
from edgectl.node.host.timesync import Synchronised
from edgectl.node.io.look import Look
from edgectl.node.k3s.certificates import Certificates
from edgectl.node.k3s.serves import Serves
from edgectl.node.k3s.service import Service
from edgectl.node.reboot.step import Reboot
from edgectl.node.secrets.kept import Secrets, lacking
from edgectl.node.secrets.values import newest
from edgectl.node.trust.step import Trusted
from edgectl.node.vision.chain.gate import Delivers
from edgectl.node.vision.dead import Dead
from edgectl.node.vision.inference import Answers
from edgectl.node.vision.workload import Workload

if TYPE_CHECKING:
    from tests.sim.world import World

_RELEASE = "release/"


def twins(world: World, steps: Iterable[Gate[Any]]) -> tuple[Gate[Any], ...]:
    """Return the recipe of the simulated node."""
    return tuple(_twin(world, step) for step in steps)


def _twin(world: World, step: Gate[Any]) -> Gate[Any]:
    kinds = {
        SystemPackages: TwinPackages,
        GpuPackages: TwinPackages,
        Service: TwinK3s,
        Serves: TwinServes,
        Release: TwinRelease,
        Proven: TwinGpu,
        GuardHolds: TwinGuard,
        Workload: TwinPods,
        Answers: TwinAnswers,
        Delivers: TwinChain,
        Retired: TwinRetired,
        Secrets: TwinSecrets,
    }
    if isinstance(step, (Blobs, Trusted)):
        return step
    if isinstance(step, Reboot):  # only that module ever needs a restart here
        return TwinReboot(world, step) if "nvidia" in step.declared.modules else Twin(world, step)
    for kind, twin in kinds.items():
        if isinstance(step, kind):
            return twin(world, step)
    if isinstance(step, (Preflight, Synchronised, Driver, Withdrawn, Dead, Certificates)):
        return Twin(world, step)
    assert applies(step), step
    return TwinFact(world, step)


class Twin:
    """A gate that is true."""

    def __init__(self, world: World, real: Any) -> None:
        self.world = world
        self.real = real
        self.id, self.title, self.needs = str(real.id), str(real.title), tuple(real.needs)
        self.wait: Wait = real.wait
        self.want = hashlib.sha256(repr(getattr(real, "__dict__", real)).encode()).hexdigest()[:12]

    def probe(self, read: Any) -> Observation:
        """Look."""
        del read
        self.world.event(f"probe {self.id}")
        self.world.trouble(LookFailed, "probe")
        return self.look()

    def look(self) -> Observation:
        """Compare."""
        return Observation(Status.CURRENT, "as declared")


class TwinFact(Twin):
    """A step whose fact lies on the disk."""

    def look(self) -> Observation:
        have = self.world.facts.disk.get(self.id)
        if have == self.want:
            return Observation(Status.CURRENT, have)
        return Observation(Status.DRIFTED, f"has {have}", differences=((self.id, str(have), self.want),))

    def apply(self, write: Any, seen: Observation) -> None:
        """Change the machine, in two writes."""
        del write, seen
        self.world.only_engine()
        self.world.event(f"apply {self.id}")
        self.world.trouble(ApplyFailed, "apply")
        self.change("half")
        self.world.event(f"half {self.id}")
        self.world.trouble(ApplyFailed, "half")
        self.change(self.want)

    def change(self, value: str) -> None:
        """Write."""
        self.world.facts.put(self.id, value)


class TwinPackages(TwinFact):
    """Packages: what is declared of them, and not what the deploy at hand permits."""

    def __init__(self, world: World, real: Any) -> None:
        super().__init__(world, real)
        self.want = hashlib.sha256(repr(real.asked.wanted).encode()).hexdigest()[:12]


class TwinK3s(TwinFact):
    """What runs, with what it was started with."""

    def __init__(self, world: World, real: Any) -> None:
        super().__init__(world, real)
        self.want = hashlib.sha256(repr(sorted(real.declared().items())).encode()).hexdigest()[:12]

    def look(self) -> Observation:
        facts, now = self.world.facts, self.world.now
        if facts.boot.get("k3s") != self.want:
            return Observation(Status.DRIFTED, "k3s does not run as declared")
        if not facts.runs("k3s", self.want, now, after=3):
            return Observation(Status.IN_PROGRESS, "k3s starts")
        return Observation(Status.CURRENT, "runs")

    def change(self, value: str) -> None:
        self.world.facts.put("k3s unit", value)
        self.world.facts.start("k3s", value, self.world.now)


class TwinServes(Twin):
    """The API, a little later."""

    def look(self) -> Observation:
        if self.world.serves():
            return Observation(Status.CURRENT, "Ready")
        return Observation(Status.IN_PROGRESS, "the node is not Ready")


class TwinRelease(TwinFact):
    """A Helm release; `half` is pending-upgrade. Its pods start when they may."""

    def __init__(self, world: World, real: Any) -> None:
        super().__init__(world, real)
        release = real.declared
        self.id, self.key, self.want = real.id, f"{_RELEASE}{release.name}", release.digest
        if release.values.get("bad"):
            world.facts.bad.add(release.digest)
        self.gpu = "gpu" in release.needs

    def look(self) -> Observation:
        have = self.world.facts.disk.get(self.key)
        return (
            Observation(Status.CURRENT, have)
            if have == self.want
            else Observation(Status.DRIFTED, f"{self.key} is {have}")
        )

    def change(self, value: str) -> None:
        if self.gpu and value == self.want and not self.world.gpu_proven():
            self.world.facts.wrong.append("a release that needs the GPU was rolled out before its proof")
        if self.gpu and value == self.want and self.world.facts.disk.get(GuardPolicy.id) in {None, "half"}:
            self.world.facts.wrong.append("a release that needs the GPU was rolled out with no guard")
        self.world.facts.put(self.key, value)


class TwinGpu(TwinFact):
    """The plugin registers, then the marker is set: once a boot."""

    def look(self) -> Observation:
        world = self.world
        if world.gpu_proven():
            return Observation(Status.CURRENT, "visible in this boot")
        if not world.pods_ready("plugin"):
            return Observation(Status.IN_PROGRESS, "0 of 1 allocatable")
        return Observation(Status.DRIFTED, "inference waits for the marker")

    def change(self, value: str) -> None:
        if value != "half":
            self.world.facts.boot["gpu"] = self.world.boot
            self.world.facts.writes += 1


class TwinGuard(Twin):
    """The guard holds what lies in the cluster, and nothing that is half written."""

    def look(self) -> Observation:
        if self.world.serves() and self.world.facts.disk.get(GuardPolicy.id) not in {None, "half"}:
            return Observation(Status.CURRENT, "denies")
        return Observation(Status.IN_PROGRESS, "a pod without gpu-gate is still let in")


class TwinPods(Twin):
    """What a release runs."""

    def look(self) -> Observation:
        name = self.id.removeprefix("workload-")
        if self.world.pods_ready(name):
            return Observation(Status.CURRENT, "1 of 1")
        return Observation(Status.IN_PROGRESS, f"{name}: 0 of 1")


class TwinAnswers(Twin):
    """The chain's end."""

    def look(self) -> Observation:
        if self.world.pods_ready("vision"):
            return Observation(Status.CURRENT, "answers")
        return Observation(Status.FAILED, "no answer")


class TwinChain(Twin):
    """The whole chain: it delivers when the pods of its release run."""

    def look(self) -> Observation:
        if self.world.pods_ready("vision"):
            return Observation(Status.CURRENT, "camera -> sink 214 ms")
        return Observation(Status.IN_PROGRESS, "camera silent")


class TwinReboot(Twin):
    """The product's own step, on a machine whose module is a fact."""

    def probe(self, read: Any) -> Observation:
        """Look."""
        super().probe(read)
        seen: Observation = self.real.probe(read)
        return seen

    def apply(self, write: Any, seen: Observation) -> None:
        """Restart: the engine ends in here."""
        self.world.only_engine()
        self.world.event(f"apply {self.id}")
        self.world.trouble(ApplyFailed, "apply")
        self.real.apply(write, seen)


class TwinSecrets(TwinFact):
    """Secrets in the cluster: as the values that the node keeps, whatever the payload's versions are."""

    def look(self) -> Observation:
        values = newest(Look(self.world.places))
        if lacks := [name for secret in self.real._declared for name in lacking(secret, values)]:
            return Observation(Status.FAILED, f"this node has no value for {', '.join(lacks)}")
        self.want = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:12]
        return super().look()


class TwinRetired(TwinFact):
    """Releases that are declared no more."""

    def look(self) -> Observation:
        extra = self._extra()
        return Observation(Status.DRIFTED if extra else Status.CURRENT, ", ".join(extra) or "none")

    def change(self, value: str) -> None:
        if value != "half":
            for name in self._extra():
                self.world.facts.put(name, None)

    def _extra(self) -> list[str]:
        declared = {f"{_RELEASE}{name}" for _, name in self.real._declared}
        return sorted(name for name in self.world.facts.disk if name.startswith(_RELEASE) and name not in declared)
