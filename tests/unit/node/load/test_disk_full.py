"""A disk that fails, or power that goes, at every operation of a load."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from edgectl.node.load import kept
from edgectl.node.trouble import told
from edgectl.wire.document import digest_of
from edgectl.wire.errors import EdgectlError, NotReady, Refused
from tests.stick import NOW, RackNode, Stick, at_rack, payload
from tests.unit.node.faults import Disk, Killed, sweep


def _stands(node: RackNode) -> tuple[object, ...]:
    """Return what the node is and will be: slots by their links, and what it has heard."""
    links = {name: (node.places.slots / name) for name in ("current", "candidate", "previous")}
    return tuple(link.readlink() if link.is_symlink() else None for link in links.values())


STAGES = {  # what lies on the way of a load, by the paths that are written
    "the blobs": "/staging/",
    "the engine, unpacked": ".new-",
    "its folder": "/runtimes",
    "the slot": "/slots/2",
    "the slot's link": "/slots/.candidate",
    "the proof": "offer.json.sig",
    "what was heard": "/trust/.heard.json",
    "the request of a run": "/run/",
}


def test_every_operation_may_fail_and_the_same_command_converges(
    stick: Stick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused or not ready, the cause named; before it is accepted nothing that counts has changed.

    Once it is accepted, the engine takes it, whatever becomes of who has loaded it. The same command again brings it.
    """
    stick.offer(payload("v2"))
    accepted = 0
    hit: dict[str, set[bool]] = {}
    monkeypatch.setattr(os, "fsync", lambda _: None)  # counted all the same, and not waited for

    def attempt(disk: Disk, number: int) -> bool:
        nonlocal accepted
        node = at_rack(tmp_path / f"{number}-{disk.kills}", monkeypatch)
        node.runs(payload("v1"))
        stood, before = _stands(node), node.tree()
        error: EdgectlError | None = None
        with disk.armed():
            try:
                node.load(stick.root)
            except Killed:
                _end(tmp_path)
            except (EdgectlError, OSError) as trouble:
                error = told(trouble)
        if not disk.reached:
            assert error is None
            return False
        for stage, path in STAGES.items():
            if path in disk.hit:
                hit.setdefault(stage, set()).add(disk.kills)
        if _stands(node) == stood:
            assert disk.kills or isinstance(error, (NotReady, Refused)), (disk.done[-1], error)
            assert error is None or "No space left" in error.message + str(error.details), error
            assert {name for name in node.tree().items() ^ before.items() if not _may_differ(name[0])} == set()
        else:
            accepted += 1
        candidate = node.slots.candidate
        assert candidate is None or candidate.envelope.payload == payload("v2").digest
        assert node.load(stick.root)[2] == payload("v2").digest
        candidate = node.slots.candidate
        assert candidate is not None
        assert candidate.envelope.payload == payload("v2").digest
        assert node.places.blob(digest_of(b"v2")).read_bytes() == b"v2"
        assert (candidate.folder / "offer.json.sig").read_bytes() == (
            stick.root / "offers/store-042.json.sig"
        ).read_bytes()
        return True

    faults = sweep(attempt)
    assert faults > 100
    assert 0 < accepted < faults
    assert hit == {stage: {False, True} for stage in STAGES}, "a stage that is never hit proves nothing"


def test_a_follower_that_keeps_an_offer(stick: Stick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every operation: it keeps the old offer or the new one, whole; the same command again keeps the new one."""
    made = {title: payload(title, nodes=2) for title in ("v1", "v2", "v3")}
    stick.offer(made["v2"])
    newer = Stick(stick.root.with_name("newer"))
    newer.offer(made["v3"], serial=NOW + 5)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    hit = 0

    def attempt(disk: Disk, number: int) -> bool:
        nonlocal hit
        node = at_rack(tmp_path / f"{number}-{disk.kills}", monkeypatch)
        node.runs(made["v1"], name="node-2", lead="run1")
        node.load(stick.root)
        with disk.armed():
            try:
                node.load(newer.root)
            except Killed:
                _end(tmp_path)
            except (NotReady, Refused, OSError):
                pass
        if not disk.reached:
            return False
        hit += "/offers/" in disk.hit
        waits = kept.kept(node.places)
        assert waits is not None
        assert waits.payload in {made["v2"].digest, made["v3"].digest}
        assert node.slots.candidate is None
        node.load(newer.root)
        waits = kept.kept(node.places)
        assert waits is not None
        assert waits.payload == made["v3"].digest
        return True

    assert sweep(attempt) > 60
    assert hit > 3


def _end(folder: Path) -> None:
    """Let go of the locks of a dead process, as its end would."""
    for fd in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):
            if str(fd.readlink()).startswith(str(folder)) and fd.readlink().name == "lock":
                os.close(int(fd.name))


def _may_differ(name: str) -> bool:
    """Tell what may have come before a load is accepted: an engine, a slot's folder without its name, what was heard.

    What was heard is the very offer at hand, which is no longer refused then for being new.
    """
    half = name.endswith(".edgectl-new")  # nobody's name
    return half or name.startswith(("var/lib/edgectl/runtimes", "var/lib/edgectl/slots/2", "var/lib/edgectl/trust/"))
