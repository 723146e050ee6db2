"""Which key at hand may sign for a store: in edgectl's own folder, or held by the SSH agent.

Owns the search, by what the store's trust says. Must not know what is signed.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgectl.control.signing.ages import may_sign
from edgectl.control.signing.keyfile import folder, public
from edgectl.control.signing.sign import sign
from edgectl.wire.errors import InvalidInput
from edgectl.wire.sshsig import fingerprint
from edgectl.wire.trust import Signer, Trust, blob_of, state_of

_AGENT_SECONDS = 10.0


def signer_for(trust: Trust, store: str, *, now: float) -> tuple[Signer, Path | None]:
    """Return the key to sign with, and its file; None where the agent holds it. InvalidInput where none is at hand."""
    may = {
        one.fingerprint: one
        for one in sorted(trust.signers, key=lambda one: one.begins)
        if may_sign(one, store) and state_of(one, trust, now=now) == "valid"
    }
    files = {name: path for path in _files() if (name := _name(path)) in may}
    for name in reversed(may):
        if name in files:
            return may[name], files[name]
    held = _agents() if may else ()
    for name in reversed(may):
        if name in held:
            return may[name], None
    whose = ", ".join(f"{one.who} ({name})" for name, one in may.items()) or "nobody"
    raise InvalidInput(
        f"no key here may sign for {store}: {whose} may, and the account that you come with takes only what is signed",
        hint=f"load one into the SSH agent (ssh-add) or lay it into {folder()}; edgectl keys list; or come as root",
        docs="users",
    )


def signed(data: bytes, signer: Signer, path: Path | None, namespace: str) -> bytes:
    """Return the signature of a key that was found. Raises EdgectlError."""
    with _key(signer, path) as key:
        return sign(data, key, namespace=namespace)


@contextmanager
def _key(signer: Signer, path: Path | None) -> Iterator[Path]:
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="edgectl-") as place:
        half = Path(place) / "key.pub"  # ssh-keygen then asks the agent for the other one
        half.write_text(signer.key + "\n", encoding="ascii")
        yield half


def _files() -> Iterator[Path]:
    for path in sorted(folder().glob("*.pub")):
        private = path.with_suffix("")
        yield private if private.is_file() else path


def _name(path: Path) -> str:
    try:
        return fingerprint(blob_of(public(path)))
    except InvalidInput:
        return ""


def _agents() -> frozenset[str]:
    try:
        ran = subprocess.run(["ssh-add", "-L"], capture_output=True, text=True, timeout=_AGENT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    found = set()
    for line in ran.stdout.splitlines():
        try:
            found.add(fingerprint(blob_of(line)))
        except ValueError:
            continue
    return frozenset(found)
