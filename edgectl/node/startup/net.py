"""The network before k3s starts, and as long as it runs: its own address and a default route are there, cable or not.

Run by edgectl-net.service, and by the watchdog every few seconds. What is done is in net.sh, which a technician can run
too. What it cannot bring about it says, and ends well: k3s must start all the same. Imports little, k3s waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgectl.node.io import programs
from edgectl.node.io.places import Places
from edgectl.node.startup.part import part, say

SCRIPT = Path(__file__).with_name("net.sh")
BOOT_SECONDS = 10  # what a card and a switch need to find each other, and DHCP to answer
_LIMIT_SECONDS = 30.0

Run = Callable[[tuple[str, ...]], programs.Ran]


def net_boot(places: Places) -> None:
    """Give k3s what it needs, after a wait for the real network."""
    address = str(part(places).get("address") or "")
    if address:
        settle(address, BOOT_SECONDS)


def settle(address: str, seconds: int, *, run: Run | None = None, say: Callable[[str], None] = say) -> bool:
    """Run the script; returns whether all is there. What it did and could not do is said."""
    ran = (run or _run)(("sh", str(SCRIPT), address, str(seconds)))
    for line in (*ran.out.splitlines(), *(() if ran.ok else ran.err.splitlines())):
        say(line)
    return ran.ok


def _run(argv: tuple[str, ...]) -> programs.Ran:
    return programs.run(argv, limit_seconds=_LIMIT_SECONDS)
