"""A store that is a dict of facts, steps written against it, and a clock that only moves when somebody waits.

Owns nothing of the engine: the loop under test is handed in, the real one or a mutant of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from edgectl.node.converge.protocol import ApplyFailed, Gate, LookFailed, Observation, Status, Wait
from edgectl.wire.verdict import Verdict

Facts = dict[str, str]


class Killed(BaseException):
    """The process dies here; nothing of it runs any more."""


@dataclass
class Store:
    """Facts, and what will become true by itself: (at this time, key, value)."""

    facts: Facts = field(default_factory=dict)
    coming: list[tuple[float, str, str]] = field(default_factory=list)
    now: float = 0.0
    writes: list[str] = field(default_factory=list)
    kill_at_write: int = -1
    sleeps: int = 0

    def sleep(self, seconds: float) -> None:
        """Let time pass, and with it what comes by itself."""
        self.now += seconds
        self.sleeps += 1
        assert self.sleeps < 10_000, "it waits for ever"
        for due in [item for item in self.coming if item[0] <= self.now]:
            self.coming.remove(due)
            self.facts[due[1]] = due[2]

    def reboot(self) -> None:
        """Lose what lies on tmpfs and runs."""
        self.facts = {key: value for key, value in self.facts.items() if not key.startswith("run/")}
        self.coming.clear()


class Reader:
    """What a probe is given."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, key: str) -> str:
        """Return a fact; "" when there is none."""
        return self._store.facts.get(key, "")


class Writer(Reader):
    """What an apply is given."""

    def set(self, key: str, value: str, *, after: float = 0.0) -> None:
        """Make a fact true, now or after so many seconds."""
        if len(self._store.writes) == self._store.kill_at_write:
            raise Killed
        self._store.writes.append(key)
        if after:
            self._store.coming.append((self._store.now + after, key, value))
        else:
            self._store.facts[key] = value


@dataclass
class Put:
    """A step: one fact, as declared."""

    id: str
    key: str
    want: str
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=0)

    @property
    def title(self) -> str:
        """Show the id."""
        return self.id

    def probe(self, read: Reader) -> Observation:
        """Compare the fact with the declaration."""
        have = read.get(self.key)
        if have == self.want:
            return Observation(Status.CURRENT, have)
        return Observation(Status.DRIFTED, "differs", differences=((self.key, have, self.want),))

    def apply(self, write: Writer, seen: Observation) -> None:
        """Write it."""
        del seen
        write.set(self.key, self.want)


@dataclass
class Run(Put):
    """A step: a program that runs with a declared configuration; it takes its time to start."""

    takes: float = 5.0
    wait: Wait = Wait(limit_seconds=30)

    def probe(self, read: Reader) -> Observation:
        """Compare what it was started with; a start takes a while."""
        if read.get("run/with") == read.get("etc/config") == self.want:
            if read.get(self.key) == "up":
                return Observation(Status.CURRENT, "up")
            if read.get("run/starting") == "yes":
                return Observation(Status.IN_PROGRESS, "starts")
        return Observation(Status.DRIFTED, "does not run as declared")

    def apply(self, write: Writer, seen: Observation) -> None:
        """Start it; does not wait."""
        del seen
        write.set("run/with", write.get("etc/config"))
        write.set(self.key, "")
        write.set(self.key, "up", after=self.takes)
        write.set("run/starting", "yes")


@dataclass
class See:
    """A gate: a fact that comes by itself, or never (`never` is its word for that)."""

    id: str
    key: str
    want: str
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=20)
    never: str = "broken"

    @property
    def title(self) -> str:
        """Show the id."""
        return self.id

    def probe(self, read: Reader) -> Observation:
        """Look."""
        have = read.get(self.key)
        if have == self.want:
            return Observation(Status.CURRENT, have)
        if have == self.never:
            return Observation(Status.FAILED, "never")
        return Observation(Status.IN_PROGRESS, f"is {have or 'nothing'} yet")


