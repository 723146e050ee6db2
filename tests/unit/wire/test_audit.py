"""The chain of an audit: what is there stays, whatever kills the one who writes, and its files stay within a bound."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.audit.check import REMARK, Checked, check
from edgectl.wire import audit
from edgectl.wire.audit import NEWEST, Chain, Clock, Head, head, parts

CLOCK = Clock(lambda: "boot-1", lambda: 1.0)


def whole(folder: Path) -> Checked:
    """Return what is there, checked; nothing in it is broken."""
    checked = check([(path.name, path.read_bytes()) for path in parts(folder)])
    assert checked.is_whole, checked.findings
    return checked


def test_each_line_names_the_one_before(tmp_path: Path) -> None:
    """Law: what was written is never written again; root alone reads it."""
    chain = Chain(tmp_path / "audit", CLOCK)
    seen = [chain.add("deploy", sequence=number, empty="") for number in (1, 2)]
    checked = whole(tmp_path / "audit")
    assert [row["what"] for row in checked.records] == ["begun", "deploy", "deploy"]
    assert [row["n"] for row in checked.records] == [1, 2, 3]
    assert "empty" not in checked.records[1]
    assert seen[1] == head(tmp_path / "audit") == Head.of(str(seen[1]))
    assert (tmp_path / "audit" / NEWEST).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700


def test_a_torn_line_stays_and_the_next_one_says_so(tmp_path: Path) -> None:
    """Law: at whichever byte of a line its writer was killed, the chain goes on, and nothing is broken."""
    Chain(tmp_path, CLOCK).add("deploy", sequence=1)
    path = tmp_path / NEWEST
    before = path.read_bytes()
    Chain(tmp_path, CLOCK).add("deploy", sequence=2)
    line = path.read_bytes()[len(before) :]
    for cut in range(1, len(line) - 1):
        path.write_bytes(before + line[:cut])
        Chain(tmp_path, CLOCK).add("deploy", sequence=3)
        checked = whole(tmp_path)
        assert [row["what"] for row in checked.records] == ["begun", "deploy", "torn", "deploy"], cut
        assert [one.weight for one in checked.findings] == [REMARK]
        assert path.read_bytes().startswith(before + line[:cut])


def test_a_line_without_its_end_counts(tmp_path: Path) -> None:
    """Law: what lacks its newline alone is whole."""
    Chain(tmp_path, CLOCK).add("deploy", sequence=1)
    path = tmp_path / NEWEST
    path.write_bytes(path.read_bytes()[:-1])
    Chain(tmp_path, CLOCK).add("deploy", sequence=2)
    assert [row.get("sequence") for row in whole(tmp_path).records] == [None, 1, 2]


def test_a_kill_between_ending_a_torn_line_and_saying_so(tmp_path: Path) -> None:
    """Law: such a line is said to be torn, too."""
    Chain(tmp_path, CLOCK).add("deploy", sequence=1)
    with (tmp_path / NEWEST).open("ab") as file:
        file.write(b'{"half\n')
    Chain(tmp_path, CLOCK).add("deploy", sequence=2)
    assert [row["what"] for row in whole(tmp_path).records] == ["begun", "deploy", "torn", "deploy"]


def test_it_stays_within_its_bound(tmp_path: Path) -> None:
    """Law: full files are sealed, the oldest go, and the newest says from where on all is kept."""
    chain = Chain(tmp_path, CLOCK, part_bytes=1500, keep=3)
    for number in range(200):
        chain.add("deploy", sequence=number)
    checked = whole(tmp_path)
    assert len(parts(tmp_path)) == 4
    assert sum(path.stat().st_size for path in parts(tmp_path)) < 4 * 2300
    assert checked.records[-1]["sequence"] == 199
    assert checked.first > 100


@pytest.mark.parametrize("dies", range(1, 12))
def test_a_kill_while_a_file_is_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies: int) -> None:
    """Law: whatever of sealing, renaming, going on and dropping is done, the next line goes on, and nothing is lost."""
    chain = Chain(tmp_path, CLOCK, part_bytes=1500, keep=1)
    for number in range(14):
        chain.add("deploy", sequence=number)
    count = 0

    def dying(real: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == dies:
                raise KeyboardInterrupt
            return real(*args, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("write", "fsync", "rename", "unlink"):
            patch.setattr(os, name, dying(getattr(os, name)))
        try:
            for number in range(14, 30):
                chain.add("deploy", sequence=number)
        except KeyboardInterrupt:
            pass
    chain.add("deploy", sequence=99)
    checked = whole(tmp_path)
    assert checked.records[-1]["sequence"] == 99


def test_a_full_disk_costs_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: half a line of a full disk is an OSError, and a torn line for the next one."""
    Chain(tmp_path, CLOCK).add("deploy", sequence=1)
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[: len(data) // 2]))
        with pytest.raises(OSError, match="No space"):
            Chain(tmp_path, CLOCK).add("deploy", sequence=2)
    Chain(tmp_path, CLOCK).add("deploy", sequence=3)
    assert [row["what"] for row in whole(tmp_path).records] == ["begun", "deploy", "torn", "deploy"]


def test_only_one_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: who cannot have the lock in time writes nothing."""
    chain = Chain(tmp_path, CLOCK)
    chain.add("deploy")
    monkeypatch.setattr(audit, "_LOCK_TRIES", 2)
    with chain._held(), pytest.raises(OSError, match="temporarily"):
        Chain(tmp_path, CLOCK).add("deploy")


@pytest.mark.parametrize("text", ["", "a", "a:b:c", ":1:" + "0" * 64, "a:1:0", "a:-1:" + "0" * 64])
def test_what_is_no_head(text: str) -> None:
    """What crosses the link is text of somebody else's."""
    assert Head.of(text) is None
