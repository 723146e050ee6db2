"""An audit is handed out whole, whatever is written into it meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.audit.check import check
from edgectl.node.io.places import Places
from edgectl.node.outbox import audited
from edgectl.wire.audit import Chain, Clock, Head, parts
from edgectl.wire.frame import Frames

PART_BYTES = 900


def writes(chain: Chain, places: Places, *, turns: int) -> Head:
    """Let lines be added until a file was turned so often, and one more."""
    before = len(parts(places.audit))
    while len(parts(places.audit)) < before + turns:
        chain.add("pause", phase="done", why="new camera")
    return chain.add("resume", phase="done")


def handed(places: Places, head: str, first: Callable[[], object] = lambda: None) -> tuple[bytes, dict[str, Any]]:
    """Return what is handed out, and its end; `first` happens as the first part of it goes."""
    said: list[dict[str, Any]] = []
    copy, announced, happens = bytearray(), 0, [first]

    def write(data: bytes) -> None:
        nonlocal announced
        if announced:
            assert len(data) == announced
            copy.extend(data)
            announced = 0
            if happens:
                happens.pop()()
        else:
            said.append(json.loads(data))
            announced = int(said[-1].get("bytes", 0))

    audited.hand_audit(places, Frames(lambda _: b"", write), {"head": head})
    return bytes(copy), said[-1]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return a node's places."""
    return Places(tmp_path)


@pytest.fixture
def chain(places: Places) -> Chain:
    """Return an audit of three files."""
    found = Chain(places.audit, Clock(lambda: "boot-1", lambda: 5.0), part_bytes=PART_BYTES, keep=8)
    found.add("deploy", phase="accepted")
    writes(found, places, turns=2)
    return found


@pytest.mark.parametrize("turns", [1, 3])
def test_a_file_that_is_turned_while_it_is_handed_out_is_whole(places: Places, chain: Chain, turns: int) -> None:
    """Law: what was collected, now and the next time, is one audit without a gap."""
    copy, end = handed(places, "", lambda: writes(chain, places, turns=turns))
    found = check([("copy", copy)])
    assert (found.findings, end) == ([], {"op": "audited", "goes_on": True})
    last = found.records[-1]
    more, end = handed(places, str(Head(last["chain"], last["n"], found.heads[last["n"]])))
    assert end["goes_on"]
    assert check([("copy", copy + more)]).findings == []
    assert copy + more == b"".join(path.read_bytes() for path in parts(places.audit))


def test_one_that_is_turned_before_it_is_opened_is_whole(
    places: Places, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: names that were listed and are another file's by then are listed anew."""
    turns = [1]

    def listed(folder: Path) -> list[Path]:
        found = parts(folder)
        if turns:
            writes(chain, places, turns=turns.pop())
        return found

    monkeypatch.setattr(audited, "parts", listed)
    copy, _ = handed(places, "")
    assert check([("copy", copy)]).findings == []
    assert copy == b"".join(path.read_bytes() for path in parts(places.audit))


def test_only_what_is_behind_the_known_line_goes(places: Places, chain: Chain) -> None:
    """Law: nothing is sent twice; a line that is not here any more has all of it sent, and says so."""
    head = chain.add("pause", phase="done")
    assert handed(places, str(head)) == (b"", {"op": "audited", "goes_on": True})
    chain.add("resume", phase="done")
    copy, _ = handed(places, str(head))
    assert [json.loads(line)["n"] for line in copy.splitlines()] == [head.n + 1]
    copy, end = handed(places, str(Head(head.chain, head.n, "0" * 64)))
    assert (len(copy.splitlines()), end["goes_on"]) == (head.n + 1, False)
