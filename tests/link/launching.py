"""A node's launcher in a folder, run as sudo would: a process of its own, with whatever a deploy user hands it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgectl.control.link.launcher import launcher_text
from edgectl.control.link.runtime import RuntimeArchive, pack
from edgectl.node.io.places import Places
from edgectl.wire import launch
from edgectl.wire.document import canonical, to_json
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.offer import Part
from edgectl.wire.sshsig import fingerprint
from edgectl.wire.trust import Signer, Trust, blob_of, kept_text
from tests.far.sshd import keygen

STORE = "store-042"
BOOTSTRAP = Path(launch.__file__).parents[1] / "node/bootstrap.py"
_MAIN = b"import json, os, signal, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))\n"
_LIMIT_SECONDS = 60


def engine(main: bytes = _MAIN) -> RuntimeArchive:
    """Return an engine that says how it was started; it unpacks itself as the real one does."""
    return pack({"__main__.py": main, "edgectl/node/bootstrap.py": BOOTSTRAP.read_bytes()})


@dataclass(frozen=True)
class Said:
    """How the launcher ended, and the lines of its handshake."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> list[str]:
        """The first word of each line of the handshake."""
        return [line.split()[1] for line in self.out.splitlines() if line.startswith("edgectl-link ")]

    @property
    def why(self) -> str:
        """Why nothing was started."""
        return next((str(json.loads(line.split(" ", 2)[2])["message"]) for line in self._refused), "")

    @property
    def _refused(self) -> list[str]:
        return [
            line for line in self.out.splitlines() if line.startswith(("edgectl-link refused", "edgectl-link fail"))
        ]

    @property
    def started(self) -> list[Any]:
        """What the engine says of its start; [] where none was started."""
        lines = [line for line in self.out.splitlines() if line.startswith("[")]
        return list(json.loads(lines[-1])) if lines else []


@dataclass
class Node:
    """The node: what it keeps below `root`, and the keys of people."""

    root: Path
    keys: Path
    now: int = field(default_factory=lambda: int(time.time()))

    @property
    def places(self) -> Places:
        """Where its things lie."""
        return Places(self.root)

    def key(self, who: str) -> Path:
        """Return a person's key."""
        path = self.keys / who
        return path if path.exists() else keygen(path)

    def signer(self, who: str, **fields: Any) -> Signer:
        """Return a person's line in a trust."""
        public = " ".join(self.key(who).with_name(f"{who}.pub").read_text().split()[:2])
        return Signer(public, f"{who}@ops", **fields)

    def trust(self, *signers: Signer, revoked: Sequence[str] = (), created: int = 0) -> Trust:
        """Let the node keep a trust."""
        found = Trust(3, created or self.now - 1000, signers or (self.signer("ada"),), tuple(revoked))
        self.places.trust.mkdir(parents=True, exist_ok=True)
        (self.places.trust / "trust.json").write_text(kept_text(found))
        return found

    def accepted(self, runtime: RuntimeArchive, *, link: str = "current", store: str = STORE) -> None:
        """Let the node have accepted an engine by a deploy."""
        slot = self.places.slots / "1"
        slot.mkdir(parents=True, exist_ok=True)
        envelope = Envelope(store, "node-1", "sha256:" + "a" * 64, runtime.digest, "", 1, "", Sender("u", "h"))
        (slot / "envelope.json").write_bytes(canonical(to_json(envelope)))
        (self.places.slots / link).symlink_to("1")

    def statement(self, runtime: RuntimeArchive, **fields: Any) -> bytes:
        """Return what is signed for an engine."""
        size = fields.pop("size", len(runtime.tar))
        given = {"store": STORE, "serial": self.now, "expires": self.now + 3600, **fields}
        return launch.Statement(runtime=Part(runtime.digest, size), **given).encode()

    def signature(self, data: bytes, who: str = "ada", namespace: str = launch.NAMESPACE) -> bytes:
        """Return a person's signature of bytes."""
        argv = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(self.key(who)), "-n", namespace]
        return subprocess.run(argv, input=data, check=True, capture_output=True, timeout=_LIMIT_SECONDS).stdout

    def name(self, who: str = "ada") -> str:
        """Return how a person's key is called."""
        return fingerprint(blob_of(self.signer(who).key))

    def request(
        self, runtime: RuntimeArchive, *, who: str = "ada", packed: bytes | None = None, **fields: Any
    ) -> bytes:
        """Return all that an operator writes for an engine that is not here."""
        data = self.statement(runtime, **fields)
        engine_bytes = runtime.data if packed is None else packed
        rest = launch.answered(self.name(who), data, self.signature(data, who), engine_bytes)
        return launch.asked(runtime.hex) + rest

    def program(self) -> Path:
        """Return the launcher as it lies there, for this folder."""
        program = self.root / "edgectl-launch"
        program.parent.mkdir(parents=True, exist_ok=True)
        text = launcher_text().replace('root: Path = Path("/")', f"root: Path = Path({str(self.root)!r})")
        assert str(self.root) in text
        program.write_text(text)
        return program

    def run(self, given: bytes, *arguments: str, before: str = "", env: dict[str, str] | None = None) -> Said:
        """Start the launcher as sudo does; `before` is what the account's own shell does before."""
        program = self.program()
        argv = [sys.executable, "-IS", str(program), *arguments]
        if before:
            argv = ["/bin/sh", "-c", f'{before}; exec "$@"', "sh", *argv]
        given_env = {"SUDO_USER": "edge", "PATH": "/usr/bin:/bin", **(env or {})}
        ran = subprocess.run(
            argv, input=given, capture_output=True, timeout=_LIMIT_SECONDS, check=False, env=given_env, cwd=self.root
        )
        return Said(ran.returncode, ran.stdout.decode(), ran.stderr.decode())
