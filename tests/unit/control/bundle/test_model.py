"""Models in a bundle: taken in whole and once, never changed under the same version, found whole or said to lack."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.bundle.components import components
from edgectl.control.bundle.layout import Bundle
from edgectl.control.bundle.model import files_at, held, is_name, whole
from edgectl.control.bundle.verify import verify
from edgectl.control.gather.models import take_models
from edgectl.control.gather.shopping import Shopping
from edgectl.control.inventory.load import load
from edgectl.wire.errors import InvalidInput
from tests.cli.conftest import KEY


def inventory(folder: Path, *models: str) -> Path:
    """Return an inventory with one store for each declaration of the detector."""
    stores = "".join(
        f"  store-{number}:\n    models: {{detector: {model}}}\n"
        f"    nodes: {{node-1: {{address: 10.77.0.{number + 11}, host_key: {KEY}}}}}\n"
        for number, model in enumerate(models)
    )
    path = folder / "inventory.yaml"
    path.write_text(f"version: 1\nbundle: bundle\ndefaults: {{k3s: {{version: v1.36.3+k3s1}}}}\nstores:\n{stores}")
    return path


def build(folder: Path, *models: str) -> Shopping:
    """Take the models of stores into the bundle."""
    opened = load(inventory(folder, *models))
    shopping = Shopping(Bundle.create(folder / "bundle"), (), lambda _: None)
    take_models([opened.store(name) for name in opened.names()], shopping)
    return shopping


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "d-1.4.onnx").write_bytes(b"weights")
    (tmp_path / "folder").mkdir()
    for name in ("model.onnx", "labels.txt"):
        (tmp_path / "folder" / name).write_bytes(name.encode())
    return tmp_path


def test_a_file_is_called_by_what_it_is_and_a_folder_keeps_its_names(shop: Path) -> None:
    """Law: the next version's file has the same name, whatever its path says; the same build, the same index."""
    shopping = build(shop, '{version: "1.4", from: ./d-1.4.onnx}', '{version: "2", variant: fp16, from: ./folder}')
    assert shopping.missing == []
    named = [(one.name, one.version) for one in shopping.bundle.all("model")]
    assert named == [
        ("detector/model.onnx", "1.4"),
        ("detector:fp16/labels.txt", "2"),
        ("detector:fp16/model.onnx", "2"),
    ]
    index = shopping.bundle.digest
    again = build(shop, '{version: "1.4", from: ./d-1.4.onnx}', '{version: "2", variant: fp16, from: ./folder}')
    assert (again.bundle.digest, again.fetched, again.kept) == (index, {}, 3)
    assert verify(shop / "bundle").findings == ()
    assert "machine-learning-model" in components(again.bundle)


def test_a_version_never_changes(shop: Path) -> None:
    """Law: other bytes, one file more or one file less under the same version is refused, with its line.

    Seeded fault: only files of the same name are compared.
    """
    assert build(shop, '{version: "2", from: ./folder}').missing == []
    for change in ("other", "more", "less"):
        file = shop / "folder" / ("extra.txt" if change == "more" else "labels.txt")
        before = file.read_bytes() if file.exists() else None
        file.unlink() if change == "less" else file.write_bytes(b"other")
        (found,) = build(shop, '{version: "2", from: ./folder}').missing
        assert found.place.line == 6
        assert found.sentence.endswith("a version never changes, give this one another version")
        assert "models.detector: detector 2 is in the bundle" in found.sentence
        file.unlink() if before is None else file.write_bytes(before)
    assert build(shop, '{version: "2", from: ./folder}').missing == []


def test_a_version_that_was_cut_off_is_seen_and_completed(shop: Path) -> None:
    """Law: part of a version is no version; the same build brings the rest."""
    bundle = build(shop, '{version: "2", from: ./folder}').bundle
    labels, model = bundle.all("model")
    bundle.name_only([model])
    bundle.drop_unnamed()
    assert not whole(held(bundle.all(), "detector", "", "2"))
    (found,) = verify(shop / "bundle").findings
    assert str(found) == "model detector 2: is not the files that it was built of (a build that was cut off?)"
    again = build(shop, '{version: "2", from: ./folder}')
    assert (again.missing, set(again.fetched)) == ([], {labels.digest})
    assert whole(held(bundle.all(), "detector", "", "2"))


def test_a_version_that_was_built_elsewhere_needs_no_file_here(shop: Path) -> None:
    build(shop, '{version: "1.4", from: ./d-1.4.onnx}')
    (shop / "d-1.4.onnx").unlink()
    assert build(shop, '{version: "1.4", from: ./d-1.4.onnx}').missing == []
    (found,) = build(shop, '{version: "1.5", from: ./d-1.4.onnx}').missing
    assert f"there is no file {shop / 'd-1.4.onnx'}" in found.sentence


def test_a_damaged_blob_is_taken_in_again(shop: Path) -> None:
    bundle = build(shop, '{version: "1.4", from: ./d-1.4.onnx}').bundle
    (one,) = bundle.all("model")
    bundle.path(one.digest).write_bytes(b"weightz")
    assert set(build(shop, '{version: "1.4", from: ./d-1.4.onnx}').fetched) == {one.digest}
    assert verify(shop / "bundle").findings == ()


def test_one_file_is_not_two_versions(shop: Path) -> None:
    """Law: a layer that raises the version and not the file is told before a store runs old bytes as new ones."""
    (found,) = build(shop, '{version: "1.4", from: ./d-1.4.onnx}', '{version: "1.5", from: ./d-1.4.onnx}').missing
    assert "is said to be version 1.4 and version 1.5: say version and from together" in found.sentence


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("sub/", "is no file: a model is a file, or a folder of files without folders in it"),
        (".DS_Store", 'holds ".DS_Store"'),
        ("a b.onnx", 'holds "a b.onnx"'),
        ("model.json", "the registry writes its own"),
    ],
)
def test_what_a_registry_cannot_keep_is_refused(name: str, sentence: str, shop: Path) -> None:
    path = shop / "folder" / name
    path.mkdir() if name.endswith("/") else path.write_text("x")
    with pytest.raises(InvalidInput, match=sentence):
        files_at(shop / "folder")


def test_a_file_without_an_ending_an_empty_folder_and_none(tmp_path: Path) -> None:
    (tmp_path / "weights").touch()
    (tmp_path / "empty").mkdir()
    for name, sentence in (("weights", None), ("empty", "is an empty folder"), ("none", "there is no file")):
        if sentence is None:
            assert set(files_at(tmp_path / name)) == {"model"}
        else:
            with pytest.raises(InvalidInput, match=sentence):
                files_at(tmp_path / name)


@pytest.mark.parametrize("name", ["detector", "detector/", "/x", "a/../b", "a/b/c", "a:/b", "a/.b", "a b/c"])
def test_no_other_name_passes_for_a_model(name: str) -> None:
    assert not is_name(name)
    assert is_name("detector:fp16/model.onnx")
