"""What is in a bundle as a CycloneDX document, for tools that look for known weaknesses.

Owns the mapping. The same bundle gives the same document: its time is no time, its number comes from the index.
Source: CycloneDX 1.6; purl types github, helm, deb and oci of the package-url specification.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from edgectl.control.bundle.layout import ANY_ARCH, Artifact, Bundle
from edgectl.control.debian.control import ALL

_PROJECTS = {"k3s": ("k3s-io", "k3s"), "helm": ("helm", "helm")}


def components(bundle: Bundle) -> str:
    """Return the document, as JSON."""
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    types = {"image": ComponentType.CONTAINER, "model": ComponentType.MACHINE_LEARNING_MODEL}

    def component(artifact: Artifact) -> Component:
        said = {"edgectl:kind": artifact.kind, "edgectl:arch": artifact.arch, "edgectl:source": artifact.source}
        kind, name, qualifiers = _purl(artifact)
        purl = PackageURL(kind, *name, qualifiers) if kind else None
        return Component(
            bom_ref=":".join((*artifact.key, artifact.digest)),
            type=types.get(artifact.kind, ComponentType.APPLICATION),
            name=artifact.name,
            version=artifact.version,
            purl=purl,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=artifact.digest.removeprefix("sha256:"))],
            properties=[
                *(Property(name=name, value=value) for name, value in said.items() if value),
                *(Property(name="edgectl:ref", value=ref) for ref in artifact.refs),
            ],
        )

    document = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, bundle.digest),
        metadata=BomMetaData(timestamp=datetime.fromtimestamp(0, UTC)),
        components=[component(artifact) for artifact in bundle.all() if artifact.kind not in {"payload", "runtime"}],
    )
    return str(JsonV1Dot6(document).output_as_string(indent=1))


def _purl(artifact: Artifact) -> tuple[str, tuple[str | None, str, str | None], dict[str, str]]:
    """Return type, (namespace, name, version) and qualifiers of a package URL; "" where there is none."""
    if artifact.kind in _PROJECTS and artifact.name == artifact.kind:
        return "github", (*_PROJECTS[artifact.kind], artifact.version), {}
    if artifact.kind == "chart":
        return "helm", (None, artifact.name, artifact.version), {}
    if artifact.kind == "package":  # whose it is, Debian's or Ubuntu's, no package says
        arch = ALL if artifact.arch == ANY_ARCH else artifact.arch
        return "deb", (None, artifact.name, artifact.version), {"arch": arch}
    if artifact.kind == "image" and artifact.refs:
        name, _, digest = artifact.refs[0].partition("@")
        head, slash, last = name.rpartition("/")
        last, _, tag = last.partition(":")
        qualifiers = {"repository_url": f"{head}{slash}{last}", "arch": artifact.arch, "tag": tag}
        return "oci", (None, last, digest or None), {key: value for key, value in qualifiers.items() if value}
    return "", (None, artifact.name, None), {}
