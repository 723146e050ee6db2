"""Chart folders packed so that the same files give the same bytes on every machine.

Owns the archive's form. Must not know what the chart installs, nor run Helm.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edgectl.control.cache import cache
from edgectl.control.kubeyaml import load_all
from edgectl.control.staging import staged
from edgectl.wire.document import digest_of
from edgectl.wire.errors import InvalidInput

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # RFC 1952: deflate, no name, no time, unknown system
_STORED_BYTES = 0xFFFF  # RFC 1951, 3.2.4: the most that one stored block holds


@dataclass(frozen=True, slots=True)
class Chart:
    """One packed chart; `path` is the archive that holds it."""

    name: str
    version: str
    digest: str
    size: int
    path: Path

    def values(self) -> dict[str, Any]:
        """Return the chart's own default values; {} when it has none."""
        with tarfile.open(self.path) as archive:
            try:
                found = archive.extractfile(f"{self.name}/values.yaml")
            except KeyError:
                return {}
            doc = load_all(found.read().decode())[0] if found else {}
        return doc if isinstance(doc, dict) else {}


def pack(folder: Path) -> Chart:
    """Pack a chart folder into the user's cache and return it; InvalidInput when it is no chart.

    Hidden files, backups (`~`) and Python's caches stay out; a link is refused: it packs what lies elsewhere.
    """
    name, version = _identity(folder)
    data = _gzip(_tar(folder, name))
    digest = digest_of(data)
    path = cache("charts") / f"{digest.removeprefix('sha256:')}.tgz"
    if not path.is_file() or path.stat().st_size != len(data):
        with staged(path) as stream:
            stream.write(data)
    return Chart(name=name, version=version, digest=digest, size=len(data), path=path)


def _identity(folder: Path) -> tuple[str, str]:
    file = folder / "Chart.yaml"
    try:
        doc: Any = load_all(file.read_text(encoding="utf-8"))[0]
        return str(doc["name"]), str(doc["version"])
    except (OSError, UnicodeError, yaml.YAMLError, LookupError, TypeError) as error:
        raise InvalidInput(
            f"{folder} is not a chart: {file.name} must give its name and version",
            hint="See https://helm.sh/docs/topics/charts/ for what a chart folder holds.",
            details=(f"{file}: {error}",),
        ) from error


def _tar(folder: Path, name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
            inside = path.relative_to(folder)
            if any(part.startswith(".") or part.endswith("~") or part == "__pycache__" for part in inside.parts):
                continue
            if path.is_symlink():
                raise InvalidInput(f"{path} is a link: a chart must hold its own files", hint="Copy the file there.")
            if path.is_file():
                data = path.read_bytes()
                entry = tarfile.TarInfo(f"{name}/{inside.as_posix()}")
                entry.size, entry.mode = len(data), 0o644
                archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _gzip(data: bytes) -> bytes:
    """Wrap bytes as gzip without compressing: zlib's and zlib-ng's compressed bytes differ, stored blocks do not."""
    blocks = [data[start : start + _STORED_BYTES] for start in range(0, len(data), _STORED_BYTES)] or [b""]
    body = b"".join(
        struct.pack("<BHH", index == len(blocks) - 1, len(block), len(block) ^ _STORED_BYTES) + block
        for index, block in enumerate(blocks)
    )
    return _GZIP_HEADER + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
