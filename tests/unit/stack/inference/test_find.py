"""Which model a service finds to serve: the newest of a folder, or what a node's registry says."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.stack.inference.model import find


def test_the_highest_version_is_served(tmp_path: Path) -> None:
    """Law: version 10 is newer than version 9, and one service serves one model."""
    for name in ("a/9", "a/10"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "model.onnx").touch()
    assert find(tmp_path)[:2] == ("a", "10")
    (tmp_path / "b" / "1").mkdir(parents=True)
    (tmp_path / "b" / "1" / "model.onnx").touch()
    with pytest.raises(ValueError, match="holds a, b"):
        find(tmp_path)
    with pytest.raises(FileNotFoundError, match="no model in"):
        find(tmp_path / "c")


def test_a_node_s_registry_is_served_as_it_says(tmp_path: Path) -> None:
    """Law: what `current` names is served, never what else is kept; its version is that of model.json.

    Seeded fault: the last link by name is taken.
    """
    for name in ("detector", "counter"):
        for version in ("1.3-0123456789ab", "1.4-0123456789ab"):
            folder = tmp_path / name / "versions" / version
            folder.mkdir(parents=True)
            (folder / "model.onnx").touch()
            (folder / "model.json").write_text(f'{{"version": "{version[:3]}"}}')
    detector = tmp_path / "detector"
    (detector / "previous").symlink_to("versions/1.4-0123456789ab")
    with pytest.raises(FileNotFoundError, match="no model in"):
        find(tmp_path)
    (detector / "current").symlink_to("versions/1.3-0123456789ab")
    assert find(tmp_path) == ("detector", "1.3", detector / "versions" / "1.3-0123456789ab" / "model.onnx")
    (tmp_path / "counter" / "current").symlink_to("versions/1.4-0123456789ab")
    with pytest.raises(ValueError, match="holds counter, detector: --model NAME"):
        find(tmp_path)
    assert find(tmp_path, "counter")[:2] == ("counter", "1.4")
    (detector / "versions" / "1.3-0123456789ab" / "model.json").write_text("{")
    with pytest.raises(ValueError, match="does not say which version"):
        find(tmp_path, "detector")


def test_onnx_runtime_is_told_not_to_report() -> None:
    """Law: a store's models are reported to nobody."""
    import os

    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
