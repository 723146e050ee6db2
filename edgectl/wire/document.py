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
from collections.abc import Callable
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
    if value is None or isinstance(value, (str, int, float)):
        return value
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
    try:
        return typing.cast("T", _object(kind, doc))
    except _Unfit as error:
        raise ValueError(f"{where}{error.where}: {error.why}") from error


class _Unfit(Exception):
    """Something does not fit; `where` grows on the way out, so that what fits costs no path."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        self.where = ""


_Reader = Callable[[Any], Any]


def _object(kind: Any, doc: Any) -> Any:
    if not isinstance(doc, dict):
        raise _Unfit(f"an object is needed for {kind.__name__}, not {type(doc).__name__}")
    readers, needed = _members(kind)
    if unknown := doc.keys() - readers.keys():
        raise _Unfit(f"unknown key {min(unknown)!r} for {kind.__name__}")
    values = {}
    for name, reader in readers.items():
        if name in doc:
            try:
                values[name] = reader(doc[name])
            except _Unfit as error:
                error.where = f".{name}" + error.where
                raise
        elif name in needed:
            raise _Unfit(f"{name!r} is missing for {kind.__name__}")
    return kind(**values)


@functools.cache
def _members(kind: Any) -> tuple[dict[str, _Reader], frozenset[str]]:
    """Return how each field is read, and which must be there; worked out once a class, since it takes longest."""
    hints, fields, gone = typing.get_type_hints(kind), dataclasses.fields(kind), dataclasses.MISSING
    needed = (field.name for field in fields if field.default is gone and field.default_factory is gone)
    return {field.name: _reader(hints[field.name]) for field in fields}, frozenset(needed)


def _reader(hint: Any) -> _Reader:
    """Return what reads a value of this type."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return lambda doc: doc
    if origin in (typing.Union, types.UnionType):
        (only,) = (arg for arg in args if arg is not type(None))
        inner = _reader(only)
        return lambda doc: None if doc is None else inner(doc)
    if origin is tuple:
        return _row(args[0]) if args[-1] is Ellipsis else _items(args)
    if origin is dict:
        return _table(args[1])
    if dataclasses.is_dataclass(hint):
        return functools.partial(_object, hint)
    return _real if hint is float else _plain(hint)


def _row(kind: Any) -> _Reader:
    inner = _reader(kind)

    def read(doc: Any) -> tuple[Any, ...]:
        return _each(_list(doc), [inner] * len(doc))

    return read


def _items(kinds: tuple[Any, ...]) -> _Reader:
    inner = list(map(_reader, kinds))

    def read(doc: Any) -> tuple[Any, ...]:
        if len(_list(doc)) != len(inner):
            raise _Unfit(f"{len(inner)} items are needed, not {len(doc)}")
        return _each(doc, inner)

    return read


def _list(doc: Any) -> list[Any]:
    if not isinstance(doc, list):
        raise _unfit("a list", doc)
    return doc


def _each(doc: list[Any], readers: list[_Reader]) -> tuple[Any, ...]:
    found: list[Any] = []
    try:
        for reader, item in zip(readers, doc, strict=True):
            found.append(reader(item))
    except _Unfit as error:
        error.where = f"[{len(found)}]" + error.where
        raise
    return tuple(found)


def _table(kind: Any) -> _Reader:
    inner = _reader(kind)

    def read(doc: Any) -> dict[str, Any]:
        if not isinstance(doc, dict):
            raise _unfit("an object", doc)
        found, key = {}, ""
        try:
            for key, item in doc.items():
                found[str(key)] = inner(item)
        except _Unfit as error:
            error.where = f".{key}" + error.where
            raise
        return found

    return read


def _real(doc: Any) -> float:
    if isinstance(doc, float):
        return doc
    if not isinstance(doc, int) or isinstance(doc, bool):
        raise _unfit("float", doc)
    try:
        return float(doc)
    except OverflowError as error:
        raise _Unfit("the number is too large") from error


def _plain(kind: Any) -> _Reader:
    def read(doc: Any) -> Any:
        if not isinstance(doc, kind) or (isinstance(doc, bool) and kind is not bool):
            raise _unfit(kind.__name__, doc)
        return doc

    return read


def _unfit(what: str, doc: object) -> _Unfit:
    return _Unfit(f"{what} is needed, not {type(doc).__name__}")
