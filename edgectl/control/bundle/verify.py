"""A bundle looked at as a whole: everything that is wrong with it, at once.

Owns what a whole bundle is: index in form, every blob there with its digest and size, no other file, and no archive
that is dangerous to unpack. Only reads. Must not know stores.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgectl.control.bundle.image import UNREADABLE
from edgectl.control.bundle.inside import why, wrong_inside
from edgectl.control.bundle.layout import ANY_ARCH, INDEX_TYPE, KINDS, LAYOUT_VERSION
from edgectl.control.bundle.model import KIND as MODEL
from edgectl.control.bundle.model import digest as model_digest
from edgectl.control.bundle.model import is_name
from edgectl.control.bundle.offers import FOLDER, offer_findings
from edgectl.wire.errors import InvalidInput

BESIDE = frozenset({"oci-layout", "index.json", "blobs", ".lock", "provenance.json", FOLDER})
ARCHES = ("amd64", "arm64", ANY_ARCH)
_HEX = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 20
_INDEX_BYTES = 64 << 20
_WORDS = ("kind", "name", "version", "arch")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: of which artifact or file, and what."""

    where: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look at a whole bundle gave."""

    blobs: int
    size: int
    findings: tuple[Finding, ...]


def verify(root: Path) -> Verified:
    """Look at every byte of a bundle; InvalidInput when there is none at all."""
    if not root.is_dir():
        raise InvalidInput(f"there is no bundle at {root}", hint="Name the folder with oci-layout and index.json.")
    found = list(_layout(root))
    entries, wrong = _entries(root)
    found += wrong
    named: dict[str, int] = {}
    for name, entry in entries:
        size = named.setdefault(entry["digest"], entry["size"])
        if size != entry["size"]:
            found.append(Finding(name, f"says {entry['size']} bytes of {entry['digest'][:19]}, another entry {size}"))
    found += _in_part(entries)
    whole = set()
    for name, entry in {entry["digest"]: (name, entry) for name, entry in reversed(entries)}.values():
        sentence = _blob(root, entry)
        if sentence:
            found.append(Finding(name, sentence))
        else:
            whole.add(entry["digest"])
    for name, entry in entries:
        if entry["digest"] in whole:
            found += [Finding(name, sentence) for sentence in wrong_inside(root, entry)]
    found += _strays(root, {digest.removeprefix("sha256:") for digest in named} if entries or not wrong else None)
    found += [Finding(where, sentence) for where, sentence in offer_findings(root)]
    return Verified(len(whole), sum(named[digest] for digest in whole), tuple(dict.fromkeys(found)))


def _layout(root: Path) -> Iterator[Finding]:
    try:
        version = json.loads(_small(root / "oci-layout"))["imageLayoutVersion"]
    except UNREADABLE as error:
        yield Finding("oci-layout", f"cannot be read as that of an OCI image layout: {why(error)}")
        return
    if version != LAYOUT_VERSION:
        yield Finding("oci-layout", f"says version {version!r}, not {LAYOUT_VERSION}")


def _entries(root: Path) -> tuple[list[tuple[str, dict[str, Any]]], list[Finding]]:
    """Return the entries that can be followed, each with its name for people, and what is wrong with the index."""
    try:
        doc = json.loads(_small(root / "index.json"))
        manifests = doc["manifests"]
        if not isinstance(manifests, list):
            raise TypeError("manifests is no list")
    except UNREADABLE as error:
        return [], [Finding("index.json", f"cannot be read as a bundle's index: {why(error)}")]
    found: list[Finding] = []
    entries: list[tuple[str, dict[str, Any]]] = []
    keys: set[tuple[str, ...]] = set()
    brought: dict[tuple[str, str], str] = {}
    if doc.get("schemaVersion") != 2 or doc.get("mediaType", INDEX_TYPE) != INDEX_TYPE:  # noqa: PLR2004 - OCI's
        found.append(Finding("index.json", "is no OCI image index (schemaVersion 2)"))
    for place, entry in enumerate(manifests, start=1):
        sentence = _form(entry)
        name = _name(entry) if not sentence else f"index.json, entry {place}"
        if sentence:
            found.append(Finding(name, sentence))
        if sentence and not _can_be_followed(entry):
            continue
        entries.append((name, entry))
        if not sentence:
            key = tuple(entry["annotations"][f"edgectl.{word}"] for word in _WORDS)
            if key in keys:
                found.append(Finding(name, "is there twice"))
            keys.add(key)
            found += _names_twice(name, entry, brought)
    return entries, found


def _in_part(entries: list[tuple[str, dict[str, Any]]]) -> Iterator[Finding]:
    """Yield versions of models of which not all files are there."""
    versions: dict[tuple[str, str], dict[str, str]] = {}
    said: dict[tuple[str, str], set[str]] = {}
    for _, entry in entries:
        names = {} if _form(entry) else entry["annotations"]
        if names.get("edgectl.kind") == MODEL:
            model, _, file = names["edgectl.name"].partition("/")
            key = (model, names["edgectl.version"])
            versions.setdefault(key, {})[file] = entry["digest"]
            said.setdefault(key, set()).add(names.get("edgectl.source", ""))
    for key, files in versions.items():
        if said[key] != {model_digest(files)}:
            yield Finding(f"model {' '.join(key)}", "is not the files that it was built of (a build that was cut off?)")


def _names_twice(name: str, entry: dict[str, Any], brought: dict[tuple[str, str], str]) -> Iterator[Finding]:
    """Yield image names that two archives of other bytes bring for the same machines; notes those of this entry."""
    for ref in filter(None, entry["annotations"].get("edgectl.refs", "").split(",")):
        other = brought.setdefault((ref, entry["annotations"]["edgectl.arch"]), entry["digest"])
        if other != entry["digest"]:
            yield Finding(name, f"brings {ref}, and so does {other[:19]}: which one is meant?")


def _form(entry: Any) -> str:
    """Say what is wrong with the form of an entry, "" when nothing is."""
    if not isinstance(entry, dict):
        return "is no descriptor"
    if not _can_be_followed(entry):
        if not _HEX.fullmatch(str(entry.get("digest")).removeprefix("sha256:")):
            return f"has no digest of the form sha256:<64 hex digits>: {ascii(entry.get('digest'))[:90]}"
        return f"has a size that is no number of bytes: {ascii(entry.get('size'))[:40]}"
    names = entry.get("annotations")
    if not isinstance(names, dict) or "edgectl.kind" not in names:
        return "names nothing of edgectl's (no annotation edgectl.kind): another tool's index?"
    for word in _WORDS:
        value = names.get(f"edgectl.{word}")
        if not isinstance(value, str) or not value or not value.isprintable():
            return f"has no edgectl.{word}"
    if names["edgectl.kind"] not in KINDS:
        return f"is of a kind that a bundle does not hold: {ascii(names['edgectl.kind'])[:40]}"
    if names["edgectl.arch"] not in ARCHES:
        return f"is for an architecture that no node has: {ascii(names['edgectl.arch'])[:40]}"
    if names["edgectl.kind"] == MODEL and not is_name(names["edgectl.name"]):
        return f"is no file of a model by its name (NAME/FILE): {ascii(names['edgectl.name'])[:60]}"
    refs = names.get("edgectl.refs", "")
    if not isinstance(refs, str) or not refs.isprintable() or (names["edgectl.kind"] == "image" and not refs):
        return "brings no image name (edgectl.refs)"
    return ""


def _can_be_followed(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    digest, size = entry.get("digest"), entry.get("size")
    fits = isinstance(digest, str) and digest.startswith("sha256:") and _HEX.fullmatch(digest[len("sha256:") :])
    return bool(fits) and isinstance(size, int) and not isinstance(size, bool) and size >= 0


def _name(entry: dict[str, Any]) -> str:
    kind, name, version, arch = (entry["annotations"][f"edgectl.{word}"] for word in _WORDS)
    said = kind if kind == name else f"{kind} {name}"
    return f"{said} {version}" + ("" if arch == ANY_ARCH else f" {arch}")


def _blob(root: Path, entry: dict[str, Any]) -> str:
    """Say what is wrong with a blob's bytes, "" when nothing is."""
    path = root / "blobs" / "sha256" / entry["digest"].removeprefix("sha256:")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return f"{entry['digest']} is no plain file"
    try:
        sha, size = hashlib.sha256(), path.stat().st_size
        if size != entry["size"]:
            return f"{entry['digest']} has {size} bytes, not {entry['size']}"
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                sha.update(chunk)
    except FileNotFoundError:
        return f"{entry['digest']} is missing"
    except OSError as error:
        return f"{entry['digest']} cannot be read: {error.strerror}"
    if sha.hexdigest() != path.name:
        return f"{entry['digest']} has other bytes: their digest is sha256:{sha.hexdigest()}"
    return ""


def _strays(root: Path, named: set[str] | None) -> Iterator[Finding]:
    """Yield files that nothing names; `named` is None where the index cannot tell."""
    for path in sorted(root.iterdir()):
        if path.name not in BESIDE:
            yield Finding(path.name, "does not belong into a bundle: remove it")
    blobs = root / "blobs"
    for path in sorted(blobs.iterdir()) if blobs.is_dir() else ():
        if path.name != "sha256":
            yield Finding(f"blobs/{path.name}", "does not belong into a bundle: remove it")
    folder = blobs / "sha256"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not _HEX.fullmatch(path.name):
            yield Finding(f"blobs/sha256/{path.name[:80]}", "is no blob (a build that was cut off?): remove it")
        elif named is not None and path.name not in named:
            yield Finding(f"blobs/sha256/{path.name}", "is named by nothing in the index: remove it")


def _small(path: Path) -> bytes:
    if path.stat().st_size > _INDEX_BYTES:
        raise ValueError(f"it is larger than {_INDEX_BYTES >> 20} MiB")
    return path.read_bytes()
