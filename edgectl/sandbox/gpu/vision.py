"""The image of all Python services of the vision stack: the distribution's Python, wheels, and the services' code.

Owns: what goes in, what is left out, and the proof that what is left runs. Two layers: Python and the wheels, which
change with their versions, and the code, so that a new version of a service is small on the line. No model is in it:
nodes keep models in their registry. Must not know archives.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgectl.sandbox.build.cache import Say, digest_inputs, part
from edgectl.sandbox.build.command import command
from edgectl.sandbox.gpu import packages
from edgectl.sandbox.gpu.archive import Start
from edgectl.sandbox.gpu.packages import debs, python_version, unpack_debs, unpack_wheels, wheels

# Without their dependencies: each that is needed stands here. ONNX Runtime imports nothing but numpy to run a model.
WHEELS = (
    "numpy==2.4.6",
    "onnxruntime==1.31.1",
    "av==18.1.0",
    "paho-mqtt==2.2.0",
    "prometheus_client==0.26.0",
    # Traces, where a collector is named. `requests` and what it needs: the exporter imports them.
    "opentelemetry-api==1.45.2",
    "opentelemetry-sdk==1.45.2",
    "opentelemetry-semantic-conventions==0.66b2",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
    "opentelemetry-exporter-otlp-proto-common==1.45.2",
    "opentelemetry-exporter-otlp-common==0.66b2",
    "opentelemetry-exporter-http-transport==0.66b2",
    "opentelemetry-proto==1.45.2",
    "googleapis-common-protos==1.76.0",
    "protobuf==7.36.2",
    "typing_extensions==4.16.0",
    "requests==2.34.2",
    "urllib3==2.8.0",
    "charset-normalizer==3.5.2",
    "idna==3.20",
    "certifi==2026.10.18",
    "tzdata==2026.6",  # hours of sending, by the store's own time
)

_PACKAGE = Path(__file__).parents[2]
STACK = _PACKAGE / "stack"
WIRE = tuple(_PACKAGE / "wire" / name for name in ("__init__.py", "chain.py", "document.py"))
PROOF = Path(__file__).with_name("prove_vision.py")

# Libraries of the interpreter and of the wheels. Modules whose library is left out (curses) cannot be imported.
_KEEP = (
    r"python3\.\d+-minimal|libpython3\.\d+-(minimal|stdlib)|libc6|libgcc-s1|libstdc\+\+6|libcrypt1|"
    r"zlib1g|libexpat1|libffi\d+|libbz2-1\.0|liblzma5|libzstd1|libuuid1|libssl3(t64)?|libsqlite3-0"
)
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_LOADER = "usr/lib64/ld-linux-x86-64.so.2"
_SITE, _APP = "app/site", "app"
# Not needed to serve. Patterns are matched against paths below Python's library or the wheels' folder. All libraries
# beside PyAV stay: libavcodec names each of them, and does not load without.
_STDLIB_DROP = re.compile(
    r"(test|idlelib|tkinter|lib2to3|ensurepip|turtledemo|pydoc_data|distutils|venv|config-3[^/]*)(/.*)?|"
    r"(.*/)?__pycache__(/.*)?|lib-dynload/(_test|_xxtest|xx|_ctypes_test).*"
)
_SITE_DROP = re.compile(
    r"(.*/)?(tests|__pycache__|include)(/.*)?|.*\.(pyi|pyx|pxd|a|h|c|proto)|numpy/f2py(/.*)?|"
    r"onnxruntime/(transformers|quantization|tools|backend|datasets)(/.*)?|.*\.dist-info/.*(LICENSE|licenses).*|"
    r"onnxruntime/(ThirdPartyNotices\.txt|Privacy\.md|LICENSE)"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The layer that is there already, how the one above it is filled, the digest of both, and how it starts."""

    base: Path
    fill: Callable[[Path], None]
    inputs: str
    start: Start


