"""What a blob is of: the name that one thing keeps from version to version.

Owns: that naming. The operator names what it offers, the node what it has; only equal names are compared.
"""

from __future__ import annotations

from collections.abc import Iterable

from edgectl.wire.payload import Model, Payload

PAYLOAD = "payload"
IMAGE = "image "  # and its repository


def things(payload: Payload) -> dict[str, str]:
    """Return digest -> name of all that a payload names, its models to come included, its own left out.

    Packages of the system have none: their bytes are packed, and an older one has nothing in common with a newer.
    """
    named: dict[str, str] = {}
    for release in payload.releases:
        named[release.chart] = f"chart {release.namespace}/{release.name}"
    for node in payload.nodes:
        named[node.k3s.binary] = "k3s"
        if node.helm:
            named[node.helm.binary] = "helm"
        for image in node.k3s.images:
            named[image.archive] = IMAGE + _repository(min(image.refs, default=""))
    if payload.models:
        named |= files((*payload.models.current, *payload.models.next))
    return named


def files(models: Iterable[Model]) -> dict[str, str]:
    """Return digest -> name of the files of models: the same from version to version."""
    return {digest: f"model {model.name}/{file}" for model in models for file, digest in model.files.items()}


def _repository(ref: str) -> str:
    """Return a reference without its tag and digest."""
    name = ref.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name
