"""Archives are looked into once, before anything is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.node.io.places import Places
from edgectl.node.k3s import admit as module
from edgectl.node.k3s.admit import admit
from edgectl.wire.document import digest_of
from edgectl.wire.errors import Exit, Refused
from edgectl.wire.payload import Image
from tests.archives import canonical_archive, layer
from tests.malformed import CASES, malformed
from tests.unit.node.test_delta import deployed

GOOD = canonical_archive("good:1", layer({"a": b"x"}))
BAD = malformed(CASES[0])


def images(places: Places, *archives: bytes) -> tuple[Image, ...]:
    """Put archives on a node, as they arrive, and declare them."""
    places.blobs.mkdir(parents=True, exist_ok=True)
    for data in archives:
        places.blob(digest_of(data)).write_bytes(data)
    return tuple(Image(digest_of(data), ("shop/app:1",)) for data in archives)


def test_a_bad_one_is_refused_by_its_name(tmp_path: Path) -> None:
    """Exit 11; which archive, of which image, why, what to do; nothing on the node is another than before."""
    places = Places(tmp_path)
    declared = images(places, GOOD, BAD)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(Refused, match=r"the archive [0-9a-f]{12} of shop/app:1 is not taken: member \.\./") as caught:
        admit(places, declared)
    assert caught.value.exit is Exit.REFUSED
    assert "bundle verify" in caught.value.hint
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_a_slot_names_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was looked into when it was accepted; only what is new is, and each once."""
    places = Places(tmp_path)
    deployed(places, 1, GOOD)
    looked: list[int] = []
    monkeypatch.setattr(module, "judge", lambda file, _: looked.append(len(file.read())))
    admit(places, images(places, GOOD))
    assert looked == []
    new = canonical_archive("new:1", layer({"b": b"y"}))
    admit(places, images(places, GOOD, new, new))
    assert looked == [len(new)]


def test_a_long_look_is_no_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other end of the link hears of it every few seconds, however many MiB are read in one."""
    now = iter(range(1000))
    monkeypatch.setattr("edgectl.node.k3s.admit.time.monotonic", lambda: float(next(now)))
    places, beats = Places(tmp_path), list[int]()
    admit(places, images(places, canonical_archive("a:1", layer({"a": bytes(60 << 20)}))), lambda: beats.append(1))
    assert 5 <= len(beats) <= 15
