"""A tree held against the schema: a model of what fits, and a finding for each thing that does not.

Owns the sentences for unknown keys and wrong types. Must not know what a whole store needs (rules.py).
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from edgectl.control.inventory.place import Finding, nearest
from edgectl.control.inventory.plaintext import asks_for_secret
from edgectl.control.inventory.tree import Tree

Model = TypeVar("Model", bound=BaseModel)
Where = tuple[str | int, ...]

_NEEDED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
}
_PATTERNS = {
    "k3s.version": "a k3s version is needed, like v1.36.3+k3s1",
    "helm.version": "a Helm version is needed, like v4.3.1",
    "mode": 'an octal mode in quotes is needed, like "0644"',
    "path": "an absolute path of a file is needed",
    "gpu.driver": "a version is needed, like 570.86.15",
    "gpu.toolkit": "a version is needed, like 1.17.4",
    "gpu.resource": "a resource name is needed, like nvidia.com/gpu",
    "macs": "a MAC address is needed, like 3c:ec:ef:0a:1b:2c",
    "mac": "a MAC address is needed, like 3c:ec:ef:0a:1b:2c",
    "network.address": "an address with its prefix is needed, like 10.77.0.11/24",
    "disk.device": "a device is needed, like /dev/nvme0n1",
    "install.user": "the name of an account is needed, like deploy",
    "gpus": "the UUID of a GPU is needed, as nvidia-smi -L says it",
    "start": 'a time of day in quotes is needed, like "05:00"',
    "end": 'a time of day in quotes is needed, like "05:00"',
}
_PACKAGES = "packages"  # a map whose keys are Debian's names, and its values Debian's versions
_SIZES = ("free_bytes", "memory", "disk", "disk.root")


def fit(model: type[Model], tree: Tree, what: str) -> tuple[Model, frozenset[Where], tuple[Finding, ...]]:
    """Return the model of all that fits, the paths of what does not, and a finding for each of those.

    `what` names the tree in sentences ("store-042"). What does not fit is left out of the model, so that later
    rules can look at the rest and all errors come at once.
    """
    findings: list[Finding] = []
    bad: set[Where] = set()
    unfit: set[Where] = set()
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(tree.plain()), frozenset(bad), tuple(findings)
        except ValidationError as error:
            for found in error.errors(include_url=False):
                where = _where(tree, found)
                unfit.add(where[:-1] if found["type"] == "missing" else where)  # a map that lacks a key goes whole
                if where not in bad:
                    bad.add(where)
                    findings.append(_finding(model, tree, where, found, what))
        for where in unfit - {()}:
            tree = _pruned(tree, where)
    return model.model_construct(), frozenset(bad), tuple(findings)  # a needed key is missing: nothing can be built


_FEW = 8  # keys, to name all of them
_ROUNDS = 5  # one to find, one to confirm; taking an item out of a list may show the next one


def _where(tree: Tree, found: ErrorDetails) -> Where:
    """Return pydantic's location as a path of the tree, without the marks it adds for keys and unions."""
    path: Where = ()
    for part in found["loc"]:
        if part == "[key]" or (tree.get(*path, part) is None and found["type"] != "missing"):
            break
        path = (*path, part)
    return path


def _pruned(tree: Tree, where: Where) -> Tree:
    """Take out what does not fit; of a list, all: its other items have been looked at."""
    lists = [index for index, part in enumerate(where) if isinstance(part, int)]
    path = where[: lists[0]] if lists else where
    return tree.without(*path) if path else tree.holding({})


def _finding(model: type[BaseModel], tree: Tree, where: Where, found: ErrorDetails, what: str) -> Finding:
    at = tree.nearest(*where)
    name = ".".join(str(part) for part in where)
    kind = found["type"]
    if kind == "extra_forbidden":
        inside = ".".join(str(part) for part in (what, *where[:-1]) if part) or "an inventory"
        known = keys_at(model, where[:-1])
        few = f" Its keys are: {', '.join(known)}" if 0 < len(known) <= _FEW else ""
        hint = nearest(str(where[-1]), known) or few
        return Finding(at.key_at, f'unknown key "{where[-1]}" in {inside}.{hint}')
    if "[key]" in found["loc"] and where[-2:-1] == (_PACKAGES,):
        return Finding(at.key_at, f'"{where[-1]}" is no name of a package, like jq or libstdc++6')
    if "[key]" in found["loc"] and kind == "value_error":
        return Finding(at.key_at, f"{name}: {found['ctx']['error']}")
    if "[key]" in found["loc"]:
        return Finding(at.key_at, no_name(str(where[-1]), _longest(found)))
    if kind == "missing":
        return Finding(at.at, f"{name} is missing")
    if where[:1] == ("secrets",) or any(asks_for_secret(str(part)) for part in where):
        needed = _NEEDED.get(kind, "something else")
        said = f"{needed} is needed, which says where the secret is found"
        if kind == "value_error":
            said = str(found["ctx"]["error"])
        return Finding(at.at, f"{name}: {said}", secret=True)
    return Finding(at.at, f"{name or what}: {_sentence(found, name, at)}")


