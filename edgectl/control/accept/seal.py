"""A report with its signature, in one file: canonical JSON, signed as offers are, for a purpose of its own.

Owns: the file's one form (other bytes are another file), and whose signature counts: a key that the store's trust
names, or the one that the reader holds in hand. Must not know what a report says.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgectl.control.accept.report import FORMAT, KIND, Report
from edgectl.control.staging import staged
from edgectl.wire import sshsig
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.errors import InvalidInput, NotReady, Refused
from edgectl.wire.trust import blob_of

NAMESPACE = "edgectl-acceptance"  # of the signature: one made for an offer is none
MOST_BYTES = 8_000_000
_SECONDS = 30.0
_ID = "acceptor"
_DO = "do not rely on it: ask whoever gave it to you for the file as it was written"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file that was read: the report, the bytes that are signed, and the signature."""

    report: Report
    signed: bytes
    signature: bytes

    @property
    def fingerprint(self) -> str:
        """The key that has signed it, by its own word."""
        return sshsig.fingerprint(sshsig.read(self.signature).key)


def text_of(report: Report) -> bytes:
    """Return the bytes that are signed."""
    return canonical(to_json(report)) + b"\n"


def write(path: Path, report: Report, signature: bytes) -> None:
    """Write both into one file, whole or not at all."""
    with staged(path) as stream:
        stream.write(_file(to_json(report), signature.decode("ascii")))


def read(path: Path) -> Sealed:
    """Read a file; Refused names what of it is not as it was written. Nothing is believed before `check`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    try:
        return _read(data)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(f"{path} is no report as edgectl writes it: {error}", hint=_DO) from error


def check(path: Path, sealed: Sealed, keys: Mapping[str, str]) -> str:
    """Return who has signed it, of `keys`: who by public key. Refused where it is nobody of them, or was altered."""
    signed = sshsig.read(sealed.signature)
    found = next(((who, key) for who, key in keys.items() if _blob(key) == signed.key), None)
    if signed.namespace != NAMESPACE:
        raise Refused(f"{path}: the signature was made for {signed.namespace!r:.60}, not for an acceptance", hint=_DO)
    if found is None:
        raise Refused(
            f"{path} is signed by {sealed.fingerprint}, and that is none of {len(keys)} keys that count here",
            hint="--key KEY.pub names the key of whoever signed it; edgectl keys list shows the inventory's",
        )
    if why := _unproven(sealed, found[1]):
        raise Refused(f"{path} was altered after it was signed: {why}", hint=_DO)
    return found[0]


def _read(data: bytes) -> Sealed:
    if len(data) > MOST_BYTES:
        raise ValueError(f"it is longer than {MOST_BYTES} bytes")
    doc = json.loads(data.decode())
    if not isinstance(doc, dict) or set(doc) != {"report", "signature"}:
        raise ValueError("a report and its signature are needed, and nothing else")
    found = from_json(Report, doc["report"], "report")
    if (found.format, found.kind) != (FORMAT, KIND):
        raise ValueError(f"its format ({found.kind} {found.format}) is not known here")
    if _file(doc["report"], doc["signature"]) != data:
        raise ValueError("its bytes are not the ones that its content makes")
    signature = doc["signature"].encode("ascii")
    sshsig.read(signature)
    return Sealed(found, canonical(doc["report"]) + b"\n", signature)


def _file(report: Any, signature: str) -> bytes:
    return canonical({"report": report, "signature": signature}) + b"\n"


def _blob(key: str) -> bytes:
    try:
        return blob_of(" ".join(key.split()[:2]))
    except ValueError:
        return b""


def _unproven(sealed: Sealed, key: str) -> str:
    """Say why a signature is none under these bytes, "" where it is one."""
    with tempfile.TemporaryDirectory(prefix="edgectl-") as folder:
        allowed, signature = Path(folder) / "allowed", Path(folder) / "signature"
        allowed.write_text(f'{_ID} namespaces="{NAMESPACE}" {" ".join(key.split()[:2])}\n')
        signature.write_bytes(sealed.signature)
        argv = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", _ID, "-n", NAMESPACE, "-s", str(signature)]
        try:
            ran = subprocess.run(argv, input=sealed.signed, capture_output=True, timeout=_SECONDS, check=False)
        except FileNotFoundError as error:
            raise NotReady("ssh-keygen is not installed: no signature can be checked here") from error
        except subprocess.TimeoutExpired as error:
            raise NotReady(f"ssh-keygen did not end within {_SECONDS:.0f} s") from error
    said = (ran.stderr + ran.stdout).decode("utf-8", "replace").strip().splitlines()
    return "" if ran.returncode == 0 else "".join(said[-1:]) or "the signature is not one of its bytes"
