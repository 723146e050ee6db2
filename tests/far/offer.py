"""What is deployed to a store in a folder: a payload of one node with models, and bytes to fill them with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from edgectl.control.deploy.offer import Offer
from edgectl.node.io.files import sha256_of
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Sender
from edgectl.wire.payload import Host, K3s, ManagedFile, Model, Models, Node, Payload
from edgectl.wire.thing import PAYLOAD, things

NODE = "node-1"
HERE = Sender("ada", "laptop")


def offered(models: Mapping[str, Path], *, title: str = "Far away") -> Offer:
    """Return a deploy of a store whose node has these models: name:version -> their one file."""
    digests = {ref: sha256_of(path) or "" for ref, path in models.items()}
    binary = b"k3s"
    host = Host(0, (ManagedFile("/etc/store.conf", title),))
    node = Node(NODE, "server", "10.0.0.1", host, K3s("v1.36.3+k3s1", digest_of(binary), "k3s.service", (), ()))
    sizes = {digests[ref]: path.stat().st_size for ref, path in models.items()}
    kept = tuple(
        Model(ref.partition(":")[0], ref.partition(":")[2], {"model.bin": digest}) for ref, digest in digests.items()
    )
    blobs = {digest_of(binary): len(binary), **sizes}
    payload = Payload("far-1", title, (node,), (), blobs, models=Models(kept) if kept else None)
    data = payload.encode()
    return Offer(
        store=payload.store,
        node=NODE,
        payload=payload.digest,
        runtime="",
        blobs={**payload.blobs, payload.digest: len(data)},
        sources={
            digest_of(binary): binary,
            payload.digest: data,
            **{digests[ref]: path for ref, path in models.items()},
        },
        sender=HERE,
        names={**things(payload), payload.digest: PAYLOAD},
    )


def noise(path: Path, size: int, *, seed: int = 1) -> Path:
    """Write bytes that nothing can pack: the digest of a counter, again and again."""
    with path.open("wb") as file:
        left, number = size, 0
        while left:
            stream = hashlib.shake_128(f"{seed}-{number}".encode()).digest(min(left, 1 << 20))
            file.write(stream)
            left, number = left - len(stream), number + 1
    return path
