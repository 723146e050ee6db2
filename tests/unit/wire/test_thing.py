"""Names of things: the same from version to version, other ones for other things."""

from __future__ import annotations

import pytest

from edgectl.wire.thing import _repository, things
from tests.sim import stock


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("docker.io/rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-pause"),
        ("registry:5000/vision/model", "registry:5000/vision/model"),
        ("registry:5000/vision/model:v1", "registry:5000/vision/model"),
        ("a/b:1@sha256:00", "a/b"),
        ("a/b@sha256:00", "a/b"),
        ("", ""),
    ],
)
def test_a_tag_and_a_digest_are_no_part_of_a_name(ref: str, name: str) -> None:
    """A registry's port is."""
    assert _repository(ref) == name


def test_all_but_the_payload_has_a_name() -> None:
    """And two versions of a store give the same ones."""
    first, second = things(stock.A), things(stock.B)
    assert set(first) == set(stock.A.blobs)
    assert set(first.values()) == {"k3s", "helm", "image vision", "chart vision/vision"}
    assert set(second.values()) >= {"k3s", "helm", "image vision"}
