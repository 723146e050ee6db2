"""The list of what is needed, and the way through the sources until each thing is in the bundle.

Owns: nothing is fetched twice, nothing that is there whole is fetched again, all that is missing is told at once.
Must not know what a store is: it gets needs, each with its place in the inventory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.control.bundle.layout import Bundle
from edgectl.control.gather.held import OtherBundle
from edgectl.control.gather.need import IMAGE_LIST, Absent, Got, Need, OutOfReach, Source
from edgectl.control.inventory.place import Finding, Place
from edgectl.control.payload.images import DEFAULT_HOST
from edgectl.wire.errors import InvalidInput

Say = Callable[[str], None]


@dataclass(slots=True)
class Shopping:
    """What one command gathers into one bundle."""

    bundle: Bundle
    sources: Sequence[Source]
    say: Say
    fresh: bool = False  # tags are asked for again
    missing: list[Finding] = field(default_factory=list)
    unreached: list[Finding] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    fetched: dict[str, int] = field(default_factory=dict)
    kept: int = 0
    _places: dict[Need, list[Place]] = field(default_factory=dict)
    _done: dict[Need, bool] = field(default_factory=dict)
    _failed: dict[Need, tuple[str, list[str]]] = field(default_factory=dict)  # why, and hints where none was reached

    def want(self, need: Need, at: Place) -> None:
        """Put a thing on the list; where several places want it, each is named when it is missing."""
        places = self._places.setdefault(need, [])
        if at not in places:
            places.append(at)

    def fetch_all(self) -> None:
        """Get everything on the list that was not tried yet."""
        for need in sorted(self._places):
            if need not in self._done:
                self._done[need] = self._fetch(need, self._places[need])

    def has(self, need: Need, *, quietly: bool = False) -> bool:
        """Get one thing now and say whether it is there; `quietly`: it may be missing."""
        if need not in self._done:
            self._done[need] = self._fetch(need, [] if quietly else self._places.get(need, []))
        return self._done[need]

    def names(self, repository: str, arch: str) -> tuple[str, ...]:
        """Return under which names a repository's images are at hand: in the bundle, else in a source."""
        for source in (OtherBundle(self.bundle), *self.sources):
            if found := source.names(repository, arch):
                return found
        return ()

    def lack(self, at: Place, sentence: str, because: Need | None = None) -> None:
        """Note what is missing; `because` another thing was not to be had, whose reason is said, too."""
        why, hints = self._failed.get(because, ("", [])) if because else ("", [])
        finding = Finding(at, f"{sentence} ({why})" if why else sentence)
        (self.unreached if hints else self.missing).append(finding)
        self.hints += hints

    def _fetch(self, need: Need, places: Sequence[Place]) -> bool:
        own = OtherBundle(self.bundle)
        again = self.fresh and need.kind == "image" and "@" not in need.name
        reasons: list[str] = []
        unreached: list[OutOfReach] = []
        with tempfile.TemporaryDirectory(prefix=".staging-", dir=self.bundle.root) as work:
            for source in self.sources if again else (own, *self.sources):
                try:
                    got = source.fetch(need, Path(work))
                except Absent as absent:
                    reasons += [str(absent)] if str(absent) and source is not own else []
                except InvalidInput as error:
                    reasons.append(error.message)
                except OutOfReach as out:
                    unreached.append(out)
                else:
                    self._put(need, got, held=source is own)
                    return True
        why = "; ".join(dict.fromkeys([*reasons, *map(str, unreached)])) or "no source has it"
        self._failed[need] = why, [out.hint for out in unreached]
        findings = [Finding(at, f"{need} cannot be had: {why}") for at in places]
        (self.unreached if unreached else self.missing).extend(findings)
        self.hints += [out.hint for out in unreached] if places else []
        return False

    def _put(self, need: Need, got: Got, *, held: bool) -> None:
        if held:
            self.kept += 1
            return
        name, version = (got.name, got.version) if got.name else _identity(need)
        added = self.bundle.add(
            got.path,
            kind="k3s" if need.kind == IMAGE_LIST else need.kind,
            name=name,
            version=version,
            arch=need.arch,
            refs=got.refs,
            made_from=got.made_from,
            move=got.owned,
        )
        self.fetched[added.digest] = added.size
        self.say(f"{need}  {added.digest[7:19]}")


def _identity(need: Need) -> tuple[str, str]:
    """Return name and version of an artifact: of an image `busybox` and `1.36`, or the digest that it is pinned by."""
    if need.kind != "image":
        return need.name, need.version
    name, _, digest = need.name.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    short = f"{head}{slash}{last}".removeprefix(f"{DEFAULT_HOST}/").removeprefix("library/")
    return short, digest or tag
