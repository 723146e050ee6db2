"""Blobs made of older ones: asked for in one question, right or sent whole, and harmless whatever comes."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.link.blobs import send_blobs
from edgectl.control.link.known import Hints, Known, read_bases
from edgectl.node import bases as bases_module
from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.node.receive import take
from edgectl.node.spans import BaseGone, Joined
from edgectl.wire import delta
from edgectl.wire.delta import Copy, encode, sign
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import NotReady, Refused
from edgectl.wire.frame import FrameError, Frames
from edgectl.wire.payload import Host, Image, K3s, Node, Payload
from tests.unit.node.faults import Disk, Killed, sweep

NOISE = random.Random(1)  # noqa: S311 - it cannot be packed, that is all
OLD = NOISE.randbytes(300_000)
NEW = OLD[:120_000] + b"new bytes" * 30 + OLD[121_000:]
DIGEST = digest_of(NEW)
NAME = "image vision"


class Talk:
    """A node and an operator in one thread: the operator answers each `want` when the node listens.

    `mangle` gets all that the operator says to one `want` and returns what comes; nothing comes after it.
    """

    def __init__(self, places: Places, blobs: dict[str, bytes], names: dict[str, str]) -> None:
        self._places = places
        self._blobs = blobs
        self._names = [names.get(digest, "") for digest in sorted(blobs)]
        self.hints = Hints.of(blobs, names)
        self._said = bytearray()
        self._coming = bytearray()
        self.mangle: Callable[[bytes], bytes] | None = None
        self.pods = {"vision/Deployment/inference": {"image": "vision:1"}}
        self.told: list[object] = []
        self.wants: list[list[dict[str, Any]]] = []
        self.notes: list[str] = []
        self.sent = 0

    def run(self) -> None:
        """Offer all blobs."""
        sizes = {digest: len(data) for digest, data in self._blobs.items()}
        frame = {"blobs": sizes, "names": self._names, "layers": self.hints.text}
        take(self._places, Frames(self._read, self._said.extend), frame, {"pods": self.pods})
        self._listen()

    def _read(self, count: int) -> bytes:
        if not self._coming:
            self._listen()
        piece = bytes(self._coming[:count])
        del self._coming[:count]
        return piece

    def _listen(self) -> None:
        said, self._said[:] = bytes(self._said), b""

        def read(count: int) -> bytes:
            nonlocal said
            piece, said = said[:count], said[count:]
            return piece

        frames = Frames(read, self._coming.extend)
        with suppress(FrameError):
            while True:
                frame = frames.receive()
                if frame["op"] == "note":
                    self.notes.append(frame["reason"])
                else:
                    self.wants.append(frame["blobs"])
                    self.told.append(frame.get("pods"))
                    found = read_bases(frames, frame["blobs"], self.hints.answered(frame.get("layers", ())))
                    if frame["blobs"]:
                        send_blobs(frames, frame["blobs"], self._blobs, bases=found)
        self.sent += len(self._coming)
        if self.mangle is not None and self._coming:
            self._coming[:] = self.mangle(bytes(self._coming))


def deployed(places: Places, sequence: int, image: bytes, *, refs: tuple[str, ...] = ("vision:1",)) -> None:
    """Let a node run a payload with this image."""
    places.blobs.mkdir(parents=True, exist_ok=True)
    places.blob(digest_of(image)).write_bytes(image)
    k3s = K3s("v1", digest_of(b"k3s"), "k3s.service", (), (Image(digest_of(image), refs),))
    node = Node("node-1", "server", "10.0.0.1", Host(1), k3s)
    payload = Payload("store-042", "", (node,), (), {digest_of(image): len(image), digest_of(b"k3s"): 3}).encode()
    places.blob(digest_of(payload)).write_bytes(payload)
    slots = Slots(places)
    envelope = Envelope("store-042", "node-1", digest_of(payload), digest_of(b"e"), "", sequence, "t", Sender("a", "b"))
    slots.promote(slots.accept(envelope))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return a node that runs an older version."""
    found = Places(tmp_path)
    deployed(found, 1, OLD)
    return found


def talk(places: Places, name: str = NAME) -> Talk:
    """Return a talk about the new version."""
    return Talk(places, {DIGEST: NEW}, {DIGEST: name})


