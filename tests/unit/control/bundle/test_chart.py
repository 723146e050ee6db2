"""Charts packed: the same files, the same bytes."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import pytest

from edgectl.control.bundle.chart import pack
from edgectl.wire.errors import InvalidInput


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "chart"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: vision\nversion: 1.2.3\n")
    (folder / "templates" / "a.yaml").write_text("kind: A\n" * 20_000)
    return folder


def test_the_same_files_give_the_same_digest(chart: Path, tmp_path: Path) -> None:
    """Neither place, times, modes nor what editors leave behind are part of a chart."""
    first = pack(chart)
    copy = tmp_path / "elsewhere"
    shutil.copytree(chart, copy)
    os.utime(copy / "Chart.yaml", (1, 1))
    (copy / "templates" / "a.yaml").chmod(0o600)
    (copy / "Chart.yaml~").write_text("old")
    (copy / ".git").mkdir()
    (copy / ".git" / "HEAD").write_text("x")
    assert pack(copy) == first
    (copy / "templates" / "a.yaml").write_text("kind: B\n")
    assert pack(copy).digest != first.digest


def test_the_archive_is_one_that_helm_reads(chart: Path) -> None:
    """A gzipped tar with the chart's name as its only top folder."""
    packed = pack(chart)
    assert (packed.name, packed.version, packed.size) == ("vision", "1.2.3", packed.path.stat().st_size)
    with tarfile.open(packed.path, "r:gz") as archive:
        assert archive.getnames() == ["vision/Chart.yaml", "vision/templates/a.yaml"]
        member = archive.extractfile("vision/templates/a.yaml")
        assert member is not None
        assert member.read() == (chart / "templates" / "a.yaml").read_bytes()


def test_what_is_no_chart_is_refused(chart: Path) -> None:
    """No Chart.yaml, a broken one, one without a name; a link to elsewhere."""
    (chart / "templates" / "link.yaml").symlink_to("/etc/hostname")
    with pytest.raises(InvalidInput, match="is a link"):
        pack(chart)
    for text in ("name: [", "version: 1\n", "", "[]"):
        (chart / "Chart.yaml").write_text(text)
        with pytest.raises(InvalidInput, match="is not a chart"):
            pack(chart)
    (chart / "Chart.yaml").unlink()
    with pytest.raises(InvalidInput, match="is not a chart"):
        pack(chart)
