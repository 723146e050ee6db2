"""The programs of the sandbox's Kubernetes, built once and kept in the cache.

Owns: versions, build flags, what each program is made from. One function a program, each returns its path.
Must not know nodes or stores.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from edgectl.sandbox.build.cache import Say, digest_inputs, part, to_stderr
from edgectl.sandbox.build.go import Go, needed_version, toolchain
from edgectl.sandbox.k3s.debian import runc_and_cni
from edgectl.sandbox.k3s.release import image_tag, official_binary

K3S_VERSION = "v1.36.3+k3s1"
K3S_BEFORE = "v1.36.2+k3s1"  # what a store is upgraded from, where two real versions are tried
HELM_VERSION = "v4.3.1"
COREDNS_VERSION = "1.12.0"  # the tag that the stand-in's manifest names; the program itself is newer
PAUSE_VERSION = "3.6"  # the tag that the stand-in's containerd is configured with

_HERE = Path(__file__).parent
STANDIN = _HERE / "standin"
COREDNS = _HERE / "coredns"
GPU_PLUGIN = _HERE.parent / "gpu" / "plugin"

# One set of flags for all, so that one Go build cache serves every program: no -trimpath, no cgo.
_STRIP = "-s -w"
_CONTAINERD = "github.com/containerd/containerd/v2"
_HELM = "helm.sh/helm/v4"


def k3s_before(*, say: Say = to_stderr) -> Path:
    """Return the k3s of the patch version before: built where it cannot be downloaded (cold: minutes)."""
    return official_binary(K3S_BEFORE, say=say) or standin_binary(K3S_BEFORE, say=say)


def k3s_binary(*, say: Say = to_stderr) -> Path:
    """Return the k3s that the sandbox's nodes run.

    `EDGECTL_SANDBOX_K3S` forces a binary; else the official release if it can be had; else the stand-in.
    """
    forced = os.environ.get("EDGECTL_SANDBOX_K3S", "")
    if forced:
        return _existing(Path(forced))
    return official_binary(K3S_VERSION, say=say) or standin_binary(say=say)


def system_tags(k3s: Path) -> dict[str, str]:
    """Return the tags under which this k3s looks for its system images: those it was released with."""
    known = {"mirrored-coredns-coredns": COREDNS_VERSION, "mirrored-pause": PAUSE_VERSION}
    return {image: image_tag(k3s, image, tag) for image, tag in known.items()}


def standin_binary(version: str = K3S_VERSION, *, say: Say = to_stderr) -> Path:
    """Return the stand-in for k3s: upstream Kubernetes behind k3s's command line and file layout.

    Another version than the one of its module is of the same minor version: no other API, and no other needs.
    """
    tools, shim = runc_and_cni(say=say), _shim(say=say)
    inputs = digest_inputs(STANDIN, version, tools.name, shim.parent.name)

    def build(folder: Path) -> None:
        go = _go(STANDIN, say)
        module = _stage(folder, STANDIN)
        carried = module / "embedded" / "bin"
        carried.mkdir(parents=True)
        for program in (shim, *sorted(tools.iterdir())):
            shutil.copy2(program, carried / program.name)
        ldflags, other = _k3s_ldflags(go, module, version), version != K3S_VERSION
        if other:
            _of_version(module, version)
        go.build(".", folder / "k3s", module=module, ldflags=ldflags, resolves=other)
        shutil.rmtree(module)

    return part("k3s-standin", inputs, build, say=say) / "k3s"


def _shim(*, say: Say) -> Path:
    """Return containerd's shim: a program of its own, since its task plugin may not be in containerd's binary."""

    def build(folder: Path) -> None:
        go = _go(STANDIN, say)
        module = _stage(folder, STANDIN)
        version = go.module_version(_CONTAINERD, module=module)
        go.build(
            f"{_CONTAINERD}/cmd/containerd-shim-runc-v2",
            folder / "containerd-shim-runc-v2",
            module=module,
            ldflags=f"{_STRIP} -X {_CONTAINERD}/version.Version={version}",
        )
        shutil.rmtree(module)

    inputs = digest_inputs(STANDIN / "go.mod", STANDIN / "go.sum")
    return part("containerd-shim", inputs, build, say=say) / "containerd-shim-runc-v2"


def _of_version(module: Path, version: str) -> None:
    """Let a module need Kubernetes' modules of another patch version."""
    had, gets = (text.removeprefix("v1.").partition("+")[0] for text in (K3S_VERSION, version))
    file = module / "go.mod"
    lines = [
        re.sub(rf" v([01])\.{re.escape(had)}\b", rf" v\1.{gets}", line) if "k8s.io/" in line else line
        for line in file.read_text().splitlines(keepends=True)
    ]
    file.write_text("".join(lines))


