"""What an image archive must be before containerd may read it; both sides hold it against this.

Owns: that judgement. Reads every byte once, in bounded memory. What is inside of a layer is containerd's to confine,
which unpacks below the image's own root; here only that no layer makes more than it looks like.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from edgectl.wire.layers import named
from edgectl.wire.tar import FOLDER, REGULAR, Member, Seeking, TarError, members, shown

MANIFEST, INDEX, LAYOUT = "manifest.json", "index.json", "oci-layout"
_MOST_MEMBERS, _MOST_IN_LAYER = 10_000, 1_000_000
_MOST_IMAGES, _MOST_LAYERS = 256, 512
_JSON_BYTES = 1 << 20
_HOLES_BYTES = 1 << 30  # that a layer may make beyond its own bytes: sparse files claim what is not there
_PACKED_BYTES, _PACKED_TIMES = 64 << 20, 50  # a packed layer may make so much, or so many times its bytes
_BOMB = "it makes more than it looks like: a bomb"
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_JSON_NAME = re.compile(r"(?:blobs/sha256/)?([0-9a-f]{64})(?:\.json)?")
_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")


class BadArchive(ValueError):
    """An archive that containerd must not read; the sentence says what is wrong with it."""


def judge(file: BinaryIO, beat: Callable[[], object] = lambda: None) -> None:
    """Read an image archive; BadArchive says the first thing that is wrong. `beat` is called every MiB."""
    try:
        found = _Archive(file, beat)
        if not found.images:
            raise BadArchive("it has no image")
        for image in found.images:
            found.judge(image)
        found.judge_names()
    except TarError as error:
        raise BadArchive(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Image:
    config: str
    layers: tuple[str, ...]


@dataclass
class _Archive:
    file: BinaryIO
    beat: Callable[[], object]
    members: dict[str, Member] = field(default_factory=dict)
    images: list[_Image] = field(default_factory=list)
    _digests: dict[str, str] = field(default_factory=dict)  # of members that were read
    _judged: dict[str, str] = field(default_factory=dict)  # layers by member: the digest of what is in them

    def __post_init__(self) -> None:
        size = self.file.seek(0, io.SEEK_END)
        for member in members(Seeking(self.file, 0, size), most=_MOST_MEMBERS):
            self._take(member)
        if LAYOUT not in self.members and MANIFEST not in self.members:
            raise BadArchive(f"it has neither {MANIFEST} nor {LAYOUT}: no image archive")
        if MANIFEST in self.members:
            self.images += self._docker()
        if LAYOUT in self.members:  # containerd then reads this one
            self.images += self._oci()

    def _take(self, member: Member) -> None:
        name = posixpath.normpath(member.name)
        if not member.name or not member.name.isprintable():
            raise BadArchive(f"member {shown(member.name)!r} has no name that can be read")
        if member.name.startswith("/"):
            raise BadArchive(f"member {shown(member.name)} has an absolute name")
        if ".." in member.name.split("/"):
            raise BadArchive(f"member {shown(member.name)} leads out of the archive")
        if member.kind not in (REGULAR, FOLDER) or member.real != member.size:
            raise BadArchive(f"member {shown(member.name)} is neither a file nor a folder")
        if member.kind == FOLDER and member.size:
            raise BadArchive(f"member {shown(member.name)} is a folder with bytes")
        if name in self.members:
            raise BadArchive(f"member {shown(name)} is there twice")
        self.members[name] = member

    def _docker(self) -> Iterator[_Image]:
        entries = self._json(MANIFEST)
        if not isinstance(entries, list) or not 0 < len(entries) <= _MOST_IMAGES:
            raise BadArchive(f"{MANIFEST} is no list of images")
        for entry in entries:
            layers = entry.get("Layers") if isinstance(entry, dict) else None
            tags = entry.get("RepoTags") if isinstance(entry, dict) else None
            if not isinstance(entry, dict) or not isinstance(entry.get("Config"), str) or not _texts(layers):
                raise BadArchive(f"{MANIFEST} names no Config or no Layers")
            if tags is not None and not _texts(tags):
                raise BadArchive(f"{MANIFEST} has names of images that are no text")
            yield _Image(entry["Config"], tuple(layers or ()))

    def _oci(self) -> Iterator[_Image]:
        version = self._json(LAYOUT)
        if not isinstance(version, dict) or version.get("imageLayoutVersion") != "1.0.0":
            raise BadArchive(f"{LAYOUT} is of no version that is known here")
        pending, seen, found = [INDEX], set[str](), 0
        while pending:
            name = pending.pop()
            doc = self._json(name)
            children = doc.get("manifests") if isinstance(doc, dict) else None
            if name == INDEX or (isinstance(doc, dict) and doc.get("mediaType") in _INDEXES):
                if not isinstance(children, list) or len(children) > _MOST_IMAGES:
                    raise BadArchive(f"{shown(name)} is no list of manifests")
                for child in map(_blob, children):
                    if child in seen or (child not in self.members and name != INDEX):
                        continue  # an index may name machines whose images are elsewhere
                    seen.add(child)
                    pending.append(child)
                continue
            layers = doc.get("layers") if isinstance(doc, dict) else None
            if not isinstance(layers, list) or len(layers) > _MOST_LAYERS:
                raise BadArchive(f"{shown(name)} is no manifest of an image")
            found += 1
            config = _blob(doc.get("config"))
            for layer in map(_blob, layers):
                self._file(layer)
            self._file(config)
            if all("tar" in str(layer.get("mediaType")) for layer in layers):
                yield _Image(config, tuple(map(_blob, layers)))
        if not found:
            raise BadArchive("it names no image that is in it")

    def judge(self, image: _Image) -> None:
        """Hold an image's config and layers against each other."""
        config = self._json(image.config)
        rootfs = config.get("rootfs") if isinstance(config, dict) else None
        diffs = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        diffs = [] if diffs is None else diffs
        if not isinstance(rootfs, dict) or not isinstance(diffs, list) or len(diffs) != len(image.layers):
            raise BadArchive(f"the config {shown(image.config)[:19]} does not name the layers that its image has")
        for digest, name in zip(diffs, image.layers, strict=True):
            wanted = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
            if wanted is None:
                raise BadArchive(f"the config {shown(image.config)[:19]} names a layer by no digest")
            if name not in self._judged:
                self._judged[name] = self._layer(name)
            if self._judged[name] != wanted[1]:
                raise BadArchive(f"layer {wanted[1][:12]} has other bytes than its digest says")

    def judge_names(self) -> None:
        """Hold what is named by a digest against it, whether an image uses it or not."""
        for name, member in self.members.items():
            digest = named(name) or (found[1] if (found := _JSON_NAME.fullmatch(name)) else "")
            if not digest or member.kind != REGULAR:
                continue
            if name not in self._digests:
                self._digests[name] = _drained(_Hashing(Seeking(self.file, member.offset, member.size), self.beat))
            if self._digests[name] != digest:
                raise BadArchive(f"member {shown(name)[:90]} has other bytes than its name says")

    def _file(self, name: str) -> Member:
        member = self.members.get(posixpath.normpath(name))
        if member is None or member.kind != REGULAR:
            raise BadArchive(f"{shown(name)} is named, and is no file in it")
        return member

    def _json(self, name: str) -> Any:
        member = self._file(name)
        if member.size > _JSON_BYTES:
            raise BadArchive(f"{shown(name)} is larger than {_JSON_BYTES >> 20} MiB")
        self.file.seek(member.offset)
        data = self.file.read(member.size)
        self._digests[posixpath.normpath(name)] = hashlib.sha256(data).hexdigest()
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BadArchive(f"{shown(name)} cannot be read: {type(error).__name__}") from error

    def _layer(self, name: str) -> str:
        """Read a layer; return the digest of the tar in it."""
        member = self._file(name)
        whole = _Hashing(Seeking(self.file, member.offset, member.size), self.beat)
        head = self.file.read(2)
        self.file.seek(member.offset)
        plain: _Hashing | None = None
        if head == _GZIP:
            plain = _Hashing(_Unpacked(whole, max(_PACKED_BYTES, member.size * _PACKED_TIMES)), self.beat)
        source = plain or whole
        try:
            made = 0
            for one in members(source, most=_MOST_IN_LAYER, strict=False):
                made += one.real
                if made > max(source.count, member.size) + _HOLES_BYTES:
                    raise BadArchive(f"layer {shown(name)[:19]}: {_BOMB}")
            inside = _drained(source)
        except (TarError, zlib.error) as error:
            raise BadArchive(f"layer {shown(name)[:19]}: {error}") from error
        self._digests[posixpath.normpath(name)] = _drained(whole)
        return inside


