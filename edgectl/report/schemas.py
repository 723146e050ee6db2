"""JSON Schemas of what `-o json` prints: docs/schemas, for programs that read it.

Owns: the schemas, the number of their format, and what a change of one may not do. Keys may be added in the same
format: a reader passes over those that it does not know. Must not know how a document is made.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from edgectl.control.accept.report import Report
from edgectl.control.deploy.outcome import Outcome
from edgectl.wire.diagnosis import Cause, Diagnosis, Unseen

FORMAT = 1  # one more where a key goes, gets another type, or may be missing; cli/result.py prints it
Schema = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
ANY_OBJECT: Schema = {"type": "object"}
MAYBE_OBJECT: Schema = {"type": ["object", "null"]}


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": sorted(required)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


_DIFFERENCE: Schema = {"type": "array", "items": TEXT, "minItems": 3, "maxItems": 3}
_STEP = _object(
    {"word": TEXT},
    {
        "step": TEXT,
        "title": TEXT,
        "reason": TEXT,
        "at": NUMBER,
        "differences": _list(_DIFFERENCE),
        "evidence": _list(TEXT),
    },
)
_VERDICT = _object({}, {"word": TEXT, "exit": WHOLE, "reason": TEXT})
_PAUSE = _object({"workload": TEXT, "seconds": NUMBER})
_SEEN: Mapping[str, Schema] = {
    "store": TEXT,
    "verdict": _VERDICT,
    "current": MAYBE_OBJECT,
    "candidate": MAYBE_OBJECT,
    "newest": MAYBE_OBJECT,
    "sequence": WHOLE,
    "pause": TEXT,
    "holder": MAYBE_OBJECT,
    "held": _list(TEXT),
    "rollouts": _list(TEXT),
    "steps": _list(_STEP),
    "missing_blobs": WHOLE,
    "missing_bytes": WHOLE,
    "link_bytes": WHOLE,
    "seconds": NUMBER,
}
_FORESEEN: Mapping[str, Schema] = {
    "payload": TEXT,
    "pending": BOOLEAN,
    "bytes_missing": WHOLE,
    "neighbour_bytes": WHOLE,
    "seconds_estimate": {"type": ["number", "null"]},
    "pauses": _list(_PAUSE),
}
_FINDING = _object({"weight": TEXT, "at": TEXT, "sentence": TEXT, "believed_until": TEXT})
_SIDE = _object(
    {"whole": BOOLEAN, "lines": WHOLE, "first": WHOLE, "last": WHOLE, "chain": TEXT, "findings": _list(_FINDING)}
)
_ROW = _object({"store": TEXT, "side": TEXT, "at": TEXT, "record": ANY_OBJECT})

_CAUSE = _object({"outcome": TEXT, "word": TEXT, "step": TEXT, "reason": TEXT, "next": TEXT, "stores": _list(TEXT)})
_ENDED = _object(
    {
        **dict.fromkeys(("store", "outcome", "word", "reason", "step", "run"), TEXT),
        "exit": WHOLE,
        "seconds": NUMBER,
        "document": MAYBE_OBJECT,
        "error": MAYBE_OBJECT,
    }
)


def schemas() -> dict[str, Schema]:
    """Return each schema by the name of its file; `document` holds for every command that has none of its own."""
    outcome = {**_fields(Outcome), "verdict": _VERDICT, "steps": _list(_STEP), "pauses": _list(_PAUSE)}
    deployed = _object({"store": TEXT, "payload": TEXT, **outcome})
    seen = {"causes": _list(_object(_fields(Cause))), "unseen": _list(_object(_fields(Unseen)))}
    named = {
        "document": _object({}),
        "deploy": deployed,
        "rollback": deployed,
        "plan": _object({**_SEEN, **_FORESEEN}),
        "status": _object(_SEEN),
        "history": _object({"store": TEXT, "slots": _list(ANY_OBJECT)}),
        "pause": _object({"store": TEXT, "pause": TEXT}),
        "resume": _object({"store": TEXT, "was": TEXT}),
        "cancel": _object({"store": TEXT, "verdict": MAYBE_OBJECT}),
        "collect": _object({"to": TEXT, "nodes": _map(ANY_OBJECT), "unreached": _map(TEXT)}),
        "many": _object(
            {
                "command": TEXT,
                "counts": _map(WHOLE),
                "causes": _list(_CAUSE),
                "stores": _list(_ENDED),
                "seconds": NUMBER,
            }
        ),
        "doctor": _object({**_fields(Diagnosis), **seen, "word": TEXT}),
        "accept": _object(_fields(Report)),
        "audit-show": _object({"rows": _list(_ROW)}),
        "audit-verify": _object({"stores": _map(_map(_SIDE))}),
    }
    found = {name: _whole(name, schema) for name, schema in named.items()}
    error = _object({"error": TEXT, "message": TEXT, "hint": TEXT, "details": _list(TEXT), "docs": TEXT})
    return {**found, "error": _whole("error", error)}


def name_of(words: typing.Sequence[str], document: Mapping[str, Any]) -> str:
    """Return the schema's name for what a command line has printed."""
    known = schemas()
    if "error" in document and "message" in document:
        return "error"
    if "causes" in document and "counts" in document:  # of several stores
        return "many"
    if words and words[0] == "doctor" and "causes" not in document:  # a page of the runbook
        return "document"
    two = "-".join(words[:2])
    return two if two in known else words[0] if words and words[0] in known else "document"


def file_of(name: str) -> str:
    """Return the name of a schema's file: another format is another file, and the older one stays."""
    return f"{name}-{FORMAT}.json"


def broken(old: Schema, new: Schema, where: str = "$") -> Iterator[str]:
    """Yield what a reader of the old schema would miss in documents of the new one."""
    for key in old.get("required", ()):
        if key not in new.get("required", ()):
            yield f"{where}.{key} was always there, and may be missing now"
    was, now = _kinds(old), _kinds(new)
    if was and (not now or not now <= was):
        yield f"{where} was {' or '.join(sorted(was))}, and is {' or '.join(sorted(now)) or 'anything'} now"
    for key, schema in old.get("properties", {}).items():
        if key not in new.get("properties", {}):
            yield f"{where}.{key} is gone"
        else:
            yield from broken(schema, new["properties"][key], f"{where}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(old.get(key), dict):
            yield from broken(old[key], new.get(key) or {}, f"{where}[]")


def _kinds(schema: Schema) -> set[str]:
    kinds = schema.get("type", [])
    found = {kinds} if isinstance(kinds, str) else set(kinds)
    return found | ({"integer"} if "number" in found else set())


def _whole(name: str, schema: Schema) -> Schema:
    common: Schema = {"format": {"const": FORMAT}, "exit": WHOLE}
    return {
        "$schema": _DRAFT,
        "title": f"edgectl {name.replace('-', ' ')} -o json, format {FORMAT}",
        **schema,
        "properties": {**schema["properties"], **common},
        "required": sorted({*schema["required"], *common}),
    }


def _fields(kind: type[Any]) -> dict[str, Schema]:
    hints = typing.get_type_hints(kind)
    return {field.name: _type(hints[field.name]) for field in dataclasses.fields(kind)}


def _type(hint: Any) -> Schema:
    simple = {str: TEXT, int: WHOLE, float: NUMBER, bool: BOOLEAN}
    if hint in simple:
        return simple[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {tuple, list}:
        return _list(_type(arguments[0]))
    if origin in {typing.Union, types.UnionType}:
        (only,) = (one for one in arguments if one is not type(None))
        return {"type": [_type(only)["type"], "null"]}
    return ANY_OBJECT
