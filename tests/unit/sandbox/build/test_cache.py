"""The cache of built parts."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from edgectl.sandbox.build.cache import cache_root, digest_inputs, found, part


class Heard:
    """Remembers what was said, without the seconds."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, what: str, _seconds: float, /) -> None:
        """Take one line of progress."""
        self.lines.append((name, what))


def test_a_part_is_built_once(tmp_path: Path) -> None:
    """The second time the same inputs are asked for, nothing is built and nothing is said."""
    heard, times = Heard(), []

    def build(folder: Path) -> None:
        times.append(folder)
        (folder / "program").write_text("x")

    first = part("tool", digest_inputs("a"), build, say=heard, root=tmp_path)
    second = part("tool", digest_inputs("a"), build, say=heard, root=tmp_path)
    assert first == second
    assert len(times) == 1
    assert heard.lines == [("tool", "building"), ("tool", "built")]
    assert (first / "program").read_text() == "x"


def test_other_inputs_are_another_part(tmp_path: Path) -> None:
    """What a part is made from names it."""
    one = part("tool", digest_inputs("a"), lambda folder: (folder / "a").touch(), say=Heard(), root=tmp_path)
    two = part("tool", digest_inputs("b"), lambda folder: (folder / "b").touch(), say=Heard(), root=tmp_path)
    assert one != two
    assert found("tool", digest_inputs("b"), root=tmp_path) == two
    assert found("tool", digest_inputs("c"), root=tmp_path) is None


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A part is there whole or not at all; the next run builds it again."""

    def broken(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        part("tool", digest_inputs("a"), broken, say=Heard(), root=tmp_path)
    assert found("tool", digest_inputs("a"), root=tmp_path) is None
    assert [path.name for path in (tmp_path / "parts").iterdir()] == [".tool.lock"]


def test_what_a_killed_build_left_is_cleared_away(tmp_path: Path) -> None:
    """Half a part of a killed process does not end up in the next one."""
    staging = tmp_path / "parts" / ".tool.staging"
    staging.mkdir(parents=True)
    (staging / "half").write_text("half")
    place = part("tool", digest_inputs("a"), lambda folder: (folder / "whole").touch(), say=Heard(), root=tmp_path)
    assert [path.name for path in place.iterdir()] == ["whole"]


def test_read_only_folders_are_removed_too(tmp_path: Path) -> None:
    """Go's module cache makes its folders read-only; they go as well."""
    kept = tmp_path / "parts" / ".tool.staging" / "module"
    kept.mkdir(parents=True)
    (kept / "file").touch()
    kept.chmod(0o555)
    part("tool", digest_inputs("a"), lambda folder: (folder / "whole").touch(), say=Heard(), root=tmp_path)
    assert not kept.exists()


def test_only_the_newest_entries_stay(tmp_path: Path) -> None:
    """Two entries of a part stay, the one used last among them; other parts are left alone."""
    other = part("tool-two", digest_inputs("x"), lambda folder: (folder / "x").touch(), say=Heard(), root=tmp_path)
    places = []
    for age, text in enumerate(("a", "b", "c"), start=1):
        place = part("tool", digest_inputs(text), lambda folder: (folder / "x").touch(), say=Heard(), root=tmp_path)
        os.utime(place, (age, age))
        places.append(place)
    assert [place.exists() for place in places] == [False, True, True]
    assert other.exists()


def test_who_waits_for_another_process_finds_its_part(tmp_path: Path) -> None:
    """The lock is the kernel's; whoever gets it looks again before building."""
    inputs = digest_inputs("a")
    place = tmp_path / "parts" / f"tool-{inputs[:16]}"
    lock = tmp_path / "parts" / ".tool.lock"
    lock.parent.mkdir(parents=True)
    handle = lock.open("a")
    fcntl.flock(handle, fcntl.LOCK_EX)

    class Other(Heard):
        """The other process ends as soon as we are told that it builds."""

        def __call__(self, name: str, what: str, seconds: float, /) -> None:
            super().__call__(name, what, seconds)
            place.mkdir()
            handle.close()

    heard = Other()
    got = part("tool", inputs, lambda _folder: pytest.fail("built twice"), say=heard, root=tmp_path)
    assert got == place
    assert heard.lines == [("tool", "waiting: another process builds it")]


def test_inputs_tell_contents_and_names_apart(tmp_path: Path) -> None:
    """A changed byte, a renamed file, a moved border between two inputs: another digest."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.go").write_text("package main")
    before = digest_inputs(tmp_path / "one")
    (tmp_path / "one" / "a.go").rename(tmp_path / "one" / "b.go")
    renamed = digest_inputs(tmp_path / "one")
    (tmp_path / "one" / "b.go").write_text("package other")
    assert len({before, renamed, digest_inputs(tmp_path / "one")}) == 3
    assert digest_inputs("ab", "c") != digest_inputs("a", "bc")


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """XDG_CACHE_HOME counts when it is absolute, as its specification says."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "edgectl"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_root() == Path.home() / ".cache" / "edgectl"


def test_a_name_is_a_file_name(tmp_path: Path) -> None:
    """A part's name cannot lead out of the cache."""
    with pytest.raises(ValueError, match="small letters"):
        part("../tool", digest_inputs("a"), lambda _folder: None, say=Heard(), root=tmp_path)
