"""Before k3s starts: the driver, nvidia-uvm, and nothing of another boot that is believed.

Run by edgectl-gpu.service. What it cannot bring about it says, and ends well: k3s must start all the same, and the
engine looks again. k3s waits for this file, so it imports little: no HTTP, no steps.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgectl.node.io import programs
from edgectl.node.io.places import Places
from edgectl.node.startup.part import part, say

DRIVER, UVM, LOAD = (str(Path(__file__).with_name(f"{name}.sh")) for name in ("driver", "uvm", "load"))
VENDOR = "nvidia.com/"
PERSISTENCE = "persistence"  # load.sh's word: the GPUs stay up while nobody uses them
LOADABLE = re.compile(r"driver \S+ is installed and not loaded")  # how unloaded.sh says that load.sh can help
DRIVER_SECONDS = 8.0  # whatever needs no GPU waits with k3s; later, the watchdog proves it
_EVERY_SECONDS = 0.5
_SCRIPT_SECONDS = 40.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def gpu_boot(places: Places) -> None:
    """Make the node ready for its GPUs, as far as that is possible before k3s."""
    node = part(places)
    gpu = declared(node)
    if gpu is None:
        say("this node has no GPUs")
        return
    boot = Boot(places, _BOOT_ID.read_text().strip(), persistent=_packaged(node))
    boot.run(nvidia=any(str(name).startswith(VENDOR) for name in (gpu.get("resource"), *_offers(gpu))))


def declared(node: dict[str, Any]) -> dict[str, Any] | None:
    """Return the GPUs of a node's part; None without any."""
    found = node.get("gpu")
    return found if isinstance(found, dict) else None


class Boot:
    """One boot. Time is handed in."""

    def __init__(
        self,
        places: Places,
        boot: str,
        *,
        persistent: bool = False,
        script: Callable[..., programs.Ran] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        say: Callable[[str], None] = say,
    ) -> None:
        self._places = places
        self._boot = boot
        self._load = (LOAD, PERSISTENCE) if persistent else (LOAD,)
        self._run = script or _run
        self._monotonic = monotonic
        self._sleep = sleep
        self._say = say

    def run(self, *, nvidia: bool) -> None:
        """Do all of it, in the order in which it is needed."""
        self._forget()
        if not nvidia:
            return
        if self._wait(DRIVER_SECONDS, self._driver) == 0 and self._wait(0, lambda: self._script(UVM)):
            self._wait(0, lambda: self._script(*self._load))

    def _driver(self) -> tuple[int, str]:
        """Look for the driver; one that lies there and was not loaded by the boot itself is loaded, once."""
        code, reason = self._script(DRIVER)
        if code != 1 or not LOADABLE.match(reason):
            return code, reason
        loaded, said = self._script(*self._load)
        return self._script(DRIVER) if loaded == 0 else (loaded, said)

    def _forget(self) -> None:
        """Take away what another boot has left, should /run have survived it: nobody may wait for that."""
        marker, proof = _text(self._places.gpu_marker), _text(self._places.gpu_proof)
        if any(found and self._boot not in found for found in (marker, proof)):
            shutil.rmtree(self._places.gpu_marker.parent, ignore_errors=True)
            self._say("taken away: the GPUs' proof of another boot")

    def _wait(self, limit_seconds: float, ask: Callable[[], tuple[int, str]]) -> int:
        """Ask until it is ready, never, or too late; each answer is said once."""
        deadline, told = self._monotonic() + limit_seconds, ""
        while True:
            code, reason = ask()
            if reason and reason != told:
                self._say(reason)
                told = reason
            if code != 1 or self._monotonic() >= deadline:
                return code
            self._sleep(_EVERY_SECONDS)

    def _script(self, *words: str) -> tuple[int, str]:
        ran = self._run(*words)
        return (2 if ran.code is None else ran.code), ran.out.strip() or ran.last_words


def _offers(gpu: dict[str, Any]) -> tuple[str, ...]:
    offers = gpu.get("offers")
    return tuple(offers) if isinstance(offers, dict) else ()


def _packaged(node: dict[str, Any]) -> bool:
    """Tell whether packages of the GPU are declared: then how it stands while idle is declared, too."""
    try:
        return bool(node["host"]["os"]["packages"]["gpu"])
    except (KeyError, TypeError):
        return False


def _run(*words: str) -> programs.Ran:
    return programs.run(("sh", *words), limit_seconds=_SCRIPT_SECONDS)


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(errors="replace")
    return ""
