"""Two nodes of a store: each byte crosses the line once where they can talk to each other; where not, both are whole.

Real engines, real TLS, on loopback.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.deploy.share import Share
from edgectl.control.link.onetime import one_time
from edgectl.node.share import take
from tests.link.lan import Relay
from tests.link.nodes import Store, store

_SMALL = 64 * 1024


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Store]:
    """Yield a store of two bare nodes."""
    found = store(tmp_path)
    yield found
    for node in found.nodes:
        node.end()


Change = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def lie(monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], None]:
    """Give a function that changes what takers are told of who hands out."""
    told = Share.told

    def begin(change: Change) -> None:
        monkeypatch.setattr(Share, "told", lambda self, *args: change(told(self, *args)))

    return begin


def test_each_byte_crosses_the_line_once(shop: Store) -> None:
    """Law: two bare nodes cost what one does, and a little; the LAN brings the rest, and one note says so."""
    content = shop.content()
    content.run()
    assert shop.is_whole
    once = sum(map(len, {**shop.shared, **shop.alone}.values()))
    assert once <= shop.lead.line_bytes <= once + _SMALL
    assert shop.agent.line_bytes <= _SMALL
    assert sum(one.blob_bytes for one in content.outcomes) == once
    assert sum(one.neighbour_bytes for one in content.outcomes) == sum(map(len, shop.shared.values()))
    assert sum(one.bytes_missing for one in content.outcomes) == once, "the estimate is of the line alone"
    assert shop.heard.notes == ["3.4 MB from node-1 over the store's network"]


def test_a_bare_lead_takes_from_the_agent(shop: Store) -> None:
    """Law: a server that was replaced gets over the line only what nobody else in the store holds."""
    for data in shop.shared.values():
        shop.agent.put(data)
    content = shop.content()
    content.run()
    assert shop.lead.line_bytes == 0, "nobody else lacks anything: the deploy itself brings it"
    content.lead.run()
    assert shop.is_whole
    assert shop.lead.line_bytes + shop.agent.line_bytes <= sum(map(len, shop.alone.values())) + _SMALL
    assert shop.heard.notes == ["3.4 MB from node-2 over the store's network; the rest over the line"]


def test_nothing_to_send_asks_nobody(shop: Store) -> None:
    """Law: where all is there, one session with the agent, and no listening."""
    for data in shop.shared.values():
        shop.agent.put(data)
    for data in {**shop.shared, **shop.alone}.values():
        shop.lead.put(data)
    shop.content().run()
    assert (len(shop.lead.sessions), len(shop.agent.sessions), shop.heard.notes) == (0, 1, [])


@pytest.mark.parametrize("seed", range(4))
def test_a_reset_anywhere_goes_on_at_the_next_byte(shop: Store, lie: Callable[[Change], None], seed: int) -> None:
    """Law: a connection that is cut at any byte costs the LAN once more, and the line nothing."""
    draw = random.Random(seed)  # noqa: S311 - a place to cut at
    relays: list[Relay] = []

    def through(told: dict[str, Any]) -> dict[str, Any]:
        if not relays:
            relays.append(Relay((told["address"], told["port"]), most=draw.randrange(600_000, 3_300_000)))
        return {**told, "address": "127.0.0.1", "port": relays[0].port}

    lie(through)
    shop.content().run()
    relays[0].close()
    assert (shop.is_whole, relays[0].taken) == (True, 2)
    assert shop.agent.line_bytes <= _SMALL


def test_one_that_dies_while_it_hands_out_is_begun_anew(shop: Store, lie: Callable[[Change], None]) -> None:
    """Law: the end of a session with the node that hands out costs another one, and the line nothing."""

    def kill_once(told: dict[str, Any]) -> dict[str, Any]:
        process = shop.lead.sessions[-1].process
        if len(shop.lead.sessions) == 2:  # the first has brought the lead its own
            process.kill()
            process.wait(5)
        return told

    lie(kill_once)
    shop.content().run()
    assert (shop.is_whole, len(shop.lead.sessions)) == (True, 3)
    assert shop.agent.line_bytes <= _SMALL


def _closed(told: dict[str, Any]) -> dict[str, Any]:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return {**told, "port": gone.getsockname()[1], "address": "127.0.0.1"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_closed, "Connection refused"),
        (lambda told: {**told, "certificate": one_time().certificate}, "certificate"),
        (lambda told: {**told, "token": "another"}, "ended"),
        (lambda told: {**told, "blobs": [*told["blobs"], "sha256:" + "e" * 64]}, ""),
        (lambda told: {**told, "address": "no.such.name.invalid"}, ""),
        (lambda told: {**told, "certificate": "nonsense"}, ""),
    ],
    ids=["refused", "a certificate of another deploy", "a wrong token", "more than it hands out", "no name", "no PEM"],
)
def test_where_they_cannot_the_line_brings_it(
    shop: Store, lie: Callable[[Change], None], change: Change, why: str
) -> None:
    """Law: whatever keeps the two apart, the same deploy ends whole; one note says why."""
    lie(change)
    began = time.monotonic()
    shop.content().run()
    assert shop.is_whole
    assert time.monotonic() - began < 20
    (note,) = shop.heard.notes
    assert why in note
    if why:
        assert note.startswith("nothing from node-1 over the store's network (")
        assert note.endswith("; the rest over the line")
        assert shop.agent.line_bytes >= sum(map(len, shop.shared.values()))


def test_an_address_that_is_not_its_own(shop: Store) -> None:
    """Law: a node that cannot listen where the inventory says is passed by."""
    shop.lead.address = "192.0.2.1"
    shop.content().run()
    assert shop.is_whole
    assert "cannot listen for its neighbours: Cannot assign requested address" in shop.heard.notes[0]


def test_a_black_hole_costs_seconds(shop: Store, lie: Callable[[Change], None]) -> None:
    """Law: one that takes connections and says nothing is given up, and the line brings all."""
    hole = Relay(("127.0.0.1", 9), hole=True)
    lie(lambda told: {**told, "address": "127.0.0.1", "port": hole.port})
    began = time.monotonic()
    shop.content().run()
    hole.close()
    assert shop.is_whole
    assert time.monotonic() - began < take._CONNECT_SECONDS + 10
    assert "it does not answer" in shop.heard.notes[0]


def test_what_is_damaged_over_there_comes_over_the_line(shop: Store) -> None:
    """Law: bytes without their digest are thrown away; that blob alone crosses the line, the others do not."""
    content = shop.content()
    small = next(digest for digest, data in shop.shared.items() if len(data) == 400_000)
    shop.lead.put(random.Random(9).randbytes(400_000), digest=small)  # noqa: S311 - its size is right
    content.run()
    assert shop.agent.holds(shop.shared)
    assert 400_000 <= shop.agent.line_bytes <= 400_000 + _SMALL
    assert "1 blobs came damaged" in shop.heard.notes[0]


def test_the_operator_who_is_gone_leaves_nobody_listening(shop: Store) -> None:
    """Law: with the session, and with the process however it ends, the listening ends."""
    for data in shop.shared.values():
        shop.lead.put(data)
    for end in ("hang up", "kill"):
        share = Share.begin(shop.lead.connect, "127.0.0.1", shop.shared.keys())
        port = share.told((), 1.0)["port"]
        socket.create_connection(("127.0.0.1", port), 5).close()
        session = shop.lead.sessions[-1]
        share.end() if end == "hang up" else session.process.kill()
        session.process.wait(5)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)
        share.end()


def test_a_secret_is_in_no_file_and_no_command_line(shop: Store, tmp_path: Path) -> None:
    """Law: key and token are on no disk and in no process list while a node hands out."""
    shop.lead.put(b"x" * 1000)
    share = Share.begin(shop.lead.connect, "127.0.0.1", ["sha256:" + "a" * 64])
    known = share._known
    secrets = [known.token.reveal(), known.key.reveal().splitlines()[1]]
    pid = shop.lead.sessions[-1].process.pid
    line = Path(f"/proc/{pid}/cmdline").read_text()
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    share.end()
    for secret in secrets:
        assert secret not in line
        assert not any(secret.encode() in data for data in files)
        assert secret not in repr(known)


def test_a_slow_neighbour_is_given_up(
    shop: Store, lie: Callable[[Change], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: a neighbour that brings less than the line would is left, in seconds; what came is kept."""
    relays: list[Relay] = []

    def through(told: dict[str, Any]) -> dict[str, Any]:
        relays.append(Relay((told["address"], told["port"]), rate=40_000))
        return {**told, "address": "127.0.0.1", "port": relays[-1].port}

    monkeypatch.setattr("edgectl.control.deploy.neighbours._TRIES", 1)
    before = threading.active_count()
    lie(through)
    began = time.monotonic()
    shop.content().run()
    assert shop.is_whole
    assert 9 < time.monotonic() - began < 25
    assert "it is slower than the line" in shop.heard.notes[0]
    assert shop.agent.line_bytes < 3_300_000, "what it brought is not sent again"
    for relay in relays:
        relay.close()
    assert threading.active_count() < before + 50
