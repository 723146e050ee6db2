"""The engine as one archive: `edgectl/node` and `edgectl/wire`, named by the digest of its content.

Owns what travels and in which form: the same sources give the same bytes on every operator's machine.
Must not know nodes or links. edgectl's version is not in it, so a new edgectl alone changes nothing on a node.
"""

from __future__ import annotations

import functools
import io
import lzma
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import edgectl
from edgectl.wire.document import digest_of

_PARTS = ("node", "wire")
_SUFFIXES = {".py", ".sh", ".service", ".timer", ".path", ".socket", ".conf", ".json", ".txt"}
_TEXT = {"lc": 4, "lp": 0, "pb": 0}  # what xz's manual has for text: four bits of the byte before, no alignment
_STUB = b'"""The part of edgectl that runs on a node."""\n'
# No bytecode is written at run time: a power cut could tear it; the bootstrap compiles, durably, once.
_MAIN = b"""\"\"\"The engine: `python3 -I <this folder> session | converge | ...`.\"\"\"

import gc
import sys

sys.dont_write_bytecode = True
gc.set_threshold(10_000)  # a tenth of the start-up was spent on looking through what is there to stay

from edgectl.node.main import main  # noqa: E402 - the line above must come first

sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class RuntimeArchive:
    """`digest` is `sha256:<hex>` of `tar`: another zlib on another machine gives the same name."""

    digest: str
    tar: bytes = field(repr=False)

    @property
    def data(self) -> bytes:
        """What crosses the link, compressed: only when the node lacks the engine."""
        with _PACKS:  # many nodes may lack it at once
            return _packed(self.tar)

    @property
    def hex(self) -> str:
        """The folder's name on the node."""
        return self.digest.removeprefix("sha256:")


_PACKS = Lock()


@functools.lru_cache(maxsize=1)
def _packed(tar: bytes) -> bytes:
    return lzma.compress(tar, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6 | lzma.PRESET_EXTREME, **_TEXT}])


@functools.cache
def runtime() -> RuntimeArchive:
    """Return the installed package's engine; packed once a process."""
    return pack(sources(Path(edgectl.__file__).parent))


def sources(package: Path) -> dict[str, bytes]:
    """Return what travels: path in the archive -> content."""
    files = {"__main__.py": _MAIN, "edgectl/__init__.py": _STUB}
    for part in _PARTS:
        for path in (package / part).rglob("*"):
            if path.suffix in _SUFFIXES and path.is_file() and "__pycache__" not in path.parts:
                files[f"edgectl/{path.relative_to(package).as_posix()}"] = path.read_bytes()
    return files


def _order(name: str) -> tuple[str, int, str]:
    """Return where a file stands among the others."""
    return Path(name).suffix, name.count("/"), name


def pack(files: dict[str, bytes]) -> RuntimeArchive:
    """Pack files deterministically: sorted by kind, depth and name, no times, no owners; scripts are executable."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files, key=_order):  # alike beside alike: xz finds more
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            entry.mode = 0o755 if name.endswith(".sh") else 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return RuntimeArchive(digest_of(packed.getvalue()), packed.getvalue())
