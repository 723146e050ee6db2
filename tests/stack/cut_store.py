"""A program for test_power_cut: keeps events, says each receipt, lets a sink take some; traced from outside.

python -m tests.stack.cut_store FOLDER GROUPS
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from edgectl.stack.ops.clock import SystemClock
from edgectl.stack.uplink.config import StoreAt
from edgectl.stack.uplink.store import Store


def main(folder: Path, groups: int) -> None:
    """Write to `said`: +ID when an event is receipted, -ID when a sink has it."""
    draw = random.Random(1)  # noqa: S311 - the same cuts each time
    store = Store(StoreAt(str(folder / "uplink.db"), keep_free_bytes=0), SystemClock())
    said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT, 0o600)
    names: dict[int, str] = {}
    for group in range(groups):
        items = [
            (f"{group}-{index}", draw.randbytes(draw.randrange(20, 3000))) for index in range(draw.randrange(1, 9))
        ]
        store.keep(items)
        os.write(said, "".join(f"+{name}\n" for name, _ in items).encode())
        for name, _ in items:
            names[len(names) + 1] = name  # seq begins with 1 and leaves out none
        if group % 7 == 6:
            rows = store.oldest(events=10, size_bytes=1_000_000)
            os.write(said, "".join(f"-{names[row.seq]}\n" for row in rows).encode())
            store.settle(rows)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
