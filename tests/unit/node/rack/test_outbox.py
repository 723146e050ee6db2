"""`edgectl-node outbox`: what a person at the rack reads."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from edgectl.node.outbox.queue import BEAT, JOURNAL, VERDICT
from edgectl.node.rack import outbox, uplink
from edgectl.wire.payload import Uplink
from tests.unit.node.outbox.test_drain import URL, Store, made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a node with a way up."""
    return made(tmp_path)


def said(store: Store) -> str:
    """Return what is printed."""
    return "\n".join(outbox.lines(store.places, now=store.now))


def test_it_says_what_waits_and_why(store: Store) -> None:
    """How many of each, since when, the last try, and when the next comes."""
    for kind in (VERDICT, JOURNAL, BEAT):
        store.put(kind)
    store.server.answers = [503]
    store.drain()
    found = said(store)
    assert "verdict   1 wait, the oldest since 2" in found
    assert "journal   1 wait" in found
    assert "newest    edgectl=1 store=store-042" in found
    assert "in vain   1 times since 2" in found
    assert f"uplink    {URL}" in found
    assert "https://upward.example.com answered 503" in found
    assert "now: edgectl-node uplink" in found


def test_it_says_that_all_is_well(store: Store) -> None:
    """Nothing waits."""
    store.put(BEAT)
    store.drain()
    assert said(store).startswith("nothing waits: all of it has arrived")
    assert "in vain" not in said(store)


def test_it_says_what_was_dropped(store: Store) -> None:
    """An entry that the other side did not want is named."""
    store.put(VERDICT)
    store.put(BEAT)
    store.server.answers = [200, 422]
    store.drain()
    assert "dropped   1 that the other side did not want: https://upward.example.com answered 422 to verdict" in said(
        store
    )


def test_without_an_uplink(store: Store) -> None:
    """What waits is there for whoever collects it."""
    store.declare(None)
    store.put(BEAT)
    assert "none is declared: `edgectl collect` takes what waits" in said(store)


def test_on_a_bare_node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing, said."""
    from edgectl.node.io.places import Places

    assert outbox.run(Places(tmp_path), argparse.Namespace()) == 0
    assert "no run has ended here yet" in capsys.readouterr().out
    assert uplink.run(Places(tmp_path), argparse.Namespace()) == 0
    assert "declares no uplink" in capsys.readouterr().out


def test_telling_now(store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 with when it arrived, 4 with why not."""
    monkeypatch.setattr(uplink, "drain", lambda places: store.drain() if places else None)
    store.put(BEAT)
    assert uplink.run(store.places, argparse.Namespace()) == 0
    assert "the last that arrived: 2" in capsys.readouterr().out
    store.put(BEAT)
    store.server.answers = [401]
    assert uplink.run(store.places, argparse.Namespace()) == 4
    assert "answered 401" in capsys.readouterr().err
    store.declare(Uplink("http://upward.example.com/"))
    assert uplink.run(store.places, argparse.Namespace()) == 4
