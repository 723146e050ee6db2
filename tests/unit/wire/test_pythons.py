"""The same document has the same bytes, and so the same name, under every Python that edgectl runs on.

An operator's 3.13 and a node's 3.10 must agree on digests. Interpreters are found on PATH and among pyenv's; one
that is not there is named.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from edgectl.control.blockyaml import dump
from edgectl.wire.document import canonical
from tests.strings import CARRIED

ROOT = Path(__file__).parents[3]
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
NUMBERS = [0, -1, 1 << 53, 1e22, 1e-7, 1e16, 123456789.123456789, 5e-324, -0.0, 0.1, True, None]
PROGRAM = """
import hashlib, json, sys
sys.path.insert(0, sys.argv[1])
from edgectl.control.blockyaml import dump
from edgectl.wire.document import canonical, digest_of
doc = json.load(sys.stdin)
print("%d.%d" % sys.version_info[:2], digest_of(canonical(doc)), digest_of(dump(doc).encode()))
"""

pytestmark = pytest.mark.programs("other versions of Python are what is tested")


def document() -> dict[str, object]:
    """Return all texts, as values and as keys, and numbers of every form."""
    texts = list(CARRIED.values())
    return {"texts": texts, "keys": {text: index for index, text in enumerate(texts)}, "numbers": NUMBERS}


def said(version: str) -> str:
    """Return what this version of Python prints; "" when there is none here (a pyenv shim alone is none)."""
    argv = ["-I", "-c", PROGRAM, str(ROOT)]
    for command, more in candidates(version):
        done = subprocess.run(
            [command, *argv],
            input=json.dumps(document()).encode(),
            capture_output=True,
            env={**os.environ, **more},
            timeout=60,
            check=False,
        )
        words = done.stdout.decode().split()
        if words[:1] == [version]:
            return " ".join(words[1:])
        assert done.returncode == 127 or not words, done.stderr.decode()[-1000:]
    return ""


def candidates(version: str) -> list[tuple[str, dict[str, str]]]:
    """Return how this version may be started: the program on PATH, then each of pyenv's that is installed."""
    name = f"python{version}"
    found: list[tuple[str, dict[str, str]]] = [(path, {}) for path in [shutil.which(name)] if path]
    if pyenv := shutil.which("pyenv"):
        listed = subprocess.run(
            [pyenv, "versions", "--bare"], capture_output=True, text=True, timeout=30, check=False
        ).stdout.split()
        own = [one for one in listed if one.startswith(f"{version}.")]
        found += [(name, {"PYENV_VERSION": one}) for one in own if shutil.which(name)]
    return found


def test_every_python_gives_the_same_digests() -> None:
    """Law: canonical() and dump() give the same bytes from 3.10 on. Seeded: a key order by str.casefold, repr of 1e16.

    Versions that are not on this machine are named in a warning; with no second one the test is skipped.
    """
    own = [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in (canonical(document()), dump(document()).encode())]
    others = {version: said(version) for version in VERSIONS if version != OWN}
    absent = [version for version, digests in others.items() if not digests]
    assert {version: digests for version, digests in others.items() if digests and digests.split() != own} == {}
    if len(absent) == len(others):
        pytest.skip(f"NO OTHER PYTHON HERE: digests were made with {OWN} only, not with {', '.join(absent)}")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        if absent:
            warnings.warn(f"no Python {', '.join(absent)} here: their digests were not compared", stacklevel=1)


def test_the_digests_of_this_document_do_not_change() -> None:
    """Law: an update of edgectl alone sends nothing: these bytes are those of the version before. Seeded: a space."""
    small = {"b": ["\u00e9", "\U0001f600", "\x7f\u2028", 1.5, 1e22, None, True], "a": {"c": ""}}
    assert canonical(small) == (
        b'{"a":{"c":""},"b":["\xc3\xa9","\xf0\x9f\x98\x80","\\u007f\\u2028",1.5,1e+22,null,true]}'
    )
