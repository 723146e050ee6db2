"""`edgectl-node doctor`: why this node is not well, first cause first; works without a network."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edgectl.node.io.places import Places
from edgectl.wire.diagnosis import FORMAT
from edgectl.wire.diagnosistext import lines
from edgectl.wire.document import to_json
from edgectl.wire.errors import Exit
from edgectl.wire.runbook import near, page_of


def run(places: Places, args: argparse.Namespace) -> int:
    """Explain a code, or look once and say it; `--bundle` keeps what was looked at, too."""
    if args.explain:
        return explain(args.explain)
    from edgectl.node.doctor.looked import looked  # here: a page needs none of it

    found = looked(places)
    if args.output == "json":
        text = json.dumps({**to_json(found), "word": found.word, "exit": found.exit, "format": FORMAT}, indent=2)
    else:
        text = "\n".join(lines(found))
    sys.stdout.write(text + "\n")
    return _kept(places, Path(args.bundle), found.exit, text) if args.bundle else found.exit


def explain(code: str) -> int:
    """Show a page of the runbook."""
    page = page_of(code)
    if page is None:
        sys.stderr.write(f"edgectl-node: there is no page {code!r:.60} (near: {', '.join(near(code))})\n")
        return int(Exit.USAGE)
    sys.stdout.write("\n".join(page.lines) + "\n")
    return int(Exit.OK)


def _kept(places: Places, file: Path, code: int, text: str) -> int:
    from edgectl.node.doctor.bundle import pack

    data = pack(places, diagnosis=text)
    try:
        file.write_bytes(data)
    except OSError as error:
        sys.stderr.write(f"edgectl-node: {file} cannot be written: {error.strerror or error}\n")
        sys.stderr.write("  next: name a place with room, e.g. --bundle /media/usb/doctor.tar.gz\n")
        return int(Exit.NOT_READY)
    sys.stderr.write(f"edgectl-node: {file}, {len(data) / 1e6:.2f} MB; secrets are redacted, MANIFEST.txt lists all\n")
    return code
