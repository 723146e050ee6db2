"""Telling upward over real sockets: servers that answer, fail, crawl, swallow, break off, or are somebody else."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgectl.node.outbox import drain as module
from edgectl.node.outbox import told as notes
from edgectl.node.outbox.drain import drain
from edgectl.node.outbox.post import Poster, Unsent
from edgectl.node.outbox.queue import BEAT, JOURNAL, VERDICT
from edgectl.node.outbox.told import Told
from edgectl.wire.beat import decode
from edgectl.wire.payload import Uplink
from tests.unit.node.outbox.test_drain import TOKEN, Store, made

_OK = b"HTTP/1.1 204 No Content\r\n\r\n"
Act = Callable[["Server", socket.socket, bytes], None]


@dataclass
class Server:
    """A server on loopback that does one thing with each request, and remembers what it has read whole."""

    act: Act
    wrap: Callable[[socket.socket], socket.socket] = lambda raw: raw
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    connections: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Listen."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self.ended.is_set():
            with suppress(OSError):
                raw, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._one, args=(raw,), daemon=True).start()

    def _one(self, raw: socket.socket) -> None:
        with suppress(OSError, ValueError), self.wrap(raw) as line:
            line.settimeout(20)
            while request := self._read(line):
                self.act(self, line, request)

    def _read(self, line: socket.socket) -> bytes:
        """Read one request; its body is noted when all of it is here."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (piece := line.recv(4096)):
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        headers = dict(row.split(": ", 1) for row in head.decode().split("\r\n")[1:])
        while len(body) < int(headers["Content-Length"]):
            if not (piece := line.recv(4096)):
                return b""
            body += piece
        self.got.append((headers, body))
        return head

    @property
    def kinds(self) -> list[str]:
        """What was read, by kind."""
        return [headers["Edgectl-Kind"] for headers, _ in self.got]


def answers(line: bytes) -> Act:
    """Answer always the same."""
    return lambda _, sock, __: sock.sendall(line)


def _reset(server: Server, sock: socket.socket, _: bytes) -> None:
    """Break off in the middle of the second request's answer, the hard way."""
    if len(server.got) == 2:
        sock.sendall(b"HTTP/1.1 20")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        raise OSError
    sock.sendall(_OK)


def _hole(server: Server, _: socket.socket, __: bytes) -> None:
    server.ended.wait(20)


def _crawl(server: Server, sock: socket.socket, _: bytes) -> None:
    """Send a byte often enough that no single wait is too long."""
    for number in range(400):
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n"[number : number + 1] if number < 8 else b"0")
        if server.ended.wait(0.1):
            return


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers, and end them."""
    servers: list[Server] = []

    def start(act: Act, wrap: Callable[[socket.socket], socket.socket] = lambda raw: raw) -> Server:
        servers.append(Server(act, wrap))
        return servers[-1]

    yield start
    for server in servers:
        server.ended.set()
        server.listener.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a node with one entry of each kind."""
    store = made(tmp_path / "node")
    for kind in (VERDICT, JOURNAL, BEAT):
        store.put(kind, '{"kind": "run"}\n')
    return store


def tell(store: Store, server: Server | int, *, scheme: str = "http") -> Told:
    """Declare the server and tell once."""
    port = server if isinstance(server, int) else server.port
    store.declare(Uplink(f"{scheme}://127.0.0.1:{port}/edgectl", "up/token"))
    store.places.secret_values.parent.mkdir(parents=True, exist_ok=True)
    store.places.secret_values.write_text(json.dumps({"up": {"token": TOKEN}}))
    told = drain(store.places)
    assert told is not None
    return told


def test_all_of_it_arrives_over_one_connection(store: Store, serve: Callable[..., Server]) -> None:
    """2xx: bodies, headers and the token are what docs/upward.md says."""
    server = serve(answers(_OK))
    told = tell(store, server)
    assert (told.why, store.waits, server.connections) == ("", [], 1)
    assert server.kinds == ["beat", "verdict", "journal"]
    headers, body = server.got[0]
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Content-Type"] == "text/plain; charset=us-ascii"
    assert decode(body).n == 3
    assert headers["Edgectl-Id"] == f"store-042/node-1/{decode(body).box}-3"
    assert "n" in json.loads(server.got[1][1])
    assert server.got[2][0]["Content-Encoding"] == "gzip"
    assert gzip.decompress(server.got[2][1]) == b'{"kind": "run"}\n'


def test_a_server_that_closes_after_each_answer(store: Store, serve: Callable[..., Server]) -> None:
    """A new connection for each is fine, too."""
    server = serve(answers(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"))
    assert (tell(store, server).why, store.waits, server.connections) == ("", [], 3)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (answers(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), "answered 500"),
        (answers(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), "answered 302"),
        (answers(b"hello there\r\n"), "does not speak HTTP"),
        (_hole, "did not answer within"),
        (_crawl, "did not answer within"),
    ],
    ids=["500", "redirect", "no HTTP", "black hole", "crawl"],
)
def test_what_does_not_take_it(
    store: Store, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, act: Act, why: str
) -> None:
    """Law: nothing leaves the queue, the drain ends in time, the reason has no token. The next try takes all of it."""
    monkeypatch.setattr(module, "POST_SECONDS", 1.0)
    began = time.monotonic()
    told = tell(store, serve(act))
    assert time.monotonic() - began < 5
    assert (why in told.why, TOKEN in told.why) == (True, False), told.why
    assert (store.waits, told.fails) == ([1, 2, 3], 1)
    assert (tell(store, serve(answers(_OK))).why, store.waits) == ("", [])


