"""runc and the CNI plugins, out of the host's own Debian packages.

Owns: which packages, and which of their files the stand-in carries. Must not know how the stand-in uses them.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from edgectl.sandbox.build.cache import Say, digest_inputs, part, to_stderr
from edgectl.sandbox.build.command import command
from edgectl.wire.errors import StepFailed

# package -> its files that are needed, by their name in the package
FILES = {
    "runc": ("usr/sbin/runc",),
    "containernetworking-plugins": tuple(
        f"usr/lib/cni/{name}" for name in ("bridge", "host-local", "loopback", "portmap")
    ),
}
_HINT = "`apt-get update` may be needed once: packages come from this machine's own apt sources."


def host_release(os_release: Path = Path("/etc/os-release")) -> str:
    """Return what tells this distribution's packages from another's, e.g. `debian bookworm`."""
    lines = dict(line.split("=", 1) for line in os_release.read_text().splitlines() if "=" in line)
    return f"{lines.get('ID', '')} {lines.get('VERSION_CODENAME', '')}".replace('"', "")


def runc_and_cni(*, say: Say = to_stderr) -> Path:
    """Return a folder with runc and the CNI plugins."""
    inputs = digest_inputs(host_release(), repr(sorted(FILES.items())))
    return part("runc-cni", inputs, _unpack, say=say)


def _unpack(folder: Path) -> None:
    debs, tree = folder / ".debs", folder / ".tree"
    debs.mkdir()
    _download(debs)
    for deb in sorted(debs.glob("*.deb")):
        command(["dpkg-deb", "-x", deb, tree], limit_seconds=120)
    for package, files in FILES.items():
        for name in files:
            source = tree / name
            if not source.is_file():
                raise StepFailed(f"The package {package} of {host_release()} has no file /{name}")
            shutil.copy2(source, folder / source.name)
    shutil.rmtree(debs)
    shutil.rmtree(tree)


def _download(debs: Path) -> None:
    """Fetch the packages; when the lists are missing or old, renew them once, where that is allowed."""
    # Without a sandbox user apt writes as we do; its own user `_apt` may not enter the cache folder.
    fetch = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "-o", "Acquire::http::Timeout=30", "download", *FILES]
    try:
        command(fetch, cwd=debs, limit_seconds=300)
    except StepFailed:
        with suppress(StepFailed):  # the fetch below says what is wrong
            command(["apt-get", "-qq", "update"], limit_seconds=300)
        command(fetch, cwd=debs, limit_seconds=300, hint=_HINT)
