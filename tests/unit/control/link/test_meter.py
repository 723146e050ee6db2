"""The watch over a peer, on a clock of its own."""

from __future__ import annotations

import socket
from collections import deque
from typing import cast

import pytest

from edgectl.control.link.meter import MeteredSocket


class _Peer:
    """A socket whose peer says what is queued and else is quiet for a second at a time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.queue: deque[bytes] = deque()
        self.takes = True

    def recv(self, _: int) -> bytes:
        if self.queue:
            return self.queue.popleft()
        self.now += 1
        raise TimeoutError

    def send(self, data: bytes) -> int:
        if self.takes:
            return len(data)
        self.now += 1
        raise TimeoutError

    def clock(self) -> float:
        return self.now


def _watched(peer: _Peer, *, answers: bool) -> tuple[MeteredSocket, list[float]]:
    sock = MeteredSocket(cast("socket.socket", peer), silence_seconds=18, clock=peer.clock)
    probes: list[float] = []

    def probe() -> None:
        probes.append(peer.now)
        if answers:
            peer.queue.append(b"pong")

    sock.watch(probe)
    return sock, probes


def _listen(sock: MeteredSocket, peer: _Peer, until: float) -> None:
    while peer.now < until:
        try:
            sock.recv(100)
        except TimeoutError:
            continue


def test_a_silent_peer_is_probed_and_then_given_up() -> None:
    """A probe each quarter of the silence allowed; after 18 s the wait ends with an error that is no mere time-out."""
    peer = _Peer()
    sock, probes = _watched(peer, answers=False)
    with pytest.raises(ConnectionAbortedError, match="has said nothing for 18 s") as caught:
        _listen(sock, peer, 30)
    assert not isinstance(caught.value, TimeoutError)
    assert probes == [5, 10, 15]
    assert sock.lost == "it has said nothing for 18 s"


def test_a_peer_that_answers_probes_is_kept() -> None:
    """Silence between answers is no loss, however long it goes on."""
    peer = _Peer()
    sock, probes = _watched(peer, answers=True)
    _listen(sock, peer, 100)
    assert not sock.lost
    assert len(probes) == 20
    assert sock.received_bytes == 19 * len(b"pong")  # the last is on its way


def test_a_peer_that_talks_is_not_probed() -> None:
    """Whoever hears something needs no probe."""
    peer = _Peer()
    sock, probes = _watched(peer, answers=False)
    for _ in range(40):
        peer.queue.append(b"data")
        _listen(sock, peer, peer.now + 1)
    assert probes == []


def test_a_writer_is_freed_too() -> None:
    """A peer that takes nothing and says nothing is found by whoever writes."""
    peer = _Peer()
    peer.takes = False
    sock, probes = _watched(peer, answers=False)
    for _ in range(17):
        with pytest.raises(TimeoutError):
            sock.send(b"data")
    with pytest.raises(ConnectionAbortedError):
        sock.send(b"data")
    assert probes == []  # the writer holds SSH's write lock: a probe from here would cut into its packet
    assert peer.now == 18


def test_before_the_watch_begins_nothing_is_given_up() -> None:
    """Key exchange and log-in have deadlines of their own."""
    peer = _Peer()
    sock = MeteredSocket(cast("socket.socket", peer), silence_seconds=18, clock=peer.clock)
    _listen(sock, peer, 100)
    assert sock.send(b"12345") == 5
    assert (sock.sent_bytes, sock.lost) == (5, "")
