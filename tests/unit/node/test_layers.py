"""Layers that a node has, of whatever image: in archives or in containerd, they do not travel again."""

from __future__ import annotations

import hashlib
import random
from contextlib import suppress
from pathlib import Path

import pytest

from edgectl.node.io.places import Places
from edgectl.wire.document import digest_of
from edgectl.wire.errors import NotReady
from edgectl.wire.frame import FrameError
from edgectl.wire.layers import hint, layers_of, pack, unpack
from tests.archives import canonical_archive, layer
from tests.unit.node.faults import Disk, Killed, sweep
from tests.unit.node.test_delta import Talk, deployed

NOISE = random.Random(7)  # noqa: S311 - it cannot be packed, that is all
BASE, COMMON, OWN, NEWER = (
    layer({name: NOISE.randbytes(size)})
    for name, size in (("usr/lib/base", 400_000), ("usr/lib/common", 90_000), ("app", 60_000), ("app", 61_000))
)
SMALL = layer({"etc/motd": b"hello"})[:2048]
OTHER = canonical_archive("other:1", BASE, COMMON)
IMAGE = canonical_archive("vision:1", BASE, COMMON, SMALL, OWN)
DIGEST = digest_of(IMAGE)
NAME = "image vision"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return a node that runs another image, of the same base."""
    found = Places(tmp_path)
    deployed(found, 1, OTHER, refs=("other:1",))
    return found


@pytest.fixture
def bare(tmp_path: Path) -> Places:
    """Return a node whose containerd has that base, and no archive."""
    found = Places(tmp_path)
    found.k3s_content.mkdir(parents=True)
    for data in (BASE, COMMON):
        content(found, data).write_bytes(data)
    (found.k3s_content / ("0" * 64)).write_bytes(b"{}" * 5000)
    return found


def content(places: Places, data: bytes) -> Path:
    """Return where containerd keeps it."""
    return places.k3s_content / hashlib.sha256(data).hexdigest()


def talk(places: Places, image: bytes = IMAGE, name: str = NAME) -> Talk:
    """Return a talk about an image."""
    return Talk(places, {digest_of(image): image}, {digest_of(image): name})


def has(places: Places, image: bytes = IMAGE) -> bool:
    """Tell whether the node has it; it is then what it should be, and nothing is left of its way."""
    path = places.blob(digest_of(image))
    return path.exists() and path.read_bytes() == image and list(places.staging.iterdir()) == []


def test_a_new_image_costs_the_layers_that_no_other_image_has(places: Places) -> None:
    """One question, one answer, no signature: another repository's archive has the rest."""
    spoken = talk(places)
    spoken.run()
    assert has(places)
    assert 60_000 < spoken.sent < len(OWN) + 2000
    assert (len(spoken.wants), spoken.notes) == (1, [])
    assert "base" not in spoken.wants[0][0]


def test_what_only_containerd_has_is_not_sent(bare: Places) -> None:
    """Its content store keeps layers as they are."""
    spoken = talk(bare)
    spoken.run()
    assert has(bare)
    assert spoken.sent < len(OWN) + 2000
    assert spoken.notes == []


def test_an_archive_that_is_gone_is_made_again_of_what_containerd_has(bare: Places) -> None:
    """Only its headers, its config and layers too small for a hint travel."""
    content(bare, OWN).write_bytes(OWN)
    spoken = talk(bare)
    spoken.run()
    assert has(bare)
    assert spoken.sent < 3000


def test_a_new_version_is_signed_where_its_layers_differ(places: Places) -> None:
    """Of the older archive's 600 KB only the changed layer is signed; what is like it is copied out of it."""
    edited = OWN[:30_000] + b"edited" + OWN[30_006:]
    image = canonical_archive("vision:2", BASE, COMMON, SMALL, edited)
    deployed(places, 2, IMAGE)
    spoken = talk(places, image)
    spoken.run()
    assert has(places, image)
    assert spoken.wants[0][0]["base"]["size"] == len(IMAGE) - len(BASE) - len(COMMON)
    assert spoken.sent < len(OWN) / 4
    places.blob(digest_of(image)).unlink()
    plain = talk(places, image)
    plain.hints = type(plain.hints)()
    plain.run()
    assert plain.wants[0][0]["base"]["bytes"] > 4 * spoken.wants[0][0]["base"]["bytes"]


def test_unrelated_images_cost_no_more_than_a_hundredth_besides(places: Places) -> None:
    """Hints, the older version's signature, and what it says of copies: all of it."""
    deployed(places, 2, IMAGE)
    image = canonical_archive("vision:9", *(layer({"x": NOISE.randbytes(size)}) for size in (300_000, 200_000, 90_000)))
    spoken = talk(places, image)
    spoken.run()
    assert has(places, image)
    base = spoken.wants[0][0]["base"]["bytes"]
    assert spoken.sent + base + len(spoken.hints.text) < len(image) * 1.01


