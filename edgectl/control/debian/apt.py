"""The apt of this machine, kept apart from it: its own state, lists, cache and settings, in a folder that goes.

Owns how it is started, what it must not read or write, and what its errors mean. Must not know what is wanted.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from edgectl.control.debian.origin import Origin
from edgectl.wire.errors import EdgectlError, InvalidInput, Unreachable

_FOLDERS = ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "etc/apt/trusted.gpg.d")
_STATE = ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg", "var/log/apt")
_KEPT = re.compile(r"(?i)path|(https?|ftp|no)_proxy")  # of the environment
_UNSAFE = re.compile(r"(?i)insecure|weak|downgrade|unauthenticated")
_UNSIGNED = re.compile(r"(?i)NO_PUBKEY|EXPKEYSIG|REVKEYSIG|BADSIG|is not signed|GPG error|could.?n.t be verified")
_AWAY = re.compile(r"(?i)failed to fetch|could not (resolve|connect)|temporary failure|timed out|unable to connect")
_CHANGED = re.compile(r"(?i)(hash sum|size) mismatch|unexpected size")
_NO_SUITE = re.compile(r"does not have a Release file")
_LINES = 20


@dataclass(frozen=True, slots=True)
class Said:
    """How a program of apt's ended."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> tuple[str, ...]:
        """Its errors and warnings."""
        return tuple(line for line in self.err.splitlines() if line[:2] in ("E:", "W:"))[:_LINES]


class Apt:
    """apt with a root of its own, for one architecture."""

    def __init__(self, root: Path, arch: str) -> None:
        self.root, self.arch = root, arch

    @property
    def archives(self) -> Path:
        """Where downloaded packages lie."""
        return self.root / "var/cache/apt/archives"

    @property
    def status(self) -> Path:
        """What apt takes for installed."""
        return self.root / "var/lib/dpkg/status"

    def get(self, *words: str, limit: float, each: Callable[[str], None] | None = None) -> Said:
        """Run apt-get; `each` gets its lines as they come."""
        return self._run(["apt-get", "-q", "-y", *words], limit, each)

    def ask(self, *words: str, limit: float, each: Callable[[str], None] | None = None) -> Said:
        """Run apt-cache."""
        return self._run(["apt-cache", "-q", *words], limit, each)

    def _run(self, argv: list[str], limit: float, each: Callable[[str], None] | None) -> Said:
        kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
        env = {**kept, "APT_CONFIG": str(self.root / "apt.conf"), "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        out: list[str] = []
        with (
            tempfile.TemporaryFile() as err,
            subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, start_new_session=True
            ) as program,
        ):
            timer = threading.Timer(limit, program.kill)
            timer.start()
            try:
                for line in program.stdout or ():
                    text = line.decode("utf-8", "replace").rstrip("\n")
                    out.append(text) if each is None else each(text)
                code = program.wait()
            except BaseException:
                program.kill()
                raise
            finally:
                timer.cancel()
            err.seek(0)
            said = err.read().decode("utf-8", "replace")
        if code < 0:
            said += f"E: {argv[0]} was ended after {limit:.0f} s"
        return Said(code, "\n".join(out), said)


@contextmanager
def isolated(arch: str, origin: Origin | None) -> Iterator[Apt]:
    """Give an apt that neither reads nor writes the machine's own state; InvalidInput when there is no apt here.

    Without an `origin` it asks the sources that the machine's own apt asks, with the same keys, pins and log-ins.
    """
    if shutil.which("apt-get") is None:
        raise InvalidInput(
            "there is no apt on this machine, and only apt can say what a package needs",
            hint="run it on Debian or Ubuntu, a container of it will do, and take the folder with you; packages that "
            "you have are taken by edgectl bundle build --from DIR",
        )
    with tempfile.TemporaryDirectory(prefix="edgectl-apt-") as name:
        root = Path(name)
        root.chmod(0o755)  # apt downloads as a user of its own
        for folder in (*_FOLDERS, *_STATE):
            (root / folder).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        (root / "apt.conf").write_text(_settings(root, arch, origin))
        if origin is not None:
            keyring = _keys(root, origin.keyring) if origin.keyring else None
            text = "".join(archive.stanza(keyring) for archive in origin.archives)
            (root / "etc/apt/sources.list.d/edgectl.sources").write_text(text)
        yield Apt(root, arch)


