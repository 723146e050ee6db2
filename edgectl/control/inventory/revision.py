"""The inventory as it was in another git revision, with all that lies beside it there.

Owns how a revision is unpacked. Must not know what is compared.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgectl.wire.errors import InvalidInput

_SECONDS = 120.0


@contextmanager
def at_revision(inventory: Path, revision: str) -> Iterator[Path]:
    """Give the path of the inventory file as of a revision; InvalidInput when git knows neither it nor the file."""
    folder = inventory.resolve().parent
    root = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
    inside = inventory.resolve().relative_to(root)
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode()
    archive = _git(root, "archive", "--format=tar", commit.strip())
    with tempfile.TemporaryDirectory(prefix="edgectl-revision-") as place:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(place, filter=_within)  # noqa: S202 - the filter is stricter than "data"
        found = Path(place) / inside
        if not found.is_file():
            raise InvalidInput(f"{revision} has no {inside}", hint=f"git log -- {inside} shows where it begins")
        yield found


def _within(member: tarfile.TarInfo, place: str) -> tarfile.TarInfo | None:
    """Leave out what leads elsewhere: a link to a bundle, say, which both sides take from today."""
    try:
        return tarfile.data_filter(member, place)
    except tarfile.FilterError:
        return None


def _git(folder: Path, *words: str) -> bytes:
    try:
        ran = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InvalidInput(f"git cannot be asked: {error}", hint="is git installed here?") from error
    if ran.returncode != 0:
        said = ran.stderr.decode(errors="replace").strip()
        if "not a git repository" in said:
            hint = "git keeps what there is to compare with: git init, commit, then edgectl inventory diff HEAD"
            raise InvalidInput(f"{folder} lies in no git repository", hint=hint)
        what = f"git has no revision {words[-1].removesuffix('^{commit}')!r}" if "--verify" in words else "git failed"
        raise InvalidInput(what, details=(f"$ git {' '.join(words)}", *((said,) if said else ())))
    return ran.stdout
