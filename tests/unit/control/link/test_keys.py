"""Which keys are offered, and in which order."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import cast

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from edgectl.control.link.keys import MOST, offer


class _Held:
    """A key in an agent."""

    def __init__(self, blob: bytes, comment: str) -> None:
        self._blob = blob
        self.comment = comment

    def asbytes(self) -> bytes:
        return self._blob


def _agent(*keys: _Held) -> tuple[paramiko.AgentKey, ...]:
    return cast("tuple[paramiko.AgentKey, ...]", keys)


def _key(path: Path, *, passphrase: bytes = b"") -> bytes:
    """Write a key pair; returns the public blob."""
    key = ed25519.Ed25519PrivateKey.generate()
    hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, hidden)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    path.write_bytes(private)
    Path(f"{path}.pub").write_bytes(public)
    return base64.b64decode(public.split()[1])


def test_named_files_come_first_and_only_once(tmp_path: Path) -> None:
    """Files in their order, then the agent's other keys; a key that is in both is the agent's, in the file's place."""
    first, second = _key(tmp_path / "first"), _key(tmp_path / "second", passphrase=b"locked")
    found = offer((tmp_path / "first", tmp_path / "second"), _agent(_Held(b"other", "card"), _Held(second, "work")))
    assert [one.label for one in found.candidates] == [
        str(tmp_path / "first"),
        f"{tmp_path}/second (agent)",
        "agent: card",
    ]
    assert [one.key.asbytes() for one in found.candidates] == [first, second, b"other"]
    assert found.problems == ()


def test_what_cannot_be_used_is_a_sentence_each(tmp_path: Path) -> None:
    """A missing, locked or foreign file stops nothing and is told."""
    _key(tmp_path / "locked", passphrase=b"secret")
    (tmp_path / "notes").write_text("buy milk")
    (tmp_path / "folder").mkdir()
    names = ("gone", "locked", "notes", "folder")
    found = offer(tuple(tmp_path / name for name in names), ())
    assert found.candidates == ()
    gone, locked, notes, folder = found.problems
    assert gone.endswith("gone: there is no such file")
    assert "has a passphrase; add it to the agent: ssh-add" in locked
    assert "not a private key that can be used here" in notes
    assert folder.endswith("folder: Is a directory")


def test_no_more_are_offered_than_the_server_allows() -> None:
    """An agent full of keys does not lock its owner out."""
    found = offer((Path("/nonexistent/key"),), _agent(*(_Held(bytes([n]), str(n)) for n in range(9))))
    assert len(found.candidates) == MOST


def test_without_named_files_the_usual_ones_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with ssh: ~/.ssh/id_ed25519 and its like, where they exist."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    _key(tmp_path / ".ssh/id_ed25519")
    assert [one.label for one in offer((), ()).candidates] == ["~/.ssh/id_ed25519"]
