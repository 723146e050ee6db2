"""Which private keys to offer, in which order: each wrong one costs a round trip and one of the server's six tries.

Owns key files and the agent. Must not know the transport. A key that cannot be used is a sentence, not an error:
another one may fit.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from edgectl.control.link.hostkey import fingerprint
from edgectl.control.link.ssh import paramiko

_USUAL = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
_AGENT_SECONDS = 30.0  # a person may have to touch a token
MOST = 5  # sshd's MaxAuthTries is 6 by default, and it hangs up at the sixth


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key to offer; `label` is how people know it."""

    label: str
    key: paramiko.PKey

    @property
    def fingerprint(self) -> str:
        """Return `SHA256:...`."""
        return fingerprint(self.key.asbytes())


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to log in with, and why something else is not in it."""

    candidates: tuple[Candidate, ...]
    problems: tuple[str, ...]


@contextmanager
def agent_keys(*, ask: bool) -> Iterator[tuple[paramiko.AgentKey, ...]]:
    """Give the agent's keys, which sign inside the block; none when it is not asked, not there, or does not answer."""
    agent = None
    with suppress(paramiko.SSHException, OSError):
        agent = paramiko.Agent() if ask else None
    if agent is None:
        yield ()
        return
    connection = getattr(agent, "_conn", None)
    if connection is not None and hasattr(connection, "settimeout"):
        connection.settimeout(_AGENT_SECONDS)
    try:
        yield agent.get_keys()
    finally:
        agent.close()


def offer(files: tuple[Path, ...], held: Iterable[paramiko.AgentKey]) -> Offer:
    """Order the keys: named files first (signed for by the agent where it holds them), then the agent's others."""
    by_blob = {key.asbytes(): key for key in held}
    named = files or tuple(path for path in map(Path, _USUAL) if path.expanduser().exists())
    candidates: dict[bytes, Candidate] = {}
    problems: list[str] = []
    for file in named:
        public = _public(file)
        if public in by_blob:
            candidates.setdefault(public, Candidate(f"{file} (agent)", by_blob[public]))
            continue
        loaded = _load(file)
        if isinstance(loaded, str):
            problems.append(loaded)
        else:
            candidates.setdefault(loaded.asbytes(), Candidate(str(file), loaded))
    for blob, key in by_blob.items():
        comment = str(getattr(key, "comment", "") or "no comment")
        candidates.setdefault(blob, Candidate(f"agent: {comment}", key))
    return Offer(tuple(candidates.values())[:MOST], tuple(problems))


def _load(file: Path) -> paramiko.PKey | str:
    """Read a private key file, or say why it cannot be used."""
    try:
        return paramiko.PKey.from_path(file.expanduser())
    except FileNotFoundError:
        return f"{file}: there is no such file"
    except (TypeError, paramiko.PasswordRequiredException):  # cryptography's word for a missing passphrase
        return f"{file}: the key has a passphrase; add it to the agent: ssh-add {file}"
    except OSError as error:
        return f"{file}: {error.strerror or error}"
    except (ValueError, paramiko.SSHException) as error:
        return f"{file}: not a private key that can be used here ({str(error).splitlines()[0][:120]})"


def _public(file: Path) -> bytes:
    """Return the public half that lies beside a private key file; empty when there is none."""
    try:
        fields = Path(f"{file.expanduser()}.pub").read_text("utf-8").split()
        return base64.b64decode(fields[1], validate=True)
    except (OSError, ValueError, IndexError, binascii.Error):
        return b""
