"""A node at a rack with OpenSSH's real keys, and what a person there sees: for tests of sticks and mirrors that lie.

The node runs v1 and trusts five keys in their ways; what counts of it is compared before and after each load.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.converge.journal import Journal
from edgectl.node.io.programs import Ran
from edgectl.node.io.programs import run as really_run
from edgectl.node.load.take import take
from edgectl.node.rack import load
from edgectl.node.request import take as taken
from edgectl.wire.document import digest_of
from edgectl.wire.offer import NAMESPACE, Offer
from edgectl.wire.payload import Payload
from edgectl.wire.trust import Signer, Trust, written
from tests.stick import NOW, STORE, RackNode, Stick, payload, placed
from tests.unit.node.fake import ran

DAY = 86400
V1, V2, V3 = payload("v1"), payload("v2"), payload("v3")
PEOPLE = ("ada", "bea", "mallory", "rita", "otto", "nora", "olga")
Keys = Mapping[str, Path]


def make_keys(folder: Path) -> Keys:
    """Make a key for everybody."""
    for who in PEOPLE:
        argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(folder / who))
        subprocess.run(argv, check=True, timeout=60)
    return {who: folder / who for who in PEOPLE}


def public(keys: Keys, who: str) -> str:
    """Return a key as a trust names it."""
    return " ".join(keys[who].with_suffix(".pub").read_text().split()[:2])


def trust_of(keys: Keys, *, version: int = 1, created: int = NOW - 1000, revoked: tuple[str, ...] = ("rita",)) -> Trust:
    """Return the trust: ada and bea sign, mallory is nobody, rita's key is revoked, olga's ended, nora's begins later.

    otto signs for another store only.
    """

    def signer(who: str, **fields: Any) -> Signer:
        return Signer(public(keys, who), f"{who}@ops", **fields)

    signers = (
        signer("ada"),
        signer("bea"),
        signer("rita"),
        signer("otto", stores=("store-9*",)),
        signer("nora", valid_after=written(NOW + 300 * DAY)),
        signer("olga", valid_before=written(NOW + 30)),
    )
    lost = tuple(one.fingerprint for one in signers if one.who.removesuffix("@ops") in revoked)
    return Trust(version, created, signers, lost)


@functools.cache
def _signature(key: str, data: bytes, namespace: str) -> bytes:
    argv = ("ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", namespace)
    return subprocess.run(argv, input=data, check=True, capture_output=True, timeout=60).stdout


@dataclass
class SignedStick(Stick):
    """A stick as an export makes it, or as somebody makes one who has a key."""

    keys: Keys = None  # type: ignore[assignment]  # always given

    def give(self, made: Payload, *, who: str = "ada", namespace: str = NAMESPACE, **fields: Any) -> Offer:
        """Offer a payload with all that it names, signed by somebody."""
        offer = self.offer(made, **fields)
        self.sign(offer.encode(), who=who, namespace=namespace, store=offer.store)
        return offer

    def sign(self, data: bytes, *, who: str = "ada", namespace: str = NAMESPACE, store: str = STORE) -> None:
        """Put bytes there as the offer, well signed."""
        folder = self.root / "offers"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{store}.json").write_bytes(data)
        (folder / f"{store}.json.sig").write_bytes(_signature(str(self.keys[who]), data, namespace))

    @property
    def offered(self) -> Path:
        """The store's offer."""
        return self.root / f"offers/{STORE}.json"

    @property
    def signature(self) -> Path:
        """Its signature."""
        return self.root / f"offers/{STORE}.json.sig"


@dataclass(frozen=True)
class Said:
    """How a load ended."""

    code: int
    err: str


