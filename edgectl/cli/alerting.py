"""What `edgectl collect` makes of a record: metrics in a file, alerts at an address."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgectl.wire.errors import EdgectlError, NotReady, UsageError

if TYPE_CHECKING:
    from edgectl.control.collect.collect import Collected
    from edgectl.control.collect.watched import Stand
    from edgectl.control.collect.webhook import Webhook
    from edgectl.control.inventory.load import Inventory

TOKEN = "EDGECTL_ALERTS_TOKEN"  # noqa: S105 - the variable's name


@dataclass(frozen=True)
class Told:
    """What the receiver was told. `why` says why it took nothing."""

    firing: int
    told: int
    why: str = ""

    @property
    def lines(self) -> Sequence[str]:
        """Say it."""
        alerts = f"{self.firing} alert{'' if self.firing == 1 else 's'}"
        if self.why:
            return (
                f"alerts: {alerts}; not told: {self.why}",
                "  next      run the same command again; what was not told is kept",
            )
        return (f"alerts: {alerts}, told of {self.told}",)

    @property
    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {"firing": self.firing, "told": 0 if self.why else self.told, "why": self.why}


def receiver(url: str) -> Webhook | None:
    """Return where alerts go, None without an address; UsageError says what is wrong with it and quotes none of it."""
    if not url:
        return None
    from edgectl.control.collect.webhook import Webhook
    from edgectl.control.link.secret import Secret

    token = os.environ.get(TOKEN, "").strip()
    try:
        return Webhook(Secret(url), Secret(token) if token else None)
    except ValueError as error:
        raise UsageError(
            f"--alerts: {error}", hint="for example: --alerts https://alerts.example.com/api/v2/alerts"
        ) from None


def stands(root: Path, answers: Mapping[str, Collected | EdgectlError]) -> list[Stand]:
    """Return how nodes stand by the record, whether or not they could be asked now."""
    from edgectl.control.collect.record import Record
    from edgectl.control.collect.watched import Stand

    found = []
    for where, answer in answers.items():
        store, _, node = where.partition("/")
        record = Record(root / store / node, store, node)
        unreached = answer.message if isinstance(answer, EdgectlError) else ""
        found.append(Stand(store, node, record.newest(), record.newest_deploy(), unreached))
    return found


def measured(path: Path, found: list[Stand]) -> str:
    """Write the metrics; returns why the disk does not take them, "" when it does: alerts are told all the same."""
    from edgectl.control.collect.textfile import metrics
    from edgectl.control.staging import staged

    try:
        with staged(path) as stream:
            stream.write(metrics(found, time.time()).encode())
    except OSError as error:
        return f"{path} cannot be written: {error.strerror or error}"
    return ""


def told(
    root: Path,
    url: str,
    to: Webhook,
    answers: Mapping[str, Collected | EdgectlError],
    silent_seconds: float,
    by: Inventory,
) -> Told:
    """Tell the receiver what is new; NotReady where that cannot be noted."""
    from edgectl.control.collect.alerting import Look, held, merged, note_of, read, tell
    from edgectl.control.collect.watched import alerts

    path = note_of(root, url)
    with ExitStack() as stack:
        with _noted(path):
            alone = stack.enter_context(held(path))
        now, found = time.time(), stands(root, answers)  # now: what another collect has told is older
        judged = [alert for one in found for alert in alerts(one, now, silent_seconds=silent_seconds)]
        if not alone:
            return Told(len(judged), 0, "another collect tells this receiver, and does not end")
        look = Look(str(by.path.resolve()), set(by.names()), {f"{one.store}/{one.node}" for one in found})
        memory = merged(read(path), judged, look, now)
        with _noted(path):
            count, why = tell(path, memory, to, now)
    return Told(len(judged), count, why)


@contextmanager
def _noted(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotReady(
            f"{path} cannot be written: {error.strerror}", hint="free space there; nothing was told"
        ) from error
