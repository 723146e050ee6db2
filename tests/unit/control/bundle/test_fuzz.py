"""Whatever an index, an offer or a payload of a bundle holds, it is told in sentences: never a traceback."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgectl.control.bundle.layout import INDEX_TYPE, Bundle
from edgectl.control.bundle.offers import offers
from edgectl.control.bundle.verify import verify
from edgectl.wire.document import digest_of, to_json
from edgectl.wire.errors import InvalidInput
from edgectl.wire.offer import Offer, Part
from tests.edits import edited_bytes, edited_document
from tests.stick import NOW, STORE, Stick, key, payload, signed
from tests.unit.node.load.test_engine import odd

V2 = payload("v2")
K3S = b"k3s"
OFFER = Offer(STORE, NOW, NOW + 86400, Part(V2.digest, len(V2.encode())), Part(digest_of(K3S), len(K3S)))
INDEX: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": INDEX_TYPE,
    "manifests": [
        {
            "mediaType": "application/octet-stream",
            "digest": digest_of(data),
            "size": len(data),
            "annotations": {
                "edgectl.kind": kind,
                "edgectl.name": kind,
                "edgectl.version": "v1",
                "edgectl.arch": "amd64",
                "edgectl.refs": "",
                "edgectl.source": "",
            },
        }
        for kind, data in (("k3s", K3S), ("payload", V2.encode()))
    ],
}
fuzz = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small bundle with an offer."""
    root = tmp_path_factory.mktemp("fuzz") / "usb"
    Bundle.create(root)
    stick = Stick(root)
    for data in (K3S, V2.encode(), b"v2"):
        stick.put(data)
    return root


def written(doc: Any) -> bytes:
    """Return a document as JSON."""
    return json.dumps(doc).encode()


def law(root: Path) -> None:
    """Look at it in all ways that there are."""
    for finding in verify(root).findings:
        line = str(finding)
        assert line.isprintable(), line
        assert ": " in line
    try:
        bundle = Bundle.open(root)
        for kind in ("k3s", "payload", "image"):
            bundle.all(kind)
    except InvalidInput as error:
        assert error.message.isprintable()  # noqa: PT017 - it may be opened, too
    assert all(signed.offer.store for signed in offers(root))


@fuzz
@given(made=edited_document(INDEX).map(written) | edited_bytes(written(INDEX)))
def test_an_index(made: bytes, root: Path) -> None:
    """As a document that is another one, or as bytes that are."""
    (root / "index.json").write_bytes(made)
    law(root)


@fuzz
@given(
    made=edited_document(to_json(OFFER)).map(written) | edited_bytes(OFFER.encode()),
    signature=edited_bytes(signed(OFFER.encode(), key())),
)
def test_an_offer_and_its_signature(made: bytes, signature: bytes, root: Path) -> None:
    """Of a bundle that is whole otherwise."""
    (root / "index.json").write_bytes(written(INDEX))
    Stick(root).write(made, by=key())
    law(root)
    (root / f"offers/{STORE}.json.sig").write_bytes(signature)
    law(root)


WORDS = st.text(max_size=30) | st.sampled_from(["x" * 300, "\x1b[2J", "sha256:\x00", "/etc/shadow", ".."])


@fuzz
@given(
    made=edited_document(json.loads(V2.encode())).map(written)
    | edited_bytes(V2.encode())
    | WORDS.map(lambda text: written(json.loads(V2.encode()) | {"store": text}))
    | WORDS.map(lambda text: written(json.loads(V2.encode()) | {"blobs": {text: 3, f"sha256:{text}": 4}}))
)
def test_a_payload_that_an_offer_names(made: bytes, root: Path) -> None:
    """Its names and digests are said, too, and none of them leads anywhere."""
    (root / "index.json").write_bytes(written(INDEX))
    stick = Stick(root)
    part = stick.put(made or b" ")
    stick.write(replace(OFFER, payload=part).encode(), by=key())
    law(root)
    if part.digest != V2.digest:
        stick.blob(part.digest).unlink()


@pytest.mark.parametrize("size", [-(1 << 80), -1024, 1 << 40, 1 << 63, 1 << 80])
@pytest.mark.parametrize("kind", [b"0", b"L", b"K", b"x", b"g"], ids=bytes.decode)
def test_an_archive_whose_sizes_are_none(kind: bytes, size: int, root: Path) -> None:
    """It is told, whatever Python's tarfile makes of it; nothing of that size is asked of memory."""
    data = odd(kind, size)
    part = Stick(root).put(data)
    entry = {**INDEX["manifests"][0], "digest": part.digest, "size": part.size}
    entry["annotations"] = {**entry["annotations"], "edgectl.kind": "runtime", "edgectl.name": "edgectl"}
    (root / "index.json").write_bytes(written({**INDEX, "manifests": [*INDEX["manifests"], entry]}))
    law(root)
    assert any(finding.where.startswith("runtime") for finding in verify(root).findings)
