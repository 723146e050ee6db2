"""What systemd says of units, and what must be done so that they are as declared.

Owns the reading of `systemctl show` and the judgement: from what was seen to deeds, sentences and waits. Must not run
anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from edgectl.node.host.before import Was
from edgectl.wire.host import DISABLED, ENABLED, MASKED, Service

PROPERTIES = (
    "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload,Type,ConditionResult,ConditionTimestampMonotonic,Result"
)
_STARTS_AT_BOOT = {"enabled", "enabled-runtime", "alias"}
_CAN_BE_ENABLED = {"disabled", "linked", "linked-runtime", "enabled-runtime"}
_RUNS = {"active", "reloading", "refreshing"}


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit, in systemd's own words (systemctl(1), show)."""

    name: str  # as it was asked for
    id: str
    load: str
    active: str
    file: str
    old: bool  # systemd has not read what lies in its files now
    type: str = ""
    met: bool = True  # the conditions of its unit, at its last start
    result: str = "success"

    @property
    def there(self) -> bool:
        """There is such a unit."""
        return self.load != "not-found"

    @property
    def masked(self) -> bool:
        """Nobody can start it, by what lies on the disk."""
        return self.file.startswith("masked")

    @property
    def runs(self) -> bool:
        """It does."""
        return self.active in _RUNS

    @property
    def moves(self) -> bool:
        """It starts or stops."""
        return self.active in {"activating", "deactivating"}

    @property
    def has_worked(self) -> bool:
        """Once is enough for it, and its last time was well."""
        return self.type == "oneshot" and self.active == "inactive" and self.result == "success" and self.met

    @property
    def shown(self) -> str:
        """Return its state for a person."""
        if not self.there and not self.masked:
            return "not there"
        unmet = "" if self.met or self.runs else ", a condition of its unit is not met"
        return f"{self.file or 'no unit file'}, {self.active}{unmet}"


@dataclass(slots=True)
class Deeds:
    """What is to be done, by what; `never` and `waits` are sentences."""

    differences: list[tuple[str, str, str]] = field(default_factory=list)
    claim: dict[str, Was] = field(default_factory=dict)
    unmask: list[str] = field(default_factory=list)
    enable: list[str] = field(default_factory=list)
    disable: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)  # its file is no more: what links to it can go, too
    mask: list[str] = field(default_factory=list)
    stop: list[str] = field(default_factory=list)
    restart: list[str] = field(default_factory=list)
    start: list[str] = field(default_factory=list)
    forget: list[str] = field(default_factory=list)
    reload: bool = False
    never: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)


