"""Some stores at once, in one inventory: the first is a real one, the others are light.

Owns: which stores a fleet has, and its inventory. Must not know how a store is made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from edgectl.sandbox.bundle import Supplies, make_bundle
from edgectl.sandbox.inventory import inventory, write_inventory
from edgectl.sandbox.light.light import lighten, profile
from edgectl.sandbox.machine import cgroup
from edgectl.sandbox.machine.places import state_home
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore

_HEADER = """\
# A fleet of the sandbox: written by `edgectl sandbox fleet`, and again by the next one.
#   edgectl deploy --all -i {path}
"""


def names(count: int, prefix: str = "store") -> tuple[str, ...]:
    """Return the stores of a fleet of so many: store-001, store-002, ..."""
    return tuple(f"{prefix}-{number:03d}" for number in range(1, count + 1))


def fleet_file() -> Path:
    """Return where the fleet's inventory lies."""
    return state_home().parent / "fleet" / "inventory.yaml"


def bring_up(
    sandbox: Sandbox, count: int, *, prefix: str = "store", path: Path | None = None
) -> tuple[SandboxStore, ...]:
    """Make the stores that are not there yet, power on all, and write the inventory (to `path`, else the fleet's)."""
    supplies = make_bundle(sandbox.say)
    stores: list[SandboxStore] = []
    for name in names(count, prefix):
        is_light = bool(stores)
        store = sandbox.up(name, gpus=0 if is_light else 1)
        if is_light:
            lighten(store)
        else:
            write_inventory(store, supplies)
        sandbox.say(f"{name} is up{', light' if is_light else ''}")
        stores.append(store)
    _write(stores, supplies, path or fleet_file())
    return tuple(stores)


def _write(stores: list[SandboxStore], supplies: Supplies, path: Path) -> None:
    found: dict[str, Any] = {}
    for store in stores:
        doc = inventory(store.record, supplies, key=store.key, old_cgroups=not cgroup.unified())
        entry = {
            **doc["stores"][store.name],
            "groups": ["pilot" if not found else "rest"],
            "ssh": {**doc["defaults"]["ssh"]},
        }
        if found:
            entry |= {"title": "Sandbox, light", "profile": "light"}
            found["stores"][store.name] = entry
        else:
            found = {**doc, "profiles": {"light": profile()}, "groups": {"pilot": {}, "rest": {}}}
            del found["stores"]
            found["stores"] = {store.name: entry}
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_suffix(".new")
    staged.write_text(_HEADER.format(path=path) + yaml.safe_dump(found, sort_keys=False, width=120))
    staged.replace(path)
