"""Bundles as people read them: what is in one, what is wrong with it, what is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from edgectl.control.bundle.carry import Carried
from edgectl.control.bundle.compare import Compared
from edgectl.control.bundle.layout import Artifact, Bundle
from edgectl.control.bundle.offers import Signed, offers
from edgectl.control.bundle.parts import shared
from edgectl.control.bundle.verify import Verified
from edgectl.control.gather.build import Built
from edgectl.report.words import count, size
from edgectl.wire.trust import written

_HEAD = ("kind", "name", "version", "arch", "size", "digest")
_SHORT = 12  # digits of a digest
_VERSION = 24


def inspected(bundle: Bundle, *, verbose: bool) -> str:
    """Say what a bundle holds."""
    artifacts = bundle.all()
    if not artifacts:
        return f"{bundle.root} is empty"
    lines = _table([_HEAD, *map(_row, artifacts)])
    if verbose:
        lines += ["", *(line for artifact in artifacts for line in _more(artifact))]
    lines += ["", *_totals(bundle, artifacts)]
    lines += [_offer(one) for one in offers(bundle.root)]
    made = bundle.notes
    if version := made.get("edgectl.version"):
        commit = made.get("edgectl.commit", "")[:7]
        lines.append(f"made by edgectl {version}" + (f" from commit {commit}" if commit else ""))
    lines.append(f"index {bundle.digest}")
    return "\n".join(lines)


def built(bundle: Bundle, made: Built, stores: int, *, verbose: bool) -> str:
    """Say what a build gave."""
    new = sum(made.fetched.values())
    said = f"{count(len(made.fetched), 'artifact')} fetched, {size(new)}; {made.kept} were there"
    lines = [
        f"{bundle.root} has all that {count(stores, 'store')} need{'s' if stores == 1 else ''}: {said}",
        *_totals(bundle, bundle.all()),
    ]
    if verbose:
        lines = [inspected(bundle, verbose=True), "", lines[0]]
    return "\n".join(lines)


def verified(root: Path, found: Verified) -> str:
    """Say whether a bundle is whole."""
    if not found.findings:
        return f"{root} is whole: {count(found.blobs, 'blob')}, {size(found.size)}, every byte as its digest says"
    head = f"{root} is not whole: {count(len(found.findings), 'finding')}"
    return "\n".join([head, *(f"  {one}" for one in found.findings)])


def compared(found: Compared, against: str) -> str:
    """Say what is new."""
    if not found.new and not found.gone:
        return f"nothing is new against {against} ({count(found.same, 'artifact')} the same)"
    rows: list[tuple[str, ...]] = [("", "kind", "name", "version", "arch", "size", "new bytes")]
    for one in found.new:
        version = f"{_version(one.before)} -> {_version(one.artifact.version)}" if one.before else ""
        row = _row(one.artifact)
        word = "changed" if one.before else "new"
        rows.append((word, *row[:2], version or row[2], row[3], row[4], size(one.fresh)))
    rows += [("gone", *_row(artifact)[:5], "") for artifact in found.gone]
    head = f"{count(len(found.new), 'artifact')} new against {against}, {size(found.size)}"
    if found.fresh != found.size:
        head += f", {size(found.fresh)} of it in layers that are not there"
    return "\n".join([*_table(rows), "", f"{head}; {found.same} the same"])


def exported(
    made: Carried, stores: Sequence[str], secrets: Mapping[str, Sequence[str]], *, signed: bool, verbose: bool
) -> str:
    """Say what was carried, and what cannot be."""
    names = ", ".join(stores) if verbose or len(stores) <= 3 else f"{stores[0]} and {len(stores) - 1} more"  # noqa: PLR2004
    needs = f"{names} {'needs' if len(stores) == 1 else 'need'}"
    lines = [f"{made.bundle.root} has all that {needs}: {count(made.blobs, 'blob')}, {size(made.size)}, read back"]
    lines += [_offer(one) for one in offers(made.bundle.root)]
    if not signed:
        lines.append("  unsigned  edgectl-node load will not take it: --sign-with KEY, by a key that the stores trust")
    for store, names_of in secrets.items():
        lines.append(
            f"  secrets   {store} uses {', '.join(names_of)}: no value is on it, and a node without them is not ready"
        )
    return "\n".join(lines)


def _offer(one: Signed) -> str:
    """Say what a store is offered."""
    offer = one.offer
    commit = f" from commit {offer.commit[:7]}" if offer.commit else ""
    return (
        f"  offer     {offer.store}{commit}, of {written(offer.serial)}, until {written(offer.expires)}, by {one.key}"
    )


def _totals(bundle: Bundle, artifacts: Sequence[Artifact]) -> list[str]:
    kinds: dict[str, list[Artifact]] = {}
    for artifact in artifacts:
        kinds.setdefault(artifact.kind, []).append(artifact)
    parts = ", ".join(f"{len(found)} {kind}" for kind, found in kinds.items())
    lines = [f"{count(len(artifacts), 'artifact')} ({parts}), {size(_bytes(artifacts))}"]
    common = shared(bundle, artifacts)
    if common.layers:
        layers = count(common.layers, "layer")
        lines.append(f"{layers} in more than one image: {size(common.size)} are there again")
    return lines


def _bytes(artifacts: Iterable[Artifact]) -> int:
    return sum({artifact.digest: artifact.size for artifact in artifacts}.values())


def _more(artifact: Artifact) -> Iterable[str]:
    yield artifact.digest
    yield from (f"  {ref}" for ref in artifact.refs)
    if artifact.source:
        yield f"  made from {artifact.source}"


def _row(artifact: Artifact) -> tuple[str, ...]:
    version = _version(artifact.version)
    digest = artifact.digest.removeprefix("sha256:")[:_SHORT]
    return (artifact.kind, artifact.name, version, artifact.arch, size(artifact.size), digest)


def _version(text: str) -> str:
    return text.removeprefix("sha256:")[:_SHORT] if text.startswith("sha256:") else text[:_VERSION]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
