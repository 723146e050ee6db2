"""JSON documents to and from frozen dataclasses, canonically.

Owns: the canonical form (sorted keys, no spaces, UTF-8, readable as YAML) whose SHA-256 is a digest, and the strict
decoder.
Must not know what any document means.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")
LATER = {"later": True}  # metadata of a field that is left out of the canonical form where it is empty
# what stands in JSON as it is, and is refused by YAML readers or a line break to them (yaml.org/spec/1.1, c-printable)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NO_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def canonical(doc: Any) -> bytes:
    """Return the one byte form of a JSON value or a dataclass: same value, same bytes, same digest.

    It is YAML, too, as Helm reads its values: what YAML takes otherwise is escaped, and characters beyond U+FFFF stand
    as they are, since YAML does not join the two halves that JSON escapes them in.
    """
    text = json.dumps(doc, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_fields)
    if not text.isascii() or "\x7f" in text:
        text = _NO_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.encode()


_shared: dict[int, tuple[object, bytes]] = {}


def share(value: Any) -> None:
    """Keep the canonical bytes of what many documents hold; nobody changes it from here on."""
    _shared[id(value)] = (value, canonical(value))  # held, so that no other object gets its id


def joined(doc: dict[str, Any]) -> bytes:
    """Return the canonical bytes of an object with names for keys; what is shared in it is not written anew."""
    return b"{" + b",".join(b'"' + key.encode() + b'":' + _part(doc[key]) for key in sorted(doc)) + b"}"


def _part(value: Any) -> bytes:
    if isinstance(value, tuple):
        return b"[" + b",".join(map(_part, value)) + b"]"
    found = _shared.get(id(value))
    return found[1] if found is not None and found[0] is value else canonical(value)


def _fields(value: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} is no JSON")
    found = {name: getattr(value, name) for name in _names(type(value))}
    for name in _later(type(value)):
        if not found[name]:
            del found[name]
    return found


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@functools.cache
def _later(kind: Any) -> tuple[str, ...]:
    """Return the fields that came later (`metadata=LATER`): empty, they are left out, and older digests stay."""
    return tuple(field.name for field in dataclasses.fields(kind) if "later" in field.metadata)


def digest_of(data: bytes) -> str:
    """Return `sha256:<64 hex digits>`, the name of these bytes everywhere."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def is_digest(text: object) -> bool:
    """Tell whether this is a name of bytes, and so of a file of theirs and of nothing else."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def to_json(value: Any) -> Any:
    """Return plain JSON for a dataclass: tuples become lists; what came later and is empty is left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_json(item) for name, item in _fields(value).items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    return value


def from_json(kind: type[T], doc: Any, where: str = "$") -> T:
    """Build `kind` from a JSON object; ValueError names the path of what does not fit.

    Unknown keys are refused: a document from a newer edgectl must not be half understood.
    """
    if not isinstance(doc, dict):
        raise ValueError(f"{where}: an object is needed for {kind.__name__}, not {type(doc).__name__}")
    hints = _hints(typing.cast("typing.Hashable", kind))
    unknown = sorted(set(doc) - set(hints))
    if unknown:
        raise ValueError(f"{where}: unknown key {unknown[0]!r} for {kind.__name__}")
    values = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if field.name in doc:
            values[field.name] = _value(hints[field.name], doc[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where}: {field.name!r} is missing for {kind.__name__}")
    return kind(**values)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _value(hint: Any, doc: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    args = typing.get_args(hint)
    if hint is Any:
        return doc
    if origin in (typing.Union, types.UnionType):
        if doc is None and type(None) in args:
            return None
        (only,) = (arg for arg in args if arg is not type(None))
        return _value(only, doc, where)
    if origin is tuple:
        _need(isinstance(doc, list), where, "a list", doc)
        if args[-1] is not Ellipsis and len(doc) != len(args):
            raise ValueError(f"{where}: {len(args)} items are needed, not {len(doc)}")
        kinds = [args[0]] * len(doc) if args[-1] is Ellipsis else args
        return tuple(
            _value(kind, item, f"{where}[{index}]") for index, (kind, item) in enumerate(zip(kinds, doc, strict=True))
        )
    if origin is dict:
        _need(isinstance(doc, dict), where, "an object", doc)
        return {str(key): _value(args[1], item, f"{where}.{key}") for key, item in doc.items()}
    if dataclasses.is_dataclass(hint):
        return from_json(typing.cast("type[Any]", hint), doc, where)
    if hint is float and isinstance(doc, int) and not isinstance(doc, bool):
        try:
            return float(doc)
        except OverflowError as error:
            raise ValueError(f"{where}: the number is too large") from error
    _need(isinstance(doc, hint) and (hint is bool or not isinstance(doc, bool)), where, hint.__name__, doc)
    return doc


def _need(ok: object, where: str, what: str, doc: object) -> None:
    if not ok:
        raise ValueError(f"{where}: {what} is needed, not {type(doc).__name__}")
