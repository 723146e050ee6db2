"""Store and bundle become the payload: the same inputs give the same bytes, on every machine and in every folder.

Owns the order of looking and that all errors come at once, each with its line in the inventory.
Must not know how anything reaches a node.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgectl.control.bundle.layout import Artifact, Bundle
from edgectl.control.inventory.place import Finding, invalid
from edgectl.control.inventory.store import DEFAULT_ARCH, NodeTarget, Store, folder_of
from edgectl.control.payload.chain import chain
from edgectl.control.payload.declared import gpu_of, guard_of, uplink_of
from edgectl.control.payload.declaredos import os_of
from edgectl.control.payload.folders import folders
from edgectl.control.payload.gpufiles import gpu_files
from edgectl.control.payload.hostfiles import host_files, refused_sysctl
from edgectl.control.payload.images import full_name
from edgectl.control.payload.kubernetes import k3s_files, unit
from edgectl.control.payload.models import models
from edgectl.control.payload.needed import every_node_needs, pulled
from edgectl.control.payload.packages import place_of, wish_of
from edgectl.control.payload.releases import RenderedRelease, Template
from edgectl.control.payload.rendered import Rendered
from edgectl.control.payload.secrets import secret
from edgectl.control.payload.shelf import Shelf
from edgectl.control.signing.trustfile import of as trust_of
from edgectl.wire.chain import Chain
from edgectl.wire.errors import InvalidInput
from edgectl.wire.host import Packages
from edgectl.wire.payload import (
    Helm,
    Host,
    Image,
    Inference,
    K3s,
    ManagedFolder,
    Models,
    Node,
    Payload,
    StoreSecret,
)


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
    return _Rendering(store, Shelf(bundle, template)).run()


class Renderer:
    """Renders stores one after the other; what they share is made once."""

    def __init__(self) -> None:
        self._shelves: dict[Path, Shelf] = {}

    def render(self, store: Store) -> Rendered:
        """Return the payload of one store; InvalidInput lists all that stands against it."""
        if store.bundle not in self._shelves:
            self._shelves[store.bundle] = Shelf(bundle_of(store))
        return _Rendering(store, self._shelves[store.bundle]).run()


_FILL = {"hint": "edgectl bundle build fetches what the bundle lacks. Correct what else is named, and run it again."}


@dataclass(slots=True)
class _Rendering:
    """One run: gathers blobs and findings on the way."""

    store: Store
    shelf: Shelf
    findings: list[Finding] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    blobs: dict[str, int] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)

    def run(self) -> Rendered:
        lead, version = self.store.lead, self.store.helm_version
        helm = self._artifact("helm", version, lead.arch, "helm", "version") if self.store.releases else None
        releases = self._releases()
        roles = dict.fromkeys(node.role for node in self.store.nodes)
        owned = {role: self._folders(releases, role) for role in roles}
        images = {arch: self._images(releases, arch) for arch in dict.fromkeys(node.arch for node in self.store.nodes)}
        nodes = [self._node(node, images[node.arch], helm, owned[node.role]) for node in self.store.nodes]
        question = self._inference()
        secrets = self._secrets()
        trust, wrong = trust_of(self.store)
        self.findings += wrong
        kept, coming = self._models()
        delivers = self._chain(releases, question, kept) if len(releases) == len(self.store.releases) else None
        if self.findings:
            lacking = any(f"the bundle {self.shelf.bundle.root}" in finding.sentence for finding in self.findings)
            raise invalid(self.store.source, self.findings, *self.evidence, **_FILL if lacking else {})
        payload = Payload(
            store=self.store.name,
            title=self.store.title,
            nodes=tuple(nodes),
            releases=tuple(rendered.release for rendered in releases),
            blobs=dict(sorted(self.blobs.items())),
            inference=question,
            secrets=secrets,
            facts=self.store.facts,
            guard=guard_of(self.store, nodes),
            trust=trust.trust if trust else None,
            models=kept,
            uplink=uplink_of(self.store),
            chain=delivers,
            backup=self.store.backup,
        )
        hooks = {made.release.name: made.hooks for made in releases if made.hooks}
        return Rendered(payload, dict(sorted(self.paths.items())), hooks, coming)

    def _find(self, error: InvalidInput | str, *where: str | int) -> None:
        sentence = error if isinstance(error, str) else " ".join(part for part in (error.message, error.hint) if part)
        self.findings.append(Finding(self.store.place(*where), sentence))
        if isinstance(error, InvalidInput):
            self.evidence.extend(f"  {line}" for line in error.details)

    def _take(self, artifact: Artifact) -> str:
        """Put an artifact's blob on the list of what the nodes must hold, and return its digest."""
        self.blobs[artifact.digest] = artifact.size
        try:
            self.paths[artifact.digest] = self.shelf.blob(artifact)
        except InvalidInput as error:
            self.findings.append(Finding(self.store.bundle_at, f"{artifact.kind} {artifact.name}: {error.message}"))
        return artifact.digest

    def _artifact(self, kind: str, version: str, arch: str, *where: str) -> Artifact | None:
        found = self.shelf.program(kind, version, arch)
        if found is None:
            held, root = self.shelf.versions(kind), self.shelf.bundle.root
            self._find(f"{kind} {version}{_for(arch)} is not in the bundle {root} (it has {held})", *where)
        return found

    def _releases(self) -> list[RenderedRelease]:
        version = self.store.lead.k3s.version
        rendered: list[RenderedRelease] = []
        helm = self._helm()
        for asked in self.store.releases:
            at = ("releases", asked.name)
            try:
                found = self.shelf.chart(asked.chart, folder_of(self.store.source))
            except InvalidInput as error:
                self._find(error, *at, "chart")
                continue
            self.blobs[found.digest] = found.size
            self.paths[found.digest] = found.path
            if not helm:
                continue
            try:
                made = self.shelf.release(asked, found, helm_version=self.store.helm_version, k3s_version=version)
                rendered.append(made)
            except InvalidInput as error:
                self._find(f"release {asked.name}: chart {asked.chart} does not render: {error.message}", *at, "values")
                self.evidence.extend(f"  {line}" for line in error.details)
        return rendered

    def _helm(self) -> bool:
        """Say whether charts can be rendered here; a bundle without Helm for this machine is a finding."""
        if not self.store.releases:
            return False
        try:
            self.shelf.template(self.store.helm_version)
        except InvalidInput as error:
            if any(found.kind == "helm" and found.version == self.store.helm_version for found in self.shelf.artifacts):
                self._find(error, "helm", "version")
            return False
        return True

    def _images(self, releases: list[RenderedRelease], arch: str) -> tuple[Image, ...]:
        taken: dict[str, Artifact] = {}
        root = self.shelf.bundle.root
        for rendered in releases:
            for ref in rendered.images:
                found = self.shelf.images(ref, arch)
                taken.update((image.digest, image) for image in found)
                if not found and not pulled(self.store, ref):
                    sentence = f"image {ref}{_for(arch)} of chart {rendered.chart.name} is not in the bundle {root}"
                    self._find(sentence, "releases", rendered.release.name, "chart")
        for ref in every_node_needs(self.store):
            found_here = self.shelf.images(ref, arch, by_repository=True)
            taken.update((image.digest, image) for image in found_here)
            if not found_here and not pulled(self.store, ref):
                sentence = f"the bundle {root} has no image {ref}{_for(arch)}, which every node needs"
                self.findings.append(Finding(self.store.bundle_at, sentence))
        for index, ref in enumerate(self.store.images):
            named = self.shelf.images(ref, arch, by_repository=True)
            taken.update((image.digest, image) for image in named)
            if not named:
                self._find(f"image {ref}{_for(arch)} is not in the bundle {root}", "images", index)
        ordered = sorted(taken.values(), key=lambda image: (image.name, image.version, image.digest))
        return tuple(Image(archive=self._take(image), refs=tuple(map(full_name, image.refs))) for image in ordered)

    def _node(
        self, node: NodeTarget, images: tuple[Image, ...], helm: Artifact | None, owned: tuple[ManagedFolder, ...]
    ) -> Node:
        own = ("nodes", node.name, "k3s", "version")
        at = own if self.store.tree.get(*own) is not None else own[2:]
        k3s = self._artifact("k3s", node.k3s.version, node.arch, *at)
        leads = node.name == self.store.lead.name
        for name, value in node.host.sysctls.items():
            if why := refused_sysctl(name, value):
                self._find(why, "host", "sysctls", name)
        return Node(
            name=node.name,
            role=node.role,
            address=node.address,
            host=Host(
                free_bytes=node.host.free_bytes,
                files=(*host_files(node.host), *gpu_files(node.gpu)),
                sysctls=dict(node.host.sysctls),
                folders=owned,
                os=os_of(node, self._packages(node)),
            ),
            k3s=K3s(
                version=node.k3s.version,
                binary=self._take(k3s) if k3s else "",
                unit=unit(node.role),
                files=k3s_files(node, self.store.lead),
                images=images,
            ),
            helm=Helm(version=helm.version, binary=self._take(helm)) if helm and leads else None,
            gpu=gpu_of(node),
        )

    def _packages(self, node: NodeTarget) -> Packages:
        wish = wish_of(node)
        if wish is None:
            return Packages()
        found = self.shelf.packed(wish)
        for part, name, sentence in found.missing:
            self.findings.append(Finding(place_of(self.store, node, part, name), sentence))
        for artifact in found.artifacts:
            self._take(artifact)
        return found.packages

    def _folders(self, releases: list[RenderedRelease], role: str) -> tuple[ManagedFolder, ...]:
        try:
            return folders((item for made in releases for item in made.release.manifests), role)
        except InvalidInput as error:
            if role == self.store.lead.role:  # the same for all of them: said once
                self._find(error, "releases")
            return ()

    def _secrets(self) -> tuple[StoreSecret, ...]:
        namespaces = [release.namespace for release in self.store.releases]
        found = []
        for asked in sorted(self.store.secrets, key=lambda one: one.name):
            try:
                found.append(secret(asked, namespaces))
            except InvalidInput as error:
                self._find(error, "secrets", asked.name)
        return tuple(found)

    def _models(self) -> tuple[Models | None, dict[str, Path]]:
        """Return the payload's models, and where the files of those to come lie."""
        root = str(self.shelf.bundle.root)
        kept, ahead = models(self.store.models, self.shelf.artifacts, root, self._find, self._take)
        paths = {}
        for digest, artifact in ahead.items():
            try:
                paths[digest] = self.shelf.blob(artifact)
            except InvalidInput as error:
                self.findings.append(Finding(self.store.bundle_at, f"{artifact.kind} {artifact.name}: {error.message}"))
        return kept, paths

    def _chain(self, releases: list[RenderedRelease], question: Inference | None, kept: Models | None) -> Chain | None:
        made, gpu = [rendered.release for rendered in releases], self.store.lead.gpu is not None
        return chain(self.store.chain, made, question, self._find, gpu=gpu, models=bool(kept and kept.current))

    def _inference(self) -> Inference | None:
        asked = self.store.inference
        if asked is None:
            return None
        namespaces = {release.name: release.namespace for release in self.store.releases}
        try:
            return self.shelf.question(asked, namespaces[asked.release])
        except InvalidInput as error:
            self._find(error, "inference", "reference")
            return None


def _for(arch: str) -> str:
    return "" if arch == DEFAULT_ARCH else f" for {arch}"
