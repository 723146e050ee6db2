"""Where the packages of a suite come from: the mirror that the host's own apt is set up with.

Owns: which systems nodes can be made of, and how apt is asked. Must not know what is installed from there.
"""

from __future__ import annotations

import platform
from pathlib import Path

from edgectl.sandbox.machine.command import run
from edgectl.wire.errors import NotReady, StepFailed

SYSTEMS = {"debian-12": "bookworm", "debian-13": "trixie", "ubuntu-22.04": "jammy", "ubuntu-24.04": "noble"}
_KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/ubuntu-archive-keyring.gpg")
_SCRIPTS = Path("/usr/share/debootstrap/scripts")
_DISTRIBUTIONS = {"debian": ("bookworm", "trixie"), "ubuntu": ("jammy", "noble")}


def host_suite() -> str:
    """Return the suite of this machine, e.g. "bookworm"."""
    release = platform.freedesktop_os_release()
    if suite := release.get("VERSION_CODENAME"):
        return suite
    raise StepFailed(
        f"{release.get('PRETTY_NAME', 'This host')} has no suite name in /etc/os-release.",
        hint="The sandbox needs Debian 12 or 13, or Ubuntu 24.04.",
    )


def mirror_of(suite: str) -> str:
    """Return where this suite can be had: apt itself is asked, which knows both formats of its source lists.

    Debian's mirrors have all its suites, Ubuntu's all of theirs: so the host's own mirror does for another suite of
    its distribution. NotReady, by name, where it cannot be had from here.
    """
    mirrors = _mirrors()
    if suite in mirrors:
        return mirrors[suite]
    own = host_suite()
    if suite == own:
        raise StepFailed(
            f"The host's apt sources name no mirror for {suite} main.",
            hint="Add one to /etc/apt/sources.list.d, run apt-get update, then try again.",
        )
    kin = any({suite, own} <= set(suites) for suites in _DISTRIBUTIONS.values())
    if not kin or own not in mirrors:
        raise _cannot(suite, "its apt sources name no mirror that has it")
    if not (_SCRIPTS / suite).exists():
        raise _cannot(suite, "its debootstrap does not know it")
    return mirrors[own]


def sources_of(suite: str) -> str:
    """Return apt's source lines for a suite that is not the host's: what the host has of its own, in that suite."""
    own, mirrors = host_suite(), _mirrors()
    kinds = [kind for kind in ("", "-updates", "-security") if f"{own}{kind}" in mirrors]
    keyring = next((f"[signed-by={path}] " for path in _KEYRINGS if Path(path).exists()), "")
    return "".join(f"deb {keyring}{mirrors[own + kind]} {suite}{kind} main\n" for kind in kinds)


def mirrors_in(targets: str) -> dict[str, str]:
    """Return suite -> address from what apt says: those with a component main, the first of each."""
    found: dict[str, str] = {}
    for line in targets.splitlines():
        uri, _, place = line.partition(" ")
        suite, _, component = place.partition(" ")
        if component == "main" and uri.startswith(("http:", "https:", "file:")):
            found.setdefault(suite, uri)
    return found


def _mirrors() -> dict[str, str]:
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    return mirrors_in(run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"]).out)


def _cannot(suite: str, why: str) -> NotReady:
    system = next((name for name, known in SYSTEMS.items() if known == suite), suite)
    return NotReady(
        f"{system} cannot be had on this machine: {why}.",
        hint=f"Add a source for {suite} to /etc/apt/sources.list.d and run apt-get update, or leave --os out.",
    )
