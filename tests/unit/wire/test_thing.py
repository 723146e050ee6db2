"""Names of things: the same from version to version, other ones for other things."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgectl.wire.payload import Model, Models
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


def test_all_but_the_payload_and_packages_has_a_name() -> None:
    """And two versions of a store give the same ones."""
    first, second = things(stock.A), things(stock.B)
    (node,) = stock.A.nodes
    assert node.host.os is not None
    assert set(first) == set(stock.A.blobs) - node.host.os.packages.blobs
    assert set(first.values()) == {"k3s", "helm", "image vision", "chart vision/vision"}
    assert set(second.values()) >= {"k3s", "helm", "image vision"}


def test_a_model_s_file_is_called_the_same_in_every_version() -> None:
    """What comes ahead, too: a fine-tuned version travels as what differs from the one that runs."""
    first, second = (Model("detector", version, {"model.onnx": f"sha256:{version}"}) for version in ("1.3", "1.4"))
    named = things(replace(stock.A, models=Models((first,), (second,))))
    assert named["sha256:1.3"] == named["sha256:1.4"] == "model detector/model.onnx"