def has(places: Places) -> bool:
    """Tell whether the node has the new version; it then is what it should be, and nothing is left of its way."""
    if not places.blob(DIGEST).exists():
        return False
    assert places.blob(DIGEST).read_bytes() == NEW
    assert list(places.staging.iterdir()) == []
    return True


def test_a_new_version_costs_what_is_new(places: Places) -> None:
    """One question, one answer, a hundredth of the bytes."""
    spoken = talk(places)
    spoken.run()
    assert has(places)
    assert spoken.sent < len(NEW) / 20
    assert (len(spoken.wants), spoken.notes) == (1, [])
    assert spoken.told == [spoken.pods], "in the same answer"


def test_what_bears_another_name_or_none_is_sent_whole(places: Places) -> None:
    """Two things are not compared; nor is anything on a bare node."""
    for name in ("image other", "", "k3s"):
        spoken = talk(places, name)
        spoken.run()
        assert has(places)
        assert "base" not in spoken.wants[0][0]
        places.blob(DIGEST).unlink()
    bare = Places(places.root / "bare")
    talk(bare).run()
    assert has(bare)


def test_the_newest_version_is_the_base(places: Places) -> None:
    """Of two that are here, the one of the higher sequence; where its bytes are gone, the older one."""
    newer = OLD[:250_000] + NEW[250_000:] + bytes(70_000)
    deployed(places, 2, newer)
    names = {DIGEST: NAME}

    def base() -> Path:
        return bases_module.bases(places, {DIGEST: len(NEW)}, names, []).of[DIGEST].spans[0].path

    assert base() == places.blob(digest_of(newer))
    places.blob(digest_of(newer)).unlink()
    assert base() == places.blob(digest_of(OLD))


