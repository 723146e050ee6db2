"""A node that remembers: files under a folder, API objects, units and programs as plain data.

The file verbs are the real ones. Programs that change something change this fake's state, as the real ones would.
"""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.api import Denied, WriteApi
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.io.programs import Ran

CASES = Path(__file__).parents[2] / "cases" / "node"
BOOT = "6e5dc6c8-0000-0000-0000-000000000000"
Json = dict[str, Any]


def case(name: str) -> Json:
    """Return one object as a real node's API gave it."""
    doc = json.loads((CASES / f"{name}.json").read_text())
    assert isinstance(doc, dict)
    return doc


def ran(out: str = "", *, code: int | None = 0, err: str = "", argv: tuple[str, ...] = ("program", "script")) -> Ran:
    """Return a finished program."""
    return Ran(argv, code, out, err, 0.1)


@dataclass
class FakeApi:
    """Objects by path. `down` makes it not answer; `denies` makes it refuse a dry apply."""

    objects: dict[str, Json] = field(default_factory=dict)
    down: bool = False
    denies: str = ""
    version: str = "{}"
    namespaces: bool = False  # whether it knows namespaces: objects need theirs, then
    deleted: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    applied: list[Json] = field(default_factory=list)
    on_create: Callable[[str, Json], Json] = lambda _, item: item

    def apart(self, seconds: float) -> FakeApi:
        """Return what another thread asks with: the same."""
        assert seconds > 0
        return self

    def close(self) -> None:
        """Have nothing to close."""

    def get(self, path: str) -> Json | None:
        """Return an object or a list, with label selectors."""
        self._answer()
        self.asked.append(path)
        split = urlsplit(path)
        if split.path in self.objects:
            return copy.deepcopy(self.objects[split.path])
        pattern = re.escape(split.path) + r"/[^/]+"
        if "/namespaces/" not in split.path:
            parent, _, plural = split.path.rpartition("/")
            pattern = rf"{re.escape(parent)}/namespaces/[^/]+/{plural}/[^/]+"
        if (query := unquote(split.query)).startswith("fieldSelector=spec.nodeName="):
            own = query.removeprefix("fieldSelector=spec.nodeName=").partition("&")[0]
            pods = (item for place, item in sorted(self.objects.items()) if re.fullmatch(pattern, place))
            return {"kind": "List", "items": [copy.deepcopy(pod) for pod in pods if pod["spec"]["nodeName"] == own]}
        wanted = dict(
            word.partition("=")[::2] for word in unquote(split.query).removeprefix("labelSelector=").split(",")
        )
        items = [
            item
            for place, item in sorted(self.objects.items())
            if re.fullmatch(pattern, place) and _matches(item, {key: value for key, value in wanted.items() if key})
        ]
        is_list = split.path.rsplit("/", 1)[-1] in {"pods", "secrets", "configmaps", "replicasets", "services"}
        return {"kind": "List", "items": copy.deepcopy(items)} if is_list else None

    def get_text(self, path: str) -> str:
        """Answer readyz."""
        self._answer()
        if path == "/version":
            return self.version
        assert path == "/readyz"
        if self.denies:
            raise Denied(500, self.denies)
        return "ok"

    def dry_apply(self, manifest: Json, path: str) -> Json:
        """Merge a manifest into the live object, as server-side apply does for the fields that are named."""
        self._answer()
        if self.denies:
            raise Denied(422, self.denies)
        return cast("Json", merged(self.objects[path], manifest))

    def dry_create(self, path: str, item: Json) -> Json:
        """Return what would be made: with the server's defaults, where a test has some (`on_create`)."""
        self._answer()
        if self.denies:
            raise Denied(422, self.denies)
        return self.on_create(path, copy.deepcopy(item))

    def annotate(self, path: str, values: dict[str, str]) -> None:
        """Set annotations."""
        self._answer()
        self.objects[path].setdefault("metadata", {}).setdefault("annotations", {}).update(values)

    def merge(self, path: str, fields: Json) -> None:
        """Lay fields over an object."""
        self._answer()
        if self.denies:
            raise Denied(422, self.denies)
        if path not in self.objects:
            raise Denied(404, f"{path} not found")
        self.objects[path] = merged(self.objects[path], copy.deepcopy(fields))
        self.written.append(path)

    def patch_status(self, path: str, status: Json) -> None:
        """Lay a status over the object's own: conditions by type, as the API's strategic merge does."""
        self._answer()
        if self.denies:
            raise Denied(403, self.denies)
        if path not in self.objects:
            raise Denied(404, f"{path} not found")
        own = self.objects[path].setdefault("status", {})
        for one in copy.deepcopy(status["conditions"]):
            own["conditions"] = [old for old in own.get("conditions", []) if old["type"] != one["type"]] + [one]
        self.written.append(f"{path}/status")

    def create(self, path: str, item: Json) -> None:
        """Make an object, as the API does: not without its namespace (where these are known here), and not twice."""
        self._answer()
        if self.denies:
            raise Denied(422, self.denies)
        namespace = path.rpartition("/")[0]
        if self.namespaces and path != "/api/v1/namespaces" and namespace not in self.objects:
            raise Denied(404, f"namespaces {namespace.rpartition('/')[2]!r} not found")
        place = f"{path}/{item['metadata']['name']}"
        if place in self.objects:
            raise Denied(409, f"{item['metadata']['name']} already exists")
        self.objects[place] = copy.deepcopy(item)
        self.written.append(place)

    def replace(self, path: str, item: Json) -> None:
        """Put an object in the place of another; what cannot be changed is not."""
        self._answer()
        if self.denies:
            raise Denied(422, self.denies)
        if path not in self.objects:
            raise Denied(404, f"{path} not found")
        if self.objects[path].get("immutable") or self.objects[path].get("type") != item.get("type"):
            raise Denied(422, "field is immutable")
        self.objects[path] = copy.deepcopy(item)
        self.written.append(path)

    def delete(self, path: str) -> None:
        """Delete an object."""
        self._answer()
        self.deleted.append(path)
        self.objects.pop(path, None)

    def _answer(self) -> None:
        if self.down:
            raise LookFailed("the Kubernetes API does not answer: connection refused")


