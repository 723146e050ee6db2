"""From references to values: each kind, each way to have none, and no value in any sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import traceback
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.link.secret import Secret
from edgectl.control.secrets import program
from edgectl.control.secrets import resolve as real
from edgectl.control.secrets.program import ProgramFailed, output_of
from edgectl.control.secrets.reference import Reference
from edgectl.control.secrets.resolve import MOST_BYTES, Missing, extract, resolve, resolve_one
from edgectl.wire.errors import InvalidInput

pytestmark = pytest.mark.programs("references of the kinds exec and sops are programs")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an inventory."""
    return tmp_path


def script(folder: Path, text: str, name: str = "give") -> str:
    """Write a program; returns how the inventory names it."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return f"./{name}"


def value(**fields: Any) -> Secret | Missing:
    """Resolve one reference."""
    reference = Reference(**fields)
    return resolve([reference])[reference]


def given(**fields: Any) -> str:
    """Return the value of a reference that has one."""
    found = value(**fields)
    assert isinstance(found, Secret), found
    return found.reveal()


def why(**fields: Any) -> Missing:
    """Return why a reference has none."""
    found = value(**fields)
    assert isinstance(found, Missing)
    return found


def test_an_environment_variable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is, its newline included: a shell has set it so."""
    monkeypatch.setenv("APP_PASSWORD", " hunter2\n")
    assert given(folder=folder, env="APP_PASSWORD") == " hunter2\n"