def read(out: str, names: Sequence[str]) -> tuple[Unit, ...]:
    """Read the blocks of `systemctl show NAME...`, one a name, in their order; ValueError when they are not."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in out.split("\n\n")]
    blocks = [block for block in blocks if block]
    if len(blocks) != len(names):
        raise ValueError(f"systemd tells about {len(blocks)} of {len(names)} units")
    return tuple(_unit(name, block) for name, block in zip(names, blocks, strict=True))


def _unit(name: str, said: Mapping[str, str]) -> Unit:
    return Unit(
        name=name,
        id=said.get("Id", name),
        load=said.get("LoadState", ""),
        active=said.get("ActiveState", ""),
        file=said.get("UnitFileState", ""),
        old=said.get("NeedDaemonReload") == "yes",
        type=said.get("Type", ""),
        met=said.get("ConditionResult") != "no" or said.get("ConditionTimestampMonotonic") == "0",  # "no" before any
        result=said.get("Result", "success"),
    )


def deeds(
    services: Collection[Service], units: Collection[Unit], before: Mapping[str, Was], marked: Collection[str]
) -> Deeds:
    """Compare what was seen with the declaration. `before`: what is remembered; `marked`: who has older files."""
    found, declared = Deeds(), {service.name: service for service in services}
    for unit in units:
        service = declared.get(unit.name)
        state = service.state if service else ""
        if unit.old:
            found.reload = True
            found.differences.append((unit.name, "systemd has read an older unit file", "the one that is there"))
        if state == "" and unit.name in before:
            _put_back(found, unit, before[unit.name])
        elif state:
            _bring(found, unit, state)
        owes = unit.name in marked and bool(unit.file) and (unit.runs or unit.active == "failed")
        if owes and unit.name not in found.stop:
            _restart(found, unit)
    return found


def _bring(found: Deeds, unit: Unit, state: str) -> None:
    if unit.there and unit.id != unit.name and not unit.masked:
        found.never.append(f"{unit.name} is another name of {unit.id}: declare that one")
        return
    if state == ENABLED and not unit.there:
        found.never.append(
            f"this node has no unit {unit.name}: put the package that brings it into host.packages, or correct its name"
        )
        return
    if state == ENABLED and unit.load in {"bad-setting", "error"}:
        found.never.append(f"systemd cannot read {unit.name}: systemd-analyze verify {unit.name} says why")
        return
    count = _weight(found)
    if state == ENABLED:
        _enable(found, unit)
        _run(found, unit)
    elif state == MASKED:
        if unit.file != "masked":
            found.mask.append(unit.name)
        elif unit.load != "masked":  # masked on the disk, and systemd does not know: somebody could start it
            found.reload = True
            found.differences.append((unit.name, "systemd does not know that it is masked", "known"))
        _rest(found, unit)
    elif state == DISABLED:
        if unit.file in _STARTS_AT_BOOT:
            found.disable.append(unit.name)
        _rest(found, unit)
    if _weight(found) > count:
        found.differences.append((unit.name, unit.shown, {ENABLED: "enabled, active"}.get(state, f"{state}, inactive")))
        bound = unit.file not in _CAN_BE_ENABLED | _STARTS_AT_BOOT and not unit.masked  # static: it only runs or not
        if bound or any(unit.name in names for names in (found.unmask, found.enable, found.disable, found.mask)):
            found.claim[unit.name] = Was(unit.file, unit.runs)


def _put_back(found: Deeds, unit: Unit, was: Was) -> None:
    """Take back what was done for a declaration that is no more; the record goes with it."""
    masked = was.file.startswith("masked")
    if masked and not unit.masked:
        found.mask.append(unit.name)
    elif was.file in _STARTS_AT_BOOT:
        _enable(found, unit)
    elif not masked:
        if unit.masked:
            found.unmask.append(unit.name)
        elif unit.file in _STARTS_AT_BOOT:
            found.disable.append(unit.name)
        elif not unit.file:
            found.gone.append(unit.name)
    if was.ran and unit.there and not masked:
        _run(found, unit)
    elif not was.ran and was.file not in _STARTS_AT_BOOT:  # one that starts at boot may run
        _rest(found, unit)
    found.forget.append(unit.name)
    word = f"{was.file or 'not there'}, {'active' if was.ran else 'inactive'}"
    found.differences.append((unit.name, f"{unit.shown}, declared no more", f"as before: {word}"))


def _restart(found: Deeds, unit: Unit) -> None:
    found.restart.append(unit.name)
    found.differences.append((unit.name, "runs with older files than lie there", "restarted"))
    if unit.name in found.start:
        found.start.remove(unit.name)


def _enable(found: Deeds, unit: Unit) -> None:
    if unit.masked:
        found.unmask.append(unit.name)
        found.enable.append(unit.name)
    elif unit.file in _CAN_BE_ENABLED:
        found.enable.append(unit.name)
    elif unit.load == "masked":  # unmasked on the disk, and systemd does not know
        found.reload = True


def _run(found: Deeds, unit: Unit) -> None:
    if unit.moves:
        found.waits.append(f"{unit.name} is {unit.active}")
    elif not unit.runs and (unit.name in found.enable or not unit.has_worked):
        found.start.append(unit.name)


def _rest(found: Deeds, unit: Unit) -> None:
    if unit.active == "deactivating":
        found.waits.append(f"{unit.name} is {unit.active}")
    elif unit.runs or unit.moves:
        found.stop.append(unit.name)


def _weight(found: Deeds) -> int:
    lists = (found.unmask, found.enable, found.disable, found.mask, found.stop, found.start)
    return sum(map(len, lists)) + found.reload
