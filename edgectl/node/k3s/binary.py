"""Step: a program lies in /usr/local/bin with the declared bytes (k3s, Helm)."""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.wire.envelope import short


@dataclass(frozen=True)
class Binary:
    """`names` are further names for the same program, as k3s's own installer makes them."""

    id: str
    title: str
    program: str  # its file name in /usr/local/bin
    version: str
    digest: str
    names: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # not even the blobs: what is installed must not wait for what is not
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Compare the bytes, not a version string that a half-written file could still print."""
        folder = read.places.root / "usr/local/bin"
        have = read.digest(folder / self.program)
        if have != self.digest:
            differences = (
                (f"/usr/local/bin/{self.program}", short(have or ""), f"{self.version} {short(self.digest)}"),
            )
            reason = f"{self.program} is {'not installed' if have is None else 'another build'}"
            return Observation(Status.DRIFTED, reason, differences=differences)
        if read.mode(folder / self.program) != 0o755:  # noqa: PLR2004 - the usual mode of a program
            return Observation(Status.DRIFTED, f"{self.program} cannot be run by everybody")
        missing = [name for name in self.names if not (folder / name).exists()]
        if missing:
            return Observation(Status.DRIFTED, f"{', '.join(missing)} do not point to {self.program}")
        return Observation(Status.CURRENT, self.version)

    def apply(self, write: Hands, seen: Observation) -> None:
        """Copy, rename over: a running program keeps its old file."""
        del seen
        folder = write.places.root / "usr/local/bin"
        try:
            if write.digest(folder / self.program) != self.digest:
                write.copy(write.places.blob(self.digest), folder / self.program, mode=0o755)
            (folder / self.program).chmod(0o755)
            for name in self.names:
                if not (folder / name).exists():
                    (folder / name).unlink(missing_ok=True)
                    (folder / name).symlink_to(self.program)
        except OSError as error:
            raise ApplyFailed(f"{self.program} could not be installed: {error.strerror}") from error
