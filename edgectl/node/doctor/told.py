"""A doctor's answers over the link: the diagnosis, and the bundle behind it. Whoever asks hears a beat meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from edgectl.node.doctor.bundle import MOST_BYTES, pack
from edgectl.node.doctor.looked import looked
from edgectl.node.io.places import Places
from edgectl.node.tail import BEAT_SECONDS
from edgectl.wire.diagnosis import Diagnosis
from edgectl.wire.diagnosistext import lines
from edgectl.wire.document import to_json
from edgectl.wire.frame import Frames

_LEAST_BYTES = 50_000


def answer(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Say what is wrong with this node."""
    del frame
    frames.send("doctor", diagnosis=to_json(_patiently(places, frames)))


def bundle(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Send what a support desk wants to see, no more than is asked for."""
    most = max(min(int(frame.get("most", MOST_BYTES)), MOST_BYTES), _LEAST_BYTES)
    found = _patiently(places, frames)
    with ThreadPoolExecutor(1) as beside:
        packing = beside.submit(pack, places, diagnosis="\n".join(lines(found)), most_bytes=most)
        while not wait([packing], timeout=BEAT_SECONDS).done:
            frames.send("beat")
    data = packing.result()
    frames.send("bundle", bytes=len(data), diagnosis=to_json(found))
    frames.send_bytes(data)


def _patiently(places: Places, frames: Frames) -> Diagnosis:
    with ThreadPoolExecutor(1) as beside:
        looking = beside.submit(looked, places)
        while not wait([looking], timeout=BEAT_SECONDS).done:
            frames.send("beat")
    return looking.result()
