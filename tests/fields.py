"""Every place of the inventory where a text may stand, read from the schema's models: it grows with them.

Owns the walk. Must not know what any field means.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

KEY = "<key>"  # the text is a map's key
NAME = "a-name"  # a key on the way


@dataclass(frozen=True, slots=True)
class Spot:
    """One place: keys and list positions on the way to it; `free` inside a map that takes any value."""

    path: tuple[str | int, ...]
    free: bool = False

    def __str__(self) -> str:
        return ".".join(map(str, self.path))

    def document(self, text: str) -> Any:
        """Return what holds the text in this place, and nothing else."""
        doc: Any = text
        for part in reversed(self.path):
            doc = [doc] if isinstance(part, int) else {text if part == KEY else part: doc}
        return doc


def spots(model: type[BaseModel], path: tuple[str | int, ...] = ()) -> Iterator[Spot]:
    """Yield every place below a model."""
    for name, field in model.model_fields.items():
        yield from _of(field.annotation, (*path, field.alias or name))


def _of(hint: Any, path: tuple[str | int, ...]) -> Iterator[Spot]:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        yield Spot(path, free=True)
        yield Spot((*path, KEY), free=True)
        yield Spot((*path, 0), free=True)
        yield Spot((*path, 0, NAME, KEY), free=True)
    elif hint is str:
        yield Spot(path)
    elif isinstance(hint, type) and issubclass(hint, BaseModel):
        yield from spots(hint, path)
    elif origin is typing.Annotated:
        yield from _of(args[0], path)
    elif origin in (typing.Union, types.UnionType):
        for arg in args:
            yield from _of(arg, path)
    elif origin in (list, tuple, set, frozenset):
        yield from _of(args[0], (*path, 0))
    elif origin in (dict, typing.Mapping) or (isinstance(origin, type) and issubclass(origin, typing.Mapping)):
        yield Spot((*path, KEY), free=typing.get_args(hint)[1] is Any)
        yield from _of(args[1], (*path, NAME))
