"""JUnit and comments beside a command: they can be written or nothing starts, change no outcome, and say every end."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.cli import press
from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode

pytestmark = pytest.mark.usefixtures("inventory")


@pytest.mark.parametrize(
    ("command", "option"), [("deploy", "--junit"), ("plan", "--junit"), ("plan", "--comment"), ("status", "--junit")]
)
@pytest.mark.parametrize("which", ["store-042", "store-0*"])
def test_a_place_that_cannot_be_written_is_said_first(
    tmp_path: Path, node: StoreNode, edgectl: Edgectl, command: str, option: str, which: str
) -> None:
    """Law: exit 2 and one document, before a store is touched. Seeded: the file is tried when the store is deployed."""
    (tmp_path / "file").write_text("a file where a folder should be")
    for where in (tmp_path / "file" / "r.xml", tmp_path):
        said = edgectl(command, which, option, str(where), "-o", "json")
        assert said.code == said.document["exit"] == 2, said
        assert f"{option}: {where} " in said.err
    assert (node.runs, node.frames) == (0, 0)


def test_a_disk_that_fills_meanwhile_changes_no_outcome(
    tmp_path: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: the deploy's own exit, its one document, and a note. Seeded: an error, which was exit 2 after the deploy."""
    real, file = Path.replace, tmp_path / "j.xml"

    def full(path: Path, target: Path) -> Path:
        if target == file:
            raise OSError(28, "No space left on device")
        return real(path, target)

    monkeypatch.setattr(Path, "replace", full)
    said = edgectl("deploy", "store-042", "--junit", str(file), "-o", "json")
    assert said.code == said.document["exit"] == 0, said
    assert node.runs == 1
    assert f"note      {file} could not be written: No space left on device" in said.err
    assert [path.name for path in tmp_path.iterdir() if "staging" in path.name or path == file] == []


@pytest.mark.parametrize(
    ("error", "code", "words"), [(KeyboardInterrupt(), 130, "stopped"), (ZeroDivisionError("x"), 1, "x")]
)
@pytest.mark.usefixtures("node")
def test_every_end_is_a_case(
    tmp_path: Path,
    edgectl: Edgectl,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    words: str,
) -> None:
    """Law: Ctrl-C and a bug are an error in the file, too; none at all would be green. Seeded: named errors alone."""

    def end(*_: object) -> None:
        raise error

    monkeypatch.setattr(press, "asked", end)
    said = edgectl("deploy", "store-042", "--junit", str(tmp_path / "j.xml"))
    text = (tmp_path / "j.xml").read_text()
    assert said.code == code, said
    assert 'tests="0"' not in text
    assert "<error " in text
    assert words in text