def meaning(said: Said, what: str) -> EdgectlError:
    """Return what an error of apt's means for a person; `what` was done."""
    text, lines = f"{said.err}\n{said.out}", said.errors
    if _UNSIGNED.search(text):
        return InvalidInput(
            f"{what}: the keys do not vouch for the packages' source",
            hint="name the file of keys that its maker publishes with --keyring; nothing was taken",
            details=lines,
        )
    if _CHANGED.search(text):
        return InvalidInput(
            f"{what}: a file has other bytes than its index says",
            hint="a mirror that is being renewed is whole again in a while; else name another one with --mirror",
            details=lines,
        )
    if _NO_SUITE.search(text):
        return InvalidInput(
            f"{what}: there is no such suite, or no signed index of it (a Release file)",
            hint="look at --suite and --mirror",
            details=lines,
        )
    if _AWAY.search(text):
        return Unreachable(
            f"{what}: the packages' source cannot be reached",
            hint="Look at the network and its proxy (http_proxy), or name a mirror with --mirror.",
            details=lines,
        )
    first = next((line[2:].strip() for line in lines if line.startswith("E:")), f"apt ended with {said.code}")
    unmet = tuple(
        line for line in said.out.splitlines() if " : " in line and re.search("Depends|Conflicts|Breaks", line)
    )
    return InvalidInput(f"{what}: {first}", hint=_UNMET if unmet else "", details=(*unmet[:_LINES], *lines))


_UNMET = (
    "What they need must be in the same source, or on the node: give its /var/lib/dpkg/status with --status, and a "
    "source with all of it."
)


def _settings(root: Path, arch: str, origin: Origin | None) -> str:
    """Return apt.conf: no file of the machine's settings is read, so that none of its hooks is run."""
    said = {
        "Dir": f"{root}/",
        "Dir::Etc::parts": f"{root}/etc/apt/apt.conf.d/",
        "APT::Architecture": arch,
        "APT::Update::Error-Mode": "any",
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Dpkg::Use-Pty": "false",
    }
    own = ("sourcelist", "sourceparts", "preferences", "preferencesparts", "netrc", "netrcparts")
    names = ("sources.list", "sources.list.d/", "preferences", "preferences.d/", "auth.conf", "auth.conf.d/")
    if origin is None:
        said |= {f"Dir::Etc::{key}": f"/etc/apt/{name}" for key, name in zip(own, names, strict=True)}
    if origin is None or origin.keyring is None:
        said |= {"Dir::Etc::trusted": "/etc/apt/trusted.gpg", "Dir::Etc::trustedparts": "/etc/apt/trusted.gpg.d/"}
    if os.geteuid() == 0 and not all(map(_open_to_all, (root, *(origin.local if origin else ())))):
        said["APT::Sandbox::User"] = "root"  # apt's own user could not read there
    text = "".join(f'{key} "{value}";\n' for key, value in said.items())
    return f'{_proxies()}{text}APT::Architectures {{ "{arch}"; }};\n'


def _proxies() -> str:
    """Return how the machine's apt reaches the world, without what lets it trust more than it should."""
    with suppress(OSError, subprocess.SubprocessError):
        ran = subprocess.run(
            ["apt-config", "dump", "Acquire"], capture_output=True, text=True, errors="replace", timeout=30, check=True
        )
        return "".join(f"{line}\n" for line in ran.stdout.splitlines() if not _UNSAFE.search(line.partition(" ")[0]))
    return ""


def _keys(root: Path, keyring: Path) -> Path:
    """Return a copy of a file of keys that apt's own user can read, with the ending by which apt knows its form."""
    try:
        data = keyring.read_bytes()
    except OSError as error:
        raise InvalidInput(f"--keyring {keyring} cannot be read: {error.strerror}") from error
    copy = root / ("keys.asc" if data.lstrip().startswith(b"-----BEGIN") else "keys.gpg")
    copy.write_bytes(data)
    return copy


def _open_to_all(path: Path) -> bool:
    with suppress(OSError):
        return all(one.stat().st_mode & stat.S_IXOTH for one in (path.resolve(), *path.resolve().parents))
    return False
