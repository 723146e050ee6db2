"""Image archives looked into before a deploy is accepted: what would harm a store, or never run, is refused.

Owns: which archives are looked into: those that no slot names yet (what one names was looked into when it was accepted,
and a digest's bytes do not change). Root over SSH may send anything; a bundle that is broken or hostile may not.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.wire.archive import BadArchive, judge
from edgectl.wire.envelope import short
from edgectl.wire.errors import Refused
from edgectl.wire.payload import Image, decode

_BEAT_SECONDS = 5.0  # whoever waits at the other end is told that this one works


def admit(places: Places, images: tuple[Image, ...], beat: Callable[[], object] = lambda: None) -> None:
    """Raise Refused when a new archive is not what one must be; nothing is changed."""
    known = _known(places)
    beats = _Beats(beat)
    for archive, refs in {image.archive: image.refs for image in images}.items():
        if archive in known:
            continue
        try:
            with places.blob(archive).open("rb") as file:
                judge(file, beats.beat)
        except BadArchive as error:
            raise Refused(
                f"the archive {short(archive)} of {', '.join(refs) or 'an image'} is not taken: {error}",
                hint="build the image into the bundle anew; `edgectl bundle verify` says the same of it there",
            ) from error


def _known(places: Places) -> set[str]:
    known: set[str] = set()
    for slot in Slots(places).kept:
        try:
            payload = decode(places.blob(slot.envelope.payload).read_bytes())
            known |= {image.archive for image in payload.node(slot.envelope.node).k3s.images}
        except (OSError, ValueError, KeyError):
            continue
    return known


class _Beats:
    def __init__(self, beat: Callable[[], object]) -> None:
        self._beat = beat
        self._next = time.monotonic() + _BEAT_SECONDS

    def beat(self) -> None:
        if time.monotonic() >= self._next:
            self._beat()
            self._next = time.monotonic() + _BEAT_SECONDS
