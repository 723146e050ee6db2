"""Base and apps of two payloads put together, and which way a k3s cannot go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgectl.node.desired import is_one_way, same_base, together
from edgectl.wire.payload import Image, ManagedFolder, Model, Models, Payload
from tests.sim import stock


def with_version(payload: Payload, version: str) -> Payload:
    """Return it with another k3s."""
    (node,) = payload.nodes
    return replace(payload, nodes=(replace(node, k3s=replace(node.k3s, version=version)),))


def test_the_base_is_of_one_and_the_apps_are_of_the_other() -> None:
    """Releases, their question and their images go together; the images of the base stay, too, each once."""
    both = together(stock.B_BASE, stock.A)
    assert both.nodes[0].host == stock.B_BASE.nodes[0].host
    assert (both.releases, both.inference) == (stock.A.releases, stock.A.inference)
    images: tuple[Image, ...] = both.nodes[0].k3s.images
    assert {image.archive for image in images} == {
        image.archive for payload in (stock.A, stock.B_BASE) for image in payload.nodes[0].k3s.images
    }
    assert set(both.blobs) == set(stock.A.blobs) | set(stock.B_BASE.blobs)
    assert together(stock.A, stock.A) == stock.A


def test_images_are_no_part_of_the_base() -> None:
    """An update of an app brings its image; that alone is no other base."""
    assert same_base(stock.A, stock.B)
    assert not same_base(stock.A, stock.B_BASE)


def test_the_guard_is_of_the_base() -> None:
    """It guards GPUs, whatever runs on them: a store that goes back to older apps keeps it."""
    bare = replace(stock.B_BASE, guard=None)
    assert together(stock.A, bare).guard == stock.A.guard
    assert together(bare, stock.A).guard is None
    assert not same_base(stock.B_BASE, bare)


def test_the_models_are_of_the_apps() -> None:
    """A store that goes back to older apps goes back to their models."""
    with_models = replace(stock.A, models=Models((Model("detector", "1.3", {}),)))
    assert together(stock.B_BASE, with_models).models == with_models.models
    assert together(with_models, stock.B_BASE).models is None
    assert same_base(stock.A, with_models)


def test_folders_of_pods_are_of_the_apps() -> None:
    """A store that goes back to older apps has their folders to make; a folder alone is no other base."""
    (node,) = stock.A.nodes
    host = replace(node.host, folders=(ManagedFolder("/srv/queue", 65532),))
    keeping = replace(stock.A, nodes=(replace(node, host=host),))
    assert together(stock.B_BASE, keeping).nodes[0].host.folders == host.folders
    assert together(keeping, stock.B_BASE).nodes[0].host.folders == ()
    assert same_base(stock.A, keeping)


@pytest.mark.parametrize(
    ("before", "after", "one_way"),
    [
        ("v1.35.9+k3s1", "v1.36.0+k3s1", True),
        ("v1.36.3+k3s1", "v1.36.4+k3s1", False),
        ("v1.36.3+k3s1", "v1.36.3+k3s2", False),
        ("v1.36.3+k3s1", "v1.35.9+k3s1", False),
        ("v1.99.0+k3s1", "v2.0.0+k3s1", True),
    ],
)
def test_a_minor_version_is_one_way(before: str, after: str, *, one_way: bool) -> None:
    """Kubernetes' datastore is not brought back; patch versions go both ways."""
    assert is_one_way(with_version(stock.A, before), with_version(stock.A, after)) is one_way
