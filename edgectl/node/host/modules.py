"""Step: modules of the kernel are loaded. The file in /etc/modules-load.d that keeps them over a boot is a managed one.

One that is declared no more stays loaded until the next boot: something may use it.
"""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look

_LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class Modules:
    """What is built into the kernel is there, too."""

    modules: tuple[str, ...]
    id: str = "modules"
    title: str = "kernel modules"
    needs: tuple[str, ...] = ("host-files",)
    wait: Wait = Wait(limit_seconds=10)  # a module that another program is just loading

    def probe(self, read: Look) -> Observation:
        """Read what is loaded; what is built in only where something is missing."""
        loaded = _loaded(read.text(read.places.root / "proc/modules") or "")
        missing = [name for name in self.modules if loaded.get(_plain(name)) != "Live"]
        if missing:
            inside = _built_in(read)
            missing = [name for name in missing if _plain(name) not in inside]
        if not missing:
            return Observation(Status.CURRENT, f"{len(self.modules)} loaded")
        coming = [name for name in missing if _plain(name) in loaded]
        if coming == missing:
            return Observation(Status.IN_PROGRESS, f"{', '.join(coming)} is being loaded")
        differences = tuple((name, "not loaded", "loaded") for name in missing)
        return Observation(Status.DRIFTED, f"{', '.join(missing)} not loaded", differences=differences)

    def apply(self, write: Hands, seen: Observation) -> None:
        """Load what is missing, each with what it needs; one that cannot be loaded does not keep the others out."""
        failed: list[str] = []
        evidence: list[str] = []
        for name, _, _ in seen.differences:
            ran = write.change("modprobe", "--", name, limit_seconds=_LIMIT_SECONDS)
            if not ran.ok:
                failed.append(f"{name} ({ran.last_words})")
                evidence += ran.evidence()
        if failed:
            raise ApplyFailed(f"not loaded: {', '.join(failed)}{_hint(write, evidence)}", evidence=tuple(evidence))


def _hint(look: Look, evidence: list[str]) -> str:
    said = "\n".join(evidence)
    if "Key was rejected" in said or "Operation not permitted" in said:
        return ": Secure Boot lets only signed modules in; enrol the key (mokutil --import), or sign the module"
    if not look.names(look.places.root / "lib/modules" / os.uname().release):
        return f": the running kernel {os.uname().release} has no modules on the disk any more; reboot"
    return ""


def _loaded(text: str) -> dict[str, str]:
    """Return name -> state (Live, Loading, Unloading) of /proc/modules (proc(5))."""
    rows = [line.split() for line in text.splitlines()]
    return {row[0]: row[4] for row in rows if len(row) > 4}  # noqa: PLR2004 - name, size, uses, users, state, address


def _built_in(read: Look) -> set[str]:
    """Return what the kernel has inside: by its own list, and by /sys/module, where only loaded ones have a state."""
    listed = read.text(read.places.root / "lib/modules" / os.uname().release / "modules.builtin") or ""
    found = {_plain(posixpath.basename(line.strip()).removesuffix(".ko")) for line in listed.splitlines()}
    folder = read.places.root / "sys/module"
    return found | {name for name in read.names(folder) if read.entry(folder / name / "initstate") is None}


def _plain(name: str) -> str:
    return name.replace("-", "_")  # modprobe(8): there is no difference