class Liar(Put):
    """An apply that does nothing and says nothing."""

    def apply(self, write: Writer, seen: Observation) -> None:
        """Lie."""


class Blind(Put):
    """A probe that cannot look."""

    def probe(self, read: Reader) -> Observation:
        """Fail to look."""
        del read
        raise LookFailed("the API does not answer", evidence=("refused",))


class Surprise(Put):
    """A probe with a bug."""

    def probe(self, read: Reader) -> Observation:
        """Crash."""
        del read
        raise KeyError("status")


class Fails(Put):
    """An apply that says no."""

    def apply(self, write: Writer, seen: Observation) -> None:
        """Fail, or crash as the id says."""
        del write, seen
        if self.id == "crash":
            raise OSError(28, "No space left on device")
        raise ApplyFailed("Helm says no", evidence=("$ helm upgrade",))


class Sneak(Put):
    """Seeded fault: a probe that writes."""

    def probe(self, read: Reader) -> Observation:
        """Write while looking."""
        read._store.writes.append(self.key)
        read._store.facts[self.key] = self.want
        return super().probe(read)


class Believer(Run):
    """Seeded fault: remembers that it was done, before it is done."""

    def probe(self, read: Reader) -> Observation:
        """Believe the note."""
        if read.get("var/done") == self.want:
            return Observation(Status.CURRENT, "noted as done")
        return Observation(Status.DRIFTED, "not noted")

    def apply(self, write: Writer, seen: Observation) -> None:
        """Note, then do."""
        write.set("var/done", self.want)
        super().apply(write, seen)


def recipe(*extra: Gate[Any]) -> tuple[Gate[Any], ...]:
    """Return a small store's order: files, a program, what it serves, an app on top, and a gate beside it all."""
    return (
        Put("files", "etc/files", "v1"),
        Put("config", "etc/config", "c1", needs=("files",)),
        Run("program", "run/program", "c1", needs=("config",)),
        See("serves", "run/program", "up", needs=("program",)),
        Put("app", "var/app", "a1", needs=("serves",)),
        *extra,
        Put("beside", "etc/beside", "b1"),
    )


@dataclass
class Runner:
    """Runs a loop on a store, and keeps what was said. `kill_at` dies at that event."""

    loop: Any
    store: Store
    said: list[tuple[str, str]] = field(default_factory=list)
    kill_at: int = -1

    def converge(
        self,
        steps: tuple[Gate[Any], ...],
        *,
        stop: Callable[[], str] = lambda: "",
        spare: Callable[[Gate[Any]], str] = lambda _: "",
    ) -> Verdict:
        """Bring the store to its declared state."""
        read, write = Reader(self.store), Writer(self.store)
        found: Verdict = self.loop.converge(
            steps, read, write, say=self._say, clock=self._clock(), stop=stop, spare=spare
        )
        return found

    def plan(self, steps: tuple[Gate[Any], ...]) -> Verdict:
        """Look only."""
        found: Verdict = self.loop.plan(steps, Reader(self.store), self._say, self._clock())
        return found

    def _clock(self) -> Any:
        return self.loop.Clock(lambda: self.store.now, self.store.sleep)

    def _say(self, word: str, step: Gate[Any], seen: Observation) -> None:
        del seen
        if len(self.said) == self.kill_at:
            raise Killed
        self.said.append((step.id, word))


def mutant(module: ModuleType, *changes: tuple[str, str]) -> Any:
    """Return a copy of a module with some of its text changed; each text must be there exactly once."""
    text = Path(str(module.__file__)).read_text()
    for old, new in changes:
        assert text.count(old) == 1, f"the seeded fault no longer fits {module.__name__}: {old!r}"
        text = text.replace(old, new)
    copy = ModuleType(f"mutant of {module.__name__}")
    sys.modules[copy.__name__] = copy  # dataclasses look their module up
    exec(compile(text, copy.__name__, "exec"), copy.__dict__)  # noqa: S102 - our own source, mutated
    return copy
