"""Helm on the operator's machine: the bundle's own binary, used for one thing, `helm template`.

Owns how it is run and cached. Must not know which releases a store has; it never talks to a cluster.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edgectl.control.bundle.chart import Chart
from edgectl.control.bundle.layout import Bundle
from edgectl.control.cache import cache
from edgectl.control.kubeyaml import load_all
from edgectl.control.staging import staged
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.errors import InvalidInput

_LIMIT_SECONDS = 60.0
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_CACHE_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Rendering:
    """One release to render. `kube_version` is what the cluster will say, e.g. v1.36.3+k3s1."""

    release: str
    namespace: str
    chart: Chart
    values: dict[str, Any]
    kube_version: str


class RenderFailed(InvalidInput):
    """Helm did not render a chart; `details` hold the command, its exit code and what it said."""


@dataclass(frozen=True, slots=True)
class Helm:
    """One Helm binary by digest, ready to be run here."""

    binary: Path
    digest: str

    @classmethod
    def of(cls, bundle: Bundle, version: str) -> Helm:
        """Take Helm for this machine out of the bundle; InvalidInput when it is not in there."""
        arch = arch_here()
        found = bundle.find(kind="helm", name="helm", version=version, arch=arch)
        if found is None:
            raise InvalidInput(
                f"the bundle {bundle.root} holds no Helm {version} for this machine ({arch}) to render charts with",
                hint=f"Add helm {version} for {arch} to the bundle.",
            )
        binary = cache("bin") / f"helm-{found.digest.removeprefix('sha256:')}"
        if not binary.is_file() or binary.stat().st_size != found.size:
            with staged(binary, mode=0o755) as stream, bundle.path(found.digest).open("rb") as source:
                while chunk := source.read(1 << 20):
                    stream.write(chunk)
        return cls(binary=binary, digest=found.digest)

    def template(self, asked: Rendering) -> tuple[dict[str, Any], ...]:
        """Return what `helm template` prints, as JSON objects, hooks included; RenderFailed with evidence.

        The same question is answered from the user's cache without starting Helm.
        """
        key = [_CACHE_FORMAT, self.digest, asked.chart.digest, asked.values, asked.release, asked.namespace]
        name = digest_of(canonical([*key, asked.kube_version])).removeprefix("sha256:")
        kept = cache("renders") / f"{name}.json"
        with suppress(OSError, ValueError):
            digest, _, body = kept.read_bytes().partition(b"\n")
            if digest.decode() == digest_of(body):
                return tuple(json.loads(body))
        printed = canonical(self._run(asked))
        with suppress(OSError), staged(kept) as stream:
            stream.write(digest_of(printed).encode() + b"\n" + printed)
        return tuple(json.loads(printed))

    def _run(self, asked: Rendering) -> tuple[dict[str, Any], ...]:
        with tempfile.TemporaryDirectory(prefix="edgectl-helm-") as folder:
            values = Path(folder) / "values.json"
            values.write_bytes(canonical(asked.values))
            command = [str(self.binary), "template", asked.release, str(asked.chart.path), "--values", str(values)]
            command += ["--namespace", asked.namespace, "--kube-version", asked.kube_version, "--skip-tests"]
            began = time.monotonic()
            try:
                done = subprocess.run(  # noqa: PLW1510 - the exit code is looked at below
                    command,
                    capture_output=True,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    env=_environment(Path(folder)),
                    stdin=subprocess.DEVNULL,
                    timeout=_LIMIT_SECONDS,
                )
            except subprocess.TimeoutExpired as error:
                raise RenderFailed(f"Helm did not finish in {_LIMIT_SECONDS:.0f} s", details=_lines(command)) from error
            except OSError as error:
                raise RenderFailed(f"Helm cannot be run: {error}", details=_lines(command)) from error
            evidence = _lines(command, done, time.monotonic() - began)
        if done.returncode != 0:
            raise RenderFailed(_sentence(done.stderr), details=evidence)
        try:
            return tuple(doc for doc in load_all(done.stdout) if doc)
        except yaml.YAMLError as error:
            raise RenderFailed(f"Helm printed YAML that cannot be read: {error}", details=evidence) from error


def arch_here() -> str:
    """Return this machine's architecture as a bundle says it: amd64, arm64."""
    return _ARCHES.get(platform.machine(), platform.machine())


def _environment(folder: Path) -> dict[str, str]:
    """Keep the person's Helm plug-ins, repositories and kubeconfig out: they must not change a payload."""
    homes = {f"HELM_{kind}_HOME": str(folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "KUBECONFIG": "/dev/null", **homes}


def _sentence(stderr: str) -> str:
    """Return Helm's own error as one sentence, the points that it lists below it included."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("Use --debug")]
    errors = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    points = "; ".join(line.removeprefix("- ") for line in lines if line.startswith("- "))
    first = (errors or lines or ["Helm said nothing"])[0].rstrip(".:")
    return f"{first}: {points}" if points else first


def _lines(
    command: list[str], done: subprocess.CompletedProcess[str] | None = None, seconds: float = _LIMIT_SECONDS
) -> tuple[str, ...]:
    head = f"$ {' '.join(command)}"
    if done is None:
        return (head, f"ended after {seconds:.1f} s")
    said = (*done.stdout.splitlines()[-5:], *done.stderr.splitlines()[-20:])
    return (head, f"exit {done.returncode} after {seconds:.1f} s", *said)
