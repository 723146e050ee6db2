"""From references to values, at the moment they are sent: all at once, so that all that is missing is said at once.

Owns: reading the four kinds, and the sentence for each way to have no value. A value leaves here as a Secret only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from threading import BoundedSemaphore, Thread

from edgectl.control.link.secret import Secret
from edgectl.control.secrets.program import ProgramFailed, output_of
from edgectl.control.secrets.reference import Reference
from edgectl.wire.errors import InvalidInput

SOPS = "sops"
MOST_BYTES = 1 << 20  # of a Kubernetes Secret, by its own limit
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Missing:
    """A reference without a value, and why."""

    reason: str
    evidence: tuple[str, ...] = ()


def resolve(references: Iterable[Reference]) -> Mapping[Reference, Secret | Missing]:
    """Return the value of each reference, or why there is none; each is asked once, several at a time."""
    asked: dict[Reference, Future[Secret | Missing]] = {reference: Future() for reference in references}
    turns = BoundedSemaphore(_AT_ONCE)
    for reference, future in asked.items():  # daemons, so that Ctrl-C leaves at once, whoever does not answer
        Thread(target=_settle, args=(future, reference, turns), daemon=True).start()
    return {reference: future.result() for reference, future in asked.items()}


def resolve_one(reference: Reference, *, what: str) -> Secret:
    """Return the value of one reference; InvalidInput says that `what` has none, and why."""
    found = _value(reference)
    if isinstance(found, Secret):
        return found
    hint = "see to what it names, then run the same command again; nothing was sent"
    raise InvalidInput(f"{what} has no value: {found.reason}", hint=hint, details=found.evidence, docs="secrets")


def _settle(future: Future[Secret | Missing], reference: Reference, turns: BoundedSemaphore) -> None:
    try:
        with turns:
            future.set_result(_value(reference))
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks for the result
        future.set_exception(error)


def _value(reference: Reference) -> Secret | Missing:
    try:
        data = _read(reference)
    except ProgramFailed as failed:
        return Missing(f"{_named(reference)}{failed.reason}", failed.evidence)
    except (OSError, RuntimeError) as error:
        return Missing(f"{reference} cannot be read: {getattr(error, 'strerror', None) or error}")
    if data is None:
        return Missing(f"{reference} is not set")
    if len(data) > MOST_BYTES:
        return Missing(f"{reference} has {len(data)} bytes; a Kubernetes Secret holds {MOST_BYTES} at most")
    try:
        text = data.decode()
    except UnicodeDecodeError:  # its own words quote bytes of the value
        return Missing(f"{reference} is no UTF-8 text; edgectl carries texts only (base64 is one)")
    return Secret(text) if text else Missing(f"{reference} is empty")


def _read(reference: Reference) -> bytes | None:
    """Return the value's bytes, without the newline that editors and programs add; None for a variable not set."""
    if reference.env:
        return os.environb.get(reference.env.encode())
    if reference.file:
        return _stripped(reference.path.read_bytes())
    if reference.sops:
        argv = (SOPS, "--decrypt", "--extract", extract(reference.key), str(reference.path))
        return _stripped(output_of(argv, folder=reference.folder))
    return _stripped(output_of(reference.exec, folder=reference.folder))


def extract(key: str) -> str:
    """Return a dotted key as sops wants it: `a.b.0` is ["a"]["b"][0]."""
    return "".join(f"[{part}]" if part.isdigit() else f'["{part}"]' for part in key.split("."))


def _stripped(data: bytes) -> bytes:
    return data.removesuffix(b"\n").removesuffix(b"\r")


def _named(reference: Reference) -> str:
    return f"{reference}: " if reference.sops else ""
