"""A content-addressed cache of built parts in the user's cache directory.

Owns: where a part lies, that it is whole (staged, synced, renamed), that two processes do not build it twice,
and that old ones go. Must not know what any part is or how it is built.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

KEEP = 2
HEARTBEAT_SECONDS = 10.0
LOCK_LIMIT_SECONDS = 3600.0
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_DIGEST_CHARS = 16


class Say(Protocol):
    """Told what happens to a part: its name, what is being done, seconds since it began."""

    def __call__(self, name: str, what: str, seconds: float, /) -> None:
        """Take one line of progress."""


def to_stderr(name: str, what: str, seconds: float, /) -> None:
    """Print one line of progress for a person."""
    sys.stderr.write(f"  {name:<14} {what}" + (f"   {seconds:.0f} s\n" if seconds >= 1 else "\n"))
    sys.stderr.flush()


def cache_root() -> Path:
    """Return edgectl's folder in the user's cache directory (XDG base directory specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "edgectl"


def digest_inputs(*inputs: str | bytes | Path) -> str:
    """Return the digest of all that a part is made from: texts, bytes, files, and folders (names and contents)."""
    total = hashlib.sha256()
    for item in inputs:
        for label, data in _pieces(item):
            total.update(f"{label}\0{len(data)}\0".encode())
            total.update(data)
    return total.hexdigest()


def _pieces(item: str | bytes | Path) -> Iterator[tuple[str, bytes]]:
    if isinstance(item, Path):
        if not item.is_dir():
            yield item.name, item.read_bytes()
            return
        for path in sorted(path for path in item.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            yield path.relative_to(item).as_posix(), path.read_bytes()
        return
    yield "", item.encode() if isinstance(item, str) else item


def part(
    name: str,
    inputs: str,
    build: Callable[[Path], None],
    *,
    say: Say = to_stderr,
    root: Path | None = None,
    keep: int = KEEP,
) -> Path:
    """Return the folder of the part `name` made from inputs of digest `inputs`, building it when it is not there.

    `build(folder)` fills an empty folder; it becomes the part only when it returned and its bytes are on the disk.
    A second process that wants the same part waits for the first. The newest `keep` entries of the name stay.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"a part's name has small letters, digits and hyphens only: {name!r}")
    place = _place(name, inputs, root)
    parts = place.parent
    parts.mkdir(parents=True, exist_ok=True)
    if _use(place):
        return place
    with _lock(parts / f".{name}.lock", name, say):
        if _use(place):
            return place
        staging = parts / f".{name}.staging"
        _remove(staging)
        staging.mkdir()
        began = time.monotonic()
        try:
            with _heartbeat(name, say, began):
                build(staging)
            _sync(staging)
            staging.rename(place)
            _sync_folder(parts)
        finally:
            _remove(staging)
        say(name, "built", time.monotonic() - began)
        _prune(parts, name, place, keep)
    return place


def found(name: str, inputs: str, *, root: Path | None = None) -> Path | None:
    """Return the folder of a part that was built before, marked as used; None when it is not there."""
    place = _place(name, inputs, root)
    return place if _use(place) else None


def _place(name: str, inputs: str, root: Path | None) -> Path:
    return (root or cache_root()) / "parts" / f"{name}-{inputs[:_DIGEST_CHARS]}"


def _use(place: Path) -> bool:
    """Mark a part as used now (pruning keeps the newest); False when it is not there."""
    try:
        os.utime(place)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _lock(path: Path, name: str, say: Say) -> Iterator[None]:
    """Hold the build lock of one part name; the kernel frees it with its holder."""
    began = time.monotonic()
    with path.open("a") as handle:
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waited = time.monotonic() - began
                if waited > LOCK_LIMIT_SECONDS:
                    raise TimeoutError(f"another process has been building {name} for {waited:.0f} s") from None
                if not told:
                    say(name, "waiting: another process builds it", 0.0)
                    told = True
                time.sleep(0.5)
        yield


@contextmanager
def _heartbeat(name: str, say: Say, began: float) -> Iterator[None]:
    """Say every few seconds that the part is still being built."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            say(name, "building", time.monotonic() - began)

    say(name, "building", 0.0)
    thread = threading.Thread(target=beat, name=f"progress-{name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _prune(parts: Path, name: str, newest: Path, keep: int) -> None:
    """Remove all but the newest entries of one part."""
    entry = re.compile(re.escape(name) + rf"-[0-9a-f]{{{_DIGEST_CHARS}}}")
    others = [path for path in parts.iterdir() if entry.fullmatch(path.name) and path != newest]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for old in others[max(keep - 1, 0) :]:
        _remove(old)


def _remove(folder: Path) -> None:
    """Remove a folder, also one of a Go module cache, whose folders are read-only."""

    def retry(_call: object, path: str, _error: BaseException) -> None:
        Path(path).parent.chmod(0o755)
        Path(path).unlink() if not Path(path).is_dir() else Path(path).rmdir()

    if not folder.exists():
        return
    if sys.version_info >= (3, 12):
        shutil.rmtree(folder, onexc=retry)
    else:
        shutil.rmtree(folder, onerror=lambda call, path, error: retry(call, path, error[1]))


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            continue
        _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