def test_a_reset_in_the_middle(store: Store, serve: Callable[..., Server]) -> None:
    """Law: what was not acknowledged is told again, under the same name and with the same bytes."""
    server = serve(_reset)
    told = tell(store, server)
    assert (told.why, store.waits) == ("", [])  # the connection had stood: it is tried once more at once
    names = [(headers["Edgectl-Id"], body) for headers, body in server.got]
    assert len(names) == 4
    assert names[1] == names[2]


def test_nobody_is_there(store: Store) -> None:
    """A closed port says so."""
    with socket.socket() as closed:  # bound, and nobody listens
        closed.bind(("127.0.0.1", 0))
        told = tell(store, closed.getsockname()[1])
    assert "cannot be reached: Connection refused" in told.why
    assert notes.read(store.places).fails == 1


def certificate(folder: Path, *extra: str) -> Path:
    """Return a certificate with its key."""
    path = folder / "server.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += ["-keyout", str(folder / "key.pem"), "-out", str(path), "-days", "2", "-subj", "/CN=127.0.0.1", *extra]
    subprocess.run(argv, check=True, capture_output=True, timeout=30)
    return path


def wrapping(folder: Path, cert: Path) -> Callable[[socket.socket], socket.socket]:
    """Return what makes a server speak TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, folder / "key.pem")
    return lambda raw: context.wrap_socket(raw, server_side=True)


def test_a_certificate_of_somebody_else(store: Store, serve: Callable[..., Server], tmp_path: Path) -> None:
    """Law: nothing is told to who is not known, the token least of all; the node's clock is named, it may be why."""
    cert = certificate(tmp_path, "-addext", "subjectAltName=IP:127.0.0.1")
    server = serve(answers(_OK), wrap=wrapping(tmp_path, cert))
    told = tell(store, server, scheme="https")
    assert "has a certificate that this node does not trust" in told.why
    assert "by its clock it is 20" in told.why
    assert (server.got, store.waits) == ([], [1, 2, 3])


@pytest.mark.parametrize(("name", "arrives"), [("IP:127.0.0.1", True), ("DNS:other.example.com", False)])
def test_the_systems_own_store_decides(
    store: Store,
    serve: Callable[..., Server],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    arrives: bool,  # noqa: FBT001 - a table's column
) -> None:
    """A certificate that the system trusts is taken, for its own name."""
    cert = certificate(tmp_path, "-addext", f"subjectAltName={name}")
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    server = serve(answers(_OK), wrap=wrapping(tmp_path, cert))
    told = tell(store, server, scheme="https")
    assert (told.why == "", store.waits == [], len(server.got) == 3) == (arrives, arrives, arrives), told.why


def test_a_resolver_that_hangs_does_not_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a deadline holds for all of it, also for what has none of its own."""
    hangs = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hangs.wait(20) and [])
    with pytest.raises(Unsent, match="did not answer within 0 s"):
        Poster("https://upward.example.com/").post(b"x", {}, seconds=0.2)
    hangs.set()


def test_a_large_journal_on_a_thin_line(
    store: Store, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: a large entry has more time, by its size: on a line of 20 KB a second it arrives, and blocks nothing."""
    monkeypatch.setattr(module, "POST_SECONDS", 0.5)
    noise = random.Random(1)  # noqa: S311 - bytes that do not pack
    store.put(JOURNAL, "".join(chr(noise.randrange(33, 126)) for _ in range(40_000)))
    server = serve(answers(_OK))
    read = server._read

    def slowly(line: socket.socket) -> bytes:
        real = line.recv
        return read(Thin(real))  # type: ignore[arg-type]

    monkeypatch.setattr(server, "_read", slowly)
    assert tell(store, server).why == ""
    assert len(server.got[-1][1]) > 20_000
    assert store.waits == []


@dataclass
class Thin:
    """A socket that reads 20 KB a second."""

    real: Callable[[int], bytes]

    def recv(self, count: int) -> bytes:
        """Read a little."""
        time.sleep(0.05)
        return self.real(min(count, 1000))


DOCS = Path(__file__).parents[2] / "docs" / "upward.md"


def test_the_receiver_of_the_docs_receives(store: Store, tmp_path: Path) -> None:
    """Law: docs/upward.md has a whole receiver: each entry once, under its name; nobody without the token."""
    (program,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (tmp_path / "receive.py").write_text(program)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path / "received"
    argv = [sys.executable, str(tmp_path / "receive.py"), str(folder), str(port)]
    with subprocess.Popen(argv, env={**os.environ, "UPWARD_TOKEN": TOKEN}, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while "cannot be reached" in tell(store, port).why:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            stranger = Poster(f"http://127.0.0.1:{port}/edgectl", "other")
            assert stranger.post(b"x", {}, seconds=5).status == 401
            stranger.close()
        finally:
            process.kill()
    assert store.waits == []
    found = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert sorted(found) == ["beat", "journal", "verdict"]
    assert decode(found["beat"]).n == 3
    assert gzip.decompress(found["journal"]) == b'{"kind": "run"}\n'
