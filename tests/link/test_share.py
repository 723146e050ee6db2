"""What strangers on the store's network can ask of a node that hands out, and what a neighbour can do to a taker."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from edgectl.control.link.onetime import OneTime, one_time
from edgectl.node.io.places import Places
from edgectl.node.receive import want
from edgectl.node.share import serve, take
from edgectl.node.share.pinned import dialled, serving
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.frame import FrameError, Frames

GIVEN, OTHER = b"given" * 1000, b"a blob of another deploy"
DIGEST = digest_of(GIVEN)


@dataclass
class Open:
    """A share that runs in a thread."""

    known: OneTime
    port: int
    over: threading.Event
    thread: threading.Thread

    def dial(self) -> ssl.SSLSocket:
        """Connect as a taker does."""
        return dialled("127.0.0.1", self.port, self.known.certificate, seconds=5)

    def ask(self, **fields: Any) -> bytes:
        """Ask one thing; return all that is said."""
        with self.dial() as tls:
            tls.settimeout(5)
            tls.sendall(canonical({"op": "take", "token": self.known.token.reveal(), **fields}) + b"\n")
            return _all(tls)

    def is_closed(self) -> bool:
        """Tell whether nobody listens."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        except ConnectionRefusedError:
            return True
        return False


def _all(sock: socket.socket) -> bytes:
    said = bytearray()
    try:
        while data := sock.recv(65536):
            said += data
    except ConnectionResetError:
        pass
    return bytes(said)


Begin = Callable[..., Open]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return a node that holds two blobs, and a file that is nobody's business."""
    found = Places(tmp_path)
    found.blobs.mkdir(parents=True)
    for data in (GIVEN, OTHER):
        found.blob(digest_of(data)).write_bytes(data)
    (found.state / "secret").write_text("nobody's business")
    return found


@pytest.fixture
def begin(places: Places) -> Iterator[Begin]:
    """Give a function that begins to hand out the first blob."""
    running: list[Open] = []

    def start(*, seconds: float = 60.0, idle_seconds: float = 60.0) -> Open:
        known, over = one_time(), threading.Event()
        listener = serve._listening("127.0.0.1")
        port = listener.getsockname()[1]
        share = serve.Share(places, known.token.reveal(), [DIGEST], idle_seconds=idle_seconds)
        context = serving(known.certificate, known.key.reveal())
        thread = threading.Thread(target=share.run, args=(listener, context, over), kwargs={"seconds": seconds})
        running.append(Open(known, port, over, thread))
        thread.start()
        return running[-1]

    yield start
    for one in running:
        one.over.set()
        one.thread.join(10)
        assert not one.thread.is_alive()
        assert one.is_closed()


def _item(digest: str, have: int = 0) -> list[dict[str, Any]]:
    return [{"digest": digest, "have_bytes": have}]


def test_what_was_named_is_given_from_any_byte(begin: Begin) -> None:
    """The blob, and its rest."""
    share = begin()
    assert share.ask(blobs=_item(DIGEST)).split(b"\n", 1)[1] == GIVEN + b'{"op":"sent"}\n'
    assert share.ask(blobs=_item(DIGEST, 4990)).split(b"\n", 1)[1] == GIVEN[4990:] + b'{"op":"sent"}\n'


@pytest.mark.parametrize(
    "fields",
    [
        {"blobs": _item(digest_of(OTHER))},
        {"blobs": [*_item(DIGEST), *_item(digest_of(OTHER))]},
        {"blobs": _item("sha256:../../../secret")},
        {"blobs": _item("../../secret")},
        {"blobs": _item("/etc/passwd")},
        {"blobs": _item("")},
        {"blobs": _item(".")},
        {"blobs": _item(DIGEST.upper())},
        {"blobs": [{"digest": [DIGEST], "have_bytes": 0}]},
        {"blobs": [{"digest": DIGEST, "have_bytes": "1e999"}]},
        {"blobs": DIGEST},
        {"blobs": None},
        {},
        {"blobs": _item(DIGEST), "token": ""},
        {"blobs": _item(DIGEST), "token": None},
        {"blobs": _item(DIGEST), "token": "\ud800"},
        {"blobs": _item(DIGEST), "token": ["x"]},
        {"blobs": _item(DIGEST), "op": "list"},
        {"blobs": _item(DIGEST), "op": "share"},
    ],
)
def test_nothing_else_is_answered(begin: Begin, fields: dict[str, Any]) -> None:
    """Law: no other digest, no path, no folder, nothing without the token: not one byte, and it goes on for others."""
    share = begin()
    if "\ud800" in str(fields.get("token")):
        with share.dial() as tls:
            tls.sendall(b'{"op":"take","token":"\\ud800","blobs":[]}\n')
            assert _all(tls) == b""
    else:
        assert share.ask(**fields) == b""
    assert GIVEN in share.ask(blobs=_item(DIGEST))


