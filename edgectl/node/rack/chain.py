"""`edgectl-node chain`: the chain from the GPU to the sink, and the first link upstream that is broken."""

from __future__ import annotations

import argparse
import sys

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.vision.chain.declared import here
from edgectl.node.vision.chain.looked import looked, remembered
from edgectl.wire.chaintext import headline, lines, next_of
from edgectl.wire.errors import EdgectlError, Exit


def run(places: Places, args: argparse.Namespace) -> int:
    """Look once, and draw it."""
    del args
    look = Look(places)
    try:
        declared = here(places)
        seen, _ = looked(look, declared, remembered(look))
    except EdgectlError as error:
        sys.stderr.write(f"edgectl-node: {error.message}\n")
        return int(error.exit)
    except LookFailed as failure:
        sys.stderr.write(f"edgectl-node: the chain could not be looked at: {failure.reason}\n")
        return int(Exit.NOT_READY)
    todo = next_of(seen)
    said = [headline(declared.node, seen), *lines(seen), *([f"  next      {todo}"] if todo else [])]
    sys.stdout.write("\n".join(said) + "\n")
    return seen.exit