class Rack(RackNode):
    """A node whose signatures are checked by the real ssh-keygen, and whose engine takes what was accepted."""

    now: float = NOW + 60

    def run(self, *argv: str, limit_seconds: float = 20.0, stdin: bytes = b"") -> Ran:
        """Check signatures in earnest."""
        if argv[0] == "ssh-keygen":
            return really_run(argv, limit_seconds=limit_seconds, stdin=stdin)
        return super().run(*argv, limit_seconds=limit_seconds, stdin=stdin)

    def _started(self, *argv: str) -> Ran:
        if argv[:2] == ("systemctl", "start") and (asked := taken(self.places)) is not None:
            journal = Journal(self.places.journal, asked.run, asked.kind)
            if (candidate := self.slots.candidate) is not None:
                self.slots.promote(candidate)
            sequence = self.slots.sequence
            journal.write("verdict", word="ready", data={"exit": 0, "sequence": sequence, "serving": sequence})
            journal.close()
        return ran()

    @property
    def serves(self) -> str:
        """The payload that runs."""
        current = self.slots.current
        return current.envelope.payload if current else ""

    def stands(self) -> dict[str, str]:
        """Return all that is live: slots, trust, offers, units, images, links, files of the host; and its blobs.

        What is staged, new blobs and an engine nobody has become are no part of it: they may come.
        """
        tree = {name: seen for name, seen in self.tree().items() if not name.startswith("var/lib/edgectl/runtimes/")}
        engine = self.places.runtime(digest_of(b"old engine"))
        return tree | {"engine": str(sorted(path.name for path in engine.rglob("*")))}

    def command(self, source: Path | str, capsys: pytest.CaptureFixture[str]) -> Said:
        """Do what `sudo edgectl-node load SOURCE` does, to its exit code and its sentence."""
        how = {"look": self, "now": lambda: self.now, "become": lambda _, digest, __: self.became.append(digest)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(load, "take", lambda places, one, **given: take(places, one, **{**given, **how}))
            code = load.run(self.places, argparse.Namespace(source=str(source), engine=""))
        said = capsys.readouterr()
        return Said(code, said.err)


def furnished(node: Rack) -> None:
    """Put on a node what a load must leave alone."""
    for name in (
        "etc/systemd/system/k3s.service",
        "etc/rancher/k3s/config.yaml",
        "var/lib/rancher/k3s/agent/images/v1.tar",
        "var/lib/edgectl/owned/etc/motd",
        "etc/motd",
    ):
        path = node.places.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    link = node.places.root / "usr/local/bin/k3s"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to("/var/lib/edgectl/blobs/sha256/k3s")


@contextmanager
def unharmed(node: Rack) -> Iterator[None]:
    """Hold that in here nothing live changes, no program is started, and nothing lies about under a digest's name."""
    before, changes, became = node.stands(), len(node.changes), len(node.became)
    blobs = {path.name: path.read_bytes() for path in node.places.blobs.iterdir()}
    yield
    assert node.stands() == before
    assert node.changes[changes:] == []
    assert len(node.became) - became <= 1  # the engine may have been the offer's; what it reads was refused then
    found = {path.name: path.read_bytes() for path in node.places.blobs.iterdir()}
    assert blobs.items() <= found.items()
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in found.items() if name not in blobs)
    assert list(node.places.run.glob("offer-*")) == []
    assert sum(path.stat().st_size for path in node.places.staging.glob("*")) < 1 << 20
    assert list(node.places.runtimes.glob("*.new-*")) == []


Answer = Callable[[BaseHTTPRequestHandler], object]


class Mirror:
    """A web server that publishes a folder, but for the paths that it lies about."""

    def __init__(self, root: Path) -> None:
        self.lies: dict[str, Answer] = {}
        self.asked: list[str] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.close_connection = True
                mirror.asked.append(self.path)
                with suppress(OSError):  # it has hung up
                    mirror.lies.get(self.path, mirror.lies.get("*", mirror.give))(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.root = root
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def give(self, handler: BaseHTTPRequestHandler) -> None:
        """Give a file as it is, from the byte that is asked for."""
        path = self.root / handler.path.lstrip("/")
        if not path.is_file():
            handler.send_error(404)
            return
        answer(handler, path.read_bytes())

    def close(self) -> None:
        """End."""
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


def answer(handler: BaseHTTPRequestHandler, data: bytes, **headers: str) -> None:
    """Give bytes by range, with headers that may say otherwise."""
    begin = int(handler.headers.get("Range", "bytes=0-")[6:-1])
    handler.send_response(206 if begin else 200)
    said = {"Content-Length": str(len(data) - begin)}
    if begin:
        said["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
    for name, value in (said | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data[begin:])


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Make everybody's keys once."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def node(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rack:
    """Return a node that runs v1, and knows whom it trusts."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # what power takes is another test's
    monkeypatch.setenv("no_proxy", "*")
    node = placed(Rack(tmp_path / "node"), monkeypatch)
    node.runs(V1, trust=trust_of(keys))
    furnished(node)
    return node


@pytest.fixture
def mirrors() -> Iterator[Callable[[Path], Mirror]]:
    """Give a function that publishes a folder."""
    made: list[Mirror] = []

    def publish(root: Path) -> Mirror:
        made.append(Mirror(root))
        return made[-1]

    yield publish
    for mirror in made:
        mirror.close()
