"""Signing keys on this machine: where they lie, how one is made.

Owns ~/.config/edgectl/keys. Must not know what trust says of a key.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

from edgectl.wire.errors import InvalidInput, NotReady
from edgectl.wire.trust import blob_of

NAME = "offer_ed25519"
_TYPE_SECONDS = 300.0  # a passphrase is thought of, and typed twice
_RUN_SECONDS = 30.0


def folder() -> Path:
    """Return where keys lie (XDG base directories); it need not exist yet."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".config") / "edgectl/keys"


def free_name() -> Path:
    """Return a place for one more key."""
    places = (folder() / (f"{NAME}-{number}" if number > 1 else NAME) for number in itertools.count(1))
    return next(path for path in places if not path.exists() and not path.with_name(f"{path.name}.pub").exists())


def make(path: Path, comment: str, *, ask: bool) -> None:
    """Make an ed25519 key pair, 0600; with `ask`, ssh-keygen asks for a passphrase. Nothing is overwritten."""
    if path.exists() or path.with_name(f"{path.name}.pub").exists():
        raise InvalidInput(f"{path} is there already, and is not overwritten", hint=f"--key {path} takes it as it is")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidInput(f"{path.parent} cannot be made: {error.strerror}") from error
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-C", comment, "-f", str(path), *([] if ask else ["-N", ""])]
    try:
        ran = subprocess.run(
            argv,
            stdin=None if ask else subprocess.DEVNULL,
            stdout=None if ask else subprocess.DEVNULL,
            stderr=None if ask else subprocess.PIPE,
            timeout=_TYPE_SECONDS if ask else _RUN_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise NotReady("ssh-keygen is not installed: no key can be made here", hint="install openssh-client") from error
    except subprocess.TimeoutExpired as error:
        raise NotReady("ssh-keygen did not end in time", hint="run the same command again") from error
    if ran.returncode != 0 or not path.is_file():
        said = (ran.stderr or b"").decode("utf-8", "replace").strip()
        raise NotReady(f"ssh-keygen made no key at {path}", details=(said,) if said else ())


def public(path: Path) -> str:
    """Return a key's public half as trust names it, from its .pub file; the private half is not opened."""
    place = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    try:
        text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        hint = f"ssh-keygen -y -f {path} > {place} writes it" if path.is_file() and path != place else ""
        raise InvalidInput(f"the public key {place} cannot be read", hint=hint) from error
    try:
        blob_of(text)
    except ValueError as error:
        raise InvalidInput(f"{place}: {error}", hint="edgectl keys init makes one that can") from error
    return " ".join(text.split()[:2])
