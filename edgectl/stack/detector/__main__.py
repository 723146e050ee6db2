"""Train the detector and write its newest version.

`python -m edgectl.stack.detector templates/models/tiny-detector`
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from edgectl.stack.detector.accuracy import measure
from edgectl.stack.detector.folder import write
from edgectl.stack.detector.network import forward
from edgectl.stack.detector.shape import VERSION
from edgectl.stack.detector.train import train


def main(argv: list[str] | None = None) -> int:
    """Train, write, and say how well it does."""
    parser = argparse.ArgumentParser(prog="python -m edgectl.stack.detector", description=__doc__)
    parser.add_argument("folder", type=Path, help="where versions are kept; this one's folder is written anew")
    folder = parser.parse_args(argv).folder / VERSION
    began = time.monotonic()
    weights = train(say=_say)
    write(folder, weights)
    accuracy = measure(lambda pictures: forward(weights, pictures))
    _say(f"{folder}: F1 {accuracy.f1:.3f} on scenes never seen, after {time.monotonic() - began:.0f} s")
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


if __name__ == "__main__":
    sys.exit(main())
