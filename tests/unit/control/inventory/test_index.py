"""One store found by the index is the store that the whole file has; the cache can make reading faster, never wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgectl.control.cache import cache
from edgectl.control.inventory import index
from edgectl.control.inventory.load import load
from tests.fleet import fleet
from tests.unit.control.inventories import content, content_of, same, stored, whole

COUNT = 60
FLEET = fleet(COUNT)
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
QUICK = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=SLOW)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_every_store_of_a_fleet(folder: Path) -> None:
    """Law: each store read by the index is the store of the whole file, places and layers included.

    Seeded faults: a line counted from 1; the last store cut at the next section; moves added once.
    """
    path = folder / "inventory.yaml"
    path.write_text(FLEET)
    opened = load(path)
    names = list(opened.names())
    expected = {name: content_of(opened.store(name)) for name in names}
    assert len(stored()) == 1
    assert {name: content_of(load(path).store(name)) for name in names} == expected
    some = load(path)
    some.want(names[3:9])
    assert {name: content_of(some.store(name)) for name in names[3:9]} == {name: expected[name] for name in names[3:9]}


@QUICK
@given(
    edits=st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=4)
)
def test_damaged_caches(tmp_path: Path, edits: list[tuple[int, bytes, int]]) -> None:
    """Law: a cache whose bytes are changed, cut or lost changes no result. Seeded fault: the digest is not compared."""
    path = tmp_path / "inventory.yaml"
    path.write_text(FLEET)
    expected = _expected(path)
    load(path).names()
    (kept,) = stored()
    data = kept.read_bytes()
    for at, new, lost in edits:
        place = at % (len(data) + 1)
        data = data[:place] + new + data[place + lost :]
    kept.write_bytes(data)
    assert {name: content(path, name) for name in expected} == expected


_EXPECTED: dict[str, dict[str, tuple[Any, ...]]] = {}


def _expected(path: Path) -> dict[str, tuple[Any, ...]]:
    key = hashlib.sha256(path.read_bytes()).hexdigest() + str(path)
    if key not in _EXPECTED:
        _EXPECTED[key] = whole(path, ["store-001", "store-033", "store-060", "store-9"])
    return _EXPECTED[key]


ROWS = st.lists(st.tuples(st.integers(0, COUNT), st.integers(1, 2), st.integers(-40, 400)), min_size=1, max_size=6)


@QUICK
@given(changes=ROWS)
def test_forged_offsets(tmp_path: Path, changes: list[tuple[int, int, int]]) -> None:
    """Law: offsets that lie, with a checksum that fits, lead to the same stores or to the whole file.

    Seeded faults: an excerpt whose ends are not looked at; names that are not compared.
    """
    path = tmp_path / "inventory.yaml"
    path.write_text(FLEET)
    expected = _expected(path)
    load(path).names()
    (kept,) = stored()
    body = kept.read_bytes().partition(b"\n\n")[2]
    lines = [line.split(b"\t") for line in body.splitlines()]
    for row, column, by in changes:
        lines[row][column] = str(int(lines[row][column]) + by).encode()
    _write(path, b"".join(b"\t".join(line) + b"\n" for line in lines))
    found = {name: content(path, name) for name in expected}
    assert {name: one[:5] for name, one in found.items()} == {name: one[:5] for name, one in expected.items()}


def _write(path: Path, body: bytes) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    place = cache("inventories") / f"{digest}.tsv"
    place.write_bytes(index._head(digest, b"\n" + body) + body)


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"x\n", b"store-001\t0\t0\t\n", b"\xff\t1\t1\t\n\t2\t2\t\n", b"a\tb\tc\td\n\tx\ty\tz\n"]
)
def test_foreign_bodies(folder: Path, body: bytes) -> None:
    """Law: what is no index, though its checksum fits, is no traceback. Seeded fault: rows split without a look."""
    path = folder / "inventory.yaml"
    path.write_text(FLEET)
    expected = whole(path, ["store-001"])
    load(path).names()
    _write(path, body)
    assert {"store-001": content(path, "store-001")} == expected


def test_rows_with_each_other_s_names(folder: Path) -> None:
    """Law: what is read is looked at: a row that leads to another store is not believed. Seeded fault: it is."""
    path = folder / "inventory.yaml"
    path.write_text(FLEET)
    expected = whole(path, ["store-033", "store-034"])
    load(path).names()
    (kept,) = stored()
    body = kept.read_bytes().partition(b"\n\n")[2]
    _write(path, body.replace(b"store-033", b"x").replace(b"store-034", b"store-033").replace(b"x", b"store-034"))
    assert {name: content(path, name) for name in expected} == expected


def test_a_store_that_is_cut(folder: Path) -> None:
    """Law: a store ends where the next thing stands no deeper. Seeded fault: the end of a row is believed."""
    path = folder / "inventory.yaml"
    path.write_text(FLEET)
    expected = whole(path, ["store-033", "store-034"])
    load(path).names()
    (kept,) = stored()
    rows = [line.split(b"\t") for line in kept.read_bytes().partition(b"\n\n")[2].splitlines()]
    rows[33][2] = str(path.read_bytes().index(b"    nodes:", int(rows[32][2]))).encode()
    _write(path, b"".join(b"\t".join(row) + b"\n" for row in rows))
    assert {name: content(path, name) for name in expected} == expected


def test_a_name_changed_by_a_bad_disk(folder: Path) -> None:
    """Law: one letter that is another one is seen. Seeded fault: the checksum is not compared."""
    path = folder / "inventory.yaml"
    path.write_text(FLEET)
    names = load(path).names()
    (kept,) = stored()
    kept.write_bytes(kept.read_bytes().replace(b"store-033", b"store-0e3"))
    assert load(path).names() == names
    assert load(path).store("store-033").name == "store-033"


def test_two_files_with_each_other_s_cache(folder: Path) -> None:
    """Law: a cache belongs to one content. Seeded fault: the digest in its head is not compared."""
    first, second = folder / "first.yaml", folder / "second.yaml"
    first.write_text(FLEET)
    second.write_text(FLEET.replace("store-060:", "store-0e0:"))
    expected = [whole(path, ["store-001", "store-060", "store-0e0"]) for path in (first, second)]
    names = [load(path).names() for path in (first, second)]
    one, other = stored()
    before = one.read_bytes(), other.read_bytes()
    one.write_bytes(before[1])
    other.write_bytes(before[0])
    assert [load(path).names() for path in (first, second)] == names
    for path, wanted in zip((first, second), expected, strict=True):
        one.write_bytes(before[1])
        other.write_bytes(before[0])
        assert {name: content(path, name) for name in wanted} == wanted


def test_a_cache_that_cannot_be_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a cache that is a file, or a folder in its place, is done without. Seeded fault: OSError let through."""
    path = folder / "inventory.yaml"
    path.write_text(FLEET)
    expected = whole(path, ["store-001"])
    (folder / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "file"))
    assert {"store-001": content(path, "store-001")} == expected
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "other"))
    (cache("inventories") / f"{hashlib.sha256(path.read_bytes()).hexdigest()}.tsv").mkdir(parents=True)
    assert {"store-001": content(path, "store-001")} == expected


def _texts() -> Iterator[str]:
    yield from (
        "  store-031:\n",
        "\n",
        "  ",
        "    ",
        "'",
        '"',
        "|",
        "- ",
        "{",
        "}",
        "# ",
        "&a ",
        "*a",
        "!append ",
        ": ",
    )
    yield from ("stores:\n", "zzz:\n", "\r", "\t", "\ufeff", "store-001", "? ", "---\n", "...\n", "\u2028", ">-\n", "[")


@QUICK
@given(edits=st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(list(_texts())), st.integers(0, 9)), max_size=3))
def test_any_text(tmp_path: Path, edits: list[tuple[int, str, int]]) -> None:
    """Law: a text changed anywhere among its stores says the same with and without an index, and no traceback."""
    path = tmp_path / "inventory.yaml"
    text, begin = FLEET, FLEET.index("stores:\n")
    for at, new, lost in edits:
        place = begin + at % (len(text) - begin)
        text = text[:place] + new + text[place + lost :]
    path.write_text(text, newline="")
    same(path, ["store-001", "store-031"])
