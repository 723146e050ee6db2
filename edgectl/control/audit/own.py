"""What this operator has asked of stores, and what came of it: a chain of its own for each store.

Owns: where it lies (the user's state folder) and what is told of a command. An audit that cannot be written is said on
stderr, and stops nothing: a store that needs a repair gets it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from edgectl.wire.audit import Chain, Clock, head
from edgectl.wire.errors import EdgectlError, Exit

ASKED, ENDED = "asked", "ended"
_MOST = 300


def root() -> Path:
    """Return the folder of all stores' chains (XDG base directories)."""
    home = os.environ.get("XDG_STATE_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".local/state") / "edgectl" / "audit"


def newest(store: str) -> str:
    """Return the last line of a store's chain here, as its nodes are told of it; "" where there is none."""
    with suppress(OSError):
        return str(head(root() / store) or "")
    return ""


def note(store: str, what: str, **fields: Any) -> None:
    """Add a line."""
    try:
        Chain(root() / store, Clock(_boot)).add(what, store=store, **fields)
    except OSError as error:
        sys.stderr.write(f"  note      the audit here takes no line: {root() / store}: {error.strerror or error}\n")


class Learnt(dict[str, Any]):
    """What is learnt of something that was asked. Its end is written once, by whoever sees it first.

    That is the thread that does it, or the one that leaves it behind: Ctrl-C does not wait for threads.
    """

    def __init__(self, store: str, what: str, **fields: Any) -> None:
        super().__init__()
        self._end = partial(note, store, what, phase=ENDED)
        self._fields = fields
        self._ending = Lock()
        self._has_ended = False
        note(store, what, phase=ASKED, **fields)

    def ended(self, **more: Any) -> None:
        """Write the end."""
        with self._ending:
            if not self._has_ended:
                self._has_ended = True
                self._end(**{**self._fields, **self, **more})

    def interrupted(self) -> None:
        """Write that nobody watches any more."""
        self.ended(outcome={"exit": int(Exit.INTERRUPTED)})


@contextmanager
def audited(store: str, what: str, **fields: Any) -> Iterator[Learnt]:
    """Note that something is asked, and what came of it: the block adds to the dictionary what it learns."""
    from edgectl.control.deploy.operator import sender

    me = sender()
    learnt = Learnt(store, what, by={"from": f"{me.user}@{me.host}"}, **fields)
    try:
        yield learnt
    except EdgectlError as error:
        learnt.ended(outcome={"exit": int(error.exit), "error": type(error).__name__}, reason=error.message[:_MOST])
        raise
    except KeyboardInterrupt:
        learnt.interrupted()
        raise
    except Exception as error:
        learnt.ended(outcome={"exit": int(Exit.BUG), "error": type(error).__name__})
        raise
    learnt.ended()


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""
