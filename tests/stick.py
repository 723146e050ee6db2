"""A stick and a node at a rack, in two folders: for tests of what a node takes when nobody is on the line.

A signature here is the digest of what it signs, in OpenSSH's armor; the node's `ssh-keygen` knows only these.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from edgectl.node import accept, sending
from edgectl.node.converge.journal import Journal
from edgectl.node.converge.slots import Slots
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.io.programs import Ran
from edgectl.node.load.folder import Folder
from edgectl.node.load.source import Source
from edgectl.node.load.take import take
from edgectl.node.request import take as taken
from edgectl.wire import sshsig
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.offer import NAMESPACE, Offer, Part
from edgectl.wire.payload import Host, K3s, Node, Payload
from edgectl.wire.trust import Signer, Trust, kept_text
from tests.unit.node.fake import FakeNode, ran

STORE = "store-042"
NOW = 1_800_000_000
ENGINE = {"__main__.py": b"print('the engine')\n", "edgectl/node/probe.sh": b"#!/bin/sh\n"}


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def key(number: int = 1) -> bytes:
    """Return a public key."""
    return _string(b"ssh-ed25519") + _string(bytes([number]) * 32)


def line(blob: bytes) -> str:
    """Return a public key as the trust names it."""
    import base64

    return "ssh-ed25519 " + base64.b64encode(blob).decode()


def signed(data: bytes, by: bytes, namespace: str = NAMESPACE) -> bytes:
    """Return a signature."""
    parts = (by, namespace.encode(), b"", b"sha512", hashlib.sha256(data).digest())
    return sshsig.armored(b"SSHSIG" + (1).to_bytes(4, "big") + b"".join(map(_string, parts)))


def tar_of(files: dict[str, bytes]) -> bytes:
    """Return an archive as engines travel in."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            archive.addfile(entry, io.BytesIO(files[name]))
    return packed.getvalue()


TRUST = Trust(1, NOW - 1000, (Signer(line(key()), "ada@ops"),))


def payload(title: str, *, nodes: int = 1) -> Payload:
    """Return what a store should become; its k3s is a blob of its own."""
    k3s = K3s("v1.36.3+k3s1", digest_of(title.encode()), "k3s.service", (), ())
    members = [Node("node-1", "server", "10.77.0.11", Host(1), k3s)]
    members += [Node(f"node-{number + 1}", "agent", "10.77.0.12", Host(1), k3s) for number in range(1, nodes)]
    return Payload(STORE, title, tuple(members), (), {k3s.binary: len(title)})


