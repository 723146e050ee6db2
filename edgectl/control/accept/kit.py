"""The parts of an acceptance, in their order: looked at, deployed, looked through, struck, measured, looked at again.

Owns: that order, and that a part which fails hides none that still makes sense. Judges nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from edgectl.control.accept import bare, law
from edgectl.control.accept.boots import Boots
from edgectl.control.accept.law import Figure
from edgectl.control.accept.row import FAILED, Row, failed, not_asked, tried
from edgectl.control.accept.site import Site
from edgectl.control.accept.standins import standins, stood
from edgectl.control.accept.storm import Storm, draw
from edgectl.control.deploy.outcome import Outcome
from edgectl.wire.errors import EdgectlError
from edgectl.wire.finding import STOP, UNKNOWN, WARN
from edgectl.wire.gpu import GpuLook
from edgectl.wire.lab import LabFacts, Relied
from edgectl.wire.registry import amount
from edgectl.wire.verdict import READY

PARTS = ("preflight", "deploy", "contract", "gpu", "storm", "transfer", "doctor")
_NOT_DEPLOYED = "the store is not deployed"


@dataclass(slots=True)
class Kit:
    """One acceptance of one store, and what it has found so far."""

    site: Site
    blows: int
    seed: int
    tell: Callable[[Row], object] = lambda _: None
    rows: tuple[Row, ...] = ()
    facts: LabFacts | None = None
    stood_in: dict[str, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    _bare: int = 0

    def run(self) -> None:
        """Go through all parts."""
        self._add(self._preflight())
        first = self._press(Row("deploy", "deploy", "the first press", "ready"), law.first)
        self._add([first[0]])
        if first[1] is None:
            self._add(self._without())
        else:
            self._deployed(first[1])
        self._add([tried(Row("doctor", "doctor", "the doctor at the end", "no cause of anything"), self._doctor)])

    def _deployed(self, first: Outcome) -> None:
        nodes = len(self.site.store.nodes)
        row = Row("again", "deploy", "the same press again", f"no change, {law.NOTHING_BYTES} bytes a node at most")
        found, again = self._press(row, lambda row, outcome: law.again(row, outcome, nodes=nodes))
        self._add([found])
        asked = tried(Row("machine", "contract", "what the machine says it is", "it answers"), self._facts)
        self._add([asked] if asked.word == FAILED else [])
        if self.facts is None:
            self._add(self._without())
            return
        self._add(self._contract())
        self._add(self._gpus())
        storm = Storm(self.site, self.facts)
        kinds = draw(self.seed, self.blows)
        try:
            self._add(storm.run(kinds))
        except EdgectlError as error:
            self._add([failed(Row("storm", "storm", "the storm", ""), error.message, code=error.exit)])
        self._add(self._transfer(first, again, storm))

    def _add(self, rows: Iterator[Row] | list[Row]) -> None:
        for row in rows:
            (found,) = stood([row], self.stood_in)
            self.rows = (*self.rows, found)
            self.tell(found)

    def _press(self, row: Row, judge: Callable[[Row, Outcome], Row], *, changed: int = 0) -> tuple[Row, Outcome | None]:
        got: list[Outcome] = []

        def do(row: Row) -> Row:
            got.append(self.site.press(changed=changed))
            return judge(row, got[0])

        self.site.say(row.title)
        return tried(row, do), next(iter(got), None)

    def _preflight(self) -> Iterator[Row]:
        self.site.say("preflight")
        for name, found in self.site.preflight().items():
            row = Row(f"preflight-{name}", "preflight", f"{name} before a deploy", "nothing that would stop one")
            if isinstance(found, EdgectlError):
                yield failed(row, found.message, *found.details, code=found.exit)
                continue
            bad = [one for one in found if one.word in {STOP, UNKNOWN}]
            warned = sum(one.word == WARN for one in found)
            measured = f"{len(found)} looked at, {warned} to be seen to, {len(bad)} that would stop one"
            told = [f"{one.about}: {one.reason}" for one in bad]
            yield failed(row, measured, *told) if bad or not found else replace(row, measured=measured)

    def _facts(self, row: Row) -> Row:
        self.facts = self.site.facts()
        has_gpu = self.site.store.lead.gpu is not None
        self.stood_in = standins(self.facts, loopback=self.site.is_loopback(), has_gpu=has_gpu)
        return row

    def _contract(self) -> Iterator[Row]:
        self.site.say("what edgectl relies on in k3s")
        try:
            asked = self.site.relied()
        except EdgectlError as error:
            yield failed(Row("contract", "contract", "k3s", "it answers"), error.message, code=error.exit)
            return
        for one in (*asked, *bare.ROWS):
            yield relied(one)

    def _gpus(self) -> Iterator[Row]:
        self.site.say("GPUs")
        nodes = [node.name for node in self.site.store.nodes if node.gpu is not None]
        answers = self.site.gpus() if nodes else {}
        for name in nodes:
            yield from smokes(name, answers.get(name))
        if not nodes:
            yield not_asked(Row("gpu", "gpu", "GPUs", "each has computed in this boot"), "the store has none")
        elif self.site.store.lead.gpu is not None:
            yield tried(Row("gpu-began", "gpu", "what began on GPUs in this boot", "each after its proof"), self._began)

    def _began(self, row: Row) -> Row:
        boots, look = Boots(), self.site.look()
        boots.saw(look)
        return law.began(row, boots.judged(replace(look, now=0)))

    def _transfer(self, first: Outcome, again: Outcome | None, storm: Storm) -> Iterator[Row]:
        row = Row("transfer-change", "transfer", "one value changed", "no more than a plain copy, and 16 KiB")
        found, changed = self._press(row, law.first, changed=storm.changed + 1)
        yield self._press(Row("restored", "transfer", "the value put back", "ready"), law.first)[0]
        line = tried(Row("line", "transfer", "a connection that does nothing", "it is made"), self._line)
        yield line
        if line.word == FAILED:
            return
        yield self._figure(
            Row("transfer-first", "transfer", "the first press", "no more than a plain copy, and 16 KiB"),
            first,
            why="" if not first.before else "the store was deployed before: it had most of it",
        )
        yield self._figure(
            Row("transfer-nothing", "transfer", "the press that changes nothing", "16 KiB a node at most"),
            again,
            most=law.NOTHING_BYTES * len(self.site.store.nodes),
        )
        yield found if found.word == FAILED else self._figure(row_of(found), changed)

    def _line(self, row: Row) -> Row:
        self._bare = self.site.bare_bytes()
        return replace(row, measured=amount(self._bare))

    def _figure(self, row: Row, outcome: Outcome | None, *, most: int = 0, why: str = "") -> Row:
        if outcome is None or why:
            return not_asked(row, why or "the press has failed")
        figure = Figure(
            title=row.title,
            seconds=round(outcome.seconds, 2),
            link_bytes=outcome.link_bytes,
            floor_bytes=self._bare + outcome.bytes_missing,
            changes=len(outcome.changed),
        )
        self.figures.append(figure)
        return law.copied(row, figure, most=most)

    def _doctor(self, row: Row) -> Row:
        self.site.say("doctor")
        seen = self.site.doctor()
        measured = f"{seen.word}, {len(seen.causes)} causes, {seen.looked} looked at"
        if seen.causes or seen.unseen or not seen.looked:
            told = [f"{one.code} {one.part}: {one.says}" for one in seen.causes]
            told += [f"{one.part} could not be looked at: {one.why}" for one in seen.unseen]
            return failed(row, measured, *told, code=seen.exit)
        return replace(row, measured=measured)

    def _without(self) -> Iterator[Row]:
        for part in ("contract", "gpu", "storm", "transfer"):
            if not any(row.part == part and row.word != FAILED for row in self.rows):
                yield not_asked(Row(part, part, part, ""), _NOT_DEPLOYED)


def row_of(row: Row) -> Row:
    """Return a row as it was before it was judged."""
    return replace(row, measured="", seconds=0.0)


def relied(one: Relied) -> Row:
    """Return the row of one behaviour of k3s."""
    row = Row(f"k3s-{one.id}", "contract", one.behaviour, f"so by {one.source}")
    if one.why_not:
        return not_asked(row, f"a running store is not asked: {one.why_not}")
    return failed(row, one.wrong, *one.said) if one.wrong else replace(row, measured="holds")


def smokes(node: str, look: GpuLook | EdgectlError | None) -> Iterator[Row]:
    """Yield a row for each GPU of a node: what its smoke of this boot has shown."""
    whole = Row(f"gpu-{node}", "gpu", f"{node}: GPUs", "each has computed in this boot")
    if look is None or isinstance(look, EdgectlError):
        yield failed(whole, look.message if look else "it was not asked", code=look.exit if look else 0)
        return
    if len(look.cards) < look.required or not look.cards:
        yield failed(whole, f"{len(look.cards)} GPUs, {look.required} required", look.why)
    for card in look.cards:
        row = Row(f"gpu-{node}-{card.index}", "gpu", f"{node}: {card.name} {card.uuid}", whole.wanted)
        if card.smoke is None or not card.smoke.ok or card.word != READY or not look.this_boot:
            yield failed(row, card.why or (card.smoke.reason if card.smoke else "no smoke of this boot"), *card.xids)
            continue
        smoke = card.smoke
        yield replace(row, measured=f"computes, {smoke.gb_per_s:g} GB/s", seconds=round(smoke.seconds, 3))
