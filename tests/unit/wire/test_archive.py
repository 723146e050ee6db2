"""Image archives: the good ones are taken, whoever wrote them; every malformed one is told why."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.wire.archive import BadArchive, judge
from edgectl.wire.document import digest_of
from tests.archives import canonical_archive, layer, plain_tar, saved
from tests.malformed import CASES, good, malformed


def told(data: bytes) -> str:
    """Return what is wrong, "" for nothing."""
    try:
        judge(io.BytesIO(data))
    except BadArchive as error:
        return str(error)
    return ""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_is_malformed_is_told(case: dict[str, Any]) -> None:
    """Each with its own sentence, in letters that move no cursor."""
    sentence = told(malformed(case))
    assert re.search(case["says"], sentence), sentence
    assert sentence.isprintable()
    assert len(sentence) < 200


def test_there_are_many_cases() -> None:
    """And the archive that they are made of is good."""
    assert len(CASES) > 80
    assert told(good()) == ""
    assert told(malformed({"oci": {}})) == ""


@pytest.mark.parametrize("today", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_archives_of_other_tools_are_taken(tmp_path: Path, *, today: bool, packed: bool) -> None:
    """Docker's of old and of today, layers plain or packed, several images that share a layer."""
    layers = [layer({"a": b"x" * 5000}), layer({"b": b"y"})]
    saved(tmp_path / "a.tar", {"a:1": layers, "b:1": layers[:1]}, today=today, packed=packed)
    assert told((tmp_path / "a.tar").read_bytes()) == ""


def test_an_image_without_layers_is_one() -> None:
    """FROM scratch, with a config only."""
    assert told(canonical_archive("empty:1")) == ""


def test_a_layer_without_an_end_mark_is_one() -> None:
    """Some builders write none, and containerd reads them; its digest says that it is whole."""
    cut = layer({"a": b"x" * 512})[:1024]
    assert told(canonical_archive("a:1", cut, b"")) == ""


def test_packed_layers_may_be_of_several_streams() -> None:
    """As pigz and estargz write them."""
    plain = layer({"a": random.Random(1).randbytes(3_000_000)})  # noqa: S311
    packed = gzip.compress(plain[: 1 << 20], mtime=0) + gzip.compress(plain[1 << 20 :], mtime=0)
    config = json.dumps({"rootfs": {"diff_ids": [digest_of(plain)]}}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": None, "Layers": ["a/layer.tar"]}]).encode()
    assert told(plain_tar({"config.json": config, "manifest.json": manifest, "a/layer.tar": packed})) == ""


@given(flips=st.lists(st.tuples(st.integers(0, len(good()) - 1), st.integers(1, 255)), min_size=1, max_size=4))
def test_flips_never_make_another_image(flips: list[tuple[int, int]]) -> None:
    """Whatever is flipped: it is told, or no byte of config, layers or manifest is another."""
    data = bytearray(good())
    for at, mask in flips:
        data[at] ^= mask
    if told(bytes(data)) == "":
        with tarfile.open(fileobj=io.BytesIO(bytes(data))) as tar, tarfile.open(fileobj=io.BytesIO(good())) as was:
            names = [name for name in was.getnames() if name != "manifest.json"]
            assert tar.getnames() == was.getnames()
            for name in names:
                one, other = tar.extractfile(name), was.extractfile(name)
                assert one is not None
                assert other is not None
                assert one.read() == other.read()


@given(end=st.integers(0, len(good()) - 1))
def test_a_cut_archive_is_told(end: int) -> None:
    """At any byte."""
    assert told(good()[:end])


@given(data=st.binary(max_size=4000), at=st.integers(0, len(good())))
def test_any_bytes_anywhere_end_in_a_sentence(data: bytes, at: int) -> None:
    """Nothing but the one error comes out, and it ends."""
    told(data)
    told(good()[:at] + data)
    told(good()[:at] + data + good()[at + len(data) :])


@pytest.mark.parametrize(
    "name", ["a packed bomb", "a layer that claims 1 TiB in holes", "a manifest nested without end"]
)
def test_bombs_take_little_memory(name: str) -> None:
    """A few MB, however much they claim."""
    data = malformed(next(case for case in CASES if case["name"] == name))
    tracemalloc.start()
    try:
        assert told(data)
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


def test_whoever_waits_is_told_of_each_mebibyte() -> None:
    """A large archive takes seconds; the other end of the link must not take that for silence."""
    beats: list[int] = []
    data = canonical_archive("a:1", layer({"a": bytes(5 << 20)}))
    judge(io.BytesIO(data), lambda: beats.append(1))
    assert len(beats) >= 5
