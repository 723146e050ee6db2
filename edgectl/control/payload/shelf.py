"""What many stores take from one bundle, made once: charts packed, releases rendered, images found.

Owns the memory of one command, so that 10,000 stores cost what differs between them. Must not know stores.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from edgectl.control.bundle.chart import Chart
from edgectl.control.bundle.helm import Helm
from edgectl.control.bundle.layout import ANY_ARCH, Artifact, Bundle
from edgectl.control.debian.known import control_of
from edgectl.control.inventory.store import InferenceSettings, ReleaseSettings
from edgectl.control.payload.charts import chart
from edgectl.control.payload.images import full_name, of_repository
from edgectl.control.payload.packages import Packed, Wish, packed
from edgectl.control.payload.reference import inference
from edgectl.control.payload.releases import RenderedRelease, Template, render_release
from edgectl.wire.document import canonical, share
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import Inference

Made = TypeVar("Made")


class Shelf:
    """One bundle. What goes wrong is remembered, too, and raised again."""

    def __init__(self, bundle: Bundle, template: Template | None = None) -> None:
        self.bundle = bundle
        self._template = template
        self._questions: dict[tuple[InferenceSettings, str], Inference | InvalidInput] = {}
        self._helms: dict[str, Template] = {}
        self._charts: dict[tuple[str, Path], Chart | InvalidInput] = {}
        self._releases: dict[bytes, RenderedRelease | InvalidInput] = {}
        self._blobs: dict[str, Path | InvalidInput] = {}
        self._named: dict[tuple[str, str], tuple[Artifact, ...]] = {}
        self._packed: dict[Wish, Packed] = {}

    @cached_property
    def artifacts(self) -> tuple[Artifact, ...]:
        """All that the bundle holds."""
        return self.bundle.all()

    def versions(self, kind: str) -> str:
        """Return the versions of k3s or Helm that are held, for sentences."""
        return (
            ", ".join(found.version for found in self.artifacts if (found.kind, found.name) == (kind, kind)) or "none"
        )

    def program(self, kind: str, version: str, arch: str) -> Artifact | None:
        """Return k3s or Helm for one kind of machine."""
        fits = (found for found in self.artifacts if (found.kind, found.name, found.version) == (kind, kind, version))
        return next((found for found in fits if found.arch in (arch, ANY_ARCH)), None)

    def images(self, ref: str, arch: str, *, by_repository: bool = False) -> tuple[Artifact, ...]:
        """Return the image archive that brings a name; `by_repository`: else those that bring any tag of it."""
        key = (f"{by_repository}{ref}", arch)
        if key not in self._named:
            held = [found for found in self.artifacts if found.kind == "image" and found.arch in (arch, ANY_ARCH)]
            exact = tuple(found for found in held if full_name(ref) in map(full_name, found.refs))[:1]
            self._named[key] = exact or (of_repository(ref, held) if by_repository else ())
        return self._named[key]

    def blob(self, artifact: Artifact) -> Path:
        """Return where an artifact's blob lies; InvalidInput when it is gone or cut."""
        if artifact.digest not in self._blobs:
            self._blobs[artifact.digest] = _tried(lambda: self.bundle.blob(artifact))
        return _given(self._blobs[artifact.digest])

    def packed(self, wish: Wish) -> Packed:
        """Return what a wish for packages comes to."""
        if wish not in self._packed:
            root = str(self.bundle.root)
            self._packed[wish] = packed(wish, self.artifacts, root, lambda one: control_of(one, self.blob(one)))
        return self._packed[wish]

    def chart(self, name: str, folder: Path) -> Chart:
        """Return a chart, packed; InvalidInput says where it was looked for. `folder` is the inventory's."""
        if (name, folder) not in self._charts:
            self._charts[name, folder] = _tried(lambda: chart(name, folder=folder, bundle=self.bundle))
        return _given(self._charts[name, folder])

    def release(self, asked: ReleaseSettings, packed: Chart, *, helm_version: str, k3s_version: str) -> RenderedRelease:
        """Return a release, rendered; InvalidInput when Helm cannot."""
        words = [asked.name, asked.namespace, list(asked.needs), asked.timeout_seconds, helm_version, k3s_version]
        key = canonical([packed.digest, asked.values, *words])
        if key not in self._releases:
            template = self.template(helm_version)
            made = self._releases[key] = _tried(
                lambda: render_release(asked, packed, kube_version=k3s_version, template=template)
            )
            if isinstance(made, RenderedRelease):
                share(made.release)
        return _given(self._releases[key])

    def question(self, asked: InferenceSettings, namespace: str) -> Inference:
        """Return the question that proves inference; InvalidInput when its file is missing or no answer."""
        key = (asked, namespace)
        if key not in self._questions:
            made = self._questions[key] = _tried(lambda: inference(asked, namespace))
            if isinstance(made, Inference):
                share(made)
        return _given(self._questions[key])

    def template(self, helm_version: str) -> Template:
        """Return what renders charts; InvalidInput when the bundle has no Helm for this machine."""
        if self._template is not None:
            return self._template
        if helm_version not in self._helms:
            self._helms[helm_version] = Helm.of(self.bundle, helm_version).template
        return self._helms[helm_version]


def _tried(make: Callable[[], Made]) -> Made | InvalidInput:
    try:
        return make()
    except InvalidInput as error:
        return error


def _given(found: Made | InvalidInput) -> Made:
    if isinstance(found, InvalidInput):
        raise found
    return found
