"""What the recipe's own look says, as symptoms: each step and gate stands for one part. Pure.

Owns: which part a step is about and which code it has when it is not as declared; what its reason makes of that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edgectl.node.doctor import scaled
from edgectl.node.doctor.symptom import FINE, UNSEEN, WRONG, Symptom
from edgectl.wire.envelope import short
from edgectl.wire.payload import Models
from edgectl.wire.verdict import StepResult


@dataclass(frozen=True)
class Row:
    """One step: its part (`*` takes the name behind the step's first word), and its code."""

    step: str  # an id, or its beginning where it ends with "-"
    part: str
    code: str
    own: bool = False
    reaches: bool = False


ROWS = (
    Row("host", "system", "E-SYS-01"),
    Row("machine", "machine", "E-MCH-01", own=True),
    Row("units", "units", "E-ENG-01"),
    Row("trust", "trust", "E-TRU-01"),
    Row("blobs", "content", "E-CNT-01"),
    Row("packages", "packages", "E-PKG-01"),
    Row("gpu-packages", "packages", "E-PKG-02"),
    Row("host-files", "files", "E-HST-01"),
    Row("modules", "settings", "E-HST-02"),
    Row("sysctls", "settings", "E-HST-03"),
    Row("users", "users", "E-HST-04"),
    Row("services", "services", "E-HST-05"),
    Row("time", "clock", "E-CLK-02"),
    Row("reboot", "restart", "E-RST-01"),
    Row("host-folders", "folders", "E-HST-06"),
    Row("server-first", "server", "E-NET-05"),
    Row("k3s-binary", "k3s-binary", "E-K3S-01", reaches=True),
    Row("k3s-files", "k3s-files", "E-K3S-02", reaches=True),
    Row("image-archives", "content", "E-IMG-01"),
    Row("image-files", "images", "E-IMG-02", reaches=True),
    Row("k3s", "k3s", "E-K3S-03"),
    Row("certificates", "k3s-certificates", "E-K3S-10"),
    Row("backup", "backup", "E-BAK-01"),
    Row("k3s-serves", "node", "E-NOD-01"),
    Row("images", "images", "E-IMG-03", reaches=True),
    Row("images-announced", "images", "E-IMG-04"),
    Row("models", "models", "E-MOD-01", reaches=True),
    Row("helm-binary", "helm", "E-K3S-08", reaches=True),
    Row("cluster-dns", "dns", "E-DNS-02"),
    Row("stock-", "neighbour *", "E-NBR-02"),
    Row("turn-", "neighbour *", "E-NBR-03"),
    Row("node-", "neighbour *", "E-NBR-01"),
    Row("facts", "facts", "E-SEC-02", reaches=True),
    Row("secrets", "secrets", "E-SEC-01", reaches=True),
    Row("gpu-guard", "guard", "E-GRD-01"),
    Row("gpu-guard-holds", "guard", "E-GRD-02"),
    Row("gpu-driver", "gpu", "E-GPU-01"),  # of each layer, the look at the GPUs says more
    Row("gpu", "gpu", "E-GPU-08"),
    Row("gpu-marker", "gpu", "E-GPU-11"),
    Row("release-", "release *", "E-REL-01", reaches=True),
    Row("workload-", "pods *", "E-POD-09"),
    Row("inference", "inference", "E-INF-01"),
    Row("dead-pods", "leftovers", "E-POD-11"),
    Row("retired", "leftovers", "E-REL-02"),
    Row("chain", "inference", "E-INF-01"),
)
# step -> what its reason says -> (part, code, own): the first that fits.
SAYS: dict[str, tuple[tuple[str, str, str, bool], ...]] = {
    "host": (
        (r"clock", "clock", "E-CLK-01", True),
        (r"read-only", "disk", "E-DSK-03", True),
        (r"free|disk|inode", "disk", "E-DSK-02", False),
        (r"not supported", "system", "E-SYS-02", True),
    ),
    "k3s": (
        (r"address already in use", "k3s", "E-K3S-07", True),
        (r"is (inactive|deactivating)", "k3s", "E-K3S-03", True),
        (r"is not known to systemd|does not start at boot|has not read", "k3s", "E-K3S-04", True),
        (r"ends as soon as it starts|is failed", "k3s", "E-K3S-05", False),
        (r"something else than declared", "k3s", "E-K3S-06", False),
    ),
    "certificates": ((r"has made no certificates", "api", "E-API-01", False),),
    "modules": ((r"nvidia[-_]uvm", "gpu-uvm", "E-GPU-02", False),),
    "k3s-serves": (
        (r"does not answer|not ready|certificates yet|cannot answer now", "api", "E-API-01", False),
        (r"DiskPressure", "node", "E-NOD-03", False),
        (r"MemoryPressure|PIDPressure", "node", "E-NOD-04", False),
        (r"is not Ready", "node", "E-NOD-02", False),
    ),
}
_ENDED = (
    r"does not answer|cannot answer|not ready|ends as soon|is failed|not reported|certificate|x509"  # what k3s says
)
_OWN_WORDS = re.compile(r"differ|changed by hand|is missing|missing ->")


def row_of(step: str) -> Row | None:
    """Return the row of a step: its own, else that of the longest beginning."""
    for row in ROWS:
        if row.step == step:
            return row
    starts = [row for row in ROWS if row.step.endswith("-") and step.startswith(row.step)]
    return max(starts, key=lambda row: len(row.step), default=None)


def symptoms(results: Iterable[StepResult]) -> Iterator[Symptom]:
    """Yield one symptom a step; of the API, where it serves, one more."""
    for result in results:
        if result.id.startswith("release-"):
            yield from scaled.of_release(result)
        if not (result.id.startswith("release-") and scaled.is_all(result)):
            yield symptom(result)
        if result.id == "k3s-serves" and result.status == "current":
            yield Symptom("api", FINE)


def made_of_content(found: Iterable[Symptom], models: Models | None) -> tuple[Symptom, ...]:
    """Return the symptoms, models whose blobs are missing or damaged not as fine: a model's file is its blob. Pure."""
    symptoms_ = tuple(found)
    gone = " ".join(line for one in symptoms_ if one.part == "content" and one.wrong for line in one.evidence)
    hit = [
        one.name for one in (models.current if models else ()) if any(short(of) in gone for of in one.files.values())
    ]
    if not hit:
        return symptoms_
    unknown = Symptom("models", UNSEEN, says=f"{', '.join(hit)}: made of content that is missing", stops=False)
    return tuple(unknown if one.part == "models" and one.status == FINE else one for one in symptoms_)


def symptom(result: StepResult) -> Symptom:
    """Return what one step says."""
    row = row_of(result.id)
    part, code = (row.part, row.code) if row else ("settings", "E-ENG-09")
    own, reaches = (row.own, row.reaches) if row else (False, False)
    if row is not None and part.endswith(" *"):
        part = f"{part[:-2]} {result.id.removeprefix(row.step)}"
    said = result.reason if result.status != "current" else result.degraded or result.absent
    for pattern, of, named, alone in SAYS.get(result.id, ()):
        if said and re.search(pattern, said):
            part, code, own = of, named, alone
            break
    if result.status == "blocked":
        return Symptom(part, UNSEEN, says=result.reason, stops=False)
    if result.status == "unknown":
        return Symptom(part, UNSEEN, code, result.reason, result.evidence[:3])
    if result.status == "current":
        if not said:
            return Symptom(part, FINE, says=result.reason)
        return Symptom(part, WRONG, code, said, _evidence(result), stops=False, own=own)
    drifted = result.status == "drifted" and result.id not in {"k3s", "gpu", "gpu-driver", "gpu-marker"}
    ended = _ENDED if result.id == "certificates" and "has ended" in said else ""
    return Symptom(
        part,
        WRONG,
        code,
        said,
        _evidence(result) or ((said,) if ended else ()),
        stops=not drifted,
        explains=ended,
        among=frozenset({"k3s", "api", "node"}) if ended else frozenset(),
        own=own or bool(ended) or (drifted and bool(_OWN_WORDS.search(f"{said} {result.differences}"))),
        reaches=reaches,
        covers=_covers(result) if result.id.startswith("release-") else None,
        yet=result.status == "in-progress",
    )


def _evidence(result: StepResult) -> tuple[str, ...]:
    """Return what was read: differences where there are some, else the last lines."""
    shown = tuple(f"{field}: {have} -> {want}" for field, have, want in result.differences[:3])
    if shown:
        return shown
    lines = [line for line in result.evidence if not line.endswith(": ")]
    return tuple(lines[:1] + lines[-2:] if len(lines) > 3 else lines)  # noqa: PLR2004 - the command, and its end


def _covers(result: StepResult) -> frozenset[str] | None:
    """Return which pods a changed release can be the reason of: those whose objects it names; all where it is none."""
    if not result.differences or result.status != "drifted":
        return None
    names = {word for field, _, _ in result.differences for word in re.findall(r"[a-z0-9]+(?:[-.][a-z0-9]+)*", field)}
    return frozenset(f"pods {name}" for name in names)
