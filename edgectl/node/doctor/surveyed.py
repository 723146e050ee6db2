"""What the survey of the machine has found, as symptoms. Pure.

Owns: which of its findings are faults of a node that runs, which only make one suspect, and which are advice for one
day: a survey is made for the time before a deploy, and much that it warns of hurts nobody now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edgectl.node.doctor.answered import DATES, UNRESOLVED
from edgectl.node.doctor.symptom import FINE, NOTE, SUSPECT, UNSEEN, WRONG, Symptom
from edgectl.wire.finding import OK, STOP, UNKNOWN, WARN, Finding

_NO_WAY = rf"no route|unreachable|timed out|not answer|no answer|not reached|{UNRESOLVED}"


@dataclass(frozen=True)
class Row:
    """One kind of finding: what it is about, its code; as a warning what it may explain ("" for nothing)."""

    about: str
    part: str
    code: str
    stops: bool = False
    warns: str = ""  # NOTE, SUSPECT, WRONG
    explains: str = ""


ROWS = (
    Row("machine", "machine", "E-MCH-01", warns=NOTE),
    Row("os", "system", "E-SYS-02", warns=NOTE),
    Row("disk-read-only", "disk", "E-DSK-03", stops=True),
    Row("disk-inodes", "disk", "E-DSK-04", stops=True, warns=NOTE),
    Row("disk-room", "disk", "E-DSK-02", warns=NOTE),
    Row("disk-errors", "disk", "E-DSK-05", warns=SUSPECT, explains=r"I/O error|read-only|corrupt|input/output"),
    Row("disk-smart", "disk", "E-DSK-05"),
    Row("disk", "disk", "E-DSK-02", warns=NOTE),
    Row("memory", "memory", "E-MEM-02", warns=NOTE),
    Row("clock-rtc", "clock", "E-CLK-03", warns=SUSPECT, explains=DATES),
    Row("clock-sync", "clock", "E-CLK-02", warns=SUSPECT, explains=r"not yet valid"),
    Row("clock", "clock", "E-CLK-01", stops=True, warns=SUSPECT, explains=DATES),
    Row("network-address", "network", "E-NET-01", stops=True, warns=NOTE),
    Row("network-link", "network", "E-NET-06", warns=WRONG, explains=_NO_WAY),
    Row("network-alone", "network", "E-NET-06", warns=SUSPECT, explains=_NO_WAY),  # a store may be so for years
    Row("network-route", "network", "E-NET-02", warns=SUSPECT, explains=_NO_WAY),
    Row("network-names", "network", "E-NET-03", warns=SUSPECT, explains=rf"{UNRESOLVED}|no address|name server"),
    Row("network-lead", "server", "E-NET-05", warns=SUSPECT, explains=r"answer|unreachable|timed out|refus|server"),
    Row("network-ports", "k3s", "E-K3S-07", warns=NOTE),
    Row("network", "network", "E-NET-04", warns=NOTE),
    Row("packages-half", "packages", "E-PKG-01", warns=SUSPECT, explains=r"dpkg|apt|half"),
    Row("packages", "packages", "E-PKG-01", warns=NOTE),
    Row("gpu-cards", "gpu-hardware", "E-GPU-12", stops=True, warns=WRONG),
    Row("gpu-nouveau", "gpu-driver", "E-GPU-13", warns=SUSPECT, explains=r"driver|nouveau|nvidia|module"),
    Row("gpu-secure-boot", "gpu-driver", "E-GPU-14", warns=SUSPECT, explains=r"driver|key|nvidia|module|Secure"),
    Row("gpu", "", ""),  # driver and toolkit: the look at the GPUs says it better
    Row("others-cluster", "", ""),  # what runs in the cluster is nobody's fault
    Row("others-helm", "", ""),
    Row("others-release", "", ""),
    Row("others-kubernetes", "others", "E-OWN-01", warns=NOTE),
    Row("others", "others", "E-OWN-01", warns=SUSPECT, explains=r"address already in use|port|kubelet|cni"),
    Row("k3s-certificates", "", ""),  # their step says it better, and what renews them
    Row("k3s", "k3s", "E-K3S-09", warns=NOTE),
)
_BY_DRIVER = "by the driver"  # of cards that a driver names, the look at the GPUs says which
_OF_A_STORE = frozenset({"k3s", "gpu-driver", "gpu-hardware"})  # a bare machine has none of it to be fine


def row_of(about: str) -> Row | None:
    """Return the row of a finding: the longest that it begins with."""
    return max((row for row in ROWS if about.startswith(row.about)), key=lambda row: len(row.about), default=None)


def symptoms(found: Iterable[Finding], *, deployed: bool) -> Iterator[Symptom]:
    """Yield one symptom a finding. On a machine that runs nothing yet, what would only stop a deploy is told."""
    for one in found:
        row = row_of(one.about)
        if row is None or not row.part or _is_said_better(one):
            continue
        if one.word == OK:
            if deployed or row.part not in _OF_A_STORE:
                yield Symptom(row.part, FINE, says=one.reason)
        elif one.word == UNKNOWN:
            yield Symptom(row.part, UNSEEN, row.code, one.reason, one.evidence, one.hint, stops=False)
        elif one.word == STOP or row.warns == WRONG:
            stops = row.stops and one.word == STOP
            yield Symptom(
                row.part,
                WRONG,
                row.code,
                one.reason,
                one.evidence[:3],
                one.hint,
                stops=stops,
                own=row.about != "disk-room",
                explains=row.explains,
            )
        elif one.word == WARN and row.warns == SUSPECT:
            yield Symptom(
                row.part, SUSPECT, row.code, one.reason, one.evidence[:3], one.hint, False, explains=row.explains
            )
        elif row.warns == NOTE and not deployed:
            yield Symptom(row.part, NOTE, row.code, one.reason, (), one.hint)


def _is_said_better(one: Finding) -> bool:
    """Tell whether somebody else says it: of a card that a driver names, or of one name that does not resolve."""
    if one.about.startswith("gpu-cards"):
        return _BY_DRIVER in one.reason
    said = "\n".join((one.reason, *one.evidence))
    return one.about == "network-names" and "not resolve" in said and "no name server" not in said
