"""What the chain is held against: the registry's `current` as it lies on the disk."""

from __future__ import annotations

from pathlib import Path

from edgectl.node.io.places import Places
from edgectl.node.models.registry import CURRENT, Registry
from edgectl.node.vision.chain.declared import kept
from edgectl.wire.chain import MODEL, NOT_READY, READY
from edgectl.wire.document import digest_of
from edgectl.wire.payload import Model


def registered(folder: Path, **files: bytes) -> tuple[Places, Path]:
    """Return a node whose registry runs one version, and that version's folder."""
    places = Places(folder)
    places.blobs.mkdir(parents=True)
    names = {name.replace("_", "."): data for name, data in files.items()}
    for data in names.values():
        places.blob(digest_of(data)).write_bytes(data)
    model = Model("detector", "2", {name: digest_of(data) for name, data in names.items()})
    registry = Registry(places)
    registry.bring(model)
    registry.point("detector", CURRENT, model.folder)
    return places, registry.at("detector", model.folder)


def test_a_version_with_its_own_bytes_is_well(tmp_path: Path) -> None:
    """It is named with its version; without models there is nothing to judge."""
    places, _ = registered(tmp_path, model_onnx=b"weights")
    said = kept(places, ("detector",))
    assert said is not None
    assert (said.word, said.reason) == (READY, "detector 2")
    assert kept(places, ()) is None


def test_other_bytes_and_no_version_are_model_faults(tmp_path: Path) -> None:
    """A file that was replaced, a link that leads nowhere: believed at once, and named."""
    places, folder = registered(tmp_path, model_onnx=b"weights")
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").write_bytes(b"others!")
    said = kept(places, ("detector",))
    assert said is not None
    assert (said.word, said.kind) == (NOT_READY, MODEL)
    assert said.reason == "detector 2 model.onnx is another file, not as its blob"
    missing = kept(places, ("other",))
    assert missing is not None
    assert (missing.kind, missing.reason) == (MODEL, "no version of other is in the registry")
