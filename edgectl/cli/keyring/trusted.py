"""What the subcommands of `edgectl keys` share: their options, the file of trust, a new key in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import Format
from edgectl.wire.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from edgectl.control.inventory.load import Inventory
    from edgectl.control.signing.trustfile import TrustFile
    from edgectl.wire.trust import Signer

FILE = "trust.yaml"
Who = Annotated[str, typer.Option("--who", metavar="NAME", help="Whose key it is; you@machine when not given.")]
Stores = Annotated[
    list[str] | None,
    typer.Option("--stores", metavar="PATTERN", help="Which stores it signs for: store-1*; may be repeated."),
]
Until = Annotated[
    str, typer.Option("--until", metavar="DATE", help="When it ends, in UTC: 2027-12-31; never when not given.")
]
Key = Annotated[
    Path | None, typer.Option("--key", metavar="PATH", help="Take this key (or its .pub) instead of making one.")
]


def place(inventory: Path) -> tuple[Inventory, Path, bool]:
    """Return the inventory, its file of trust, and whether the inventory names it."""
    from edgectl.control.inventory.load import load

    opened = load(inventory)
    named = opened.trust()
    return opened, named or inventory.parent / FILE, named is not None


def read_trust(inventory: Path) -> tuple[Inventory, TrustFile]:
    """Return the inventory and its trust."""
    from edgectl.control.signing.trustfile import read

    opened, path, _ = place(inventory)
    return opened, read(path)


def bounds(stores: list[str] | None, *, now: int, until: str) -> tuple[tuple[str, ...], str]:
    """Return which stores a key is for and when it ends; UsageError, before any key is made, where that is none."""
    from edgectl.wire.trust import written

    for pattern in stores or ():
        check_line(pattern, "--stores")
    ends = _ends(until)
    if ends and ends <= written(now):
        raise UsageError(f"--until {until} is past", hint="write a day to come, as 2027-12-31")
    return tuple(stores or ["*"]), ends


def signer(key: Path, *, who: str, stores: list[str] | None, now: int, until: str) -> Signer:
    """Return what trust will say of a key, from now on."""
    from edgectl.control.signing.keyfile import public
    from edgectl.wire.trust import Signer, written

    for_stores, ends = bounds(stores, now=now, until=until)
    return Signer(public(key), who or me(), for_stores, written(now), ends)


def me() -> str:
    """Return who presses the button."""
    from edgectl.control.deploy.operator import sender

    found = sender()
    return f"{found.user}@{found.host}"


def new_key(path: Path, comment: str, output: Format) -> str:
    """Make a key; returns what a person should know of it."""
    from edgectl.control.signing.keyfile import make

    ask = output is Format.TEXT and sys.stdin.isatty()
    make(path, comment, ask=ask)
    return f"made   {path}{'' if ask else '  (without a passphrase: ssh-keygen -p gives it one)'}"


def check_line(text: str, option: str) -> None:
    """Raise UsageError for what the file of trust could not hold as it is: one line, without blanks at its ends."""
    from edgectl.control.inventory.text import refused_line

    if text and (why := refused_line(text)):
        raise UsageError(f"{option} is no line of text: {why}")


def _ends(until: str) -> str:
    from edgectl.wire.trust import moment

    text = f"{until}T00:00:00Z" if until and "T" not in until else until
    try:
        if text:
            moment(text)
    except ValueError as error:
        raise UsageError(f"--until {until} is no day", hint="write 2027-12-31, or 2027-12-31T12:00:00Z") from error
    return text


def next_step(path: Path, inventory: Path, *, named: bool) -> str:
    """Return what a person does now."""
    if named:
        return f"Next: read {path}, commit it, and deploy: a node learns of it with its next deploy or load."
    line = f"trust: {path.name}"
    return f"Next: write `{line}` into {inventory}, commit both, and deploy over SSH: a node needs its first trust so."


def absent(path: Path) -> None:
    """Raise InvalidInput where a first trust would replace another."""
    from edgectl.control.signing.trustfile import already_there

    if path.exists() or path.is_symlink():
        raise already_there(path)


def as_path(word: str) -> str:
    """Return the public key of a word that names a file, else the word itself."""
    from edgectl.control.signing.keyfile import public

    try:
        is_file = Path(word).is_file()
    except OSError:
        is_file = False
    if not is_file:
        return word
    try:
        return public(Path(word))
    except InvalidInput:
        return word
