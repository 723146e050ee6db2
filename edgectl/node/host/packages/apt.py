"""apt and dpkg, as this engine runs them: by their own package source alone, asking nobody, starting nothing anew.

Owns: the options. Must not know what is installed, nor why.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.node.io.programs import Ran

LOCK_SECONDS = 120
_WORK_SECONDS = 1800.0  # a driver that DKMS builds takes minutes, on a small machine for each kernel
_THINK_SECONDS = 120.0
# a person's needrestart would restart services, or ask which: a restart is for the steps that own them
_ENV = (
    *("env", "DEBIAN_FRONTEND=noninteractive", "DEBCONF_NONINTERACTIVE_SEEN=true"),
    *("NEEDRESTART_MODE=l", "NEEDRESTART_SUSPEND=1", "APT_LISTCHANGES_FRONTEND=none"),
)
_CONFFILES = ("--force-confdef", "--force-confold")  # what people have changed stays, and nobody is asked


def dpkg(places: Places) -> tuple[str, ...]:
    """Return how dpkg is started, with its options; under another root than "/" (a test's) it keeps to that."""
    rooted = (f"--root={places.root}", "--force-script-chrootless", "--force-not-root", "--force-bad-path")
    return ("dpkg", *_CONFFILES, *(rooted if places.root != Path("/") else ()))


def _apt(places: Places) -> tuple[str, ...]:
    own = places.apt
    options = [
        *(f"DPkg::Options::={option}" for option in dpkg(places)[1:]),
        f"Dir::Etc::SourceList={own / 'sources.list'}",
        "Dir::Etc::SourceParts=/dev/null",
        "Dir::Etc::Preferences=/dev/null",
        "Dir::Etc::PreferencesParts=/dev/null",
        "APT::Default-Release=",
        f"Dir::State::Lists={own / 'lists'}",
        f"Dir::Cache={own / 'cache'}",
        "APT::Sandbox::User=root",  # the source is of root alone, and its digests are proven
        "DPkg::Use-Pty=0",
        f"DPkg::Lock::Timeout={LOCK_SECONDS}",
    ]
    if places.root != Path("/"):
        options += [f"Dir={places.root}", f"Dir::State::status={places.root / 'var/lib/dpkg/status'}"]
    return ("apt-get", *(word for option in options for word in ("-o", option)))


_INSTALL = (
    # what is half there, in the very version, counts as installed with apt: unless it is told to install that anew
    *("-y", "--no-install-recommends", "--allow-downgrades", "--allow-change-held-packages", "--reinstall"),
    "install",
)


class Apt:
    """Its verbs."""

    def __init__(self, write: Hands) -> None:
        self._write = write
        self._apt = _apt(write.places)

    def update(self) -> Ran:
        """Read our own source anew."""
        return self._run("update", "-qq", seconds=_THINK_SECONDS)

    def foresee(self, words: Sequence[str]) -> Ran:
        """Ask what an install would do; changes nothing, and takes no lock."""
        return self._run("-s", *_INSTALL, *words, seconds=_THINK_SECONDS)

    def install(self, words: Sequence[str]) -> Ran:
        """Install exactly these (NAME=VERSION, or NAME- to take one away)."""
        return self._run(*_INSTALL, *words, seconds=_WORK_SECONDS + LOCK_SECONDS)

    def foresee_removal(self, names: Sequence[str]) -> Ran:
        """Ask what else would go with these."""
        return self._run("-s", "-y", "--allow-change-held-packages", "remove", *names, seconds=_THINK_SECONDS)

    def remove(self, names: Sequence[str]) -> Ran:
        """Take these away; what people have changed in /etc stays (`purge` would take it)."""
        words = ("-y", "--allow-change-held-packages", "remove", *names)
        return self._run(*words, seconds=_WORK_SECONDS + LOCK_SECONDS)

    def configure(self) -> Ran:
        """Let dpkg bring to an end what it was stopped in."""
        return self._write.change(*_ENV, *dpkg(self._write.places), "--configure", "-a", limit_seconds=_WORK_SECONDS)

    def select(self, wants: dict[str, str]) -> Ran:
        """Say of packages what is wanted of them ("hold", "install"), as apt-mark does: all in one program."""
        text = "".join(f"{name} {want}\n" for name, want in wants.items())
        words = (*dpkg(self._write.places), "--set-selections")
        return self._write.change(*words, limit_seconds=_THINK_SECONDS, stdin=text.encode())

    def _run(self, *words: str, seconds: float) -> Ran:
        return self._write.change(*_ENV, *self._apt, *words, limit_seconds=seconds)


def deb_fields(read: Look, files: Sequence[Path]) -> Ran:
    """Return the control fields of package files, one after the other with an empty line between: one program."""
    loop = 'for file; do dpkg-deb -f "$file" || exit; echo; done'
    return read.run("sh", "-c", loop, "dpkg-deb", *map(str, files), limit_seconds=_THINK_SECONDS)
