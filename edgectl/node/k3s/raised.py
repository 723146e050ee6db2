"""Step: the k3s binary. Before another version takes its place, k3s's datastore and token are copied aside.

A minor version goes one way: the newer one may change what is stored so that the older one cannot read it again. So
where an older minor version is to come back, because the newer one never served, the copy comes back with it
(docs/upgrade.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status
from edgectl.node.converge.slots import Slots
from edgectl.node.io.look import Hands, Look
from edgectl.node.k3s import saved
from edgectl.node.k3s.binary import Binary
from edgectl.node.k3s.program import installed, said, stores
from edgectl.wire.k3s import parse

TAKEN_OVER = "taken-over"  # the copy's name where it is not known which version has stored it


@dataclass(frozen=True)
class K3sBinary(Binary):
    """The binary of a server or an agent; an agent has no datastore."""

    def probe(self, read: Look) -> Observation:
        """Compare the bytes; where they differ, say which version they are of."""
        seen = super().probe(read)
        if seen.status is not Status.DRIFTED or not (runs := self._runs(read)[1]) or runs == self.version:
            return seen
        more = f"k3s is {runs}"
        if self._is_newer(runs) and stores(read):
            more += "; a minor version cannot go back on what it has stored: the datastore from before comes back"
        return replace(seen, reason=more)

    def apply(self, write: Hands, seen: Observation) -> None:
        """Copy the datastore, or put it back, where it must be; then the binary."""
        program, runs = self._runs(write)
        if runs and self._is_newer(runs) and stores(write):
            self._go_back(write, runs)
        elif (runs and runs != self.version) or _is_anothers(write):
            try:
                saved.save(write, runs or TAKEN_OVER, f"before {self.version}", program)
            except OSError as error:
                raise ApplyFailed(f"k3s stays: its datastore could not be copied first: {error.strerror}") from error
        super().apply(write, seen)

    def _go_back(self, write: Hands, runs: str) -> None:
        folder = saved.kept(write, self.version)
        if folder is None:
            raise ApplyFailed(
                f"{runs} stays: {self.version} cannot read what it has stored, and there is no copy from before in "
                f"{write.places.backups / self.version}"
            )
        try:
            saved.put_back(write, folder)
        except OSError as error:
            raise ApplyFailed(f"{runs} stays: the datastore could not be put back: {error.strerror}") from error

    def _runs(self, read: Look) -> tuple[Path, str]:
        """Return the installed program, and which version it says that it is; "" where it cannot say it."""
        program = read.places.root / "usr/local/bin" / self.program
        return installed(read) if _is_anothers(read) else (program, said(read, program))

    def _is_newer(self, runs: str) -> bool:
        """Tell whether another minor version than the declared one, a newer one, is installed."""
        have, want = parse(runs), parse(self.version)
        return have is not None and want is not None and have[:2] > want[:2]


def _is_anothers(read: Look) -> bool:
    """Tell whether what lies here was not made by a deploy: its k3s may be anywhere, and what it stored is copied."""
    return Slots(read.places).current is None and not read.places.restored.is_file()
