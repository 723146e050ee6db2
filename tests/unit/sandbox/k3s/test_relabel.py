"""A second version of k3s is the first under another name: each place of the label, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.sandbox.k3s.relabel import relabel

OLD, NEW = "v1.36.3+k3s1", "v1.36.4+k3s1"


def test_each_label_is_the_other_one(tmp_path: Path) -> None:
    """The program is as long as before, and can be run."""
    (tmp_path / "k3s").write_bytes(b"\x7fELF v1.36.3+k3s1\0v1.36.3\0" + OLD.encode())
    made = relabel(tmp_path / "k3s", tmp_path / "other", OLD, NEW)
    assert made.read_bytes() == b"\x7fELF v1.36.4+k3s1\0v1.36.3\0v1.36.4+k3s1"
    assert made.stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize(("old", "new"), [(OLD, "v1.36.10+k3s1"), ("v1.35.9+k3s1", NEW)])
def test_what_has_no_place_says_so(tmp_path: Path, old: str, new: str) -> None:
    """Another length would move everything behind it; a program of another version would keep its label."""
    (tmp_path / "k3s").write_bytes(OLD.encode())
    with pytest.raises(ValueError, match=r"no place in the program|does not say"):
        relabel(tmp_path / "k3s", tmp_path / "other", old, new)
    assert not (tmp_path / "other").exists()
