"""Steps: the system's packages, and those of the GPU, are installed in exactly the declared versions.

A look is one program, however many they are. What apt has brought because something declared needs it is looked at
only for being whole. The GPU's keep the hours of the store where another driver would take the place of one that runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.converge.slots import Slots
from edgectl.node.host.packages.apt import LOCK_SECONDS
from edgectl.node.host.packages.bring import Bring
from edgectl.node.host.packages.claims import Claims
from edgectl.node.host.packages.installed import System, look, native
from edgectl.node.host.packages.judged import Asked, Judged, differences, judge, lacking
from edgectl.node.host.packages.lock import holder
from edgectl.node.io.look import Hands, Look
from edgectl.node.reboot.hours import believed, permitted
from edgectl.wire.host import Packages, Reboots

_SYSTEM, _GPU = "packages", "gpu-packages"
_SHOWN = 6


@dataclass(frozen=True)
class SystemPackages:
    """Not of the GPU. Where none of the GPU are declared any more, those that we had brought go here."""

    packages: Packages
    take_over: bool = False
    id: str = _SYSTEM
    title: str = "system packages"
    needs: tuple[str, ...] = ("host",)
    wait: Wait = Wait(limit_seconds=LOCK_SECONDS, every_seconds=2)  # somebody else's apt may be at work

    @property
    def asked(self) -> Asked:
        """Return what is wanted here."""
        gpu = frozenset(package.name for package in self.packages.gpu)
        steps = (_SYSTEM,) if gpu else (_SYSTEM, _GPU)
        return Asked(steps, self.packages.wanted, self.packages.pool, gpu, take_over=self.take_over)

    def probe(self, read: Look) -> Observation:
        """Compare what dpkg has with the declaration; no program where nothing was ever declared."""
        if not self.packages.wanted and not Claims(read).all():
            return Observation(Status.CURRENT, "none declared")
        return _seen(read, self.asked, lambda _found, _system: "")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Install, remove, hold."""
        del seen
        Bring(write, self.asked).all()


def _now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class GpuPackages:
    """Held back from apt as declared, and from a serving store by its hours."""

    packages: Packages
    reboots: Reboots
    may_reboot: bool = False
    take_over: bool = False
    now: Callable[[], datetime] = field(default=_now, repr=False, compare=False)
    id: str = _GPU
    title: str = "gpu packages"
    needs: tuple[str, ...] = ("host", _SYSTEM)
    wait: Wait = Wait(limit_seconds=LOCK_SECONDS, every_seconds=2)

    @property
    def asked(self) -> Asked:
        """Return what is wanted here."""
        others = frozenset(package.name for package in self.packages.wanted)
        return Asked((_GPU,), self.packages.gpu, self.packages.pool, others, take_over=self.take_over)

    def probe(self, read: Look) -> Observation:
        """Compare what dpkg has with the declaration, and say what waits for its hours."""
        return _seen(read, self.asked, lambda found, system: self._waits(read, found, system))

    def apply(self, write: Hands, seen: Observation) -> None:
        """Try its modules, install, hold."""
        del seen
        Bring(write, self.asked).all()

    def _waits(self, read: Look, found: Judged, system: System) -> str:
        """Return why a driver is not replaced now; what is half there is put right at any hour."""
        # a driver whose name carries its version (nvidia-driver-580) is replaced by one of another name
        comes = (*found.replaced, *(found.missing if found.retired else ()))
        if not comes or found.broken or found.is_interrupted:
            return ""
        slots = Slots(read.places)
        accepted = [slot.envelope.created for slot in (slots.candidate, slots.current) if slot]
        now = believed(self.now(), *accepted)
        not_now = permitted(self.reboots, serves=slots.current is not None, may_reboot=self.may_reboot, now=now)
        first, more = comes[0], len(comes) - 1
        others = f" (and {more} more)" if more else ""
        old = first.name if system.version(first.name) else found.retired[0]
        have = f"{old} " * (old != first.name) + system.version(old)
        return f"{first.name} {first.version}{others}: {not_now}; until then {have} stays" if not_now else ""


def _seen(read: Look, asked: Asked, waits: Callable[[Judged, System], str]) -> Observation:
    system = look(read)
    found = judge(asked, system, Claims(read).all())
    if found.is_fine:
        return Observation(Status.CURRENT, f"{len(asked.wanted)} as declared")
    rows = differences(found, system)
    if busy := holder(read):  # before it is believed that dpkg was interrupted
        if Judged(is_interrupted=True) == found:
            return Observation(Status.CURRENT, f"{len(asked.wanted)} as declared")
        return Observation(Status.IN_PROGRESS, f"dpkg is held by {busy}", differences=rows)
    others = (*found.missing, *found.replaced)
    if others and (impossible := lacking(others, asked.pool, native(read, system))):
        return Observation(Status.FAILED, impossible, differences=rows)
    if why := waits(found, system):
        return Observation(Status.CURRENT, why, absent=why, differences=rows)
    names = list(dict.fromkeys(name.partition(" ")[0] for name, _, _ in rows))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return Observation(
        Status.DRIFTED, f"{', '.join(names[:_SHOWN])}{more} differ from what is declared", differences=rows
    )
