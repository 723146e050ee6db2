"""The main program of a node in a folder: the real session, acceptance and engine, under a root of its own.

Travels as `__main__.py` of the archive that edgectl sends; its root is the folder in which it was put. Only the machine
is made up: systemd (the engine is started as a program), and a recipe of the steps that need nobody but the disk.
"""

from __future__ import annotations

import sys

sys.dont_write_bytecode = True

import subprocess  # noqa: E402 - the line above must come first
from collections.abc import Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from edgectl.node.greet import greet  # noqa: E402
from edgectl.node.io.places import Places  # noqa: E402

HERE = Path(__file__).parent
PLACES = Places(HERE.parents[4])


def program(argv: Sequence[str], **_: Any) -> Any:
    """Stand for the programs of the machine."""
    from edgectl.node.converge.lock import holder
    from edgectl.node.io import programs
    from edgectl.node.units.install import CONVERGE, links

    out, code, words = "", 0, tuple(argv)
    if words[:2] == ("systemctl", "show"):
        out = f"ActiveState={'active' if holder(PLACES.run) else 'inactive'}"
    elif words == ("systemctl", "start", "--no-block", CONVERGE):
        nothing: dict[str, Any] = dict.fromkeys(("stdin", "stdout"), subprocess.DEVNULL)
        with (PLACES.state / "engine.log").open("ab") as log:
            subprocess.Popen(
                [sys.executable, "-I", str(HERE), "converge"], **nothing, stderr=log, start_new_session=True
            )
    elif words[:2] == ("systemctl", "enable"):
        for link in links(PLACES.root):
            link.parent.mkdir(parents=True, exist_ok=True)
            if link.name in words and not link.is_symlink():
                link.symlink_to(f"../{link.name}")
    elif words not in {("systemctl", "daemon-reload"), ("sync",)}:
        code = 127
    return programs.Ran(words, code, out, "", 0.0)


def recipe(payload: Any, node: Any, **_: bool) -> tuple[Any, ...]:
    """Return what needs nobody but the disk: content, files of the host, models in their registry."""
    from edgectl.node.converge.protocol import Observation, Status, Wait
    from edgectl.node.host.blobs import Blobs
    from edgectl.node.host.files import Files
    from edgectl.node.models.step import Registered

    class Serves:
        """A gate that takes as long as /etc/store.conf says."""

        id = title = "inference"
        wait = Wait(limit_seconds=60, every_seconds=0.5)
        needs = ("host-files",)

        def probe(self, read: Any) -> Observation:
            """Read the file."""
            slow = "slow" in (read.text(PLACES.root / "etc/store.conf") or "")
            return Observation(Status.IN_PROGRESS, "it loads") if slow else Observation(Status.CURRENT, "answers")

    return (
        Blobs(payload.blobs_of(node)),
        Files("host-files", "host files", node.host.files),
        *((Registered(payload.models, payload.blobs),) if payload.models else ()),
        Serves(),
    )


def main(command: str) -> int:
    """Do what `edgectl-node` does under this name."""
    frames = greet(PLACES) if command == "session" else None
    from edgectl.node import engine, looks
    from edgectl.node.io import programs
    from edgectl.node.session import answer

    for module in (engine, looks):
        module.recipe = recipe  # type: ignore[attr-defined]
    programs.run = program
    if frames is not None:
        answer(PLACES, frames)
        return 0
    return engine.run(PLACES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
