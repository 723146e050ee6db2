"""`edgectl-node load URL` from web servers that are broken or lie: the cause named, and nothing live changes.

Exit 4 where the line or the server is to blame, 11 where what it gave is not what was signed.
"""

from __future__ import annotations

import re
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from edgectl.wire.document import digest_of
from tests.hostile import V2, Keys, Mirror, Rack, SignedStick, answer, unharmed
from tests.stick import ENGINE, STORE, tar_of

Handler = BaseHTTPRequestHandler
LONG = bytes(range(256)) * 2000
GOOD = replace(V2, blobs={**V2.blobs, digest_of(LONG): len(LONG)})
OFFER, BLOB = f"/offers/{STORE}.json", f"/blobs/sha256/{digest_of(LONG)[7:]}"
SIG = f"{OFFER}.sig"
UNREACHABLE, REFUSED = 4, 11


@dataclass(frozen=True)
class Case:
    """What one path answers."""

    path: str
    lie: Callable[[Handler], object]
    says: str
    code: int = UNREACHABLE
    begun: bool = False  # half of the blob is here already


def _raw(data: bytes) -> Callable[[Handler], object]:
    return lambda handler: handler.wfile.write(data)


def _to(place: str, code: int = 302) -> Callable[[Handler], object]:
    def redirect(handler: Handler) -> None:
        handler.send_response(code)
        handler.send_header("Location", place)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return redirect


def _part(said: str, data: bytes = LONG[200_000:]) -> Callable[[Handler], object]:
    head = f"HTTP/1.1 206 Partial\r\nContent-Range: {said}\r\nContent-Length: {len(data)}\r\n\r\n"
    return _raw(head.encode() + data)


_NOT = "answers 302 .*is not (followed|allowed)"
CASES = {
    "a length that is more": Case(
        BLOB, lambda handler: answer(handler, LONG[:-9], Content_Length=str(len(LONG))), "broke off|IncompleteRead"
    ),
    "a length that is less": Case(
        BLOB, lambda handler: answer(handler, LONG, Content_Length="1000"), r"broke off at byte 1000 of 512000"
    ),
    "a length that is none": Case(
        BLOB, lambda handler: answer(handler, LONG[:1000], Content_Length="x"), "broke off at byte 1000"
    ),
    "a length below nothing": Case(
        BLOB, lambda handler: answer(handler, LONG[:1000], Content_Length="-5"), "broke off at byte 1000"
    ),
    "other bytes of the same length": Case(
        BLOB, lambda handler: answer(handler, LONG[::-1]), "other bytes than its digest says", REFUSED
    ),
    "another range": Case(BLOB, _part("bytes 0-311999/512000"), "another range", REFUSED, begun=True),
    "a range that nearly fits": Case(BLOB, _part("bytes 2000000-/9"), "another range", REFUSED, begun=True),
    "a range without a name": Case(BLOB, _part(""), "another range", REFUSED, begun=True),
    "the right range with other bytes": Case(
        BLOB, _part("bytes 200000-511999/512000", bytes(312_000)), "broke off at byte 312000", begun=True
    ),
    "a range that ends too early": Case(
        BLOB, _part("bytes 200000-511999/512000", LONG[200_000:300_000]), "broke off at byte 300000", begun=True
    ),
    "no range to give": Case(BLOB, lambda handler: handler.send_error(416), "answers 416", begun=True),
    "half where the whole was asked for": Case(OFFER, _part("bytes 9-99/100"), "was changed|longer than", REFUSED),
    "packed": Case(
        OFFER,
        lambda handler: answer(handler, b"\x1f\x8b", Content_Encoding="gzip"),
        r"the server packs it \(gzip\)",
        REFUSED,
    ),
    "a packed blob": Case(
        BLOB, lambda handler: answer(handler, LONG, Content_Encoding="br"), r"the server packs it \(br\)", REFUSED
    ),
    "a portal's page": Case(SIG, lambda handler: answer(handler, b"<html>log in</html>"), "cannot be read", REFUSED),
    "a redirect to itself": Case(BLOB, _to(BLOB), "redirect"),
    "a redirect in a circle": Case(OFFER, _to(f"{OFFER}?again"), "redirect|nothing for", UNREACHABLE),
    "a redirect to a file": Case(OFFER, _to("file:///etc/shadow"), _NOT),
    "a redirect to a file of a host": Case(OFFER, _to("FILE://localhost/etc/shadow"), _NOT),
    "a redirect to ftp": Case(OFFER, _to("ftp://127.0.0.1/x"), _NOT),
    "a redirect to data": Case(OFFER, _to("data:,x"), _NOT),
    "a redirect to nowhere": Case(OFFER, _to("http://127.0.0.1:1/x"), "could not be read"),
    "a redirect without a place": Case(OFFER, _raw(b"HTTP/1.1 302 Found\r\n\r\n"), "answers 302"),
    "a redirect with a line of its own": Case(OFFER, _to("/x y\x7f"), "nothing for", REFUSED),
    "no http": Case(OFFER, _raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "could not be read"),
    "nothing": Case(OFFER, _raw(b""), "could not be read"),
    "a word that clears the screen": Case(OFFER, _raw(b"HTTP/1.1 500 \x1b[2J\x1b[31mREADY\r\n\r\n"), r"answers 500 \?"),
    "a place that clears the screen": Case(OFFER, _to("x:\x1b[2J"), _NOT),
    "a status that is none": Case(OFFER, _raw(b"HTTP/1.1 999999 x\r\n\r\n"), "could not be read"),
    "more headers than anybody reads": Case(OFFER, _raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200), "could not be"),
    "chunks that are none": Case(
        BLOB, _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n"), "could not be read"
    ),
    "chunks that end too early": Case(
        BLOB, _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"), "could not be read|broke off"
    ),
    "a server that is ill": Case(OFFER, lambda handler: handler.send_error(503), "answers 503"),
    "a server that forbids": Case(OFFER, lambda handler: handler.send_error(403), "answers 403"),
    "a server that wants a name": Case(OFFER, lambda handler: handler.send_error(401), "answers 401"),
}