@pytest.mark.parametrize("damage", ["gone", "empty", "shorter", "longer", "zeros"])
def test_a_layer_that_is_not_what_it_is_called_is_found_before_it_is_used(bare: Places, damage: str) -> None:
    """After a power cut, say: told in one line, and sent whole in the same deploy."""
    bad = {"empty": b"", "shorter": BASE[:-512], "longer": BASE + bytes(512), "zeros": bytes(len(BASE))}
    path = content(bare, BASE)
    path.unlink() if damage == "gone" else path.write_bytes(bad[damage])
    spoken = talk(bare)
    spoken.run()
    assert has(bare)
    assert len(spoken.notes) == (damage == "zeros")
    if damage == "zeros":
        assert spoken.wants[1][0]["have_bytes"] > 0, "nothing that was made was thrown away"


@pytest.mark.parametrize("damage", ["gone", "shorter", "zeros"])
def test_a_layer_that_changes_after_the_answer_is_sent(bare: Places, damage: str) -> None:
    """Collected by containerd meanwhile, say."""

    def change(data: bytes) -> bytes:
        path = content(bare, BASE)
        path.unlink(missing_ok=True) if damage == "gone" else path.write_bytes(
            bytes(9 if damage == "shorter" else 1 << 19)
        )
        return data

    spoken = talk(bare)
    spoken.mangle = change
    spoken.run()
    assert has(bare)
    assert spoken.notes == [f"could not be made of what is here, sent whole: {NAME}"]


def test_an_archive_that_lies_about_its_layers_is_no_source(places: Places) -> None:
    """A member named by a digest that it does not have."""
    lies = OTHER.replace(BASE, bytes(len(BASE)))
    assert layers_of(lies) == layers_of(OTHER)
    deployed(places, 2, lies, refs=("other:2",))
    places.blob(digest_of(OTHER)).unlink()
    spoken = talk(places)
    spoken.run()
    assert has(places)
    assert len(spoken.notes) == 1


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_cut_anywhere_is_gone_on_from(places: Places, share: float) -> None:
    """What was made of layers by then stays."""
    whole = talk(places)
    whole.run()
    places.blob(DIGEST).unlink()
    broken = talk(places)
    broken.mangle = lambda data: data[: int(len(data) * share)]
    with pytest.raises(FrameError):
        broken.run()
    part = places.staging / f"{DIGEST[7:]}.part"
    assert IMAGE.startswith(part.read_bytes() if part.exists() else b"")
    again = talk(places)
    again.run()
    assert has(places)
    assert again.sent <= whole.sent + 100
    assert again.notes == []


@pytest.mark.parametrize("have", [1, 511, 512, 5000, 200_000, len(IMAGE) - 1])
def test_a_part_of_any_length_is_gone_on_from(places: Places, have: int) -> None:
    """Also in the middle of a layer that is here whole."""
    places.staging.mkdir(parents=True)
    (places.staging / f"{DIGEST[7:]}.part").write_bytes(IMAGE[:have])
    spoken = talk(places)
    spoken.run()
    assert has(places)
    assert spoken.sent < len(OWN) + 2000


def test_two_images_share_what_is_here(places: Places) -> None:
    """The layers that are here stand behind each other once, whichever archive needs them."""
    second = canonical_archive("sound:1", COMMON, NEWER)
    blobs = {digest_of(one): one for one in (IMAGE, second)}
    spoken = Talk(places, blobs, {DIGEST: NAME, digest_of(second): "image sound"})
    spoken.run()
    assert has(places)
    assert has(places, second)
    assert spoken.sent < len(OWN) + len(NEWER) + 4000


def test_what_is_no_image_is_not_looked_into(places: Places) -> None:
    """A model that is such a tar by chance, and one whose name nobody knows."""
    for name in ("k3s", ""):
        spoken = talk(places, name=name)
        assert spoken.hints.digests == ()
        spoken.run()
        assert has(places)
        assert spoken.sent > len(IMAGE) * 0.9
        places.blob(DIGEST).unlink()


def test_hints_are_short_and_nonsense_is_none() -> None:
    """Eight characters a layer, in the order of their size; what is no hint hints at nothing."""
    digests = [layer.digest for layer in layers_of(IMAGE)]
    assert len(digests) == 3, "the small one is not worth it"
    assert len(pack(digests)) == 8 * len(digests)
    assert unpack(pack(digests)) == [hint(digest) for digest in digests]
    assert [unpack(text) for text in ("", "&&&", "AAA", "A" * 100_000)] == [[], [], [], []]


@pytest.mark.parametrize("said", [[[99, 5]], [[-1, 5]], [[0, -5]]])
def test_an_answer_that_makes_no_sense_is_an_end(places: Places, said: list[list[int]]) -> None:
    """What the operator would send for it cannot be right."""
    with pytest.raises(FrameError):
        talk(places).hints.answered(said)


def test_a_disk_that_fails_at_any_write_keeps_what_came(tmp_path: Path) -> None:
    """Fail or kill every operation in turn: what is there is a right beginning, and the same again ends well."""

    def attempt(disk: Disk, number: int) -> bool:
        places = Places(tmp_path / f"{number}-{disk.kills}")
        deployed(places, 1, OTHER, refs=("other:1",))
        with disk.armed(), suppress(OSError, NotReady, Killed):
            talk(places).run()
        part = places.staging / f"{DIGEST[7:]}.part"
        assert not part.exists() or IMAGE.startswith(part.read_bytes())
        talk(places).run()
        assert has(places)
        return disk.reached

    assert sweep(attempt) > 10
