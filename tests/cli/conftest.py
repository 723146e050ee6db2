"""An inventory, a bundle and a node in folders; commands run through the real entry point."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edgectl.cli.main import run
from edgectl.control.bundle.layout import Bundle
from edgectl.report.schemas import name_of, schemas
from tests.archives import canonical_archive
from tests.cli.node import StoreNode, store_node

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
INVENTORY = f"""version: 1
bundle: bundle
defaults:
  k3s: {{version: v1.36.3+k3s1}}
  host: {{files: [{{path: /etc/motd, text: "good"}}]}}
stores:
  store-042:
    title: Berlin
    nodes: {{node-1: {{address: 10.77.0.11, host_key: {KEY}}}}}
"""


@dataclass(frozen=True)
class Said:
    """One command's end: exit code and both streams."""

    code: int
    out: str
    err: str
    words: tuple[str, ...] = field(default=(), compare=False)

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        doc = json.loads(self.out)
        assert isinstance(doc, dict)
        assert doc["exit"] == self.code
        schema = schemas()[name_of(self.words, doc)]
        Draft202012Validator(schema).validate(doc)  # law: what is printed is what docs/schemas says
        return doc


Edgectl = Callable[..., Said]


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the inventory of a store without releases, beside a bundle that has all it needs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    bundle = Bundle.create(tmp_path / "bundle")
    bundle.add(b"k3s", kind="k3s", name="k3s", version="v1.36.3+k3s1")
    for name in ("mirrored-pause", "mirrored-coredns-coredns"):
        archive = canonical_archive(f"docker.io/rancher/{name}:1")
        bundle.add(archive, kind="image", name=name, version="1", refs=(f"docker.io/rancher/{name}:1",))
    path = tmp_path / "inventory.yaml"
    path.write_text(INVENTORY)
    monkeypatch.setenv("EDGECTL_INVENTORY", str(path))
    return path


def declare(inventory: Path, text: str, *, before: str = "good") -> None:
    """Change what the store should become; the node's gate reads this word."""
    inventory.write_text(inventory.read_text().replace(f'"{before}"', f'"{text}"'))


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreNode]:
    """Return the store's bare node."""
    yield from store_node(tmp_path / "node", monkeypatch)


@pytest.fixture
def edgectl(capsys: pytest.CaptureFixture[str]) -> Edgectl:
    """Give a function that runs one command line."""

    def command(*words: str) -> Said:
        capsys.readouterr()
        code = run(words)
        said = capsys.readouterr()
        return Said(code, said.out, said.err, words)

    return command
