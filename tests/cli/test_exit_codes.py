"""Every exit code and every class of error, through the real entry point: sentence, next step, one JSON document."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

import edgectl as package
from edgectl.control.link.lost import LinkLost, WrongHostKey
from edgectl.control.link.secret import Secret
from edgectl.wire import errors
from edgectl.wire.errors import Bug, EdgectlError, Exit, Locked, NotReady, Refused, StepFailed, Unreachable, UsageError
from tests.cli.conftest import KEY, Edgectl, declare
from tests.cli.node import StoreNode

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"
LINK = (  # what the link says of a node: class and sentence are made and tested in tests/link
    Unreachable("node-1: sudo refused the password of ada", hint="check the sudo password; nothing was changed"),
    Unreachable("10.77.0.11 lets ada in with none of 2 keys (node-1)", hint="name the right key file or user"),
    WrongHostKey("node-1 shows another host key than the pinned one", hint="read the new key at the node itself"),
    LinkLost("the link to node-1 is lost: the command has said nothing for 30 s", hint="the same command re-attaches"),
    NotReady("node-1 has Python 3.9.2; edgectl needs Python 3.10 or newer there", hint="apt-get install python3"),
    Bug("the engine on node-1 ended by itself (exit 1)", hint="please report this, with the lines above"),
)

Prepare = Callable[[Path, StoreNode], None]


def _nothing(inventory: Path, node: StoreNode) -> None:
    """Leave all as it is."""


def _says(text: str) -> Prepare:
    return lambda inventory, _: declare(inventory, text)


def _blocked_folder(inventory: Path, node: StoreNode) -> None:
    inventory.write_text(inventory.read_text().replace("/etc/motd", "/srv/motd"))
    node.file("srv").write_text("no folder")


def _refuses(error: Exception) -> Prepare:
    def prepare(_: Path, node: StoreNode) -> None:
        node.refuses = error

    return prepare


def _one_of_two_is_silent(inventory: Path, node: StoreNode) -> None:
    more = f"  store-043:\n    nodes: {{node-1: {{address: 10.77.0.12, host_key: {KEY}}}}}\n"
    inventory.write_text(inventory.read_text() + more)
    node.silent = frozenset({"10.77.0.12"})


# One way to each exit code: what is done first, the command, a word of the answer on stdout or stderr.
WAYS: dict[Exit, tuple[Prepare, tuple[str, ...], str]] = {
    Exit.OK: (_nothing, ("deploy", "store-042"), "store-042 is READY"),
    Exit.BUG: (_refuses(ZeroDivisionError("surprise")), ("status", "store-042"), "edgectl has a bug"),
    Exit.USAGE: (_nothing, ("deploy",), "Missing argument 'STORE'"),
    Exit.INVALID: (_nothing, ("deploy", "store-43"), "has no store"),
    Exit.UNREACHABLE: (_refuses(LINK[0]), ("deploy", "store-042"), "sudo refused the password"),
    Exit.NOT_READY: (_says("bad"), ("deploy", "store-042"), "is NOT READY"),
    Exit.FAILED: (_blocked_folder, ("deploy", "store-042"), "could not be written"),
    Exit.LOCKED: (_refuses(Locked("store-042 is paused", hint="resume")), ("deploy", "store-042"), "is paused"),
    Exit.PARTIAL: (_one_of_two_is_silent, ("collect",), "store-043/node-1  not asked"),
    Exit.DEGRADED: (_says("thin"), ("deploy", "store-042"), "is DEGRADED"),
    Exit.PENDING: (_nothing, ("plan", "store-042", "--exit-code"), "would change in 1 step"),
    Exit.REFUSED: (_refuses(Refused("another store's node")), ("deploy", "store-042"), "another store's"),
    Exit.INTERRUPTED: (_refuses(KeyboardInterrupt()), ("status", "store-042"), "interrupted"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("code", list(Exit), ids=lambda code: code.name)
def test_every_exit_code_has_its_way(code: Exit, inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law 11. As text it says what to do next; as JSON it is one document with the same exit code."""
    prepare, words, answer = WAYS[code]
    prepare(inventory, node)
    said = edgectl(*words)
    assert said.code == code, said
    assert answer in said.out + said.err
    if code not in {Exit.OK, Exit.DEGRADED, Exit.PENDING}:
        assert re.search(r"^  next:? +\S", said.out + said.err, re.MULTILINE)
    again = edgectl(*words, "-o", "json")
    assert again.document["exit"] == code or code in {Exit.OK, Exit.DEGRADED, Exit.PENDING}
    if "error" in again.document:
        assert again.document["hint"]
        assert again.document["message"]


