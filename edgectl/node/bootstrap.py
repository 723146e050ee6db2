"""Receive an engine on standard input, unpack it durably, become it: the first program on a bare node.

Runs inside `python3 -I -c ... FOLDER ARGUMENT...`; FOLDER is .../runtimes/<sha256 of the tar>. Standard library only,
one file: it travels before the engine does. It reads a line with the length of the compressed tar, then so many bytes
and never more: what follows belongs to the engine. It says `edgectl-link run` or `edgectl-link failed <json>`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import lzma
import os
import py_compile
import shutil
import sys
import tarfile
from pathlib import Path


def main() -> None:
    """Receive, verify, unpack, and exec the engine."""
    folder, arguments = Path(sys.argv[1]), sys.argv[2:]
    length = b""
    while not length.endswith(b"\n"):
        length += receive(1)
    data = receive(int(length))
    try:
        install(lzma.decompress(data), folder)
    except (OSError, ValueError, tarfile.TarError, EOFError, lzma.LZMAError) as error:
        fail(error, folder)
    os.write(1, b"\nedgectl-link run\n")
    os.execv(sys.executable, [sys.executable, "-I", str(folder), *arguments])  # noqa: S606 - no shell is wanted


def receive(count: int) -> bytes:
    """Read exactly `count` bytes, unbuffered."""
    data = bytearray()
    while len(data) < count:
        piece = os.read(0, min(count - len(data), 1 << 16))
        if not piece:
            raise SystemExit(75)  # the link broke: nobody is left to tell
        data += piece
    return bytes(data)


def install(tar: bytes, folder: Path) -> None:
    """Unpack beside the place, sync, rename: the folder is complete or not there."""
    found = hashlib.sha256(tar).hexdigest()
    if found != folder.name:
        raise ValueError(f"the archive came damaged: its sha256 is {found}")
    if folder.is_dir():
        return
    folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    clean(folder.parent)
    staging = folder.with_name(f"{folder.name}.new-{os.getpid()}")
    try:
        unpack(tar, staging, folder)
        try:
            staging.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise  # else somebody else was faster, with the same bytes
        sync(folder.parent)
        sync(folder.parent.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def unpack(tar: bytes, staging: Path, folder: Path) -> None:
    """Write and compile every file into `staging`, which becomes `folder`, and sync all of it."""
    staging.mkdir(0o755)
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        for entry in archive:
            source = archive.extractfile(entry) if entry.isfile() else None
            if source is None or entry.name.startswith("/") or ".." in entry.name.split("/"):
                raise ValueError(f"the archive holds something else than files: {entry.name}")
            path = staging / entry.name
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            path.write_bytes(source.read())
            path.chmod(0o755 if entry.mode & 0o100 else 0o644)
            if path.suffix == ".py":
                # The engine itself never writes bytecode (a power cut could tear it). This one bears the final place's
                # name, and its source is never compared: the folder does not change.
                py_compile.compile(
                    str(path),
                    dfile=str(folder / entry.name),
                    quiet=2,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )
    for path in (*staging.rglob("*"), staging):
        sync(path)


def clean(parent: Path) -> None:
    """Remove what killed bootstraps have left, one that had this number too; one that still runs keeps its own."""
    for path in parent.glob("*.new-*"):
        number = path.name.rpartition("-")[2]
        if number == str(os.getpid()) or not Path("/proc", number).is_dir():
            shutil.rmtree(path, ignore_errors=True)


def sync(path: Path) -> None:
    """Make a file's or a folder's content survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fail(error: Exception, folder: Path) -> None:
    """Say why, in one line, and end."""
    said = {
        "errno": getattr(error, "errno", None),
        "message": getattr(error, "strerror", None) or str(error),
        "path": str(getattr(error, "filename", None) or folder),
    }
    place = folder
    while not place.is_dir():
        place = place.parent
    with contextlib.suppress(OSError):
        space = os.statvfs(place)
        said["free_bytes"], said["free_files"] = space.f_bavail * space.f_frsize, space.f_favail
    os.write(1, b"\nedgectl-link failed " + json.dumps(said).encode() + b"\n")
    raise SystemExit(73)


if __name__ == "__main__":
    main()
