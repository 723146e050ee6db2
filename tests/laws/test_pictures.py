"""docs/pictures: what the pages show, what the folder has and what the program takes are the same files."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tools.pictures.draw import draw
from tools.pictures.screen import rows
from tools.pictures.shots import COLUMNS, MOST_BYTES, PICTURES, RECORDINGS, ROWS, files

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"\bpictures/([\w-]+\.(?:cast|svg|png))\b")
_FOLDERS = re.compile(r"/(root|home|tmp|work|var/tmp|usr/lib/python\S*|mnt)/")


def test_pages_folder_and_list_are_one() -> None:
    """Law: a picture that a page names is there and can be taken again; none is left over."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {name for page in pages for name in _NAMED.findall(page.read_text(encoding="utf-8"))}
    assert named == set(files())
    assert {path.name for path in PICTURES.iterdir()} == set(files())


@pytest.mark.parametrize("name", list(files()))
def test_each_is_small_and_whole(name: str) -> None:
    """Law: a page stays light, and nothing of the machine that it was taken on, or of another one, is in it."""
    data = (PICTURES / name).read_bytes()
    assert 1000 < len(data) <= MOST_BYTES
    if name.endswith(".png"):
        assert data.startswith(b"\x89PNG")
        return
    text = data.decode()
    assert not _FOLDERS.search(text)
    if name.endswith(".svg"):
        ET.fromstring(text)  # noqa: S314 - ours
        assert re.findall(r"https?://[^\s\"]+", text) == ["http://www.w3.org/2000/svg"], "it loads nothing"
        assert not re.search(r"<script|@import|url\((?!#|\"?#)", text)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda one: one.name)
def test_a_recording_can_be_played_and_is_what_is_drawn(recording: object) -> None:
    """Law: asciicast v2, with what was typed; the drawing is made of it, and of nothing else."""
    (one,) = [each for each in RECORDINGS if each is recording]
    head, *events = [json.loads(line) for line in (PICTURES / f"{one.name}.cast").read_text().splitlines()]
    assert (head["version"], head["width"], head["height"]) == (2, COLUMNS, ROWS)
    assert [at for at, _, _ in events] == sorted(at for at, _, _ in events)
    assert {kind for _, kind, _ in events} == {"o"}
    found = rows([(at, text) for at, _, text in events], COLUMNS)
    said = "\n".join(row.text.plain for row in found)
    for line, _ in one.typed:
        assert f"$ {line}" in said
    assert one.says
    assert one.says in said
    assert draw(one.name, one.title, found, moves=one.moves) == (PICTURES / f"{one.name}.svg").read_text()


def test_what_is_taken_back_is_not_drawn() -> None:
    """Law: a line that was erased or written over is gone, a long one goes on below, and others keep their colours."""
    events = [(0.0, "$ x\r\n"), (1.0, "\r\x1b[2K| waits"), (2.0, "\r\x1b[1A\x1b[2K\x1b[32mok\x1b[0m done\r\n\r\x1b[K")]
    found = rows(events, 80)
    assert [(row.text.plain, row.at) for row in found] == [("ok done", 2.0)]
    assert [str(span.style) for span in found[0].text.spans if span.start == 0]
    assert [row.text.plain for row in rows([(0.0, "abcde\r\n")], 2)] == ["ab", "cd", "e"]
    with pytest.raises(SystemExit, match="cannot draw"):
        rows([(0.0, "\x1b[3;4H")], 80)
