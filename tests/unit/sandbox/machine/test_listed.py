"""`edgectl sandbox list` while stores come and go: a whole list, whatever moment it meets."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgectl.cli.main import run
from edgectl.cli.sandbox.show import document_of
from edgectl.sandbox.link.link import Link
from edgectl.sandbox.machine import sweep
from edgectl.sandbox.machine.places import StorePlace, store_place
from edgectl.sandbox.machine.process import Process, record
from edgectl.sandbox.machine.record import NodeRecord, StoreRecord
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore
from edgectl.wire.errors import InvalidInput, StepFailed

NAMES = ("store-1", "store-2", "store-3")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[StorePlace]:
    """Return three stores without power."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found = [store_place(name) for name in NAMES]
    for place in found:
        node = place.node("node-1")
        node.home.mkdir(parents=True)
        node.disk.touch()
        place.link.mkdir()
        StoreRecord(place.name, (NodeRecord("node-1", "10.77.0.11", 22042, "ssh-ed25519 AAAA", 1, 1),)).save(
            place.record
        )
    return found


@pytest.fixture
def listed(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    """Return a list's links, by store."""

    def ask() -> dict[str, Any]:
        assert run(["sandbox", "list", "-o", "json"]) == 0
        return {store["store"]: store["link"] for store in json.loads(capsys.readouterr().out)["stores"]}

    return ask


def test_a_link_that_does_not_answer_yet_is_none(
    places: list[StorePlace], listed: Callable[[], dict[str, Any]]
) -> None:
    """Law: the process of a link is there for up to 20 s before it answers; the store is listed, with "link": null.

    Whoever names that store is told.
    """
    process = Process.of(os.getpid())
    assert process is not None
    record(places[1].link / "proxy.json", process)
    assert Link(places[1].link).process == process
    assert listed() == dict.fromkeys(NAMES)
    with pytest.raises(StepFailed, match="does not answer"):
        document_of(SandboxStore.open(places[1]))


@pytest.mark.parametrize("is_open", [False, True])
def test_a_store_that_is_removed_meanwhile_is_left_out(
    places: list[StorePlace], listed: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch, *, is_open: bool
) -> None:
    """Law: whether it goes before its record is read or behind that, the others are listed."""
    opened = SandboxStore.open

    def goes(place: StorePlace) -> SandboxStore:
        store = opened(place) if is_open else None
        if place == places[1]:
            shutil.rmtree(place.home)
        return store or opened(place)

    monkeypatch.setattr(SandboxStore, "open", goes)
    assert listed() == {"store-1": None, "store-3": None}


def test_what_is_wrong_with_a_store_that_is_there_is_said(places: list[StorePlace]) -> None:
    """Law: only what is gone is left out; a damaged record, or a disk that is missing, is not hidden."""
    places[0].node("node-1").disk.unlink()
    assert run(["sandbox", "list"]) != 0
    places[1].record.write_text("{")
    with pytest.raises(InvalidInput, match=r"store\.json is no sandbox store's record"):
        Sandbox().stores()


def test_a_store_is_no_store_before_anything_of_it_goes(
    places: list[StorePlace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: whoever looks finds a whole store, or none, and what a killed removal leaves is swept as half-made."""
    seen: list[bool] = []

    def removed(home: Path) -> None:
        seen.append((home / "store.json").exists())

    for name in ("loops_of", "remove_network", "_settle"):
        monkeypatch.setattr(sweep, name, lambda *_: ())
    monkeypatch.setattr("edgectl.sandbox.machine.cgroup.groups_of", lambda _: ())
    monkeypatch.setattr("shutil.rmtree", removed)
    sweep.remove_store(places[0], keep_disk=True)
    assert places[0].record.exists()
    sweep.remove_store(places[0])
    assert seen == [False]
