"""What a simulated node's steps look at: facts on its disk, facts of this boot, and pods that take their time.

Owns the physics: what a power cut leaves, when a pod runs, what may not start before the GPU is proven.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PULLS_SECONDS = 2.0
MODULE = "host-files"  # the step whose fact is the kernel module on the disk; what runs of it is of the boot


@dataclass
class Facts:
    """`disk` outlives a power cut once it is synced; `boot` is gone with the power."""

    disk: dict[str, str] = field(default_factory=dict)
    synced: dict[str, str] = field(default_factory=dict)
    boot: dict[str, str] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)  # what runs since when, in this boot
    bad: set[str] = field(default_factory=set)  # digests of releases whose pods never get ready
    wrong: list[str] = field(default_factory=list)  # laws of the store that were broken
    writes: int = 0

    def put(self, key: str, value: str | None) -> None:
        """Change the disk."""
        self.writes += 1
        if value is None:
            self.disk.pop(key, None)
        else:
            self.disk[key] = value

    def start(self, key: str, value: str, now: float) -> None:
        """Let something run with this, from now on."""
        self.writes += 1
        self.boot[key] = value
        self.started[key] = now

    def runs(self, key: str, value: str, now: float, *, after: float) -> bool:
        """Tell whether it runs with this, and long enough."""
        return self.boot.get(key) == value and now - self.started[key] >= after

    def load_module(self) -> None:
        """Boot: the kernel runs the module that is on the disk."""
        if module := self.disk.get(MODULE):
            self.boot[MODULE] = module

    def needs_restart(self) -> str:
        """Say why, as reboot.sh does; nouveau is what a bare machine runs."""
        loaded, there = self.boot.get(MODULE, "nouveau"), self.disk.get(MODULE, "nouveau")
        return f"driver: the kernel runs {loaded}, {there} is installed" if loaded != there else ""

    def sync(self) -> None:
        """Bring all to the disk."""
        self.synced = dict(self.disk)

    def cut(self) -> None:
        """Lose what was not synced, and what ran."""
        self.disk = dict(self.synced)
        self.reboot()

    def reboot(self) -> None:
        """Lose what ran."""
        self.boot.clear()
        self.started.clear()

    def end(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return all that two stores in the same state have in common."""
        pods = {f"pods/{key.partition('/')[2]}" for key in self.disk if key.startswith("release/")}
        return dict(self.disk), {key: value for key, value in self.boot.items() if key == "k3s" or key in pods}
