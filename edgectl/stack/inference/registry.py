"""Where versions lie: a node's registry (NAME/current -> versions/VERSION-HEX), or an image's NAME/VERSION folders.

Owns: the reading of links, of model.json's version and of rollout.json. It only looks. Must not know what is loaded.
"""

from __future__ import annotations

import json
from pathlib import Path

from edgectl.stack.inference.loaded import Place
from edgectl.stack.inference.model import find, noted
from edgectl.stack.inference.rollout import Plan, plan_of

_MODEL, _NOTE, _ROLLOUT = "model.onnx", "model.json", "rollout.json"
_PREVIOUS, _VERSIONS = "previous", "versions"

Stamp = tuple[tuple[str, int, int, int], ...]


class Registry:
    """Models below `folder`; `named` where it holds several. OSError and ValueError are sentences for a person."""

    def __init__(self, folder: Path, named: str = "") -> None:
        self._folder, self.named = folder, named

    def current(self) -> Place:
        """Return the version that shall run."""
        name, version, file = find(self._folder, self.named)
        self.named = name  # another model that comes later changes nothing
        return Place(name, version, file.parent)

    def previous(self) -> Place | None:
        """Return the version that ran before, where a node keeps one."""
        link = self._folder / self.named / _PREVIOUS
        if not self.named or not (link / _MODEL).is_file():
            return None
        folder = link.resolve()
        return Place(self.named, noted(folder / _NOTE), folder)

    def at(self, folder: str) -> Place:
        """Return a version by its folder's name."""
        path = self._folder / self.named / _VERSIONS / folder
        return Place(self.named, noted(path / _NOTE), path)

    def plan(self) -> Plan | None:
        """Return the rollout that the node wants, if any."""
        try:
            data = (self._folder / self.named / _ROLLOUT).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return plan_of(json.loads(data))


def is_kept(place: Place) -> bool:
    """Tell whether a version lies in a node's registry, and not in an image that never changes."""
    return place.path.parent.name == _VERSIONS


def stamp(place: Place) -> Stamp:
    """Return what changes when a version's files do: a node may mend them in place."""
    try:
        found = [(path.name, path.stat()) for path in sorted(place.path.iterdir())]
    except OSError:
        return ()
    return tuple((name, one.st_ino, one.st_size, one.st_mtime_ns) for name, one in found)
