"""Every way edgectl can end: exit codes and the one error class both sides share.

Owns the meaning of exit codes. Must not know who prints an error or where it was caught.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes of `edgectl` and `edgectl-node`; documented in docs/errors.md."""

    OK = 0
    BUG = 1
    USAGE = 2
    INVALID = 3
    UNREACHABLE = 4
    NOT_READY = 5
    FAILED = 6
    LOCKED = 7
    PARTIAL = 8
    DEGRADED = 9
    PENDING = 10
    REFUSED = 11
    INTERRUPTED = 130


class EdgectlError(Exception):
    """A failure that a person can act on.

    `message` is one sentence: what is wrong and where (file:line, node, unit).
    `hint` says what to do next. `details` are lines of evidence (command, outputs, durations).
    `docs` is an anchor in docs/errors.md.
    """

    exit = Exit.BUG

    def __init__(self, message: str, *, hint: str = "", details: tuple[str, ...] = (), docs: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)
        self.docs = docs

    def to_json(self) -> dict[str, Any]:
        """Return the document that crosses the link and that `--output json` prints."""
        return {
            "error": type(self).__name__,
            "exit": int(self.exit),
            "message": self.message,
            "hint": self.hint,
            "details": list(self.details),
            "docs": self.docs,
        }

    @classmethod
    def from_json(cls, doc: dict[str, Any]) -> EdgectlError:
        """Rebuild an error that crossed the link; an unknown class becomes one with the same exit code."""
        code = doc.get("exit")
        kind = _BY_NAME.get(str(doc.get("error"))) or _BY_EXIT.get(code if isinstance(code, int) else Exit.BUG, Bug)
        return kind(
            str(doc.get("message", "")),
            hint=str(doc.get("hint", "")),
            details=tuple(str(line) for line in doc.get("details") or ()),
            docs=str(doc.get("docs", "")),
        )


class Bug(EdgectlError):
    """edgectl itself is wrong."""

    exit = Exit.BUG


class UsageError(EdgectlError):
    """The command line asks for something that does not exist."""

    exit = Exit.USAGE


class InvalidInput(EdgectlError):
    """Inventory, template or bundle is invalid; `details` lists every finding as file:line:column  sentence."""

    exit = Exit.INVALID


class Unreachable(EdgectlError):
    """The node could not be talked to: network, host key, authentication, sudo."""

    exit = Exit.UNREACHABLE


class NotReady(EdgectlError):
    """A gate failed or ran out of time."""

    exit = Exit.NOT_READY


class StepFailed(EdgectlError):
    """A step failed, or the probe after its apply still saw something else than declared."""

    exit = Exit.FAILED


class Locked(EdgectlError):
    """Someone else deploys this store, or it is paused; the message says who and since when."""

    exit = Exit.LOCKED


class Refused(EdgectlError):
    """The store refused the envelope: wrong store, old sequence, digest mismatch."""

    exit = Exit.REFUSED


_CLASSES: tuple[type[EdgectlError], ...] = (
    Bug,
    UsageError,
    InvalidInput,
    Unreachable,
    NotReady,
    StepFailed,
    Locked,
    Refused,
)
_BY_NAME: dict[str, type[EdgectlError]] = {kind.__name__: kind for kind in _CLASSES}
_BY_EXIT: dict[int, type[EdgectlError]] = {int(kind.exit): kind for kind in _CLASSES}
