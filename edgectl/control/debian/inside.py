"""What is wrong inside of a package in a bundle: no package, another one than its name says, members that lead out.

Owns these judgements. What its scripts do as root on a node, nobody can judge: whose package it is matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from edgectl.control.bundle.members import CHART_BYTES, LAYER_BYTES, dangers
from edgectl.control.debian.file import control, tar_of
from edgectl.wire.errors import InvalidInput


def wrong_package(path: Path, names: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each thing; what cannot be read raises one of file.UNREADABLE."""
    try:
        found = control(path)
    except InvalidInput as error:
        yield "is no Debian package that can be read: " + error.message.partition("be read: ")[2]
        return
    said = (names.get("edgectl.name"), names.get("edgectl.version"), names.get("edgectl.arch"))
    if said != (found.name, found.version, found.bundle_arch):
        yield f"is another package by its own word: {found.name} {found.version} {found.arch}"
    with path.open("rb") as stream:
        with tar_of(stream, "control") as tar:
            yield from dangers(tar, limit=CHART_BYTES)
        with tar_of(stream, "data") as tar:
            yield from dangers(tar, layer=True, limit=LAYER_BYTES)
