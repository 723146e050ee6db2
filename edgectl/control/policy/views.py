"""Manifests as rules like to read them: the pod behind any kind, its GPUs, its images; and the hosts of a payload.

Owns the shapes of the variables `pod`, `images` and `hosts`: every key is always there. Must not know any rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml

from edgectl.control.kubeyaml import load_all
from edgectl.control.payload.images import full_name, named_in
from edgectl.wire.payload import Payload

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")
_REGISTRIES = "/etc/rancher/k3s/registries.yaml"


def objects(manifests: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield every object, those inside a List, too."""
    for manifest in manifests:
        if str(manifest.get("kind", "")).endswith("List") and isinstance(manifest.get("items"), list):
            yield from objects(item for item in manifest["items"] if isinstance(item, dict))
        else:
            yield dict(manifest)


def name_of(manifest: Mapping[str, Any]) -> str:
    """Return `Deployment/inference`."""
    return f"{manifest.get('kind', 'object')}/{_map(manifest.get('metadata')).get('name', '?')}"


def pod(manifest: Mapping[str, Any], gpus: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the pods that an object makes: `gpus` of one pod, `containers`, `initContainers`; empty without pods.

    `gpus` is what GPUs are called besides what everybody calls them.
    """
    spec = _pod_spec(manifest)
    folders = {
        str(one.get("name")): str(_map(one.get("hostPath")).get("path", "")) for one in _maps(spec.get("volumes"))
    }
    containers, first = (
        [_container(one, gpus, folders) for one in _maps(spec.get(key))] for key in ("containers", "initContainers")
    )
    return {
        "gpus": sum(container["gpus"] for container in containers),
        "containers": containers,
        "initContainers": first,
        "runtimeClass": str(spec.get("runtimeClassName") or ""),
    }


def images(manifest: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the images that an object names: as written (`ref`), and in parts; `name` begins with the host."""
    return [_image(ref) for ref in sorted(set(named_in(dict(manifest))))]


def hosts(payload: Payload) -> list[str]:
    """Return the hosts that a store would talk to: URLs in values of releases, registries and their mirrors."""
    found = {host for release in payload.releases for host in _hosts_in(release.values)}
    for node in payload.nodes:
        for file in node.k3s.files:
            if file.path == _REGISTRIES:
                found.update(_registries(file.text))
    return sorted(found)


def is_gpu(resource: str) -> bool:
    """Say whether a resource is some kind of GPU: nvidia.com/gpu, nvidia.com/mig-1g.10gb, gpu.intel.com/i915."""
    return "/" in resource and ("gpu" in resource.lower() or resource.startswith("nvidia.com/"))


def _pod_spec(manifest: Mapping[str, Any]) -> dict[str, Any]:
    if manifest.get("kind") == "Pod":
        return _map(manifest.get("spec"))
    spec = _map(manifest.get("template") if manifest.get("kind") == "PodTemplate" else manifest.get("spec"))
    spec = _map(_map(spec.get("jobTemplate")).get("spec")) or spec
    return _map(_map(spec.get("template")).get("spec")) or (spec if "containers" in spec else {})


def _container(one: Mapping[str, Any], gpus: frozenset[str], folders: Mapping[str, str]) -> dict[str, Any]:
    resources = _map(one.get("resources"))
    limits, requests = _map(resources.get("limits")), _map(resources.get("requests"))
    mounts = _maps(one.get("volumeMounts"))
    wanted = {**requests, **limits}
    return {
        "name": str(one.get("name", "")),
        "image": str(one.get("image", "")),
        "gpus": sum(_count(amount) for name, amount in wanted.items() if name in gpus or is_gpu(str(name))),
        "limits": {str(key): str(amount) for key, amount in limits.items()},
        "requests": {str(key): str(amount) for key, amount in requests.items()},
        "mounts": [str(mount.get("mountPath", "")) for mount in mounts],
        "reads": [path for mount in mounts if (path := _read_only(mount, folders))],
        "restartPolicy": str(one.get("restartPolicy") or ""),
    }


def _read_only(mount: Mapping[str, Any], folders: Mapping[str, str]) -> str:
    """Return the node's folder that is mounted at its own path, whole and read-only; "" where that is not so."""
    path = folders.get(str(mount.get("name")), "")
    whole = mount.get("readOnly") is True and not mount.get("subPath") and not mount.get("subPathExpr")
    return path if whole and mount.get("mountPath") == path else ""


def _image(ref: str) -> dict[str, str]:
    whole, _, digest = full_name(ref).partition("@")
    last = whole.rpartition("/")[2]
    tag = last.partition(":")[2]
    name = whole[: -len(tag) - 1] if tag else whole
    return {"ref": ref, "name": name, "host": name.partition("/")[0], "tag": tag, "digest": digest}


def _hosts_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _hosts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _hosts_in(item)
    elif isinstance(value, str):
        for url in _URL.findall(value):
            yield from _host(url)


def _registries(text: str) -> Iterator[str]:
    try:
        found = _map(next(iter(load_all(text)), None))
    except yaml.YAMLError:
        return
    for name, mirror in _map(found.get("mirrors")).items():
        ends = _map(mirror).get("endpoint") or []
        yield from (host for end in ends for host in _host(str(end) if "://" in str(end) else f"https://{end}"))
        if name != "*" and not ends:
            yield from _host(f"https://{name}")


def _host(url: str) -> Iterator[str]:
    try:
        found = urlsplit(url).hostname
    except ValueError:
        return
    if found:
        yield found


def _count(amount: Any) -> int:
    try:
        return int(float(str(amount)))
    except ValueError:
        return 1  # no number, yet a wish


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _maps(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
