"""Secrets and ConfigMaps that edgectl itself keeps in the cluster: how they are marked, found and written.

Owns: the marks, and whose an object is. What bears none of the marks is somebody else's, and is never touched.
Must not know which objects a store declares. No sentence from here holds a value.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from edgectl.node.charts.history import LABEL, LABEL_LENGTH
from edgectl.node.converge.protocol import ApplyFailed, LookFailed
from edgectl.node.io.api import Denied, selector
from edgectl.node.io.look import Hands, Look
from edgectl.wire.document import canonical, digest_of

Json = dict[str, Any]
Name = tuple[str, str]  # namespace, name
MANAGED = {"app.kubernetes.io/managed-by": "edgectl"}
DECLARED = "edgectl.local/declared"  # an annotation: what the payload says of the object, as JSON
_NOT_FOUND = 404
_EXISTS = 409


def ours(read: Look, plural: str) -> dict[Name, Json]:
    """Return all of a kind that bear our label, over all namespaces: one request."""
    found = read.api.get(f"/api/v1/{plural}?labelSelector={selector(MANAGED)}") or {}
    return {name_of(item): item for item in found.get("items", [])}


def live(read: Look, plural: str, name: Name, listed: dict[Name, Json]) -> tuple[Json | None, str]:
    """Return one object, and whose it is when it is not ours; what is not on the list may be somebody else's."""
    if name in listed:
        return listed[name], ""
    found = read.api.get(path_of(plural, name))
    if found is None or declared_of(found):
        return found, ""
    return None, f"{'/'.join(name)} is somebody else's: it has no label {_label()}"


def marked(item: Json, declared: object) -> Json:
    """Return the object with our marks; `declared` is what the payload says of it."""
    text = canonical(declared).decode()
    meta = item["metadata"]
    meta["labels"] = {**MANAGED, LABEL: digest_of(text.encode()).removeprefix("sha256:")[:LABEL_LENGTH]}
    meta["annotations"] = {DECLARED: text}
    return item


def is_marked(item: Json | None, wanted: Json) -> bool:
    """Tell whether a live object bears the marks of the wanted one."""
    meta = (item or {}).get("metadata", {})
    return all(
        (meta.get(kind) or {}).get(key) == value
        for kind in ("labels", "annotations")
        for key, value in wanted["metadata"][kind].items()
    )


def declared_of(item: Json | None) -> Json:
    """Return what an object of ours says of its declaration; nothing of somebody else's, or when it is torn."""
    try:
        doc = json.loads(((item or {}).get("metadata", {}).get("annotations") or {}).get(DECLARED, "{}"))
    except ValueError:
        return {}
    return doc if isinstance(doc, dict) else {}


def put(write: Hands, plural: str, wanted: Json, found: Json | None, *, hide: Iterable[str] = ()) -> None:
    """Write one object, and its namespace where there is none; ApplyFailed without any of the values to hide."""
    name = name_of(wanted)
    try:
        if found is not None and (found.get("immutable") or found.get("type") != wanted.get("type")):
            write.api.delete(path_of(plural, name))  # neither can be changed in place
            found = None
        if found is not None:
            write.api.replace(path_of(plural, name), _with_marks_of(wanted, found))
            return
        try:
            write.api.create(path_of(plural, (name[0], "")), wanted)
        except Denied as answer:
            if answer.status != _NOT_FOUND:
                raise
            _make_namespace(write, name[0])
            write.api.create(path_of(plural, (name[0], "")), wanted)
    except Denied as answer:
        reason = f"{'/'.join(name)} could not be written: {_veiled(answer.message, hide)}"
        raise ApplyFailed(reason) from None  # the answer may quote what was sent
    except LookFailed as failure:
        raise ApplyFailed(f"{'/'.join(name)} could not be written: {_veiled(failure.reason, hide)}") from None


def is_managed(item: Json) -> bool:
    """Tell whether an object bears our label."""
    labels = item.get("metadata", {}).get("labels") or {}
    return all(labels.get(key) == value for key, value in MANAGED.items())


def name_of(item: Json) -> Name:
    """Return namespace and name."""
    meta = item.get("metadata", {})
    return str(meta.get("namespace", "")), str(meta.get("name", ""))


def path_of(plural: str, name: Name) -> str:
    """Return where the API has an object; its collection when the name is empty."""
    return f"/api/v1/namespaces/{name[0]}/{plural}/{name[1]}".rstrip("/")


def _make_namespace(write: Hands, name: str) -> None:
    try:
        write.api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    except Denied as answer:
        if answer.status != _EXISTS:
            raise


def _with_marks_of(wanted: Json, found: Json) -> Json:
    """Keep labels and annotations that somebody has added."""
    had, new = found.get("metadata", {}), wanted["metadata"]
    both = {kind: {**(had.get(kind) or {}), **new[kind]} for kind in ("labels", "annotations")}
    return {**wanted, "metadata": {**new, **both}}


def _veiled(sentence: str, hide: Iterable[str]) -> str:
    for value in sorted(hide, key=len, reverse=True):
        for shown in (value, base64.b64encode(value.encode()).decode(), json.dumps(value)[1:-1]):
            sentence = sentence.replace(shown, "***")
    return sentence[:300]


def _label() -> str:
    return ",".join(f"{key}={value}" for key, value in MANAGED.items())
