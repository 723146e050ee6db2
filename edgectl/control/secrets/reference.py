"""Where a secret is found, in words that give nothing away: the inventory holds this, never a value.

Owns the four kinds and their versions. Must not resolve: `render` works from references alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgectl.wire.document import digest_of
from edgectl.wire.errors import InvalidInput

_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One of: an environment variable, a file, a program's output, a key of a file encrypted with sops.

    `folder` is the inventory's: paths are relative to it, programs run in it. `version` is the operator's own word.
    """

    folder: Path
    env: str = ""
    file: str = ""
    exec: tuple[str, ...] = ()
    sops: str = ""
    key: str = ""  # of the sops file: a.b.c
    version: str = ""

    def __str__(self) -> str:
        if self.env:
            return f"the environment variable {self.env}"
        if self.file:
            return f"the file {self.path}"
        if self.sops:
            return f"{self.key} of {self.path} (sops)"
        return f"the output of {self.exec[0]}" if self.exec else "nothing"

    @property
    def path(self) -> Path:
        """The file of `file` or `sops`."""
        return self.folder / os.path.expanduser(self.file or self.sops)  # noqa: PTH111 - Path's raises for unknown homes

    def versioned(self) -> str:
        """Return the version: as declared, else of the encrypted file as it lies here, else "1".

        Raises InvalidInput when that file cannot be read.
        """
        if self.version or not self.sops:
            return self.version or "1"
        try:
            return digest_of(self.path.read_bytes()).removeprefix("sha256:")[:_DIGITS]
        except (OSError, RuntimeError) as error:  # RuntimeError: no home folder
            reason = getattr(error, "strerror", None) or str(error)
            raise InvalidInput(f"{self} cannot be read: {reason}") from error
