"""What an inventory may say about secrets: one of four, and what Kubernetes needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edgectl.control.inventory.resolve import secrets
from edgectl.control.inventory.secret_schema import SecretReference, StoreSecret
from edgectl.control.inventory.store import SecretSettings
from edgectl.control.payload.secrets import secret
from edgectl.control.secrets.reference import Reference
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import StoreSecret as Declared

FOLDER = Path("/inventory")


def test_each_of_the_four() -> None:
    """With a version or without; what is not given is null, as a layer below may say it."""
    for doc in (
        {"env": "APP_PASSWORD"},
        {"file": "~/secret", "version": "3", "env": None},
        {"exec": ["vault", "read", "-field=password", "kv/app"]},
        {"sops": "secrets.yaml", "key": "app.password"},
    ):
        found = SecretReference.model_validate(doc).reference(FOLDER)
        assert found.folder == FOLDER
        assert {name for name in ("env", "file", "exec", "sops") if getattr(found, name)} == set(doc) & {
            name for name, value in doc.items() if value and name not in {"version", "key"}
        }


@pytest.mark.parametrize(
    ("doc", "sentence"),
    [
        ({}, "one of env, file, exec or sops is needed"),
        ({"env": "A", "file": "b"}, "is needed, not env and file"),
        ({"env": "hunter2!"}, "env is the name of an environment variable .*, never the secret"),
        ({"exec": []}, "exec needs a program"),
        ({"exec": "vault read"}, "list"),
        ({"file": ""}, "one line of text is needed"),
        ({"sops": "a.yaml"}, "sops and key go together"),
        ({"env": "A", "key": "b"}, "sops and key go together"),
        ({"sops": "a.yaml", "key": 'a"]["b'}, "key names a value"),
        ({"sops": "a.yaml", "key": "a..b"}, "key names a value"),
        ({"env": "A", "value": "hunter2"}, "Extra inputs"),
        ({"env": "A", "version": "no spaces"}, "match"),
    ],
)
def test_anything_else_is_refused(doc: dict[str, Any], sentence: str) -> None:
    """With the sentence that says what would be right."""
    with pytest.raises(ValidationError, match=sentence):
        SecretReference.model_validate(doc)


@pytest.mark.parametrize(
    ("doc", "sentence"),
    [
        ({"keys": {"a/b": {"env": "A"}}}, '"a/b" is no key of a secret'),
        ({"namespaces": [], "keys": {"a": {"env": "A"}}}, "namespaces needs at least one"),
        ({"type": "kubernetes.io/tls", "keys": {"tls.crt": {"env": "A"}}}, "needs the key tls.key"),
        (
            {"type": "kubernetes.io/dockerconfigjson", "keys": {"config": {"env": "A"}}},
            "needs the key .dockerconfigjson",
        ),
        ({"type": "kubernetes.io/service-account-token", "keys": {"a": {"env": "A"}}}, "Input should be"),
    ],
)
def test_what_kubernetes_would_refuse_is_said_here(doc: dict[str, Any], sentence: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ValidationError, match=sentence):
        StoreSecret.model_validate(doc)


def test_a_secret_becomes_names_and_versions() -> None:
    """For the namespaces of the releases where it names none; one set to null is not in this store."""
    model = StoreSecret.model_validate({"keys": {"B": {"env": "B", "version": "2"}, "A": {"env": "A"}}})
    (asked,) = secrets({"app": model, "gone": None}, FOLDER)
    assert asked == SecretSettings(
        "app", {"B": Reference(folder=FOLDER, env="B", version="2"), "A": Reference(folder=FOLDER, env="A")}
    )
    assert secret(asked, ["vision", "edge", "vision"]) == Declared("app", ("edge", "vision"), {"A": "1", "B": "2"})
    own = StoreSecret.model_validate({"namespaces": ["only"], "keys": {"A": {"env": "A"}}})
    assert secret(secrets({"app": own}, FOLDER)[0], ["vision"]).namespaces == ("only",)
    assert secrets(None, FOLDER) == ()
    with pytest.raises(InvalidInput, match="secret app is for no namespace"):
        secret(asked, [])
    with pytest.raises(InvalidInput, match="secret app has no keys"):
        secret(SecretSettings("app", {}), ["vision"])
