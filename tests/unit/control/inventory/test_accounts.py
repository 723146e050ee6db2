"""Findings about host.users: nobody is shut out by what he deploys, no account is declared that cannot log in."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.inventory.load import load
from edgectl.control.inventory.store import Launch
from edgectl.wire.errors import InvalidInput

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
TEXT = """\
version: 1
bundle: bundle
{trust}
stores:
  store-1:
    k3s: {{version: v1.36.3+k3s1}}
    ssh: {{user: {user}}}
    host: {{users: {users}}}
    nodes: {{node-1: {{address: 10.0.0.1, host_key: "{key}"}}}}
"""


def write(tmp_path: Path, users: str, *, user: str = "root", trust: str = "trust: trust.yaml") -> Path:
    path = tmp_path / "inventory.yaml"
    path.write_text(TEXT.format(trust=trust, user=user, users=users, key=KEY))
    return path


@pytest.mark.parametrize(
    ("users", "user", "trust", "why"),
    [
        ("{edge: null}", "edge", "trust: trust.yaml", "edgectl comes as edge (ssh.user), and this takes his way away"),
        (
            f'{{edge: {{keys: ["{KEY}"]}}}}',
            "edge",
            "",
            "only what is signed, and this inventory trusts no key",
        ),
        (f'{{root: {{keys: ["{KEY}"]}}}}', "root", "", "root is no account to deploy with"),
        ("{edge: {keys: []}}", "root", "", "edge has no key and could not log in"),
        ("{edge: {keys: [ssh-ed25519]}}", "root", "", "a key of edge is none"),
        ("{edge: {keys: ['no-pty ssh-ed25519 AAAA']}}", "root", "", "a key of edge is none"),
        (f'{{edge: {{keys: ["{KEY} a", "{KEY} b"]}}}}', "root", "", "edge has this key twice"),
    ],
)
def test_what_would_shut_out_is_a_finding(tmp_path: Path, users: str, user: str, trust: str, why: str) -> None:
    """Law: said at its line, before a node is asked."""
    path = write(tmp_path, users, user=user, trust=trust)
    with pytest.raises(InvalidInput) as caught:
        load(path).store("store-1")
    assert any(f"{path}:8" in line and why in line for line in caught.value.details), caught.value.details


def test_a_deploy_user_comes_by_the_launcher(tmp_path: Path) -> None:
    """Only who is declared on that node does; root, and an account with sudo of its own, come as ever."""
    users = f'{{edge: {{keys: ["{KEY} ci"]}}, gone: null}}'
    for user, launch in (
        ("edge", Launch("store-1", tmp_path / "trust.yaml", (f"{KEY} ci",))),
        ("root", None),
        ("debian", None),
    ):
        store = load(write(tmp_path, users, user=user)).store("store-1")
        assert store.lead.ssh.launch == launch