class _Hashing:
    """A source that is hashed as it goes by."""

    def __init__(self, source: Any, beat: Callable[[], object]) -> None:
        self._source = source
        self._beat = beat
        self.sha = hashlib.sha256()
        self.count = 0

    def read(self, count: int, /) -> bytes:
        data: bytes = self._source.read(count)
        self.sha.update(data)
        self.count += len(data)
        return data

    def skip(self, count: int, /) -> bool:
        while count:
            data = self.read(min(count, _CHUNK))
            if not data:
                return False
            if len(data) == _CHUNK:
                self._beat()
            count -= len(data)
        return True


class _Unpacked:
    """What a gzip source holds, no more than `most` bytes of it."""

    def __init__(self, source: _Hashing, most: int) -> None:
        self._source = source
        self._most = most
        self._stream = zlib.decompressobj(wbits=31)
        self._ready = bytearray()
        self._rest = b""

    def read(self, count: int, /) -> bytes:
        while len(self._ready) < count and self._more():
            pass
        data = bytes(self._ready[:count])
        del self._ready[: len(data)]
        self._most -= len(data)
        if self._most < 0:
            raise TarError(_BOMB)
        return data

    def skip(self, count: int, /) -> bool:
        while count:
            data = self.read(min(count, _CHUNK))
            if not data:
                return False
            count -= len(data)
        return True

    def _more(self) -> bool:
        data = self._rest or self._source.read(_CHUNK // 16)
        if self._stream.eof:
            data = self._stream.unused_data + data
            if not data:
                return False
            self._stream = zlib.decompressobj(wbits=31)  # gzip's members may follow each other
        elif not data:
            raise TarError("its packed bytes end early")
        self._ready += self._stream.decompress(data, _CHUNK)
        self._rest = self._stream.unconsumed_tail
        return True


def _drained(source: _Hashing) -> str:
    while source.skip(_CHUNK):
        pass
    return source.sha.hexdigest()


def _texts(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and len(value) <= _MOST_LAYERS and all(isinstance(one, str) for one in value)
    )


def _blob(descriptor: Any) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    found = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    if found is None:
        raise BadArchive("it names something by no digest")
    return f"blobs/sha256/{found[1]}"
