"""The store's one file of secret values: newest only, of root alone, and only what is declared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.secrets import values as real
from edgectl.node.secrets.values import forget_values, keep_values, newest
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.payload import Payload, StoreSecret
from tests.laws.fake_store import mutant


def payload(**keys: dict[str, str]) -> Payload:
    """Return one that declares these secrets."""
    secrets = tuple(StoreSecret(name, ("vision",), versions) for name, versions in keys.items())
    return Payload("store-042", "", (), (), {}, secrets=secrets)


APP = payload(app={"PASSWORD": "1", "USER": "1"})


def offer(places: Places, of: Payload, **fields: Any) -> Envelope:
    """Put a payload on the node and return the envelope around it."""
    places.blobs.mkdir(parents=True, exist_ok=True)
    digest = digest_of(of.encode())
    places.blob(digest).write_bytes(of.encode())
    return Envelope("store-042", "node-1", digest, "", "", 1, "t", Sender("ada", "laptop"), **fields)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def kept(places: Places) -> real.Values:
    """Return what the node keeps."""
    return newest(Look(places))


def send(places: Places, of: Payload, values: Any, **fields: Any) -> None:
    """Let a deploy bring values."""
    real.keep_values(places, offer(places, of, **fields), {"values": values})


def test_they_are_roots_alone(places: Places) -> None:
    """0600 in a folder of 0700, from the first byte on; law 10."""
    send(places, APP, {"app": {"PASSWORD": "hunter2", "USER": "ada"}})
    assert kept(places) == {"app": {"PASSWORD": "hunter2", "USER": "ada"}}
    assert places.secret_values.stat().st_mode & 0o777 == 0o600
    assert places.secret_values.parent.stat().st_mode & 0o777 == 0o700


def test_the_newest_stays_alone(places: Places) -> None:
    """A rotated value takes the old one's place; nothing of the old one is left."""
    send(places, APP, {"app": {"PASSWORD": "hunter2", "USER": "ada"}})
    send(places, APP, {"app": {"PASSWORD": "hunter3"}})
    assert kept(places) == {"app": {"PASSWORD": "hunter3", "USER": "ada"}}
    assert not [path for path in places.root.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_the_same_again_writes_nothing(places: Places) -> None:
    """Law 2: a second deploy changes nothing, the file's time included."""
    send(places, APP, {"app": {"PASSWORD": "hunter2"}})
    before = places.secret_values.stat()
    send(places, APP, {"app": {"PASSWORD": "hunter2"}})
    send(places, APP, {})
    found = places.secret_values.stat()
    assert (found.st_ino, found.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_is_not_declared_is_not_kept(places: Places) -> None:
    """Neither a secret nor a key that the payload does not name."""
    send(places, APP, {"app": {"PASSWORD": "a", "OTHER": "b"}, "else": {"PASSWORD": "c"}})
    assert kept(places) == {"app": {"PASSWORD": "a"}}


def test_a_candidate_takes_nothing_from_what_runs(places: Places) -> None:
    """A payload without a secret keeps its value: if it is rejected, what is put back needs it."""
    send(places, APP, {"app": {"PASSWORD": "a"}})
    send(places, payload(new={"KEY": "1"}), {"new": {"KEY": "b"}})
    assert kept(places) == {"app": {"PASSWORD": "a"}, "new": {"KEY": "b"}}


def test_what_no_slot_declares_is_forgotten(places: Places) -> None:
    """After a promotion only what can still be gone back to counts."""
    send(places, APP, {"app": {"PASSWORD": "a", "USER": "ada"}})
    forget_values(places, [payload(app={"USER": "1"}), payload(new={"KEY": "1"})])
    assert kept(places) == {"app": {"USER": "ada"}}
    forget_values(places, [])
    assert kept(places) == {}


def test_an_agent_keeps_none(places: Places) -> None:
    """Only the lead writes to the cluster, so only it holds values."""
    send(places, APP, {"app": {"PASSWORD": "a"}}, lead="run1")
    assert not places.secret_values.exists()


@pytest.mark.parametrize("given", [None, [], "x", {"app": "x"}, {"app": {"PASSWORD": 7}}, {"app": None}])
def test_noise_is_no_value(places: Places, given: object) -> None:
    """What is no text is not kept, and stops nothing."""
    keep_values(places, offer(places, APP), {"values": given})
    assert kept(places) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"app": 1}', "\x00\xff"])
def test_a_file_that_cannot_be_read_counts_as_lost(places: Places, text: str) -> None:
    """The step names what is missing then; the next deploy sends all of it again."""
    places.secret_values.parent.mkdir(parents=True)
    places.secret_values.write_text(text)
    assert kept(places) == {}
    send(places, APP, {"app": {"PASSWORD": "a"}})
    assert json.loads(places.secret_values.read_text()) == {"app": {"PASSWORD": "a"}}


def test_a_full_disk_leaves_the_old_ones(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old or new, never torn: at whichever call the write ends."""
    import os

    send(places, APP, {"app": {"PASSWORD": "old"}})
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, _full)
            with pytest.raises(OSError, match="full"):
                send(places, APP, {"app": {"PASSWORD": "new"}})
        assert kept(places) == {"app": {"PASSWORD": "old"}}


def _full(*_: object) -> None:
    raise OSError(28, "the disk is full")


@pytest.mark.parametrize(
    ("test", "old", "new"),
    [
        (test_they_are_roots_alone, "mode=0o600)", "mode=0o644)"),
        (
            test_the_newest_stays_alone,
            "{**had.get(name, {}), **given.get(name, {})}",
            "{**given.get(name, {}), **had.get(name, {})}",
        ),
        (test_the_same_again_writes_nothing, "    if kept == had:\n        return\n", ""),
        (test_what_is_not_declared_is_not_kept, "if (name, key) in declared or", "if True or"),
        (test_a_candidate_takes_nothing_from_what_runs, "or (not strict and key in had.get(name, {}))", ""),
        (test_an_agent_keeps_none, " or offer.lead", ""),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_tests_bite(places: Places, monkeypatch: pytest.MonkeyPatch, test: Any, old: str, new: str) -> None:
    """Seeded faults: readable by all, oldest wins, written each time, all is kept, too little is kept, on agents."""
    faulty = mutant(real, (old, new))
    monkeypatch.setattr(real, "keep_values", faulty.keep_values)
    with pytest.raises(AssertionError):
        test(places)
