"""Nodes that take from each other: whoever ends it waits for nobody that is just being reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, cast

import pytest

from edgectl.control.deploy.line import Line
from edgectl.control.deploy.neighbours import Neighbours, Place
from tests.unit.control.deploy.silent import Silent

WANTED = [{"digest": "sha256:a", "size": 10, "have_bytes": 0}]


@dataclass
class Session:
    """One connection; also its own frames: it shares, and then gives nothing."""

    closed: bool = False
    asked: list[str] = field(default_factory=list)

    @property
    def frames(self) -> Session:
        """Return itself."""
        return self

    def send(self, op: str, **_: Any) -> None:
        """Remember it."""
        self.asked.append(op)

    def receive(self) -> dict[str, Any]:
        """Answer what was asked last."""
        if not self.asked:
            return {"op": "hello"}
        if self.asked[-1] == "share":
            return {"op": "sharing", "port": 1}
        return {"op": "lacks", "blobs": WANTED, "why": "it gave nothing"}

    def is_alive(self) -> bool:
        """Tell whether it was hung up."""
        return not self.closed

    def close(self) -> None:
        """Hang up."""
        self.closed = True


@dataclass
class Heard(Silent):
    """Remembers what is said."""

    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Remember it."""
        self.notes.append(sentence)


@pytest.mark.parametrize("more", [0, 1], ids=["", "somebody else waits for the same node"])
def test_an_end_does_not_wait_for_a_connection(more: int) -> None:
    """Law: Ctrl-C ends at once, however long a neighbour lets us wait; what is reached behind it is hung up.

    Seeded fault: one lock for who is reached and who ends, which a connection held for minutes.
    """
    reached, may, given, heard = Event(), Event(), list[Session](), Heard()

    def connect() -> Any:
        reached.set()
        may.wait(60)
        given.append(Session())
        return given[-1]

    names = ["node-2", "node-3"][: 1 + more]
    places = {name: Place(cast("Any", connect), "10.77.0.11") for name in ("node-1", *names)}
    near = Neighbours(places, Line())
    near.know("node-1", ["sha256:a"])
    takers = [
        Thread(target=near.bring, args=(name, cast("Any", Session()), WANTED, heard), daemon=True) for name in names
    ]
    takers[0].start()
    assert reached.wait(60)
    for taker in takers[1:]:
        taker.start()
    ends = Thread(target=near.end, daemon=True)
    ends.start()
    ends.join(10)
    has_ended = not ends.is_alive()
    may.set()
    for taker in takers:
        taker.join(60)
    assert has_ended
    assert given[0].closed
    assert "nothing from node-1 over the store's network (node-1 was asked too late)" in " ".join(heard.notes)
    assert len(given) == 1 + more, "whoever asks behind the end begins anew"


def test_two_takers_share_one_session() -> None:
    """Law: a node hands out in one session, to all; what it has said against it is asked for once."""
    given: list[Session] = []

    def connect() -> Any:
        given.append(Session())
        return given[-1]

    near = Neighbours({name: Place(connect, "10.77.0.11") for name in ("node-1", "node-2", "node-3")}, Line())
    near.know("node-1", ["sha256:a"])
    for name in ("node-2", "node-3"):
        assert near.bring(name, cast("Any", Session()), WANTED, Heard()) == 0
    assert len(given) == 1
    assert not given[0].closed
    near.end()
    assert given[0].closed
