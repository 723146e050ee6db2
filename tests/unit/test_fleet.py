"""The generated fleet: stable, valid, and like one that somebody has."""

from __future__ import annotations

import hashlib
import runpy
from collections import Counter
from pathlib import Path

import pytest

from edgectl.control.inventory.load import load
from tests.fleet import fleet, name_of

DIGEST = "44cc7c0ecf3527bf812653ee6b8e1ee051100b13f4a79eb29df11fa42f08ff56"


def test_it_is_the_same_everywhere() -> None:
    """Law: documents and benchmarks of two machines are about the same stores. Seeded fault: `hash()` of a name."""
    assert hashlib.sha256(fleet(200).encode()).hexdigest() == DIGEST
    assert fleet(200, seed=2) != fleet(200)


def test_a_bigger_fleet_begins_like_a_smaller_one() -> None:
    """Law: a store depends on its number alone. Seeded fault: one generator for all stores."""
    assert fleet(60).startswith(fleet(20))


def test_every_store_is_valid_and_many_kinds_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: five profiles, eight groups, two-node stores, 15 to 25 lines a store, and no finding.

    Seeded fault: the same MAC address on two nodes.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "inventory.yaml"
    path.write_text(fleet(400))
    opened = load(path)
    assert opened.names() == tuple(name_of(number) for number in range(1, 401))
    stores = [opened.store(name) for name in opened.names()]
    assert set(Counter(store.profile for store in stores)) == {"jetson-orin", "t4", "l4", "rtx-a2000", "cpu-only"}
    assert len({group for store in stores for group in store.groups}) == 8
    assert 4 < sum(len(store.nodes) == 2 for store in stores) < 40
    assert {node.arch for store in stores for node in store.nodes} == {"amd64", "arm64"}
    addresses = [node.address for store in stores for node in store.nodes]
    assert len(set(addresses)) == len(addresses)
    assert len({str([(one.chart, one.values) for one in store.releases]) for store in stores}) < 20
    lines = path.read_text().partition("\nstores:\n")[2].count("\n")
    assert 15 < lines / 400 < 25


def test_it_is_written_from_the_command_line(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: `python -m tests.fleet 20` prints the same text, in UTF-8 on every terminal."""
    monkeypatch.setattr("sys.argv", ["fleet", "20"])
    runpy.run_path(fleet.__code__.co_filename, run_name="__main__")
    assert capsysbinary.readouterr().out.decode() == fleet(20)