def test_a_file_without_its_last_newline(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the inventory's folder, from home, or from the root; editors add a newline that is no part of it."""
    (folder / "password").write_text("hunter2\n")
    assert given(folder=folder, file="password") == "hunter2"
    assert given(folder=Path("/nowhere"), file=str(folder / "password")) == "hunter2"
    monkeypatch.setenv("HOME", str(folder))
    assert given(folder=Path("/nowhere"), file="~/password") == "hunter2"
    (folder / "two").write_bytes(b"line\n\r\n")
    assert given(folder=folder, file="two") == "line\n"


def test_a_programs_output(folder: Path) -> None:
    """No shell: arguments come as they are; it runs in the inventory's folder, and nothing is on its input."""
    program = script(folder, 'cat; echo "$1-$(pwd -P)"')
    assert given(folder=folder, exec=(program, "$HOME;*")) == f"$HOME;*-{folder.resolve()}"


def test_each_program_runs_once(folder: Path) -> None:
    """Two keys with the same reference are one question, and several programs run at a time."""
    count = script(folder, "echo x >> ran; sleep 0.3; echo v")
    same = Reference(folder=folder, exec=(count,))
    others = [Reference(folder=folder, exec=(count, str(number))) for number in range(4)]
    began = time.monotonic()
    found = resolve([same, same, *others])
    assert len(found) == len((folder / "ran").read_text().splitlines()) == 5
    assert time.monotonic() - began < 1.4


def test_what_has_no_value_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence for each way, with what was looked at."""
    monkeypatch.delenv("NOT_SET", raising=False)
    assert why(folder=folder, env="NOT_SET").reason == "the environment variable NOT_SET is not set"
    monkeypatch.setenv("EMPTY", "")
    assert why(folder=folder, env="EMPTY").reason == "the environment variable EMPTY is empty"
    assert why(folder=folder, file="gone").reason == f"the file {folder}/gone cannot be read: No such file or directory"
    assert why(folder=folder, file=".").reason.endswith("cannot be read: Is a directory")
    assert why(folder=folder, exec=("./gone",)).reason == "./gone cannot be run: No such file or directory"
    assert why(folder=folder, exec=(script(folder, ":"),)).reason == "the output of ./give is empty"
    big = script(folder, f"head -c {MOST_BYTES + 1} /dev/zero | tr '\\0' x")
    assert "bytes; a Kubernetes Secret holds 1048576 at most" in why(folder=folder, exec=(big,)).reason


def test_bytes_that_are_no_text_are_refused_unquoted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own sentence quotes a byte of the value and where it stands."""
    (folder / "key").write_bytes(b"hunter2\xff")
    sentence = f"the file {folder}/key is no UTF-8 text; edgectl carries texts only (base64 is one)"
    assert why(folder=folder, file="key") == Missing(sentence)
    monkeypatch.setitem(os.environb, b"RAW", b"\xfe")
    assert "no UTF-8 text" in why(folder=folder, env="RAW").reason


def test_a_failing_program_shows_its_errors_and_never_its_output(folder: Path) -> None:
    """Evidence is standard error; arguments may hold what opens a vault, so they are told nowhere, either."""
    failing, argument = script(folder, "echo hunter2; echo 'vault is sealed' >&2; exit 3"), "--token=hunter" + "2"
    found = why(folder=folder, exec=(failing, argument))
    assert found.evidence == ("give: vault is sealed",)
    assert found.reason.startswith("./give ended with 3 after ")
    with pytest.raises(InvalidInput) as caught:
        resolve_one(Reference(folder=folder, exec=(failing, argument)), what="the sudo password of node-1")
    trace = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in f"{found}{caught.value.to_json()}{trace}"
    assert caught.value.message.startswith("the sudo password of node-1 has no value: ./give ended with 3")


def test_a_program_that_hangs_is_ended_with_its_children(folder: Path) -> None:
    """The deadline holds, and what it had printed is told nowhere."""
    hangs = script(folder, "echo hunter2; sleep 60 & echo $! > pid; wait")
    began = time.monotonic()
    with pytest.raises(ProgramFailed) as caught:
        output_of((hangs,), folder=folder, limit_seconds=2)
    assert time.monotonic() - began < 10
    assert caught.value.reason == "./give did not end within 2 s"
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    stat_file = Path("/proc", (folder / "pid").read_text().strip(), "stat")
    deadline = time.monotonic() + 5
    while stat_file.exists() and ") Z" not in stat_file.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not stat_file.exists() or ") Z" in stat_file.read_text()
    assert program.LIMIT_SECONDS == 30


STAND_IN = """[ "$1 $2 $4" = "--decrypt --extract $PWD/secrets.yaml" ] || { echo "usage: $*" >&2; exit 64; }
[ "$3" = '["app"]["password"]' ] && { echo hunter2; exit; }
echo "error: component $3 not found" >&2; exit 91"""


def test_a_key_of_a_sops_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for sops is asked as sops is; its own words are the evidence."""
    script(folder, STAND_IN, "sops")
    (folder / "secrets.yaml").write_text("app: ENC[...]\n")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    folder = folder.resolve()
    assert given(folder=folder, sops="secrets.yaml", key="app.password") == "hunter2"
    missing = why(folder=folder, sops="secrets.yaml", key="app.user")
    assert missing.reason.startswith(f"app.user of {folder}/secrets.yaml (sops): sops ended with 91")
    assert missing.evidence == ('sops: error: component ["app"]["user"] not found',)
    monkeypatch.setenv("PATH", "/nowhere")
    found = why(folder=folder, sops="secrets.yaml", key="app.user")
    assert found.reason.endswith("sops cannot be run: No such file or directory")


@pytest.mark.parametrize(
    ("key", "wanted"), [("a", '["a"]'), ("a.b.c", '["a"]["b"]["c"]'), ("hosts.0.token", '["hosts"][0]["token"]')]
)
def test_a_dotted_key_is_a_path(key: str, wanted: str) -> None:
    """In the form that sops wants; a number is a place in a list."""
    assert extract(key) == wanted


@pytest.mark.skipif(not (shutil.which("sops") and shutil.which("age-keygen")), reason="sops and age are not here")
def test_the_real_sops(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an age key: values of a map, a list and many lines; a missing key and a missing age key say why."""
    keys = folder / "keys.txt"
    subprocess.run(("age-keygen", "-o", str(keys)), check=True, capture_output=True)
    public = next(line.split(": ")[1] for line in keys.read_text().splitlines() if "public key" in line)
    plain = folder / "plain.yaml"
    plain.write_text('app: {password: hunter2, lines: "one\\ntwo\\n"}\nhosts: [{token: first}]\n')
    argv = ("sops", "--encrypt", "--age", public, str(plain))
    encrypted = subprocess.run(argv, check=True, capture_output=True).stdout
    assert b"hunter2" not in encrypted
    (folder / "secrets.yaml").write_bytes(encrypted)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(keys))
    assert given(folder=folder, sops="secrets.yaml", key="app.password") == "hunter2"
    assert given(folder=folder, sops="secrets.yaml", key="app.lines") == "one\ntwo"
    assert given(folder=folder, sops="secrets.yaml", key="hosts.0.token") == "first"
    assert "ended with" in why(folder=folder, sops="secrets.yaml", key="app.nothing").reason
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(folder / "gone"))
    found = why(folder=folder, sops="secrets.yaml", key="app.password")
    assert found.evidence
    assert "hunter2" not in str(found)


def test_versions_say_that_it_is_another_and_nothing_more(folder: Path) -> None:
    """The operator's word, else the encrypted file's digest, else 1; a value is never part of it."""
    assert Reference(folder=folder, env="X").versioned() == "1"
    assert Reference(folder=folder, env="X", version="7").versioned() == "7"
    sops = Reference(folder=folder, sops="s.yaml", key="a")
    with pytest.raises(InvalidInput, match=r"s.yaml .sops. cannot be read: No such file"):
        sops.versioned()
    (folder / "s.yaml").write_text("one")
    one = sops.versioned()
    (folder / "s.yaml").write_text("two")
    assert sops.versioned() != one
    assert len(one) == 12
    assert Reference(folder=folder, sops="gone.yaml", key="a", version="2").versioned() == "2"


def test_no_value_is_on_a_command_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 10: what a program is started with are the inventory's own words."""
    started: list[Any] = []
    popen = subprocess.Popen

    def start(argv: list[str], **how: Any) -> Any:
        started.append(argv)
        return popen(argv, **how)

    monkeypatch.setattr(subprocess, "Popen", start)
    (folder / "key").write_text("hunter2")
    give = script(folder, "echo hunter3")
    resolve([Reference(folder=folder, file="key"), Reference(folder=folder, exec=(give, "argument"))])
    assert started == [[give, "argument"]]
    assert real.SOPS == "sops"
