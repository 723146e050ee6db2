"""Packages become as declared: the whole of an apply, in its order.

Nothing is unpacked before all that can be known is: what apt would do and whether it may, the room, and modules that
must build. Then the note of what was, the claim, and one work of apt. What fails is put back.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgectl.node.converge.protocol import ApplyFailed
from edgectl.node.host.packages import room, source, tried
from edgectl.node.host.packages.apt import Apt
from edgectl.node.host.packages.back import Begun, go_back
from edgectl.node.host.packages.claims import Claims
from edgectl.node.host.packages.foreseen import Foreseen, foreseen, unmet, why
from edgectl.node.host.packages.installed import HOLD, System, look, native
from edgectl.node.host.packages.judged import ALL, Asked, judge, lacking
from edgectl.node.host.packages.lock import holder
from edgectl.node.host.packages.stanzas import Stanza
from edgectl.node.io.look import Hands
from edgectl.node.io.programs import Ran

_SHOWN = 6
_UNMET = ("unmet dependencies:", "Unsatisfied dependencies:")  # of apt 2, of apt 3
Stanzas = Mapping[tuple[str, str], Stanza]


def _provides(system: System, name: str) -> frozenset[str]:
    found = system.packages.get(name)
    return found.provides if found else frozenset()


class Bring:
    """One apply of one step."""

    def __init__(self, write: Hands, asked: Asked) -> None:
        self._write = write
        self._asked = asked
        self._apt = Apt(write)
        self._claims = Claims(write)
        self._begun = Begun(write)
        self._arch = ""

    def all(self) -> None:
        """Do it. Raises ApplyFailed."""
        try:
            system = self._repaired()
            self._arch = native(self._write, system)
            found = judge(self._asked, system, self._claims.all())
            self._select(dict.fromkeys(found.freed, False))  # apt gives way to a hold, and takes nothing from below it
            if found.missing or found.replaced or found.broken:
                self._install(system)
            # After what takes its place, and by itself: apt has taken away by then what could not stay beside that
            if retired := judge(self._asked, look(self._write), self._claims.all()).retired:
                self._retire(retired)
            self._select(dict.fromkeys(judge(self._asked, look(self._write), self._claims.all()).held, True))
            self._begun.end(self._write)
        except OSError as error:
            raise ApplyFailed(f"{error.filename or 'a note'} could not be written: {error.strerror}") from error

    def _repaired(self) -> System:
        """Let dpkg end what it was stopped in; where that cannot be, go back to before it."""
        system = look(self._write)
        if not (system.is_interrupted or system.broken):
            return system
        ran = self._apt.configure()
        if not ran.ok and self._begun.read():
            go_back(self._write, self._asked.pool, native(self._write, system))
        elif not ran.ok and look(self._write).is_interrupted:
            raise ApplyFailed(f"dpkg was interrupted and cannot go on: {self._why(ran)}", evidence=ran.evidence())
        return look(self._write)

    def _install(self, system: System) -> None:
        wanted = [one for one in self._asked.wanted if not system.is_whole(one.name, one.version)]
        if impossible := lacking(wanted, self._asked.pool, self._arch):
            raise ApplyFailed(impossible)
        known = source.make(self._write, [deb for deb in self._asked.pool if deb.arch in {ALL, self._arch}])
        words = [f"{one.name}={one.version}" for one in wanted]
        plan = self._foresee(words, system, known)
        comes = [known[name, new] for name, (_, new) in plan.comes.items() if (name, new) in known]
        if full := room.lacks(self._write, comes):
            raise ApplyFailed(full)
        if modules := tried.brings_modules(comes):
            if first := tried.tools(plan):
                tools = [f"{name}={version}" for name, version in first.items()]
                self._work(tools, self._foresee(tools, system, known), dict(first))
            for module in modules:
                tried.try_modules(self._write, module)
        self._work(words, plan, {one.name: one.version for one in wanted})

    def _foresee(self, words: list[str], system: System, known: Stanzas) -> Foreseen:
        ran = self._apt.foresee(words)
        if not ran.ok:
            raise ApplyFailed(f"apt cannot install what is declared: {unmet(ran)}", evidence=ran.evidence())
        plan = foreseen(ran.out)
        if refused := self._refused(plan, system, known):
            raise ApplyFailed(f"{refused}; nothing was changed", evidence=ran.evidence())
        return plan

    def _refused(self, plan: Foreseen, system: System, known: Stanzas) -> str:
        """Return what apt would do that it must not: take a stranger's package away, or touch the other step's."""
        ours, comes = self._claims.all(), [known[key] for key in self._new(plan) if key in known]
        for name in (*plan.goes, *plan.comes):
            if name in self._asked.others:
                return f"apt would change {name}, which is declared as the other list's (packages, gpu packages)"
        for name in plan.goes:
            if name in self._asked.names:
                return f"what is declared does not go together: apt would take {name} away again"
        strangers = [
            f"{name} {version}"
            for name, version in plan.goes.items()
            if name not in ours and not any(one.takes_the_place_of(name, _provides(system, name)) for one in comes)
        ]
        if not strangers or self._asked.take_over:
            return ""
        more = f" and {len(strangers) - _SHOWN} more" if len(strangers) > _SHOWN else ""
        return (
            f"apt would take away what edgectl has not installed ({', '.join(strangers[:_SHOWN])}{more}): "
            "remove it by hand, or deploy with --take-over"
        )

    @staticmethod
    def _new(plan: Foreseen) -> list[tuple[str, str]]:
        return [(name, new) for name, (_, new) in plan.comes.items()]

    def _work(self, words: list[str], plan: Foreseen, must: Mapping[str, str]) -> None:
        """Let apt work; what is not whole afterwards is put back."""
        before = {**plan.before, **{name: plan.before.get(name, must[name]) for name in must}}
        comes = {name: was for name, was in before.items() if name not in plan.goes}
        self._claims.add(self._write, self._asked.steps[0], comes, self._asked.names)
        self._begun.begin(self._write, self._asked, before)
        ran = self._apt.install(words)
        after = look(self._write)
        wrong = [name for name, version in must.items() if not after.is_whole(name, version)]
        wrong += [name for name in plan.comes if name in after.broken]
        if not wrong:  # apt may complain of a stranger's package all the same
            self._begun.end(self._write)
            return
        if busy := holder(self._write):
            raise ApplyFailed(f"dpkg is held by {busy}; when it has ended, deploy again", evidence=ran.evidence())
        back = go_back(self._write, self._asked.pool, self._arch)
        raise ApplyFailed(f"{why(ran)}; {back.sentence}", evidence=(*ran.evidence(), *back.evidence))

    def _retire(self, names: tuple[str, ...]) -> None:
        """Take away what we have brought and nobody declares; what others need stays, and is no wish any more."""
        stay = [name for name in names if self._takes_more(name, frozenset(names))]
        go = [name for name in names if name not in stay]
        if go:
            ran = self._apt.remove(go)
            left = [name for name in go if look(self._write).version(name)]
            if left:
                raise ApplyFailed(f"{', '.join(left)} could not be removed: {self._why(ran)}", evidence=ran.evidence())
        self._claims.forget(self._write, go, stay)

    def _takes_more(self, name: str, names: frozenset[str]) -> bool:
        ran = self._apt.foresee_removal([name])
        if not ran.ok and any(words in ran.out for words in _UNMET):
            return True  # of something that a person holds
        if not ran.ok:
            raise ApplyFailed(f"{name} could not be removed: {self._why(ran)}", evidence=ran.evidence())
        return not foreseen(ran.out).goes.keys() <= names

    def _select(self, held: Mapping[str, bool]) -> None:
        if not held:
            return
        system = look(self._write)
        self._claims.hold(self._write, self._asked.steps[0], held, {name: system.version(name) for name in held})
        ran = self._apt.select({name: HOLD if on else "install" for name, on in held.items()})
        if not ran.ok:
            raise ApplyFailed(f"packages could not be put on hold: {self._why(ran)}", evidence=ran.evidence())

    def _why(self, ran: Ran) -> str:
        busy = holder(self._write)
        return f"dpkg is held by {busy}" if busy else why(ran)
