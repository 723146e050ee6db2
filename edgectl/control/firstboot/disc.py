"""A set of first-boot files as a disc image: written to a stick as it is, or given to a machine as virtual media.

Owns the ISO 9660 and its label. Must not know what is in the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from edgectl.control.firstboot.files import LABEL
from edgectl.control.firstboot.machine import FirstBootFile
from edgectl.control.staging import staged
from edgectl.wire.errors import InvalidInput

ENDING = ".iso"
_FILE, _PRIVATE = 0o100444, 0o100400  # S_IFREG: what Rock Ridge calls a mode has the kind in it


def check(path: Path, *, force: bool) -> None:
    """Raise InvalidInput where a file is there already, unless it may be written over."""
    if not path.parent.is_dir():
        raise InvalidInput(f"there is no folder {path.parent}", hint="make it, or name another place with --to")
    if path.exists() and (not path.is_file() or not force):
        raise InvalidInput(f"{path} is there already", hint="name another file, or --force to write over it")


@contextmanager
def staged_disc(path: Path, files: Sequence[FirstBootFile]) -> Iterator[None]:
    """Write the image; it takes its place when the block ends well. Else nothing of it is left."""
    with staged(path, mode=0o600) as stream:
        write(stream, files)
        stream.flush()
        yield


def write(stream: BinaryIO, files: Sequence[FirstBootFile]) -> None:
    """Write a set as an ISO 9660 whose long names every system reads: Rock Ridge for Linux, Joliet for Windows."""
    from pycdlib import PyCdlib

    disc = PyCdlib()
    disc.new(interchange_level=3, vol_ident=LABEL, joliet=3, rock_ridge="1.09")
    folders: dict[PurePosixPath, str] = {PurePosixPath(): ""}
    for number, file in enumerate(files):
        name = PurePosixPath(file.name)
        if name.parent not in folders:
            plain = f"/FOLDER{len(folders)}"
            disc.add_directory(plain, rr_name=str(name.parent), joliet_path=f"/{name.parent}")
            folders[name.parent] = plain
        data = file.text.reveal().encode()
        disc.add_fp(
            BytesIO(data),
            len(data),
            f"{folders[name.parent]}/FILE{number}.;1",
            rr_name=name.name,
            joliet_path=f"/{name}",
            file_mode=_PRIVATE if file.private else _FILE,
        )
    disc.write_fp(stream)
    disc.close()
