"""The first broken stage on the way to the sink is named: with real sockets, real TLS, real certificates."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import SystemClock
from edgectl.stack.sink.ledger import MEMORY, Ledger
from edgectl.stack.sink.server import Handler, Sink
from edgectl.stack.uplink.batch import pack
from edgectl.stack.uplink.config import SinkAt
from edgectl.stack.uplink.line import LINK, Line
from edgectl.stack.uplink.sender import Answered, Later, Sender
from edgectl.wire.chain import State
from tests.ports import free_port
from tests.stack.certificates import Authority
from tests.stack.sinks import CUT, ERROR, HALF, HOLE, FaultySink

DAY = 86400.0


OPEN: list[Way] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().sender.close()


class Way:
    """One sender with its board."""

    def __init__(
        self, url: str, *, ca: Path | None = None, token_file: str = "", now: float = 0.0, seconds: float = 0.6
    ) -> None:
        clock = SystemClock()
        self.board = Board("uplink", "1", clock)
        sink = SinkAt(url, token_file=token_file, ca_file=str(ca or ""), timeout_seconds=seconds)
        wall = (lambda: now) if now else time.time
        self.sender = Sender(sink, Line(self.board, clock, "127.0.0.1"), clock, wall=wall)
        OPEN.append(self)

    def send(self) -> Answered | Later:
        """Send one event."""
        body, key = pack([b'{"id": "1"}'])
        return self.sender.send(body, key=key)

    def state(self) -> State:
        """Return how the sink stands after two tries."""
        for _ in range(2):
            assert isinstance(self.send(), Later)
        return self.board.state(LINK)


@contextmanager
def listening(*, accept: bool = True) -> Iterator[int]:
    """Listen on a port, take connections and hang up at once, or say nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []
        stop = threading.Event()

        def serve() -> None:
            server.settimeout(0.1)
            while not stop.is_set():
                try:
                    link, _ = server.accept()
                except TimeoutError:
                    continue
                if accept:
                    link.close()
                else:
                    held.append(link)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            stop.set()
            thread.join()
            for link in held:
                link.close()


def test_dns() -> None:
    """A name that nobody knows (RFC 6761: .invalid is never known)."""
    state = Way("http://sink.invalid/events").state()
    assert state.kind == "network"
    assert state.reason.startswith(
        ("sink.invalid: its name is not known (DNS)", "sink.invalid: its name is not resolved")
    )


def test_tcp() -> None:
    """Nobody listens."""
    port = free_port()
    state = Way(f"http://127.0.0.1:{port}/events").state()
    assert (state.kind, state.reason) == ("network", f"127.0.0.1: port {port} refuses connections")


def test_tls_breaks_off_or_says_nothing_or_is_none() -> None:
    """TCP is well and TLS is not: three different sentences."""
    with listening() as port:
        state = Way(f"https://127.0.0.1:{port}/events").state()
        assert (state.kind, state.reason) == ("network", f"127.0.0.1: port {port} breaks off TLS")
    with listening(accept=False) as port:
        state = Way(f"https://127.0.0.1:{port}/events").state()
        assert state.kind == "network"
        assert state.reason == f"127.0.0.1: port {port} takes the connection, but says nothing (TLS)"
    with FaultySink() as sink:
        state = Way(f"https://127.0.0.1:{sink.port}/events").state()
        assert (state.kind, state.reason) == ("config", f"127.0.0.1: port {sink.port} speaks no TLS")


def test_certificates(tmp_path: Path) -> None:
    """Good: taken. Expired: since when. Another name; an unknown issuer: said. Each is believed at once."""
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    expired = datetime.now(UTC) - timedelta(days=7)
    cases = [
        (authority.sign("expired", days=(-30, -7)), f"its TLS certificate expired on {expired:%Y-%m-%d}", "config"),
        (authority.sign("name", host="other.example"), "its TLS certificate is for another name", "config"),
        (other.sign("issuer"), "its TLS certificate is of an issuer that this store does not know", "config"),
    ]
    with FaultySink(pair=authority.sign("good")) as sink:
        way = Way(f"https://127.0.0.1:{sink.port}/events", ca=authority.file)
        assert way.send() == Answered(taken=True)
        way.sender.look()
        assert way.board.state(LINK).word == "ready"
        assert sink.ids() == {"1"}
    for pair, sentence, kind in cases:
        with FaultySink(pair=pair) as sink:
            way = Way(f"https://127.0.0.1:{sink.port}/events", ca=authority.file)
            assert isinstance(way.send(), Later)
            state = way.board.state(LINK)
            assert (state.reason, state.kind) == (f"127.0.0.1: {sentence}", kind)
            assert sink.requests == []


