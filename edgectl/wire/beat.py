"""The beat: one line that says how a node stands, short enough for any line that carries anything at all.

Owns: its form, at most 200 bytes whatever store and node are called, and what is cut where that is too little: first
the reason, then the names, never a number. Must not know who sends or keeps it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

VERSION = 1
MOST_BYTES = 200

_NO_TEXT = re.compile(r"[^A-Za-z0-9._/:~+-]")
_LEAST_WHY = 3  # letters of a reason that are worth their place
_MARK = 5  # "~" and four digits of the digest: what a name that was cut ends with
_DIGITS = {"n": 10, "runs": 7, "next": 7, "for": 9, "up": 9, "at": 10}
_GPU_DIGITS = 3
_CERT_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Beat:
    """How a node stands. `box` and `n` together name it: `n` never goes back while the outbox is the same one."""

    store: str
    node: str
    box: str  # which outbox has counted: four hex digits, others when the node's disk was made anew
    n: int
    boot: str  # the first digits of the boot's id
    runs: int  # the sequence that runs; 0 for none
    next: int  # the candidate; 0 for none
    word: str  # of the verdict, or `paused`
    held: int  # seconds of this boot for which that has been the word
    up: int  # seconds since this boot
    at: int  # the node's clock, seconds since 1970: it may be wrong
    gpu: int  # GPUs that have computed in this boot
    gpus: int  # GPUs that are declared
    disk: int  # percent of the disk that are used
    why: str = ""  # the step that is not as it should be
    cert: int = -1  # days until the first of k3s's certificates ends, 0 also after that; -1 where none is known

    def says_as(self, other: Beat) -> bool:
        """Tell whether both say the same of the store, whenever that was."""
        return self._said == other._said

    @property
    def _said(self) -> tuple[object, ...]:
        return (self.boot, self.runs, self.next, self.word, self.gpu, self.gpus, self.why)


def encode(beat: Beat) -> bytes:
    """Return one line of at most 200 bytes. A number that is too large for its place says the largest that fits."""
    store, node, why = _text(beat.store), _text(beat.node), _text(beat.why)
    room = MOST_BYTES - len(_line(beat, "", "", ""))
    if len(store) + len(node) > room:
        node = _cut(node, max(room - len(store), room // 2))
        store = _cut(store, room - len(node))
    left = room - len(store) - len(node) - len(" why=")
    return _line(beat, store, node, why[:left] if left >= min(len(why), _LEAST_WHY) else "")


def decode(line: bytes) -> Beat:
    """Read a beat; ValueError says what does not fit. Words that came later are passed over."""
    try:
        said = dict(word.split("=", 1) for word in line.decode("ascii").split())
        if said.get("edgectl") != str(VERSION):
            raise ValueError(f"a beat of version {said.get('edgectl')} is not known here")
        gpu, _, gpus = said["gpu"].partition("/")
        number = {name: int(said.get(name, "0")) for name in (*_DIGITS, "disk")}
        return Beat(
            store=said["store"],
            node=said["node"],
            box=said["box"],
            n=int(said["n"]),
            boot=said["boot"],
            runs=number["runs"],
            next=number["next"],
            word=said["word"].replace("-", " "),
            held=number["for"],
            up=number["up"],
            at=number["at"],
            gpu=int(gpu),
            gpus=int(gpus),
            disk=number["disk"],
            why=said.get("why", ""),
            cert=int(said.get("cert", "-1")),
        )
    except KeyError as missing:
        raise ValueError(f"the beat does not say {missing}") from missing


def _line(beat: Beat, store: str, node: str, why: str) -> bytes:
    number = {name: _fits(value, _DIGITS[name]) for name, value in _numbers(beat).items()}
    gpu, gpus = (_fits(value, _GPU_DIGITS) for value in (beat.gpu, beat.gpus))
    words = {
        "edgectl": VERSION,
        "store": store,
        "node": node,
        "box": _text(beat.box)[:4],
        "n": number["n"],
        "boot": _text(beat.boot)[:6],
        "runs": number["runs"],
        **({"next": number["next"]} if number["next"] else {}),
        "word": _text(beat.word.replace(" ", "-"))[:11],
        "for": number["for"],
        "up": number["up"],
        "at": number["at"],
        "gpu": f"{gpu}/{gpus}",
        "disk": min(max(beat.disk, 0), 100),
        **({"cert": _fits(beat.cert, _CERT_DIGITS)} if beat.cert >= 0 else {}),
        **({"why": why} if why else {}),
    }
    return (" ".join(f"{name}={value}" for name, value in words.items()) + "\n").encode("ascii")


def _numbers(beat: Beat) -> dict[str, int]:
    return {"n": beat.n, "runs": beat.runs, "next": beat.next, "for": beat.held, "up": beat.up, "at": beat.at}


def _fits(value: int, digits: int) -> int:
    return min(max(value, 0), int("9" * digits))


def _text(text: str) -> str:
    """Return what stands in a line as one word."""
    return _NO_TEXT.sub("?", text)


def _cut(name: str, room: int) -> str:
    """Shorten a name so that two long ones are still two."""
    if len(name) <= room:
        return name
    return f"{name[: room - _MARK]}~{hashlib.sha256(name.encode()).hexdigest()[: _MARK - 1]}"
