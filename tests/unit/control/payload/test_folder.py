"""A payload written out for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.kubeyaml import load_all
from edgectl.control.payload.folder import write
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import Host, K3s, ManagedFile, Node, Payload, Release, decode


def payload(*releases: str) -> Payload:
    file = ManagedFile("/etc/rancher/k3s/config.yaml", "a: 1\n")
    k3s = K3s(version="v1", binary="sha256:0", unit="k3s.service", files=(file,), images=())
    node = Node(name="node-1", role="server", address="10.77.0.11", host=Host(free_bytes=0), k3s=k3s)
    found = tuple(
        Release(
            name=name, namespace="n", chart="c", values={"b": 1}, digest="d", manifests=({"kind": "A"}, {"kind": "B"})
        )
        for name in releases
    )
    return Payload(store="s", title="", nodes=(node,), releases=found, blobs={})


def test_every_file_and_manifest_can_be_read(tmp_path: Path) -> None:
    """Files under the node's rootfs, values and manifests by release, the payload itself as it is sent."""
    write(payload("vision"), tmp_path / "out")
    root = tmp_path / "out"
    assert (root / "nodes/node-1/rootfs/etc/rancher/k3s/config.yaml").read_text() == "a: 1\n"
    assert load_all((root / "releases/vision/manifests.yaml").read_text()) == [{"kind": "A"}, {"kind": "B"}]
    assert load_all((root / "releases/vision/values.yaml").read_text()) == [{"b": 1}]
    assert decode((root / "payload.json").read_bytes()) == payload("vision")


def test_writing_again_leaves_nothing_of_before(tmp_path: Path) -> None:
    """Two renderings can be compared with diff -r."""
    write(payload("vision", "old"), tmp_path)
    write(payload("vision"), tmp_path)
    assert [path.name for path in (tmp_path / "releases").iterdir()] == ["vision"]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """A typing error in --to must cost nothing."""
    (tmp_path / "nodes").mkdir()
    with pytest.raises(InvalidInput, match="is not empty"):
        write(payload("vision"), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be written"):
        write(payload("vision"), tmp_path / "file" / "out")
