"""A store in two groups whose hours contradict each other: an error with both lines, unless somebody has decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.inventory.load import load
from edgectl.wire.errors import InvalidInput

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
NIGHT = '[{days: [mon, tue], start: "22:00", end: "05:00"}]'
NOON = '[{start: "12:00", end: "13:00"}]'


def inventory(folder: Path, first: str, second: str, *, own: str = "", groups: str = "eu, express") -> Path:
    """Write a store in two groups; each text is what stands below a group, and the store."""
    path = folder / "inventory.yaml"
    path.write_text(
        "version: 1\nbundle: bundle\n"
        "defaults: {k3s: {version: v1.36.3+k3s1}, timezone: Europe/Berlin}\n"
        f"groups:\n  eu:\n    {first}\n  express:\n    {second}\n"
        f"stores:\n  store-042:\n    groups: [{groups}]\n    {own or 'title: Berlin'}\n"
        f"    nodes: {{node-1: {{address: 10.77.0.11, host_key: {KEY}}}}}\n"
    )
    return path


def found(path: Path) -> list[str]:
    """Return what is wrong with the store."""
    try:
        load(path).store("store-042")
    except InvalidInput as error:
        return [line for line in error.details if not line.startswith(" ")]
    return []


@pytest.mark.parametrize("groups", ["eu, express", "express, eu"])
def test_both_lines_are_named(tmp_path: Path, groups: str) -> None:
    """Law: in either order of the groups. Seeded fault: the last group wins, as for other keys."""
    path = inventory(tmp_path, f"windows: {{deploy: {NIGHT}}}", f"windows: {{deploy: {NOON}}}", groups=groups)
    (line,) = found(path)
    over, below = ((8, 6), ("express", "eu")) if groups == "eu, express" else ((6, 8), ("eu", "express"))
    assert line.startswith(f"{path}:{over[0]}:")
    assert f"windows.deploy: group {below[0]} contradicts group {below[1]} ({path}:{over[1]})" in line
    assert "say windows.deploy in the store itself" in line


def test_what_may_deploy_when_is_hours_too(tmp_path: Path) -> None:
    """A freeze of one group is not taken away by another one."""
    path = inventory(
        tmp_path,
        'policy: {deploy: [{open: ["mon-fri 22:00-05:00 Europe/Berlin"]}]}',
        'policy: {deploy: [{open: ["mon-sun 01:00-02:00 Europe/Berlin"]}]}',
    )
    (line,) = found(path)
    assert f"policy.deploy: group express contradicts group eu ({path}:6)" in line


@pytest.mark.parametrize(
    ("first", "second", "own"),
    [
        (f"windows: {{deploy: {NIGHT}}}", "timezone: Europe/Rome", ""),
        (f"windows: {{deploy: {NIGHT}}}", f"windows: {{prefetch: {NOON}}}", ""),
        (f"windows: {{deploy: {NIGHT}}}", f"windows: {{deploy: {NOON}}}", f"windows: {{deploy: {NOON}}}"),
        (f"windows: {{deploy: {NIGHT}}}", f"windows: {{deploy: !append {NOON}}}", ""),
        (f"windows: {{deploy: {NIGHT}}}", f"windows: !replace {{deploy: {NOON}}}", ""),
        (
            f"windows: {{deploy: {NIGHT}}}",
            'windows: {deploy: [{end: "05:00", start: "22:00", days: [tue, mon]}]}',
            "",
        ),
    ],
    ids=["one", "others", "the store says", "append", "replace", "the same hours"],
)
def test_what_is_no_contradiction(tmp_path: Path, first: str, second: str, own: str) -> None:
    """One group alone, other windows, the same ones in another order, and where somebody has decided."""
    assert found(inventory(tmp_path, first, second, own=own)) == []
