"""A systemd that remembers: what lies on the disk, what it has read of it, what runs and with what it was started.

Owns no law. A unit's file is the distribution's (`packaged`) or lies in /etc/systemd/system of the node's folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edgectl.node.io.programs import Ran
from tests.unit.node.fake import FakeNode, ran

MASK = "-> /dev/null"
Files = dict[str, str | None]


@dataclass
class One:
    """One unit. `reads` are the files that it reads at its start; `broken`: it cannot start with this in them."""

    packaged: bool = True
    enabled: bool = False
    static: bool = False
    masked: bool = False
    active: str = "inactive"
    type: str = "simple"
    reads: tuple[str, ...] = ()
    broken: str = "\0"
    known: object = None  # what systemd has read of its unit file
    told: str | None = None  # what it tells of the file's state: remembered until the next change or reload
    started_with: Files = field(default_factory=dict)
    starts: int = 0
    unmet: bool = False  # a condition of its unit is not met


@dataclass
class Systemd:
    """Of one fake node. `event` is called before and after each program that changes something."""

    node: FakeNode
    units: dict[str, One] = field(default_factory=dict)
    event: Callable[[str], None] = lambda _: None
    reloads: int = 0
    asked: int = 0

    def __post_init__(self) -> None:
        self.node.on_run = self.run
        self.node.on_change = self.change
        for name, unit in self.units.items():
            unit.known = self._disk(name)
            unit.started_with = self._files(unit)

    def run(self, *argv: str) -> Ran:
        """Tell about units, or what a log says."""
        if argv[0] == "journalctl":
            return ran("it cannot start with that", argv=argv)
        assert argv[:2] == ("systemctl", "show"), argv
        self.asked += 1
        return ran("\n".join(self._shown(name) for name in argv[argv.index("--") + 1 :]), argv=argv)

    def change(self, *argv: str) -> Ran:
        """Do what is asked, to one unit after the other."""
        self.event(" ".join(argv))
        verb, names = argv[1], [word for word in argv[2:] if not word.startswith("-")]
        assert argv[0] == "systemctl", argv
        if verb in {"daemon-reload", "enable", "disable", "mask", "unmask"}:
            for unit in self.units.values():
                unit.told = None
        if verb == "daemon-reload":
            self.reloads += 1
            for name, unit in self.units.items():
                unit.known = self._disk(name)
        for name in names:
            unit = self.units.setdefault(name, One(packaged=False))
            wrong = getattr(self, f"_{verb}")(name, unit)
            if wrong:
                return ran(code=1, err=wrong, argv=argv)
        if verb in {"enable", "disable", "mask", "unmask"}:
            assert "--no-reload" in argv, "each of them would reload by itself"
        self.event(f"done {' '.join(argv)}")
        return ran(argv=argv)

    def runs_with_what_lies_there(self) -> bool:
        """Tell whether all that runs was started with its files as they are now."""
        running = [unit for unit in self.units.values() if unit.active == "active"]
        return all(unit.started_with == self._files(unit) for unit in running)

    def _enable(self, name: str, unit: One) -> str:
        if unit.masked:
            return f"Unit file {name} is masked."
        unit.enabled = not unit.static
        return "" if self._disk(name) else f"Unit file {name} does not exist."

    def _disable(self, _: str, unit: One) -> str:
        unit.enabled = False
        return ""

    def _mask(self, _: str, unit: One) -> str:
        unit.masked = True
        return ""

    def _unmask(self, _: str, unit: One) -> str:
        unit.masked = False
        return ""

    def _stop(self, _: str, unit: One) -> str:
        unit.active = "failed" if unit.known == MASK else "inactive"  # as a timer of Debian 12's systemd
        return ""

    def _start(self, name: str, unit: One) -> str:
        if unit.known == MASK:
            return f"Unit {name} is masked."
        if unit.unmet:
            return ""
        files = self._files(unit)
        unit.starts += 1
        unit.started_with = files
        if unit.broken in files.values():
            unit.active = "failed"
            return f"Job for {name} failed because the control process exited with error code."
        unit.active = "inactive" if unit.type == "oneshot" else "active"
        return ""

    def _restart(self, name: str, unit: One) -> str:
        return self._start(name, unit) if unit.known else f"Unit {name} not found."

    def __getattr__(self, name: str) -> Callable[[str, One], str]:
        if name == "_reset-failed":
            return self._reset
        raise AttributeError(name)

    def _reset(self, _: str, unit: One) -> str:
        unit.active = "inactive" if unit.active == "failed" else unit.active
        return ""

    def _shown(self, name: str) -> str:
        unit = self.units.get(name, One(packaged=False))
        disk = self._disk(name)
        known = unit.known = disk if unit.known is None else unit.known  # it is loaded when it is first asked about
        load = "masked" if known == MASK else "loaded" if known else "not-found"
        state = "static" if unit.static else "enabled" if unit.enabled else "disabled"
        unit.told = file = unit.told or ("masked" if disk == MASK else state if disk else "")
        old = known not in {disk, None} and MASK not in {known, disk}
        forgotten = unit.static and unit.type == "oneshot"  # no other names it: systemd unloads it behind each run
        fields = {
            "Type": unit.type,
            "Result": "exit-code" if unit.active == "failed" else "success",
            "Id": name,
            "LoadState": load,
            "ActiveState": unit.active,
            "UnitFileState": file,
            "NeedDaemonReload": "yes" if old else "no",
            "ConditionResult": "no" if unit.unmet or forgotten or not unit.starts else "yes",
            "ConditionTimestampMonotonic": "17" if not forgotten and (unit.unmet or unit.starts) else "0",
        }
        return "".join(f"{key}={value}\n" for key, value in fields.items())

    def _disk(self, name: str) -> object:
        unit = self.units.get(name)
        if unit is not None and unit.masked:
            return MASK
        own = self.node.text(self.node.places.root / f"etc/systemd/system/{name}")
        drop_ins = self.node.places.root / f"etc/systemd/system/{name}.d"
        texts = tuple(self.node.text(drop_ins / one) or "" for one in self.node.names(drop_ins))
        return (own, texts) if own is not None or (unit is not None and unit.packaged) else None

    def _files(self, unit: One) -> Files:
        return {path: self.node.text(self.node.places.root / path.lstrip("/")) for path in unit.reads}
