"""A release of the inventory rendered once, so that no node ever renders a template.

Owns the release's digest and what of Helm's output the node compares. Must not know images or k3s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgectl.control.bundle.chart import Chart
from edgectl.control.bundle.helm import Rendering
from edgectl.control.inventory.store import ReleaseSettings
from edgectl.control.payload.images import named_in
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.payload import Release

Template = Callable[[Rendering], tuple[dict[str, Any], ...]]
_HOOK = "helm.sh/hook"


@dataclass(frozen=True, slots=True)
class RenderedRelease:
    """A release with all images that its objects name, those of its hooks included."""

    release: Release
    chart: Chart
    images: tuple[str, ...]
    hooks: tuple[dict[str, Any], ...] = ()


def render_release(asked: ReleaseSettings, chart: Chart, *, kube_version: str, template: Template) -> RenderedRelease:
    """Render one release. Hooks run and go, so they are no part of what the node keeps in place."""
    rendering = Rendering(
        release=asked.name, namespace=asked.namespace, chart=chart, values=asked.values, kube_version=kube_version
    )
    objects = template(rendering)
    release = Release(
        name=asked.name,
        namespace=asked.namespace,
        chart=chart.digest,
        values=asked.values,
        digest=digest_of(canonical([chart.digest, asked.values, asked.namespace])),
        manifests=tuple(found for found in objects if not _is_hook(found)),
        needs=asked.needs,
        timeout_seconds=float(asked.timeout_seconds),
    )
    images = tuple(sorted(set(named_in(list(objects)))))
    return RenderedRelease(release, chart, images, tuple(found for found in objects if _is_hook(found)))


def _is_hook(manifest: dict[str, Any]) -> bool:
    return _HOOK in ((manifest.get("metadata") or {}).get("annotations") or {})
