"""What an inventory may say about secrets: where each is found, never what it is.

Owns these keys and their types. Must not resolve anything, nor know how layers merge.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from edgectl.control.inventory.section import Label, Line, Section
from edgectl.control.secrets.reference import Reference

_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SOPS_KEY = re.compile(r'[^."\[\]\x00-\x1f]+(\.[^."\[\]\x00-\x1f]+)*')
_NEEDED = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


class SecretReference(Section):
    """Where a secret is found when a deploy runs: one of env, file, exec, or sops with key."""

    env: str | None = Field(default=None, description="Name of the environment variable that holds it.")
    file: Line | None = Field(default=None, description="A file that holds it, from this file; ~ is your home.")
    exec: list[str] | None = Field(
        default=None, description="A program that prints it, and its arguments; no shell, 30 s at most."
    )
    sops: Line | None = Field(default=None, description="A file encrypted with sops, from this file; needs key.")
    key: str | None = Field(default=None, description="Where in the sops file: a.b.c")
    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,63}$")] | None = Field(
        default=None, description="Any word; another one says that the value is another. With sops: the file's own."
    )

    @model_validator(mode="after")
    def _one_of_four(self) -> Self:
        given = [name for name in ("env", "file", "exec", "sops") if getattr(self, name) is not None]
        if len(given) != 1:
            found = f", not {' and '.join(given)}" if given else ""
            raise ValueError(f"one of env, file, exec or sops is needed{found}")
        if self.env is not None and not _VARIABLE.fullmatch(self.env):
            raise ValueError("env is the name of an environment variable (letters, digits and _), never the secret")
        if self.exec is not None and (not self.exec or not self.exec[0]):
            raise ValueError("exec needs a program, as a list: [program, argument]")
        if "" in (self.file, self.sops):
            raise ValueError("a path is needed")
        if (self.sops is None) != (self.key is None):
            raise ValueError("sops and key go together: {sops: FILE, key: a.b.c}")
        if self.key is not None and not _SOPS_KEY.fullmatch(self.key):
            raise ValueError("key names a value of the sops file, like a.b.c")
        return self

    def reference(self, folder: Path) -> Reference:
        """Return what the rest of edgectl works with; `folder` is where the inventory lies."""
        return Reference(
            folder=folder,
            env=self.env or "",
            file=self.file or "",
            exec=tuple(self.exec or ()),
            sops=self.sops or "",
            key=self.key or "",
            version=self.version or "",
        )


class StoreSecret(Section):
    """One Kubernetes Secret of the store, with a reference for each key."""

    namespaces: list[Label] | None = Field(default=None, description="Those of the releases when not given.")
    type: Literal["Opaque", "kubernetes.io/dockerconfigjson", "kubernetes.io/tls"] = Field(
        default="Opaque", description="As Kubernetes names it."
    )
    keys: dict[str, SecretReference]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if wrong := [key for key in self.keys if not _DATA_KEY.fullmatch(key)]:
            raise ValueError(f'"{wrong[0]}" is no key of a secret: letters, digits, "-", "_" and "." are, up to 253')
        if self.namespaces == []:
            raise ValueError("namespaces needs at least one; leave it out for those of the releases")
        if missing := [key for key in _NEEDED.get(self.type, ()) if key not in self.keys]:
            raise ValueError(f"a secret of type {self.type} needs the key {' and '.join(missing)}")
        return self
