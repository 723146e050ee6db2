"""A file is old or new, never torn, whatever fails and whenever the power goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from edgectl.node.io import files
from edgectl.node.io.files import copy_atomic, link_atomic, sha256_of, sync_dir, write_atomic
from edgectl.wire.document import digest_of
from tests.unit.node.faults import Disk, Killed, sweep

OLD, NEW = b"old" * 100, b"new" * 1000


def write(path: Path) -> None:
    """Replace by bytes."""
    write_atomic(path, NEW, mode=0o600)


def copy(path: Path) -> None:
    """Replace by another file."""
    copy_atomic(path.with_name("source"), path, mode=0o600)


def torn(path: Path) -> None:
    """Replace as a careless program does: the seeded fault."""
    with path.open("wb") as file:
        file.write(NEW)


def tears(place: Path, replace: Callable[[Path], None]) -> int:
    """Fail at each operation; returns how often the file was neither old nor new, or a retry did not heal."""
    wrong = 0

    def attempt(disk: Disk, number: int) -> bool:
        nonlocal wrong
        folder = place / f"{replace.__name__}-{number}-{disk._kill}"
        folder.mkdir()
        path = folder / "file"
        path.write_bytes(OLD)
        path.with_name("source").write_bytes(NEW)
        with disk.armed(), suppress(OSError, Killed):
            replace(path)
        wrong += path.read_bytes() not in {OLD, NEW}
        replace(path)
        wrong += path.read_bytes() != NEW
        wrong += len([item for item in folder.iterdir() if item.name not in {"file", "source"}])
        return disk.reached

    assert sweep(attempt) > 2
    return wrong


@pytest.mark.parametrize("replace", [write, copy])
def test_old_or_new_never_torn(tmp_path: Path, replace: Callable[[Path], None]) -> None:
    """Fail or kill the N-th operation until none is left: old bytes or new bytes, and the next attempt succeeds."""
    assert tears(tmp_path, replace) == 0


def test_the_sweep_bites(tmp_path: Path) -> None:
    """Seeded fault: a plain write in place is found torn."""
    assert tears(tmp_path, torn) > 0


@pytest.mark.parametrize("replace", [write, copy])
def test_bytes_are_durable_before_they_have_their_name(tmp_path: Path, replace: Callable[[Path], None]) -> None:
    """Fsync of the file, then the rename, then fsync of the folder: a power cut never leaves an empty file."""
    (tmp_path / "source").write_bytes(NEW)
    disk = Disk(10_000, kill=False)
    with disk.armed():
        replace(tmp_path / "file")
    names = [name for name, _ in disk.done]
    assert names.index("write") < names.index("fsync") < names.index("replace") < len(names) - 1
    assert names[-1] == "fsync"


def test_a_failed_write_leaves_no_rubbish(tmp_path: Path) -> None:
    """A disk that is full is not filled further by our temporary files."""
    disk = Disk(2, kill=False)
    with disk.armed(), pytest.raises(OSError, match="No space"):
        write_atomic(tmp_path / "file", NEW)
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_is_not_there_costs_nothing(tmp_path: Path) -> None:
    """No descriptor and no file, however often it is tried. Seeded: the target opened first."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            copy_atomic(tmp_path / "gone", tmp_path / "file", mode=0o600)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    assert list(tmp_path.iterdir()) == []


def test_the_mode_is_the_declared_one(tmp_path: Path) -> None:
    """Whatever the umask is, and already when the name appears."""
    before = os.umask(0o077)
    try:
        write_atomic(tmp_path / "a", b"", mode=0o644)
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o644
    write_atomic(tmp_path / "a", b"", mode=0o600)
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o600


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    """A symbolic link under the temporary name does not lead our bytes elsewhere."""
    (tmp_path / "victim").write_bytes(OLD)
    (tmp_path / ".file.edgectl-new").symlink_to(tmp_path / "victim")
    with suppress(OSError):
        write_atomic(tmp_path / "file", NEW)
    assert (tmp_path / "victim").read_bytes() == OLD


def test_a_link_is_old_or_new(tmp_path: Path) -> None:
    """Switching a slot's link: before or after, never gone."""

    def attempt(disk: Disk, number: int) -> bool:
        path = tmp_path / f"link-{number}-{disk._kill}"
        path.symlink_to("1")
        with disk.armed(), suppress(OSError, Killed):
            link_atomic(path, "2")
        assert path.readlink().name in {"1", "2"}
        link_atomic(path, "2")
        assert path.readlink().name == "2"
        return disk.reached

    assert sweep(attempt) > 4


def test_a_digest_is_of_all_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in pieces; what is not a file has none."""
    monkeypatch.setattr(files, "_CHUNK", 7)
    (tmp_path / "a").write_bytes(NEW)
    assert sha256_of(tmp_path / "a") == digest_of(NEW)
    assert sha256_of(tmp_path / "none") is None
    assert sha256_of(tmp_path) is None
    assert sha256_of(tmp_path / "a" / "b") is None


def test_only_a_folder_can_be_synced(tmp_path: Path) -> None:
    """A file in its place is an error, not a silent success."""
    sync_dir(tmp_path)
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(OSError, match="Not a directory"):
        sync_dir(tmp_path / "a")
