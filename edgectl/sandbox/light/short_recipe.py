"""Runs ON a light node, before the engine: cuts the recipe to what needs the machine alone.

Lies in the node's own Python as `edgectl_light.py`, imported by a `.pth` file at every start of its Python. Touches
one module, when somebody imports it: engine, units, sshd and systemd are those of every node. Standard library only.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

RECIPE = "edgectl.node.recipe"
OF_MACHINE = {  # ids of the steps that stay
    *("host", "machine", "units", "trust", "blobs", "packages", "host-files", "modules", "sysctls", "users"),
    *("services", "time", "reboot", "host-folders", "models"),
}


class Finder(MetaPathFinder):
    """Finds the recipe's module as Python would, and lets it be cut once it is there."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """Return the module's spec, its loader wrapped; None for every other module."""
        del path, target
        if name != RECIPE:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            spec.loader = _Cuts(spec.loader)
        return spec


class _Cuts(Loader):
    """A loader that replaces `recipe` in the module that it has loaded."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> Any:
        """Make it as the other loader does."""
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        """Load it, and replace the one function."""
        self._loader.exec_module(module)
        whole = module.recipe
        module.recipe = lambda *words, **named: kept(whole(*words, **named))


def kept(steps: Sequence[Any]) -> tuple[Any, ...]:
    """Return the steps that need the machine alone, in their order."""
    return tuple(step for step in steps if step.id in OF_MACHINE)


if __name__ == "edgectl_light":  # on a node
    sys.meta_path.insert(0, Finder())
