"""Step: units of the system are enabled, disabled or masked as declared, and run with what lies in their files.

That systemd reads a unit file again, and that a unit is restarted whose files have changed, are facts that a probe
sees (NeedDaemonReload; readers.py). A unit that is declared no more is put back (before.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Observation, Status, Wait
from edgectl.node.host.before import Before
from edgectl.node.host.readers import Readers
from edgectl.node.host.systemd import PROPERTIES, Deeds, deeds, read
from edgectl.node.io.look import Hands, Look
from edgectl.wire.host import Service

_STARTS = "starts"  # a file for each unit that is to be started
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
        for name in found.start:
            write.write(write.places.owned / _STARTS / name, "")
        Before(write).claim(write, found.claim)
        if found.stop:  # while systemd knows how: of a masked unit, or one without its file, it has forgotten
            self._change(write, "stop", *found.stop)
        changed = found.reload
        for verb in ("unmask", "enable", "disable", "mask"):
            if names := getattr(found, verb):
                self._change(write, verb, "--no-reload", *names)
                changed = True
        now = found
        if changed:
            self._change(write, "daemon-reload")
            now = self._deeds(write)  # before, systemd tells of a file that is gone as if it were there
        for verb, names in (("restart", now.restart), ("start", now.start)):
            if names:
                self._change(write, verb, *names)
        if now.gone:  # links that lead nowhere, and a failure that nobody can repair: best effort, they harm nobody
            for words in (("disable", "--no-reload"), ("reset-failed",)):
                write.change("systemctl", *words, *now.gone, limit_seconds=_LIMIT_SECONDS)
        readers.unmark(write, readers.marked())  # what does not run starts with its files as they are
        if found.forget:
            Before(write).forget(write, found.forget)

    def _deeds(self, look: Look) -> Deeds:
        before, marked, starts = Before(look).units(), Readers(look).marked(), look.names(look.places.owned / _STARTS)
        names = sorted({*(service.name for service in self.services), *before, *marked})
        if not names:
            return Deeds()
        ran = look.run("systemctl", "show", f"--property={PROPERTIES}", "--", *names)
        try:
            units = [
                # whether a oneshot has worked, systemd forgets where no unit that is loaded wants it
                replace(unit, result="")
                if unit.name in starts or (unit.file == "static" and unit.name not in before)
                else unit
                for unit in read(ran.out, names)
            ]
        except ValueError as error:
            raise LookFailed(f"{error}: {ran.last_words}", evidence=ran.evidence()) from error
        return deeds(self.services, units, before, marked)

    @staticmethod
    def _change(write: Hands, verb: str, *words: str) -> None:
        ran = write.change("systemctl", verb, *words, limit_seconds=_LIMIT_SECONDS)
        if verb == "start":  # also where one could not: it has failed, and no oneshot runs again for it
            for name in words:
                write.remove(write.places.owned / _STARTS / name)
        if not ran.ok:
            names = [word for word in words if not word.startswith("-")]
            about = [word for name in names for word in ("-u", name)]
            asked = ("journalctl", *about, "-n", "15", "--no-pager", "-o", "cat")
            log = write.run(*asked).evidence() if verb in {"start", "restart"} else ()
            reason = " ".join(("systemctl", verb, *names))
            raise ApplyFailed(f"{reason}: {ran.last_words}", evidence=(*ran.evidence(), *log))
