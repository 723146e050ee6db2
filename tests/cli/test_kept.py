"""A payload that is kept is shown again at once, and never in the place of another one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import edgectl as package
from edgectl.control import assets
from edgectl.control.bundle.layout import Bundle
from edgectl.control.cache import cache
from edgectl.control.inventory.load import load
from edgectl.control.inventory.store import Store
from edgectl.control.payload import inputs, kept
from edgectl.control.payload.render import Renderer
from edgectl.control.payload.rendered import Rendered
from tests.cli.conftest import KEY, Edgectl, Said

POLICY = "{rules: {images-pinned: {exceptions: [{stores: 'store-0*', until: '%s', why: soon}]}}}"
INVENTORY = f"""version: 1
bundle: link
defaults:
  k3s: {{version: v1.36.3+k3s1}}
  helm: {{version: v4.3.1}}
  releases: {{vision: {{chart: vision-stack, namespace: vision}}}}
  inference: {{release: vision, service: inference, model: tiny, reference: reference.json}}
  secrets: {{registry: {{keys: {{token: {{sops: secrets.yaml, key: a.b}}}}}}}}
  timezone: Test/Berlin
  policy: {POLICY % "2999-01-01"}
stores:
  store-042: {{title: Berlin, nodes: {{node-1: {{address: 10.77.0.11, host_key: {KEY}}}}}}}
  store-043: {{title: Bonn, nodes: {{node-1: {{address: 10.77.0.12, host_key: {KEY}}}}}}}