class FakeNode(Hands):
    """Looks and hands on a node that lies in a folder."""

    def __init__(self, root: Path) -> None:
        super().__init__(Places(root))
        self.kube = FakeApi()
        self.api = cast("WriteApi", self.kube)
        self.units: dict[str, dict[str, str]] = {}
        self.boot = BOOT
        self.booted = 0.0
        self.on_run: Callable[..., Ran] = lambda *_: ran()
        self.on_change: Callable[..., Ran] = lambda *_: ran()
        self.changes: list[tuple[str, ...]] = []
        self.stdin = b""

    def run(self, *argv: str, limit_seconds: float = 20.0, stdin: bytes = b"") -> Ran:
        """Run what only reads."""
        del limit_seconds, stdin
        return self.on_run(*argv)

    def change(
        self, *argv: str, limit_seconds: float, stdin: bytes = b"", cwd: str = "/", keeps_lock: bool = True
    ) -> Ran:
        """Run what changes something, and remember it."""
        del limit_seconds, cwd, keeps_lock
        self.changes.append(argv)
        self.stdin = stdin
        return self.on_change(*argv)

    def unit(self, name: str) -> dict[str, str]:
        """Return a unit's properties."""
        return self.units.get(name, {"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""})

    def processes(self) -> dict[int, tuple[int, bytes]]:
        """Return none: those of this machine, a sandbox store's among them, are no business of a node in a folder."""
        return {}

    def kill(self, pid: int) -> None:
        """Remember it, and end nobody."""
        self.changes.append(("kill", str(pid)))

    def boot_id(self) -> str:
        """Return this boot."""
        return self.boot

    def booted_at(self) -> float:
        """Return when this boot began."""
        return self.booted

    def up_seconds(self) -> float:
        """Return how long ago that was."""
        return max(time.time() - self.booted, 0.0)


def merged(live: Any, wanted: Any) -> Any:
    """Lay wanted fields over live ones, null takes one away; lists of named things are merged by name."""
    if isinstance(live, dict) and isinstance(wanted, dict):
        stay = [key for key in {**live, **wanted} if key not in wanted or wanted[key] is not None]
        return {key: merged(live.get(key), wanted[key]) if key in wanted else live[key] for key in stay}
    if isinstance(live, list) and isinstance(wanted, list) and all(isinstance(item, dict) for item in [*live, *wanted]):
        have = {item.get("name"): item for item in live}
        named = [merged(have.get(item.get("name")), item) for item in wanted]
        return named + [item for item in live if item.get("name") not in {other.get("name") for other in wanted}]
    return copy.deepcopy(wanted)


def _matches(item: Json, wanted: dict[str, str]) -> bool:
    labels = item.get("metadata", {}).get("labels", {})
    return all(key in labels and (not value or labels[key] == value) for key, value in wanted.items())