def test_a_clock_that_is_wrong_is_told_from_a_certificate_that_is(tmp_path: Path) -> None:
    """Not valid at this time, and the sink says another time, at which it is: then it is the store's clock."""
    authority = Authority(tmp_path)
    start = datetime.now(UTC) + timedelta(days=20)
    with FaultySink(pair=authority.sign("early", days=(20, 50))) as sink:  # its clock is ours: the certificate is wrong
        way = Way(f"https://127.0.0.1:{sink.port}/events", ca=authority.file)
        way.send()
        reason = way.board.state(LINK).reason
        assert reason.startswith(f"127.0.0.1: its TLS certificate is not valid before {start:%Y-%m-%d}")
    for days, word, shift in ((20, "not yet valid", 30 * DAY), (-50, "expired", -30 * DAY)):
        pair = authority.sign(f"clock{days}", days=(days, days + 20))

        def theirs(shift: float = shift) -> float:
            return time.time() + shift

        with FaultySink(pair=pair, clock=SystemClock(wall=theirs)) as sink:
            way = Way(f"https://127.0.0.1:{sink.port}/events", ca=authority.file, seconds=20)
            way.send()
            state = way.board.state(LINK)
            assert state.kind == "clock"
            aside = "behind that" if shift > 0 else "ahead of that"
            said = f"this store's clock is 30 days {aside} of 127.0.0.1, so its TLS certificate looks {word}"
            assert state.reason == said


class Dripping(Handler):
    """Says one byte now and then, and never comes to an end."""

    def do_HEAD(self) -> None:  # noqa: N802 - the base class names it
        """Drip."""
        for _ in range(100):
            self.wfile.write(b"a")
            time.sleep(0.1)


def test_who_is_asked_for_the_time_and_drips_holds_nobody_up(tmp_path: Path) -> None:
    """Whoever has a certificate that is not valid has said nothing that binds us: one limit for all of its answer."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority = Authority(tmp_path)
    pair = authority.sign("dripping", days=(-30, -7))
    tls.load_cert_chain(pair.cert, pair.key)
    sink = Sink(("127.0.0.1", 0), Ledger(MEMORY), SystemClock(), tls=tls, handler=Dripping)
    sink.serve()
    try:
        began = time.monotonic()
        way = Way(f"https://127.0.0.1:{sink.port}/events", ca=authority.file)
        assert isinstance(way.send(), Later)
        assert time.monotonic() - began < 5.0
        assert "its TLS certificate expired on" in way.board.state(LINK).reason
    finally:
        sink.close()


def test_after_the_connection() -> None:
    """HTTP: a status, silence, a cut in the batch or in the answer."""
    for fault, sentence in (
        (ERROR, "answers HTTP 500 (Internal Server Error)"),
        (HOLE, "takes the events, but does not answer in time"),
        (CUT, "the connection broke off in the middle of its answer"),
        (HALF, "the connection broke off in the middle of its answer"),
    ):
        with FaultySink() as sink:
            sink.fault = fault
            state = Way(f"http://127.0.0.1:{sink.port}/events").state()
            assert (state.kind, state.reason) == ("network", f"127.0.0.1: {sentence}"), fault


def test_one_failure_is_no_state_and_a_look_takes_no_refusal_back() -> None:
    """A first failure of the network is not said; a second is, since the first; TCP alone is no HTTP 200."""
    with FaultySink() as sink:
        way = Way(f"http://127.0.0.1:{sink.port}/events")
        way.send()
        sink.fault = ERROR
        began = time.time()
        way.send()
        assert way.board.state(LINK).word == "ready"
        first = time.time()
        way.send()
        state = way.board.state(LINK)
        assert state.word == "not ready"
        assert began <= state.since <= first
        way.sender.look()
        assert way.board.state(LINK) == state
        sink.fault = ""
        way.send()
        assert way.board.state(LINK).word == "ready"


def test_files(tmp_path: Path) -> None:
    """A token or an authority that cannot be read is a matter of configuration, and names the file."""
    token = "of-this-store"  # noqa: S105 - of this test
    with FaultySink(token=token) as sink:
        url = f"http://127.0.0.1:{sink.port}/events"
        missing = Way(url, token_file=str(tmp_path / "token"))
        missing.send()
        assert missing.board.state(LINK).kind == "config"
        assert str(tmp_path / "token") in missing.board.state(LINK).reason
        assert "refuses this store's token" in Way(url).state().reason
        (tmp_path / "token").write_text("of-this-store\n")
        assert missing.send() == Answered(taken=True)
    (tmp_path / "ca").write_text("nothing")
    way = Way("https://127.0.0.1:1/events", ca=tmp_path / "ca")
    way.send()
    assert way.board.state(LINK).kind == "config"


@pytest.mark.parametrize("byte", [b"HTTP/1.1 200 OK\r\n", b"", b"x"])
def test_an_answer_that_never_ends_takes_no_longer_than_it_may(byte: bytes) -> None:
    """A byte now and then keeps nobody waiting beyond the limit."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            link, _ = server.accept()
            with link:
                try:
                    link.sendall(byte)
                    for _ in range(40):
                        time.sleep(0.1)
                        link.sendall(b"X-A: b\r\n")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        answer = Way(f"http://127.0.0.1:{server.getsockname()[1]}/events").send()
        assert isinstance(answer, Later)
        assert time.monotonic() - began < 2
        thread.join()
