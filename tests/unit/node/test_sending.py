"""Who sends to a node: one at a time, and nobody is kept out by a connection of his own that has died."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.node import sending
from edgectl.node.converge.lock import Lock
from edgectl.node.io.places import Places
from edgectl.node.request import deploy_comes
from edgectl.wire.document import to_json
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import Locked

ADA = Sender("ada", "laptop")
OFFER = Envelope("store-042", "node-1", "sha256:a", "sha256:e", "", 1, "", ADA)


def held(places: Places, sender: Sender, payload: str, *, ahead: bool = False) -> Lock:
    """Return the lock of a session that still sends, or has died without knowing it."""
    note = {"sender": to_json(sender), "payload": payload, "ahead": ahead, "pid": 4242, "since": "09:00"}
    lock = Lock(places.run / "sending", note)
    assert lock.acquire()
    return lock


@pytest.mark.parametrize(
    ("sender", "payload", "ahead"), [(ADA, OFFER.payload, False), (Sender("grace", "desk"), "sha256:b", True)]
)
def test_who_gives_way_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sender: Sender, payload: str, *, ahead: bool
) -> None:
    """Law: an own session that the line has left behind does, and whatever anybody sends ahead of a deploy."""
    places, killed = Places(tmp_path), list[int]()
    before = held(places, sender, payload, ahead=ahead)

    def kill(pid: int, _: int) -> None:
        killed.append(pid)
        before.release()

    monkeypatch.setattr("edgectl.node.sending.os.kill", kill)
    now = iter(range(1000))
    monkeypatch.setattr("edgectl.node.sending.time.monotonic", lambda: float(next(now)))
    monkeypatch.setattr("edgectl.node.sending.time.sleep", lambda _: None)
    with sending.hold(places, OFFER):
        assert killed == [4242]


def test_a_mark_of_one_that_was_killed_holds_nobody_up(tmp_path: Path) -> None:
    """Law: heals step aside for a deploy that asks, not for whoever sends after one that was killed as it asked."""
    places = Places(tmp_path)
    with sending.hold(places, OFFER) as killed:
        sending.Aside(places, print, lambda: None).__enter__()
        assert deploy_comes(places)
        killed.release()
    with sending.hold(places, OFFER, ahead=True):
        assert not deploy_comes(places)
        with sending.Aside(places, print, lambda: None):
            assert deploy_comes(places)


@pytest.mark.parametrize(("sender", "payload"), [(Sender("grace", "desk"), "sha256:a"), (ADA, "sha256:b")])
def test_nobody_else_is_pushed_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sender: Sender, payload: str
) -> None:
    """Law: another person, or another payload, is named and left alone (exit 7)."""
    monkeypatch.setattr("edgectl.node.sending.os.kill", lambda *_: pytest.fail("somebody else's session was ended"))
    places = Places(tmp_path)
    with held(places, sender, payload), pytest.raises(Locked, match=f"{sender.user}@{sender.host} sends to this store"):
        sending.hold(places, OFFER)


def test_what_is_sent_ahead_waits_for_a_deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a prefetch never ends a deploy, not even its own sender's of the same payload."""
    monkeypatch.setattr("edgectl.node.sending.os.kill", lambda *_: pytest.fail("a deploy was ended"))
    places = Places(tmp_path)
    with held(places, ADA, OFFER.payload), pytest.raises(Locked, match="sends to this store"):
        sending.hold(places, OFFER, ahead=True)


def test_who_waits_for_a_heal_hears_that_this_node_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a step of a heal may take minutes, and nobody takes the silence for a lost link."""
    clock = iter(range(0, 10_000, 4))
    monkeypatch.setattr("edgectl.node.sending.time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr("edgectl.node.sending.time.sleep", lambda _: None)
    active = iter([True] * 20 + [False])
    monkeypatch.setattr("edgectl.node.sending._active", lambda _: next(active))
    beats, notes = list[int](), list[str]()
    with sending.Aside(Places(tmp_path), notes.append, lambda: beats.append(1)) as aside:
        assert aside.wait(OFFER) == ""
    assert 5 <= len(beats) <= 8
