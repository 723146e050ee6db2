"""An operator in a process of its own: `python -m tests.far.push DOOR.json REF=PATH...` deploys over a line.

Prints one JSON object: how it ended, what it cost, and the most memory that it has held.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from edgectl.control.deploy.deploy import Deploy
from edgectl.control.link.bootstrap import open_session
from edgectl.control.link.runtime import RuntimeArchive
from edgectl.control.link.target import Target
from tests.far.offer import offered
from tests.unit.control.deploy.silent import Silent


class Told(Silent):
    """Remembers when the first and the last byte of content went."""

    began = 0.0

    def wanted(self, blobs: int, missing_bytes: int) -> None:
        """Take the time at which the node has said what it lacks."""
        del blobs, missing_bytes
        self.began = self.began or time.monotonic()


def peak_bytes(pid: int | str = "self") -> int:
    """Return the most memory that a process has held at once (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


def main(door: str, *models: str) -> int:
    """Deploy and print."""
    doc = json.loads(Path(door).read_text())
    target = Target(
        node=doc["node"],
        host=doc["host"],
        port=doc["port"],
        user=doc["user"],
        host_key=doc["host_key"],
        keys=(Path(doc["key"]),),
        agent=False,
    )
    engine = RuntimeArchive(doc["engine"], Path(doc["tar"]).read_bytes())
    offer = replace(
        offered({ref: Path(path) for ref, _, path in (one.partition("=") for one in models)}), runtime=engine.digest
    )
    told = Told()
    running = Deploy(offer, lambda: open_session(target, engine, state=doc["state"]), told)
    began = time.monotonic()
    outcome = running.run()
    said = {
        "word": outcome.verdict.get("word"),
        "seconds": time.monotonic() - began,
        "until_wanted": told.began - began,
        "wire_bytes": outcome.wire_bytes,
        "link_bytes": outcome.link_bytes,
        "sessions": outcome.sessions,
        "peak_bytes": peak_bytes(),
    }
    sys.stdout.write(json.dumps(said) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
