"""What a deploy user is made of: his files on the node, the launcher, what is signed for an engine and for values.

Owns: these words for both sides; the launcher itself stands alone and repeats them (tests hold the two together).
Must not know how a signature is made or checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgectl.wire.document import canonical, digest_of
from edgectl.wire.offer import Part

LAUNCHER = "/usr/local/sbin/edgectl-launch"
COMMAND = f"sudo -n {LAUNCHER}"  # all that a deploy user's key starts, and all that his sudo rule allows
HOMES = "/etc/edgectl/users"  # of root's; an account is edgectl's where its home is NAME in here
RULE = f'NOPASSWD: {LAUNCHER} ""'  # without arguments
NAMESPACE = "edgectl-engine"  # of the signature of a statement: none of an offer, and none is an offer's
_HEAD = "# Of edgectl, by host.users of its inventory: whoever logs in so starts its launcher as root, nothing else.\n"


@dataclass(frozen=True, slots=True)
class Statement:
    """Which engine may be started as root, for one store's node."""

    store: str
    serial: int  # seconds since 1970 when it was signed
    expires: int
    runtime: Part
    format: int = 1

    def encode(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical(self) + b"\n"


def home_of(name: str) -> str:
    """Return where a deploy user's files lie: root's, so that he changes none of them."""
    return f"{HOMES}/{name}"


def keys_of(name: str) -> str:
    """Return the file of the keys that let a deploy user in."""
    return f"{home_of(name)}/.ssh/authorized_keys"


def authorized(keys: Iterable[str]) -> str:
    """Return that file's text: each key starts the launcher, and opens nothing else."""
    options = f'restrict,command="{COMMAND}"'
    return _HEAD + "".join(f"{options} {' '.join(key.split()[:2])}\n" for key in keys)


def sudoers(names: Iterable[str]) -> str:
    """Return the text of the one file of sudo's: this program, without arguments, nobody's environment."""
    rules = "".join(f"{name} ALL=(root) {RULE}\n" for name in names)
    return f"{_HEAD}Defaults!{LAUNCHER} env_reset, !setenv, !use_pty, !requiretty\n{rules}"


def asked(hex_digest: str) -> bytes:
    """Return the first line to the launcher: which engine."""
    return f"edgectl-launch 1 {hex_digest}\n".encode()


def answered(name: str, statement: bytes, signature: bytes, packed: bytes) -> bytes:
    """Return what the launcher asks for then: whose key has signed what, and the engine where it lacks."""
    head = f"{name} {len(statement)} {len(signature)} {len(packed)}\n".encode()
    return head + statement + signature + packed


def commitment(nonce: str, values: Mapping[str, Mapping[str, str]]) -> str:
    """Return what stands in an offer for values of secrets: nobody can guess them by it who lacks the nonce."""
    return digest_of(canonical([nonce, values]))
