"""The command line itself: help, wrong words, completion, where output goes, and the pages that are made from it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edgectl.cli.commands import TABLE
from edgectl.cli.main import wants_json
from edgectl.wire import event, verdict
from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode
from tools.make_docs import commands_page, helps, pages

ROOT = Path(__file__).parents[2]
HELPS = dict(helps())
COMMANDS = {path: text for path, text in HELPS.items() if "COMMAND [ARGS]..." not in text}


@pytest.mark.parametrize("path", HELPS, ids=" ".join)
def test_help_has_examples_and_fits_80_columns(path: tuple[str, ...]) -> None:
    """A new user can copy a line of each; plain ASCII."""
    text = HELPS[path]
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.isascii()
    if path in COMMANDS:
        assert re.search(rf"^ +{' '.join(path)}\b", text.split("Example")[1], re.MULTILINE), "an example of itself"


@pytest.mark.parametrize("path", [path for path in COMMANDS if path[1] != "sandbox"], ids=" ".join)
def test_every_command_has_output_and_verbose(path: tuple[str, ...]) -> None:
    """The same two options everywhere."""
    assert "-o, --output <text|json>" in HELPS[path]
    assert "-v, --verbose" in HELPS[path]


def test_the_list_of_commands_is_what_their_own_help_says() -> None:
    """The short lines are kept apart, so that `--help` imports nothing; they say the same."""
    top = HELPS["edgectl",]
    for name, (_, line) in TABLE.items():
        assert f"  {name:<10} {line}" in top
        assert "..." not in line
        if name != "sandbox":
            assert " ".join(HELPS["edgectl", name].split()).find(line.rstrip(".")) >= 0, name


def test_help_ends_with_0_on_stdout(edgectl: Edgectl) -> None:
    """What was asked for is the result; both spellings."""
    for words in (("--help",), ("-h",), ("deploy", "--help"), ("sandbox", "up", "-h")):
        said = edgectl(*words)
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith("Usage: edgectl")


@pytest.mark.parametrize("words", [(), ("sandbox",)])
def test_no_words_show_the_help_on_stderr(words: tuple[str, ...], edgectl: Edgectl) -> None:
    """Exit 2: nothing was asked for, so nothing is a result."""
    said = edgectl(*words)
    assert (said.code, said.out) == (2, "")
    assert "Commands:" in said.err
    assert "which command?" in said.err
    assert edgectl(*words, "-o", "json").document["exit"] == 2 if not words else True


@pytest.mark.parametrize(
    ("words", "sentence", "following"),
    [
        (("depoly", "store-042"), "No such command 'depoly'", "did you mean `edgectl deploy`?"),
        (("frobnicate",), "No such command 'frobnicate'", "edgectl --help shows all commands"),
        (("sandbox", "rebot"), "No such command 'rebot'", "reboot"),
        (("deploy",), "Missing argument 'STORE'", "edgectl deploy --help"),
        (("deploy", "store-042", "--fast"), "No such option: --fast", "edgectl deploy --help"),
        (("deploy", "store-042", "store-043"), "unexpected extra argument", "edgectl deploy --help"),
        (("status", "store-042", "-o", "yaml"), "'yaml' is not one of 'text', 'json'", "edgectl status --help"),
        (("pause", "store-042"), "Missing option '--for'", "edgectl pause --help"),
        (("kubectl", "store-042", "get", "pods", "-A"), "No such option: -A", "behind --, as in: edgectl kubectl"),
        (("kubectl", "store-042"), "kubectl needs arguments", "edgectl kubectl store-042 -- get pods -A"),
        (("ssh", "store-042", "-o", "json"), "a shell has no JSON document", "edgectl ssh store-042 -o json -- "),
        (("pause", "store-042", "--for", "2 weeks", "--why", "x"), "--for 2 weeks is no length of time", "30m, 2h"),
        (("pause", "store-042", "--for", "0h", "--why", "x"), "--for 0h is no length of time", "30m, 2h"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_words_are_exit_2(
    words: tuple[str, ...], sentence: str, following: str, inventory: Path, node: StoreNode, edgectl: Edgectl
) -> None:
    """What is wrong, what would be right; nothing on stdout, nobody is connected to; one document when wanted."""
    assert inventory.exists()
    said = edgectl(*words)
    assert said.code == 2
    assert said.out == "" or wants_json(words)
    assert sentence in said.err
    assert following in said.err
    assert node.sessions == []
    if "-o" not in words:
        document = edgectl(*words[:2], "-o", "json", *words[2:]).document
        assert document["error"] == "UsageError"
        assert following in document["hint"] or sentence in document["message"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("status s -o json", True),
        ("status s --output json", True),
        ("status s --output=json", True),
        ("status s -ojson", True),
        ("status s -vo json", True),
        ("-o json", True),
        ("status s", False),
        ("status s -o text", False),
        ("kubectl s -- get pods -o json", False),
        ("kubectl s -o json -- get pods", True),
        ("", False),
    ],
)
def test_whether_json_is_wanted_is_known_without_understanding_the_line(line: str, wanted: bool) -> None:  # noqa: FBT001 - a table
    """What stands behind -- belongs to the remote program."""
    assert wants_json(line.split()) is wanted


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("edgectl dep", ["deploy"]),
        ("edgectl p", ["preflight", "plan", "pause"]),
        ("edgectl sandbox cut", ["cut-power"]),
        ("edgectl deploy sto", ["store-042"]),
        ("edgectl status -i {other} st", ["store-077"]),
        ("edgectl status -i missing.yaml st", []),
        ("edgectl status --out", ["--output"]),
        ("edgectl status -o j", ["json"]),
    ],
)
def test_completion(
    words: str, expected: list[str], inventory: Path, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands, options and store names complete; a broken inventory completes nothing and says nothing."""
    other = inventory.with_name("other.yaml")
    other.write_text(inventory.read_text().replace("store-042", "store-077"))
    line = words.format(other=other)
    monkeypatch.setenv("_EDGECTL_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    said = edgectl()
    assert said.out.split() == expected
    assert (said.code, said.err) == (0, "")


def test_version_is_one_line_or_one_document(edgectl: Edgectl) -> None:
    """The digest names the engine that this edgectl ships."""
    said = edgectl("version")
    assert re.fullmatch(r"edgectl \d+\.\d+\.\d+   engine [0-9a-f]{12}\n", said.out)
    document = edgectl("version", "-o", "json").document
    assert document["runtime"].removeprefix("sha256:")[:12] in said.out
    assert "Python 3." in edgectl("version", "-v").err


def test_help_imports_nothing_heavy() -> None:
    """`edgectl --help` stays within its 150 ms because it loads none of these, and no command."""
    code = "import sys; from edgectl.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(ended.stderr.split())
    heavy = {"paramiko", "kubernetes", "rich", "pydantic", "yaml", "jinja2", "asyncio", "tempfile", "json"}
    assert loaded & heavy == set()
    ours = {name for name in loaded if name.startswith("edgectl.")}
    assert ours <= {
        "edgectl.cli", "edgectl.cli.main", "edgectl.cli.commands", "edgectl.cli.interrupted", "edgectl.cli.plainly",
        "edgectl.wire", "edgectl.wire.errors",
    }  # fmt: skip


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize(
    "words", [("render", "store-042"), ("render", "store-43"), ("version", "--help")], ids=" ".join
)
def test_a_reader_that_has_had_enough_is_no_bug(words: tuple[str, ...], output: str, inventory: Path) -> None:
    """`edgectl render store-042 -o json | head -1` ends quietly, whatever is written into the closed pipe."""
    env = {**os.environ, "EDGECTL_INVENTORY": str(inventory), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    reader, writer = os.pipe()
    os.close(reader)
    argv = [sys.executable, "-m", "edgectl", *words, "-o", output]
    ended = subprocess.run(argv, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=env)
    os.close(writer)
    assert ended.returncode == (3 if words[-1] == "store-43" else 0)
    assert ("has no store" in ended.stderr) == (words[-1] == "store-43")
    assert "BrokenPipe" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_terminal_without_unicode_gets_escapes(encoding: str, inventory: Path) -> None:
    """A title from Zürich stops nothing, and a document stays a document."""
    inventory.write_text(inventory.read_text().replace("Berlin", "Zürich"), encoding="utf-8")
    env = {**os.environ, "EDGECTL_INVENTORY": str(inventory), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    for output, plain in (("text", b"Z\\xfcrich"), ("json", b"Z\\u00fcrich")):
        argv = [sys.executable, "-m", "edgectl", "render", "store-042", "-o", output]
        ended = subprocess.run(argv, capture_output=True, timeout=60, check=False, env=env)
        assert (ended.returncode, ended.stderr) == (0, b"")
        assert (plain if encoding == "ascii" else "Zürich".encode()) in ended.stdout


def test_every_command_is_documented() -> None:
    """docs/commands.md and the inventory's schema are what the code says."""
    for path, text in pages().items():
        assert path.read_text() == text, f"{path.relative_to(ROOT)}: run `nox -s docs`"
    page = commands_page()
    for words in HELPS:
        assert f"# {' '.join(words)}\n" in page


def test_words_are_documented() -> None:
    """docs/words.md has each word for a store and for a step, and no other."""
    page = (ROOT / "docs" / "words.md").read_text()
    tables = [set(re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE)) for part in page.split("## For a ")[1:]]
    constants = (verdict.READY, verdict.DEGRADED, verdict.NOT_READY, verdict.UNKNOWN, verdict.PENDING)
    assert tables[0] == {*constants, verdict.INTERRUPTED}
    assert tables[1] == {
        event.OK, event.CHANGED, event.CHANGING, event.WAITING,
        event.FAILED, event.BLOCKED, event.UNKNOWN, event.DRIFTED, event.REBOOTING,
    }  # fmt: skip
