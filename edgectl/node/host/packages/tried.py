"""Kernel modules that DKMS will build, tried before anything of theirs is unpacked.

A driver that does not build on this kernel is found out while the one before it is still whole: its sources are taken
out of the package file and built in a folder of their own, with the DKMS and the headers that will build it later.
Owns: which packages those are, the trial, and what it says. Leaves nothing behind but DKMS itself.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed
from edgectl.node.host.packages.foreseen import Foreseen
from edgectl.node.host.packages.stanzas import Stanza
from edgectl.node.io.look import Hands
from edgectl.node.io.programs import Ran

DKMS = "dkms"
_TOOLS = ("linux-headers-", "linux-kbuild-")  # what DKMS builds with and only recommends; it depends on its compiler
_BUILD_SECONDS = 1500.0
_UNPACK_SECONDS = 300.0
_LOG_LINES = 15
_SAYS = re.compile(r"""^\s*PACKAGE_(NAME|VERSION)=["']?([^"'\s]*)""", re.MULTILINE)
_FAULT = re.compile(r"error|fatal|\*\*\*", re.IGNORECASE)


def brings_modules(comes: Iterable[Stanza]) -> list[Stanza]:
    """Return what may bring a dkms.conf: what depends on DKMS. To look into all others would unpack each of them."""
    return [one for one in comes if DKMS in one.relates("Depends", "Pre-Depends")]


def tools(plan: Foreseen) -> dict[str, str]:
    """Return what must be there before a trial and comes by the same work: name -> version."""
    return {name: new for name, (_, new) in plan.comes.items() if name == DKMS or name.startswith(_TOOLS)}


def try_modules(write: Hands, one: Stanza) -> None:
    """Build what a package brings, for the kernel that runs; ApplyFailed with the build's last lines."""
    places = write.places
    folder = places.apt / "tried"
    name, version, arch = one.identity
    file = places.apt / f"{name}_{version.replace(':', '_')}_{arch}.deb"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / DKMS).mkdir(parents=True)
        ran = write.change("dpkg-deb", "-x", str(file), str(folder / "deb"), limit_seconds=_UNPACK_SECONDS)
        if not ran.ok:
            raise ApplyFailed(f"{name} {version} cannot be unpacked: {ran.last_words}", evidence=ran.evidence())
        for conf in sorted((folder / "deb/usr/src").glob("*/dkms.conf")):
            _build(write, folder, conf, f"{name} {version}")
    except OSError as error:
        raise ApplyFailed(f"{name} {version} could not be tried in {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _build(write: Hands, folder: Path, conf: Path, package: str) -> None:
    module, version = named(conf.read_text(errors="replace"), conf.parent.name)
    kernel = os.uname().release
    words = ("-m", module, "-v", version, "--sourcetree", str(conf.parent.parent), "--dkmstree", str(folder / DKMS))
    dkms = str(write.places.root / "usr/sbin" / DKMS)
    ran = write.change(dkms, "add", *words, limit_seconds=_UNPACK_SECONDS)
    if ran.ok:
        ran = write.change(dkms, "build", *words, "-k", kernel, limit_seconds=_BUILD_SECONDS)
    if ran.ok:
        return
    log = write.text(folder / DKMS / module / version / "build/make.log") or ""
    last = [line.rstrip() for line in log.splitlines() if line.strip()][-_LOG_LINES:]
    raise ApplyFailed(
        f"{package} does not build on this kernel ({kernel}): {reason(last, ran)}; "
        "nothing of it was installed, what was there before stays",
        evidence=(*(f"make.log: {line}" for line in last), *ran.evidence()),
    )


def named(conf: str, folder: str) -> tuple[str, str]:
    """Return a module's name and version as DKMS looks for it: in the folder NAME-VERSION."""
    said: dict[str, str] = dict(_SAYS.findall(conf))
    name = said.get("NAME", "")
    if name and folder.startswith(f"{name}-"):
        return name, folder.removeprefix(f"{name}-")
    before, _, after = folder.partition("-")
    return before, after or said.get("VERSION", "")


def reason(log: list[str], ran: Ran) -> str:
    """Return the line that says why: the first of the log's end that speaks of an error, else DKMS' own."""
    if ran.code is None:
        return f"it did not end in {ran.seconds:.0f} s"
    return next((line.strip() for line in log if _FAULT.search(line)), ran.last_words)
