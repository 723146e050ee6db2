"""The link does to a connection what a store's real line does: delay, rate, cut, silence."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from edgectl.sandbox.link.link import Link
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def store() -> Iterator[SandboxStore]:
    box = Sandbox(say=print)
    yield box.up("e2e-link", gpus=0)
    box.down("e2e-link")


@pytest.fixture
def link(store: SandboxStore) -> Iterator[Link]:
    yield store.link
    store.link.restore()


@pytest.fixture
def echo(store: SandboxStore) -> Iterator[int]:
    """Return a port whose line ends at a program on the node that sends back what it gets."""
    # The link leads to sshd only; a second link to an echo program of ours shares the same code and network.
    store.execute(
        "node-1",
        ["systemd-run", "--quiet", "--collect", "--unit=echo", "socat", "TCP-LISTEN:7,fork,reuseaddr", "EXEC:cat"],
    )
    other = Link(store.place.home / "echo-link")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    other.start(store.place.netns_path, {port: ("10.77.0.11", 7)})
    yield port
    other.stop()
    store.execute("node-1", ["systemctl", "stop", "echo"])


@pytest.fixture
def echo_link(store: SandboxStore, echo: int) -> Link:  # noqa: ARG001 - the link of that fixture
    return Link(store.place.home / "echo-link")


def _connect(port: int, *, seconds: float = 10) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=seconds)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _round_trip(line: socket.socket, message: bytes) -> float:
    started = time.monotonic()
    line.sendall(message)
    received = b""
    while len(received) < len(message):
        chunk = line.recv(65536)
        if not chunk:
            raise ConnectionError("ended early")
        received += chunk
    assert received == message
    return time.monotonic() - started


def _ssh_speaks(store: SandboxStore) -> bool:
    with _connect(store.record.nodes[0].port) as line:
        return line.recv(4) == b"SSH-"


def test_a_round_trip_takes_the_time_that_was_set(echo: int, echo_link: Link) -> None:
    """Both directions together delay by the round-trip time, for connections that are open already, too."""
    with _connect(echo) as line:
        _round_trip(line, b"open")
        assert _round_trip(line, b"near") < 0.1
        echo_link.set(rtt_ms=200)
        assert 0.2 <= _round_trip(line, b"far") < 0.35


def test_a_delay_is_no_stop_and_wait(echo: int, echo_link: Link) -> None:
    """A megabyte over a long line takes about one round trip, not one for each chunk."""
    echo_link.set(rtt_ms=200)
    payload = bytes(range(256)) * 4096
    with _connect(echo) as line:
        line.settimeout(20)
        _round_trip(line, b"open")
        sender = threading.Thread(target=line.sendall, args=(payload,))
        started = time.monotonic()
        sender.start()
        left = len(payload)
        while left:
            left -= len(line.recv(65536))
        sender.join()
        assert time.monotonic() - started < 1.0


def test_the_rate_is_the_rate_and_is_shared(echo: int, echo_link: Link) -> None:
    """Two connections at 2 Mbit/s together carry 2 Mbit/s in each direction."""
    echo_link.set(rate_bits=2_000_000)
    lines = [_connect(echo, seconds=30) for _ in range(2)]
    payload = b"x" * 250_000
    started = time.monotonic()
    senders = [threading.Thread(target=line.sendall, args=(payload,)) for line in lines]
    for sender in senders:
        sender.start()
    for line in lines:
        left = len(payload)
        while left:
            left -= len(line.recv(65536))
    seconds = time.monotonic() - started
    for line in lines:
        line.close()
    # 500 kB at 2 Mbit/s are 2.0 s; there and back overlap, as the line is full duplex.
    assert 1.8 <= seconds <= 3.0


def test_a_cut_resets_connections_and_refuses_new_ones(store: SandboxStore, link: Link) -> None:
    """As when the router is gone: an open connection is reset at once, a new one refused; then all is well again."""
    with _connect(store.record.nodes[0].port) as line:
        assert line.recv(4096).startswith(b"SSH-")
        link.cut()
        with pytest.raises(ConnectionResetError):
            line.recv(4096)
    with pytest.raises(ConnectionRefusedError):
        _connect(store.record.nodes[0].port)
    link.heal()
    assert _ssh_speaks(store)


def test_a_black_hole_is_silent_and_what_was_under_way_arrives_afterwards(echo: int, echo_link: Link) -> None:
    """Nothing comes back and no error either; when the line is back, the same connection goes on where it was."""
    with _connect(echo) as line:
        _round_trip(line, b"before")
        echo_link.black_hole()
        line.settimeout(1.0)
        line.sendall(b"into the hole")
        with pytest.raises(TimeoutError):
            line.recv(1)
        echo_link.heal()
        line.settimeout(5.0)
        assert line.recv(64) == b"into the hole"


def test_a_new_connection_into_a_black_hole_hears_nothing(store: SandboxStore, link: Link) -> None:
    """It looks open and stays silent: what a client's own deadline is for."""
    link.black_hole()
    with _connect(store.record.nodes[0].port, seconds=1) as line, pytest.raises(TimeoutError):
        line.recv(4)


def test_the_line_survives_a_reboot_of_the_node(store: SandboxStore, link: Link) -> None:
    """The proxy is not part of the node: same port, same conditions, before and after."""
    link.set(rtt_ms=10)
    process = link.process
    store.reboot("node-1")
    assert _ssh_speaks(store)
    assert link.process == process
    assert link.conditions().rtt_ms == 10


def test_bytes_and_connections_are_counted(echo: int, echo_link: Link) -> None:
    """The counters say exactly what has crossed the line."""
    before = echo_link.stats()
    with _connect(echo) as line:
        _round_trip(line, b"12345678")
    after = echo_link.stats()
    assert after.connections - before.connections == 1
    assert after.bytes_to_store - before.bytes_to_store == 8
    assert after.bytes_from_store - before.bytes_from_store == 8


def test_a_program_that_ends_in_a_black_hole_is_not_missed_at_the_other_end(echo: int, echo_link: Link) -> None:
    """The far end learns of a closed connection only when the line is whole again, as over a real one."""
    line = _connect(echo)
    _round_trip(line, b"here")
    echo_link.black_hole()
    line.close()
    time.sleep(0.3)
    assert echo_link.stats().open == 1
    echo_link.heal()
    deadline = time.monotonic() + 5
    while echo_link.stats().open and time.monotonic() < deadline:
        time.sleep(0.02)
    assert echo_link.stats().open == 0


def test_a_node_without_power_is_no_open_door(store: SandboxStore) -> None:
    """A connection to a node that is off ends; it does not hang on the proxy."""
    store.power_off()
    with _connect(store.record.nodes[0].port) as line, suppress(ConnectionResetError):
        assert line.recv(4) == b""
    store.power_on()
    assert _ssh_speaks(store)
