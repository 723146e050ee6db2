"""Every text of the corpus in every place of the inventory: refused by the model, or given back to the byte.

The places come from the schema itself, so a field that is added is tested the day it is added.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edgectl.control.blockyaml import dump
from edgectl.control.inventory import schema
from edgectl.control.inventory.load import load
from edgectl.control.inventory.store import HostFile, HostSettings
from edgectl.control.inventory.text import refused, refused_key
from edgectl.control.kubeyaml import load_all
from edgectl.control.payload.hostfiles import SYSCTLS, host_files, refused_sysctl
from edgectl.control.payload.kubernetes import CONFIG, KUBELET, REGISTRIES, k3s_files
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.payload import ManagedFile, Payload, Release, decode
from tests.fields import KEY, NAME, Spot, spots
from tests.strings import CARRIED, REFUSED, SHORT

SPOTS = {str(spot): spot for spot in spots(schema.Inventory)}
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
FREE = {
    "values": list(CARRIED.values()),
    "keys": {text: number for number, text in enumerate(CARRIED.values()) if text and not refused_key(text)},
}


def test_the_walk_finds_places_of_every_kind() -> None:
    """Law: the walk is not blind: texts, keys of maps, items of lists, and free maps at any depth. Seeded: no Union."""
    for place in (
        "bundle",
        f"stores.{KEY}",
        f"stores.{NAME}.title",
        f"stores.{NAME}.nodes.{NAME}.address",
        "defaults.ssh.keys.0",
        f"defaults.host.sysctls.{KEY}",
        "defaults.host.files.0.text",
        f"groups.{NAME}.releases.{NAME}.values.{NAME}",
        f"defaults.k3s.registries.{NAME}.0.{NAME}.{KEY}",
    ):
        assert place in SPOTS
    assert all(SPOTS[f"defaults.k3s.{name}.{KEY}"].free for name in ("config", "kubelet", "registries"))


@pytest.mark.parametrize("name", SPOTS)
def test_a_text_is_refused_or_stays(name: str) -> None:
    """Law: in every place a model refuses a text or keeps it, and what is written of it reads the same.

    Seeded: a field whose validator strips blanks.
    """
    spot = SPOTS[name]
    texts = {**SHORT, **{key: text for key, text in REFUSED.items() if "half" not in refused(text)}}
    kept = [spot.document(text) for text in texts.values() if stays(spot, text)]
    if kept:
        (read,) = load_all(dump(kept))
        assert read == kept
        assert json.loads(canonical(kept)) == kept
    if spot.free:  # nothing that can be carried is refused here
        wanted = [spot.document(text) for text in SHORT.values() if text and not refused_key(text)]
        assert [doc for doc in wanted if doc not in kept] == []


def stays(spot: Spot, text: str) -> bool:
    """Say whether the models take the text; fails when they change it."""
    doc = spot.document(text)
    try:
        model = schema.Inventory.model_validate(doc)
    except ValidationError as error:
        return not any(_is_about(found["loc"], spot, text) for found in error.errors())
    return bool(_within(doc, model.model_dump(exclude_unset=True)))


def _is_about(loc: tuple[Any, ...], spot: Spot, text: str) -> bool:
    """Tell a finding about the text from one about all that this small document lacks."""
    path = [text if part == KEY else part for part in spot.path]
    return list(loc)[: len(path)] == path or (loc[-1:] == ("[key]",) and list(loc)[:-1] == path[: len(loc) - 1])


def _within(part: Any, whole: Any) -> bool:
    if isinstance(part, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    return bool(part == whole)


@pytest.fixture
def payload(tmp_path: Path) -> Payload:
    """Return what a store becomes whose every free map and every file holds the whole corpus."""
    doc = {
        "version": 1,
        "bundle": "bundle",
        "stores": {
            "store-042": {
                "title": CARRIED["astral"],
                "k3s": {"version": "v1.36.3+k3s1", "config": FREE, "kubelet": FREE, "registries": FREE},
                "helm": {"version": "v4.3.1"},
                "host": {
                    "files": [{"path": f"/f{number}", "text": text} for number, text in enumerate(CARRIED.values())]
                },
                "releases": {"r": {"chart": "c", "namespace": "n", "values": FREE}},
                "nodes": {"node-1": {"address": "10.77.0.11", "host_key": HOST_KEY}},
            }
        },
    }
    (tmp_path / "inventory.yaml").write_text(dump(doc))
    store = load(tmp_path / "inventory.yaml").store("store-042")
    node, (asked,) = store.nodes[0], store.releases
    files = (*host_files(node.host), *k3s_files(node))
    empty = {
        "store": "store-042",
        "title": store.title,
        "nodes": [
            {
                "name": "node-1",
                "role": "server",
                "address": "10.77.0.11",
                "host": {"free_bytes": 0, "files": to_json(files)},
                "k3s": {"version": "v", "binary": "", "unit": "k3s.service", "files": [], "images": []},
            }
        ],
        "releases": [],
        "blobs": {},
    }
    release = Release(asked.name, asked.namespace, "", asked.values, "", (asked.values,))
    made = from_json(Payload, {**empty, "releases": [to_json(release)]})
    return decode(made.encode())


@pytest.mark.parametrize("path", [CONFIG, KUBELET, REGISTRIES])
def test_the_files_of_k3s_hold_every_text(payload: Payload, path: str) -> None:
    """Law: from the inventory through the payload into the node's file, to the byte. Seeded: a folding writer."""
    (text,) = (file.text for file in payload.nodes[0].host.files if file.path == path)
    (read,) = load_all(text)
    assert {key: read[key] for key in FREE} == FREE


def test_values_and_files_hold_every_text(payload: Payload) -> None:
    """Law: chart values and texts of files cross the wire to the byte. Seeded: a reader of universal newlines."""
    assert payload.releases[0].values == FREE
    assert payload.title == CARRIED["astral"]
    found = {file.path: file.text for file in payload.nodes[0].host.files}
    assert [found[f"/f{number}"] for number in range(len(CARRIED))] == list(CARRIED.values())


@pytest.mark.parametrize("name", [*SHORT, *REFUSED])
def test_a_kernel_setting_is_one_line_or_refused(name: str) -> None:
    """Law: sysctl.d has no quotes, so a setting is given back by its line, or refused. Seeded: no check of newlines."""
    text = {**SHORT, **REFUSED}[name]
    for key, value in (("vm.a", text), (text, "1")):
        if refused_sysctl(key, value):
            continue
        settings = {"a.first": "1", key: value, "z.last": "1"}
        (file,) = host_files(HostSettings(free_bytes=0, files=(), sysctls=settings))
        assert file.path == SYSCTLS
        assert settings_of(file) == settings


def settings_of(file: ManagedFile) -> dict[str, str]:
    """Read a file as sysctl.d(5) says."""
    lines = [line.strip() for line in file.text.split("\n")]
    pairs = [line.partition("=") for line in lines if line and line[0] not in "#;"]
    return {key.strip(): value.strip() for key, _, value in pairs}


def test_files_and_settings_stand_side_by_side() -> None:
    """The declared files first, then the settings; no settings, no file."""
    file = HostFile(path="/a", text="b", mode="0600")
    assert host_files(HostSettings(0, (file,), {})) == (ManagedFile("/a", "b", "0600"),)
    assert [found.path for found in host_files(HostSettings(0, (file,), {"a": "1"}))] == ["/a", SYSCTLS]
