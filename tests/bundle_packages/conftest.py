"""A signed repository in a folder, for the apt of this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.debs import deb

BASE = "Essential: yes\n"


class Repository:
    """Packages of one's own, an index of them, and a signature over it."""

    def __init__(self, home: Path) -> None:
        self.root, self.keys, self._gpg = home / "repository", home / "keys.gpg", home / "gpg"
        self.root.mkdir()
        self._gpg.mkdir(mode=0o700)
        self._stanzas: list[str] = []
        words = ("--passphrase", "", "--quick-gen-key", "shop@shop.example", "ed25519", "sign", "never")
        self._run(*words)
        self.keys.write_bytes(self._run("--export"))

    @property
    def mirror(self) -> str:
        """Its address."""
        return f"file:{self.root}"

    def put(self, name: str, version: str, arch: str = "amd64", *, extra: str = "", **fields: str) -> None:
        """Put a package into it; `extra` are lines of its index alone."""
        data = deb(name, version, arch, packing=".xz", **fields)
        file = f"{name}_{version.replace(':', '%3a')}_{arch}.deb"
        (self.root / file).write_bytes(data)
        said = {"Package": name, "Version": version, "Architecture": arch, "Filename": f"./{file}", "Size": len(data)}
        said |= {"SHA256": hashlib.sha256(data).hexdigest(), "Maintainer": "Anna", "Description": "one"}
        said |= {key.replace("_", "-").title(): value for key, value in fields.items()}
        self._stanzas.append("".join(f"{key}: {value}\n" for key, value in said.items()) + extra)

    def publish(self) -> None:
        """Write the index and sign it."""
        packages = "\n".join(self._stanzas).encode()
        (self.root / "Packages").write_bytes(packages)
        digest = hashlib.sha256(packages).hexdigest()
        release = (
            f"Origin: shop\nSuite: shop\nDate: {formatdate(usegmt=True)}\nSHA256:\n {digest} {len(packages)} Packages\n"
        )
        (self.root / "Release").write_text(release)
        (self.root / "InRelease").unlink(missing_ok=True)
        self._run("--clearsign", "-o", str(self.root / "InRelease"), str(self.root / "Release"))

    def close(self) -> None:
        """End the agent of its keys."""
        env = {**os.environ, "GNUPGHOME": str(self._gpg)}
        subprocess.run(["gpgconf", "--kill", "all"], env=env, check=False, timeout=30)

    def _run(self, *words: str) -> bytes:
        argv = ["gpg", "--batch", "--quiet", "--homedir", str(self._gpg), *words]
        return subprocess.run(argv, check=True, capture_output=True, timeout=60).stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Give a repository with a small system in it, and what the shop's own packages need."""
    missing = [name for name in ("apt-get", "gpg") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)} on this machine")
    found = Repository(tmp_path_factory.mktemp("apt"))
    found.put("base-files", "12", extra=BASE, pre_depends="libc6")
    found.put("libc6", "2.36-9")
    found.put("coreutils", "9.1-1", extra="Priority: required\n", depends="libc6")
    found.put("jq", "1.6-2", depends="libjq1 (= 1.6-2), libc6 (>= 2.34)", recommends="figlet")
    found.put("jq", "1:1.5~rc1-1", depends="libjq1 (>= 1), libc6")
    found.put("libjq1", "1.6-2", depends="libc6")
    found.put("figlet", "2.2.5-3", "all", depends="libc6 | musl")
    found.put("broken", "1", depends="nothing-has-this")
    found.publish()
    yield found
    found.close()
