"""Models on a real node: into the registry, ahead of a deploy that sends none of them, and back with the line cut."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.bundle.layout import Bundle
from edgectl.control.gather.models import take_models
from edgectl.control.gather.shopping import Shopping
from edgectl.control.inventory.load import load
from tests.e2e.conftest import Shop
from tests.e2e.operator import ROOT, Operator
from tests.e2e.stock import copy_bundle

pytestmark = pytest.mark.e2e

_NAME = "tiny-detector"
_MODEL = ROOT / "templates/models" / _NAME / "2/model.onnx"
_REGISTRY = f"/var/lib/edgectl/models/{_NAME}"
_BALLAST_BYTES = 3_000_000


@pytest.fixture(autouse=True)
def _whole_line(shop: Shop) -> Iterator[None]:
    yield
    shop.sandbox.link.restore()


def _field(number: int, data: bytes) -> bytes:
    """Return a protobuf field of bytes: appended to a model, doc_string (6) is a text that no runtime looks at."""
    length, head = len(data), bytearray([number << 3 | 2])
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes(head) + bytes([length]) + data


def _version(folder: Path, version: str) -> Path:
    """Return a version of the model whose answer is the same and whose bytes are many, and its own."""
    path = folder / f"{_NAME}-{version}.onnx"
    path.write_bytes(_MODEL.read_bytes() + _field(6, os.urandom(_BALLAST_BYTES // 2).hex().encode()))
    return path


def _declared(shop: Shop, bundle: Path, model: dict[str, Any]) -> Operator:
    """Return an operator whose inventory declares this model, which the bundle has taken in."""

    def change(doc: dict[str, Any]) -> None:
        doc["bundle"] = str(bundle)
        doc["defaults"]["models"] = {_NAME: model}

    operator = shop.operator.with_(change=change)
    shopping = Shopping(Bundle.open(bundle), (), lambda _: None)
    take_models([load(operator.inventory).store(operator.store)], shopping)
    assert not shopping.missing
    return operator


def _runs(shop: Shop) -> dict[str, str]:
    """Return which version each link names, as a pod would read it."""
    found = {}
    for link in ("current", "previous", "candidate"):
        text = shop.node.sh(f"cat {_REGISTRY}/{link}/model.json 2>/dev/null || echo '{{}}'")
        found[link] = str(json.loads(text).get("version", ""))
    return found


def _serves(shop: Shop) -> list[str]:
    """Return the versions that the service says it has, switched while it runs."""
    url = f"http://{shop.node.address('inference')}:8000/v2/models/{_NAME}"
    versions: list[str] = json.loads(shop.node.sh(f"curl -sS -m 5 {url}"))["versions"]
    return versions


def test_ahead_of_its_deploy_and_back_with_the_line_cut(settled: Shop, tmp_path: Path) -> None:
    """1.3 is served from the registry; 1.4 comes ahead, its deploy sends none of it; offline, 1.3 is back and stays."""
    bundle, shipped = copy_bundle(settled.sandbox, "models"), _runs(settled)["current"]
    old = {"version": "1.3", "from": str(_version(tmp_path, "1.3"))}
    new = {"version": "1.4", "from": str(_version(tmp_path, "1.4"))}

    first = _declared(settled, bundle, old).deploy()
    assert first["changed"] == ["models", "facts"], "it serves from the registry already"
    assert _runs(settled) == {"current": "1.3", "previous": shipped, "candidate": ""}
    settled.node.wait("it answers from it", lambda: _serves(settled) == ["1.3"], seconds=30)
    assert settled.node.answers() == ""

    came = _declared(settled, bundle, {**old, "next": new}).group("models", "prefetch", "-o", "json").document
    ((ended),) = came["stores"].values()
    assert (ended["word"], ended["blob_bytes"] > _BALLAST_BYTES) == ("here", True)
    assert _runs(settled) == {"current": "1.3", "previous": shipped, "candidate": "1.4"}
    assert "models" not in settled.node.heal()["changed"], "what came ahead is nothing to heal"
    assert _runs(settled)["candidate"] == "1.4"

    steady = settled.node.steady()
    second = _declared(settled, bundle, new).deploy()
    assert second["blob_bytes"] < _BALLAST_BYTES / 10, "the payload alone"
    assert "models" in second["changed"]
    assert _runs(settled) == {"current": "1.4", "previous": "1.3", "candidate": ""}
    assert settled.node.steady().containers == steady.containers, "no pod is restarted for it"

    settled.sandbox.link.cut()
    said = settled.node.sh(f"edgectl-node models rollback {_NAME} --why 'bad counts'")
    assert said.startswith(f"{_NAME} went back from 1.4 to 1.3; held at 1.3 by root@")
    heal = settled.node.heal()
    assert (heal["word"], heal["changed"]) == ("ready", [])
    assert _runs(settled) == {"current": "1.3", "previous": "1.4", "candidate": ""}
    settled.sandbox.link.restore()
    operator = _declared(settled, bundle, new)
    operator.run("status").has("is READY", f"held      {_NAME} held at 1.3 by root@", ": bad counts")
    assert operator.deploy()["changed"] == [], "the same version again is no reason to end it"
    operator.group("models", "release", _NAME)
    assert _runs(settled)["current"] == "1.4"
    assert settled.operator.deploy()["changed"] == ["models", "facts"]
    settled.node.wait("the shipped one is back", lambda: _serves(settled) == [shipped], seconds=30)
