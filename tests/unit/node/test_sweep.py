"""What no slot names goes; what any slot names stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from edgectl.node.coming import LONGEST_SECONDS, coming, expect
from edgectl.node.converge.lock import Lock, holder
from edgectl.node.converge.slots import Slots
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.models.registry import Registry
from edgectl.node.push import stage
from edgectl.node.secrets.values import keep_values, newest
from edgectl.node.sweep import sweep
from edgectl.wire.document import digest_of, to_json
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.frame import Frames
from edgectl.wire.payload import Model, Payload, StoreSecret


def blob(places: Places, data: bytes) -> str:
    """Put a blob on the node."""
    places.blobs.mkdir(parents=True, exist_ok=True)
    places.blob(digest_of(data)).write_bytes(data)
    return digest_of(data)


def deploy(places: Places, sequence: int, *names: bytes) -> str:
    """Promote a payload with these blobs; returns its digest."""
    payload = Payload("store-042", f"{sequence}", (), (), {blob(places, data): len(data) for data in names})
    digest = blob(places, payload.encode())
    runtime = f"sha256:{sequence:064x}"
    places.runtime(runtime).mkdir(parents=True)
    os.utime(places.runtime(runtime), (sequence, sequence))
    envelope = Envelope("store-042", "node-1", digest, runtime, "", sequence, "t", Sender("ada", "laptop"))
    slots = Slots(places)
    slots.promote(slots.accept(envelope))
    return digest


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return a node with three deploys behind it."""
    found = Places(tmp_path)
    deploy(found, 1, b"one", b"shared")
    deploy(found, 2, b"two", b"shared")
    deploy(found, 3, b"three", b"shared")
    return found


def test_what_runs_and_what_ran_before_stay(places: Places) -> None:
    """Going back needs no link: current's and previous' blobs stay, older ones go."""
    assert sweep(places) > 0
    kept = {path.name for path in places.blobs.iterdir()}
    assert {digest_of(data).removeprefix("sha256:") for data in (b"two", b"three", b"shared")} <= kept
    assert digest_of(b"one").removeprefix("sha256:") not in kept
    assert sweep(places) == 0


def test_a_payload_that_cannot_be_read_stops_the_sweep(places: Places) -> None:
    """Rather a full disk than a blob too few."""
    current = Slots(places).current
    assert current is not None
    places.blob(current.envelope.payload).write_bytes(b"{torn")
    before = {path.name for path in places.blobs.iterdir()}
    assert sweep(places) == 0
    assert {path.name for path in places.blobs.iterdir()} == before


def test_who_sends_and_who_sweeps_wait_for_each_other(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is here already is no more named than what is arriving: it must not go under a sender that counts on it."""
    with Lock(places.run / "sending", {}) as sender:
        assert sender.acquire()
        assert sweep(places) == 0
    met: list[bool] = []

    def remove(path: Path) -> int:
        met.append(Lock(places.run / "sending", {}).acquire())
        path.unlink()
        return 1

    monkeypatch.setattr("edgectl.node.sweep._remove", remove)
    assert sweep(places) > 0
    assert not any(met)
    with Lock(places.run / "sending", {}) as sender:
        assert sender.acquire()


def test_a_prefetch_takes_nothing_from_a_deploy_that_has_broken_off(places: Places) -> None:
    """Its whole blobs wait for its next try as its half ones do, for as long; versions of models that go do go."""
    sweep(places)
    came, left = blob(places, b"came"), blob(places, b"left")
    os.utime(places.blob(left), (0, 0))
    old = Model("detector", "1.0", {"model.onnx": blob(places, b"weights")})
    Registry(places).bring(old)
    assert sweep(places, promoted=False) > 0
    assert [places.blob(name).exists() for name in (came, left, old.files["model.onnx"])] == [True, False, False]
    sweep(places)
    assert not places.blob(came).exists()


def test_engines_of_slots_stay_with_two_to_spare(places: Places) -> None:
    """A session may run one that no slot names: the newest two others are left."""
    for number in range(4, 9):
        runtime = places.runtime(f"sha256:{number:064x}")
        runtime.mkdir()
        os.utime(runtime, (number, number))
    sweep(places)
    kept = {int(path.name, 16) for path in places.runtimes.iterdir()}
    assert kept == {2, 3, 7, 8}


def test_what_is_staged_for_a_deploy_that_follows_stays(places: Places) -> None:
    """Law: a promotion between the content of a deploy and the deploy sends none of it twice; hours later it goes."""
    staged = blob(places, b"staged")
    envelope = Envelope("store-042", "node-1", staged, f"sha256:{4:064x}", "", 4, "t", Sender("ada", "laptop"))
    frames = Frames(lambda _: b"", lambda _: None)
    stage(places, frames, {"envelope": to_json(envelope), "blobs": {staged: len(b"staged")}})
    sweep(places)
    assert places.blob(staged).is_file()
    assert coming(places, monotonic=lambda: time.monotonic() + LONGEST_SECONDS) == frozenset()
    expect(places, [])
    sweep(places)
    assert not places.blob(staged).exists()


def test_a_sender_waits_for_the_sweep(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: what a sender finds here is not taken away before it is named; a sweep that meets a sender takes nothing."""
    sending = places.run / "sending"
    seen: list[object] = []
    monkeypatch.setattr("edgectl.node.sweep.forget_values", lambda *_: seen.append(holder(sending)))
    sweep(places)
    assert len(seen) == 1
    assert seen[0] is not None
    assert holder(sending) is None
    left = blob(places, b"left")
    with Lock(sending, {}) as lock:
        assert lock.acquire()
        assert sweep(places) == 0
    assert places.blob(left).is_file()


def test_half_a_blob_is_kept_for_a_while(places: Places) -> None:
    """A deploy that comes back within days goes on with it."""
    places.staging.mkdir()
    (places.staging / "new.part").write_bytes(b"x")
    (places.staging / "old.part").write_bytes(b"x")
    os.utime(places.staging / "old.part", (0, 0))
    sweep(places)
    assert [path.name for path in places.staging.iterdir()] == ["new.part"]


def test_values_of_secrets_that_no_kept_slot_declares_go(places: Places) -> None:
    """Those of what runs and of what ran before stay: going back needs them."""
    secret = StoreSecret("app", ("vision",), {"PASSWORD": "1"})
    payload = Payload("store-042", "4", (), (), {}, secrets=(secret,))
    digest = blob(places, payload.encode())
    envelope = Envelope("store-042", "node-1", digest, f"sha256:{4:064x}", "", 4, "t", Sender("ada", "laptop"))
    slots = Slots(places)
    keep_values(places, envelope, {"values": {"app": {"PASSWORD": "hunter2"}}})
    slots.promote(slots.accept(envelope))
    deploy(places, 5)
    sweep(places)
    assert newest(Look(places)) == {"app": {"PASSWORD": "hunter2"}}
    deploy(places, 6)
    sweep(places)
    assert newest(Look(places)) == {}
