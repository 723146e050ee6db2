"""A machine in a folder: real dpkg and apt under a root of its own, and real package files made here.

This machine's own packages are never touched. What a script of a package does, it does below DPKG_ROOT.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgectl.node.converge.loop import Clock, converge, plan
from edgectl.node.converge.protocol import Observation
from edgectl.node.converge.slots import Slots
from edgectl.node.host.packages.installed import System, look
from edgectl.node.host.packages.step import GpuPackages, SystemPackages
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.host import Deb, Os, Package, Packages
from edgectl.wire.payload import Host, K3s, Node, Payload
from edgectl.wire.verdict import Verdict

_FOLDERS = ("var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/apt", "var/log/apt", "etc/apt", "usr/share")


@dataclass
class Machine:
    """Packages by name; `hands` run the real programs."""

    root: Path
    hands: Hands = field(init=False)
    pool: list[Deb] = field(default_factory=list)
    sequence: int = 0

    def __post_init__(self) -> None:
        for folder in _FOLDERS:
            (self.root / folder).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()
        self.hands = Hands(Places(self.root))
        self.hands.places.blobs.mkdir(parents=True)

    def moved(self, root: Path) -> Machine:
        """Return this machine in another folder, where a copy of it lies."""
        other = object.__new__(Machine)
        other.root, other.hands, other.pool, other.sequence = root, Hands(Places(root)), self.pool, self.sequence
        return other

    def deb(
        self,
        name: str,
        version: str,
        *,
        arch: str = "all",
        fields: Iterable[str] = (),
        files: dict[str, str] | None = None,
        scripts: dict[str, str] | None = None,
    ) -> Deb:
        """Make a package file, put it where blobs lie, and into the pool; scripts are shell lines."""
        tree = self.root.parent / f"build/{name}_{version}_{arch}".replace(":", "_")
        (tree / "DEBIAN").mkdir(parents=True)
        head = (f"Package: {name}", f"Version: {version}", f"Architecture: {arch}", "Maintainer: x <x@example.org>")
        control = "\n".join((*head, "Installed-Size: 10", *fields, "Description: made for a test\n"))
        (tree / "DEBIAN/control").write_text(control)
        for script, text in (scripts or {}).items():
            (tree / "DEBIAN" / script).write_text(f"#!/bin/sh\n{text}\n")
            (tree / "DEBIAN" / script).chmod(0o755)
        for path, text in {f"usr/share/{name}/version": version, **(files or {})}.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
            (tree / path).chmod(0o755)
        file = tree.with_suffix(".deb")
        subprocess.run(
            ["dpkg-deb", "-b", "-Zgzip", "--root-owner-group", str(tree), str(file)],
            check=True,
            capture_output=True,
        )
        data = file.read_bytes()
        made = Deb(name, version, arch, digest_of(data))
        self.hands.places.blob(made.blob).write_bytes(data)
        self.pool.append(made)
        return made

    def by_hand(self, *words: str, fails: bool = False) -> str:
        """Let a person at the machine run dpkg; files of the pool by name and version (NAME=VERSION)."""
        files = {f"{deb.name}={deb.version}": str(self.hands.places.blob(deb.blob)) for deb in self.pool}
        rooted = (f"--root={self.root}", "--force-script-chrootless", "--force-not-root", "--force-bad-path")
        ran = subprocess.run(
            ["dpkg", *rooted, *(files.get(word, word) for word in words)],
            check=False,
            capture_output=True,
            text=True,
        )
        assert (ran.returncode != 0) == fails, ran.stderr
        return ran.stderr

    @property
    def system(self) -> System:
        """Return what dpkg has."""
        return look(self.hands)

    @property
    def has(self) -> dict[str, str]:
        """Return what is there and whole: name -> version."""
        return {name: one.version for name, one in self.system.packages.items() if one.is_there and one.is_whole}

    def packages(self, *wanted: str, gpu: tuple[str, ...] = (), pool: Iterable[Deb] | None = None) -> Packages:
        """Return a declaration: NAME=VERSION, with a ! behind it for a hold."""

        def read(text: str) -> Package:
            name, _, version = text.rstrip("!").partition("=")
            return Package(name, version, hold=text.endswith("!"))

        debs = tuple(self.pool if pool is None else pool)
        return Packages(tuple(map(read, wanted)), tuple(map(read, gpu)), debs)

    def step(self, *wanted: str, pool: Iterable[Deb] | None = None, gpu: tuple[str, ...] = ()) -> SystemPackages:
        """Return the step of the system's packages."""
        return SystemPackages(self.packages(*wanted, pool=pool, gpu=gpu))

    def serves(self, packages: Packages) -> None:
        """Let the store run a payload with these packages: a current slot."""
        self.sequence += 1
        node = Node(
            "node-1", "server", "10.0.0.1", Host(1, os=Os(packages)), K3s("v1", "sha256:0", "k3s.service", (), ())
        )
        data = Payload("store", "Store", (node,), (), {}).encode()
        self.hands.places.blob(digest_of(data)).write_bytes(data)
        sender = Sender("ada", "laptop")
        envelope = Envelope(
            "store", "node-1", digest_of(data), "sha256:0", "", self.sequence, "2026-01-01T00:00:00Z", sender
        )
        slots = Slots(self.hands.places)
        slots.promote(slots.accept(envelope))

    def look(self, step: SystemPackages | GpuPackages) -> Observation:
        """Probe."""
        return step.probe(self.hands)

    def converge(self, step: SystemPackages | GpuPackages) -> Verdict:
        """Do with one step what the engine does, in no time."""
        time = [0.0]

        def sleep(seconds: float) -> None:
            time[0] += seconds

        alone = replace(step, needs=())
        return converge([alone], self.hands, self.hands, say=lambda *_: None, clock=Clock(lambda: time[0], sleep))

    def settles(self, step: SystemPackages | GpuPackages) -> None:
        """Bring a step about; once more changes nothing."""
        said = self.converge(step)
        assert said.steps[0].status == "current", (said.steps[0].reason, said.steps[0].evidence)
        again = plan([replace(step, needs=())], self.hands, lambda *_: None, Clock(lambda: 0.0, lambda _: None))
        assert (again.steps[0].status, again.steps[0].differences) == ("current", ())

    def fails(self, step: SystemPackages | GpuPackages) -> str:
        """Try to bring a step about in vain, and return why; there is always evidence or a plain sentence."""
        (found,) = self.converge(step).steps
        assert found.status == "failed", found
        return found.reason
