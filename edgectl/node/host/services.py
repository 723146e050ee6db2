"""Step: units of the system are enabled, disabled or masked as declared, and run with what lies in their files.

That systemd reads a unit file again, and that a unit is restarted whose files have changed, are facts that a probe
sees (NeedDaemonReload; readers.py). A unit that is declared no more is put back (before.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Observation, Status, Wait
from edgectl.node.host.before import Before
from edgectl.node.host.readers import Readers
from edgectl.node.host.systemd import PROPERTIES, Deeds, deeds, read
from edgectl.node.io.look import Hands, Look
from edgectl.wire.host import Service

_LIMIT_SECONDS = 100.0  # systemd gives a unit 90 by its own default


@dataclass(frozen=True)
class Services:
    """All of them are asked about by one program, and reloaded by one."""

    services: tuple[Service, ...] = ()
    needs: tuple[str, ...] = ("host-files",)
    id: str = "services"
    title: str = "services"
    wait: Wait = Wait(limit_seconds=90)

    def probe(self, read: Look) -> Observation:
        """Compare what systemd says with the declaration."""
        found = self._deeds(read)
        if found.differences:
            names = ", ".join(dict.fromkeys(name for name, _, _ in found.differences))
            return Observation(
                Status.DRIFTED, f"{names} not as declared", differences=tuple(dict.fromkeys(found.differences))
            )
        if found.never:
            return Observation(Status.FAILED, "; ".join(found.never))
        if found.waits:
            return Observation(Status.IN_PROGRESS, ", ".join(found.waits))
        declared = [service for service in self.services if service.state]
        return Observation(Status.CURRENT, f"{len(declared)} as declared")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Change what differs: stop, then what lies on the disk, one reload, and what runs from then on."""
        del seen
        found, readers = self._deeds(write), Readers(write)
        if found.claim:
            Before(write).claim(write, found.claim)
        if found.stop:  # while systemd knows how: of a masked unit, or one without its file, it has forgotten
            self._change(write, "stop", *found.stop)
        changed = False
        for verb, names in (
            ("unmask", found.unmask),
            ("enable", found.enable),
            ("disable", found.disable),
            ("mask", found.mask),
        ):
            if names:
                self._change(write, verb, "--no-reload", *names)
                changed = True
        now = found
        if changed or found.reload:
            self._change(write, "daemon-reload")
            now = self._deeds(write)  # before, systemd tells of a file that is gone as if it were there
        once = [name for name in found.start if name not in (*now.gone, *now.restart, *now.start)]  # just enabled
        for verb, names in (("restart", now.restart), ("start", [*now.start, *once])):
            if names:
                self._change(write, verb, *names)
        if now.gone:  # links that lead nowhere, and a failure that nobody can repair: best effort, they harm nobody
            for words in (("disable", "--no-reload"), ("reset-failed",)):
                write.change("systemctl", *words, *now.gone, limit_seconds=_LIMIT_SECONDS)
        readers.unmark(write, readers.marked())  # what does not run starts with its files as they are
        if found.forget:
            Before(write).forget(write, found.forget)

    def _deeds(self, look: Look) -> Deeds:
        before, marked = Before(look).units(), Readers(look).marked()
        names = sorted({*(service.name for service in self.services), *before, *marked})
        if not names:
            return Deeds()
        ran = look.run("systemctl", "show", f"--property={PROPERTIES}", "--", *names)
        try:
            units = read(ran.out, names)
        except ValueError as error:
            raise LookFailed(f"{error}: {ran.last_words}", evidence=ran.evidence()) from error
        return deeds(self.services, units, before, marked)

    @staticmethod
    def _change(write: Hands, verb: str, *words: str) -> None:
        ran = write.change("systemctl", verb, *words, limit_seconds=_LIMIT_SECONDS)
        if not ran.ok:
            names = " ".join(word for word in words if not word.startswith("-"))
            log = _log(write, names.split()) if verb in {"start", "restart"} else ()
            reason = f"systemctl {verb} {names}".strip()
            raise ApplyFailed(f"{reason}: {ran.last_words}", evidence=(*ran.evidence(), *log))


def _log(look: Look, units: Sequence[str]) -> tuple[str, ...]:
    asked = [word for unit in units for word in ("-u", unit)]
    return look.run("journalctl", *asked, "-n", "15", "--no-pager", "-o", "cat").evidence()
