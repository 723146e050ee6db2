"""The chain of a store's payload: which services it has, as the release's own manifests show them.

Owns: which Service is which link (by its name), and where it says how it is: its port `ops`, the bus its MQTT port. A
chart without some of them has a shorter chain. Must not know how anything is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from edgectl.control.inventory.store import ChainSettings, DependencySettings
from edgectl.wire.chain import Chain, Dependency, Endpoint
from edgectl.wire.payload import Inference, Release

SERVICES = ("camera", "inference", "bus", "uplink", "drift")
_BUS, _MQTT, _OPS = "bus", 1883, "ops"
Find = Callable[..., None]  # (sentence, *path of the inventory)


def chain(
    asked: ChainSettings,
    releases: Sequence[Release],
    question: Inference | None,
    find: Find,
    *,
    gpu: bool,
    models: bool,
) -> Chain | None:
    """Return the chain; None where there is none. What is declared and cannot be is told to `find`."""
    if not asked.enabled:
        return None
    release = _release(asked, releases)
    services = _services(release.manifests) if release else {}
    if "camera" not in services and not asked.declared:
        return None
    links = {*services, *({"sink"} if "uplink" in services else ()), *({"gpu"} if gpu else ())}
    if question is not None:
        links |= {"model", "inference"}
    if models:
        links.add("model")
    if not links and not asked.dependencies:
        what = f"release {release.name} has none of the Services" if release else "no release has the Service camera of"
        find(
            f"chain: {what} {', '.join(SERVICES)}, and no dependencies are declared: chain: {{enabled: false}}", "chain"
        )
        return None
    for index, name in enumerate(asked.required or ()):
        if name not in links and name != "gpu":  # a store without GPUs shares its group's line
            where = f"release {release.name}" if release else "the store"
            find(
                f"chain.required: {name} is no link of this store: {where} has no Service for it",
                "chain",
                "required",
                index,
            )
    for one in asked.dependencies:
        if one.after and one.after not in links | {other.name for other in asked.dependencies}:
            sentence = f"chain.dependencies.{one.name} rests on {one.after}, and this store's chain has no such link"
            find(sentence, "chain", "dependencies", one.name, "after")
    default = Chain("", {}).required
    return Chain(
        namespace=release.namespace if release else question.namespace if question else "default",
        services=dict(sorted(services.items())),
        required=asked.required if asked.required is not None else default,
        dependencies=tuple(_dependency(one) for one in _ordered(asked.dependencies)),
        canary_ms=asked.canary_ms,
    )


def _release(asked: ChainSettings, releases: Sequence[Release]) -> Release | None:
    if asked.release:
        return next((one for one in releases if one.name == asked.release), None)
    with_camera = (one for one in releases if "camera" in _services(one.manifests))
    return next(with_camera, next((one for one in releases if _services(one.manifests)), None))


def _services(manifests: Iterable[dict[str, Any]]) -> dict[str, Endpoint]:
    found = {}
    for item in manifests:
        name = str((item.get("metadata") or {}).get("name", ""))
        if item.get("kind") == "Service" and name in SERVICES and (port := _port(name, item)):
            found[name] = Endpoint(name, port)
    return found


def _port(name: str, item: dict[str, Any]) -> int:
    """Return where a service says how it is; 0 where it does not: it is no link then."""
    ports = [one for one in (item.get("spec") or {}).get("ports") or () if isinstance(one, dict)]
    for one in ports:
        if (one.get("port") == _MQTT) if name == _BUS else (one.get("name") == _OPS):
            return int(one["port"])
    return 0


def _ordered(asked: Sequence[DependencySettings]) -> list[DependencySettings]:
    """Return them so that each comes behind what it rests on; else as they stand in the inventory."""
    names, ordered, left = {one.name for one in asked}, list[DependencySettings](), list(asked)
    while left:
        done = {one.name for one in ordered}
        free = [one for one in left if one.after not in names or one.after in done]
        ordered += free or left
        left = [one for one in left if one not in ordered]
    return ordered


def _dependency(asked: DependencySettings) -> Dependency:
    return Dependency(
        name=asked.name,
        kind=asked.kind,
        target=asked.target,
        command=asked.command,
        expect=asked.expect,
        required=asked.required,
        after=asked.after,
        timeout_seconds=asked.timeout_seconds,
    )
