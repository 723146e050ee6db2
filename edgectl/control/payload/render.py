"""Store and bundle become the payload: the same inputs give the same bytes, on every machine and in every folder.

Owns the order of looking and that all errors come at once, each with its line in the inventory.
Must not know how anything reaches a node.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgectl.control.bundle.helm import Helm as LocalHelm
from edgectl.control.bundle.layout import Artifact, Bundle
from edgectl.control.inventory.place import Finding, invalid
from edgectl.control.inventory.store import NodeTarget, Store
from edgectl.control.payload.charts import chart
from edgectl.control.payload.images import COREDNS, PAUSE, full_name, host_of, of_repository, providing
from edgectl.control.payload.kubernetes import k3s_files, unit
from edgectl.control.payload.reference import inference
from edgectl.control.payload.releases import RenderedRelease, Template, render_release
from edgectl.control.payload.secrets import secret
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import Gpu, Helm, Host, Image, Inference, K3s, ManagedFile, Node, Payload, StoreSecret


@dataclass(frozen=True, slots=True)
class Rendered:
    """A payload, and where each blob that it names lies on this machine."""

    payload: Payload
    blob_paths: dict[str, Path]


def bundle_of(store: Store) -> Bundle:
    """Open the store's bundle; InvalidInput names the line of the inventory that points to it."""
    try:
        return Bundle.open(store.bundle)
    except InvalidInput as error:
        raise invalid(store.source, [Finding(store.bundle_at, f"bundle: {error.message}. {error.hint}")]) from error


def render(store: Store, bundle: Bundle, *, template: Template | None = None) -> Rendered:
    """Return the payload of one store; InvalidInput lists all that the bundle lacks or Helm cannot render.

    `template` renders one release; without it the bundle's own Helm does.
    """
    return _Rendering(store, bundle, template).run()