def _k3s_ldflags(go: Go, module: Path, version: str) -> str:
    major, minor, _ = version.removeprefix("v").split(".", 2)
    base = "k8s.io/component-base/version"
    stamps = {
        f"{base}.gitVersion": version,
        f"{base}.gitMajor": major,
        f"{base}.gitMinor": minor,
        f"{base}.gitTreeState": "clean",
        f"{base}.gitCommit": "standin",
        "k8s.io/client-go/pkg/version.gitVersion": version,
        f"{_CONTAINERD}/version.Version": f"{go.module_version(_CONTAINERD, module=module)}-k3s1",
    }
    return " ".join((_STRIP, *(f"-X {name}={value}" for name, value in stamps.items())))


def coredns_binary(*, say: Say = to_stderr) -> Path:
    """Return CoreDNS with the plugins that a cluster needs."""

    def build(folder: Path) -> None:
        module = _stage(folder, COREDNS)
        _go(COREDNS, say).build(".", folder / "coredns", module=module, ldflags=_STRIP)
        shutil.rmtree(module)

    return part("coredns", digest_inputs(COREDNS), build, say=say) / "coredns"


def gpu_plugin_binary(*, say: Say = to_stderr) -> Path:
    """Return the sandbox's device plugin, compiled in the stand-in's module so that API versions agree."""

    def build(folder: Path) -> None:
        module = _stage(folder, STANDIN)
        shutil.copytree(GPU_PLUGIN, module / "gpuplugin", ignore=shutil.ignore_patterns("go.mod", "go.sum", "*.py"))
        _go(STANDIN, say).build("./gpuplugin", folder / "gpu-plugin", module=module, ldflags=_STRIP)
        shutil.rmtree(module)

    inputs = digest_inputs(GPU_PLUGIN, STANDIN / "go.mod", STANDIN / "go.sum")
    return part("gpu-plugin", inputs, build, say=say) / "gpu-plugin"


def helm_binary(*, say: Say = to_stderr) -> Path:
    """Return Helm, built from its released module."""
    stamp = f"{_STRIP} -X {_HELM}/internal/version.version={HELM_VERSION}"

    def build(folder: Path) -> None:
        _go(STANDIN, say).install(f"{_HELM}/cmd/helm@{HELM_VERSION}", folder, ldflags=stamp)

    return part("helm", digest_inputs(HELM_VERSION, stamp), build, say=say) / "helm"


def _go(module: Path, say: Say) -> Go:
    return toolchain(needed_version((module / "go.mod").read_text()), say=say)


def _stage(folder: Path, source: Path) -> Path:
    """Copy a module's sources beside what is built from them; the installed sources stay as they are."""
    return Path(shutil.copytree(source, folder / ".module"))


def _existing(path: Path) -> Path:
    if not path.is_file() or not os.access(path, os.X_OK):
        from edgectl.wire.errors import InvalidInput

        raise InvalidInput(
            f"EDGECTL_SANDBOX_K3S names {path}, which is no executable file",
            hint="Name a k3s binary, or unset the variable to let edgectl choose.",
        )
    return path.resolve()