def no_name(text: str, longest: int = 63) -> str:
    """Say of a text that it is no name, and which one is near."""
    sentence = f'"{text}" is no name: lower-case letters, digits and "-" are, up to {longest} of them'
    near = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:longest].rstrip("-")
    if len(text) > longest:
        return f"{sentence}, and this has {len(text)}"
    return f'{sentence}. Did you mean "{near}"?' if near and near != text else sentence


def _longest(found: ErrorDetails) -> int:
    """Return how long a name may be, as its pattern says."""
    said = re.search(r"\{0,(\d+)\}", found.get("ctx", {}).get("pattern", ""))
    return int(said[1]) + 2 if said else 63


def _sentence(found: ErrorDetails, name: str, at: Tree) -> str:
    kind, context = found["type"], found.get("ctx", {})
    if kind == "string_type" and name.endswith(".mode"):
        return f"{_PATTERNS['mode']}, not a number"
    if kind == "int_type" and name.endswith(_SIZES):
        return f"a size is needed, like 8GiB or 512MiB, not {_kind(at.value)}"
    if kind in _NEEDED:
        quotes = ", put it in quotes" if kind == "string_type" and isinstance(at.value, int | float) else ""
        return f"{_NEEDED[kind]} is needed, not {_kind(at.value)}{quotes}"
    if kind == "literal_error":
        expected = context["expected"].replace("'", "")
        known = re.split(r", | or ", expected)
        near = nearest(at.value, known) if isinstance(at.value, str) and at.value not in known else ""
        return f"{expected} is needed, not {_kind(at.value)}{near and '.'}{near}"
    if kind == "string_pattern_mismatch":
        return _mismatch(name, str(at.value), found)
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_too_short":
        return "a text is needed, not nothing"
    limits = {
        "greater_than_equal": ("ge", "at least"),
        "less_than_equal": ("le", "at most"),
        "greater_than": ("gt", "more than"),
        "less_than": ("lt", "less than"),
    }
    if kind in limits:
        key, words = limits[kind]
        return f"{words} {context[key]:.17g} is needed, not {at.value}"
    return found["msg"]


def _mismatch(name: str, text: str, found: ErrorDetails) -> str:
    """Say what a text should look like, and how it would be written right where that is plain."""
    if f".{_PACKAGES}." in name:
        return f'the version of a package is needed, like 1.6-2.1, or null for the newest, not "{text}"'
    plain = re.sub(r"(\.\d+)+$", "", name)
    for end, sentence in _PATTERNS.items():
        if plain == end or plain.endswith(f".{end}"):
            near = _written_right(end, text)
            if near == text or not re.search(found.get("ctx", {}).get("pattern", "$^"), near):
                near = ""
            return f'{sentence}, not "{text}"' + (f': write "{near}"' if near else "")
    return no_name(text, _longest(found))


def _written_right(what: str, text: str) -> str:
    digits = re.sub(r"[^0-9a-f]", "", text.lower())
    if what in ("mac", "macs"):
        return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
    if what == "gpus":
        return "GPU-" + text.lower().removeprefix("gpu").lstrip("-: ")
    if what in ("start", "end"):
        hour, _, minute = text.replace(".", ":").partition(":")
        return f"{hour.strip():0>2}:{minute.strip() or '00'}"
    if what.endswith("version"):
        return f"v{text}"
    return ""


def _kind(value: object) -> str:
    """Name what stands there, for a person."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"{value}".lower()
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f'the text "{value}"'
    return "a list" if isinstance(value, list) else "a map"


def keys_at(model: type[BaseModel], where: Where) -> tuple[str, ...]:
    """Return the keys that the schema knows at a path."""
    found = fields_at(model, where)
    return tuple(by_key(found)) if found is not None else ()


def fields_at(model: type[BaseModel], where: Where) -> type[BaseModel] | None:
    """Return the model at a path of another; None where anything may stand."""
    kind: Any = model
    for part in where:
        fields = _models(kind)
        if fields is not None and str(part) in by_key(fields):
            kind = by_key(fields)[str(part)].annotation
        else:
            kind = _inside(kind)
    return _models(kind)


def by_key(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return a model's fields by the keys that people write."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models(kind: Any) -> type[BaseModel] | None:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return next((found for arg in typing.get_args(kind) if (found := _models(arg)) is not None), None)
    return None


def _inside(kind: Any) -> Any:
    """Return the type of a map's values or a list's items."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return next((_inside(arg) for arg in typing.get_args(kind) if typing.get_origin(arg)), None)
    if origin is not None and (origin is list or issubclass(origin, Mapping)):
        return typing.get_args(kind)[-1]
    return None
