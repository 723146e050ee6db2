"""The file of trust beside the inventory: whose signatures stores take, reviewed like everything else there.

Owns how it is read (each thing that is wrong with its line) and written. Must not know how keys are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, Field

from edgectl.control.blockyaml import dump
from edgectl.control.inventory.broken import broken
from edgectl.control.inventory.build import Build, TooMuch
from edgectl.control.inventory.check import fit
from edgectl.control.inventory.place import Finding, Place, invalid
from edgectl.control.inventory.section import Line, Section
from edgectl.control.inventory.store import Store
from edgectl.control.inventory.tree import Tree
from edgectl.control.staging import staged
from edgectl.wire.errors import InvalidInput
from edgectl.wire.trust import Signer, Trust, blob_of, moment, written

_HEAD = """\
# Whose signed offers stores take when nobody is on the line: docs/signing.md. Times are UTC.
# `edgectl keys` writes this file anew (comments of your own do not survive that); review and commit each change.
# By hand: raise version with every change, and set created to now.
"""
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_MOST_VERSIONS = 1 << 31


def _time(text: str) -> str:
    moment(text)
    return text


def _key(text: str) -> str:
    try:
        blob_of(text)
    except ValueError as error:
        raise ValueError(f"{error}: copy the line of its .pub file, ssh-ed25519 AAAA...") from error
    return " ".join(text.split()[:2])


def _fingerprint(text: str) -> str:
    if not _FINGERPRINT.fullmatch(text):
        raise ValueError("a fingerprint is needed, as `ssh-keygen -l` says it: SHA256:...")
    return text


Time = Annotated[str, AfterValidator(_time)]


class SignerText(Section):
    """One key that may sign."""

    who: Line
    key: Annotated[str, AfterValidator(_key)]
    stores: list[Line] = Field(default=["*"], min_length=1)
    valid_after: Time = ""
    valid_before: Time = ""


class TrustText(Section):
    """The whole file."""

    version: int = Field(ge=1, lt=_MOST_VERSIONS)
    created: Time
    signers: list[SignerText] = Field(default=[])
    revoked: list[Annotated[str, AfterValidator(_fingerprint)]] = Field(default=[])


@dataclass(frozen=True, slots=True)
class TrustFile:
    """The file as it was read. `signers_at` says where each signer stands, `at` where all of them do."""

    path: Path
    data: bytes
    trust: Trust
    at: Place
    signers_at: tuple[Place, ...]


def read(path: Path) -> TrustFile:
    """Read the file; InvalidInput lists all that is wrong, each with its line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = "edgectl keys init writes one" if isinstance(error, FileNotFoundError) else ""
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", hint=hint, docs="inventory") from error
    found, findings = parsed(path, data)
    if found is None:
        raise invalid(path, findings)
    return found


def of(store: Store) -> tuple[TrustFile | None, tuple[Finding, ...]]:
    """Return the trust that a store's inventory names, if it names one, and what is wrong with it."""
    if store.trust is None:
        return None, ()
    try:
        return parsed(store.trust, store.trust.read_bytes())
    except OSError as error:
        hint = " (edgectl keys init writes one)" if isinstance(error, FileNotFoundError) else ""
        return None, (Finding(store.trust_at, f"trust: {store.trust}: {error.strerror}{hint}"),)


@lru_cache(maxsize=4)
def parsed(path: Path, data: bytes) -> tuple[TrustFile | None, tuple[Finding, ...]]:
    """Return what a text says, or None and all that is wrong with it."""
    top = Place(str(path), 1, 1)
    try:
        text = data.decode("utf-8-sig")
        build = Build(text, str(path)).run()
    except UnicodeDecodeError:
        return None, (Finding(top, "the file is no UTF-8"),)
    except TooMuch as error:
        return None, (error.finding,)
    except yaml.YAMLError as error:
        line, column, sentence = broken(error, text)
        return None, (Finding(Place(str(path), line, column), sentence),)
    except RecursionError:
        return None, (Finding(top, "broken YAML: too deep"),)
    tree = build.root
    if not isinstance(tree.value, dict):
        return None, (Finding(tree.at, "a trust is a map: version, created, signers"),)
    model, _, unfit = fit(TrustText, tree, "trust")
    places = {finding.place for finding in build.findings}
    findings = (*build.findings, *(one for one in unfit if one.place not in places))
    if findings or (findings := tuple(_rules(model, tree))):
        return None, findings
    signers = tuple(
        Signer(one.key, one.who, tuple(one.stores), one.valid_after, one.valid_before) for one in model.signers
    )
    trust = Trust(model.version, moment(model.created), signers, tuple(sorted(set(model.revoked))))
    signers_at = tuple(tree.nearest("signers", index).at for index in range(len(signers)))
    return TrustFile(path, data, trust, tree.nearest("signers").at, signers_at), ()


def _rules(model: TrustText, tree: Tree) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for index, one in enumerate(model.signers):
        if one.key in seen:
            sentence = f"{one.who} has the key of {seen[one.key]}: a key stands here once"
            yield Finding(tree.nearest("signers", index, "key").at, sentence)
        seen.setdefault(one.key, one.who)
        if one.valid_before and one.valid_after >= one.valid_before:
            at = tree.nearest("signers", index, "valid_before").at
            yield Finding(at, f"valid_before: the key of {one.who} ends before it begins")


def text_of(trust: Trust) -> str:
    """Return the file's text."""
    signers = [
        {"who": one.who, "key": one.key, "stores": list(one.stores)}
        | ({"valid_after": one.valid_after} if one.valid_after else {})
        | ({"valid_before": one.valid_before} if one.valid_before else {})
        for one in trust.signers
    ]
    doc = {"version": trust.version, "created": written(trust.created), "signers": signers}
    return _HEAD + dump(doc | ({"revoked": list(trust.revoked)} if trust.revoked else {}), sort_keys=False)


def write_new(path: Path, trust: Trust) -> None:
    """Write the first trust; InvalidInput where there is one already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text_of(trust))
    except FileExistsError as error:
        raise already_there(path) from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}") from error


def already_there(path: Path) -> InvalidInput:
    """Return what is said where a first trust would replace another."""
    return InvalidInput(
        f"{path} is there already, and is not overwritten",
        hint="edgectl keys add adds a key to it, edgectl keys rotate replaces one; edgectl keys list shows it",
    )


def write(was: TrustFile, trust: Trust) -> None:
    """Put a new version in the file's place, which must still be as it was read."""
    path = was.path.resolve()  # a link stays one
    try:
        if path.read_bytes() != was.data:
            raise InvalidInput(f"{was.path} was changed meanwhile; nothing was written", hint="run the command again")
        with staged(path, mode=path.stat().st_mode & 0o7777) as stream:
            stream.write(text_of(trust).encode())
    except OSError as error:
        raise InvalidInput(f"{was.path} cannot be written: {error.strerror}") from error