@pytest.mark.parametrize("have", [-1, len(GIVEN) + 1])
def test_an_offset_that_cannot_be_gives_nothing_of_the_blob(begin: Begin, have: int) -> None:
    """Law: no byte from before the beginning or behind the end."""
    assert begin().ask(blobs=_item(DIGEST, have)) == b'{"op":"sent"}\n'


@pytest.mark.parametrize(
    "said", [b"", b"GET /blobs/x HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", bytes(range(256)) * 400]
)
def test_who_does_not_speak_tls_hears_nothing_of_a_blob(begin: Begin, said: bytes) -> None:
    """Law: without TLS there is no answer but TLS's own alert."""
    share = begin()
    with socket.create_connection(("127.0.0.1", share.port), 5) as sock:
        with suppress(OSError):  # it may have hung up by now
            sock.sendall(said)
            sock.shutdown(socket.SHUT_WR)
        sock.settimeout(5)
        assert len(_all(sock)) < 100
    assert GIVEN in share.ask(blobs=_item(DIGEST))


def test_older_tls_is_refused(begin: Begin) -> None:
    """Law: TLS 1.3 or nothing."""
    share = begin()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", share.port), 5) as sock, pytest.raises(ssl.SSLError):
        context.wrap_socket(sock)


def test_those_who_say_nothing_hold_no_more_than_a_few_threads(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a crowd of silent connections costs a bounded number of threads, and for seconds only."""
    monkeypatch.setattr(serve, "_GREET_SECONDS", 0.5)
    share, before = begin(), threading.active_count()
    crowd = [socket.create_connection(("127.0.0.1", share.port), 5) for _ in range(40)]
    with suppress(OSError):  # it is one of the crowd: turned away, or silent, too
        crowd.append(share.dial())
    assert threading.active_count() <= before + serve._CONNECTIONS
    for sock in crowd:
        sock.settimeout(5)
        assert _all(sock) == b""
        sock.close()
    assert GIVEN in share.ask(blobs=_item(DIGEST))


def test_a_question_has_an_end() -> None:
    """Law: who talks for ever is hung up on after a megabyte, long before a frame's own limit."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        read = serve._question(cast("ssl.SSLSocket", ours))
        for _ in range(16):
            theirs.sendall(b"x" * 65536)
            assert len(read(65536)) == 65536
        theirs.sendall(b"x")
        with pytest.raises(FrameError, match="too long"):
            read(65536)


@pytest.mark.parametrize("how", ["over", "time", "idle"])
def test_it_ends(begin: Begin, how: str) -> None:
    """Law: with the session, after its time, or when nobody asks; who is connected then is hung up on."""
    share = begin(seconds=3 if how == "time" else 60, idle_seconds=3 if how == "idle" else 60)
    with share.dial() as tls:
        if how == "over":
            share.over.set()
        share.thread.join(10)
        assert not share.thread.is_alive()
        tls.settimeout(5)
        assert _all(tls) == b""
    assert share.is_closed()


class Hostile:
    """A neighbour with the right certificate and the wrong bytes."""

    def __init__(self, say: Callable[[ssl.SSLSocket], object]) -> None:
        self.known = one_time()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._say = say
        threading.Thread(target=self._serve, daemon=True).start()

    def told(self) -> dict[str, Any]:
        """Return what the operator would say of it."""
        return {
            "address": "127.0.0.1",
            "port": self._listener.getsockname()[1],
            "certificate": self.known.certificate,
            "token": "t",
            "blobs": [DIGEST],
            "least": 1000.0,
        }

    def _serve(self) -> None:
        raw, _ = self._listener.accept()
        with serving(self.known.certificate, self.known.key.reveal()).wrap_socket(raw, server_side=True) as tls:
            tls.recv(65536)
            try:
                self._say(tls)
            except OSError:
                pass
            finally:
                self._listener.close()


def _blob(**fields: Any) -> bytes:
    said = {"op": "blob", "digest": DIGEST, "offset": 0, "bytes": len(GIVEN), **fields}
    return canonical({key: value for key, value in said.items() if value is not None}) + b"\n"


def _for_ever(data: bytes) -> Callable[[ssl.SSLSocket], None]:
    def say(tls: ssl.SSLSocket) -> None:
        while True:
            tls.sendall(data)

    return say


def _once(data: bytes) -> Callable[[ssl.SSLSocket], object]:
    return lambda tls: tls.sendall(data)


HOSTILE = {
    "endless": _for_ever(b"x" * 65536),
    "endless nothing": _for_ever(_blob(bytes=0)),
    "endless of one blob": _for_ever(_blob(bytes=1 << 40)),
    "wrong bytes": _once(_blob() + b"y" * len(GIVEN) + b'{"op":"sent"}\n'),
    "wrong bytes again and again": _for_ever(_blob() + b"y" * len(GIVEN)),
    "half": _once(_blob() + GIVEN[:100]),
    "nothing": _once(b""),
    "sent at once": _once(b'{"op":"sent"}\n'),
    "another blob": _once(_blob(digest=digest_of(OTHER)) + GIVEN),
    "a path": _once(_blob(digest="../../x") + GIVEN),
    "no size": _once(_blob(bytes=None)),
    "a size that is none": _once(b'{"op":"blob","digest":"%s","offset":0,"bytes":Infinity}\n' % DIGEST.encode()),
    "a list": _once(b"[]\n"),
    "deep": _once(b"[" * 100_000 + b"\n"),
    "packed nonsense": _once(_blob(form="zlib", bytes=5, size=5000) + b"nopes"),
    "a delta of nothing": _once(_blob(form="delta", bytes=5, size=5000) + b"nopes"),
    "a form that is none": _once(_blob(form="magic") + GIVEN),
    "a bomb": _once(_blob(form="zlib", bytes=10, size=1 << 50)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_neighbour_can_only_fail(tmp_path: Path, what: str) -> None:
    """Law: whatever it says, nothing wrong gets a name, it ends within seconds, and what lacks is asked of the line."""
    bare, near = Places(tmp_path / "bare"), Hostile(HOSTILE[what])
    blobs = {DIGEST: len(GIVEN)}
    heard = [{"op": "neighbour", **near.told()}, {"op": "line"}]
    frames, said = _operator(heard)
    began = time.monotonic()
    take.near_first(bare, frames, {"neighbours": True, "blobs": blobs})
    assert time.monotonic() - began < 8
    assert not bare.blob(DIGEST).exists()
    assert [item["op"] for item in said] == ["lacks", "lacks"]
    assert said[-1]["why"], "the reason goes into the note"
    assert want(bare, blobs)
    assert not (tmp_path / "x").exists()


def _operator(heard: list[dict[str, Any]]) -> tuple[Frames, list[dict[str, Any]]]:
    said: list[dict[str, Any]] = []
    lines = [canonical(frame) + b"\n" for frame in heard]
    frames = Frames(lambda _: lines.pop(0) if lines else b"", lambda data: said.append(json.loads(data)))
    return frames, said


def test_an_operator_who_leaves_in_the_middle_ends_it(places: Places) -> None:
    """Law: no answer to what lacks is the end of the session; nothing was changed."""
    bare = Places(places.root / "bare")
    frames, said = _operator([])
    with pytest.raises(FrameError):
        take.near_first(bare, frames, {"neighbours": True, "blobs": {DIGEST: len(GIVEN)}})
    assert said[0]["op"] == "lacks"
    assert not bare.state.exists()
