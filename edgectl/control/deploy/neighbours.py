"""Nodes of a store that take blobs from each other, over the store's own network; the operator tells who from whom.

Owns who holds what, and when a neighbour is asked no more. What cannot be had from one comes over the line, in the
same conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from edgectl.control.deploy.answered import need
from edgectl.control.deploy.share import Share
from edgectl.wire.errors import EdgectlError, NotReady

if TYPE_CHECKING:
    from edgectl.control.deploy.line import Line
    from edgectl.control.deploy.listener import Listener
    from edgectl.control.link.session import Session

_TRIES = 3  # with one neighbour that brings something each time
_FAST = 1e6  # bytes a second: a faster line is not thin, and need not be spared by a neighbour's pace
_UNKNOWN = 125e3  # where nobody knows the line: less than that is no local network


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is: how to ask it, and its address on the store's own network."""

    connect: Callable[[], Session]
    address: str


class Neighbours:
    """The nodes of one store during one deploy; the first place is the lead's. Called from each node's thread."""

    def __init__(self, places: Mapping[str, Place], line: Line) -> None:
        self._places = places
        self._line = line
        self._lock = Lock()  # held for moments: whoever ends waits for nobody
        self._begins = {source: Lock() for source in places}  # one session with each at a time, however long it takes
        self._ends = 0
        self._lacks: dict[str, frozenset[str]] = {}
        self._holds: dict[str, frozenset[str]] = {}
        self._shares: dict[str, Share | EdgectlError] = {}

    @property
    def held(self) -> frozenset[str]:
        """All that some node is known to hold."""
        return frozenset().union(*self._holds.values())

    def know(self, node: str, offered: Iterable[str], lacks: Iterable[str] = ()) -> None:
        """Note what a node holds of what it was offered, and what it lacks."""
        with self._lock:
            self._lacks[node] = frozenset(lacks)
            self._holds[node] = frozenset(offered) - self._lacks[node]

    def forget(self, node: str) -> None:
        """Note that a node cannot be reached any more."""
        with self._lock:
            self._lacks.pop(node, None)
            self._holds.pop(node, None)

    def bring(self, node: str, session: Session, wanted: Iterable[Mapping[str, Any]], listener: Listener) -> int:
        """Let a node that has said what it lacks take it from the others; what it lacks then, the line brings.

        Returns how many bytes came from others. Raises what the node says, and LinkLost.
        """
        lacks = _left(wanted)
        with self._lock:
            self._lacks[node] = frozenset(lacks)
        said: list[str] = []
        before = sum(lacks.values())
        for source in self._places:
            if source != node and not lacks.keys().isdisjoint(self._holds.get(source, ())):
                first = sum(lacks.values())
                lacks, why = self._take(source, session, lacks)
                took = first - sum(lacks.values())
                said.append(_sentence(source, took, why))
        if said:
            rest = "; the rest over the line" if lacks else ""
            listener.note(", ".join(said) + rest)
        session.frames.send("line")
        return max(before - sum(lacks.values()), 0)

    def end(self) -> None:
        """Let nobody hand out any more; who is asked next begins anew, with new secrets."""
        with self._lock:
            self._ends += 1
            for share in self._shares.values():
                if isinstance(share, Share):
                    share.end()
            self._shares.clear()

    def _take(self, source: str, session: Session, lacks: dict[str, int]) -> tuple[dict[str, int], str]:
        """Let a node take from one other; returns what it still lacks, and why."""
        why = ""
        for _ in range(_TRIES):
            share = self._share(source)
            if isinstance(share, EdgectlError):
                return lacks, share.message
            part = lacks.keys() & share.digests
            if not part:
                break
            session.frames.send("neighbour", **share.told(part, self._least()))
            while (frame := session.frames.receive())["op"] == "beat":
                pass
            need(frame, "lacks")
            before, lacks, why = sum(lacks.values()), _left(frame["blobs"]), str(frame["why"])
            if not why or (sum(lacks.values()) >= before and share.is_alive()):
                break
        return lacks, why

    def _share(self, source: str) -> Share | EdgectlError:
        with self._begins[source]:
            with self._lock:
                found = self._shares.get(source)
                if isinstance(found, EdgectlError) or (found is not None and found.is_alive()):
                    return found
                needed = frozenset().union(*(lacks for name, lacks in self._lacks.items() if name != source))
                gives, ends = self._holds.get(source, frozenset()) & needed, self._ends
            if found is not None:
                found.end()
            found = self._begin(source, gives)
            with self._lock:
                if ends == self._ends:
                    self._shares[source] = found
                    return found
            if isinstance(found, Share):
                found.end()
            return NotReady(f"{source} was asked too late")

    def _begin(self, source: str, gives: frozenset[str]) -> Share | EdgectlError:
        place = self._places[source]
        try:
            return Share.begin(place.connect, place.address, gives)
        except EdgectlError as error:
            return error

    def _least(self) -> float:
        """Return how many bytes a second a neighbour must bring to be better than the line."""
        rate = self._line.caps.forecast(1, self._line.transfer.measured).rate
        return _UNKNOWN if rate is None else min(rate, _FAST)


def _left(wanted: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    return {str(item["digest"]): int(item["size"]) - int(item["have_bytes"]) for item in wanted}


def _sentence(source: str, took: int, why: str) -> str:
    if took <= 0:
        return f"nothing from {source} over the store's network ({why})"
    tail = f" until it gave no more ({why})" if why else ""
    return f"{took / 1e6:.1f} MB from {source} over the store's network{tail}"
