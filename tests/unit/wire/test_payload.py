"""The payload's name is its content, and an unknown format is refused."""

from __future__ import annotations

import dataclasses
import json

import pytest

from edgectl.wire.document import canonical
from edgectl.wire.payload import (
    FORMAT,
    Gpu,
    Helm,
    Host,
    Image,
    Inference,
    K3s,
    ManagedFile,
    ManagedFolder,
    Node,
    Payload,
    Release,
    StoreSecret,
    decode,
    part_of,
)

BLOB = "sha256:" + "0" * 64


def payload() -> Payload:
    """Return one with something in every field."""
    files = (ManagedFile("/etc/rancher/k3s/config.yaml", "a: 1\n", "0600"),)
    node = Node(
        name="node-1",
        role="server",
        address="10.77.0.11",
        host=Host(free_bytes=1, files=files, sysctls={"vm.swappiness": "1"}),
        k3s=K3s("v1.36.3+k3s1", BLOB, "k3s.service", files, (Image(BLOB, ("docker.io/a/b:1",)),)),
        helm=Helm("v4.3.1", BLOB),
        gpu=Gpu("nvidia.com/gpu", 2, 1),
    )
    release = Release(
        "vision-stack", "vision", BLOB, {"a": {"b": [1, 2.5, None]}}, BLOB, ({"kind": "Service"},), ("gpu",)
    )
    inference = Inference("vision", "inference", 8000, "tiny", {"inputs": []}, (0.5, 1.0))
    secret = StoreSecret("app", ("vision",), {"PASSWORD": "1"})
    return Payload("store-042", "Berlin", (node,), (release,), {BLOB: 3}, inference, (secret,), {"cameras": [{"a": 1}]})


def test_the_same_desire_has_the_same_digest() -> None:
    """Made twice, the payload has one name; so "nothing new" is one comparison."""
    assert payload().digest == payload().digest


@pytest.mark.parametrize("field", ["store", "title"])
def test_any_change_changes_the_digest(field: str) -> None:
    """No field is left out of the name."""
    assert dataclasses.replace(payload(), **{field: "other"}).digest != payload().digest  # type: ignore[arg-type]


def test_the_bytes_come_back_as_they_went() -> None:
    """What the node reads is what the operator wrote, with the same name."""
    found = decode(payload().encode())
    assert found == payload()
    assert found.digest == payload().digest


def test_what_is_not_there_has_no_name() -> None:
    """A payload without secrets and facts is named as it was before these were known: a new edgectl changes nothing."""
    bare = dataclasses.replace(payload(), secrets=(), facts={})
    assert not {"secrets", "facts"} & set(json.loads(bare.encode()))
    assert decode(bare.encode()) == bare
    assert bare.digest != payload().digest


def test_a_node_without_folders_is_named_as_before() -> None:
    """What came later to a node is left out where there is none of it, too; where there is, it comes back."""
    assert b'"folders"' not in payload().encode()
    (node,) = payload().nodes
    host = dataclasses.replace(node.host, folders=(ManagedFolder("/srv/queue", 65532),))
    with_one = dataclasses.replace(payload(), nodes=(dataclasses.replace(node, host=host),))
    assert decode(with_one.encode()) == with_one
    assert with_one.digest != payload().digest
    assert part_of(with_one.nodes[0]) != part_of(node)


def test_a_rotated_secret_is_another_payload() -> None:
    """By its version: the payload holds nothing else of it."""
    rotated = dataclasses.replace(payload(), secrets=(StoreSecret("app", ("vision",), {"PASSWORD": "2"}),))
    assert rotated.digest != payload().digest


@pytest.mark.parametrize("format_", [FORMAT + 1, 0, None, "1", True, 1.0])
def test_another_format_is_refused(format_: object) -> None:
    """A runtime never half understands a payload of another format; the sentence names both."""
    doc = json.loads(payload().encode())
    doc["format"] = format_
    with pytest.raises(ValueError, match=f"payload format {format_} is not known here .*reads format {FORMAT}"):
        decode(canonical(doc))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"\xff\xfe"])
def test_noise_is_no_payload(data: bytes) -> None:
    """Torn or foreign bytes end in a ValueError, which callers turn into a sentence."""
    with pytest.raises(ValueError, match=r".+"):
        decode(data)


def test_a_node_is_found_by_its_name() -> None:
    """A name that the store does not have is a KeyError, never another node's part."""
    assert payload().node("node-1").address == "10.77.0.11"
    with pytest.raises(KeyError, match="node-2"):
        payload().node("node-2")