def test_small_blobs_and_lost_time_have_no_base(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature must be worth its bytes, and reading must end."""
    names = {DIGEST: NAME}
    assert bases_module.bases(places, {DIGEST: delta.LEAST_BYTES - 1}, names, []).of == {}
    monkeypatch.setattr(bases_module, "_SECONDS", -1.0)
    assert bases_module.bases(places, {DIGEST: len(NEW)}, names, []).of == {}
    talk(places).run()
    assert has(places)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_cut_anywhere_is_gone_on_from(places: Places, share: float) -> None:
    """What has been made of the delta by then stays; the same question brings the rest only."""
    whole = talk(places)
    whole.run()
    places.blob(DIGEST).unlink()
    broken = talk(places)
    broken.mangle = lambda data: data[: int(len(data) * share)]
    with pytest.raises(FrameError):
        broken.run()
    assert not places.blob(DIGEST).exists()
    again = talk(places)
    again.run()
    assert has(places)
    assert again.notes == []
    if share >= 0.9:
        assert again.wants[0][0]["have_bytes"] > 0
        assert again.sent <= whole.sent


def test_a_base_that_is_gone_is_told_and_the_blob_sent_whole(places: Places) -> None:
    """Between the question and the delta its file vanishes: the same deploy still ends well."""
    spoken = talk(places)

    def lose(data: bytes) -> bytes:
        places.blob(digest_of(OLD)).unlink(missing_ok=True)
        return data

    spoken.mangle = lose
    spoken.run()
    assert has(places)
    assert spoken.notes == [f"could not be made of what is here, sent whole: {NAME}"]
    assert spoken.told == [spoken.pods, None], "once"
    assert "base" not in spoken.wants[1][0]


def test_a_base_that_fails_in_the_middle_is_told(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad sector behind the first bytes: what was made stays, the rest is passed over and comes whole."""
    real = Joined.copy

    def fails(file: Joined, start: int, count: int) -> Iterator[bytes]:
        yield from real(file, start, count // 2)
        raise BaseGone

    def later(data: bytes) -> bytes:
        monkeypatch.setattr(Joined, "copy", fails)
        return data

    spoken = talk(places)
    spoken.mangle = later
    spoken.run()
    assert has(places)
    assert len(spoken.notes) == 1
    assert 0 < spoken.wants[1][0]["have_bytes"] < len(NEW)


@pytest.mark.parametrize("damage", ["shorter", "other bytes"])
def test_a_base_that_has_changed_is_found_by_the_digest(places: Places, damage: str) -> None:
    """A disk that reads other bytes than before: no wrong blob gets its name, and the same deploy still ends well."""
    spoken = talk(places)

    def change(data: bytes) -> bytes:
        places.blob(digest_of(OLD)).write_bytes(OLD[:1000] if damage == "shorter" else OLD[:-9] + b"different")
        spoken.mangle = None
        return data

    spoken.mangle = change
    spoken.run()
    assert has(places)
    assert len(spoken.notes) == 1


def test_a_false_match_is_found_by_the_digest(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums that say equal where bytes are not: the blob is made, thrown away, and sent whole."""
    other = bytearray(OLD)
    other[50_000] ^= 1
    seen = sign

    def lies(file: Any, size: int, **how: Any) -> Any:
        file.read(size)
        return seen(io.BytesIO(bytes(other)), size, **how)

    monkeypatch.setattr(bases_module, "sign", lies)
    blobs = {digest_of(bytes(other)): bytes(other)}
    spoken = Talk(places, blobs, dict.fromkeys(blobs, NAME))
    spoken.run()
    assert places.blob(digest_of(bytes(other))).read_bytes() == other
    assert len(spoken.notes) == 1


def test_wrong_bytes_from_an_earlier_try_are_found_by_the_digest(places: Places) -> None:
    """A part whose beginning is of something else does not make the deploy fail, nor the next one."""
    places.staging.mkdir(parents=True)
    (places.staging / f"{DIGEST[7:]}.part").write_bytes(bytes(1000))
    talk(places).run()
    assert has(places)


def blob(data: bytes, *, form: str = "delta", size: int = len(NEW), offset: int = 0, **more: Any) -> bytes:
    """Return a frame and its bytes."""
    doc = {"op": "blob", "digest": DIGEST, "offset": offset, "bytes": len(data), "form": form, "size": size, **more}
    return canonical(doc) + b"\n" + data


def hostile() -> Iterator[tuple[str, bytes]]:
    """Give what no operator of ours says."""
    pack = zlib.compress
    number = delta._varint
    yield "beyond the base", blob(encode([Copy(len(OLD) - 10, 20)], 0))
    yield "far beyond", blob(encode([Copy(1 << 50, len(NEW))], 0))
    yield "before the base", blob(pack(number(0) + number(10) + number(1)))
    yield "more than announced", blob(encode([Copy(0, len(OLD)), OLD], 0))
    yield "less than announced", blob(encode([Copy(0, 100)], 0))
    yield "nothing", blob(b"")
    yield "garbage", blob(b"garbage" * 100)
    yield "packed garbage", blob(pack(NOISE.randbytes(5000)))
    yield "makes nothing", blob(pack(bytes(5000)))
    yield "a bomb of zeros", blob(pack(bytes(200_000_000)))
    yield "a literal bomb", blob(pack(number(1 << 40) + bytes(50_000_000)))
    yield "endless number", blob(pack(b"\xff" * 5000))
    yield "packed: a bomb", blob(pack(bytes(200_000_000)), form="zlib")
    yield "packed: too little", blob(pack(NEW[:-1]), form="zlib")
    yield "packed: garbage", blob(NEW[:1000], form="zlib")
    yield "packed: cut", blob(pack(NEW)[:-4], form="zlib")
    yield "packed: and more", blob(pack(NEW) + b"x" * 300_000, form="zlib")


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in hostile()])
def test_what_makes_no_sense_is_refused(places: Places, data: bytes) -> None:
    """With a sentence; nothing outside staging, no name, no more than announced; the next good try converges."""
    before = {path for path in places.root.rglob("*") if places.staging not in path.parents}
    spoken = talk(places)
    spoken.mangle = lambda _: data + b'{"op":"sent"}\n'
    with pytest.raises(Refused, match="cannot be made of what was sent") as caught:
        spoken.run()
    assert caught.value.hint
    assert not places.blob(DIGEST).exists()
    parts = list(places.staging.iterdir())
    assert all(path.stat().st_size <= len(NEW) for path in parts)
    after = {path for path in places.root.rglob("*") if places.staging not in path.parents}
    assert after - before <= {places.staging}
    talk(places).run()
    assert has(places)


@pytest.mark.parametrize(
    "data",
    [
        blob(b"", size=-5),
        blob(b"", offset=-5),
        blob(b"x", form="", size=2),
        blob(b"x", form="lzma", size=2),
        blob(encode([Copy(0, len(OLD)), OLD], 0), size=len(OLD) * 2),
        blob(zlib.compress(NEW), form="zlib", size=len(NEW) + 1),
        blob(b"", bytes=-1, form=""),
    ],
    ids=["size", "offset", "raw size", "form", "too long a delta", "too long packed", "count"],
)
def test_what_is_announced_wrongly_is_an_end(places: Places, data: bytes) -> None:
    """Nothing is read on from there, and nothing written."""
    spoken = talk(places)
    spoken.mangle = lambda _: data
    with pytest.raises(FrameError):
        spoken.run()
    assert [path.stat().st_size for path in places.staging.iterdir()] in ([], [0])
    talk(places).run()
    assert has(places)


def test_content_is_never_taken_for_a_frame() -> None:
    """After a refusal in the middle of a blob, what still comes is not read as questions."""
    frames = Frames(lambda _: b'\n{"op":"pause","seconds":1e9}\n', lambda _: None)
    frames.end()
    with pytest.raises(FrameError):
        frames.receive()


def test_every_end_of_a_delta_is_an_end(places: Places) -> None:
    """Cut at every byte: never a name, never more than a right beginning, and the whole converges after all of them."""
    at = 20 * delta.block_size(len(OLD))
    data = OLD[:at] + b"inserted" + OLD[at:]
    digest = digest_of(data)

    def spoken() -> Talk:
        return Talk(places, {digest: data}, {digest: NAME})

    said: list[bytes] = []
    first = spoken()

    def keep(data: bytes) -> bytes:
        said.append(data)
        return data

    first.mangle = keep
    first.run()
    whole = said[0].removesuffix(b'{"op":"sent"}\n')
    places.blob(digest).unlink()
    part = places.staging / f"{digest[7:]}.part"
    assert 100 < len(whole) < 400
    for end in range(len(whole)):
        broken = spoken()
        broken.mangle = lambda _, end=end: whole[:end]
        with pytest.raises(FrameError):
            broken.run()
        assert not places.blob(digest).exists()
        if part.exists():
            assert data.startswith(part.read_bytes())
            part.unlink()
    spoken().run()
    assert places.blob(digest).read_bytes() == data


def test_a_disk_that_is_full_at_any_write_keeps_what_came(tmp_path: Path) -> None:
    """Fail or kill every operation in turn: what is there is a right beginning, and the same again ends well."""

    def attempt(disk: Disk, number: int) -> bool:
        places = Places(tmp_path / f"{number}-{disk.kills}")
        deployed(places, 1, OLD)
        with disk.armed(), suppress(OSError, NotReady, Killed):
            talk(places).run()
        part = places.staging / f"{DIGEST[7:]}.part"
        if part.exists():
            assert NEW.startswith(part.read_bytes())
        assert has(places) or not places.blob(DIGEST).exists()
        talk(places).run()
        assert has(places)
        return disk.reached

    assert sweep(attempt) > 10


def test_an_operator_takes_no_nonsense_for_a_signature() -> None:
    """One that cannot be read is as none; one without end is an end."""
    good = {"size": len(OLD), "block": delta.block_size(len(OLD))}
    for base in ({**good, "bytes": 4}, {**good, "block": 1, "bytes": 4}):
        frames = Frames(lambda _: b"abcd", lambda _: None)
        assert read_bases(frames, [{"digest": DIGEST, "base": base}], Known()) == {}
    wanted = [{"digest": DIGEST, "base": {**good, "bytes": 1 << 40}}]
    with pytest.raises(FrameError):
        read_bases(Frames(lambda _: b"", lambda _: None), wanted, Known())


def test_progress_counts_content_and_the_line_apart(places: Places) -> None:
    """Together the writes are the blob; on the line it is less."""
    del places
    gone: list[tuple[int, int]] = []
    text = b"".join(b"line %d\n" % number for number in range(300_000))
    digest = digest_of(text)
    frames = Frames(lambda _: b"", lambda _: None)
    count = send_blobs(
        frames,
        [{"digest": digest, "have_bytes": 77}],
        {digest: text},
        progress=lambda content, line: gone.append((content, line)),
    )
    assert count == sum(content for content, _ in gone) == len(text) - 77
    assert sum(line for _, line in gone) < count / 3
    assert all(content >= 0 for content, _ in gone)
    assert len(list(pairwise(gone))) > 5