@dataclass(slots=True)
class _Rendering:
    """One run: gathers blobs and findings on the way."""

    store: Store
    bundle: Bundle
    template: Template | None
    findings: list[Finding] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    blobs: dict[str, int] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)

    def run(self) -> Rendered:
        helm = self._artifact("helm", self.store.helm_version, "helm", "version") if self.store.releases else None
        releases = self._releases()
        images = self._images(releases)
        nodes = [self._node(node, images, helm) for node in self.store.nodes]
        question = self._inference()
        secrets = self._secrets()
        if self.findings:
            raise invalid(self.store.source, self.findings, *self.evidence)
        payload = Payload(
            store=self.store.name,
            title=self.store.title,
            nodes=tuple(nodes),
            releases=tuple(rendered.release for rendered in releases),
            blobs=dict(sorted(self.blobs.items())),
            inference=question,
            secrets=secrets,
            facts=self.store.facts,
        )
        return Rendered(payload=payload, blob_paths=dict(sorted(self.paths.items())))

    def _find(self, error: InvalidInput | str, *where: str | int) -> None:
        sentence = error if isinstance(error, str) else " ".join(part for part in (error.message, error.hint) if part)
        self.findings.append(Finding(self.store.place(*where), sentence))
        if isinstance(error, InvalidInput):
            self.evidence.extend(f"  {line}" for line in error.details)

    def _take(self, artifact: Artifact) -> str:
        """Put an artifact's blob on the list of what the nodes must hold, and return its digest."""
        self.blobs[artifact.digest] = artifact.size
        try:
            self.paths[artifact.digest] = self.bundle.blob(artifact)
        except InvalidInput as error:
            self.findings.append(Finding(self.store.bundle_at, f"{artifact.kind} {artifact.name}: {error.message}"))
        return artifact.digest

    def _artifact(self, kind: str, version: str, *where: str) -> Artifact | None:
        found = self.bundle.find(kind=kind, name=kind, version=version)
        if found is None:
            held = ", ".join(artifact.version for artifact in self.bundle.all(kind) if artifact.name == kind)
            self._find(f"{kind} {version} is not in the bundle {self.bundle.root} (it has {held or 'none'})", *where)
        return found

    def _template(self) -> Template | None:
        if self.template is None and self.store.releases:
            try:
                self.template = LocalHelm.of(self.bundle, self.store.helm_version).template
            except InvalidInput as error:
                if self.bundle.find(kind="helm", name="helm", version=self.store.helm_version) is not None:
                    self._find(error, "helm", "version")
        return self.template

    def _releases(self) -> list[RenderedRelease]:
        template, version = self._template(), self.store.lead.k3s.version
        rendered: list[RenderedRelease] = []
        for asked in self.store.releases:
            at = ("releases", asked.name)
            try:
                found = chart(asked.chart, folder=self.store.source.resolve().parent, bundle=self.bundle)
            except InvalidInput as error:
                self._find(error, *at, "chart")
                continue
            self.blobs[found.digest] = found.size
            self.paths[found.digest] = found.path
            if template is None:
                continue
            try:
                rendered.append(render_release(asked, found, kube_version=version, template=template))
            except InvalidInput as error:
                self._find(f"release {asked.name}: chart {asked.chart} does not render: {error.message}", *at, "values")
                self.evidence.extend(f"  {line}" for line in error.details)
        return rendered

    def _images(self, releases: list[RenderedRelease]) -> tuple[Image, ...]:
        held = self.bundle.all("image")
        taken: dict[str, Artifact] = {}
        for rendered in releases:
            for ref in rendered.images:
                found = providing(ref, held)
                if found is not None:
                    taken[found.digest] = found
                elif not self._pulled(ref):
                    name = rendered.release.name
                    sentence = f"image {ref} of chart {rendered.chart.name} is not in the bundle {self.bundle.root}"
                    self._find(sentence, "releases", name, "chart")
        for ref in self._every_node_needs():
            found_here = of_repository(ref, held)
            taken.update((image.digest, image) for image in found_here)
            if not found_here and not self._pulled(ref):
                sentence = f"the bundle {self.bundle.root} has no image {ref}, which every node needs"
                self.findings.append(Finding(self.store.bundle_at, sentence))
        for index, ref in enumerate(self.store.images):
            found = providing(ref, held)
            named = (found,) if found is not None else of_repository(ref, held)
            taken.update((image.digest, image) for image in named)
            if not named:
                self._find(f"image {ref} is not in the bundle {self.bundle.root}", "images", index)
        ordered = sorted(taken.values(), key=lambda image: (image.name, image.version, image.digest))
        return tuple(Image(archive=self._take(image), refs=tuple(map(full_name, image.refs))) for image in ordered)

    def _every_node_needs(self) -> tuple[str, ...]:
        disabled = [node.k3s.config.get("disable", ()) for node in self.store.nodes]
        return (PAUSE,) if all("coredns" in names for names in disabled) else (PAUSE, COREDNS)

    def _pulled(self, ref: str) -> bool:
        """Say whether every node has a registry configured from which this image is pulled."""
        return all(_is_configured(node, host_of(ref)) for node in self.store.nodes)

    def _node(self, node: NodeTarget, images: tuple[Image, ...], helm: Artifact | None) -> Node:
        own = ("nodes", node.name, "k3s", "version")
        at = own if self.store.tree.get(*own) is not None else own[2:]
        k3s = self._artifact("k3s", node.k3s.version, *at)
        leads = node.name == self.store.lead.name
        return Node(
            name=node.name,
            role=node.role,
            address=node.address,
            host=Host(
                free_bytes=node.host.free_bytes,
                files=_host_files(node),
                sysctls=dict(node.host.sysctls),
            ),
            k3s=K3s(
                version=node.k3s.version,
                binary=self._take(k3s) if k3s else "",
                unit=unit(node.role),
                files=k3s_files(node, self.store.lead),
                images=images,
            ),
            helm=Helm(version=helm.version, binary=self._take(helm)) if helm and leads else None,
            gpu=_gpu(node),
        )

    def _secrets(self) -> tuple[StoreSecret, ...]:
        namespaces = [release.namespace for release in self.store.releases]
        found = []
        for asked in sorted(self.store.secrets, key=lambda one: one.name):
            try:
                found.append(secret(asked, namespaces))
            except InvalidInput as error:
                self._find(error, "secrets", asked.name)
        return tuple(found)

    def _inference(self) -> Inference | None:
        asked = self.store.inference
        if asked is None:
            return None
        namespaces = {release.name: release.namespace for release in self.store.releases}
        try:
            return inference(asked, namespaces[asked.release])
        except InvalidInput as error:
            self._find(error, "inference", "reference")
            return None


def _gpu(node: NodeTarget) -> Gpu | None:
    found = node.gpu
    if found is None:
        return None
    return Gpu(
        resource=found.resource, count=found.count, required=found.required, hold_seconds=float(found.hold_seconds)
    )


def _is_configured(node: NodeTarget, host: str) -> bool:
    registries = node.k3s.registries or {}
    known = [*(registries.get("mirrors") or {}), *(registries.get("configs") or {})]
    return host in known or "*" in known


def _host_files(node: NodeTarget) -> tuple[ManagedFile, ...]:
    """Return the declared files, and the one that keeps the kernel settings over a boot."""
    files = tuple(ManagedFile(path=file.path, text=file.text, mode=file.mode) for file in node.host.files)
    if not node.host.sysctls:
        return files
    text = "".join(f"{key} = {value}\n" for key, value in sorted(node.host.sysctls.items()))
    return (*files, ManagedFile(path="/etc/sysctl.d/90-edgectl.conf", text=text))
