"""Names of stores while one is typed: as the inventory has them, and silence where it has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.inventory import index
from edgectl.control.inventory.names import names
from edgectl.control.inventory.source import Source

_FORMS = [
    "version: 1\nstores:\n  store-1:\n    title: a\n  store-2: {nodes: {}}\n  # store-3:\n  'store-4':\nbundle: b\n",
    "stores: # all\r\n    store-1:\r\n        nodes:\r\n            node-1: {}\r\n    store-2:\r\n",
    "stores: {store-1: {}, store-2: {title: x}}\n",
    "defaults:\n  stores:\n    store-9: {}\nstores:\n  store-1:\n    windows: {}\n",
    "stores:\n\n  # first\n\n  store-1:\n\n    title: 'x: y'\n",
]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("text", _FORMS)
def test_the_same_names_as_the_commands_find(text: str, tmp_path: Path) -> None:
    """However the file is written."""
    path = tmp_path / "inventory.yaml"
    path.write_bytes(text.encode())
    assert names(path) == Source.read(path).names() != ()


@pytest.mark.parametrize(
    "data", [b"", b"stores:\n", b"stores: [\n", b"\xff\xfe\x00", b"stores:\n  - a\n", b"a: b\n", b"&a [*a]"]
)
def test_what_is_broken_is_silent(data: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No names, no words, no error; so are a missing file and a folder."""
    path = tmp_path / "inventory.yaml"
    path.write_bytes(data)
    assert names(path) == ()
    assert names(tmp_path) == names(tmp_path / "missing") == ()
    assert capfd.readouterr() == ("", "")


def test_ten_thousand_stores_are_looked_through_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an index and without YAML, which would take seconds. Seeded fault: read it as the commands do."""
    monkeypatch.setattr(Source, "read", lambda *_: pytest.fail("the file was read whole"))
    monkeypatch.setattr(index, "find", lambda _: None)
    path = tmp_path / "inventory.yaml"
    path.write_text("stores:\n" + "".join(f"  store-{one}:\n    nodes: {{n: {{}}}}\n" for one in range(10_000)))
    assert len(names(path)) == 10_000
