"""Models in a bundle: one artifact a file, and which files are one version.

Owns their names there (`detector/model.onnx`, `detector:fp16/model.onnx`) and how files lie on the operator's machine.
Each file's `source` is the digest of all files together: a version that is there in part is seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edgectl.control.bundle.layout import Artifact
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.errors import InvalidInput
from edgectl.wire.safename import is_safe

KIND = "model"
NOTE = "model.json"  # of the registry's own, beside the files


def called(name: str, variant: str) -> str:
    """Return what a model in a variant is called in bundles and sentences."""
    return f"{name}:{variant}" if variant else name


def artifact_name(name: str, variant: str, file: str) -> str:
    """Return the name of one file's artifact."""
    return f"{called(name, variant)}/{file}"


def is_name(text: str) -> bool:
    """Tell whether a text is the name of a model's file in a bundle."""
    model, slash, file = text.partition("/")
    name, colon, variant = model.partition(":")
    return bool(slash) and is_safe(name) and is_safe(file) and (not colon or is_safe(variant))


def held(artifacts: Iterable[Artifact], name: str, variant: str, version: str) -> dict[str, Artifact]:
    """Return the files of one version that are there, by their names."""
    start = f"{called(name, variant)}/"
    found = (one for one in artifacts if one.kind == KIND and one.version == version and one.name.startswith(start))
    return {one.name.removeprefix(start): one for one in sorted(found, key=lambda one: one.name)}


def whole(files: dict[str, Artifact]) -> bool:
    """Tell whether these are all files of their version."""
    named = {file: one.digest for file, one in files.items()}
    return bool(files) and all(one.source == digest(named) for one in files.values())


def digest(files: dict[str, str]) -> str:
    """Return the digest of a version by its files' own, as nodes name it (edgectl.wire.payload.Model)."""
    return digest_of(canonical(dict(sorted(files.items()))))


def files_at(source: Path) -> dict[str, Path]:
    """Return the files of a version as they lie on this machine, by their names in the registry.

    A single file is called `model` with its own ending, whatever version stands in its name: that is how the next one
    is known as another version of it. InvalidInput says what cannot be taken.
    """
    if source.is_file():
        name = f"model{source.suffix}"
        if not is_safe(name) or name == NOTE:
            raise InvalidInput(f"{source.name} cannot be kept as a model: give it an ending like .onnx")
        return {name: source}
    if not source.is_dir():
        raise InvalidInput(f"there is no file {source}")
    found = {path.name: path for path in sorted(source.iterdir())}
    for name, path in found.items():
        if not path.is_file():
            raise InvalidInput(f"{path} is no file: a model is a file, or a folder of files without folders in it")
        if not is_safe(name):
            raise InvalidInput(f'{source} holds "{name}": letters, digits, and . _ + - inside make a name of a file')
        if name == NOTE:
            raise InvalidInput(f"{source} holds a {NOTE}, and the registry writes its own beside the files")
    if not found:
        raise InvalidInput(f"{source} is an empty folder")
    return found
