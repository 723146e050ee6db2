"""Manifests held against Kubernetes' own OpenAPI schemas, without a cluster.

Owns which schemas are taken for which k3s, and what is said about kinds that they do not hold.
Must not know rules; the schemas are those of kubernetes-validate (1.25 to 1.37).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from edgectl.control.policy.views import name_of, objects
from edgectl.wire.document import canonical, digest_of

_FOLDER = re.compile(r"v(\d+)\.(\d+)\.\d+-local-strict")
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_SHOWN = 120  # characters of what a validator says
_KEPT = 4096  # objects of a fleet


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found. `unknown` are objects of kinds that Kubernetes does not bring: CRDs know them, we do not.

    `note` says which schemas were taken where those of the k3s are not held, "" where they are.
    """

    findings: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Object:
    """One manifest, known by its digest."""

    digest: str
    manifest: dict[str, Any] = field(compare=False)


def check(manifests: Iterable[Mapping[str, Any]], k3s_version: str) -> Checked:
    """Return a sentence for everything in rendered manifests that Kubernetes would not take."""
    match = _VERSION.match(k3s_version)
    asked = (int(match[1]), int(match[2])) if match else _held()[-1]
    taken = min(_held(), key=lambda held: (abs(held[1] - asked[1]), -held[1]))
    findings: list[str] = []
    unknown: list[str] = []
    for manifest in objects(manifests):
        said = _check(_Object(digest_of(canonical(manifest)), manifest), taken)
        if said is None:
            unknown.append(f"{name_of(manifest)} ({manifest.get('apiVersion')})")
        else:
            findings += [f"{name_of(manifest)}: {sentence}" for sentence in said]
    near = f"the schemas of Kubernetes {asked[0]}.{asked[1]} are not held; taken were those of {taken[0]}.{taken[1]}"
    return Checked(tuple(findings), tuple(unknown), "" if taken == asked else near)


@functools.lru_cache(maxsize=_KEPT)
def _check(one: _Object, version: tuple[int, int]) -> tuple[str, ...] | None:
    """Return what is wrong with an object; None where its kind is none of Kubernetes' own."""
    kinds, validators = _schemas(version)
    kind, api = str(one.manifest.get("kind", "")), str(one.manifest.get("apiVersion", ""))
    if not kind or not api:
        return ("kind and apiVersion are needed",)
    group, _, release = api.rpartition("/")
    name = kinds.get((group, release, kind))
    if name is not None:
        errors = validators(name).iter_errors(one.manifest)
        return tuple(sorted({_sentence(error) for error in errors}))
    if group not in {known for known, _, _ in kinds}:
        return None
    served = ", ".join(sorted("/".join(filter(None, key[:2])) for key in kinds if key[2] == kind and key[0] == group))
    hint = f"{served} is" if served else "no version of it is"
    return (f"{kind} {api} is not served by Kubernetes {version[0]}.{version[1]} ({hint})",)


@functools.cache
def _held() -> tuple[tuple[int, int], ...]:
    found = (_FOLDER.fullmatch(entry.name) for entry in _root().iterdir())
    return tuple(sorted((int(match[1]), int(match[2])) for match in found if match))


@functools.lru_cache(maxsize=4)
def _schemas(version: tuple[int, int]) -> tuple[dict[tuple[str, str, str], str], Any]:
    """Return the kinds of a version, and a function from a kind's definition to its validator."""
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    folder = _root() / f"v{version[0]}.{version[1]}.0-local-strict"
    document = json.loads((folder / "_definitions.json").read_bytes())
    registry: Any = Resource.from_contents(document) @ Registry()
    definitions = document["$defs"]
    kinds = {
        (known["group"], known["version"], known["kind"]): name
        for name, definition in definitions.items()
        for known in definition.get("x-kubernetes-group-version-kind", ())
    }

    @functools.cache
    def validator(name: str) -> Any:
        return Draft202012Validator({"$ref": f"{document['$id']}#/$defs/{name}"}, registry=registry)

    return kinds, validator


def _root() -> Any:
    return files("kubernetes_validate") / "kubernetes-json-schema"


def _sentence(error: Any) -> str:
    """Say where it is and what is needed; an error inside an alternative is said by its best one."""
    at = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    said = str(error.message).replace(", 'null'", "").replace("'", '"')
    if error.validator == "additionalProperties":
        said = said.replace("Additional properties are not allowed (", "").replace(
            " was unexpected)", " is no key here"
        )
        said = said.replace(" were unexpected)", " are no keys here")
    if error.validator == "oneOf":
        kinds = [kind for part in error.validator_value for kind in part.get("type", ()) if kind != "null"]
        said = f"{error.instance!r} is not of type {' or '.join(kinds)}" if kinds else said
    return f"{at or 'the object'}: {said[:_SHOWN]}"
