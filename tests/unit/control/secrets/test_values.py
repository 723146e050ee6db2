"""All secrets of a store at once: one error for all that is missing, with lines; nothing that does not fit is sent."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgectl.cli.store import for_node
from edgectl.control.deploy import operator
from edgectl.control.deploy.deploy import Deploy
from edgectl.control.deploy.offer import Led, Offer
from edgectl.control.inventory.place import Place
from edgectl.control.inventory.store import SecretSettings, Store
from edgectl.control.link.secret import Secret
from edgectl.control.secrets.reference import Reference
from edgectl.control.secrets.resolve import MOST_BYTES
from edgectl.control.secrets.values import values_of
from edgectl.wire.envelope import Sender
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import Host


class Given:
    """What is asked of a store."""

    def __init__(self, *secrets: SecretSettings) -> None:
        self.secrets = secrets
        self.source = Path("stores.yaml")

    def place(self, *path: str) -> Place:
        """Return a line for each key."""
        return Place("stores.yaml", len(path), ord(path[-1][0]))


def values(folder: Path, **files: str) -> Any:
    """Resolve one secret for each file; the file is missing where its text is empty."""
    secrets = []
    for name, text in files.items():
        if text:
            (folder / name).write_text(text)
        secrets.append(SecretSettings(name, {"KEY": Reference(folder=folder, file=name)}))
    return values_of(cast("Store", Given(*secrets)))


def test_values_come_by_name_and_key(tmp_path: Path) -> None:
    """Each veiled."""
    found = values(tmp_path, a="hunter2\n", b="x")
    assert found["a"]["KEY"].reveal() == "hunter2"
    assert "hunter2" not in f"{found}"
    assert values_of(cast("Store", Given())) == {}


def test_all_that_is_missing_in_one_error(tmp_path: Path) -> None:
    """Exit 3, with the line of each."""
    with pytest.raises(InvalidInput) as caught:
        values(tmp_path, a="", b="there", c="")
    assert [line.partition(":")[0] for line in caught.value.details] == ["stores.yaml", "stores.yaml"]
    assert "secret a, KEY: the file" in caught.value.details[0]
    assert "secret c, KEY: the file" in caught.value.details[1]


def test_what_kubernetes_or_a_frame_does_not_hold_is_refused_here(tmp_path: Path) -> None:
    """A Secret holds a mebibyte; all together must fit into one frame, as they are written there."""
    with pytest.raises(InvalidInput, match=r"1 error in stores\.yaml"):
        values(tmp_path, a="x" * (MOST_BYTES + 1))
    with pytest.raises(InvalidInput) as caught:
        values(tmp_path, a="x" * MOST_BYTES, b="x" * MOST_BYTES, c="x" * 10)
    assert "all secrets together take" in caught.value.details[0]
    with pytest.raises(InvalidInput):
        values(tmp_path, a="\x01" * (MOST_BYTES // 2))


def test_values_go_to_the_lead_alone() -> None:
    """They stand in one frame of the lead's deploy; an offer that is shown or led by another node has none."""
    offer = Offer("store-042", "node-1", "p", "r", {}, {}, Sender("ada", "laptop"))
    offer = replace(offer, values={"app": {"PASSWORD": Secret("hunter2")}})
    assert "hunter2" not in f"{offer}"
    asked = _request(offer)
    assert asked["values"] == {"app": {"PASSWORD": "hunter2"}}
    assert "hunter2" not in f"{asked['envelope']}{asked['blobs']}"
    assert "values" not in _request(replace(offer, led=Led("run", 1, Secret("token"))))
    assert "values" not in _request(replace(offer, values={}))
    node = SimpleNamespace(k3s=None, gpu=None, host=Host(1))
    payload = SimpleNamespace(node=lambda _: node, blobs_of=lambda _: {})
    assert for_node(offer, cast("Any", SimpleNamespace(payload=payload)), "node-2").values == {}


def _request(offer: Offer) -> dict[str, Any]:
    deploy = Deploy(offer, cast("Any", None), cast("Any", None))
    return deploy._request({"sequence": 0}, "SHA256:key")


def test_git_is_given_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the environment it gets what it reads: a child's environment can be read on this machine."""
    given: list[dict[str, str]] = []

    def run(argv: list[str], **how: Any) -> Any:
        given.append(how["env"])
        return SimpleNamespace(returncode=0, stdout=f"{argv[0]}\nsubject")

    monkeypatch.setenv("STORE_PASSWORD", "hunter2")
    monkeypatch.setattr(subprocess, "run", run)
    assert operator.commit_of(tmp_path / "inventory.yaml") == ("git", "subject")
    assert "STORE_PASSWORD" not in given[0]
    assert "PATH" in given[0]
