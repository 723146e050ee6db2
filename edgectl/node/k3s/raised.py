"""Step: the k3s binary. Before another minor version takes its place, k3s's datastore and token are copied aside.

A minor version goes one way: the newer one may change what is stored so that the older one cannot read it again. The
copy is what a person goes back with (docs/rollback.md). An embedded etcd is k3s's own to snapshot.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed, Observation
from edgectl.node.io.look import Hands
from edgectl.node.k3s.binary import Binary

KEEP = 2
_SAYS = re.compile(r"k3s version (v(\d+\.\d+)\.\S+)")


@dataclass(frozen=True)
class K3sBinary(Binary):
    """The binary of a server or an agent; an agent has no datastore."""

    def apply(self, write: Hands, seen: Observation) -> None:
        """Copy the datastore where it must be, then the binary."""
        try:
            self._keep_datastore(write)
        except OSError as error:
            raise ApplyFailed(f"k3s stays: its datastore could not be copied first: {error.strerror}") from error
        super().apply(write, seen)

    def _keep_datastore(self, write: Hands) -> None:
        server = write.places.k3s_data / "server"
        if not (server / "db/state.db").exists():
            return
        runs = _SAYS.search(write.run(str(write.places.root / "usr/local/bin" / self.program), "--version").out)
        if runs is None or self.version.startswith(f"v{runs[2]}."):
            return
        folder = write.places.backups / runs[1]
        write.copy_database(server / "db/state.db", folder / "state.db")
        write.copy(server / "token", folder / "token", mode=0o600)
        for old in sorted(write.places.backups.iterdir(), key=_age, reverse=True)[KEEP:]:
            shutil.rmtree(old, ignore_errors=True)


def _age(folder: Path) -> float:
    return folder.stat().st_mtime