def kinds() -> list[type[EdgectlError]]:
    """Return every class of error that edgectl has, wherever it is defined."""
    root = Path(package.__file__).parent
    texts = {path: path.read_text() for path in root.rglob("*.py")}
    names, found = {"EdgectlError"}, {Bug}
    while True:
        pattern = re.compile(rf"^class (\w+)\((?:{'|'.join(sorted(names))})\):", re.MULTILINE)
        more = {(path, name) for path, text in texts.items() for name in pattern.findall(text)}
        if {name for _, name in more} <= names:
            return sorted(found, key=lambda kind: (kind.exit, kind.__name__))
        names |= {name for _, name in more}
        for path, name in more:
            module = import_module(".".join(path.relative_to(root.parent).with_suffix("").parts))
            found.add(getattr(module, name))


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_class_of_error_ends_the_same_way(
    kind: type[EdgectlError], inventory: Path, node: StoreNode, edgectl: Edgectl
) -> None:
    """Its own exit code; sentence, evidence, next step and exit code on stderr, nothing on stdout; one document."""
    assert inventory.exists()
    node.refuses = kind("this is wrong", details=("$ command   (exit 1, 0.2 s)\nstderr: because",))
    said = edgectl("status", "store-042")
    assert (said.code, said.out) == (kind.exit, "")
    lines = said.err.splitlines()
    assert lines[:3] == ["error: this is wrong", "  $ command   (exit 1, 0.2 s)", "  stderr: because"]
    assert re.fullmatch(r"  next: .{10,}", lines[3])
    assert lines[4:] == [f"  exit {int(kind.exit)}"]
    document = edgectl("status", "store-042", "-o", "json").document
    assert (document["error"], document["message"]) == (kind.__name__, "this is wrong")
    assert document["hint"] == lines[3].removeprefix("  next: ")
    assert document["docs"] == f"exit-{int(kind.exit)}"


@pytest.mark.parametrize("error", LINK, ids=lambda error: error.message[:24])
@pytest.mark.parametrize("command", ["deploy", "plan", "status", "journal", "resume"])
def test_what_the_link_says_is_said_by_every_command(
    error: EdgectlError, command: str, inventory: Path, node: StoreNode, edgectl: Edgectl
) -> None:
    """Sentence and next step unchanged; nothing on stdout."""
    assert inventory.exists()
    node.refuses = error
    said = edgectl(command, "store-042")
    assert (said.code, said.out) == (error.exit, "")
    assert f"error: {error.message}\n" in said.err
    assert f"next: {error.hint}" in said.err


@pytest.mark.parametrize("words", ["nonsense", "deploy", "status store-042"])
def test_ctrl_c_while_the_end_is_told_is_one_too(words: str, tmp_path: Path) -> None:
    """Law: whoever presses it a second time leaves at once, with the same exit code and without a traceback."""
    program = """
import sys
from edgectl.cli import main
def told(*_, **__):
    raise KeyboardInterrupt
main._end = told
main.main()
"""
    line = [sys.executable, "-c", program, *words.split()]
    said = subprocess.run(line, capture_output=True, check=False, cwd=tmp_path)
    assert (said.returncode, said.stdout, said.stderr) == (Exit.INTERRUPTED, b"", b"")


def test_errors_cross_the_link_as_what_they_are() -> None:
    """Every class that a node can raise comes out at the other end; an unknown one keeps its exit code."""
    for kind in (NotReady, StepFailed, Locked, Refused):
        assert type(EdgectlError.from_json(kind("x", hint="y", details=("z",)).to_json())) is kind
    assert type(EdgectlError.from_json({"error": "FromTheFuture", "exit": 7})) is Locked
    assert type(EdgectlError.from_json({"exit": 99})) is Bug


def test_a_node_that_nobody_answers_for(inventory: Path, edgectl: Edgectl) -> None:
    """The real link, a closed port: exit 4, with host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = inventory.read_text().replace("host_key:", f"ssh: {{host: 127.0.0.1, port: {port}}}, host_key:")
    inventory.write_text(text)
    for command in ("deploy", "status", "plan"):
        said = edgectl(command, "store-042")
        assert (said.code, said.out) == (4, "")
        assert f"127.0.0.1:{port}" in said.err
        assert "next: " in said.err


def test_a_bug_leaves_a_log_and_no_secret(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """The traceback goes to a file whose name is said; a password that was at hand is not in it."""
    assert inventory.exists()
    node.refuses = RuntimeError(f"{Secret('hunter2')}")
    said = edgectl("status", "store-042", "-o", "json")
    assert said.code == 1
    (detail,) = said.document["details"]
    log = Path(detail.removeprefix("log: "))
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    assert "hunter2" not in log.read_text() + said.out + said.err


def test_the_sudo_password_must_be_at_hand(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """A variable that is not set is said before anybody connects."""
    text = inventory.read_text().replace("host_key:", "ssh: {user: ada, sudo_password: {env: NOT_SET_PW}}, host_key:")
    inventory.write_text(text)
    said = edgectl("deploy", "store-042")
    assert said.code == 3
    assert "sudo password of node-1 has no value: the environment variable NOT_SET_PW is not set" in said.err
    assert node.sessions == []


def test_docs_have_a_row_for_everything() -> None:
    """docs/errors.md: each exit code with its name, each class under its code, each anchor that errors point to."""
    text = DOCS.read_text()
    rows = dict(re.findall(r"^\| \[(\d+)\]\(#\d+-[a-z-]+\) \| ([^|]+) \|", text, re.MULTILINE))
    assert [int(code) for code in rows] == [int(code) for code in Exit]
    anchors = set(re.findall(r'^<a id="([^"]+)"></a>', text, re.MULTILINE))
    for code in Exit:
        section = text.split(f'<a id="exit-{int(code)}"></a>')[1].split('<a id="exit-')[0]
        named = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
        assert named == {kind.__name__ for kind in kinds() if kind.exit is code}
    for path in Path(package.__file__).parent.rglob("*.py"):
        assert set(re.findall(r'\bdocs="([^"]+)"', path.read_text())) <= anchors, path


def test_classes_of_the_wire_are_all_known_to_both_sides() -> None:
    """What `from_json` can rebuild is every class of wire.errors."""
    here = {kind.__name__ for kind in kinds() if kind.__module__ == "edgectl.wire.errors"}
    assert here == set(errors._BY_NAME)
    assert UsageError.exit is Exit.USAGE
