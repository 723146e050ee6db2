"""The guess of how a store's server is reached, made before anything heavy is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgectl.control.inventory.load import load
from edgectl.control.inventory.reach import reach
from edgectl.control.inventory.source import Source
from tests.fleet import fleet


def test_the_guess_is_the_truth_or_nothing(tmp_path: Path) -> None:
    """Law: for every store of a fleet, what is guessed is what the resolved store says; several nodes: no guess.

    Seeded fault: the folder of private keys forgotten.
    """
    path = tmp_path / "inventory.yaml"
    path.write_text(fleet(60))
    inventory = load(path)
    guesses = 0
    for name in inventory.names():
        store, guess = inventory.store(name), reach(Source.read(path), name)
        if len(store.nodes) > 1:
            assert guess is None
            continue
        assert guess == (store.lead.name, store.lead.ssh)
        guesses += 1
    assert guesses > 40


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stores: 5",
        "stores: {store-1: 5}",
        "stores: {store-1: {nodes: {n: {address: 1, host_key: 5}}}}",
        "stores: {store-1: {nodes: {n: {address: a, host_key: k e, ssh: {port: x}}}}}",
        "stores: {store-1: {nodes: {n: {address: a, host_key: k e, ssh: {sudo_password: {env: X}}}}}}",
        "stores: {store-1: {secrets: {}, nodes: {n: {address: a, host_key: k e}}}}",
        "stores: {store-1: {policy: {}, nodes: {n: {address: a, host_key: k e}}}}",
        "stores: {store-1: {groups: [none], nodes: {n: {address: a, host_key: k e}}}}",
        "stores: {",
    ],
)
def test_what_is_wrong_or_not_plain_is_no_guess(tmp_path: Path, text: str) -> None:
    """Nothing is raised here, and no node hears of a store that a rule or a missing secret may stop."""
    path = tmp_path / "inventory.yaml"
    path.write_text(text)
    assert reach(Source.read(path), "store-1") is None


@pytest.mark.programs("only a fresh interpreter shows what an import brings along")
def test_the_guess_is_cheap() -> None:
    """It exists to come before pydantic. Seeded fault: the schema imported by layers.py."""
    code = "import sys, edgectl.control.inventory.reach; print({'pydantic', 'jinja2', 'celpy'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "set()"