"""
ZONE = b"TZif" + bytes(16) + struct.pack(">6L", 0, 0, 0, 0, 1, 4) + bytes(6) + b"UTC\0"  # RFC 9636
HELM = """#!/bin/sh
echo '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c",'
echo ' "image": "docker.io/rancher/mirrored-pause:latest"}]}}'
"""


@pytest.fixture
def store(inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the inventory of two stores that hang on everything that a payload can hang on."""
    bundle = Bundle.create(tmp_path / "bundle")
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    for one in {arch, "amd64"}:
        bundle.add(HELM.encode(), kind="helm", name="helm", version="v4.3.1", arch=one)
    refs = ("docker.io/rancher/mirrored-pause:latest",)
    bundle.add(b"pause", kind="image", name="mirrored-pause", version="1", refs=refs)
    (tmp_path / "link").symlink_to("bundle")
    (tmp_path / "reference.json").write_text(json.dumps({"request": {"inputs": [{"name": "x"}]}, "answer": [1]}))
    (tmp_path / "secrets.yaml").write_text("a: {b: ENC[x]}\n")
    (tmp_path / "zones" / "Test").mkdir(parents=True)
    (tmp_path / "zones" / "Test" / "Berlin").write_bytes(ZONE)
    code = tmp_path / "edgectl"
    shutil.copytree(assets.templates(), tmp_path / "templates")
    shutil.copytree(Path(package.__file__).parent, code, ignore=lambda *_: {"node", "sandbox", "stack", "__pycache__"})
    monkeypatch.setattr(assets, "__file__", str(code / "control" / "assets.py"))
    assets.templates.cache_clear()
    monkeypatch.setattr(package, "__file__", str(code / "__init__.py"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "site" / "some-1.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    inventory.write_text(INVENTORY)
    return inventory


@pytest.fixture(autouse=True)
def _places(tmp_path: Path) -> Iterator[None]:
    """Let this machine know one time zone more, in a folder of the test's own."""
    zoneinfo.reset_tzpath((str(tmp_path / "zones"), *zoneinfo.TZPATH))
    yield
    assets.templates.cache_clear()
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


def afresh(store: Path, edgectl: Edgectl) -> Said:
    """Return what the command says when nothing is kept."""
    shutil.rmtree(cache("payloads"), ignore_errors=True)
    zoneinfo.ZoneInfo.clear_cache()
    return edgectl("render", "store-042", "-i", str(store), "-v")


def test_what_is_kept_is_what_was_rendered(store: Path, edgectl: Edgectl, tmp_path: Path) -> None:
    """Law: text, document, folder and remarks are the same from the cache as without one."""
    ways: tuple[tuple[str, ...], ...] = ((), ("-v",), ("-o", "json"), ("--to", str(tmp_path / "to")))
    without = []
    for way in ways:
        for left in (cache("payloads"), tmp_path / "to"):
            shutil.rmtree(left, ignore_errors=True)
        without.append((edgectl("render", "store-042", *way), _files(tmp_path / "to")))
    assert without[0][0].code == 0
    assert "1 excused by an exception: edgectl lint store-042" in without[0][0].err
    assert kept.find("store-042", store) is not None
    for way, before in zip(ways, without, strict=True):
        shutil.rmtree(tmp_path / "to", ignore_errors=True)
        assert (edgectl("render", "store-042", *way), _files(tmp_path / "to")) == before
    assert kept.find("store-043", store) is None
    assert "10.77.0.12" in edgectl("render", "store-043").out


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_is_kept_is_shown_without_what_takes_time(inventory: Path) -> None:
    """Law: from the second time on, nothing that reads or judges an inventory is imported."""
    code = (
        "import sys; from edgectl.cli.main import run; "
        f"run(['render', 'store-042', '-i', {str(inventory)!r}]); print(*sys.modules, file=sys.stderr)"
    )
    ends = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    first, second = (set(end.stderr.split()) for end in ends)
    heavy = {"pydantic", "yaml", "jinja2", "packaging", "zoneinfo", "edgectl.control.inventory.load"}
    assert heavy <= first | {"packaging"}
    assert not heavy & second
    assert ends[0].stdout == ends[1].stdout != ""


Change = Callable[[Path, pytest.MonkeyPatch], None]


def _written(name: str, text: str) -> Change:
    def change(home: Path, _: pytest.MonkeyPatch) -> None:
        with (home / name).open("a") as stream:
            stream.write(text)

    return change


def _bundled(home: Path, _: pytest.MonkeyPatch) -> None:
    Bundle(home / "bundle").add(b"another k3s", kind="k3s", name="k3s", version="v1.36.3+k3s1")


def _blob(home: Path, *, cut: bool) -> None:
    found = Bundle(home / "bundle").find(kind="k3s", name="k3s")
    assert found is not None
    path = home / "bundle" / "blobs" / "sha256" / found.digest.removeprefix("sha256:")
    path.write_bytes(b"") if cut else path.unlink()


def _linked(home: Path, _: pytest.MonkeyPatch) -> None:
    shutil.copytree(home / "bundle", home / "other")
    (home / "link").unlink()
    (home / "link").symlink_to("other")


def _packed(_home: Path, _: pytest.MonkeyPatch) -> None:
    shutil.rmtree(cache("charts"))


def _moved(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(home / "cache", home / "copy")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "copy"))


def _machine(_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((*real[:4], "riscv64")))


def _installed(home: Path, _: pytest.MonkeyPatch) -> None:
    (home / "site" / "some-1.0.dist-info").rename(home / "site" / "some-1.1.dist-info")


CHANGES: dict[str, Change] = {
    "the inventory": _written("inventory.yaml", "# one line more\n"),
    "the reference": _written("reference.json", " "),
    "a sops file": _written("secrets.yaml", "c: d\n"),
    "a chart": _written("templates/charts/vision-stack/values.yaml", "# more\n"),
    "a chart's new file": _written("templates/charts/vision-stack/templates/more.yaml", "{}\n"),
    "a unit's template": _written("templates/k3s/k3s.service.j2", "# more\n"),
    "the rules": _written("templates/policy/rules.yaml", "# more\n"),
    "edgectl's code": _written("edgectl/control/payload/render.py", "# more\n"),
    "the time zone": _written("zones/Test/Berlin", "x"),
    "the bundle": _bundled,
    "a blob that is cut": lambda home, _: _blob(home, cut=True),
    "a blob that is gone": lambda home, _: _blob(home, cut=False),
    "a layout that is gone": lambda home, _: (home / "bundle" / "oci-layout").unlink(),
    "where the bundle lies": _linked,
    "a packed chart": _packed,
    "the cache's place": _moved,
    "whose home it is": lambda home, monkeypatch: monkeypatch.setenv("HOME", str(home / "other")),
    "a package": _installed,
    "the zones' place": lambda _, monkeypatch: monkeypatch.setenv("PYTHONTZPATH", "/none"),
    "the machine": _machine,
    "Python": lambda _, monkeypatch: monkeypatch.setattr(sys, "version", f"{sys.version} x"),
    "the day": lambda _, monkeypatch: monkeypatch.setattr(kept, "today", lambda: "2998-12-31"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_each_input_that_changes_is_seen(
    store: Path, edgectl: Edgectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    """Law: a payload is taken only when all that it hangs on is as it was. Seeded fault: any one left out."""
    assert edgectl("render", "store-042").code == 0
    assert kept.find("store-042", store) is not None
    change(tmp_path, monkeypatch)
    assert kept.find("store-042", store) is None
    said = edgectl("render", "store-042", "-v")
    assert replace(said, err="") == replace(afresh(store, edgectl), err="")


def _record(name: str, store: Path) -> Path:
    return kept._place(name, store)


def _signed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what is kept, and let its own digest say that all is well."""
    doc = json.loads(path.read_bytes().partition(b"\n\n")[2])
    change(doc)
    body = json.dumps(doc).encode()
    path.write_bytes(kept._HEAD + hashlib.sha256(body).hexdigest().encode() + b"\n\n" + body)


DAMAGE: dict[str, Callable[[Path, Path], object]] = {
    "empty": lambda mine, _: mine.write_bytes(b""),
    "torn": lambda mine, _: mine.write_bytes(mine.read_bytes()[:-9]),
    "torn in its head": lambda mine, _: mine.write_bytes(mine.read_bytes()[:40]),
    "a bit": lambda mine, _: mine.write_bytes(mine.read_bytes().replace(b"10.77.0.11", b"10.77.0.99")),
    "another form": lambda mine, _: mine.write_bytes(mine.read_bytes().replace(b"payload 1", b"payload 0", 1)),
    "no object": lambda mine, _: _text(mine, b"[]"),
    "no JSON": lambda mine, _: _text(mine, b"{"),
    "too deep": lambda mine, _: _text(mine, b"[" * 100_000),
    "another store's": lambda mine, other: shutil.copy(other, mine),
    "another store's payload": lambda mine, other: _signed(
        mine, lambda doc: doc.update(payload=json.loads(other.read_bytes().partition(b"\n\n")[2])["payload"])
    ),
    "a folder": lambda mine, _: mine.rename(mine.with_name("x")).with_name(mine.name).mkdir(),
    "no payload": lambda mine, _: _signed(mine, lambda doc: doc.pop("payload")),
    "a newer payload": lambda mine, _: _signed(
        mine, lambda doc: doc.update(payload=doc["payload"].replace('"format":1', '"format":2'))
    ),
    "no paths": lambda mine, _: _signed(mine, lambda doc: doc.update(paths={})),
    "facts of another form": lambda mine, _: _signed(mine, lambda doc: doc.update(facts=[1])),
    "what was said of another form": lambda mine, _: _signed(mine, lambda doc: doc.update(said={"x": 1})),
}


def _text(path: Path, body: bytes) -> None:
    path.write_bytes(kept._HEAD + hashlib.sha256(body).hexdigest().encode() + b"\n\n" + body)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_cache_that_is_damaged_changes_nothing(
    store: Path, edgectl: Edgectl, damage: Callable[[Path, Path], object]
) -> None:
    """Law: corrupt, torn, foreign or newer: the payload is rendered. Seeded fault: the digest is not compared."""
    wanted = afresh(store, edgectl)
    assert edgectl("render", "store-043").code == 0
    damage(_record("store-042", store), _record("store-043", store))
    assert kept.find("store-042", store) is None
    assert edgectl("render", "store-042", "-v") == wanted


def test_a_cache_that_cannot_be_written_is_done_without(store: Path, edgectl: Edgectl) -> None:
    wanted = afresh(store, edgectl)
    shutil.rmtree(cache("payloads"))
    cache("payloads").write_text("in the way")
    assert edgectl("render", "store-042", "-v") == edgectl("render", "store-042", "-v") == wanted


def test_a_finding_is_told_again_and_again(store: Path, edgectl: Edgectl) -> None:
    """Law: what may not be sent is not kept, and what was kept before does not stand in for it."""
    assert edgectl("render", "store-042").code == 0
    store.write_text(INVENTORY.replace("2999-01-01", "2020-01-01"))
    first = edgectl("render", "store-042")
    assert first.code == 3
    assert edgectl("render", "store-042") == first
    store.write_text(INVENTORY)
    assert edgectl("render", "store-042").code == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [("chart: vision-stack", "chart: ./vision"), ("title: Berlin", "title: ~root/x"), ("bundle: link", "bundle: ~x/y")],
)
def test_what_hangs_on_more_is_not_kept(store: Path, tmp_path: Path, old: str, new: str) -> None:
    """Law: a folder of one's own, and other people's homes, are in no list of inputs."""
    shutil.copytree(tmp_path / "templates" / "charts" / "vision-stack", tmp_path / "vision")
    opened = load(store)
    assert inputs.inputs(opened, opened.store("store-042")) is not None
    store.write_text(INVENTORY.replace(old, new))
    opened = load(store)
    if "bundle" in old:  # a finding, where there is nobody of that name
        opened.source.root().value["bundle"].value = "~root/bundle"
        opened.__dict__["_top"] = load_top(opened)
    assert inputs.inputs(opened, opened.store("store-042")) is None


def load_top(opened: Any) -> Any:
    """Return the file's top level without its findings."""
    return type(opened)._top.func(opened)[0], []


def test_what_changes_while_it_is_rendered_is_not_kept(
    store: Path, edgectl: Edgectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: a payload is not kept by inputs that it was not made of. Seeded fault: looked at only before or after."""
    reference, made = tmp_path / "reference.json", Renderer.render

    def meanwhile(self: Renderer, store: Store) -> Rendered:
        reference.write_text(reference.read_text().replace("[1]", "[2]"))
        return made(self, store)

    monkeypatch.setattr(Renderer, "render", meanwhile)
    before = reference.read_text()
    assert edgectl("render", "store-042").code == 0
    assert kept.find("store-042", store) is None
    reference.write_text(before)
    assert kept.find("store-042", store) is None
