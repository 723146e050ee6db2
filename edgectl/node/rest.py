"""Why this node does nothing by itself, and takes nothing: a person works on it by hand, or it is being removed.

Owns: that both are asked wherever one of them is. Must not know what anybody would have done.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.node import pause
from edgectl.node.io.places import Places
from edgectl.wire.errors import Locked


@dataclass(frozen=True)
class Rest:
    """A sentence without its subject, and what ends it. `removes`: what is here goes, and is not judged any more."""

    sentence: str
    hint: str
    removes: bool = False


def rest(places: Places, store: str = "STORE") -> Rest | None:
    """Return what lets this node rest; None when nothing does."""
    if places.removing.exists():
        from edgectl.node.remove.note import begun  # here: a greeting needs none of it

        if (note := begun(places)) is not None:
            since = f" since {note.since}" if note.since else ""
            again = f"run `edgectl remove {note.store}` again to finish it"
            return Rest(f"being removed{since}", again, removes=True)
    paused = pause.read(places)
    return Rest(paused.sentence(), f"edgectl resume {store}") if paused else None


def not_being_removed(places: Places, store: str) -> None:
    """Raise Locked while what is here goes: nothing is brought beside it."""
    found = rest(places, store)
    if found and found.removes:
        raise Locked(f"{store} is {found.sentence}", hint=found.hint)


def not_at_rest(places: Places, store: str) -> None:
    """Raise Locked while this node takes nothing."""
    if found := rest(places, store):
        raise Locked(f"{store} is {found.sentence}", hint=found.hint)
