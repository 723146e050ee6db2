"""One frame as it comes, and the word that none comes: what sources give and readers take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgectl.stack.camera.picture import Picture


class Gone(Exception):
    """There are no frames. The text is a sentence, `kind` one of the chain's."""

    def __init__(self, sentence: str, kind: str) -> None:
        super().__init__(sentence)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Grab:
    """One frame as it came: its width and height, and its picture, made smaller only for who asks."""

    size: tuple[int, int]
    picture: Callable[[], Picture]
