"""The house's import contract, read from the sources: who may know whom, how large a file is, how it is called."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "edgectl"
LINES = 300
TRAVELS = ("edgectl.node", "edgectl.wire")
BANNED = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "handler", "phase", "task"}
_OF_A_DEPLOY = ("push", "accept", "receive", "cancel", "gaps", "bases")
NOT_TO_LOOK = {"statistics", *(f"edgectl.node.{name}" for name in _OF_A_DEPLOY)}
LAZY = {
    "opentelemetry",
    "paramiko",
    "kubernetes",
    "rich",
    "pydantic",
    "yaml",
    "jinja2",
    "python_on_whales",
    "cyclonedx",
    "packageurl",
}

# room -> what of edgectl it may import. "" is the package's own version.
MAY: dict[str, set[str]] = {
    "edgectl.wire": {"edgectl.wire"},
    "edgectl.node": {"edgectl.node", "edgectl.wire"},
    "edgectl.node.converge": {
        "edgectl.node.converge",
        "edgectl.node.io.files",
        "edgectl.node.io.places",
        "edgectl.wire",
    },
    "edgectl.node.io": {"edgectl.node.io", "edgectl.node.converge.protocol", "edgectl.wire"},
    "edgectl.control": {"edgectl.control", "edgectl.wire", "edgectl"},
    "edgectl.report": {"edgectl.report", "edgectl.control", "edgectl.wire"},
    "edgectl.stack": {"edgectl.stack", "edgectl.wire.chain", "edgectl.wire.document"},  # goes into the pods' image
    "edgectl.sandbox": {
        "edgectl.sandbox",
        "edgectl.wire",
        "edgectl.control.bundle",
        "edgectl.control.assets",
        "edgectl.stack",
        "edgectl",
    },
    "edgectl.cli": {"edgectl.cli", "edgectl.control", "edgectl.report", "edgectl.sandbox", "edgectl.wire", "edgectl"},
}
CONVERGE_NEVER = {"subprocess", "http", "socket", "ssl", "urllib"}


def sources(folder: Path = HOUSE) -> list[Path]:
    """Return every Python file of the house."""
    return sorted(path for path in folder.rglob("*.py") if "templates" not in path.relative_to(folder).parts)


def module_of(path: Path, house: Path = HOUSE) -> str:
    """Return a file's module name."""
    words = ["edgectl", *path.relative_to(house).with_suffix("").parts]
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def imports(text: str) -> Iterator[str]:
    """Yield the full name of everything that is imported, also inside functions."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide who knows whom"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in(name: str, rooms: set[str] | tuple[str, ...]) -> bool:
    """Return whether a name lies in one of the rooms; the bare package is a room for its version only."""
    return any(
        name in {"edgectl", "edgectl.__version__"} if room == "edgectl" else name == room or name.startswith(f"{room}.")
        for room in rooms
    )


def breaches(module: str, text: str) -> list[str]:
    """Return what a module imports and must not."""
    rooms = [room for room in MAY if is_in(module, (room,))]
    found = []
    for name in imports(text):
        ours = name.split(".")[0] == "edgectl"
        found += [
            name for room in rooms if ours and not is_in(name, MAY[room]) and not is_in(module, ("edgectl.__main__",))
        ]
        if is_in(module, TRAVELS) and not ours and name.split(".")[0] not in sys.stdlib_module_names:
            found.append(name)
        if is_in(module, ("edgectl.node.converge",)) and name.split(".")[0] in CONVERGE_NEVER:
            found.append(name)
    return found


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_the_contract(path: Path) -> None:
    """Control -> wire <- node; node and wire know only the standard library; only cli knows the sandbox."""
    assert breaches(module_of(path), path.read_text()) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("edgectl.node.engine", "import yaml"),
        ("edgectl.node.engine", "from edgectl.control.bundle import layout"),
        ("edgectl.wire.frame", "from edgectl.node.main import main"),
        ("edgectl.control.deploy.deploy", "from edgectl.node.recipe import recipe"),
        ("edgectl.control.deploy.deploy", "def f():\n    from edgectl.sandbox.demo import Demo"),
        ("edgectl.report.words", "import edgectl.cli.main"),
        ("edgectl.stack.ops.bus", "from edgectl.wire import payload"),
        ("edgectl.node.converge.loop", "import subprocess"),
        ("edgectl.node.converge.loop", "from edgectl.node.io.look import Look"),
        ("edgectl.node.converge.slots", "from edgectl.node.k3s.serves import Serves"),
        ("edgectl.node.io.api", "from edgectl.node.charts.release import HELM"),
        ("edgectl.sandbox.demo", "from edgectl.cli.main import run"),
    ],
)
def test_the_contract_bites(module: str, line: str) -> None:
    """Seeded faults: each forbidden import is found, also inside a function."""
    assert breaches(module, line)


@pytest.mark.parametrize("path", [*sources(HOUSE / "node"), *sources(HOUSE / "wire")], ids=module_of)
def test_what_travels_is_old_python(path: Path) -> None:
    """Python 3.10 is the oldest on a node: its grammar must do, and no name that came later is imported."""
    text = path.read_text()
    compile(text, str(path), "exec", ast.PyCF_ONLY_AST, _feature_version=10)
    newer = {"tomllib", "typing.Self", "datetime.UTC", "enum.StrEnum", "typing.override", "itertools.batched"}
    assert not newer & set(imports(text))


def test_old_python_bites() -> None:
    """Seeded fault: an except* of 3.11 is found."""
    with pytest.raises(SyntaxError):
        compile("try:\n    pass\nexcept* OSError:\n    pass\n", "x", "exec", ast.PyCF_ONLY_AST, _feature_version=10)


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_files_are_small_and_named_after_nouns(path: Path) -> None:
    """At most 300 lines, no name that says nothing, and a docstring that says what the file owns."""
    text = path.read_text()
    assert len(text.splitlines()) <= LINES
    assert not BANNED & set(path.relative_to(HOUSE).with_suffix("").parts)
    doc = ast.get_docstring(ast.parse(text))
    assert doc is not None
    assert len(doc.splitlines()) <= 8


@pytest.mark.programs("what `--help` imports can only be seen in a fresh interpreter")
def test_help_imports_nothing_heavy() -> None:
    """`edgectl --help` answers at once: neither paramiko, kubernetes, rich, pydantic nor yaml is imported."""
    code = (
        "import sys\n"
        "from edgectl.cli.main import run\n"
        "code = run(['--help'])\n"
        f"print('LOADED', sorted(set(sys.modules) & {LAZY!r}), code)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.splitlines()[-1] == "LOADED [] 0"


@pytest.mark.programs("what a session imports can only be seen in a fresh interpreter")
def test_a_look_loads_nothing_of_a_deploy() -> None:
    """A store that is asked how it stands imports what receives, judges and runs a deploy no more than statistics."""
    code = (
        "import sys\n"
        "import edgectl.node.session\n"
        f"print('LOADED', sorted(set(sys.modules) & {NOT_TO_LOOK!r}), 'edgectl.node.recipe' in sys.modules)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.splitlines()[-1] == "LOADED [] True"