@pytest.fixture
def stick(keys: Keys, tmp_path: Path) -> SignedStick:
    """Return a good one."""
    (tmp_path / "usb").mkdir()
    made = SignedStick(tmp_path / "usb", tar_of(ENGINE), keys)
    made.put(LONG)
    made.give(GOOD)
    return made


@pytest.mark.parametrize("name", CASES)
def test_a_corrupt_mirror_is_refused(
    name: str,
    stick: SignedStick,
    node: Rack,
    mirrors: Callable[[Path], Mirror],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its exit code, the cause and what to do next in plain letters; then the same address, honest, converges."""
    case, mirror = CASES[name], mirrors(stick.root)
    if case.begun:
        node.places.staging.mkdir(parents=True)
        (node.places.staging / f"{digest_of(LONG)[7:]}.part").write_bytes(LONG[:200_000])
    mirror.lies = {case.path: case.lie, f"{OFFER}?again": _to(OFFER)}
    with unharmed(node):
        said = node.command(mirror.url, capsys)
    assert said.code == case.code, said
    first, *rest = said.err.splitlines()
    assert re.search(case.says, first), said.err
    assert all(line.isprintable() for line in (first, *rest))
    assert rest[-1].startswith("  next: "), said.err
    assert len(mirror.asked) < 12
    mirror.lies = {}
    assert (node.command(mirror.url, capsys).code, node.serves) == (0, GOOD.digest)


def _served_by_tls(mirror: Mirror, folder: Path, name: str) -> Path:
    """Let a mirror speak TLS, with a certificate for a name; return it."""
    argv = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    names = ("-subj", "/CN=mirror", "-addext", f"subjectAltName={name}")
    key, made = folder / "key.pem", folder / "cert.pem"
    subprocess.run((*argv, *names, "-keyout", str(key), "-out", str(made)), check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    mirror.server.socket = context.wrap_socket(mirror.server.socket, server_side=True, do_handshake_on_connect=False)
    mirror.server.handle_error = lambda *_: None  # type: ignore[method-assign]
    mirror.url = mirror.url.replace("http://", "https://")
    return made


@pytest.mark.parametrize(
    ("believed", "says"), [(True, "is not valid for '127.0.0.1'|doesn't match"), (False, "self.signed certificate")]
)
def test_tls_of_the_wrong_name(
    believed: bool,  # noqa: FBT001 - a table's column
    says: str,
    stick: SignedStick,
    node: Rack,
    mirrors: Callable[[Path], Mirror],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Somebody else's certificate, or one that nobody vouches for: exit 4, and not a file was asked for."""
    mirror = mirrors(stick.root)
    certificate = _served_by_tls(mirror, tmp_path, "DNS:updates.example")
    if believed:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with unharmed(node):
        said = node.command(mirror.url, capsys)
    assert (said.code, bool(re.search(says, said.err))) == (4, True), said
    assert "is this node's clock right" in said.err
    assert mirror.asked == []
    assert (node.command(stick.root, capsys).code, node.serves) == (0, GOOD.digest)


def test_tls_is_not_left_for_plain_text(
    stick: SignedStick,
    node: Rack,
    mirrors: Callable[[Path], Mirror],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A server with a good certificate that sends on to http: exit 4, and nothing is asked there."""
    plain, mirror = mirrors(stick.root), mirrors(stick.root)
    certificate = _served_by_tls(mirror, tmp_path, "IP:127.0.0.1")
    mirror.lies = {"*": lambda handler: _to(plain.url + handler.path)(handler)}
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with unharmed(node):
        said = node.command(mirror.url, capsys)
    assert (said.code, "is not followed" in said.err) == (4, True), said
    assert (plain.asked, bool(mirror.asked)) == ([], True)
