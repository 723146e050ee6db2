"""Everything a developer or CI runs. Each session does its own set-up, in the environment that runs nox.

python3 -m venv .venv && .venv/bin/pip install -q nox && .venv/bin/nox -s tests
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PYTHON = sys.executable
SYSTEM = {
    "sshd": ("openssh-server", "openssh-client"),
    "cc": ("gcc", "libc6-dev"),
    "dockerd": ("docker.io",),
    "mosquitto": ("mosquitto",),
    "strace": ("strace",),
    "gpg": ("gnupg",),
    "chromium-headless-shell": ("chromium-headless-shell",),
}
APT = ("apt-get", "-o", "DPkg::Lock::Timeout=300")  # a new machine often updates itself at that moment
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
STORES = 3  # that tests use at the same time: about 1.5 GiB of memory each
WAITING = 2  # tests of `unit` at once for each processor: half of their time they wait for a server, a deadline, a disk
FAST = (
    "tests/unit",
    "tests/laws",
    "tests/sim",
    "tests/cli",
    "tests/link",
    "tests/gpu",
    "tests/docs",
    "tests/contract",
    "tests/stack",
    "tests/packages",
    "tests/bundle_packages",
    "tests/page",
)
nox.options.sessions = ["lint", "types", "unit"]
nox.options.error_on_missing_interpreters = True


def _install(session: nox.Session) -> None:
    """Install the locked tools and edgectl itself; a second time costs a second."""
    stamp = Path(sys.prefix) / ".edgectl-lock"
    lock = (ROOT / "requirements.lock").read_bytes()
    if not stamp.is_file() or stamp.read_bytes() != lock:
        session.run(PYTHON, "-m", "pip", "install", "-q", "-r", str(ROOT / "requirements.lock"), external=True)
        session.run(PYTHON, "-m", "pip", "install", "-q", "--no-deps", "-e", str(ROOT), external=True)
        stamp.write_bytes(lock)


def _system(session: nox.Session, *programs: str) -> None:
    """In CI, install what tests start: OpenSSH's server, a C compiler for those of the GPU, Docker, a browser, more.

    Elsewhere they say that they were skipped, and why: on a person's machine a server would start unasked.
    """
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    missing = [name for program in programs if not shutil.which(program, path=path) for name in SYSTEM[program]]
    if os.environ.get("CI") and missing and shutil.which("apt-get"):
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        session.run(*_root(), *APT, "update", "-qq", external=True, env=env)
        session.run(*_root(), *APT, "install", "-y", "-qq", *missing, external=True, env=env)


def _root() -> list[str]:
    """Return what makes a command root: nothing, or sudo with this environment (the cache stays the user's)."""
    return [] if os.geteuid() == 0 else ["sudo", "--preserve-env=HOME,PATH,CI,XDG_CACHE_HOME,XDG_STATE_HOME"]


def _pytest(session: nox.Session, *arguments: str, root: bool = False, codes: Sequence[int] = (0,)) -> None:
    command = [*(_root() if root else []), PYTHON, "-m", "pytest", *arguments]
    session.run(*command, external=True, success_codes=codes)


@nox.session(python=False)
def demo(session: nox.Session) -> None:
    """Bring up a store on this machine, deploy it twice, reboot it, and watch it come back by itself."""
    _install(session)
    session.run(*_root(), PYTHON, "-m", "edgectl", "sandbox", "demo", *session.posargs, external=True)


@nox.session(python=False)
def tests(session: nox.Session) -> None:
    """Run everything that CI runs: lint, types, unit, laws, commands, and real stores in the sandbox."""
    for step in (lint, types, site, unit, e2e):
        step(session)


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    """Check style."""
    _install(session)
    session.run(PYTHON, "-m", "ruff", "check", ".", external=True)
    session.run(PYTHON, "-m", "ruff", "format", "--check", "-q", ".", external=True)


@nox.session(python=False)
def types(session: nox.Session) -> None:
    """Check types."""
    _install(session)
    session.run(PYTHON, "-m", "mypy", external=True)


@nox.session(python=False)
def unit(session: nox.Session) -> None:
    """Run all that needs no store."""
    _install(session)
    browser = () if any(map(shutil.which, BROWSERS)) else BROWSERS[:1]
    _system(session, "sshd", "cc", "mosquitto", "strace", "gpg", *browser)
    _pytest(
        session,
        *[folder for folder in FAST if (ROOT / folder).is_dir()],
        *("-q", "-n", str(WAITING * (os.cpu_count() or 1)), "--dist", "worksteal"),
        *("-m", "not long and not e2e"),
        *session.posargs,
    )


@nox.session(python=False)
def e2e(session: nox.Session) -> None:
    """Run the end-to-end tests on real stores in the sandbox (root), most of them side by side: they mostly wait.

    Those with real Docker engines come last: installed, Docker changes the host's firewall.
    """
    _install(session)
    session.run(*_root(), PYTHON, "-m", "tests.e2e.supplies", external=True)
    several = ("-n", str(STORES), "--dist", "loadfile", "--no-loadscope-reorder")  # tests/e2e/conftest.py orders
    some = [0, 5] if session.posargs else [0]  # whoever names tests may name none of one kind
    common = ("tests/e2e", "-q", "--durations=25")
    _pytest(session, *common, "-m", "alone and not long", *session.posargs, root=True, codes=some)
    _pytest(session, *common, "-m", "not alone and not long", *several, *session.posargs, root=True, codes=some)
    _system(session, "dockerd")
    _pytest(session, "tests/docker", "-q", "-m", "not long", *session.posargs, root=True, codes=some)


@nox.session(python=False)
def faults(session: nox.Session) -> None:
    """Print the fault table: what survives which fault at which event. `-- --every 1` tries all of them."""
    _install(session)
    session.run(PYTHON, "-m", "tests.sim.matrix", *session.posargs, external=True)


@nox.session(python=False)
def contract(session: nox.Session) -> None:
    """Check what edgectl relies on in k3s; `-- --k3s PATH` checks another binary than the stand-in."""
    _install(session)
    _pytest(session, "tests/contract", "-q", *session.posargs, root=True)


@nox.session(python=False)
def long(session: nox.Session) -> None:
    """Run everything, with what CI only samples."""
    _install(session)
    _pytest(session, "tests", "--durations=30", *session.posargs, root=True)


@nox.session(python=False)
def bench(session: nox.Session) -> None:
    """Measure what must be fast, each beside its floor."""
    _install(session)
    session.run(*_root(), PYTHON, "-m", "tests.bench", *session.posargs, external=True)


@nox.session(python=False)
def storm(session: nox.Session) -> None:
    """Let drawn events strike a store, and judge each from outside; `-- --events 60 --seed N` (root)."""
    _install(session)
    session.run(*_root(), PYTHON, "-m", "tests.storm", *session.posargs, external=True)


@nox.session(python=False)
def doctor(session: nox.Session) -> None:
    """Make thirty faults on a store, one by one, and mark what doctor says of each; `-- --write` keeps it (root)."""
    _install(session)
    session.run(*_root(), PYTHON, "-m", "tests.doctor", *session.posargs, external=True)


@nox.session(python=False)
def docs(session: nox.Session) -> None:
    """Generate what is generated: command reference, contract table, inventory schema."""
    _install(session)
    session.run(PYTHON, "tools/make_docs.py", *session.posargs, external=True)


@nox.session(python=False)
def site(session: nox.Session) -> None:
    """Build the pages of docs/ into site/, to be opened from the disk or served; a link that leads nowhere fails."""
    _install(session)
    session.run(PYTHON, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", "site", external=True)


@nox.session(python=False)
def pictures(session: nox.Session) -> None:
    """Take docs/pictures again, recordings and screenshots, from real stores in the sandbox (root, a browser)."""
    _install(session)
    session.run(*_root(), PYTHON, "-m", "tools.pictures", *session.posargs, external=True)


@nox.session(python=False)
def wheel(session: nox.Session) -> None:
    """Build the wheel into dist/ (the end-to-end tests install it in a clean environment and deploy with it)."""
    _install(session)
    session.run(PYTHON, "-m", "build", "--wheel", "--outdir", "dist", ".", external=True)


@nox.session(python=False)
def lock(session: nox.Session) -> None:
    """Renew requirements.lock: the newest versions of everything that pyproject.toml names."""
    session.run(PYTHON, "-m", "pip", "install", "-q", "--upgrade", "-e", str(ROOT), "--group", "dev", external=True)
    frozen = session.run(PYTHON, "-m", "pip", "freeze", "--exclude-editable", external=True, silent=True)
    (ROOT / "requirements.lock").write_text(str(frozen))


@nox.session(python=False)
def image(session: nox.Session) -> None:
    """Build an image of the wheel; `-- --base IMAGE@sha256:... [--tag NAME]`, or `-- --wheels` for its content alone.

    Everything is fetched here and installed from files there: the build needs no network, and gets what is locked.
    """
    _install(session)
    words = list(session.posargs)
    wheels = ROOT / "dist/wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    session.run(PYTHON, "-m", "build", "--wheel", "--outdir", str(wheels), ".", external=True)
    (wheel,) = wheels.glob("*.whl")
    lock = ("-c", str(ROOT / "requirements.lock"), "--only-binary=:all:")
    session.run(PYTHON, "-m", "pip", "download", "-q", "-d", str(wheels), *lock, str(wheel), external=True)
    if "--wheels" in words:
        return
    base = words[words.index("--base") + 1] if "--base" in words else ""
    tag = words[words.index("--tag") + 1] if "--tag" in words else "edgectl"
    if not base:
        session.error("which base? nox -s image -- --base docker.io/library/python@sha256:... (docs/ci.md)")
    command = ("docker", "build", "-f", "Containerfile", "--build-arg", f"BASE={base}", "-t", tag, ".")
    session.run(*command, external=True)
