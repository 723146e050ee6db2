"""The inference image: the distribution's Python, two wheels, the service's code, the reference model.

Owns: what goes in, what is left out, and the proof that what is left answers. Must not know archives.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgectl.sandbox.build.cache import Say, digest_inputs
from edgectl.sandbox.build.command import command
from edgectl.sandbox.gpu.archive import Start
from edgectl.sandbox.gpu.packages import debs, python_version, unpack_debs, unpack_wheels, wheels

# ONNX Runtime imports nothing but numpy to run a model; what else it names is for its tools.
WHEELS = ("numpy==2.4.6", "onnxruntime==1.31.1")
MODEL = "tiny-detector"

_PACKAGE = Path(__file__).parents[2]
SERVICE = _PACKAGE / "stack" / "inference"

# Libraries of the interpreter and of the wheels. Modules whose library is left out (sqlite, curses) cannot be imported.
_KEEP = (
    r"python3\.\d+-minimal|libpython3\.\d+-(minimal|stdlib)|libc6|libgcc-s1|libstdc\+\+6|libcrypt1|"
    r"zlib1g|libexpat1|libffi\d+|libbz2-1\.0|liblzma5|libzstd1|libuuid1|libssl3(t64)?"
)
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_LOADER = "usr/lib64/ld-linux-x86-64.so.2"
# Not needed to serve. Patterns are matched against paths below Python's library or the wheels' folder.
_STDLIB_DROP = re.compile(
    r"(test|idlelib|tkinter|lib2to3|ensurepip|turtledemo|pydoc_data|distutils|venv|config-3[^/]*)(/.*)?|"
    r"(.*/)?__pycache__(/.*)?|lib-dynload/(_test|_xxtest|xx|_ctypes_test).*"
)
_SITE_DROP = re.compile(
    r"(.*/)?(tests|__pycache__|include)(/.*)?|.*\.(pyi|pyx|pxd|a|h|c)|numpy/f2py(/.*)?|"
    r"onnxruntime/(transformers|quantization|tools|backend|datasets)(/.*)?|.*\.dist-info/.*(LICENSE|licenses).*|"
    r"onnxruntime/(ThirdPartyNotices\.txt|Privacy\.md|LICENSE)"
)
_PROVE = (
    "import sys; from pathlib import Path; from edgectl.stack.inference.model import Model, find; "
    "model = Model(*find(Path(sys.argv[1]))); model.warm()"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to fill the image's tree, the digest of all that goes in, and how it starts."""

    fill: Callable[[Path], None]
    inputs: str
    start: Start


def recipe(*, say: Say) -> Recipe:
    """Return the recipe for this host's distribution; what it is made from is in the cache then."""
    python = python_version(say=say)
    model = _templates() / "models" / MODEL
    packages = debs(
        "image-python", [f"python{python}-minimal", f"libpython{python}-stdlib", "libstdc++6"], _KEEP, say=say
    )
    site = wheels("image-wheels", WHEELS, python, say=say)

    def fill(tree: Path) -> None:
        _fill(tree, python=python, packages=packages, site=site, model=model)

    return Recipe(
        fill,
        digest_inputs(python, packages.name, site.name, SERVICE, model),
        Start(
            (f"/usr/bin/python{python}", "-m", "edgectl.stack.inference"),
            env=(
                "PYTHONPATH=/app:/app/site",
                "PYTHONDONTWRITEBYTECODE=1",
                "PYTHONUNBUFFERED=1",
                "ORT_DISABLE_TELEMETRY=1",
            ),
            user="65532:65532",
        ),
    )


def _templates() -> Path:
    """Return the templates folder: inside an installed wheel, else beside the package in a checkout."""
    installed = _PACKAGE / "templates"
    return installed if installed.is_dir() else _PACKAGE.parent / "templates"


def _fill(tree: Path, *, python: str, packages: Path, site: Path, model: Path) -> None:
    whole = tree / ".whole"
    unpack_debs(packages, whole)
    library = f"usr/lib/python{python}"
    for name in ("bin", "lib", "lib64"):
        (tree / name).symlink_to(Path("usr") / name)
    _take(whole / f"usr/bin/python{python}", tree / f"usr/bin/python{python}")
    for path in sorted((whole / _LIBRARIES).glob("*.so*")):
        _take(path, tree / _LIBRARIES / path.name)
    # Debian 12's package has an absolute link here, which must not be followed on the host.
    (tree / "usr/lib64").mkdir(parents=True)
    (tree / _LOADER).symlink_to("/" + _LIBRARIES + "/" + Path(_LOADER).name)
    _take_tree(whole / library, tree / library, _STDLIB_DROP)
    shutil.rmtree(whole)

    wheel = tree / ".wheels"
    unpack_wheels(site, wheel)
    _take_tree(wheel, tree / "app/site", _SITE_DROP)
    shutil.rmtree(wheel)

    # No edgectl/__init__.py: a new version of edgectl alone is no new image.
    stack = tree / "app/edgectl/stack"
    stack.mkdir(parents=True)
    _take(SERVICE.parent / "__init__.py", stack / "__init__.py")
    shutil.copytree(SERVICE, stack / SERVICE.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(model, tree / "models" / model.name)
    _compile(tree, python)
    _prove(tree, python)


def _compile(tree: Path, python: str) -> None:
    """Add bytecode. Without it each start compiles hundreds of modules: 1.2 s, not 0.2 (measured on 2 cores).

    Unchecked, since the image's files never change and their times are all the epoch.
    """
    words = ["-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", "/"]
    _run(tree, python, [*words, tree / f"usr/lib/python{python}", tree / "app"])


def _prove(tree: Path, python: str) -> None:
    """Answer a question with the image's own loader, libraries and interpreter: a missing file is found here."""
    _run(tree, python, ["-c", _PROVE, tree / "models"])


def _run(tree: Path, python: str, words: Sequence[str | Path]) -> None:
    libraries = tree / _LIBRARIES
    command(
        [libraries / Path(_LOADER).name, "--library-path", libraries, tree / f"usr/bin/python{python}", *words],
        env={
            "PYTHONHOME": str(tree / "usr"),
            "PYTHONPATH": f"{tree / 'app'}:{tree / 'app/site'}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "ORT_DISABLE_TELEMETRY": "1",
        },
        limit_seconds=300,
        hint="The inference image lacks something: see what failed above.",
    )


def _take_tree(source: Path, target: Path, drop: re.Pattern[str]) -> None:
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if drop.fullmatch(name) or (path.is_dir() and not path.is_symlink()):
            continue
        _take(path, target / name)


def _take(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)