@dataclass
class Stick:
    """A bundle with offers, as `edgectl bundle export` writes one."""

    root: Path
    engine: bytes = field(default_factory=lambda: tar_of(ENGINE))

    def put(self, data: bytes) -> Part:
        """Put a blob there."""
        digest = digest_of(data)
        path = self.blob(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return Part(digest, len(data))

    def blob(self, digest: str) -> Path:
        """Return where a blob lies."""
        return self.root / "blobs/sha256" / digest.removeprefix("sha256:")

    def offer(self, made: Payload, *, serial: int = NOW, by: bytes | None = None, **fields: Any) -> Offer:
        """Offer a payload, with all that it names."""
        self.put(made.title.encode())
        doc: dict[str, Any] = {"store": made.store, "serial": serial, "expires": serial + 86400} | fields
        offered = Offer(payload=self.put(made.encode()), runtime=self.put(self.engine), **doc)
        self.write(offered.encode(), by=by or key(), store=offered.store)
        return offered

    def write(self, data: bytes, *, by: bytes, store: str = STORE) -> None:
        """Write the offer and its signature."""
        folder = self.root / "offers"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{store}.json").write_bytes(data)
        (folder / f"{store}.json.sig").write_bytes(signed(data, by))


class RackNode(FakeNode):
    """A node with a person before it; its `ssh-keygen` believes a digest, its systemd begins runs."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.notes: list[str] = []
        self.became: list[str] = []
        self.on_change = self._started

    def run(self, *argv: str, limit_seconds: float = 20.0, stdin: bytes = b"") -> Ran:
        """Verify a signature; nothing else is asked."""
        if argv[0] != "ssh-keygen":
            return super().run(*argv, limit_seconds=limit_seconds, stdin=stdin)
        blob = Path(argv[-1]).read_bytes()
        good = any(signed(stdin, key(number)) == blob for number in range(1, 4))
        return ran(code=0 if good else 255, err="" if good else "Signature verification failed: incorrect signature")

    @property
    def slots(self) -> Slots:
        """Read them anew."""
        return Slots(self.places)

    def runs(self, made: Payload, *, trust: Trust | None = TRUST, name: str = "node-1", lead: str = "") -> None:
        """Let a deploy over SSH have come here before."""
        for data in (made.encode(), made.title.encode()):
            path = self.places.blob(digest_of(data))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        engine = digest_of(b"old engine")
        main = self.places.runtime(engine) / "__main__.py"
        main.parent.mkdir(parents=True, exist_ok=True)
        main.touch()
        if trust is not None:
            self.places.trust.mkdir(parents=True, exist_ok=True)
            (self.places.trust / "trust.json").write_text(kept_text(trust))
        created = "2020-01-01T00:00:00+00:00"
        sequence = self.slots.sequence + 1
        sender = Sender("bob", "desk")
        offer = Envelope(STORE, name, made.digest, engine, "", sequence, created, sender, lead=lead)
        self.slots.promote(self.slots.accept(offer))

    def load(self, source: Source | Path, *, now: float = NOW + 60) -> tuple[str, int, str]:
        """Do what `edgectl-node load` does before it follows the run."""
        return take(
            self.places,
            Folder(source) if isinstance(source, Path) else source,
            look=self,
            note=self.notes.append,
            now=lambda: now,
            become=lambda _, digest, __: self.became.append(digest),
        )

    def tree(self) -> dict[str, str]:
        """Return all that lies on the node, but for what may grow when a load is refused: path -> content."""
        found = {}
        for path in sorted(self.places.root.rglob("*")):
            name = str(path.relative_to(self.places.root))
            if name.startswith(("var/lib/edgectl/staging", "var/lib/edgectl/blobs", "var/lib/edgectl/audit", "run")):
                continue
            if path.is_symlink():
                found[name] = f"-> {path.readlink()}"
            elif path.is_file():
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[name] = "folder"
        return found

    def _started(self, *argv: str) -> Ran:
        if argv[:2] == ("systemctl", "start") and (asked := taken(self.places)) is not None:
            Journal(self.places.journal, asked.run, asked.kind).close()
        return ran()


AtRack = TypeVar("AtRack", bound=RackNode)


@pytest.fixture
def stick(tmp_path: Path) -> Stick:
    """Return an empty stick."""
    (tmp_path / "usb").mkdir()
    return Stick(tmp_path / "usb")


@pytest.fixture
def rack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RackNode:
    """Return a node that runs v1 and trusts ada."""
    node = at_rack(tmp_path / "node", monkeypatch)
    node.runs(payload("v1"))
    return node


def at_rack(folder: Path, monkeypatch: pytest.MonkeyPatch) -> RackNode:
    """Return a bare node whose programs are made up."""
    return placed(RackNode(folder), monkeypatch)


def placed(node: AtRack, monkeypatch: pytest.MonkeyPatch) -> AtRack:
    """Make a node the one that this process runs on."""
    folder = node.places.root
    folder.mkdir(parents=True, exist_ok=True)

    def hands(places: Places, **_: Any) -> Hands:
        assert places.root == folder
        return node

    monkeypatch.setattr(sending, "os", SimpleNamespace(getpid=lambda: 1, kill=lambda *_: pytest.fail("it kills")))
    for module in (accept, sending):
        monkeypatch.setattr(module, "Hands", hands)
    monkeypatch.setattr(accept, "install", lambda _: False)
    return node
