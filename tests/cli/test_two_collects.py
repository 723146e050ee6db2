"""Two collects at once, of two inventories, one folder, one receiver: neither loses what the other has noted."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgectl.cli.alerting import Told, told
from edgectl.control.collect import alerting
from edgectl.control.collect.webhook import Posted, Webhook
from edgectl.control.inventory.load import Inventory
from edgectl.wire.document import canonical
from edgectl.wire.errors import Unreachable

URL = "https://alerts.example.com/hook"
BOUND = 20.0  # of a test that fails


class Receiver:
    """Takes alerts; while it takes the first ones, `meanwhile` happens."""

    repeats = False

    def __init__(self) -> None:
        self.meanwhile: Any = None
        self.took: list[str] = []

    def post(self, alerts: list[Posted], now: float) -> str:
        """Take them."""
        del now
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()
        self.took += [f"{one.labels['store']} {'resolved' if one.ends else 'firing'}" for one in alerts]
        return ""


def stands(root: Path, store: str, word: str) -> None:
    """Let a node have told how it stands."""
    path = root / store / "node-1" / "beats.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(canonical({"word": word, "got": "2999-01-01T00:00:00+00:00", "box": "b", "n": 1}) + b"\n")


def tells(root: Path, receiver: Receiver, store: str) -> Told:
    """Tell of a store as the collect of its own inventory does."""
    inventory = root / f"{store}.yaml"
    inventory.touch()
    by = cast("Inventory", SimpleNamespace(path=inventory, names=lambda: (store,)))
    return told(root, URL, cast("Webhook", receiver), {f"{store}/node-1": Unreachable("no")}, 3600.0, by)


def test_neither_loses_the_others_alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: whoever comes while another one tells waits for it, and goes on from its note; each end is told."""
    receiver, waits, found = Receiver(), Event(), list[Told]()
    monkeypatch.setattr("edgectl.control.collect.alerting.time.sleep", lambda _: waits.set())
    for store in ("store-1", "store-2"):
        stands(tmp_path, store, "degraded")

    def second() -> None:
        found.append(tells(tmp_path, receiver, "store-2"))
        waits.set()

    other = Thread(target=second, daemon=True)

    def meanwhile() -> None:
        other.start()
        assert waits.wait(BOUND)

    receiver.meanwhile = meanwhile
    assert tells(tmp_path, receiver, "store-1").told == 1
    other.join(BOUND)
    assert [one.told for one in found] == [1]
    note = alerting.read(alerting.note_of(tmp_path, URL))
    assert sorted(one.alert.store for one in note.alerts.values() if one.told) == ["store-1", "store-2"]
    for store in ("store-1", "store-2"):
        stands(tmp_path, store, "ready")
        assert tells(tmp_path, receiver, store).told == 1
    assert sorted(receiver.took) == ["store-1 firing", "store-1 resolved", "store-2 firing", "store-2 resolved"]


def test_one_that_does_not_end_is_waited_for_in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: it has a deadline, says so as of a receiver that is down, and changes nothing; the next one tells."""
    receiver = Receiver()
    monkeypatch.setattr(alerting, "_OTHERS_SECONDS", 0.0)
    stands(tmp_path, "store-1", "degraded")
    note = alerting.note_of(tmp_path, URL)
    with alerting.held(note) as alone:
        assert alone
        assert tells(tmp_path, receiver, "store-1").document == {
            "firing": 1,
            "told": 0,
            "why": "another collect tells this receiver, and does not end",
        }
    assert (receiver.took, note.exists()) == ([], False)
    assert tells(tmp_path, receiver, "store-1").told == 1