def recipe(*, say: Say) -> Recipe:
    """Return the recipe for this host's distribution; what it is made from is in the cache then."""
    python = python_version(say=say)
    base = _base(python, say=say)

    def fill(tree: Path) -> None:
        _fill_code(tree, base, python)

    start = Start(
        ("/usr/bin/python3",),
        env=(
            f"PYTHONPATH=/{_APP}:/{_SITE}",
            "PYTHONDONTWRITEBYTECODE=1",
            "PYTHONUNBUFFERED=1",
            "ORT_DISABLE_TELEMETRY=1",
        ),
        user="65532:65532",
    )
    return Recipe(base, fill, digest_inputs(base.parent.name, STACK, *WIRE, PROOF), start)


def _base(python: str, *, say: Say) -> Path:
    """Return the tree of what changes rarely: Python and the wheels, compiled."""
    wanted = [f"python{python}-minimal", f"libpython{python}-stdlib", "libstdc++6"]
    folder = debs("image-python", wanted, _KEEP, say=say)
    site = wheels("image-wheels", WHEELS, python, say=say)

    def build(folder_out: Path) -> None:
        _fill_base(folder_out / "tree", python=python, folder=folder, site=site)

    inputs = digest_inputs(python, folder.name, site.name, Path(__file__), Path(str(packages.__file__)))
    return part("image-vision-base", inputs, build, say=say) / "tree"


def _fill_base(tree: Path, *, python: str, folder: Path, site: Path) -> None:
    whole = tree / ".whole"
    unpack_debs(folder, whole)
    library = f"usr/lib/python{python}"
    for name in ("bin", "lib", "lib64"):
        (tree / name).symlink_to(Path("usr") / name)
    _take(whole / f"usr/bin/python{python}", tree / f"usr/bin/python{python}")
    (tree / "usr/bin/python3").symlink_to(f"python{python}")
    for path in sorted((whole / _LIBRARIES).glob("*.so*")):
        _take(path, tree / _LIBRARIES / path.name)
    # Debian 12's package has an absolute link here, which must not be followed on the host.
    (tree / "usr/lib64").mkdir(parents=True)
    (tree / _LOADER).symlink_to("/" + _LIBRARIES + "/" + Path(_LOADER).name)
    _take_tree(whole / library, tree / library, _STDLIB_DROP)
    shutil.rmtree(whole)

    wheel = tree / ".wheels"
    unpack_wheels(site, wheel)
    _take_tree(wheel, tree / _SITE, _SITE_DROP)
    shutil.rmtree(wheel)
    _compile(tree, tree, python, f"usr/lib/python{python}", _SITE)


def _fill_code(tree: Path, base: Path, python: str) -> None:
    # No edgectl/__init__.py: a new version of edgectl alone is no new image.
    code = tree / _APP / "edgectl"
    shutil.copytree(STACK, code / STACK.name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in WIRE:
        _take(path, code / "wire" / path.name)
    _compile(base, tree, python, _APP)
    _run(base, tree, python, [PROOF])


def _compile(base: Path, tree: Path, python: str, *folders: str) -> None:
    """Add bytecode. Without it each start compiles hundreds of modules: 1.2 s, not 0.2 (measured on 2 cores).

    Unchecked, since the image's files never change and their times are all the epoch.
    """
    words = ["-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", "/"]
    _run(base, tree, python, [*words, *(tree / folder for folder in folders)])


def _run(base: Path, tree: Path, python: str, words: Sequence[str | Path]) -> None:
    """Run the image's own interpreter, with its own loader and libraries: a missing file is found here."""
    libraries = base / _LIBRARIES
    command(
        [libraries / Path(_LOADER).name, "--library-path", libraries, base / f"usr/bin/python{python}", *words],
        env={
            "PYTHONHOME": str(base / "usr"),
            "PYTHONPATH": f"{tree / _APP}:{base / _SITE}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "ORT_DISABLE_TELEMETRY": "1",
        },
        limit_seconds=300,
        hint="The vision image lacks something: see what failed above.",
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
