"""The bundle: an OCI image layout directory with everything that a store can be sent, by digest.

Owns: `oci-layout`, `index.json`, `blobs/sha256/<hex>` and the annotations that name an artifact.
Must not know what an artifact is for, nor which store wants it.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from edgectl.control.staging import move_synced, staged
from edgectl.wire.document import digest_of
from edgectl.wire.errors import InvalidInput

LAYOUT_VERSION = "1.0.0"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
BLOB_TYPE = "application/octet-stream"
KINDS = ("k3s", "helm", "image", "chart", "model", "package", "payload", "runtime")
ANY_ARCH = "noarch"
_CHUNK_BYTES = 1 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Artifact:
    """One thing in the bundle. `refs` are the image names that it brings (images only); `size` is in bytes.

    `source` is the digest of what it was made from, where that has other bytes: an image's id, a published archive.
    """

    kind: str  # one of KINDS
    name: str
    version: str
    arch: str  # amd64 | arm64 | noarch
    refs: tuple[str, ...]
    digest: str
    size: int
    source: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it one and the same artifact: a later one with this key replaces it."""
        return (self.kind, self.name, self.version, self.arch)


class Bundle:
    """One bundle directory. Reading never writes; `add` may run in several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def create(cls, root: Path) -> Bundle:
        """Make an empty bundle, or open the one that is there."""
        (root / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        bundle = cls(root)
        with bundle._locked():
            if not (root / "index.json").exists():
                bundle._write([])
            if not (root / "oci-layout").exists():
                with staged(root / "oci-layout") as stream:
                    stream.write(json.dumps({"imageLayoutVersion": LAYOUT_VERSION}).encode() + b"\n")
        return bundle

    @classmethod
    def open(cls, root: Path) -> Bundle:
        """Open a bundle; InvalidInput when there is none, or its index cannot be read."""
        if not root.is_dir():
            raise InvalidInput(f"there is no bundle at {root}", hint=_HINT)
        if not (root / "oci-layout").is_file() or not (root / "index.json").is_file():
            raise InvalidInput(f"{root} is not a bundle: an OCI image layout has oci-layout and index.json", hint=_HINT)
        bundle = cls(root)
        bundle._artifacts()
        return bundle

    def add(
        self,
        source: Path | bytes,
        *,
        kind: str,
        name: str,
        version: str,
        arch: str = "amd64",
        refs: tuple[str, ...] = (),
        made_from: str = "",
        move: bool = False,
    ) -> Artifact:
        """Store a blob and name it; the same kind, name, version and arch is replaced. `move`: the file may go.

        An image takes the place of those for the same machines whose names it all brings.

        Crash-safe: the blob is on the disk under its digest before the index names it.
        """
        if kind not in KINDS:
            raise ValueError(f"a bundle holds {', '.join(KINDS)}, not {kind!r}")
        digest, size = self._store(source, move=move)
        artifact = Artifact(kind, name, version, arch, tuple(refs), digest, size, made_from)
        with self._locked():
            if artifact not in self._artifacts():
                others = [doc for doc in self._read() if not _is(doc, artifact)]
                self._write([*others, _descriptor(artifact)])
        return artifact

    @property
    def notes(self) -> dict[str, str]:
        """What the index says of itself: which edgectl and which commit of the inventory it was made with."""
        notes = self._document().get("annotations")
        return {str(name): str(value) for name, value in notes.items()} if isinstance(notes, dict) else {}

    @property
    def digest(self) -> str:
        """The digest of the index: two bundles with the same one hold the same."""
        return digest_of((self.root / "index.json").read_bytes())

    def note(self, **notes: str) -> None:
        """Write what the index says of itself; without a value it says so no more."""
        with self._locked():
            kept = {**self.notes, **{f"edgectl.{name}": value for name, value in notes.items()}}
            self._write(self._read(), {name: value for name, value in kept.items() if value})

    def name_only(self, artifacts: Iterable[Artifact]) -> None:
        """Name these and nothing else; all other blobs stay where they are."""
        with self._locked():
            self._write([_descriptor(artifact) for artifact in set(artifacts)])

    def drop_unnamed(self) -> None:
        """Take away the blobs that nothing names."""
        with self._locked():
            held = {artifact.digest.removeprefix("sha256:") for artifact in self._artifacts()}
            for path in (self.root / "blobs" / "sha256").iterdir():
                if path.name not in held:
                    path.unlink()

    def all(self, kind: str = "") -> tuple[Artifact, ...]:
        """Return every artifact (of one kind), sorted by kind, name, version and arch."""
        found = (artifact for artifact in self._artifacts() if kind in ("", artifact.kind))
        return tuple(sorted(found, key=lambda artifact: artifact.key))

    def find(self, *, kind: str, name: str, version: str = "", arch: str = "amd64") -> Artifact | None:
        """Return the artifact, of the newest version when none is asked for; what fits every machine fits `arch`."""
        fits = [
            found
            for found in self.all(kind)
            if found.name == name and version in ("", found.version) and found.arch in (arch, ANY_ARCH)
        ]
        return max(fits, key=lambda found: natural(found.version), default=None)

    def path(self, digest: str) -> Path:
        """Return where the blob of this digest lies; InvalidInput when the bundle has lost it."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"not a digest: {digest!r}")
        path = self.root / "blobs" / "sha256" / digest.removeprefix("sha256:")
        if not path.is_file():
            raise InvalidInput(f"{self.root} names {digest} but does not hold it: the bundle is incomplete", hint=_HINT)
        return path

    def blob(self, artifact: Artifact) -> Path:
        """Return where an artifact's blob lies; InvalidInput when it is gone or cut. Nodes check its digest."""
        path = self.path(artifact.digest)
        size = path.stat().st_size
        if size != artifact.size:
            raise InvalidInput(f"{path} is damaged: {size} bytes, not {artifact.size}", hint=_HINT)
        return path

    def _store(self, source: Path | bytes, *, move: bool = False) -> tuple[str, int]:
        with _reader(source) as stream:
            digest, size = _hash(stream)
        target = self.root / "blobs" / "sha256" / digest.removeprefix("sha256:")
        if target.is_file() and target.stat().st_size == size and _digest_of(target) == digest:
            return digest, size
        if move and isinstance(source, Path):
            move_synced(source, target)
            return digest, size
        with _reader(source) as stream, staged(target) as copy:
            if _hash(stream, copy) != (digest, size):
                raise InvalidInput(f"{source!s} changed while it was copied into {self.root}", hint="Add it again.")
        return digest, size

    def _artifacts(self) -> list[Artifact]:
        """Read the index; what bears no name of ours is somebody else's and left alone."""
        try:
            return [_from_descriptor(doc) for doc in self._read() if _names(doc)]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._unreadable(error) from error

    def _read(self) -> list[dict[str, Any]]:
        try:
            return list(self._document()["manifests"])
        except (KeyError, TypeError) as error:
            raise self._unreadable(error) from error

    def _document(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.root / "index.json").read_bytes()))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> InvalidInput:
        return InvalidInput(f"{self.root / 'index.json'} cannot be read as a bundle's index: {error!r}", hint=_HINT)

    def _write(self, manifests: list[dict[str, Any]], notes: dict[str, str] | None = None) -> None:
        """Write the index; its notes stay as they are where none are given."""
        if notes is None:
            notes = self.notes if (self.root / "index.json").exists() else {}
        ordered = sorted(manifests, key=lambda doc: json.dumps(_names(doc), sort_keys=True))
        doc: dict[str, Any] = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": ordered}
        if notes:
            doc["annotations"] = notes
        with staged(self.root / "index.json") as stream:
            stream.write(json.dumps(doc, indent=1, sort_keys=True).encode() + b"\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


_HINT = "Point `bundle:` at a bundle directory, or make one: edgectl bundle build (docs/bundles.md)."


def natural(version: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts v1.9 before v1.10."""
    parts = re.findall(r"\d+|[^\d]+", version)
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)


def _descriptor(artifact: Artifact) -> dict[str, Any]:
    annotations = {
        "edgectl.kind": artifact.kind,
        "edgectl.name": artifact.name,
        "edgectl.version": artifact.version,
        "edgectl.arch": artifact.arch,
    }
    if artifact.refs:
        annotations["edgectl.refs"] = ",".join(artifact.refs)
    if artifact.source:
        annotations["edgectl.source"] = artifact.source
    return {"mediaType": BLOB_TYPE, "digest": artifact.digest, "size": artifact.size, "annotations": annotations}


def _names(doc: dict[str, Any]) -> dict[str, str]:
    """Return the annotations of a descriptor of ours, nothing of another's."""
    names = doc.get("annotations") or {}
    return dict(names) if "edgectl.kind" in names else {}


def _is(doc: dict[str, Any], new: Artifact) -> bool:
    """Tell whether an entry is one that a new artifact replaces."""
    if not _names(doc):
        return False
    old = _from_descriptor(doc)
    renamed = (old.kind, old.arch) == (new.kind, new.arch) and bool(old.refs) and set(old.refs) <= set(new.refs)
    return old.key == new.key or renamed


def _from_descriptor(doc: dict[str, Any]) -> Artifact:
    names = _names(doc)
    if not _DIGEST.fullmatch(doc["digest"]):
        raise ValueError(f"not a digest: {doc['digest']!r}")
    if not all(isinstance(value, str) for value in names.values()):
        raise TypeError(f"{doc['digest']}: an annotation is no text")
    return Artifact(
        kind=names["edgectl.kind"],
        name=names["edgectl.name"],
        version=names["edgectl.version"],
        arch=names["edgectl.arch"],
        refs=tuple(ref for ref in names.get("edgectl.refs", "").split(",") if ref),
        digest=doc["digest"],
        size=int(doc["size"]),
        source=names.get("edgectl.source", ""),
    )


def _reader(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return _hash(stream)[0]


def _hash(stream: BinaryIO, copy: BinaryIO | None = None) -> tuple[str, int]:
    sha, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK_BYTES):
        sha.update(chunk)
        size += len(chunk)
        if copy is not None:
            copy.write(chunk)
    return "sha256:" + sha.hexdigest(), size
