"""A support desk's bundle of a store, as one .tar.gz: each node's own, what this desk knows of them, a manifest.

Owns: what of this desk is in it, redacted, and that it is never larger than `MOST_BYTES`.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from pathlib import Path

from edgectl import __version__
from edgectl.control.doctor.ask import Answer
from edgectl.wire.diagnosis import Diagnosis
from edgectl.wire.diagnosistext import lines
from edgectl.wire.errors import EdgectlError
from edgectl.wire.parcel import parcel as pack
from edgectl.wire.redaction import Redaction

MOST_BYTES = 5_000_000
_OURS_BYTES = 700_000  # of this desk's own texts; nodes have had 4 MB between them
_TAIL_BYTES = 60_000


def parcel(store: str, seen: Diagnosis, answers: Mapping[str, Answer | EdgectlError], record: Path) -> bytes:
    """Return the archive. `record`: the folder of what was collected from this store."""
    redaction = Redaction(())
    files: dict[str, bytes] = {"doctor.txt": "\n".join((*lines(seen), "")).encode()}
    about = f"edgectl {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    files["operator.txt"] = (about + f"clock {time.strftime('%F %T UTC', time.gmtime())}\n").encode()
    for name, answer in answers.items():
        if isinstance(answer, EdgectlError):
            said = "\n".join((answer.message, answer.hint, *answer.details, ""))
            files[f"{name}/unreachable.txt"] = redaction.of(said).encode()
        elif answer.bundle:
            files[f"{name}.tar.gz"] = answer.bundle
        for kind in ("beats", "verdicts"):
            if text := _tail(record / name / f"{kind}.jsonl"):
                files[f"{name}/collected-{kind}.jsonl"] = redaction.of(text).encode()
    ours = 0
    for name in [name for name in files if not name.endswith(".tar.gz")]:
        ours += len(files[name]) + 1024
        if ours > _OURS_BYTES:
            del files[name]
    listed = "".join(f"{len(data):>9}  {name}\n" for name, data in files.items())
    return pack(store, {"MANIFEST.txt": f"edgectl doctor's bundle of {store}; redacted\n{listed}".encode(), **files})


def _tail(path: Path) -> str:
    try:
        data = path.read_bytes()[-_TAIL_BYTES:]
    except OSError:
        return ""
    return (data if len(data) < _TAIL_BYTES else data.partition(b"\n")[2]).decode(errors="replace")
