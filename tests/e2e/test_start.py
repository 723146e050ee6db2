"""The start page, followed line by line by somebody who has just installed edgectl: ten stores, one of them whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgectl.wire.errors import Exit

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.alone]
ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INSTALLS = ("python3 -m venv", ".venv/bin/pip", ". .venv/bin/activate")  # the wheel's own test installs it
_SECONDS = 600


def commands() -> list[str]:
    """Return the page's commands, in order."""
    text = (ROOT / "docs/start.md").read_text(encoding="utf-8")
    found = [line.removeprefix("$ ") for block in _BLOCK.findall(text) for line in block.splitlines()]
    return [line for line in found if not line.startswith(_INSTALLS)]


@pytest.fixture
def desk() -> Iterator[Path]:
    """Yield a home without anything of edgectl's but what has been built on this machine; what is up goes down."""
    with tempfile.TemporaryDirectory(prefix="edgectl-start-") as place:
        home = Path(place)
        program = home / "bin/edgectl"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m edgectl "$@"\n')
        program.chmod(0o755)
        yield home
        subprocess.run([program, "sandbox", "down", "--all"], env=_env(home), timeout=300, check=False, cwd=ROOT)


def _env(home: Path) -> dict[str, str]:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    passed = {name: os.environ[name] for name in ("LANG", "TERM") if name in os.environ}
    path = f"{home}/bin:{os.environ['PATH']}"
    return {**passed, "HOME": str(home), "XDG_CACHE_HOME": cache, "PATH": path, "PYTHONPATH": str(ROOT)}


def test_the_start_page_is_true(desk: Path) -> None:
    """Law: each command ends as the page says; what it breaks is named, healed, and accounted for at the end."""
    asked, codes = commands(), {"edgectl status --all": [0, Exit.PARTIAL], "edgectl doctor store-001": [9, 0]}
    assert len(asked) > 20
    script = desk / "script"
    script.write_text("\n".join(f'{line}\necho "@$?" >&2' for line in asked))
    with (desk / "out").open("w+") as out, (desk / "err").open("w+") as err:
        subprocess.run(["bash", script], env=_env(desk), cwd=desk, stdout=out, stderr=err, timeout=_SECONDS, check=True)
        out.seek(0)
        err.seek(0)
        said, ended = out.read(), re.findall(r"^@(\d+)$", err.read(), re.MULTILINE)
    wanted = [int(codes[line].pop(0)) if codes.get(line) else 0 for line in asked]
    assert [(line, int(code)) for line, code in zip(asked, ended, strict=True)] == list(zip(asked, wanted, strict=True))
    assert "READY 10" in said
    assert re.search(r"UNREACHABLE +007", said)
    assert "E-POD-10" in said
    assert (desk / "store-001.html").stat().st_size > 10_000
