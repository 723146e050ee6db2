"""Models of the inventory taken into a bundle, file by file.

Owns that a version is its bytes for ever: another file under the same version is refused. Must not know other sources.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from edgectl.control.bundle.layout import ANY_ARCH
from edgectl.control.bundle.model import KIND, artifact_name, called, digest, files_at, held, whole
from edgectl.control.gather.shopping import Shopping
from edgectl.control.inventory.store import ModelSettings, Store
from edgectl.wire.errors import InvalidInput


def take_models(stores: Sequence[Store], shopping: Shopping) -> None:
    """Put every version that a store names into the bundle; what cannot be is noted with its line."""
    done: dict[ModelSettings, str] = {}
    named: dict[tuple[str, Path], str] = {}
    for store in stores:
        for model in (*store.models.current, *store.models.next):
            if model not in done:
                done[model] = _other_version(model, named) or _take(model, shopping)
            if sentence := done[model]:
                shopping.lack(store.place(*model.where, "from"), f"models.{model.name}: {sentence}")


def _other_version(model: ModelSettings, named: dict[tuple[str, Path], str]) -> str:
    """Say when one file is named as two versions: a layer that changes the version, and not where it comes from."""
    first = named.setdefault((model.name, model.source), model.version)
    if first == model.version:
        return ""
    return f"{model.source} is said to be version {first} and version {model.version}: say version and from together"


def _take(model: ModelSettings, shopping: Shopping) -> str:
    """Take one version in; returns what stands against it."""
    what = f"{called(model.name, model.variant)} {model.version}"
    there = held(shopping.bundle.all(KIND), model.name, model.variant, model.version)
    if not model.source.exists() and whole(there):  # built elsewhere
        shopping.kept += len(there)
        return ""
    try:
        files = files_at(model.source)
        named = {file: _digest(path) for file, path in files.items()}
    except InvalidInput as error:
        return error.message
    except OSError as error:
        return f"{error.filename or model.source} cannot be read: {error.strerror}"
    if any(one.source != digest(named) for one in there.values()):
        other = ", ".join(sorted(file for file, one in there.items() if named.get(file) != one.digest)) or "more files"
        return (
            f"{what} is in the bundle {shopping.bundle.root} with other bytes ({other}): "
            "a version never changes, give this one another version"
        )
    for file, path in files.items():
        if file in there and _is_whole(shopping, there[file].digest):
            shopping.kept += 1
            continue
        added = shopping.bundle.add(
            path,
            kind=KIND,
            name=artifact_name(model.name, model.variant, file),
            version=model.version,
            arch=ANY_ARCH,
            made_from=digest(named),
        )
        shopping.fetched[added.digest] = added.size
        shopping.say(f"model {what} {file}  {added.digest[7:19]}")
    return ""


def _is_whole(shopping: Shopping, name: str) -> bool:
    try:
        return _digest(shopping.bundle.path(name)) == name
    except (InvalidInput, OSError):
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
